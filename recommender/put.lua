-- Store one article, if nothing newer is there: all of it or none of it.
-- KEYS version, log, heads, urls, card, text, vector, born
-- ARGV key, id, revision ('' for none), digest, url key ('' for none), card, text, vector, log length
local version = tonumber(redis.call('GET', KEYS[1]) or '0')
local head = redis.call('HGET', KEYS[3], ARGV[1])
local state, stored_revision, digest, url = '', '', '', ''
if head then
  state, stored_revision, digest, url = string.match(head, '^(%a*)|(-?%d*)|(%w*)|(%w*)$')
end
local new, old = tonumber(ARGV[3]), tonumber(stored_revision)

if new and old and new < old then
  return {'stale', version}
end
local function is_stored()  -- also when a record was damaged or evicted?
  local records = redis.call('MGET', KEYS[5], KEYS[6], KEYS[7])
  return records[1] == ARGV[6] and records[2] == ARGV[7] and records[3] == ARGV[8]
end
if state == 'live' and digest == ARGV[4] and is_stored() then
  return {'unchanged', version}
end
if state == 'deleted' and ((new and old and new == old) or digest == ARGV[4]) then
  return {'deleted', version}  -- a late copy of what was deleted never revives it
end

local function others_at(url)  -- the articles at this address, without this one
  local others = {}
  for id in string.gmatch(redis.call('HGET', KEYS[4], url) or '', '[^\n]+') do
    if id ~= ARGV[2] then others[#others + 1] = id end
  end
  return others
end
local function leave(url)
  local others = others_at(url)
  if #others > 0 then
    redis.call('HSET', KEYS[4], url, table.concat(others, '\n'))
  else
    redis.call('HDEL', KEYS[4], url)
  end
end
if url ~= '' and url ~= ARGV[5] then
  leave(url)
end
if ARGV[5] ~= '' then
  local ids = others_at(ARGV[5])
  ids[#ids + 1] = ARGV[2]  -- the last to come is found
  redis.call('HSET', KEYS[4], ARGV[5], table.concat(ids, '\n'))
end
redis.call('SET', KEYS[5], ARGV[6])
redis.call('SET', KEYS[6], ARGV[7])
redis.call('SET', KEYS[7], ARGV[8])
local revision = ARGV[3] ~= '' and ARGV[3] or stored_revision
redis.call('HSET', KEYS[3], ARGV[1], table.concat({'live', revision, ARGV[4], ARGV[5]}, '|'))
if version == 0 then
  -- A store that was emptied counts up to numbers that somebody may still remember.
  local now = redis.call('TIME')
  redis.call('SET', KEYS[8], now[1] .. '.' .. now[2])
end
version = redis.call('INCR', KEYS[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[9], version .. '-0', 'id', ARGV[2], 'op', 'put')
return {state == 'live' and 'changed' or 'added', version}
