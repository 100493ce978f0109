-- One request, again and again: METHOD. wrk formats it once and runs no Lua until the end.
--
-- Prints at the end "latency P50 P90 P99 P99.9 MAX" in microseconds.

function init(arguments)
  wrk.method = arguments[1]
end

function done(summary, latency)
  local p = function(percent) return latency:percentile(percent) end
  print(string.format("latency %d %d %d %d %d", p(50), p(90), p(99), p(99.9), latency.max))
end
