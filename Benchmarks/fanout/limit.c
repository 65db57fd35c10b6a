/*
 * limit - the smallest SSE broadcaster: one send(2) per delivery, nothing else.
 * What it costs per delivery is the floor for any server that writes to each
 * subscriber's socket on this machine. What one turn of its loop has read is
 * sent together.
 *
 * build: gcc -O2 -o limit limit.c
 * usage: limit PORT      GET = subscribe, POST = publish the body to all.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct { int fd, subscribed; size_t length; char buffer[8192]; } Client;

static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
static const char ACCEPTED[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
static int subscribers[65536], count, epoll;
static char frames[1 << 20];
static size_t frames_length;

static void fan_out(void)
{
    for (int i = 0; frames_length && i < count; i++)
        if (send(subscribers[i], frames, frames_length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)frames_length)
            fprintf(stderr, "limit: short write\n");
    frames_length = 0;
}

static void publish(const char *body, size_t length)
{
    if (frames_length + length + 16 > sizeof frames) fan_out();
    frames_length += (size_t)sprintf(frames + frames_length, "data: %.*s\n\n", (int)length, body);
}

static void forget(Client *client)
{
    for (int i = 0; client->subscribed && i < count; i++)
        if (subscribers[i] == client->fd) { subscribers[i] = subscribers[--count]; break; }
    close(client->fd);
    free(client);
}

static void accept_all(int listener)
{
    int one = 1;
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        Client *client = calloc(1, sizeof *client);
        client->fd = fd;
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static void serve(Client *client)
{
    ssize_t got = read(client->fd, client->buffer + client->length, sizeof client->buffer - 1 - client->length);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) { forget(client); return; }
    client->length += (size_t)got;
    for (char *end; client->buffer[client->length] = 0, (end = strstr(client->buffer, "\r\n\r\n"));) {
        if (client->buffer[0] == 'G') {
            client->subscribed = 1;
            subscribers[count++] = client->fd;
            (void)!write(client->fd, HEAD, sizeof HEAD - 1);
            client->length = 0;
            return;
        }
        char *field = strcasestr(client->buffer, "content-length:");
        size_t head = (size_t)(end + 4 - client->buffer), body = field ? strtoul(field + 15, NULL, 10) : 0;
        if (client->length < head + body) return;
        publish(client->buffer + head, body);
        memmove(client->buffer, client->buffer + head + body, client->length - head - body);
        client->length -= head + body;
        (void)!write(client->fd, ACCEPTED, sizeof ACCEPTED - 1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) { fprintf(stderr, "usage: limit PORT\n"); return 2; }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) {
        perror("limit: listen");
        return 1;
    }
    epoll = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL }, events[512];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < ready; i++)
            if (events[i].data.ptr) serve(events[i].data.ptr);
            else accept_all(listener);
        fan_out();
    }
}
