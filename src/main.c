/* reeltime: the subcommands. */
#include <stdio.h>
#include <string.h>

#include "ctl/api_doc.h"
#include "ctl/ctl.h"
#include "ctl/usersig.h"
#include "offline/spool.h"
#include "publish/publish.h"
#include "serve/serve.h"
#include "version.h"

static const struct {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "serve", "run the recording service", serve_main },
    { "ctl", "create, describe, delete and await recordings; listen to events", ctl_main },
    { "api", "print the reference of the recording API", api_doc_main },
    { "usersig", "make a UserSig or PrivateMapKey, or look into one", usersig_main },
    { "spool", "look into a spool, repair it, deliver it, with the daemon stopped", spool_main },
    { "publish", "publish a test pattern or a file by WHIP", publish_main },
};

static void usage(FILE *to)
{
    fputs("usage: reeltime COMMAND [OPTIONS]\n\ncommands:\n", to);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\n  reeltime COMMAND --help   tells the options of a command\n"
          "  reeltime --version        tells the version\n",
          to);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("reeltime " REELTIME_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "reeltime: no command '%s'\n\n", argv[1]);
    usage(stderr);
    return 2;
}
