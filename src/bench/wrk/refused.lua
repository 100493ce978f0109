-- Increments of counters in turn, which a maximum may refuse: HEAD TAIL COUNTERS
--
-- Prints at the end "applied N" and "refused N", the numbers of responses with 200 and with 409.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  local head, tail, counters = unpack(arguments)
  local requests, turn = {}, 0
  for counter = 1, tonumber(counters) do
    requests[counter] = "POST " .. head .. counter .. tail .. " HTTP/1.1\r\nHost: " .. wrk.host
      .. "\r\nContent-Length: 0\r\n\r\n"
  end
  applied, refused = 0, 0
  request = function()
    turn = turn % #requests + 1
    return requests[turn]
  end
end

function response(status)
  if status == 200 then applied = applied + 1 elseif status == 409 then refused = refused + 1 end
end

function done()
  local total_applied, total_refused = 0, 0
  for _, thread in ipairs(threads) do
    total_applied = total_applied + thread:get("applied")
    total_refused = total_refused + thread:get("refused")
  end
  print("applied " .. total_applied)
  print("refused " .. total_refused)
end
