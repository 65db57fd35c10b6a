/* CPU time comes from /proc/PID/task/x/schedstat: nanoseconds, where /proc/PID/stat has ticks of 10 ms. */
#include "ssebench.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int read_file(const char *path, char *buffer, size_t capacity)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = read(fd, buffer, capacity - 1);
    close(fd);
    if (length <= 0) return 0;
    buffer[length] = 0;
    return 1;
}

static void add_process(long pid, Usage *usage)
{
    char path[300], text[4096], *field;
    snprintf(path, sizeof path, "/proc/%ld/task", pid);
    DIR *threads = opendir(path);
    if (!threads) die("no process %ld", pid);
    for (struct dirent *thread; (thread = readdir(threads));) {
        if (thread->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%ld/task/%s/schedstat", pid, thread->d_name);
        if (read_file(path, text, sizeof text)) usage->cpu_ns += strtoull(text, NULL, 10);
    }
    closedir(threads);
    /* All resident memory: nchan keeps its subscribers in shared memory, which RssAnon leaves out. */
    snprintf(path, sizeof path, "/proc/%ld/status", pid);
    if (read_file(path, text, sizeof text) && (field = strstr(text, "VmRSS:")))
        usage->rss_kb += strtoull(field + 6, NULL, 10);
}

Usage server_usage(void)
{
    Usage usage = {0};
    for (const char *next = options.pids; next && *next;) {
        char *end;
        long pid = strtol(next, &end, 10);
        if (end == next) die("-S wants pids, comma separated");
        add_process(pid, &usage);
        next = *end == ',' ? end + 1 : end;
    }
    return usage;
}

double own_cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
