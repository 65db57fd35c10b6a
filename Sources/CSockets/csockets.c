#ifdef __linux__
#define _GNU_SOURCE
#include "CSockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

int csockets_poll(void) { return epoll_create1(EPOLL_CLOEXEC); }

int csockets_watch(int poll, int descriptor, uint64_t tag) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = tag};
    return epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
}

int csockets_wait(int poll, CSocketEvent *events, int capacity, bool blocks) {
    enum { MOST = 512 };
    struct epoll_event found[MOST];
    int count;
    do count = epoll_wait(poll, found, capacity < MOST ? capacity : MOST, blocks ? -1 : 0);
    while (count < 0 && errno == EINTR);
    for (int i = 0; i < count; i++) {
        uint32_t what = found[i].events;
        events[i] = (CSocketEvent){
            .tag = found[i].data.u64,
            .readable = what & EPOLLIN,
            .writable = what & EPOLLOUT,
            .ended = what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR),
            .failed = what & (EPOLLHUP | EPOLLERR),
        };
    }
    return count;
}

int csockets_waker(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void csockets_wake(int waker) {
    uint64_t one = 1;
    while (write(waker, &one, sizeof one) < 0 && errno == EINTR) {}
}

static ssize_t taken(ssize_t sent) {
    if (sent >= 0) return sent;
    // Out of kernel memory is like a full buffer: what was not taken waits.
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM ? 0 : -1;
}

ssize_t csockets_send(int descriptor, const void *bytes, size_t count) {
    ssize_t sent;
    do sent = send(descriptor, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return taken(sent);
}

bool csockets_drop_input(int descriptor) {
    // MSG_TRUNC: the kernel drops them itself. Not for ever: a client that sends without end must not hold up the others.
    for (int round = 0; round < 16; round++) {
        ssize_t got = recv(descriptor, NULL, 1 << 20, MSG_DONTWAIT | MSG_TRUNC);
        if (got > 0 || (got < 0 && errno == EINTR)) continue;
        return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }
    return true;
}

int csockets_duplicate(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 3); }
void csockets_finish(int descriptor) { shutdown(descriptor, SHUT_WR); }

void csockets_reset(int descriptor) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(descriptor);
}

void csockets_close(int descriptor) { close(descriptor); }

void csockets_cap_send_buffer(int descriptor, int bytes) {
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

void csockets_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

bool csockets_has_timed_out(int descriptor) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == ETIMEDOUT;
}
#endif
