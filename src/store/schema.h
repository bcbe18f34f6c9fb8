/* Brings a database to the schema of this release. The migrations are the files in migrations/, in
 * their order; version n is what stands after the n-th. Inside store/ only. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <sqlite3.h>

extern const char *const store_migrations[];
extern const int store_schema_newest;

/* Each migration is a transaction of its own. Reasons are logged. ERR_UNSUPPORTED: the database is
 * newer than this release. ERR_MALFORMED: not a database of ours. ERR_IO. */
int schema_migrate(sqlite3 *db);

#endif
