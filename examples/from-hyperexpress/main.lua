-- HyperExpress' own example for SSEventStream, line by line in Lua.
-- Behind a line stands what it was in JavaScript, where that is not the same.
local sse_streams = {}

local function broadcast_message(message)
  -- Send the message to each connection in our connections object
  for id in pairs(sse_streams) do -- Object.keys(sse_streams).forEach((id) => {
    sse_streams[id]:send(message)
  end
end

HTTPServer.register_route("GET", "/news/events", function(request, response) -- webserver.get('/news/events', …
  -- You may perform some authentication here as this is just a normal HTTP GET request

  -- Check to ensure that SSE if available for this request
  if response.sse then
    -- Looks like we're all good, let's open the stream
    response.sse:open()
    -- OR you may also send a message which will open the stream automatically
    response.sse:send("Some initial message")

    -- Assign a unique identifier to this stream and store it in our broadcast pool
    response.sse.id = UUID.v4() -- crypto.randomUUID()
    sse_streams[response.sse.id] = response.sse

    -- Bind a 'close' event handler to cleanup this connection once it disconnects
    response:once("close", function()
      -- Delete the stream from our broadcast pool
      sse_streams[response.sse.id] = nil
    end)
  else
    -- End the response with some kind of error message as this request did not support SSE
    response:send("Server-Sent Events Not Supported!")
  end
end)

-- The example leaves open who calls broadcast_message. Here whoever posts some news, and is told how many there are.
HTTPServer.register_route("POST", "/news", function(request, response)
  broadcast_message(request:text()) -- await request.text()
  local count = 0
  for _ in pairs(sse_streams) do count = count + 1 end
  response:json { streams = count }
end)
