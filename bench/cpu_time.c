/* The processor time of running processes, user and system, all threads, in nanoseconds: a line for
 * each process id of the command line; 0 for one that does not run. /proc/PID/stat has it too, but
 * only to 10 ms. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t cpu_time(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
        return 0;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("%" PRId64 "\n", cpu_time((pid_t)strtol(argv[i], NULL, 10)));
    return 0;
}
