// coroutine.resume, wrap, close and yield, and xpcall: as Lua's, but a wait for the host and the end of the time
// budget pass through a script's own coroutines.
#include "owner.h"

enum { RESUME_ERROR = -1, RESUME_PASS = -2 };

static void set_waiting(lua_State *L, lua_State *co, bool waiting) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, owner_of(L)->waiting);
    lua_pushthread(co);
    if (co != L) lua_xmove(co, L, 1);
    if (waiting) lua_pushboolean(L, 1);
    else lua_pushnil(L);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

static bool is_waiting(lua_State *L, int index) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, owner_of(L)->waiting);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    bool waiting = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return waiting;
}

// Resumes `co` with the `count` values on top of L. Returns the number of results pushed on L, RESUME_ERROR with the
// error pushed, or RESUME_PASS when the whole chain up to the host must yield.
static int resume(lua_State *L, lua_State *co, int count) {
    Owner *owner = owner_of(L);
    if (!lua_checkstack(co, count)) {
        lua_pushliteral(L, "too many arguments to resume");
        return RESUME_ERROR;
    }
    lua_xmove(L, co, count);
    bool blocks = !lua_isyieldable(L);
    int results = 0;
    owner->yield_reason = YIELD_SCRIPT;
    owner->blocked += blocks;
    owner->depth++;
    int status = lua_resume(co, L, count, &results);
    owner->depth--;
    owner->blocked -= blocks;
    if (status == LUA_YIELD && owner->yield_reason != YIELD_SCRIPT) {
        if (!blocks) return RESUME_PASS;
        lua_resetthread(co); // over time where L cannot yield (waits were refused before): it must not run again
        return clua_raise_overtime(L);
    }
    if (status == LUA_OK || status == LUA_YIELD) {
        if (!lua_checkstack(L, results + 1)) {
            lua_pop(co, results);
            lua_pushliteral(L, "too many results to resume");
            return RESUME_ERROR;
        }
        lua_xmove(co, L, results);
        return results;
    }
    lua_xmove(co, L, 1);
    return RESUME_ERROR;
}

static int refuse_waiting(lua_State *L, const char *name) {
    return luaL_error(L, "cannot %s a coroutine that waits for the host", name);
}

// The stack of both is the coroutine and, above it, the values for it.
static int resume_go_on(lua_State *L, int status, lua_KContext context);
static int wrap_go_on(lua_State *L, int status, lua_KContext context);

static int pass(lua_State *L, lua_State *co, lua_KFunction go_on) {
    set_waiting(L, co, true);
    lua_settop(L, 1);
    return lua_yieldk(L, 0, 0, go_on); // the reason stays as the innermost one set it
}

static int resume_once(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    int count = resume(L, co, lua_gettop(L) - 1);
    if (count == RESUME_PASS) return pass(L, co, resume_go_on);
    lua_pushboolean(L, count != RESUME_ERROR);
    if (count == RESUME_ERROR) count = 1;
    lua_insert(L, -(count + 1));
    return count + 1;
}

static int resume_go_on(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    set_waiting(L, lua_tothread(L, 1), false);
    return resume_once(L);
}

static int co_resume(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    if (is_waiting(L, 1)) return refuse_waiting(L, "resume");
    return resume_once(L);
}

static int wrap_once(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    int count = resume(L, co, lua_gettop(L) - 1);
    if (count == RESUME_PASS) return pass(L, co, wrap_go_on);
    if (count != RESUME_ERROR) return count;
    int status = lua_status(co);
    if (status != LUA_OK && status != LUA_YIELD) {
        status = lua_resetthread(co); // closes its variables; they may change the error
        lua_xmove(co, L, 1);
    }
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int wrap_go_on(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    set_waiting(L, lua_tothread(L, 1), false);
    return wrap_once(L);
}

static int call_wrapped(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    if (is_waiting(L, 1)) return refuse_waiting(L, "resume");
    return wrap_once(L);
}

static lua_State *create(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = clua_new_coroutine(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return co;
}

static int co_create(lua_State *L) {
    create(L);
    return 1;
}

static int co_wrap(lua_State *L) {
    create(L);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

static int co_yield(lua_State *L) {
    if (owner_of(L)->depth == 0)
        return luaL_error(L, "coroutine.yield outside a coroutine of the script's own; to wait use sleep or await");
    owner_of(L)->yield_reason = YIELD_SCRIPT;
    return lua_yield(L, lua_gettop(L));
}

static int co_close(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    lua_State *co = lua_tothread(L, 1);
    lua_Debug at;
    bool dead = lua_status(co) != LUA_OK && lua_status(co) != LUA_YIELD;
    bool fresh = lua_status(co) == LUA_OK && !lua_getstack(co, 0, &at) && co != L;
    if (!dead && !fresh && lua_status(co) != LUA_YIELD) return luaL_error(L, "cannot close a running coroutine");
    if (is_waiting(L, 1)) return refuse_waiting(L, "close");
    if (lua_resetthread(co) == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return 2;
}

lua_State *clua_waited_for(lua_State *L) {
    lua_Debug at;
    if (lua_status(L) != LUA_YIELD || !lua_getstack(L, 0, &at) || !lua_getinfo(L, "f", &at)) return NULL;
    lua_CFunction function = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    if (function != co_resume && function != call_wrapped) return NULL;
    if (!lua_getlocal(L, &at, 1)) return NULL;
    lua_State *co = lua_tothread(L, -1);
    lua_pop(L, 1);
    return co && lua_status(co) == LUA_YIELD ? co : NULL;
}

// MARK: xpcall

static int handle(lua_State *L) {
    if (owner_of(L)->overtime) return 1; // a handler must not keep a killed coroutine alive
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int finish_xpcall(lua_State *L, int status, lua_KContext extra) {
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_pushboolean(L, 0);
        lua_pushvalue(L, -2);
        return 2;
    }
    return lua_gettop(L) - (int)extra;
}

static int protected_call(lua_State *L) {
    int count = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, handle, 1);
    lua_replace(L, 2);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);
    return finish_xpcall(L, lua_pcallk(L, count - 2, LUA_MULTRET, 2, 2, finish_xpcall), 2);
}

void clua_open_coroutines(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"create", co_create}, {"resume", co_resume}, {"wrap", co_wrap},
        {"yield", co_yield},   {"close", co_close},   {NULL, NULL},
    };
    lua_getglobal(L, "coroutine");
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
    lua_pushcfunction(L, protected_call);
    lua_setglobal(L, "xpcall");
}
