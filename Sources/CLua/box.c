// Host objects as Lua values: a box of (object, class) with one finalizer, members found in tables made once.
#include "owner.h"

typedef struct {
    Held *held; // NULL once finalized
} Box;

// A class is its metatable, kept in the registry under its number. In the metatable, besides the metamethods:
enum {
    MEMBERS = 1,   // name -> function (a method), other value, or light userdata (the number of a getter)
    SETTERS = 2,   // name -> integer
    NAME = 3,      // "SSEConnection"
    INSTANCE = 4,  // "connection"
    PIN = 5,       // integer or nil
    UNKNOWN = 6,   // integer or nil
    OWN_FIELDS = 7 // boolean
};
// User values of a box.
enum { FIELDS = 1, ATTACHMENTS = 2 };

// luaL_ref takes the positive integers of the registry, and -1 and -2 for "nil" and "none"; classes have those below.
static int class_key(int number) { return -3 - number; }

static void push_class(lua_State *L, int number) { lua_rawgeti(L, LUA_REGISTRYINDEX, class_key(number)); }

static Box *box_at(lua_State *L, int index, int class_number) {
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) return NULL;
    push_class(L, class_number);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same ? lua_touserdata(L, index) : NULL;
}

static int collect(lua_State *L) {
    Box *box = lua_touserdata(L, 1);
    Held *held = box->held;
    box->held = NULL;
    if (held) clua_let_go(owner_of(L), held);
    return 0;
}

Held *clua_held_by(lua_State *L, int index) { return ((Box *)lua_touserdata(L, index))->held; }

// Upvalues of index and new_index: members or setters, the metatable.
static int raise_unknown(lua_State *L) {
    lua_rawgeti(L, lua_upvalueindex(2), UNKNOWN);
    if (lua_isinteger(L, -1)) {
        int function = (int)lua_tointeger(L, -1);
        lua_settop(L, 2);
        return clua_dispatch(L, function);
    }
    const char *member = luaL_tolstring(L, 2, NULL);
    lua_rawgeti(L, lua_upvalueindex(2), NAME);
    return luaL_error(L, "%s has no member '%s'", lua_tostring(L, -1), member);
}

static bool own_fields(lua_State *L) {
    lua_rawgeti(L, lua_upvalueindex(2), OWN_FIELDS);
    bool allowed = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return allowed;
}

static int index_member(lua_State *L) {
    lua_pushvalue(L, 2);
    int type = lua_rawget(L, lua_upvalueindex(1));
    if (type == LUA_TLIGHTUSERDATA) {
        int function = (int)(intptr_t)lua_touserdata(L, -1);
        lua_settop(L, 1);
        return clua_dispatch(L, function);
    }
    if (type != LUA_TNIL) return 1;
    if (!own_fields(L)) return raise_unknown(L);
    if (lua_getiuservalue(L, 1, FIELDS) != LUA_TTABLE) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

static int set_member(lua_State *L) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNUMBER) {
        int function = (int)lua_tointeger(L, -1);
        lua_pop(L, 1);
        lua_remove(L, 2);
        return clua_dispatch(L, function);
    }
    lua_rawgeti(L, lua_upvalueindex(2), MEMBERS);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL) {
        const char *member = luaL_tolstring(L, 2, NULL);
        lua_rawgeti(L, lua_upvalueindex(2), NAME);
        return luaL_error(L, "%s.%s cannot be assigned", lua_tostring(L, -1), member);
    }
    if (!own_fields(L)) return raise_unknown(L);
    lua_settop(L, 3);
    if (lua_getiuservalue(L, 1, FIELDS) == LUA_TTABLE) {
        lua_insert(L, 2);
        lua_settable(L, 2); // no metatable; raises for a nil or NaN key
        return 0;
    }
    lua_newtable(L);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_settable(L, -3);
    lua_setiuservalue(L, 1, FIELDS);
    lua_rawgeti(L, lua_upvalueindex(2), PIN);
    if (!lua_isinteger(L, -1)) return 0;
    int function = (int)lua_tointeger(L, -1);
    lua_settop(L, 1);
    return clua_dispatch(L, function);
}

static int describe(lua_State *L) {
    luaL_getmetafield(L, 1, "__name");
    lua_pushfstring(L, "<%s#%p>", lua_tostring(L, -1), lua_topointer(L, 1));
    return 1;
}

// A method called without its receiver: `response.start_sse()`.
static int call_method(lua_State *L) {
    Box *box = box_at(L, 1, (int)lua_tointeger(L, lua_upvalueindex(2)));
    if (!box) return luaL_error(L, "%s", lua_tostring(L, lua_upvalueindex(3)));
    return clua_dispatch(L, (int)lua_tointeger(L, lua_upvalueindex(1)));
}

int clua_new_class(CLuaThread *L, const char *name, const char *instance, bool own_fields) {
    int number = owner_of(L)->class_count++;
    lua_createtable(L, 8, 8);
    int class_index = lua_gettop(L);
    lua_newtable(L);
    lua_rawseti(L, class_index, MEMBERS);
    lua_newtable(L);
    lua_rawseti(L, class_index, SETTERS);
    lua_pushstring(L, name);
    lua_rawseti(L, class_index, NAME);
    lua_pushstring(L, instance);
    lua_rawseti(L, class_index, INSTANCE);
    lua_pushboolean(L, own_fields);
    lua_rawseti(L, class_index, OWN_FIELDS);

    const struct { const char *event; lua_CFunction function; int table; } metamethods[] = {
        {"__index", index_member, MEMBERS}, {"__newindex", set_member, SETTERS}};
    for (int i = 0; i < 2; i++) {
        lua_pushstring(L, metamethods[i].event);
        lua_rawgeti(L, class_index, metamethods[i].table);
        lua_pushvalue(L, class_index);
        lua_pushcclosure(L, metamethods[i].function, 2);
        lua_rawset(L, class_index);
    }
    lua_pushliteral(L, "__gc");
    lua_pushcfunction(L, collect);
    lua_rawset(L, class_index);
    lua_pushliteral(L, "__tostring");
    lua_pushcfunction(L, describe);
    lua_rawset(L, class_index);
    lua_pushliteral(L, "__name");
    lua_pushstring(L, name);
    lua_rawset(L, class_index);
    lua_pushliteral(L, "__metatable");
    lua_pushboolean(L, 0);
    lua_rawset(L, class_index);
    lua_rawseti(L, LUA_REGISTRYINDEX, class_key(number));
    return number;
}

// Sets table[name] to the value on top of the stack, popping it, in table `which` of the class.
static void set_in(lua_State *L, int class_number, int which, const char *name) {
    push_class(L, class_number);
    lua_rawgeti(L, -1, which);
    lua_remove(L, -2);
    lua_pushstring(L, name);
    lua_rotate(L, -3, -1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

void clua_add_method(CLuaThread *L, int class_number, const char *name, int function) {
    lua_pushinteger(L, function);
    lua_pushinteger(L, class_number);
    push_class(L, class_number);
    lua_rawgeti(L, -1, INSTANCE);
    lua_remove(L, -2);
    lua_pushfstring(L, "use %s:%s() (':' not '.')", lua_tostring(L, -1), name);
    lua_remove(L, -2);
    lua_pushcclosure(L, call_method, 3);
    set_in(L, class_number, MEMBERS, name);
}

void clua_add_value(CLuaThread *L, int class_number, const char *name) { set_in(L, class_number, MEMBERS, name); }

void clua_add_property(CLuaThread *L, int class_number, const char *name, int getter, int setter) {
    lua_pushlightuserdata(L, (void *)(intptr_t)getter);
    set_in(L, class_number, MEMBERS, name);
    if (setter < 0) return;
    lua_pushinteger(L, setter);
    set_in(L, class_number, SETTERS, name);
}

static void set_slot(lua_State *L, int class_number, int slot, int function) {
    push_class(L, class_number);
    lua_pushinteger(L, function);
    lua_rawseti(L, -2, slot);
    lua_pop(L, 1);
}

void clua_set_pin(CLuaThread *L, int class_number, int function) { set_slot(L, class_number, PIN, function); }
void clua_set_unknown(CLuaThread *L, int class_number, int function) { set_slot(L, class_number, UNKNOWN, function); }

bool clua_push_object(CLuaThread *L, int class_number, void *object) {
    clua_make_room(L, 4);
    lua_rawgeti(L, LUA_REGISTRYINDEX, owner_of(L)->objects);
    if (lua_rawgetp(L, -1, object) != LUA_TNIL) {
        lua_remove(L, -2);
        return false;
    }
    lua_pop(L, 1);
    Box *box = lua_newuserdatauv(L, sizeof *box, 2);
    box->held = clua_hold(owner_of(L), object);
    push_class(L, class_number);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, object);
    lua_remove(L, -2);
    return true;
}

void *clua_to_object(CLuaThread *L, int index, int class_number) {
    Box *box = box_at(L, index, class_number);
    return box && box->held ? clua_object_of(box->held) : NULL;
}

void clua_push_kind(CLuaThread *L, int index) {
    clua_make_room(L, 4);
    int type = lua_type(L, index);
    if ((type == LUA_TUSERDATA || type == LUA_TTABLE) && lua_getmetatable(L, index)) {
        lua_pushliteral(L, "__name");
        lua_rawget(L, -2);
        lua_remove(L, -2);
        if (lua_type(L, -1) == LUA_TSTRING) return;
        lua_pop(L, 1);
    }
    lua_pushstring(L, type == LUA_TNONE ? "nothing" : lua_typename(L, type));
}

void clua_push_attachments(CLuaThread *L, int index, bool create) {
    index = lua_absindex(L, index);
    clua_make_room(L, 4);
    if (lua_getiuservalue(L, index, ATTACHMENTS) == LUA_TTABLE) return;
    lua_pop(L, 1);
    if (!create) {
        lua_pushnil(L);
        return;
    }
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, index, ATTACHMENTS);
}
