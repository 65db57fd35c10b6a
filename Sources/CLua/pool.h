// Memory for Lua's small values: free lists by size over slabs. A collection frees thousands of small blocks at once,
// which malloc joins and splits again one by one; here they wait on a list for the next value of their size.
// Slabs are given back when the interpreter ends.
#ifndef CLUA_POOL_H
#define CLUA_POOL_H

#include <stddef.h>

enum { POOL_GRAIN = 16, POOL_LARGEST = 256, POOL_SIZES = POOL_LARGEST / POOL_GRAIN };

typedef struct PoolBlock {
    struct PoolBlock *next;
} PoolBlock;

typedef struct {
    PoolBlock *free[POOL_SIZES];
    char *rest, *end; // what is left of the newest slab
    PoolBlock *slabs;
} Pool;

/// As realloc; `old_size` is the block's size as it was asked for. NULL when memory is out, the block as it was.
void *clua_pool_resize(Pool *pool, void *block, size_t old_size, size_t new_size);
void clua_pool_free(Pool *pool, void *block, size_t size);
void clua_pool_end(Pool *pool);

#endif
