-- CRC-32, the checksum of ZIP, gzip and PNG. It finds accidents, not attacks: for those a file needs a real hash.
local TABLE <const> = {}
for byte = 0, 255 do
  local crc = byte
  for _ = 1, 8 do
    crc = (crc >> 1) ~ ((crc & 1) * 0xEDB88320)
  end
  TABLE[byte] = crc
end

-- In pieces: crc32("world", crc32("hello ")) is crc32("hello world").
return function(text, before)
  local crc = (before or 0) ~ 0xFFFFFFFF
  for index = 1, #text do
    crc = (crc >> 8) ~ TABLE[(crc ~ text:byte(index)) & 0xFF]
  end
  return crc ~ 0xFFFFFFFF
end
