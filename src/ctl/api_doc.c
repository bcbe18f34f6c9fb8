#include "ctl/api_doc.h"

#include <stdio.h>
#include <string.h>

#include "api/doc.h"
#include "base/err.h"

#define MAX_DOCUMENT (4u << 20)

static const char usage[] =
    "usage: reeltime api --reference | --openapi\n"
    "\n"
    "Prints what the recording API takes and answers, made from the tables that the service checks "
    "requests with.\n"
    "\n"
    "      --reference   for people, Markdown\n"
    "      --openapi     for programs, OpenAPI 3.1 as JSON\n"
    "  -h, --help        this text\n";

static int print(bool openapi)
{
    struct buf text;
    buf_init(&text, MAX_DOCUMENT);
    int err = OK;
    if (openapi)
        err = doc_openapi(&text);
    else
        doc_markdown(&text);
    err = err ? err : text.err;
    if (err)
        fprintf(stderr, "reeltime api: %s\n", err_text(err));
    else
        fputs(buf_str(&text), stdout);
    buf_fini(&text);
    return err != OK;
}

int api_doc_main(int argc, char **argv)
{
    const char *wish = argc == 2 ? argv[1] : "";
    if (strcmp(wish, "--reference") == 0)
        return print(false);
    if (strcmp(wish, "--openapi") == 0)
        return print(true);
    bool help = strcmp(wish, "--help") == 0 || strcmp(wish, "-h") == 0;
    fputs(usage, help ? stdout : stderr);
    return help ? 0 : 2;
}
