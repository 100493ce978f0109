-- Names and their ids. A name is never changed and never removed.

create table name (
  id         bigint      not null,
  created_by bigint      not null,
  created_at timestamptz not null default now(),
  namespace  text        collate "C" not null,
  key        text        collate "C" not null,
  name       text        collate "C" not null,
  -- Not (namespace, id): while each namespace has few names, that looks as good for finding a key as the primary key does, and
  -- a plan made then would read all names of a namespace for each one later.
  constraint name_id unique (id, namespace)
) with (
  -- Rows are only added: what a vacuum finds to do is to mark pages that everybody sees.
  autovacuum_vacuum_insert_scale_factor = 0.1
);

-- Of two indexes that look the same the planner takes the one that was made last.
alter table name add constraint name_pkey primary key (namespace, key);

comment on table  name            is 'One row a name. Made under the lock of its name_space row, and there for good.';
comment on column name.id         is 'From 1, in the order in which the names of the namespace were made, without gaps.';
comment on column name.created_by is 'Whose request made it: 64 bits by chance, or the first of the SHA-256 of its Idempotency-Key and its place in the request. Tells whoever asks again that it was they.';
comment on column name.created_at is 'When it was made.';
comment on column name.namespace  is '1 to 64 of A-Za-z0-9._-, compared by bytes.';
comment on column name.key        is 'What tells it from others: the name itself, or its lower case where it was asked for with fold=lower.';
comment on column name.name       is 'As the first who asked spelled it: 1 to 256 bytes of UTF-8.';
comment on index  name_pkey       is 'Finds the id of a name; gives it one only.';
comment on index  name_id         is 'Finds the name of an id.';

create table name_space (
  last_id   bigint not null default 0,
  namespace text   collate "C" not null,
  constraint name_space_pkey primary key (namespace)
) with (
  -- A few rows, each updated twice with every batch that makes names in it.
  fillfactor = 20,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_cost_delay = 0
);

comment on table  name_space           is 'Hands out the ids of names: one row a namespace that has names, locked by whoever makes some.';
comment on column name_space.last_id   is 'The last id handed out; as many names does the namespace have.';
comment on column name_space.namespace is 'As in name.';
comment on index  name_space_pkey      is 'Finds and makes the row to lock.';
