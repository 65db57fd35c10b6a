// What boxes hold. Lua drops a finalizer that it cannot call, where the C stack or memory ends just there; the objects
// of those boxes are found missing later and released then.
#include <stdlib.h>
#include <string.h>

#include "owner.h"

struct Held {
    void *object;
    Held *previous, *next;
    bool has_box; // found while sweeping
};

Held *clua_hold(Owner *owner, void *object) {
    Held *held = clua_pool_resize(&owner->pool, NULL, 0, sizeof *held);
    if (!held) abort();
    *held = (Held){object, NULL, owner->held, false};
    if (owner->held) owner->held->previous = held;
    owner->held = held;
    return held;
}

void *clua_object_of(const Held *held) { return held->object; }

void clua_let_go(Owner *owner, Held *held) {
    if (held->previous) held->previous->next = held->next;
    else owner->held = held->next;
    if (held->next) held->next->previous = held->previous;
    void *object = held->object;
    clua_pool_free(&owner->pool, held, sizeof *held);
    bool enforcing = owner->enforcing;
    owner->enforcing = false;
    owner->host.release(owner->host.context, object);
    owner->enforcing = enforcing;
}

void clua_let_go_of_all(Owner *owner) {
    while (owner->held) clua_let_go(owner, owner->held);
}

// Lua reports an error of a finalizer in pieces, this one first.
static void note_warning(void *context, const char *message, int to_be_continued) {
    Owner *owner = context;
    if (to_be_continued && strcmp(message, "error in ") == 0) owner->lost_finalizers = true;
}

void clua_watch_finalizers(lua_State *L) { lua_setwarnf(L, note_warning, owner_of(L)); }

void clua_sweep_held(lua_State *L) {
    Owner *owner = owner_of(L);
    if (!owner->lost_finalizers || owner->running) return; // under a host function the stacks may be short again
    owner->lost_finalizers = false;
    L = clua_main_thread(L);
    if (lua_gc(L, LUA_GCCOLLECT) != 0) return;
    // No finalizer is pending now: who has no box will have none called.
    for (Held *held = owner->held; held; held = held->next) held->has_box = false;
    clua_make_room(L, 3);
    lua_rawgeti(L, LUA_REGISTRYINDEX, owner->objects);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        Held *held = clua_held_by(L, -1);
        if (held) held->has_box = true;
    }
    lua_pop(L, 1);
    for (Held *held = owner->held, *next; held; held = next) {
        next = held->next;
        if (!held->has_box) clua_let_go(owner, held);
    }
}
