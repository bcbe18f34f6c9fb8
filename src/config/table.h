/* The tables of config.h. Inside config/ only. */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include "config/config.h"

extern const struct schema config_schema;

/* <data>/keys.yaml: the rows apps and credentials alone, in the same form. */
struct config_keys {
    SCHEMA_LIST(struct config_app) apps;
    SCHEMA_LIST(struct config_credential) credentials;
};

extern const struct schema config_keys_schema;

#endif
