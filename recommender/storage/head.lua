-- What put.lua, delete.lua and reindex.lua have in common; included before each of them.
-- KEYS version, log, at, heads, urls, card, text, vector
-- ARGV key, id, revision ('' for none), …
-- A head is state|revision|digest|more. What is more of a live article are the keys of its address:
-- that of its normal form and, where the address has parameters that only may be tracking, that of
-- the form without them. Of a deleted one it is when it was deleted, in milliseconds, unless the
-- delete had a revision.
local version = version_number(redis.pcall('GET', KEYS[1]))
local head = redis.call('HGET', KEYS[4], ARGV[1])
local state, stored_revision, digest, more = '', '', '', ''
if head then
  state, stored_revision, digest, more = string.match(head, '^(%a*)|(-?%d*)|(%w*)|(%w*)$')
  if not state then  -- damaged: as if there were none
    head, state, stored_revision, digest, more = false, '', '', '', ''
  end
end
local url = state == 'live' and more or ''
local new, old = tonumber(ARGV[3]), tonumber(stored_revision)
if new and old and new < old then
  return {'stale', version, ''}
end
local revision = ARGV[3] ~= '' and ARGV[3] or stored_revision
local KEY_LENGTH = 32
local FULL = '*'  -- stands for those that there was no room for

local function lines_without(field, line)  -- the last few lines of a field, without this one
  local others = {}
  for other in string.gmatch(redis.call('HGET', KEYS[5], field) or '', '[^\n]+') do
    if other ~= line then others[#others + 1] = other end
  end
  return others
end
local function write_lines(field, lines)
  if #lines > 0 then
    redis.call('HSET', KEYS[5], field, table.concat(lines, '\n'))
  else
    redis.call('HDEL', KEYS[5], field)
  end
end
local function others_at(address)  -- the last few articles at this address, without this one
  local others = lines_without(string.sub(address, 1, KEY_LENGTH), ARGV[2])
  while #others > 7 do  -- a system that links every story to the home page costs no more
    table.remove(others, 1)
  end
  return others
end
local function leave(address)
  local exact, plain = string.sub(address, 1, KEY_LENGTH), string.sub(address, KEY_LENGTH + 1)
  local others = others_at(address)
  write_lines(exact, others)
  if plain ~= '' and #others == 0 then
    write_lines('~' .. plain, lines_without('~' .. plain, exact))
  end
end
local function enter(address)
  local exact, plain = string.sub(address, 1, KEY_LENGTH), string.sub(address, KEY_LENGTH + 1)
  local ids = others_at(address)
  ids[#ids + 1] = ARGV[2]  -- the last to come is found
  write_lines(exact, ids)
  if plain ~= '' then
    local forms = lines_without('~' .. plain, exact)
    if #forms < 7 then
      forms[#forms + 1] = exact
    elseif forms[1] ~= FULL then
      table.insert(forms, 1, FULL)
    end
    write_lines('~' .. plain, forms)
  end
end
