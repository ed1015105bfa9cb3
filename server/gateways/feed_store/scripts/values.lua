-- Returns the values of the fields `ids` of a hash, and the value of the reserved field after them.
local function values_of(key, ids, reserved)
  local count = #ids
  ids[count + 1] = reserved
  local values = redis.call('HMGET', key, unpack(ids))
  ids[count + 1] = nil
  return values, values[count + 1]
end
