#include "offline/spool.h"

#include <stdio.h>
#include <string.h>

#include "offline/commands.h"

static const struct {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "list", "tasks that wait there, their files, and what is torn", list_main },
    { "repair", "make everything whole; delivers nothing", repair_main },
    { "push", "make everything whole and deliver it", push_main },
};

static void usage(FILE *to)
{
    fputs(
        "usage: reeltime spool COMMAND DIR [OPTIONS]\n"
        "\n"
        "Works on a spool, the folder \"spool\" in a daemon's data, while that daemon is stopped:\n"
        "what was recorded and is not yet in its bucket. The daemon does all of it by itself when\n"
        "it starts; this is for machines on which it does not start any more.\n"
        "\n"
        "Commands:\n",
        to);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\n"
          "Example:\n"
          "  reeltime spool list /var/lib/reeltime/spool\n"
          "  reeltime spool push /var/lib/reeltime/spool --config /etc/reeltime.yaml\n"
          "  reeltime spool push /mnt/old-disk/spool --to /srv/rescued\n"
          "\n"
          "  reeltime spool COMMAND --help   tells the options of a command\n",
          to);
}

int spool_main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return OFFLINE_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return OFFLINE_GOOD;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "reeltime spool: no command '%s'\n\n", argv[1]);
    usage(stderr);
    return OFFLINE_USAGE;
}
