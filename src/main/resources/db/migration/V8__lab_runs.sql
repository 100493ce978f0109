-- Runs of the lost-update lab: what was tried and what came of it. What a run counts on stands in a schema of its own, which
-- goes away with the run.

create table lab_run (
  increments     bigint           not null,
  done           bigint           not null default 0,
  claims         bigint           not null default 0,
  acknowledged   bigint,
  stored         bigint,
  duplicate_rows bigint,
  errors         bigint,
  retries        bigint,
  seconds        double precision,
  p50_ms         double precision,
  p99_ms         double precision,
  lease_until    timestamptz      not null default now(),
  started_at     timestamptz      not null default now(),
  finished_at    timestamptz,
  id             uuid             not null default gen_random_uuid(),
  workers        integer          not null,
  counters       integer          not null,
  stopping       boolean          not null default false,
  timed_out      boolean,
  strategy       text             not null,
  isolation      text             not null,
  state          text             not null default 'running',
  problem        text,
  constraint lab_run_pkey primary key (id),
  constraint lab_run_state check (state in ('running', 'done', 'failed', 'cancelled')),
  constraint lab_run_result check ((state = 'done') = (stored is not null))
) with (
  -- Progress is written twice a second.
  fillfactor = 50
);

create unique index lab_run_running on lab_run (state) where state = 'running';

comment on table  lab_run                is 'One row a run. The last hundred are kept.';
comment on column lab_run.increments     is 'How many increments are tried.';
comment on column lab_run.done           is 'How many have been answered, one way or the other. Never falls.';
comment on column lab_run.claims         is 'How often an instance has taken the run on: the first runs it, one that comes after a dead one clears away.';
comment on column lab_run.acknowledged   is 'How many increments the callers were told of as done.';
comment on column lab_run.stored         is 'How many the table held in the end.';
comment on column lab_run.duplicate_rows is 'How many rows there were in the end beyond one for each counter.';
comment on column lab_run.errors         is 'How many increments the callers were told of as failed.';
comment on column lab_run.retries        is 'How often something was sent again.';
comment on column lab_run.seconds        is 'From the first increment to the last answer.';
comment on column lab_run.p50_ms         is 'The median of the time of an acknowledged increment, retries included; null: there was none.';
comment on column lab_run.p99_ms         is 'Of a hundred acknowledged increments, 99 took so long at most.';
comment on column lab_run.lease_until    is 'Until then the run is its claimer''s alone; after that any instance may take it on.';
comment on column lab_run.started_at     is 'When it was asked for.';
comment on column lab_run.finished_at    is 'When it ended, well or not; null: it runs.';
comment on column lab_run.id             is 'As in /v1/lab/runs/{id}.';
comment on column lab_run.workers        is 'How many count at once.';
comment on column lab_run.counters       is 'On how many counters, by chance.';
comment on column lab_run.stopping       is 'Somebody asked it to stop.';
comment on column lab_run.timed_out      is 'It was ended by the limit of time and not by that of increments.';
comment on column lab_run.strategy       is 'How is counted.';
comment on column lab_run.isolation      is 'The isolation level of the sessions that count.';
comment on column lab_run.state          is 'running, done, failed or cancelled. One that waits for an instance is running, too.';
comment on column lab_run.problem        is 'Why it failed, in one sentence; null: it did not.';
comment on index  lab_run_pkey           is 'Finds a run by its id.';
comment on index  lab_run_running        is 'One at a time, whoever asks.';
