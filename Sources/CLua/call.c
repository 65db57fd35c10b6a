// Runs between host and Lua, in both directions.
#include <string.h>

#include "owner.h"

// MARK: Lua calls the host

// The memory limit does not hold while host code runs; what it took too much is answered for here.
static void settle_memory(lua_State *L, Owner *owner) {
    if (owner->used <= owner->limit) return;
    lua_gc(L, LUA_GCCOLLECT);
    if (owner->used <= owner->limit) return;
    lua_pushliteral(L, "not enough memory"); // Lua's own text, which lua_error raises as Lua's own error
    lua_error(L);
}

int clua_dispatch(lua_State *L, int function) {
    Owner *owner = owner_of(L);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    bool enforcing = owner->enforcing;
    lua_State *running = owner->running;
    owner->enforcing = false;
    owner->running = L;
    int count = owner->host.call(owner->host.context, L, function);
    owner->enforcing = enforcing;
    owner->running = running;
    // No Swift frame is left from here on: errors may jump.
    if (count >= 0) {
        if (enforcing) settle_memory(L, owner);
        return count;
    }
    if (count == CLUA_WAIT) {
        if (!clua_can_wait(L)) {
            clua_push_wait_obstacle(L);
            return luaL_error(L, "cannot wait inside %s", lua_tostring(L, -1));
        }
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
    clua_make_room(L, 4);
    lua_pushinteger(L, function);
    lua_pushcclosure(L, call_function, 1);
}

void clua_push_bound_function(CLuaThread *L, int function) {
    clua_make_room(L, 4);
    lua_pushinteger(L, function);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, call_bound, 2);
}

// MARK: the host calls Lua

// What a run changes in the owner and must find again after it: runs nest when host code called by Lua calls Lua.
typedef struct {
    bool enforcing;
    int blocked, depth, fresh;
} Run;

static Run enter(Owner *owner) {
    Run run = {owner->enforcing, owner->blocked, owner->depth, owner->fresh};
    owner->enforcing = true;
    owner->blocked = 0;
    owner->depth = 0;
    return run;
}

static void leave(Owner *owner, Run run) {
    owner->enforcing = run.enforcing;
    owner->blocked = run.blocked;
    owner->depth = run.depth;
    owner->fresh = run.fresh;
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
    clua_make_room(L, 1);
    lua_State *coroutine = lua_newthread(L);
    lua_sethook(coroutine, clua_on_count, LUA_MASKCOUNT, HOOK_INTERVAL); // not the creator's, which may be armed
    return coroutine;
}

CLuaOutcome clua_resume(CLuaThread *coroutine, CLuaThread *from, int arguments) {
    Owner *owner = owner_of(coroutine);
    clua_arm(coroutine);
    Run run = enter(owner);
    owner->yield_reason = YIELD_SCRIPT;
    int results = 0;
    // Lua counts C calls from where the resuming thread is; the running one may be a script's own coroutine.
    int status = lua_resume(coroutine, owner->running ? owner->running : from, arguments, &results);
    leave(owner, run);
    bool failed = status != LUA_OK && status != LUA_YIELD;
    if (failed) clua_give_up_if_hookless(coroutine);
    clua_sweep_held(coroutine);
    if (owner->budget.overtime) return CLUA_OVERTIME; // also where it had to be raised, and if pcall caught it at the very end
    // A yield is a wait: coroutine.yield of ours raises outside a script's own coroutine.
    return status == LUA_YIELD ? CLUA_WAITING : outcome(status);
}

CLuaOutcome clua_call(CLuaThread *L, int arguments, int results) {
    Owner *owner = owner_of(L);
    if (owner->fresh >= MAX_FRESH) {
        lua_pop(L, arguments + 1);
        lua_pushliteral(L, "C stack overflow");
        return CLUA_FAILED;
    }
    int base = lua_gettop(L) - arguments - 1;
    clua_arm(L);
    Run run = enter(owner);
    owner->blocked = 1; // a host frame waits for the result
    owner->fresh++;
    int status = lua_pcall(L, arguments, results, 0);
    leave(owner, run);
    clua_sweep_held(L);
    if (status == LUA_OK && owner->budget.overtime) { // some pcall caught that at the very end
        lua_settop(L, base);
        lua_pushfstring(L, "time budget used up at %s", owner->budget.place);
        return CLUA_OVERTIME;
    }
    return outcome(status);
}

lua_State *clua_main_thread(lua_State *L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *main = lua_tothread(L, -1);
    lua_pop(L, 1);
    return main;
}

static lua_State *innermost(lua_State *L) {
    for (lua_State *next; (next = clua_waited_for(L));) L = next;
    return L;
}

static int end_one(Owner *owner, lua_State *L) {
    clua_arm(L);
    Run run = enter(owner);
    owner->blocked = 1;
    int status = clua_close_variables(L);
    leave(owner, run);
    return status;
}

CLuaOutcome clua_end(CLuaThread *coroutine, int64_t nanoseconds) {
    Owner *owner = owner_of(coroutine);
    if (clua_is_active(coroutine)) {
        lua_pushliteral(coroutine, "cannot end a coroutine that is running");
        return CLUA_FAILED;
    }
    if (clua_is_given_up(coroutine)) return CLUA_OVERTIME;
    if (!clua_can_close(coroutine)) {
        lua_pushliteral(coroutine, "C stack overflow");
        return CLUA_FAILED;
    }
    Budget outer = owner->budget;
    clua_start_budget(coroutine, nanoseconds);

    // The error that it died of comes back from its end, if no variable raised another. Both are kept on the main
    // stack, because a stack that overflowed has no room.
    lua_State *main = clua_main_thread(coroutine);
    clua_make_room(main, 2);
    int top = lua_gettop(main);
    bool died = lua_status(coroutine) > LUA_YIELD;
    if (died) {
        lua_pushvalue(coroutine, -1);
        lua_xmove(coroutine, main, 1);
    }
    // Innermost first. The chain is as short as coroutines can nest: about 200.
    int status = LUA_OK;
    for (;;) {
        lua_State *last = innermost(coroutine);
        int ended = end_one(owner, last);
        if (ended != LUA_OK && status == LUA_OK) {
            status = ended;
            lua_xmove(last, main, 1);
        }
        if (last == coroutine) break;
    }
    lua_settop(coroutine, 0);
    if (died && lua_rawequal(main, -1, -2)) status = LUA_OK;
    if (status != LUA_OK) lua_xmove(main, coroutine, 1);
    lua_settop(main, top);

    clua_sweep_held(coroutine);
    bool late = owner->budget.overtime;
    if (late) lua_settop(coroutine, 0);
    owner->budget = outer;
    return late ? CLUA_OVERTIME : outcome(status);
}

// MARK: waiting

bool clua_can_wait(CLuaThread *L) { return lua_isyieldable(L) && owner_of(L)->blocked == 0; }

// Pushes the name that scripts have for the function on top, "table.sort" or "tostring"; false when they have none.
static bool push_name(lua_State *L) {
    static const char *const libraries[] = {LUA_TABLIBNAME, LUA_STRLIBNAME, LUA_GNAME};
    int function = lua_gettop(L);
    for (int i = 0; i < 3; i++) {
        lua_pushglobaltable(L);
        lua_pushstring(L, libraries[i]);
        if (lua_rawget(L, -2) != LUA_TTABLE) lua_newtable(L); // a script may have removed it
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            if (lua_type(L, -2) != LUA_TSTRING || !lua_rawequal(L, -1, function)) continue;
            bool global = i == 2;
            lua_pushfstring(L, "%s%s%s", global ? "" : libraries[i], global ? "" : ".", lua_tostring(L, -2));
            lua_replace(L, function + 1);
            lua_settop(L, function + 1);
            return true;
        }
        lua_settop(L, function);
    }
    return false;
}

// Metamethods are no obstacle: Lua code that calls one can wait. A C function that calls back is.
void clua_push_wait_obstacle(CLuaThread *L) {
    lua_Debug at;
    clua_make_room(L, LUA_MINSTACK);
    int top = lua_gettop(L);
    for (int level = 1; lua_getstack(L, level, &at); level++, lua_settop(L, top)) {
        lua_getinfo(L, "Sf", &at);
        if (*at.what != 'C' || !push_name(L)) continue;
        const char *name = lua_tostring(L, -1);
        if (strcmp(name, "pcall") == 0 || strcmp(name, "xpcall") == 0) continue; // waits pass through these
        lua_remove(L, -2);
        return;
    }
    lua_pushliteral(L, "a function that the host or C is waiting for");
}

// MARK: where things are

void clua_push_traceback(CLuaThread *L, CLuaThread *of, const char *message) {
    luaL_traceback(L, innermost(of), message, 0);
}

void clua_push_where(CLuaThread *L) {
    lua_Debug at;
    clua_make_room(L, 8);
    for (int level = 1; lua_getstack(L, level, &at); level++) {
        lua_getinfo(L, "Sl", &at);
        bool is_hosts = at.source[0] == '@' && at.source[1] == '[';
        if (at.currentline > 0 && !is_hosts) {
            lua_pushfstring(L, "%s:%d", at.short_src, at.currentline);
            return;
        }
    }
    lua_pushliteral(L, "");
}

void clua_push_definition(CLuaThread *L, int index) {
    lua_Debug at;
    clua_make_room(L, 4);
    lua_pushvalue(L, index);
    if (lua_isfunction(L, -1)) lua_getinfo(L, ">S", &at); // pops it
    else {
        lua_pop(L, 1);
        at.linedefined = -1;
    }
    if (at.linedefined > 0) {
        lua_pushstring(L, at.short_src);
        lua_pushinteger(L, at.linedefined);
    } else {
        lua_pushnil(L);
        lua_pushnil(L);
    }
}
