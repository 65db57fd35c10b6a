// coroutine.resume, wrap, close and yield, and xpcall: as Lua's, but a wait for the host and the end of the time
// budget pass through a script's own coroutines.
#include "owner.h"

enum { RESUME_ERROR = -1, RESUME_PASS = -2 };

static int co_yield(lua_State *L);

static lua_CFunction innermost_function(lua_State *co) {
    lua_Debug at;
    if (!lua_getstack(co, 0, &at) || !lua_getinfo(co, "f", &at)) return NULL;
    lua_CFunction function = lua_tocfunction(co, -1);
    lua_pop(co, 1);
    return function;
}

// Whether the coroutine, one of a script's or one of the host's, is suspended by anything but coroutine.yield.
static bool is_waiting(lua_State *co) { return lua_status(co) == LUA_YIELD && innermost_function(co) != co_yield; }

static bool is_main(lua_State *co) {
    bool is = lua_pushthread(co);
    lua_pop(co, 1);
    return is;
}

bool clua_is_active(lua_State *L) {
    lua_Debug at;
    return lua_status(L) == LUA_OK && lua_getstack(L, 0, &at);
}

bool clua_can_close(lua_State *L) { return !clua_is_given_up(L) && owner_of(L)->fresh < MAX_FRESH; }

int clua_close_variables(lua_State *L) {
    Owner *owner = owner_of(L);
    owner->fresh++;
    int status = lua_resetthread(L);
    owner->fresh--;
    return status;
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
    clua_arm(co);
    owner->yield_reason = YIELD_SCRIPT;
    owner->blocked += blocks;
    owner->depth++;
    int status = lua_resume(co, L, count, &results);
    owner->depth--;
    owner->blocked -= blocks;
    if (status == LUA_YIELD && owner->yield_reason != YIELD_SCRIPT) {
        if (!blocks) return RESUME_PASS;
        // Over time where L cannot yield (waits were refused before).
        if (clua_can_close(co)) clua_close_variables(co);
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
    clua_give_up_if_hookless(co);
    lua_xmove(co, L, 1);
    return RESUME_ERROR;
}

static int refuse_waiting(lua_State *L, const char *name) {
    return luaL_error(L, "cannot %s a coroutine that waits for the host", name);
}

// The stack of both is the coroutine and, above it, the values for it.
static int resume_go_on(lua_State *L, int status, lua_KContext context);
static int wrap_go_on(lua_State *L, int status, lua_KContext context);

static int pass(lua_State *L, lua_KFunction go_on) {
    lua_settop(L, 1);
    return lua_yieldk(L, 0, 0, go_on); // the reason stays as the innermost one set it
}

static int resume_once(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    int count = resume(L, co, lua_gettop(L) - 1);
    if (count == RESUME_PASS) return pass(L, resume_go_on);
    lua_pushboolean(L, count != RESUME_ERROR);
    if (count == RESUME_ERROR) count = 1;
    lua_insert(L, -(count + 1));
    return count + 1;
}

static int resume_go_on(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    return resume_once(L);
}

static int co_resume(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    lua_State *co = lua_tothread(L, 1);
    if (is_main(co)) return luaL_error(L, "cannot resume the main coroutine");
    if (is_waiting(co)) return refuse_waiting(L, "resume");
    return resume_once(L);
}

static int wrap_once(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    int count = resume(L, co, lua_gettop(L) - 1);
    if (count == RESUME_PASS) return pass(L, wrap_go_on);
    if (count != RESUME_ERROR) return count;
    int status = lua_status(co);
    if (status != LUA_OK && status != LUA_YIELD && clua_can_close(co)) {
        status = clua_close_variables(co); // they may change the error
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
    return wrap_once(L);
}

static int call_wrapped(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    if (is_waiting(lua_tothread(L, 1))) return refuse_waiting(L, "resume");
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
    if (is_main(co)) return luaL_error(L, "cannot close the main coroutine");
    if (clua_is_active(co)) return luaL_error(L, "cannot close a running coroutine");
    if (is_waiting(co)) return refuse_waiting(L, "close");
    if (clua_is_given_up(co)) return luaL_error(L, "cannot close a coroutine that was over time");
    if (!clua_can_close(co)) return luaL_error(L, "C stack overflow");
    if (clua_close_variables(co) == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return 2;
}

lua_State *clua_waited_for(lua_State *L) {
    if (lua_status(L) != LUA_YIELD) return NULL;
    lua_CFunction function = innermost_function(L);
    if (function != co_resume && function != call_wrapped) return NULL;
    lua_Debug at;
    if (!lua_getstack(L, 0, &at) || !lua_getlocal(L, &at, 1)) return NULL;
    lua_State *co = lua_tothread(L, -1);
    lua_pop(L, 1);
    return co && lua_status(co) == LUA_YIELD ? co : NULL;
}

// MARK: xpcall

// As pcall, and then the handler, also in a pcall. Lua's own message handlers run where the error was raised and
// cannot be ended there, and the lua_resetthread of Lua 5.4.4 leaves one set when it takes its stack slot away.

static int finish_handler(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context; // what the handler returned or raised is on top either way
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

// The stack: the function, the handler, true, and the results or the error.
static int finish_xpcall(lua_State *L, int status, lua_KContext context) {
    (void)context;
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - 2;
    if (status == LUA_ERRMEM) return finish_handler(L, LUA_OK, 0); // not handled, as in Lua
    lua_pushvalue(L, 2);
    lua_insert(L, -2);
    return finish_handler(L, lua_pcallk(L, 1, 1, 0, 0, finish_handler), 0);
}

static int protected_call(lua_State *L) {
    int count = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);
    return finish_xpcall(L, lua_pcallk(L, count - 2, LUA_MULTRET, 0, 0, finish_xpcall), 0);
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
