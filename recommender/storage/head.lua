-- What put.lua and delete.lua have in common; it stands in front of both.
-- KEYS version, log, at, heads, urls, card, text, vector
-- ARGV key, id, revision ('' for none), …
local version = tonumber(redis.call('GET', KEYS[1]) or '0')
local head = redis.call('HGET', KEYS[4], ARGV[1])
local state, stored_revision, digest, url = '', '', '', ''
if head then
  state, stored_revision, digest, url = string.match(head, '^(%a*)|(-?%d*)|(%w*)|(%w*)$')
end
local new, old = tonumber(ARGV[3]), tonumber(stored_revision)
if new and old and new < old then
  return {'stale', version}
end
local revision = ARGV[3] ~= '' and ARGV[3] or stored_revision

local function others_at(url)  -- the last few articles at this address, without this one
  local others = {}
  for id in string.gmatch(redis.call('HGET', KEYS[5], url) or '', '[^\n]+') do
    if id ~= ARGV[2] then others[#others + 1] = id end
  end
  while #others > 7 do  -- a system that links every story to the home page costs no more
    table.remove(others, 1)
  end
  return others
end
local function leave(url)
  local others = others_at(url)
  if #others > 0 then
    redis.call('HSET', KEYS[5], url, table.concat(others, '\n'))
  else
    redis.call('HDEL', KEYS[5], url)
  end
end
