-- Members of counters of kind members.

create table member (
  joined_at timestamptz not null default now(),
  namespace text        collate "C" not null,
  name      text        collate "C" not null,
  member    text        collate "C" not null,
  constraint member_pkey primary key (namespace, name, member)
) with (
  autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_cost_limit = 2000
);

comment on table  member           is 'One row for each member of a counter of kind members, whose value is their number. Whoever changes a row holds the lock of its counter and moves that by one in the same transaction.';
comment on column member.joined_at is 'When it became a member.';
comment on column member.namespace is 'The counter''s.';
comment on column member.name      is 'The counter''s.';
comment on column member.member    is '1 to 256 bytes of UTF-8, compared by bytes.';
comment on index  member_pkey      is 'One row a member, whoever races; pages of members.';

alter table writer add column outcome_moves boolean[];

comment on column writer.outcome_moves is 'Which members the last batch of moves really moved, in its order; an element is null where one was left out.';
