// The time budget: CPU time of the thread that runs Lua, so that a machine with much else to do does not count against
// a script. What a script does without Lua instructions, such as a read of a slow disk, could not be ended anyway.
#include <stdio.h>
#include <time.h>

#include "owner.h"

// Nanoseconds before the CPU clock is first looked at: most entrances end sooner, and cost no system call. What was used
// until then is not counted, and C code cannot be interrupted: a budget may be exceeded by its first stretch of either.
enum { GRAIN = 4000000 };

static int64_t clock_now(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t coarse_now(void) {
#ifdef CLOCK_MONOTONIC_COARSE
    return clock_now(CLOCK_MONOTONIC_COARSE); // a few nanoseconds, where the CPU clock costs a system call
#else
    return clock_now(CLOCK_MONOTONIC);
#endif
}

static int64_t later(int64_t time, int64_t nanoseconds) {
    return nanoseconds > INT64_MAX - time ? INT64_MAX : time + nanoseconds;
}

void clua_start_budget(CLuaThread *L, int64_t nanoseconds) {
    Budget *budget = &owner_of(L)->budget;
    if (nanoseconds < 0) nanoseconds = 0;
    budget->allowed = nanoseconds;
    budget->started = -1;
    budget->look_at = later(coarse_now(), nanoseconds < GRAIN ? nanoseconds : GRAIN);
    budget->overtime = false;
    budget->place[0] = 0;
    owner_of(L)->raising = NULL;
}

// CPU time passes no faster than the clock: looked at when it may be used up at the soonest, it costs nothing.
static bool is_used_up(Budget *budget) {
    int64_t now = coarse_now();
    if (now < budget->look_at) return false;
    int64_t cpu = clock_now(CLOCK_THREAD_CPUTIME_ID);
    if (budget->started < 0) budget->started = cpu;
    int64_t left = budget->allowed - (cpu - budget->started);
    if (left <= 0) return true;
    budget->look_at = later(now, left);
    return false;
}

bool clua_is_late(CLuaThread *L) { return is_used_up(&owner_of(L)->budget); }
const char *clua_overtime_place(CLuaThread *L) { return owner_of(L)->budget.place; }

int clua_raise_overtime(lua_State *L) {
    lua_sethook(L, clua_on_count, LUA_MASKCOUNT, 1);
    return luaL_error(L, "time budget used up at %s", owner_of(L)->budget.place);
}

void clua_arm(lua_State *L) {
    if (clua_is_given_up(L)) return;
    int interval = is_used_up(&owner_of(L)->budget) ? 1 : HOOK_INTERVAL;
    if (lua_gethookcount(L) != interval) lua_sethook(L, clua_on_count, LUA_MASKCOUNT, interval);
}

void clua_give_up_if_hookless(lua_State *L) {
    if (owner_of(L)->raising == L) lua_sethook(L, NULL, 0, 0);
}

bool clua_is_given_up(lua_State *L) { return !lua_gethook(L); }

void clua_on_count(lua_State *L, lua_Debug *where) {
    Owner *owner = owner_of(L);
    if (owner->raising == L) owner->raising = NULL;
    Budget *budget = &owner->budget;
    if (!budget->overtime) {
        if (!is_used_up(budget)) return;
        budget->overtime = true;
        lua_getinfo(L, "Sl", where);
        snprintf(budget->place, sizeof budget->place, "%s:%d", where->short_src, where->currentline);
    }
    if (lua_isyieldable(L)) {
        // Not an error, so that no pcall in the script can swallow it.
        owner->yield_reason = YIELD_OVERTIME;
        lua_yield(L, 0);
    } else {
        owner->raising = L;
        clua_raise_overtime(L);
    }
}
