-- The order of counters by value and by growth. Kept beside the counters and not by an index on them, which would make every
-- increment touch it.

create table ranking (
  value     bigint      not null,
  growth    bigint      not null,
  since     timestamptz not null,
  until     timestamptz not null default 'infinity',
  namespace text        collate "C" not null,
  name      text        collate "C" not null,
  constraint ranking_pkey primary key (namespace, name, since)
) with (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_cost_delay = 0
);

create index ranking_by_value  on ranking (namespace, value, name);
create index ranking_by_growth on ranking (namespace, growth, name);
create index ranking_past      on ranking (namespace, until) where until < 'infinity';

comment on table  ranking           is 'Where each counter stood from one pass to another. A sequence of pages sees the passes as they were when it began, so that it is complete, and shows nothing twice.';
comment on column ranking.value     is 'The counter''s value.';
comment on column ranking.growth    is 'The value less that of the last snapshot, cut off at 64 bits.';
comment on column ranking.since     is 'The pass that found it so.';
comment on column ranking.until     is 'The pass that found it otherwise; infinity: none has.';
comment on column ranking.namespace is 'The counter''s.';
comment on column ranking.name      is 'The counter''s.';
comment on index  ranking_pkey      is 'Where a counter stands now.';
comment on index  ranking_by_value  is 'Pages by value.';
comment on index  ranking_by_growth is 'Pages by growth.';
comment on index  ranking_past      is 'Finds what no page can ask for any more.';

create table ranking_pass (
  passed_at timestamptz not null default '-infinity',
  full_at   timestamptz not null default '-infinity',
  due_at    timestamptz not null default now(),
  counters  bigint      not null default 0,
  namespace text        collate "C" not null,
  constraint ranking_pass_pkey primary key (namespace)
);

comment on table  ranking_pass           is 'One row for each namespace whose order was asked for. Its lock is the right to make a pass over it.';
comment on column ranking_pass.passed_at is 'The last pass that found something moved. What was acknowledged before is in it.';
comment on column ranking_pass.full_at   is 'The last pass that looked at every counter and not only at those that were updated.';
comment on column ranking_pass.due_at    is 'When the next pass over a large namespace is due.';
comment on column ranking_pass.counters  is 'How many counters the last full pass found.';
comment on column ranking_pass.namespace is 'Which.';
comment on index  ranking_pass_pkey      is 'The pass of a namespace.';
