-- Long work that is done in small steps and goes on after a restart, on whichever instance.

create table job (
  done        bigint      not null default 0,
  total       bigint,
  claims      bigint      not null default 0,
  lease_until timestamptz not null default now(),
  started_at  timestamptz not null default now(),
  finished_at timestamptz,
  id          uuid        not null default gen_random_uuid(),
  kind        text        not null,
  state       text        not null default 'running',
  namespace   text        collate "C" not null,
  reached     text        collate "C" not null default '',
  problem     text,
  constraint job_pkey primary key (id),
  constraint job_state check (state in ('running', 'done', 'failed', 'cancelled'))
) with (
  -- Each step updates one row.
  fillfactor = 50
);

create unique index job_running on job (kind, namespace) where state = 'running';

create index job_finished_at on job (finished_at) where finished_at is not null;

comment on table  job             is 'One row a job. The work of a step and the move of this row are one transaction. Finished ones are removed after 30 days, when another is started.';
comment on column job.done        is 'How many counters are done. Never falls.';
comment on column job.total       is 'How many there are: as counted when the job began, and when it is done as many as were done; null: not known.';
comment on column job.claims      is 'How often an instance has taken the job on. A step is applied only under the claim it was made for.';
comment on column job.lease_until is 'Until then the job is its claimer''s alone; after that any instance may take it on.';
comment on column job.started_at  is 'When it was asked for.';
comment on column job.finished_at is 'When it ended, well or not; null: it runs.';
comment on column job.id          is 'As in /v1/jobs/{id}.';
comment on column job.kind        is 'What is done: snapshot.';
comment on column job.state       is 'running, done, failed or cancelled. One that waits for an instance is running, too.';
comment on column job.namespace   is 'To which counters.';
comment on column job.reached     is 'The last name that is done, in the order of bytes; empty: none. A step is applied only where this is as its sender saw it.';
comment on column job.problem     is 'Why it failed, in one sentence; null: it did not.';
comment on index  job_pkey        is 'Finds a job by its id.';
comment on index  job_running     is 'One at a time of each kind in a namespace, whoever asks. Finds those without a claimer.';
comment on index  job_finished_at is 'Finds those to remove.';
