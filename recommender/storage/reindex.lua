-- Give an article other features and keys of its address, and its card again, if its text is still
-- the one they were made from.
-- ARGV key, id, '', SHA-1 of the text's record, vector, keys of the address ('' for none), card,
--      log length
local text = redis.call('GET', KEYS[7])
if state ~= 'live' or not text or redis.sha1hex(text) ~= ARGV[4] then
  return 0
end
local records = redis.call('MGET', KEYS[6], KEYS[8])  -- false for a key of another type
if url ~= ARGV[6] then  -- as an earlier version spelt it
  if url ~= '' then leave(url) end
  if ARGV[6] ~= '' then enter(ARGV[6]) end
  redis.call('HSET', KEYS[4], ARGV[1], table.concat({state, stored_revision, digest, ARGV[6]}, '|'))
elseif records[1] == ARGV[7] and records[2] == ARGV[5] then
  return 0
end
redis.call('SET', KEYS[6], ARGV[7])
redis.call('SET', KEYS[8], ARGV[5])
accept('put', ARGV[2], ARGV[8])
return 1
