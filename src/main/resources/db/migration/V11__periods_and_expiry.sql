-- Periods and expiry of counters.
--
-- The new columns are null for a counter without them, so adding them rewrites no row.
--
-- An instance of an earlier release, which may run meanwhile, does not know of periods and expiry: it counts on. So
-- periods and expiry are for clients only after all instances have this release.

alter table counter
  add column period         text,
  add column period_start   timestamptz,
  add column period_end     timestamptz,
  add column period_version bigint,
  add column expires_at     timestamptz;

comment on column counter.period is
  'The rule of the periods: an ISO 8601 duration and the start of period 0. Null: no periods.';
comment on column counter.period_start is
  'The start of the stored period, included.';
comment on column counter.period_end is
  'The end of the stored period, excluded. From then on the value is the initial value.';
comment on column counter.period_version is
  'The version at the start of the stored period; 0 if the counter was created in it. Less than '
  'version: an operation was applied in it.';
comment on column counter.expires_at is
  'The time from which the counter does not exist; null: never.';

create table ended_period (
  value              bigint      not null,
  started_at         timestamptz not null,
  ended_at           timestamptz not null,
  counter_created_at timestamptz not null,
  namespace          text        collate "C" not null,
  name               text        collate "C" not null,
  constraint ended_period_pkey primary key (namespace, name, counter_created_at, ended_at)
) with (
  -- As many rows die in a day as are made.
  autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_cost_limit = 2000
);

create index ended_period_ended_at on ended_period (ended_at);

comment on table ended_period is
  'One row per ended period in which operations were applied. Removed with its counter, or after '
  'tally.period.retention.';
comment on column ended_period.value is
  'The value at the end.';
comment on column ended_period.started_at is
  'The start of the period, included.';
comment on column ended_period.ended_at is
  'The end of the period, excluded.';
comment on column ended_period.counter_created_at is
  'The time of creation of its counter. A later counter with the same name does not have this period.';
comment on column ended_period.namespace is
  'That of the counter.';
comment on column ended_period.name is
  'That of the counter.';
comment on index ended_period_pkey is
  'Pages of the periods of a counter.';
comment on index ended_period_ended_at is
  'Finds rows older than their retention.';

create table removed_counter (
  created_at timestamptz not null,
  namespace  text        collate "C" not null,
  name       text        collate "C" not null,
  constraint removed_counter_pkey primary key (namespace, name, created_at)
);

comment on table removed_counter is
  'One row per removed counter with periods, until its ended periods are removed in small steps.';
comment on column removed_counter.created_at is
  'The time of creation of the counter.';
comment on column removed_counter.namespace is
  'That of the counter.';
comment on column removed_counter.name is
  'That of the counter.';
comment on index removed_counter_pkey is
  'One row per counter.';

create table sweep (
  lease_until timestamptz not null default '-infinity',
  reached     timestamptz not null default '-infinity',
  kind        text        not null,
  holder      text        not null default '',
  constraint sweep_pkey primary key (kind),
  constraint sweep_kind check (kind in ('periods', 'expiry'))
) with (
  fillfactor = 20
);

insert into sweep (kind) values ('periods'), ('expiry');

comment on table sweep is
  'One row per background pass over counters, which one instance at a time makes.';
comment on column sweep.lease_until is
  'The time until which no other instance takes over.';
comment on column sweep.reached is
  'The end up to which all counters have been swept.';
comment on column sweep.kind is
  'periods: begins periods. expiry: removes expired counters.';
comment on column sweep.holder is
  'The instance that makes the passes.';
comment on index sweep_pkey is
  'Finds the row of a pass.';
