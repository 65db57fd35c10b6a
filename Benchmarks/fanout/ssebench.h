/* What the files of ssebench share. */
#ifndef SSEBENCH_H
#define SSEBENCH_H
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *subscribe, *publish, *pids;
    int port, subscribers, stalled, request_bytes, size, window, depth;
    long messages, warm_up;
    double connect_rate, idle, patience;
} Options;
extern Options options;

_Noreturn void die(const char *format, ...);
uint64_t now_ns(void);

/* ---- histogram.c: 64 linear steps per power of two (error < 1.6 %) ------ */

#define STEP_BITS 6
#define STEPS ((65 - STEP_BITS) << STEP_BITS)
typedef struct { uint64_t count, max; uint32_t steps[STEPS]; } Histogram;
void histogram_add(Histogram *histogram, uint64_t ns);
double histogram_quantile(const Histogram *histogram, double q);     /* microseconds */

/* ---- server.c: what the measured processes have used -------------------- */

typedef struct { uint64_t cpu_ns, rss_kb; } Usage;
Usage server_usage(void);
double own_cpu_seconds(void);

/* ---- message.c: a run id, a sequence number, a send time, padding ------- */

#define PREFIX 44            /* "R<8 hex> S<10 digits> T<20 digits> ", then x's */
typedef struct { uint32_t sequence; uint64_t time; } Message;
enum { MESSAGE_OK, MESSAGE_BAD, MESSAGE_FOREIGN };
void message_setup(void);
void message_write(char *out, uint32_t sequence, uint64_t time);
/* `whole`: all bytes are at `text`, else the first PREFIX bytes are. */
int message_read(const char *text, size_t length, int whole, Message *message);

/* ---- subscriber.c: connections that check every event ------------------- */

extern int epoll, subscribers_up, subscribers_failed, subscribers_closed;
extern long messages_sent, messages_done;    /* done: every subscriber has it */
extern uint64_t deliveries, events_lost, events_doubled, events_bad, last_delivery_ns;
extern Histogram each_delivery, last_deliveries;
void subscribers_setup(void);
void subscriber_start(int index);
void subscribers_poll(int timeout_ms);       /* and the publisher's answers */
uint64_t events_missing(void);
struct sockaddr_in server_address(void);

/* ---- publisher.c: one keep-alive connection with pipelined POSTs -------- */

extern long posts_outstanding, post_errors;
void publisher_open(void);
void publisher_send(void);
void publisher_readable(void);

#endif
