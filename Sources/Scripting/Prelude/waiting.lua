-- await and spawn: what waits for a signal.
local host = ...

-- Taken off the signal again when the wait ends in whatever way, also when its coroutine is ended.
local waiter = {
  __close = function(self)
    if self.state.waiters[self.ticket] then
      self.state.waiters[self.ticket] = nil
      host.note_listeners(self.state)
    end
  end,
}

function await(signal, timeout)
  local state = host.signal_state(signal)
  if not state and (type(signal) == "table" or type(signal) == "userdata") and host.is_timer(signal) then
    state = host.signal_state(signal.timeout)
  end
  if not state then host.argument_error("await", 1, "signal", "a Signal or a timer", signal) end
  if timeout ~= nil and (type(timeout) ~= "number" or not (timeout >= 0)) then -- NaN is not
    host.argument_error("await", 2, "timeout", "a number of seconds", timeout)
  end
  local ticket = host.ticket()
  local _ <close> = setmetatable({ state = state, ticket = ticket }, waiter)
  state.waiters[ticket] = true
  host.note_listeners(state)
  return host.wait(ticket, timeout)
end

function spawn(callback, ...)
  if type(callback) ~= "function" then host.argument_error("spawn", 1, "function", "a function", callback) end
  host.spawn("spawn", callback, ...)
end
