-- Store one article, if nothing newer is there: all of it or none of it.
-- ARGV …, digest, keys of the address ('' for none), card, text, vector, log length,
--      '1' where the revision is when the article was updated
local function is_stored()  -- also when a record was damaged or evicted?
  local records = redis.call('MGET', KEYS[6], KEYS[7], KEYS[8])
  return records[1] == ARGV[6] and records[2] == ARGV[7] and records[3] == ARGV[8]
end
local function is_late_copy()  -- of a deleted article: what the delete was about already
  if new and old and new == old then return true end
  return ARGV[10] == '1' and more ~= '' and new < (tonumber(more) or 0)
end
local neighbours = ARGV[5] == '' and {} or others_at(ARGV[5])
local neighbour = neighbours[#neighbours] or ''
if state == 'live' and digest == ARGV[4] and is_stored() then
  return {'unchanged', version, neighbour}
end
if state == 'deleted' and is_late_copy() then
  return {'deleted', version, ''}
end

if url ~= '' and url ~= ARGV[5] then
  leave(url)
end
if ARGV[5] ~= '' then
  enter(ARGV[5])
end
redis.call('SET', KEYS[6], ARGV[6])
redis.call('SET', KEYS[7], ARGV[7])
redis.call('SET', KEYS[8], ARGV[8])
redis.call('HSET', KEYS[4], ARGV[1], table.concat({'live', revision, ARGV[4], ARGV[5]}, '|'))
return {state == 'live' and 'changed' or 'added', accept('put', ARGV[2], ARGV[9]), neighbour}
