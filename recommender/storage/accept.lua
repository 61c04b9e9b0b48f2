-- Accept a change: give it the next version, and log it; included before every script that writes.
-- KEYS version, log, at, …
local function version_number(text)  -- 0 for anything but a version, such as an error reply
  if type(text) == 'string' and #text <= 15 and string.match(text, '^%d+$') then
    return tonumber(text)
  end
  return 0
end
local function version_of(entry)  -- of an entry id, `version-n`
  return version_number(entry and string.match(entry[1], '^%d+') or nil)
end
local function last_of_log()  -- a key of another type is no log, and is replaced
  local entries = redis.pcall('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
  if entries.err then
    redis.call('DEL', KEYS[2])
    return 0
  end
  return version_of(entries[1])
end
local function accept(op, id, log_length, at_least)
  local now = redis.call('TIME')
  local at = string.format('%d.%06d', now[1], now[2])
  -- No entry may be older than the last one: a version that was damaged or set back is no guide.
  local version = 1 + math.max(
    version_number(redis.pcall('GET', KEYS[1])), last_of_log(), at_least or 0)
  local text = string.format('%.0f', version)
  redis.call('SET', KEYS[1], text)
  redis.call('SET', KEYS[3], at)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', log_length, text .. '-0', 'id', id, 'op', op, 'at', at)
  return version
end
