#include "pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SLAB = 32768 };

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_OFF 1 // the sanitizer sees only what malloc sees
#endif
#endif

static bool is_pooled(size_t size) {
#ifdef POOL_OFF
    return false;
#else
    return size <= POOL_LARGEST;
#endif
}

static size_t list_of(size_t size) { return (size - 1) / POOL_GRAIN; }

static void *take(Pool *pool, size_t size) {
    if (!is_pooled(size)) return malloc(size);
    PoolBlock **list = &pool->free[list_of(size)];
    if (*list) {
        PoolBlock *block = *list;
        *list = block->next;
        return block;
    }
    size_t bytes = (list_of(size) + 1) * POOL_GRAIN;
    if ((size_t)(pool->end - pool->rest) < bytes) {
        char *slab = malloc(SLAB);
        if (!slab) return NULL;
        ((PoolBlock *)slab)->next = pool->slabs;
        pool->slabs = (PoolBlock *)slab;
        pool->rest = slab + POOL_GRAIN;
        pool->end = slab + SLAB;
    }
    void *block = pool->rest;
    pool->rest += bytes;
    return block;
}

void clua_pool_free(Pool *pool, void *block, size_t size) {
    if (!block) return;
    if (!is_pooled(size)) {
        free(block);
        return;
    }
    PoolBlock *freed = block;
    freed->next = pool->free[list_of(size)];
    pool->free[list_of(size)] = freed;
}

void *clua_pool_resize(Pool *pool, void *block, size_t old_size, size_t new_size) {
    if (!block) return take(pool, new_size);
    if (is_pooled(old_size) && is_pooled(new_size) && list_of(old_size) == list_of(new_size)) return block;
    if (!is_pooled(old_size) && !is_pooled(new_size)) return realloc(block, new_size);
    void *moved = take(pool, new_size);
    if (!moved) return NULL;
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    clua_pool_free(pool, block, old_size);
    return moved;
}

void clua_pool_end(Pool *pool) {
    while (pool->slabs) {
        PoolBlock *slab = pool->slabs;
        pool->slabs = slab->next;
        free(slab);
    }
}
