/*
 * Identity and chunked bodies both work, and an event may be split at any byte: of a line that was split only its
 * beginning is kept, so of such a message the prefix and the length are compared, of others every byte.
 */
#define _GNU_SOURCE
#include "ssebench.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { CONNECTING, HEAD, BODY, CLOSED };
enum { IDENTITY, CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_CR, CHUNK_LF };

#define KEPT 56                  /* "data: " and the prefix of a message */
#define RECEIVE (256 * 1024)
#define PER_ADDRESS 20000        /* connections from one local address */

typedef struct {
    int fd;
    uint8_t state, framing, is_stalled, is_bad, has_data;
    uint16_t kept_length;
    uint32_t line_length;        /* of the unfinished line, whose beginning is in `kept` */
    uint64_t chunk_left;
    uint32_t next_sequence;
    Message message;             /* of the unfinished event */
    char kept[KEPT];
    char *head;                  /* the response's head, until it is complete */
    size_t head_length;
} Subscriber;

int epoll, subscribers_up, subscribers_failed, subscribers_closed;
long messages_sent, messages_done;
uint64_t deliveries, events_lost, events_doubled, events_bad, last_delivery_ns;
Histogram each_delivery, last_deliveries;

static Subscriber *subscribers;
static uint32_t *receivers;      /* per message: how many have it */
static char *received;
static char request[16384];
static size_t request_length;
static int complaints;

static void write_request(void)
{
    size_t room = sizeof request, length = (size_t)snprintf(request, room,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n", options.subscribe);
    size_t wanted = (size_t)options.request_bytes;
    for (int field = 0; length + 40 < wanted && length + 200 < room; field++)
        length += (size_t)snprintf(request + length, room - length, "X-Browser-Field-%d: %.*s\r\n", field,
            wanted - length > 100 ? 76 : 10,
            "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
    request_length = length + (size_t)snprintf(request + length, room - length, "\r\n");
}

void subscribers_setup(void)
{
    subscribers = calloc((size_t)(options.subscribers + options.stalled), sizeof *subscribers);
    receivers = calloc((size_t)(options.messages + options.warm_up) + 1, sizeof *receivers);
    received = malloc(RECEIVE);
    if (!subscribers || !receivers || !received) die("no memory");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    write_request();
}

uint64_t events_missing(void)
{
    uint64_t missing = 0;
    for (int i = 0; i < options.subscribers; i++)
        missing += (uint64_t)(options.messages + options.warm_up) - subscribers[i].next_sequence;
    return missing;
}

/* ---- the event stream ----------------------------------------------------- */

static void on_event(Subscriber *subscriber)
{
    uint32_t sequence = subscriber->message.sequence;
    if (subscriber->is_bad || sequence >= (uint64_t)messages_sent) { events_bad++; return; }
    if (sequence < subscriber->next_sequence) { events_doubled++; return; }        /* or out of order */
    events_lost += sequence - subscriber->next_sequence;
    subscriber->next_sequence = sequence + 1;
    last_delivery_ns = now_ns();
    uint64_t took = last_delivery_ns - subscriber->message.time;
    int is_measured = sequence >= (uint64_t)options.warm_up;
    if (is_measured) {
        deliveries++;
        histogram_add(&each_delivery, took);
    }
    if (++receivers[sequence] == (uint32_t)options.subscribers) {
        messages_done++;
        if (is_measured) histogram_add(&last_deliveries, took);
    }
}

static void on_line(Subscriber *subscriber, const char *line, size_t length, int whole)
{
    if (whole && length && line[length - 1] == '\r') length--;
    if (length == 0) {
        if (subscriber->has_data) on_event(subscriber);
        subscriber->has_data = subscriber->is_bad = 0;
        return;
    }
    if (length < 5 || memcmp(line, "data:", 5)) return;   /* id, event, comments */
    line += 5, length -= 5;
    if (length && *line == ' ') line++, length--;
    int found = subscriber->has_data ? MESSAGE_BAD        /* one data line only */
                                     : message_read(line, length, whole, &subscriber->message);
    if (found == MESSAGE_FOREIGN) return;                 /* of an earlier run */
    subscriber->has_data = 1;
    if (found == MESSAGE_OK) return;
    subscriber->is_bad = 1;
    if (complaints++ < 3)
        fprintf(stderr, "ssebench: a bad data line of %zu bytes: %.*s\n", length, length > 40 ? 40 : (int)length, line);
}

static void on_stream(Subscriber *subscriber, const char *bytes, size_t length)
{
    while (length) {
        const char *end = memchr(bytes, '\n', length);
        size_t part = end ? (size_t)(end - bytes) : length;
        if (end && !subscriber->line_length) on_line(subscriber, bytes, part, 1);
        else {
            size_t room = KEPT - subscriber->kept_length, kept = part < room ? part : room;
            memcpy(subscriber->kept + subscriber->kept_length, bytes, kept);
            subscriber->kept_length = (uint16_t)(subscriber->kept_length + kept);
            subscriber->line_length += (uint32_t)part;
            if (end) {
                on_line(subscriber, subscriber->kept, subscriber->line_length, subscriber->line_length <= KEPT);
                subscriber->kept_length = 0;
                subscriber->line_length = 0;
            }
        }
        if (!end) return;
        bytes = end + 1;
        length -= part + 1;
    }
}

/* ---- the response --------------------------------------------------------- */

static void shut(Subscriber *subscriber)
{
    if (subscriber->state == CLOSED) return;
    if (subscriber->state == BODY) subscribers_closed++; else subscribers_failed++;
    close(subscriber->fd);
    subscriber->state = CLOSED;
    free(subscriber->head);
    subscriber->head = NULL;
}

static int hex(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    return (digit | 32) >= 'a' && (digit | 32) <= 'f' ? (digit | 32) - 'a' + 10 : -1;
}

static void on_body(Subscriber *subscriber, const char *bytes, size_t length)
{
    if (subscriber->framing == IDENTITY) { on_stream(subscriber, bytes, length); return; }
    while (length) {
        if (subscriber->framing == CHUNK_DATA) {
            size_t part = length < subscriber->chunk_left ? length : (size_t)subscriber->chunk_left;
            on_stream(subscriber, bytes, part);
            bytes += part, length -= part;
            if (!(subscriber->chunk_left -= part)) subscriber->framing = CHUNK_CR;
            continue;
        }
        char byte = *bytes++;
        length--;
        switch (subscriber->framing) {
        case CHUNK_SIZE:
        case CHUNK_EXTENSION:
            if (byte == '\n') {
                if (!subscriber->chunk_left) { shut(subscriber); return; }         /* the last chunk */
                subscriber->framing = CHUNK_DATA;
            } else if (subscriber->framing == CHUNK_SIZE && hex(byte) >= 0)
                subscriber->chunk_left = subscriber->chunk_left * 16 + (uint64_t)hex(byte);
            else if (byte != '\r') subscriber->framing = CHUNK_EXTENSION;
            break;
        default:
            if (byte != (subscriber->framing == CHUNK_CR ? '\r' : '\n')) { events_bad++; shut(subscriber); return; }
            subscriber->framing = subscriber->framing == CHUNK_CR ? CHUNK_LF : CHUNK_SIZE;
        }
    }
}

static void on_head(Subscriber *subscriber, const char *bytes, size_t length)
{
    char *head = realloc(subscriber->head, subscriber->head_length + length + 1);
    if (!head) die("no memory");
    subscriber->head = head;
    memcpy(head + subscriber->head_length, bytes, length);
    subscriber->head_length += length;
    head[subscriber->head_length] = 0;
    char *body = strstr(head, "\r\n\r\n");
    if (!body && subscriber->head_length > 16384) die("the response's head is too large");
    if (!body) return;
    body[2] = 0;
    body += 4;
    if (strncmp(head, "HTTP/1.1 200", 12) || !strcasestr(head, "text/event-stream")) {
        if (complaints++ < 3) fprintf(stderr, "ssebench: not an event stream:\n%s", head);
        shut(subscriber);
        return;
    }
    subscriber->framing = strcasestr(head, "transfer-encoding: chunked") ? CHUNK_SIZE : IDENTITY;
    subscriber->head = NULL;
    subscriber->state = BODY;
    subscribers_up++;
    if (subscriber->is_stalled) epoll_ctl(epoll, EPOLL_CTL_DEL, subscriber->fd, NULL);
    else on_body(subscriber, body, subscriber->head_length - (size_t)(body - head));
    free(head);
}

/* ---- sockets ---------------------------------------------------------------- */

struct sockaddr_in server_address(void)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

void subscriber_start(int index)
{
    Subscriber *subscriber = &subscribers[index];
    int one = 1, small = 4096;
    subscriber->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (subscriber->fd < 0) die("socket %d: %s", index, strerror(errno));
    subscriber->is_stalled = index >= options.subscribers;
    if (subscriber->is_stalled) setsockopt(subscriber->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);

    /* 127.0.0.2, .3, ...: more local ports than one address has. */
    struct sockaddr_in local = {.sin_family = AF_INET};
    local.sin_addr.s_addr = htonl(0x7f000002u + (uint32_t)(index / PER_ADDRESS));
    setsockopt(subscriber->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(subscriber->fd, (struct sockaddr *)&local, sizeof local)) die("bind: %s", strerror(errno));

    struct sockaddr_in address = server_address();
    if (connect(subscriber->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        die("connect %d: %s", index, strerror(errno));
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = subscriber};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, subscriber->fd, &event)) die("epoll_ctl: %s", strerror(errno));
}

static void on_connected(Subscriber *subscriber)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(subscriber->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error || send(subscriber->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) {
        if (complaints++ < 3) fprintf(stderr, "ssebench: connect: %s\n", strerror(error ? error : errno));
        shut(subscriber);
        return;
    }
    subscriber->state = HEAD;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = subscriber};
    epoll_ctl(epoll, EPOLL_CTL_MOD, subscriber->fd, &event);
}

static void on_readable(Subscriber *subscriber)
{
    for (;;) {
        ssize_t got = recv(subscriber->fd, received, RECEIVE, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0) { shut(subscriber); return; }
        if (subscriber->state == HEAD) on_head(subscriber, received, (size_t)got);
        else on_body(subscriber, received, (size_t)got);
        if (subscriber->state == CLOSED || subscriber->is_stalled) return;
        if (got < RECEIVE) return;                         /* the next byte is a new edge */
    }
}

void subscribers_poll(int timeout_ms)
{
    static struct epoll_event events[1024];
    int ready = epoll_wait(epoll, events, 1024, timeout_ms);
    for (int i = 0; i < ready; i++) {
        Subscriber *subscriber = events[i].data.ptr;
        if (!subscriber) { publisher_readable(); continue; }
        uint32_t flags = events[i].events;
        if (subscriber->state == CONNECTING && flags & (EPOLLOUT | EPOLLERR | EPOLLHUP)) on_connected(subscriber);
        if (subscriber->state == HEAD || subscriber->state == BODY)
            if (flags & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) on_readable(subscriber);
    }
}
