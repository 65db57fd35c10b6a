// The interpreter: creation, memory limit.
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <string.h>

#include "owner.h"

_Static_assert(CLUA_NIL == LUA_TNIL && CLUA_NUMBER == LUA_TNUMBER && CLUA_STRING == LUA_TSTRING, "type numbers");
_Static_assert(CLUA_TABLE == LUA_TTABLE && CLUA_USERDATA == LUA_TUSERDATA && CLUA_THREAD == LUA_TTHREAD, "type numbers");

// Refuses only while Lua code runs: an error raised inside host code would jump over Swift frames.
static void *allocate(void *context, void *pointer, size_t old_size, size_t new_size) {
    Owner *owner = context;
    size_t old = pointer ? old_size : 0;
    if (new_size == 0) {
        clua_pool_free(&owner->pool, pointer, old);
        owner->used -= old;
        return NULL;
    }
    if (new_size > old && owner->enforcing) {
        if (owner->refuse_after == 0) return NULL;
        if (owner->refuse_after > 0) owner->refuse_after--;
        if (owner->used + (new_size - old) > owner->limit) return NULL;
    }
    void *result = clua_pool_resize(&owner->pool, pointer, old, new_size);
    if (!result) {
        if (new_size <= old) return pointer; // Lua assumes that shrinking cannot fail
        if (owner->enforcing) return NULL;
        abort();
    }
    owner->used += new_size;
    owner->used -= old;
    return result;
}

static int weak_table(lua_State *L, const char *mode) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushstring(L, mode);
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

// lua_resume and lua_resetthread make these strings outside of protected calls, where memory refused is a crash.
// Short strings exist once: what is there need not be made.
static void keep_messages(lua_State *L) {
    static const char *const messages[] = {
        "C stack overflow", "cannot resume dead coroutine", "cannot resume non-suspended coroutine",
        "error in error handling",
    };
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        lua_pushstring(L, messages[i]);
        luaL_ref(L, LUA_REGISTRYINDEX);
    }
}

static int open_protected(lua_State *L) {
    Owner *owner = owner_of(L);
    keep_messages(L);
    clua_open_libraries(L);
    clua_open_coroutines(L);
    owner->objects = weak_table(L, "v");
    clua_watch_finalizers(L);
    return 0;
}

CLuaThread *clua_open(CLuaHost host, size_t memory_limit) {
    Owner *owner = calloc(1, sizeof *owner);
    if (!owner) return NULL;
    owner->host = host;
    owner->limit = memory_limit;
    owner->refuse_after = -1;
    owner->budget.look_at = INT64_MAX;
    lua_State *L = lua_newstate(allocate, owner);
    if (!L) {
        clua_pool_end(&owner->pool);
        free(owner);
        return NULL;
    }
    *(Owner **)lua_getextraspace(L) = owner;
    lua_pushcfunction(L, open_protected);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
        lua_close(L);
        clua_pool_end(&owner->pool);
        free(owner);
        return NULL;
    }
    // Threads made later inherit the hook.
    lua_sethook(L, clua_on_count, LUA_MASKCOUNT, HOOK_INTERVAL);
    return L;
}

void clua_close(CLuaThread *main) {
    Owner *owner = owner_of(main);
    lua_close(main);
    clua_let_go_of_all(owner);
    clua_pool_end(&owner->pool);
    free(owner);
}

// Each collection frees a heap's worth of small blocks. Left alone, glibc gives the pages back and faults them in again,
// and joins its fast bins each time: measured, a third of the CPU time of a small request.
void clua_tune_allocator(void) {
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_MXFAST, 0);
    mallopt(M_MMAP_THRESHOLD, 16 << 20);
#endif
}

size_t clua_memory_used(CLuaThread *L) { return owner_of(L)->used; }
void clua_set_memory_limit(CLuaThread *L, size_t bytes) { owner_of(L)->limit = bytes; }
void clua_refuse_memory_after(CLuaThread *L, int64_t count) { owner_of(L)->refuse_after = count; }

void clua_note_memory(CLuaThread *L, int kilobytes) { lua_gc(L, LUA_GCSTEP, kilobytes); }
void clua_collect(CLuaThread *L) {
    lua_gc(L, LUA_GCCOLLECT);
    clua_sweep_held(L);
}
