// Lua 5.4 as Debian ships it; only CLua's own C files may include these.
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>
