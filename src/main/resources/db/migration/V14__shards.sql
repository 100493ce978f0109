-- The number of shards, chosen at the first start. Each schema says which shard it has.

create table shard (
  number   integer not null,
  count    integer not null,
  only_row boolean not null default true,
  constraint shard_pkey primary key (only_row),
  constraint shard_only check (only_row),
  constraint shard_number check (number between 1 and count)
);

comment on table  shard          is 'One row: the shard of this schema. Written at the first start.';
comment on column shard.number   is 'The number of the shard, from 1.';
comment on column shard.count    is 'The number of shards. A start with another number is refused.';
comment on column shard.only_row is 'Always true: there is one row.';
comment on index  shard_pkey     is 'Keeps the table at one row.';

comment on column counter.namespace is '1 to 64 of A-Za-z0-9._-, with a tag and a colon in front or none. By bytes.';
comment on column name.namespace    is '1 to 64 of A-Za-z0-9._-, with a tag and a colon in front or none. By bytes.';
comment on column token.namespace   is '1 to 64 of A-Za-z0-9._-, with a tag and a colon in front or none. By bytes.';
