/* `reeltime api`: prints the documents about the API, docs/api.md and docs/openapi.json. */
#ifndef CTL_API_DOC_H
#define CTL_API_DOC_H

/* Exit status: 0, 1 (out of memory), 2 (wrong use). */
int api_doc_main(int argc, char **argv);

#endif
