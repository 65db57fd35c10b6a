HTTPServer.register_route("GET", "/json", function(request, response)
  response:set_json { message = "hello" }
end)
