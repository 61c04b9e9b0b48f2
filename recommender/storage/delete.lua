-- Delete one article and leave a tombstone, so that a late older write does not revive it.
-- ARGV …, log length
if head or ARGV[3] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[1], table.concat({'deleted', revision, digest, ''}, '|'))
end
if state ~= 'live' then
  return {head and 'unchanged' or 'missing', version}
end

if url ~= '' then
  leave(url)
end
redis.call('UNLINK', KEYS[5], KEYS[6], KEYS[7])
version = redis.call('INCR', KEYS[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], version .. '-0', 'id', ARGV[2], 'op', 'delete', 'at', moment())
return {'deleted', version}
