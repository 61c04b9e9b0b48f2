-- Counts one of each field in the hash KEYS[1]. What is new there enters while there are fewer
-- fields than ARGV[1]; the hash is forgotten ARGV[2] seconds from now.
local room = tonumber(ARGV[1]) - redis.call('HLEN', KEYS[1])
for i = 3, #ARGV do
  local known = redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1
  if known or room > 0 then
    redis.call('HINCRBY', KEYS[1], ARGV[i], 1)
    room = known and room or room - 1
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
