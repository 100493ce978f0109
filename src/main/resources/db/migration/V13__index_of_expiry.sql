-- Partial, and without a column that an increment changes, so that updates stay HOT. The namespace and the name give
-- rows with the same time an order, in which a pass goes on. Creating it scans the table of counters once, and writes
-- wait meanwhile.
create index counter_expires_at on counter (expires_at, namespace, name) where expires_at is not null;

comment on index counter_expires_at is
  'Finds counters that have expired.';
