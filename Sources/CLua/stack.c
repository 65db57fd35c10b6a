// Stack, tables and references: thin names over functions of lua.h that cannot raise here (see CLua.h).
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "owner.h"

// Values that a function here has on the stack for a moment fit into the five slots that Lua has in reserve.
void clua_make_room(lua_State *L, int count) {
    if (lua_checkstack(L, count)) return;
    fputs("host code pushed on a full Lua stack\n", stderr);
    abort();
}

static lua_State *roomy(lua_State *L, int count) {
    clua_make_room(L, count);
    return L;
}

int clua_top(CLuaThread *L) { return lua_gettop(L); }
void clua_set_top(CLuaThread *L, int index) { lua_settop(L, index); }
bool clua_check_stack(CLuaThread *L, int count) { return lua_checkstack(L, count); }
void clua_push_copy(CLuaThread *L, int index) { lua_pushvalue(roomy(L, 1), index); }
void clua_remove(CLuaThread *L, int index) { lua_remove(L, index); }
void clua_insert(CLuaThread *L, int index) { lua_insert(L, index); }
void clua_move(CLuaThread *from, CLuaThread *to, int count) { lua_xmove(from, roomy(to, count), count); }
int clua_type(CLuaThread *L, int index) { return lua_type(L, index); }
const char *clua_type_name(int type) { return lua_typename(NULL, type); }
bool clua_is_integer(CLuaThread *L, int index) { return lua_isinteger(L, index); }
bool clua_raw_equal(CLuaThread *L, int a, int b) { return lua_rawequal(L, a, b); }
bool clua_to_boolean(CLuaThread *L, int index) { return lua_toboolean(L, index); }

bool clua_to_integer(CLuaThread *L, int index, int64_t *value) {
    if (lua_type(L, index) != LUA_TNUMBER) return false;
    int exact = 0;
    *value = lua_tointegerx(L, index, &exact);
    return exact;
}

bool clua_to_number(CLuaThread *L, int index, double *value) {
    if (lua_type(L, index) != LUA_TNUMBER) return false;
    *value = lua_tonumberx(L, index, NULL);
    return true;
}

const char *clua_to_bytes(CLuaThread *L, int index, size_t *length) {
    if (lua_type(L, index) != LUA_TSTRING) return NULL;
    return lua_tolstring(L, index, length);
}

CLuaThread *clua_to_thread(CLuaThread *L, int index) { return lua_tothread(L, index); }

void clua_push_nil(CLuaThread *L) { lua_pushnil(roomy(L, 1)); }
void clua_push_boolean(CLuaThread *L, bool value) { lua_pushboolean(roomy(L, 1), value); }
void clua_push_integer(CLuaThread *L, int64_t value) { lua_pushinteger(roomy(L, 1), value); }
void clua_push_number(CLuaThread *L, double value) { lua_pushnumber(roomy(L, 1), value); }
void clua_push_bytes(CLuaThread *L, const char *bytes, size_t length) {
    lua_pushlstring(roomy(L, 1), bytes ? bytes : "", length);
}
void clua_push_globals(CLuaThread *L) { lua_pushglobaltable(roomy(L, 1)); }

void clua_push_description(CLuaThread *L, int index) {
    clua_make_room(L, 8);
    index = lua_absindex(L, index);
    switch (lua_type(L, index)) {
    case LUA_TSTRING: lua_pushvalue(L, index); break;
    case LUA_TNUMBER:
        lua_pushvalue(L, index);
        lua_tolstring(L, -1, NULL); // turns the copy into its text
        break;
    case LUA_TBOOLEAN: lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false"); break;
    case LUA_TNIL: lua_pushliteral(L, "nil"); break;
    default:
        clua_push_kind(L, index);
        lua_pushfstring(L, "%s: %p", lua_tostring(L, -1), lua_topointer(L, index));
        lua_remove(L, -2);
    }
}

void clua_new_table(CLuaThread *L, int array, int fields) { lua_createtable(roomy(L, 1), array, fields); }
int clua_get(CLuaThread *L, int table) { return lua_rawget(L, table); }

int clua_get_field(CLuaThread *L, int table, const char *key, size_t length) {
    table = lua_absindex(L, table);
    lua_pushlstring(roomy(L, 1), key, length);
    return lua_rawget(L, table);
}

int clua_get_index(CLuaThread *L, int table, int64_t index) { return lua_rawgeti(roomy(L, 1), table, index); }

bool clua_set(CLuaThread *L, int table) {
    int type = lua_type(L, -2);
    if (type == LUA_TNIL || (type == LUA_TNUMBER && isnan(lua_tonumber(L, -2)))) {
        lua_pop(L, 2);
        return false;
    }
    lua_rawset(L, table);
    return true;
}

void clua_set_field(CLuaThread *L, int table, const char *key, size_t length) {
    table = lua_absindex(L, table);
    lua_pushlstring(L, key, length);
    lua_insert(L, -2);
    lua_rawset(L, table);
}

void clua_set_index(CLuaThread *L, int table, int64_t index) { lua_rawseti(L, table, index); }
int64_t clua_length(CLuaThread *L, int index) { return (int64_t)lua_rawlen(L, index); }
bool clua_next(CLuaThread *L, int table) { return lua_next(roomy(L, 1), table); }

bool clua_has_metatable(CLuaThread *L, int index, int reference) {
    if (!lua_getmetatable(L, index)) return false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, reference);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

void clua_set_metatable(CLuaThread *L, int index, int reference) {
    index = lua_absindex(L, index);
    lua_rawgeti(L, LUA_REGISTRYINDEX, reference);
    lua_setmetatable(L, index);
}

int clua_reference(CLuaThread *L) { return luaL_ref(L, LUA_REGISTRYINDEX); }
void clua_push_reference(CLuaThread *L, int reference) { lua_rawgeti(roomy(L, 1), LUA_REGISTRYINDEX, reference); }
void clua_release_reference(CLuaThread *L, int reference) { luaL_unref(L, LUA_REGISTRYINDEX, reference); }
