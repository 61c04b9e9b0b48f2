-- Accept a change: count it, and say in the log what it is and when; stands in front of every script that makes one.
-- KEYS version, log, at, …
local function accept(op, id, log_length)
  local now = redis.call('TIME')
  local at = string.format('%d.%06d', now[1], now[2])
  local version = redis.call('INCR', KEYS[1])
  redis.call('SET', KEYS[3], at)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', log_length, version .. '-0', 'id', id, 'op', op, 'at', at)
  return version
end
