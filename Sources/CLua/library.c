// The standard library that scripts get: an allow-list, and bounds on what cannot be interrupted.
#include "owner.h"

// Elements that one call of an uninterruptible table function may touch: well under a second.
#define MAX_ELEMENTS 10000000
#define MAX_SORTED 1000000

// The library's own function, which a bounded one guards.
static int call_original(lua_State *L) { return lua_tocfunction(L, lua_upvalueindex(1))(L); }

static void check_count(lua_State *L, const char *name, lua_Integer first, lua_Integer last, lua_Integer most) {
    if (last >= first && (lua_Unsigned)last - (lua_Unsigned)first >= (lua_Unsigned)most)
        luaL_error(L, "%s: more than %I elements", name, (LUAI_UACINT)most);
}

static int string_rep(lua_State *L) {
    size_t length, separator;
    luaL_checklstring(L, 1, &length);
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &separator);
    if (count > 0 && length + separator == 0) {
        lua_pushliteral(L, ""); // Lua would count to `count`
        return 1;
    }
    if (count > 0 && (size_t)count > owner_of(L)->limit / (length + separator))
        return luaL_error(L, "string.rep: the result is larger than the memory limit");
    return call_original(L);
}

// A '__len' may answer something else each time it is asked. Where the last element is an argument, the answer that
// was checked takes its place; other functions ask again, so they take no such table.
static void fix_last(lua_State *L, int index) {
    if (!lua_isnil(L, index)) return;
    lua_pushinteger(L, luaL_len(L, 1));
    lua_replace(L, index);
}

static lua_Integer plain_length(lua_State *L, const char *name) {
    if (luaL_getmetafield(L, 1, "__len") != LUA_TNIL) luaL_error(L, "%s: a table with '__len' is not supported", name);
    return (lua_Integer)lua_rawlen(L, 1);
}

static int table_concat(lua_State *L) {
    if (lua_istable(L, 1)) {
        lua_settop(L, 4);
        fix_last(L, 4);
        check_count(L, "table.concat", luaL_optinteger(L, 3, 1), luaL_checkinteger(L, 4), MAX_ELEMENTS);
    }
    return call_original(L);
}

static int table_insert(lua_State *L) {
    if (lua_gettop(L) >= 3 && lua_istable(L, 1))
        check_count(L, "table.insert", luaL_checkinteger(L, 2), plain_length(L, "table.insert"), MAX_ELEMENTS);
    return call_original(L);
}

static int table_remove(lua_State *L) {
    if (lua_gettop(L) >= 2 && lua_istable(L, 1))
        check_count(L, "table.remove", luaL_checkinteger(L, 2), plain_length(L, "table.remove"), MAX_ELEMENTS);
    return call_original(L);
}

static int table_move(lua_State *L) {
    check_count(L, "table.move", luaL_checkinteger(L, 2), luaL_checkinteger(L, 3), MAX_ELEMENTS);
    return call_original(L);
}

static int table_unpack(lua_State *L) {
    lua_settop(L, 3);
    fix_last(L, 3);
    check_count(L, "table.unpack", luaL_optinteger(L, 2, 1), luaL_checkinteger(L, 3), MAX_SORTED);
    return call_original(L);
}

static int table_sort(lua_State *L) {
    if (lua_istable(L, 1)) check_count(L, "table.sort", 1, plain_length(L, "table.sort"), MAX_SORTED);
    return call_original(L);
}

// Hooks do not run inside finalizers, so a script's finalizer could not be ended.
static int base_setmetatable(lua_State *L) {
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        lua_rawget(L, 2);
        if (!lua_isnil(L, -1)) return luaL_error(L, "setmetatable: '__gc' is not supported; use '__close'");
        lua_pop(L, 1);
    }
    return call_original(L);
}

static int base_load(lua_State *L) {
    if (lua_gettop(L) < 3) lua_settop(L, 3);
    lua_pushliteral(L, "t"); // bytecode can crash the interpreter
    lua_replace(L, 3);
    return call_original(L);
}

static int base_collectgarbage(lua_State *L) {
    static const char *const allowed[] = {"collect", "count", "step", NULL};
    luaL_checkoption(L, 1, "collect", allowed);
    return call_original(L);
}

static void guard(lua_State *L, const char *name, lua_CFunction guarded) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, guarded, 1);
    lua_setfield(L, -2, name);
}

// Leaves only the named functions in the library on top of the stack.
static void keep_only(lua_State *L, const char *const *names) {
    lua_newtable(L);
    for (; *names; names++) {
        lua_getfield(L, -2, *names);
        lua_setfield(L, -2, *names);
    }
    lua_remove(L, -2);
}

static void forget(lua_State *L, const char *name) {
    lua_pushnil(L);
    lua_setfield(L, -2, name);
}

static void hide_metatable(lua_State *L) {
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

void clua_open_libraries(lua_State *L) {
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},       {LUA_TABLIBNAME, luaopen_table}, {LUA_STRLIBNAME, luaopen_string},
        {LUA_MATHLIBNAME, luaopen_math}, {LUA_UTF8LIBNAME, luaopen_utf8}, {LUA_COLIBNAME, luaopen_coroutine},
        {LUA_OSLIBNAME, luaopen_os},     {LUA_IOLIBNAME, luaopen_io},     {NULL, NULL},
    };
    for (const luaL_Reg *library = libraries; library->func; library++) {
        luaL_requiref(L, library->name, library->func, 1);
        lua_pop(L, 1);
    }

    lua_pushglobaltable(L);
    forget(L, "dofile");
    forget(L, "loadfile");
    guard(L, "load", base_load);
    guard(L, "setmetatable", base_setmetatable);
    guard(L, "collectgarbage", base_collectgarbage);
    lua_pop(L, 1);

    lua_getglobal(L, "string");
    forget(L, "dump");
    guard(L, "rep", string_rep);
    lua_pop(L, 1);

    lua_getglobal(L, "table");
    guard(L, "concat", table_concat);
    guard(L, "insert", table_insert);
    guard(L, "remove", table_remove);
    guard(L, "move", table_move);
    guard(L, "unpack", table_unpack);
    guard(L, "sort", table_sort);
    lua_pop(L, 1);

    static const char *const os_names[] = {"time", "date", "clock", "getenv", "difftime", NULL};
    lua_getglobal(L, "os");
    keep_only(L, os_names);
    lua_setglobal(L, "os");
    static const char *const io_names[] = {"open", "type", NULL};
    lua_getglobal(L, "io");
    keep_only(L, io_names);
    lua_setglobal(L, "io");

    // Shared by the whole interpreter: no script may change them.
    luaL_getmetatable(L, LUA_FILEHANDLE);
    hide_metatable(L);
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    hide_metatable(L);
    lua_pop(L, 1);
}
