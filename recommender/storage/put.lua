-- Store one article, if nothing newer is there: all of it or none of it.
-- ARGV …, digest, url key ('' for none), card, text, vector, log length
local function is_stored()  -- also when a record was damaged or evicted?
  local records = redis.call('MGET', KEYS[6], KEYS[7], KEYS[8])
  return records[1] == ARGV[6] and records[2] == ARGV[7] and records[3] == ARGV[8]
end
if state == 'live' and digest == ARGV[4] and is_stored() then
  return {'unchanged', version}
end
if state == 'deleted' and ((new and old and new == old) or digest == ARGV[4]) then
  return {'deleted', version}  -- a late copy of what was deleted never revives it
end

if url ~= '' and url ~= ARGV[5] then
  leave(url)
end
if ARGV[5] ~= '' then
  local ids = others_at(ARGV[5])
  ids[#ids + 1] = ARGV[2]  -- the last to come is found
  redis.call('HSET', KEYS[5], ARGV[5], table.concat(ids, '\n'))
end
redis.call('SET', KEYS[6], ARGV[6])
redis.call('SET', KEYS[7], ARGV[7])
redis.call('SET', KEYS[8], ARGV[8])
redis.call('HSET', KEYS[4], ARGV[1], table.concat({'live', revision, ARGV[4], ARGV[5]}, '|'))
return {state == 'live' and 'changed' or 'added', accept('put', ARGV[2], ARGV[9])}
