// The system calls of the socket delivery loop that Swift's Glibc module leaves out, on Linux. Each repeats a call that a
// signal has interrupted.
#ifndef CSOCKETS_H
#define CSOCKETS_H

#ifdef __linux__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// What happened to one socket.
typedef struct {
    uint64_t tag;
    bool readable; // bytes, or the end of them
    bool writable;
    bool ended;    // the peer sends no more, or the connection is gone
    bool failed;   // the connection is gone
} CSocketEvent;

/// A new epoll instance, closed on exec; negative when there is none.
int csockets_poll(void);
/// Watches a socket, edge-triggered, for everything. Negative on failure.
int csockets_watch(int poll, int descriptor, uint64_t tag);
/// Waits until something happens, or does not wait. At most `capacity` events; negative on failure.
int csockets_wait(int poll, CSocketEvent *events, int capacity, bool blocks);

/// What another thread wakes the loop with; negative when there is none. It is never read: it is watched for edges.
int csockets_waker(void);
void csockets_wake(int waker);

/// Bytes that the kernel took; 0 when it takes none now; negative when the connection is gone.
ssize_t csockets_send(int descriptor, const void *bytes, size_t count);
/// Reads and drops what has come. False when no more can come.
bool csockets_drop_input(int descriptor);

/// The same socket under another descriptor, closed on exec; negative, with `errno`, when there is none.
int csockets_duplicate(int descriptor);
/// Ends our sending side: the peer gets a FIN behind what was sent.
void csockets_finish(int descriptor);
/// Closes with a reset.
void csockets_reset(int descriptor);
void csockets_close(int descriptor);
/// The most that the kernel holds for the peer (it doubles the number for its own book-keeping).
void csockets_cap_send_buffer(int descriptor, int bytes);
/// Whether the connection ended because the peer took nothing in time.
bool csockets_has_timed_out(int descriptor);

/// Names the calling thread, for those who look at the process.
void csockets_name_thread(const char *name);

#pragma clang assume_nonnull end
#endif
#endif
