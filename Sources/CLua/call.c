// Runs between host and Lua, in both directions.
#include <string.h>

#include "owner.h"

// MARK: Lua calls the host

// The memory limit does not hold while host code runs; what it took too much is answered for here.
static void settle_memory(lua_State *L, Owner *owner) {
    if (owner->used <= owner->limit) return;
    lua_gc(L, LUA_GCCOLLECT);
    if (owner->used > owner->limit) luaL_error(L, "not enough memory");
}

int clua_dispatch(lua_State *L, int function) {
    Owner *owner = owner_of(L);
    bool enforcing = owner->enforcing;
    owner->enforcing = false;
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    int count = owner->host.call(owner->host.context, L, function);
    owner->enforcing = enforcing;
    // No Swift frame is left from here on: errors may jump.
    if (count >= 0) {
        if (enforcing) settle_memory(L, owner);
        return count;
    }
    if (count == CLUA_WAIT) {
        owner->yield_reason = YIELD_WAIT;
        return lua_yield(L, 0);
    }
    return lua_error(L);
}

static int call_function(lua_State *L) { return clua_dispatch(L, (int)lua_tointeger(L, lua_upvalueindex(1))); }

static int call_bound(lua_State *L) {
    if (lua_rawequal(L, 1, lua_upvalueindex(2))) return call_function(L);
    luaL_checkstack(L, 1, NULL);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    return call_function(L);
}

void clua_push_function(CLuaThread *L, int function) {
    lua_pushinteger(L, function);
    lua_pushcclosure(L, call_function, 1);
}

void clua_push_bound_function(CLuaThread *L, int function) {
    lua_pushinteger(L, function);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, call_bound, 2);
}

// MARK: the host calls Lua

// What a run changes in the owner and must find again after it: runs nest when host code called by Lua calls Lua.
typedef struct {
    bool enforcing;
    int blocked, depth;
} Run;

static Run enter(Owner *owner) {
    Run run = {owner->enforcing, owner->blocked, owner->depth};
    owner->enforcing = true;
    owner->blocked = 0;
    owner->depth = 0;
    return run;
}

static void leave(Owner *owner, Run run) {
    owner->enforcing = run.enforcing;
    owner->blocked = run.blocked;
    owner->depth = run.depth;
}

static CLuaOutcome outcome(int status) {
    if (status == LUA_OK) return CLUA_DONE;
    return status == LUA_ERRMEM ? CLUA_MEMORY : CLUA_FAILED;
}

CLuaOutcome clua_load(CLuaThread *L, const char *source, size_t length, const char *chunk_name) {
    Owner *owner = owner_of(L);
    Run run = enter(owner);
    int status = luaL_loadbufferx(L, source, length, chunk_name, "t");
    leave(owner, run);
    return outcome(status);
}

CLuaThread *clua_new_coroutine(CLuaThread *L) {
    lua_State *coroutine = lua_newthread(L);
    lua_sethook(coroutine, clua_on_count, LUA_MASKCOUNT, 100); // not the creator's, which may be armed
    return coroutine;
}

CLuaOutcome clua_resume(CLuaThread *coroutine, CLuaThread *from, int arguments) {
    Owner *owner = owner_of(coroutine);
    Run run = enter(owner);
    owner->yield_reason = YIELD_SCRIPT;
    int results = 0;
    int status = lua_resume(coroutine, from, arguments, &results);
    leave(owner, run);
    if (status != LUA_YIELD) return outcome(status);
    if (owner->yield_reason == YIELD_OVERTIME) return CLUA_OVERTIME;
    return CLUA_WAITING; // coroutine.yield of ours raises outside a script's own coroutine
}

CLuaOutcome clua_call(CLuaThread *L, int arguments, int results) {
    Owner *owner = owner_of(L);
    Run run = enter(owner);
    owner->blocked = 1; // a host frame waits for the result
    int status = lua_pcall(L, arguments, results, 0);
    leave(owner, run);
    return outcome(status);
}

CLuaOutcome clua_end(CLuaThread *coroutine, int64_t nanoseconds) {
    Owner *owner = owner_of(coroutine);
    int64_t deadline = owner->deadline;
    bool overtime = owner->overtime;
    char place[sizeof owner->place];
    memcpy(place, owner->place, sizeof place);
    clua_start_budget(coroutine, nanoseconds);

    // Innermost first. The chain is as short as coroutines can nest: about 200.
    int status = LUA_OK;
    for (;;) {
        lua_State *last = coroutine, *next;
        while ((next = clua_waited_for(last))) last = next;
        Run run = enter(owner);
        owner->blocked = 1;
        int ended = lua_resetthread(last);
        leave(owner, run);
        if (status == LUA_OK) status = ended;
        if (last == coroutine) break;
    }
    bool late = owner->overtime;
    owner->deadline = deadline;
    owner->overtime = overtime;
    memcpy(owner->place, place, sizeof place);
    return late ? CLUA_OVERTIME : outcome(status);
}

// MARK: waiting

bool clua_can_wait(CLuaThread *L) { return lua_isyieldable(L) && owner_of(L)->blocked == 0; }

// Pushes "string.gsub" for a function of a standard library; false when it is none.
static bool push_library_name(lua_State *L, const char *name) {
    static const char *const libraries[] = {"string", "table"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        lua_pushglobaltable(L);
        lua_pushstring(L, libraries[i]);
        lua_rawget(L, -2);
        lua_remove(L, -2);
        if (lua_istable(L, -1)) {
            lua_pushstring(L, name);
            lua_rawget(L, -2);
            if (lua_rawequal(L, -1, -3)) {
                lua_pop(L, 2);
                lua_pushfstring(L, "%s.%s", libraries[i], name);
                return true;
            }
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    return false;
}

void clua_push_wait_obstacle(CLuaThread *L) {
    lua_Debug at;
    for (int level = 1; lua_getstack(L, level, &at); level++) {
        lua_getinfo(L, "Snf", &at);
        const char *name = at.name ? at.name : "?";
        if (strcmp(at.namewhat, "metamethod") == 0) {
            lua_pop(L, 1);
            lua_pushfstring(L, "a metamethod (__%s)", name);
            return;
        }
        bool found = *at.what == 'C' && push_library_name(L, name);
        if (found) {
            lua_remove(L, -2);
            return;
        }
        lua_pop(L, 1);
    }
    lua_pushliteral(L, "a function that the host or C is waiting for");
}

// MARK: where things are

static lua_State *innermost(lua_State *L) {
    for (lua_State *next; (next = clua_waited_for(L));) L = next;
    return L;
}

void clua_push_traceback(CLuaThread *L, CLuaThread *of, const char *message) {
    luaL_traceback(L, innermost(of), message, 0);
}

void clua_push_where(CLuaThread *L, int level) { luaL_where(L, level); }

void clua_push_definition(CLuaThread *L, int index) {
    lua_Debug at;
    lua_pushvalue(L, index);
    if (lua_type(L, -1) == LUA_TFUNCTION && lua_getinfo(L, ">S", &at) && at.linedefined > 0) {
        lua_pushstring(L, at.short_src);
        lua_pushinteger(L, at.linedefined);
        return;
    }
    if (lua_type(L, -1) != LUA_TFUNCTION) lua_pop(L, 1);
    lua_pushnil(L);
    lua_pushnil(L);
}
