#define _GNU_SOURCE
#include "ssebench.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

long posts_outstanding, post_errors;

static int fd;
static char *request;
static size_t head_length;
static char answers[65536];
static size_t answers_length;

void publisher_open(void)
{
    int one = 1;
    struct sockaddr_in address = server_address();
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
        die("publisher: connect: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    request = malloc((size_t)options.size + 1024);
    if (!request) die("no memory");
    head_length = (size_t)snprintf(request, 1024,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n",
        options.publish, options.size);
}

void publisher_send(void)
{
    message_write(request + head_length, (uint32_t)messages_sent++, now_ns());
    posts_outstanding++;
    size_t length = head_length + (size_t)options.size, sent = 0;
    while (sent < length) {
        ssize_t written = send(fd, request + sent, length - sent, MSG_NOSIGNAL);
        if (written > 0) sent += (size_t)written;
        else if (errno != EAGAIN && errno != EINTR) die("publish: %s", strerror(errno));
    }
}

/* The length of the first answer, once it is whole; else 0. */
static size_t answer_length(void)
{
    char *end = strstr(answers, "\r\n\r\n");
    if (!end) return 0;
    size_t length = (size_t)(end + 4 - answers);
    end[2] = 0;                                            /* look into this head only */
    char *field = strcasestr(answers, "\r\ncontent-length:");
    int is_chunked = strcasestr(answers, "\r\ntransfer-encoding: chunked") != NULL;
    end[2] = '\r';
    if (field) length += strtoul(field + 17, NULL, 10);
    else if (is_chunked) {
        char *last = strstr(end + 2, "\r\n0\r\n\r\n");
        if (!last) return 0;
        length = (size_t)(last + 7 - answers);
    }
    return answers_length >= length ? length : 0;
}

void publisher_readable(void)
{
    ssize_t got = recv(fd, answers + answers_length, sizeof answers - 1 - answers_length, 0);
    if (got == 0) die("the server closed the publish connection");
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) die("publish: %s", strerror(errno));
    answers_length += (size_t)got;
    answers[answers_length] = 0;
    for (size_t length; (length = answer_length());) {
        if (answers[9] != '2' && post_errors++ < 3)
            fprintf(stderr, "ssebench: publish was answered %.*s\n", (int)strcspn(answers, "\r\n"), answers);
        posts_outstanding--;
        memmove(answers, answers + length, answers_length - length + 1);
        answers_length -= length;
    }
}
