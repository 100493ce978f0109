-- Access keys. Each instance holds all of them in memory, and reads them again when the generation has changed.

create table access_key (
  created_at     timestamptz not null default now(),
  expires_at     timestamptz,
  last_used_at   timestamptz,
  revoked_at     timestamptz,
  previous_until timestamptz,
  per_second     integer,
  id             text        collate "C" not null,
  name           text        collate "C" not null,
  secret_hash    bytea       not null,
  previous_hash  bytea,
  grants         jsonb       not null,
  constraint access_key_pkey primary key (id),
  constraint access_key_previous check ((previous_hash is null) = (previous_until is null))
);

comment on table  access_key                is 'One row per access key. Those that ended make room for new ones.';
comment on column access_key.created_at     is 'The time of creation.';
comment on column access_key.expires_at     is 'The time from which the key is refused; null: never.';
comment on column access_key.last_used_at   is 'The last use, written once a minute; null: never used.';
comment on column access_key.revoked_at     is 'The time of revocation; null: not revoked.';
comment on column access_key.previous_until is 'The end of the grace after the last rotation.';
comment on column access_key.per_second     is 'The maximum of requests per second; null: no limit.';
comment on column access_key.id             is '12 random characters of base 62, a part of the key.';
comment on column access_key.name           is 'The name in logs and responses. Several keys may have the same name.';
comment on column access_key.secret_hash    is 'The SHA-256 of the key. The key itself is not stored.';
comment on column access_key.previous_hash  is 'The SHA-256 of the key before the last rotation.';
comment on column access_key.grants         is 'As in the request: an array of objects with namespaces and actions.';
comment on index  access_key_pkey           is 'Finds a key by its id.';

create table access_generation (
  generation bigint  not null default 0,
  only_row   boolean not null default true,
  constraint access_generation_pkey primary key (only_row),
  constraint access_generation_only check (only_row)
) with (
  fillfactor = 20
);

insert into access_generation default values;

comment on table  access_generation            is 'One row, which all instances poll.';
comment on column access_generation.generation is 'The number of changes of access keys. Each change locks the row.';
comment on column access_generation.only_row   is 'Always true.';
comment on index  access_generation_pkey       is 'Allows one row only.';
