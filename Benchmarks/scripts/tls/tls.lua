-- Streams of one channel, over TLS where the environment names a key and a certificate.
local key, certificate = Env.get("BENCH_KEY", ""), Env.get("BENCH_CERTIFICATE", "")
HTTPServer.listen(0, "127.0.0.1", key ~= "", key, certificate)

HTTPServer.register_route("GET", "/events", function(request, response)
  response:start_sse { channels = { "all" } }
end)

HTTPServer.register_route("POST", "/publish", function(request, response)
  HTTPServer.channel("all"):publish("bench", request.body)
end)
