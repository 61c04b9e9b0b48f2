-- Delete one article and leave a tombstone, so that a late older write does not revive it.
-- ARGV …, log length
if head or ARGV[3] ~= '' then
  local now = redis.call('TIME')
  local at = ARGV[3] == '' and string.format('%d%03d', now[1], math.floor(now[2] / 1000)) or ''
  redis.call('HSET', KEYS[4], ARGV[1], table.concat({'deleted', revision, digest, at}, '|'))
end
if state ~= 'live' then
  return {head and 'unchanged' or 'missing', version, ''}
end

if url ~= '' then
  leave(url)
end
redis.call('UNLINK', KEYS[6], KEYS[7], KEYS[8])
return {'deleted', accept('delete', ARGV[2], ARGV[4]), ''}
