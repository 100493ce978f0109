-- Tokens: unique while they are pending, executed once, removed some time after that.

create table token (
  id          bigint      generated always as identity,
  created_at  timestamptz not null default now(),
  expires_at  timestamptz,
  executed_at timestamptz,
  state       text        not null default 'pending',
  namespace   text        collate "C" not null,
  token       text        collate "C" not null,
  constraint token_pkey primary key (namespace, token, id),
  constraint token_state check (state in ('pending', 'executed')),
  constraint token_executed_at check ((state = 'executed') = (executed_at is not null))
) with (
  -- As many rows die in a day as are made.
  autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_cost_limit = 2000
);

create unique index token_pending on token (namespace, token) where state = 'pending';

create index token_ended on token (coalesce(executed_at, expires_at)) where coalesce(executed_at, expires_at) is not null;

comment on table  token             is 'One row a token that was issued. Removed tally.token.retention after it was executed or expired.';
comment on column token.id          is 'Tells apart those that had the same text one after another.';
comment on column token.created_at  is 'When it was issued.';
comment on column token.expires_at  is 'Until when it can be executed; null: for ever. From then on its text is free, though the state says pending.';
comment on column token.executed_at is 'When it was executed; null while it was not.';
comment on column token.state       is 'pending, or executed.';
comment on column token.namespace   is '1 to 64 of A-Za-z0-9._-, compared by bytes.';
comment on column token.token       is '1 to 64 visible US-ASCII characters.';
comment on index  token_pkey        is 'Finds those that were executed.';
comment on index  token_pending     is 'Gives a text to one pending token of a namespace only.';
comment on index  token_ended       is 'Finds what is past its retention.';
