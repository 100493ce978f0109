-- Requests that differ: METHOD HEAD TAIL COUNTERS SKEW KEYS REPLAYED
--
-- The path is HEAD, a number of 1 to COUNTERS, and TAIL. SKEW is "uniform" or "zipf" (the k-th counter has a
-- probability proportional to 1/k). KEYS is "-", or the prefix of the idempotency keys of this run: each request has a
-- new key, except REPLAYED percent, which repeat a key whose request has been answered. Prints at the end "given N",
-- the number of requests, and "fresh N", the number of new keys.

local REPLAYED_AFTER = 4096 -- requests; far more than are under way at once

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local function uniform(counters)
  return function() return math.random(counters) end
end

-- By looking up where a number by chance falls among the sums of 1/k.
local function zipf(counters)
  local sums, sum = {}, 0
  for k = 1, counters do
    sum = sum + 1 / k
    sums[k] = sum
  end
  return function()
    local wanted, low, high = math.random() * sum, 1, counters
    while low < high do
      local middle = math.floor((low + high) / 2)
      if sums[middle] < wanted then low = middle + 1 else high = middle end
    end
    return low
  end
end

function init(arguments)
  local method, head, tail, counters, skew, keys, replayed = unpack(arguments)
  local choose = (skew == "zipf" and zipf or uniform)(tonumber(counters))
  local chance = tonumber(replayed) / 100
  local before = method .. " " .. head
  local after = tail .. " HTTP/1.1\r\nHost: " .. wrk.host .. "\r\n"
  local length = method == "POST" and "Content-Length: 0\r\n" or ""
  math.randomseed(os.time())

  -- wrk asks for one request before it begins, to look at it, and does not send it.
  given, fresh = -1, -1
  if keys == "-" then
    after = after .. length .. "\r\n"
    request = function()
      given = given + 1
      return before .. choose() .. after
    end
    return
  end

  after = after .. length .. "Idempotency-Key: " .. keys .. "-"
  request = function()
    given = given + 1
    local key = fresh + 1
    if fresh > REPLAYED_AFTER and math.random() < chance then
      key = math.random(fresh - REPLAYED_AFTER)
    else
      fresh = key
    end
    return before .. choose() .. after .. key .. "\r\n\r\n"
  end
end

function done()
  local total_given, total_fresh = 0, 0
  for _, thread in ipairs(threads) do
    total_given = total_given + thread:get("given")
    total_fresh = total_fresh + thread:get("fresh")
  end
  print("given " .. total_given)
  print("fresh " .. total_fresh)
end
