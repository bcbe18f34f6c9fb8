/* What a row cannot say alone: rules between values, and defaults made from others. Inside config/
 * only. */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/config.h"

/* Where complaints go, and the tree for their lines. */
struct complaints {
    const char *name; /* of the file; NULL: there is none */
    const struct value *root;
    struct buf *out;
    unsigned count;
};

/* "name:12: path: text". */
void complain(struct complaints *c, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void complain_at(struct complaints *c, int line, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Fills what is made from other values: api.public_url, media.advertise, storage. ERR_NOMEM. */
int config_complete(struct config *config);

/* Complains of each rule that is broken. `config` is complete. */
void config_check(const struct config *config, struct complaints *c);
void check_auto_record(const struct config *config, struct complaints *c); /* auto_record.c */

#endif
