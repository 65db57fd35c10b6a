#include "ssebench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char run[12];
static char *padding;        /* what follows the last digit of the send time */

void message_setup(void)
{
    snprintf(run, sizeof run, "%08x", (uint32_t)(now_ns() ^ (uint64_t)getpid() << 20));
    padding = malloc((size_t)options.size);
    if (!padding) die("no memory");
    memset(padding, 'x', (size_t)options.size);
    padding[0] = ' ';
}

void message_write(char *out, uint32_t sequence, uint64_t time)
{
    char prefix[PREFIX + 20];
    snprintf(prefix, sizeof prefix, "R%s S%010u T%020llu ", run, sequence, (unsigned long long)time);
    memcpy(out, prefix, PREFIX);
    memset(out + PREFIX, 'x', (size_t)(options.size - PREFIX));
}

static uint64_t digits(const char *text, int count)
{
    uint64_t value = 0;
    while (count--) value = value * 10 + (uint64_t)(*text++ - '0');
    return value;
}

int message_read(const char *text, size_t length, int whole, Message *message)
{
    if (length != (size_t)options.size || text[0] != 'R' || text[10] != 'S' || text[22] != 'T') return MESSAGE_BAD;
    if (memcmp(text + 1, run, 8)) return MESSAGE_FOREIGN;
    message->sequence = (uint32_t)digits(text + 11, 10);
    message->time = digits(text + 23, 20);
    if (whole && memcmp(text + PREFIX - 1, padding, length - (PREFIX - 1))) return MESSAGE_BAD;
    return MESSAGE_OK;
}
