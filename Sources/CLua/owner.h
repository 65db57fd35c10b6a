// What the C files share. Never seen by Swift.
#ifndef CLUA_OWNER_H
#define CLUA_OWNER_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "include/CLua.h"
#include "pool.h"

enum {
    HOOK_INTERVAL = 100, // instructions between two looks at the clock
    MAX_FRESH = 10,      // times 200 C calls, that is what a C stack of 8 MiB bears
};

typedef enum { YIELD_SCRIPT = 0, YIELD_WAIT, YIELD_OVERTIME } YieldReason;

typedef struct Held Held; // an object that a box holds

typedef struct {
    int64_t allowed;  // nanoseconds of CPU time
    int64_t started;  // CPU time of the thread when it was first looked at; -1 before
    int64_t look_at;  // on the coarse monotonic clock: not used up before
    bool overtime;    // used up, and this entrance is being ended
    char place[LUA_IDSIZE + 16];
} Budget;

// One per interpreter. Every thread's extra space points to it (lua_newthread copies the main thread's).
typedef struct {
    CLuaHost host;
    Pool pool;
    size_t used, limit;
    int64_t refuse_after;      // tests only; negative: off
    bool enforcing;            // Lua code runs: the allocator may refuse
    Budget budget;             // of this entrance
    YieldReason yield_reason;  // why the innermost coroutine yielded
    int blocked;               // resumes of ours standing on a thread that cannot yield
    int depth;                 // script coroutines between the running code and the host
    int fresh;                 // nested runs for which Lua counts its C calls (at most 200) from the start again
    lua_State *running;        // the thread whose host function runs now
    lua_State *raising;        // the thread that the hook raised in and has not run in since
    int objects;               // registry reference: address of object -> box, weak values
    int class_count;
    Held *held;                // all of them
    bool lost_finalizers;      // Lua could not call a finalizer
} Owner;

static inline Owner *owner_of(lua_State *L) { return *(Owner **)lua_getextraspace(L); }

lua_State *clua_main_thread(lua_State *L);
Held *clua_hold(Owner *owner, void *object);
void *clua_object_of(const Held *held);
/// What the box at `index` holds.
Held *clua_held_by(lua_State *L, int index);
/// Releases the object; no Lua code is in its way, and it may not call Lua.
void clua_let_go(Owner *owner, Held *held);
void clua_let_go_of_all(Owner *owner);
void clua_watch_finalizers(lua_State *L);
/// Releases the objects of boxes whose finalizers were lost, if there are any.
void clua_sweep_held(lua_State *L);
/// Before each push that host code asks for. Ends the process on a full stack: a million values, and host code that did
/// not ask clua_check_stack.
void clua_make_room(lua_State *L, int count);
/// Runs a host function from inside a C function that Lua called; raises its error, yields its wait.
int clua_dispatch(lua_State *L, int function);
/// The count hook.
void clua_on_count(lua_State *L, lua_Debug *where);
/// Ends the running code from where it cannot yield: raises now and again until it is gone.
int clua_raise_overtime(lua_State *L);
/// To be called before `L` runs: a coroutine that starts late ends at its first instruction. The many short ones of a
/// recursion would each be over before their hook first looks at the clock.
void clua_arm(lua_State *L);
/// After an error of `L`: gives it up if the hook raised that. Lua switches hooks off while one runs and, where no
/// protected call is left, not on again: code of its `<close>` variables could not be ended.
void clua_give_up_if_hookless(lua_State *L);
bool clua_is_given_up(lua_State *L);
/// Whether `L` is running or has resumed the one that is.
bool clua_is_active(lua_State *L);
/// Runs the `<close>` variables of a thread that is not active; the status is lua_resetthread's, whose error is on
/// top. Ask clua_can_close first.
int clua_close_variables(lua_State *L);
bool clua_can_close(lua_State *L);
/// The coroutine that a suspended one waits for inside coroutine.resume or wrap; NULL if none.
lua_State *clua_waited_for(lua_State *L);
void clua_open_coroutines(lua_State *L);
void clua_open_libraries(lua_State *L);

#endif
