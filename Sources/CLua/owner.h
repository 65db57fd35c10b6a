// What the C files share. Never seen by Swift.
#ifndef CLUA_OWNER_H
#define CLUA_OWNER_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "include/CLua.h"

typedef enum { YIELD_SCRIPT = 0, YIELD_WAIT, YIELD_OVERTIME } YieldReason;

// One per interpreter. Every thread's extra space points to it (lua_newthread copies the main thread's).
typedef struct {
    CLuaHost host;
    size_t used, limit;
    int64_t refuse_after;      // tests only; negative: off
    bool enforcing;            // Lua code runs: the allocator may refuse
    int64_t deadline;          // CLOCK_MONOTONIC_COARSE nanoseconds
    bool overtime;             // the deadline passed and this entrance is being ended
    char place[LUA_IDSIZE + 16];
    YieldReason yield_reason;  // why the innermost coroutine yielded
    int blocked;               // resumes of ours standing on a thread that cannot yield
    int depth;                 // script coroutines between the running code and the host
    int objects;               // registry reference: address of object -> box, weak values
    int waiting;               // registry reference: script coroutines that wait for the host, weak keys
    int class_count;
} Owner;

static inline Owner *owner_of(lua_State *L) { return *(Owner **)lua_getextraspace(L); }

int64_t clua_coarse_now(void);
/// Runs a host function from inside a C function that Lua called; raises its error, yields its wait.
int clua_dispatch(lua_State *L, int function);
/// The count hook.
void clua_on_count(lua_State *L, lua_Debug *where);
/// Ends the running code from where it cannot yield: raises now and again until it is gone.
int clua_raise_overtime(lua_State *L);
/// The coroutine that a suspended one waits for inside coroutine.resume or wrap; NULL if none.
lua_State *clua_waited_for(lua_State *L);
void clua_open_coroutines(lua_State *L);
void clua_open_libraries(lua_State *L);

#endif
