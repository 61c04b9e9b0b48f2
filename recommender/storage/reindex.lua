-- Give an article other features, if its text is still the one they were made from.
-- ARGV key, id, '', SHA-1 of the text's record, vector, log length
local text = redis.call('GET', KEYS[7])
if state ~= 'live' or not text or redis.sha1hex(text) ~= ARGV[4] then
  return 0
end
if redis.call('GET', KEYS[8]) == ARGV[5] then
  return 0
end
redis.call('SET', KEYS[8], ARGV[5])
accept('put', ARGV[2], ARGV[6])
return 1
