-- Counters, and the writers that move them. Wide columns stand first, so that no byte is lost to alignment.

create table counter (
  value          bigint      not null default 0,
  version        bigint      not null default 1,
  min            bigint,
  max            bigint,
  snapshot_value bigint,
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now(),
  kind           text        not null default 'plain',
  namespace      text        collate "C" not null,
  name           text        collate "C" not null,
  constraint counter_pkey primary key (namespace, name),
  constraint counter_kind check (kind in ('plain', 'members')),
  constraint counter_within_bounds check ((min is null or value >= min) and (max is null or value <= max))
) with (
  -- An update finds room for the new row in the same page and touches no index (HOT), as long as no index covers a column
  -- that updates change.
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);

comment on table  counter                is 'One row a counter. Only writers change it: see writer.delta.';
comment on column counter.value          is 'The count.';
comment on column counter.version        is '1 when made, one more for each operation applied. The ETag.';
comment on column counter.min            is 'The least value, included; null: that of 64 bits.';
comment on column counter.max            is 'The greatest value, included; null: that of 64 bits.';
comment on column counter.snapshot_value is 'The value as last copied by a snapshot; null: never.';
comment on column counter.created_at     is 'When the row was made.';
comment on column counter.updated_at     is 'When the last operation was applied.';
comment on column counter.kind           is 'plain: moved by deltas. members: counts its distinct members.';
comment on column counter.namespace      is '1 to 64 of A-Za-z0-9._-, compared by bytes.';
comment on column counter.name           is '1 to 256 bytes of UTF-8, compared by bytes.';
comment on index  counter_pkey           is 'Every read and write of a counter; makes get-or-create safe from races.';

create table writer (
  id               bigint      not null,
  sequence         bigint      not null default 0,
  operations       bigint      not null default 0,
  delta            numeric     not null default 0,
  started_at       timestamptz not null default now(),
  seen_at          timestamptz not null default now(),
  lane             integer     not null,
  instance         text        not null,
  outcome_values   bigint[],
  outcome_versions bigint[],
  constraint writer_pkey primary key (id)
) with (
  -- A few rows, each updated with every batch of its lane.
  fillfactor = 20,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_cost_delay = 0,
  toast.autovacuum_vacuum_scale_factor = 0,
  toast.autovacuum_vacuum_threshold = 2000,
  toast.autovacuum_vacuum_cost_delay = 0
);

comment on table  writer                  is 'One row for each lane of each instance: which batch it committed last, and its books. Row 0 holds the books of all former writers.';
comment on column writer.id               is 'Chosen by chance when the lane first writes.';
comment on column writer.sequence         is 'The last batch committed. A batch is applied only where this is one less than its own.';
comment on column writer.operations       is 'How many operations its batches applied. Never less than what was acknowledged.';
comment on column writer.delta            is 'What its batches added to the sum of all counters. The sum over all writers equals the sum of counter.value.';
comment on column writer.started_at       is 'When the lane first wrote.';
comment on column writer.seen_at          is 'When it last wrote or its instance last said that it is alive.';
comment on column writer.lane             is 'Which lane of the instance.';
comment on column writer.instance         is 'The host and process that writes.';
comment on column writer.outcome_values   is 'The values after the last batch, in the order of its counters; an element is null where one was left out. Null: that batch was given up and never commits.';
comment on column writer.outcome_versions is 'The versions that belong to outcome_values.';
comment on index  writer_pkey             is 'The fence of every batch.';

insert into writer (id, lane, instance) values (0, 0, 'former writers');
