-- Give an article other features, if its text is still the one they were made from.
-- ARGV key, id, '', SHA-1 of the text's record, vector, log length
local text = redis.call('GET', KEYS[6])
if state ~= 'live' or not text or redis.sha1hex(text) ~= ARGV[4] then
  return 0
end
if redis.call('GET', KEYS[7]) == ARGV[5] then
  return 0
end
redis.call('SET', KEYS[7], ARGV[5])
version = redis.call('INCR', KEYS[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], version .. '-0', 'id', ARGV[2], 'op', 'put', 'at', moment())
return 1
