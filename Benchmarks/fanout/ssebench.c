/*
 * ssebench - load generator for Server-Sent-Events broadcast fan-out; one thread, epoll, Linux only.
 *
 * Opens subscribers (GET), waits until each has answered "200 ... text/event-stream", measures how the server's memory
 * has grown, publishes messages (POST) and checks every event that every subscriber gets. Lost, doubled, reordered and
 * damaged events are counted, and make the exit status 1. Prints one JSON object.
 *
 * build: gcc -O2 -Wall -Wextra -o ssebench ssebench.c subscriber.c publisher.c message.c server.c histogram.c
 * usage: ssebench [options]
 *   -p PORT     of the server, on 127.0.0.1                 (8080)
 *   -u PATH     to subscribe                                (/sub)
 *   -P PATH     to publish; "-" publishes nothing           (/pub)
 *   -n COUNT    subscribers                                 (100)
 *   -z COUNT    more subscribers, which stop reading after the response's head
 *   -g BYTES    about this size for a subscriber's request, by more header fields
 *   -r RATE     connects per second, 0 = as fast as allowed (0)
 *   -m COUNT    measured messages                           (1000)
 *   -w COUNT    messages before, not measured               (a tenth, 1 to 200)
 *   -s BYTES    of a message, at least 44                   (100)
 *   -W WINDOW   messages under way at most: not yet seen by every subscriber    (1)
 *   -K DEPTH    POSTs pipelined at most                     (1)
 *   -i SECONDS  to be idle before memory is read            (1)
 *   -t SECONDS  without an event before it gives up         (10)
 *   -S PIDS     the server's processes, comma separated
 *
 * Times are from just before the POST is sent until the event was parsed; "last" until the last subscriber had it.
 * With a window over 1 they include the queue. The server's CPU includes the loopback device's receive work for the
 * subscribers' sockets, because Linux does that in the sender's context.
 */
#include "ssebench.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CONNECTING_AT_MOST 128

Options options = {
    .subscribe = "/sub", .publish = "/pub", .port = 8080, .subscribers = 100, .size = 100, .window = 1, .depth = 1,
    .messages = 1000, .warm_up = -1, .idle = 1, .patience = 10,
};

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("ssebench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static double seconds_since(uint64_t start) { return (double)(now_ns() - start) / 1e9; }

static void read_options(int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "p:u:P:n:z:g:r:m:w:s:W:K:i:t:S:")) != -1;) switch (option) {
        case 'p': options.port = atoi(optarg); break;
        case 'u': options.subscribe = optarg; break;
        case 'P': options.publish = optarg; break;
        case 'n': options.subscribers = atoi(optarg); break;
        case 'z': options.stalled = atoi(optarg); break;
        case 'g': options.request_bytes = atoi(optarg); break;
        case 'r': options.connect_rate = atof(optarg); break;
        case 'm': options.messages = atol(optarg); break;
        case 'w': options.warm_up = atol(optarg); break;
        case 's': options.size = atoi(optarg); break;
        case 'W': options.window = atoi(optarg); break;
        case 'K': options.depth = atoi(optarg); break;
        case 'i': options.idle = atof(optarg); break;
        case 't': options.patience = atof(optarg); break;
        case 'S': options.pids = optarg; break;
        default: die("see the comment at the top of ssebench.c");
    }
    if (options.size < PREFIX) die("-s must be at least %d", PREFIX);
    if (options.subscribers < 1 || options.window < 1 || options.depth < 1 || options.messages < 0) die("a bad number");
    if (!strcmp(options.publish, "-")) options.messages = options.warm_up = 0;
    if (options.warm_up < 0) {
        long tenth = options.messages / 10;
        options.warm_up = tenth < 1 ? 1 : tenth > 200 ? 200 : tenth;
    }
}

static void raise_file_limit(int connections)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if ((rlim_t)connections + 16 > files.rlim_max)
        die("%d connections need more than %llu open files", connections, (unsigned long long)files.rlim_max);
}

static void connect_all(int total)
{
    uint64_t start = now_ns(), progress = start;
    int started = 0, up = 0;
    while (subscribers_up < total) {
        double allowed = options.connect_rate > 0 ? seconds_since(start) * options.connect_rate + 1 : total;
        while (started < total && started < allowed && started - subscribers_up < CONNECTING_AT_MOST)
            subscriber_start(started++);
        subscribers_poll(options.connect_rate > 0 ? 1 : 100);
        if (subscribers_failed) die("%d subscribers failed", subscribers_failed);
        if (subscribers_up != up) up = subscribers_up, progress = now_ns();
        if (seconds_since(progress) > options.patience)
            die("only %d of %d subscribers after %d were started", up, total, started);
    }
}

static void idle(void)
{
    for (uint64_t start = now_ns(); seconds_since(start) < options.idle;) subscribers_poll(10);
}

/* Publishes until `total` messages were sent and every subscriber has them; 0 when it gave up. */
static int publish_up_to(long total)
{
    last_delivery_ns = now_ns();
    while (messages_done < total || posts_outstanding) {
        while (messages_sent < total && messages_sent - messages_done < options.window
               && posts_outstanding < options.depth) publisher_send();
        subscribers_poll(100);
        if (seconds_since(last_delivery_ns) > options.patience) return 0;
    }
    return 1;
}

static void report(const char *key, double value) { printf(", \"%s\": %.3f", key, value); }

int main(int argc, char **argv)
{
    read_options(argc, argv);
    int connections = options.subscribers + options.stalled;
    raise_file_limit(connections);
    message_setup();
    subscribers_setup();

    Usage at_first = server_usage();
    uint64_t start = now_ns();
    connect_all(connections);
    double connecting = seconds_since(start);
    Usage connected = server_usage();
    idle();
    Usage idled = server_usage(), before = idled, after = idled;

    double own_cpu = 0, seconds = 0;
    int timed_out = 0;
    if (options.messages) {
        publisher_open();
        timed_out = !publish_up_to(options.warm_up);
        before = server_usage();
        own_cpu = own_cpu_seconds();
        start = now_ns();
        if (!timed_out) timed_out = !publish_up_to(options.warm_up + options.messages);
        seconds = (double)(last_delivery_ns - start) / 1e9;
        after = server_usage();
        own_cpu = own_cpu_seconds() - own_cpu;
    }

    uint64_t missing = events_missing();
    int is_complete = !events_lost && !events_doubled && !events_bad && !missing;
    int is_ok = is_complete && !subscribers_closed && !post_errors && !timed_out;
    double count = deliveries ? (double)deliveries : 1;
    printf("{\"n\": %d, \"messages\": %ld, \"window\": %d", options.subscribers, options.messages, options.window);
    report("server_cpu_us_per_delivery", (double)(after.cpu_ns - before.cpu_ns) / 1e3 / count);
    report("own_cpu_us_per_delivery", own_cpu * 1e6 / count);
    report("deliveries_per_s", seconds > 0 ? count / seconds : 0);
    report("each_p50_us", histogram_quantile(&each_delivery, .5));
    report("each_p99_us", histogram_quantile(&each_delivery, .99));
    report("last_p50_us", histogram_quantile(&last_deliveries, .5));
    report("last_p99_us", histogram_quantile(&last_deliveries, .99));
    report("connects_per_s", connections / connecting);
    report("server_cpu_us_per_connect", (double)(connected.cpu_ns - at_first.cpu_ns) / 1e3 / connections);
    report("rss_bytes_per_connection", ((double)idled.rss_kb - (double)at_first.rss_kb) * 1024 / connections);
    report("lost", (double)events_lost);
    report("missing", (double)missing);
    report("doubled", (double)events_doubled);
    report("bad", (double)events_bad);
    report("closed", subscribers_closed);
    report("post_errors", (double)post_errors);
    printf(", \"ok\": %s}\n", is_ok ? "true" : "false");
    return !is_ok;
}
