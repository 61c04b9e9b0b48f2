-- When a change is accepted, in seconds since 1970; stands in front of every script that writes one.
local function moment()
  local now = redis.call('TIME')
  return now[1] .. '.' .. now[2]
end
