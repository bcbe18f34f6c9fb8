/* Keys of a daemon that was given none: one application and one credential, generated at the first
 * start and kept in <data>/keys.yaml (mode 0600, a configuration file with only apps and
 * credentials). Inside config/ only. */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "config/check.h"

/* Sets config->apps, credentials, keys_file and keys_generated. Makes the data folder when it is
 * missing. Two daemons that start at once end with the same keys: the file appears whole, under its
 * name, exactly once. ERR_IO, ERR_MALFORMED (somebody edited it): a complaint was made. ERR_NOMEM.
 */
int keys_load(struct config *config, struct complaints *c);

/* The whole of a file, at most `limit` bytes. The caller wipes and frees. ERR_NOT_FOUND, ERR_IO
 * (errno holds), ERR_LIMIT, ERR_NOMEM. */
int text_file_read(const char *path, struct buf *out);

/* Wipes, then frees. */
void secret_buf_fini(struct buf *b);

#endif
