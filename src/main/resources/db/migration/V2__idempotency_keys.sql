-- What was answered under a client's key, and where a batch with keys keeps its outcome.

create table idempotency_key (
  fingerprint bigint      not null,
  value       bigint,
  version     bigint,
  delta       bigint,
  created_at  timestamptz not null default now(),
  namespace   text        collate "C" not null,
  key         text        collate "C" not null,
  result      text,
  constraint idempotency_key_pkey primary key (namespace, key)
) with (
  -- As many rows die in a day as are made. A pass over a table of a day's keys takes minutes and begins when a twentieth has
  -- died, so the dead are never many more than that.
  autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_cost_limit = 2000,
  autovacuum_analyze_scale_factor = 0.2
);

-- Rows of one batch have one time, so this index keeps one entry for many rows.
create index idempotency_key_created_at on idempotency_key (created_at);

comment on table  idempotency_key             is 'What was answered to a request with an Idempotency-Key, written in the transaction that applied it. Removed after tally.idempotency.retention.';
comment on column idempotency_key.fingerprint is 'The first 64 bits of the SHA-256 of what was asked: another under the same key is refused.';
comment on column idempotency_key.value       is 'The value after exactly this increment; null where something else was asked.';
comment on column idempotency_key.version     is 'The version that belongs to it.';
comment on column idempotency_key.delta       is 'What it added.';
comment on column idempotency_key.created_at  is 'When it was applied.';
comment on column idempotency_key.namespace   is 'Within which the key is unique: a namespace, or /transactions or /increments for requests that may span several.';
comment on column idempotency_key.key         is 'As the client gave it; for a line of an upload with a slash and the number of the line.';
comment on column idempotency_key.result      is 'The outcome as JSON where it was no increment.';
comment on index  idempotency_key_pkey        is 'Applies a key once, whoever races.';
comment on index  idempotency_key_created_at  is 'Finds what has expired.';

alter table writer
  add column outcome_key_values       bigint[],
  add column outcome_key_versions     bigint[],
  add column outcome_key_fingerprints bigint[];

comment on column writer.outcome_key_values       is 'The values answered under the keys of the last batch, in the order of its keys; an element is null where one was left out.';
comment on column writer.outcome_key_versions     is 'The versions that belong to outcome_key_values.';
comment on column writer.outcome_key_fingerprints is 'The fingerprints of the keys that were known before; null where a key was fresh.';
