#include "store/schema.h"

#include <stddef.h>

#include "base/err.h"
#include "observe/log.h"

static int run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return OK;
    log_error(NULL, "store: cannot change the schema: %s", sqlite3_errmsg(db));
    return ERR_IO;
}

static int query_int(sqlite3 *db, const char *sql, int *out)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
            *out = sqlite3_column_int(stmt, 0);
        sqlite3_finalize(stmt);
    }
    if (rc == SQLITE_ROW)
        return OK;
    log_error(NULL, "store: cannot read the schema: %s", sqlite3_errmsg(db));
    return rc == SQLITE_NOTADB || rc == SQLITE_DONE ? ERR_MALFORMED : ERR_IO;
}

/* 0: an empty database. */
static int read_version(sqlite3 *db, int *out)
{
    int tables, ours;
    int err = query_int(db, "SELECT count(*) FROM sqlite_master WHERE type = 'table'", &tables);
    if (!err)
        err = query_int(db, "SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'",
                        &ours);
    if (err)
        return err;
    if (ours)
        return query_int(db, "SELECT version FROM schema_version", out);
    if (tables) {
        log_error(NULL, "store: this is a database of another program");
        return ERR_MALFORMED;
    }
    *out = 0;
    return OK;
}

static int begin_version(sqlite3 *db, int version)
{
    int err = run(db, "BEGIN IMMEDIATE");
    if (!err && version == 1)
        err = run(db, "CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;"
                      "INSERT INTO schema_version VALUES (0)");
    return err;
}

static int migrate_to(sqlite3 *db, int version)
{
    char set[64];
    sqlite3_snprintf(sizeof set, set, "UPDATE schema_version SET version = %d", version);
    int err = begin_version(db, version);
    if (!err)
        err = run(db, store_migrations[version - 1]);
    if (!err)
        err = run(db, set);
    if (!err)
        err = run(db, "COMMIT");
    if (err && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return err;
}

int schema_migrate(sqlite3 *db)
{
    int version;
    int err = read_version(db, &version);
    if (!err && version > store_schema_newest) {
        log_error(NULL,
                  "store: the database has schema version %d, this release knows up to %d: it was "
                  "written by a newer release, start that one",
                  version, store_schema_newest);
        return ERR_UNSUPPORTED;
    }
    for (; !err && version < store_schema_newest; version++)
        err = migrate_to(db, version + 1);
    return err;
}
