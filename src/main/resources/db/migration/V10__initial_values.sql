-- The initial value of a counter. Nullable and without a default, so that adding the column rewrites no row, and a
-- plain counter without bounds takes no more space than before.
--
-- An instance of an earlier release, which may run meanwhile, leaves the column as it is. It may create a counter
-- without its initial value, or set bounds that exclude it. A reader therefore takes the nearest value within the
-- bounds.

alter table counter add column initial bigint;

comment on column counter.initial is 'The initial value. If null, 0. If outside of the bounds, the nearest bound.';
