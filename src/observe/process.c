#include "observe/process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static uint64_t resident(void)
{
    unsigned long long size, pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    if (fscanf(f, "%llu %llu", &size, &pages) != 2)
        pages = 0;
    fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_fds(void)
{
    uint64_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir))
        count += e->d_name[0] != '.';
    closedir(dir);
    return count - 1; /* the folder's own */
}

static usec_t cpu(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t))
        return 0;
    return t.tv_sec * SEC + t.tv_nsec / 1000;
}

void process_read(struct process_stats *out)
{
    struct rlimit fds = { 0 };
    getrlimit(RLIMIT_NOFILE, &fds);
    *out = (struct process_stats){
        .resident = resident(), .open_fds = open_fds(), .max_fds = fds.rlim_cur, .cpu = cpu()
    };
}
