-- Partial, and without a column that an increment changes, so that updates stay HOT. The namespace and the name give
-- rows with the same time an order, in which a pass goes on. Creating it scans the table of counters once, and writes
-- wait meanwhile.
create index counter_period_end on counter (period_end, namespace, name) where period_end is not null;

comment on index counter_period_end is
  'Finds counters whose period is over.';
