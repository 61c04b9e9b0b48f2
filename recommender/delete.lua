-- Delete one article and leave a tombstone, so that a late older write does not revive it.
-- KEYS version, log, heads, urls, card, text, vector
-- ARGV key, id, revision ('' for none), log length
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
local revision = ARGV[3] ~= '' and ARGV[3] or stored_revision
if head or ARGV[3] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[1], table.concat({'deleted', revision, digest, ''}, '|'))
end
if state ~= 'live' then
  return {head and 'unchanged' or 'missing', version}
end

if url ~= '' then
  local others = {}
  for id in string.gmatch(redis.call('HGET', KEYS[4], url) or '', '[^\n]+') do
    if id ~= ARGV[2] then others[#others + 1] = id end
  end
  if #others > 0 then
    redis.call('HSET', KEYS[4], url, table.concat(others, '\n'))
  else
    redis.call('HDEL', KEYS[4], url)
  end
end
redis.call('UNLINK', KEYS[5], KEYS[6], KEYS[7])
version = redis.call('INCR', KEYS[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], version .. '-0', 'id', ARGV[2], 'op', 'delete')
return {'deleted', version}
