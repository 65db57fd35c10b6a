// The whole of what Swift may ask of Lua.
//
// This header is an allow-list: no function in it can raise a Lua error into its caller, because a Lua error
// is a longjmp and a longjmp over a Swift frame leaks or corrupts. Each entry says why it cannot raise:
//
//   [plain]      reads or moves stack slots; Lua documents it as raising nothing
//   [alloc]      Lua documents it as raising only on memory; while host code runs our allocator never refuses
//   [protected]  runs its work inside lua_resume or lua_pcall and returns a status
//
// Adding a function means adding that reason. No function here calls a metamethod outside [protected].
#ifndef CLUA_H
#define CLUA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A Lua thread: the main one or a coroutine. Swift sees only a pointer.
typedef struct lua_State CLuaThread;

/// What a host function returns instead of a number of results.
enum {
    /// The error value is on top of the stack; C raises it once no Swift frame is left.
    CLUA_ERROR = -1,
    /// The coroutine waits for the host; ask clua_can_wait first.
    CLUA_WAIT = -2,
};

/// How a run of Lua code ended.
typedef enum {
    CLUA_DONE = 0,     // returned; results are on the stack
    CLUA_WAITING = 1,  // suspended by CLUA_WAIT
    CLUA_OVERTIME = 2, // suspended by the time budget; it must not be resumed
    CLUA_FAILED = 3,   // raised; the error value is on top of the stack
    CLUA_MEMORY = 4,   // raised "not enough memory"; the message is on top of the stack
} CLuaOutcome;

/// The value types, in Lua's own numbering (checked at compile time in state.c).
enum {
    CLUA_NONE = -1, CLUA_NIL = 0, CLUA_BOOLEAN = 1, CLUA_LIGHTUSERDATA = 2, CLUA_NUMBER = 3, CLUA_STRING = 4,
    CLUA_TABLE = 5, CLUA_FUNCTION = 6, CLUA_USERDATA = 7, CLUA_THREAD = 8,
};

/// Who owns an interpreter. Both functions are called on the thread that runs Lua.
typedef struct {
    void *_Nullable context;
    /// Runs host function `function`; its arguments are the stack of `thread`.
    int (*_Nonnull call)(void *_Nullable context, CLuaThread *_Nonnull thread, int function);
    /// Lets go of an object that a box held.
    void (*_Nonnull release)(void *_Nullable context, void *_Nonnull object);
} CLuaHost;

#pragma clang assume_nonnull begin

// MARK: interpreter

/// A new interpreter with the allowed libraries open; NULL when there is no memory for it. [protected]
CLuaThread *_Nullable clua_open(CLuaHost host, size_t memory_limit);
/// Ends the interpreter; every box is released. Pending `<close>` variables of coroutines do not run. [protected]
void clua_close(CLuaThread *main);
/// Fits the process's malloc to Lua's garbage. [plain]
void clua_tune_allocator(void);
/// Bytes in use by Lua values. [plain]
size_t clua_memory_used(CLuaThread *thread);
/// Sets the bytes that Lua code may have in use. [plain]
void clua_set_memory_limit(CLuaThread *thread, size_t bytes);
/// For tests: refuses every allocation of Lua code after the next `count` ones; negative switches it off. [plain]
void clua_refuse_memory_after(CLuaThread *thread, int64_t count);
/// Tells the collector of memory outside Lua that dies with Lua values; it may run a step. [alloc]
void clua_note_memory(CLuaThread *thread, int kilobytes);
/// A full garbage collection. Finalizers are ours alone and do not raise. [alloc]
void clua_collect(CLuaThread *thread);
/// Starts an entrance: from now Lua code may run for `nanoseconds` of the calling thread's CPU time. [plain]
void clua_start_budget(CLuaThread *thread, int64_t nanoseconds);
/// Whether the entrance has used its time up; host functions that take long ask and give up. [plain]
bool clua_is_late(CLuaThread *thread);
/// Where the time budget ran out, "file:line"; empty before it did. [plain]
const char *clua_overtime_place(CLuaThread *thread);

// MARK: stack: every push makes room; a million values are the end of it, and of a process that pushes more

int clua_top(CLuaThread *thread);                       // [plain]
void clua_set_top(CLuaThread *thread, int index);       // [plain] no to-be-closed slot is ever made by host code
bool clua_check_stack(CLuaThread *thread, int count);   // [plain] false instead of an error
void clua_push_copy(CLuaThread *thread, int index);     // [plain]
void clua_remove(CLuaThread *thread, int index);        // [plain]
void clua_insert(CLuaThread *thread, int index);        // [plain]
void clua_move(CLuaThread *from, CLuaThread *to, int count); // [plain] both of one interpreter
int clua_type(CLuaThread *thread, int index);           // [plain]
const char *clua_type_name(int type);                   // [plain]
bool clua_is_integer(CLuaThread *thread, int index);    // [plain]
bool clua_raw_equal(CLuaThread *thread, int a, int b);  // [plain]
bool clua_to_boolean(CLuaThread *thread, int index);    // [plain]
/// A number with an integral value; false for every other value, numeric strings too. [plain]
bool clua_to_integer(CLuaThread *thread, int index, int64_t *value);
/// A number; false for every other value, numeric strings too. [plain]
bool clua_to_number(CLuaThread *thread, int index, double *value);
/// The bytes of a string, valid while it is on the stack; NULL for every other value. [plain]
const char *_Nullable clua_to_bytes(CLuaThread *thread, int index, size_t *length);
CLuaThread *_Nullable clua_to_thread(CLuaThread *thread, int index); // [plain]

void clua_push_nil(CLuaThread *thread);                    // [plain]
void clua_push_boolean(CLuaThread *thread, bool value);    // [plain]
void clua_push_integer(CLuaThread *thread, int64_t value); // [plain]
void clua_push_number(CLuaThread *thread, double value);   // [plain]
void clua_push_bytes(CLuaThread *thread, const char *_Nullable bytes, size_t length); // [alloc]
void clua_push_globals(CLuaThread *thread);                // [plain]
/// A value for display, as `tostring` but without calling metamethods. [alloc]
void clua_push_description(CLuaThread *thread, int index);

// MARK: tables, always raw: no metamethod runs

void clua_new_table(CLuaThread *thread, int array, int fields);              // [alloc]
int clua_get(CLuaThread *thread, int table);                                 // [plain] pops the key, pushes the value
int clua_get_field(CLuaThread *thread, int table, const char *key, size_t length); // [alloc]
int clua_get_index(CLuaThread *thread, int table, int64_t index);            // [plain]
/// t[key] = value, popping both; false, with nothing set, for a key that is nil or NaN. [alloc]
bool clua_set(CLuaThread *thread, int table);
void clua_set_field(CLuaThread *thread, int table, const char *key, size_t length); // [alloc]
void clua_set_index(CLuaThread *thread, int table, int64_t index);           // [alloc]
int64_t clua_length(CLuaThread *thread, int index);                          // [plain]
/// Pops a key, pushes the next pair; false at the end. [plain] the key came from here and host code changes no
/// table that it walks
bool clua_next(CLuaThread *thread, int table);
/// Whether the value's metatable is the referenced one. [plain]
bool clua_has_metatable(CLuaThread *thread, int index, int reference);
/// Sets the table's metatable to the referenced one; it has no `__gc`. [plain]
void clua_set_metatable(CLuaThread *thread, int index, int reference);

// MARK: references: values that host code holds on to

int clua_reference(CLuaThread *thread);                       // [alloc] pops the value
void clua_push_reference(CLuaThread *thread, int reference);  // [plain]
void clua_release_reference(CLuaThread *thread, int reference); // [plain] frees a slot, allocates nothing

// MARK: code

/// Compiles source text (never bytecode) and pushes the function; on failure pushes the message. [protected]
CLuaOutcome clua_load(CLuaThread *thread, const char *source, size_t length, const char *chunk_name);
/// A coroutine, pushed on the stack of `thread`. [alloc]
CLuaThread *clua_new_coroutine(CLuaThread *thread);
/// Runs the function under its arguments on the coroutine's stack, or goes on after a wait with those values as
/// the results of the wait. `from` is the thread that asks, unless a host function runs: then it is that one's.
/// [protected]
CLuaOutcome clua_resume(CLuaThread *coroutine, CLuaThread *_Nullable from, int arguments);
/// Calls the function under its arguments to its end; a wait inside is an error. Calls nest ten deep. [protected]
CLuaOutcome clua_call(CLuaThread *thread, int arguments, int results);
/// Ends a coroutine and every coroutine it waits for, innermost first: their `<close>` variables run, together for
/// at most `nanoseconds`. CLUA_FAILED and CLUA_MEMORY: one of them raised the error on top of the stack. Without that
/// the coroutine is empty and can be used anew, unless it was or ran over time. [protected]
/// The variables of a coroutine that was over time where Lua cannot yield, with no pcall around, do not run: Lua has
/// its hooks off there for good, and nothing could end them.
CLuaOutcome clua_end(CLuaThread *coroutine, int64_t nanoseconds);
/// Whether the running code may wait now: no C function or metamethod stands between it and the host. [plain]
bool clua_can_wait(CLuaThread *thread);
/// Pushes what stands in the way of a wait, as "table.sort" or "tostring". [alloc]
void clua_push_wait_obstacle(CLuaThread *thread);
/// Pushes `message` and the traceback of `of`, or of the coroutine that it waits for. [alloc]
void clua_push_traceback(CLuaThread *thread, CLuaThread *of, const char *message);
/// Pushes "file:line" of the script's line that called the running host function, "" when there is none. Chunks whose
/// name begins with "[" are the host's own and are passed over. [alloc]
void clua_push_where(CLuaThread *thread);
/// Pushes the file and the line of a Lua function's definition; both nil for a host function. [alloc]
void clua_push_definition(CLuaThread *thread, int index);

// MARK: host functions and objects

/// A function without a receiver. [alloc]
void clua_push_function(CLuaThread *thread, int function);
/// A function bound to the value on top of the stack (left there): called with `.` or `:` alike, because a first
/// argument that is that value is dropped; the receiver is always argument 1. [alloc]
void clua_push_bound_function(CLuaThread *thread, int function);
/// A class: pushes nothing, returns its number. `instance` is what messages call an object of it ("response").
/// With `own_fields`, names that are no member's may be assigned. [alloc]
int clua_new_class(CLuaThread *thread, const char *name, const char *instance, bool own_fields);
/// Adds a method that is called with `:`. [alloc]
void clua_add_method(CLuaThread *thread, int class_number, const char *name, int function);
/// Adds the value on top of the stack, popped, as a member that is read as it is. [alloc]
void clua_add_value(CLuaThread *thread, int class_number, const char *name);
/// Adds a property; `setter` is negative for one that cannot be assigned. [alloc]
void clua_add_property(CLuaThread *thread, int class_number, const char *name, int getter, int setter);
/// Called with the object when it gets its first own field, so that the host may keep it alive. [plain]
void clua_set_pin(CLuaThread *thread, int class_number, int function);
/// Called with the object and the name of an unknown member, to raise a good message. [plain]
void clua_set_unknown(CLuaThread *thread, int class_number, int function);
/// Pushes the one Lua value of `object`. Returns true when the value is new and took over a retain of the caller's;
/// false when it was there already and the caller keeps its retain. [alloc]
bool clua_push_object(CLuaThread *thread, int class_number, void *object);
/// The object of a box of that class; NULL for every other value. [plain]
void *_Nullable clua_to_object(CLuaThread *thread, int index, int class_number);
/// Pushes the name of the value's class, or of its type. [alloc]
void clua_push_kind(CLuaThread *thread, int index);
/// Pushes the object's table for values that the host hangs on it (signals), making it when asked. Pushes nil
/// otherwise. They die with the Lua value. [alloc]
void clua_push_attachments(CLuaThread *thread, int index, bool create);

#pragma clang assume_nonnull end
#endif
