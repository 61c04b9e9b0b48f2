-- Change rules and settings of a site, if nobody else has since they were read: all or nothing.
-- KEYS version, log, at, rules, audit, settings
-- ARGV last audit entry as read ('' for none), log length, audit length, record of the settings
--      ('' when they stay), number of audit entries, the entries, number of rules that go, their
--      ids, then id and record of each that comes
local last = redis.call('XREVRANGE', KEYS[5], '+', '-', 'COUNT', 1)[1]
if (last and last[1] or '') ~= ARGV[1] then
  return 0
end

local place = 5
local function take(count)
  local taken = {}
  for _ = 1, count do
    place = place + 1
    taken[#taken + 1] = ARGV[place]
  end
  return taken
end
local entries = take(tonumber(ARGV[5]))
local going = take(tonumber(take(1)[1]))
local coming = take(#ARGV - place)

for _, id in ipairs(going) do
  redis.call('HDEL', KEYS[4], id)
end
for i = 1, #coming, 2 do
  redis.call('HSET', KEYS[4], coming[i], coming[i + 1])
end
if ARGV[4] ~= '' then
  redis.call('SET', KEYS[6], ARGV[4])
end
local version = accept('rules', '', ARGV[2], version_of(last))
for i, entry in ipairs(entries) do
  local id = string.format('%.0f-%d', version, i)
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[3], id, 'entry', entry)
end
return version
