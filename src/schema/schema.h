/* The table engine: one declarative table per thing says name, type, range, default and help of
 * each member of a C struct. The same table fills the struct from a value tree, writes it out
 * again, frees it, and prints its reference.
 *
 *     struct point { uint64_t x; char *label; };
 *     static const struct schema_row point_rows[] = {
 *         { "X", SCHEMA_U64, offsetof(struct point, x), .required = true, .max = 1920, .help =
 * "Left edge, pixels." }, { "Label", SCHEMA_STRING, offsetof(struct point, label), .max = 64, .help
 * = "Shown beside it." },
 *     };
 *     static const struct schema point_schema = SCHEMA(struct point, point_rows);
 *
 * Tables are constant and belong to any thread; a struct belongs to whoever holds it. */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include "base/buf.h"
#include "schema/value.h"

/* What stands at a row's offset. Strings, lists and objects are owned by the struct. */
enum schema_type {
    SCHEMA_U64,     /* uint64_t */
    SCHEMA_BOOL,    /* bool */
    SCHEMA_STRING,  /* char *, NULL when absent */
    SCHEMA_WORD,    /* int: the index of one of .words */
    SCHEMA_STRINGS, /* struct schema_strings */
    SCHEMA_SECTION, /* a struct of .table in place; its defaults hold when it is absent */
    SCHEMA_OBJECT,  /* a pointer to a struct of .table, NULL when absent */
    SCHEMA_OBJECTS, /* SCHEMA_LIST(struct of .table) */
};

struct schema_strings {
    char **items;
    size_t count;
};

#define SCHEMA_LIST(type)                                                                          \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count;                                                                              \
    }

/* A rule about a text beyond length and characters. */
struct schema_format {
    const char *wanted; /* "an address like 127.0.0.1:9000" */
    bool (*ok)(const char *text);
};

struct schema {
    size_t size; /* of the struct */
    const struct schema_row *rows;
    size_t count;
};

struct schema_row {
    const char *name;
    enum schema_type type;
    size_t offset;

    bool required;     /* absent, null and the empty string are all "missing" */
    bool zero_missing; /* and so is 0 */
    bool secret;       /* never in a message; wiped when freed */
    uint64_t min,
        max; /* SCHEMA_U64: the value; texts: bytes. Both inclusive, max is always given */
    const char
        *charset; /* texts: characters and ranges, "a-zA-Z0-9_-"; a '-' for itself stands last */
    const struct schema_format *format; /* texts */
    const char *const *words;           /* SCHEMA_WORD: ends with NULL */
    const struct schema *table;         /* SCHEMA_SECTION, _OBJECT, _OBJECTS */
    size_t max_items;                   /* SCHEMA_STRINGS, _OBJECTS */
    const char
        *fallback; /* the default as text; NULL: 0, false, absent, empty. Lists of strings: "a,b" */
    const char *help; /* whole sentences */
};

#define SCHEMA(type, row_array)                                                                    \
    {                                                                                              \
        sizeof(type), row_array, sizeof(row_array) / sizeof *(row_array)                           \
    }

/* In the order in which an answer prefers them (api.md 5, order of checks). */
enum schema_error_kind { SCHEMA_UNKNOWN, SCHEMA_WRONG_TYPE, SCHEMA_MISSING, SCHEMA_OUT_OF_RANGE };

#define SCHEMA_PATH_SIZE 160
#define SCHEMA_TEXT_SIZE 160

/* Printable ASCII throughout: what came from the input has '?' in place of anything else, and is
 * cut. */
struct schema_error {
    enum schema_error_kind kind;
    const struct schema_row *row; /* NULL for SCHEMA_UNKNOWN */
    int line;                     /* 0 when the syntax has none */
    char path[SCHEMA_PATH_SIZE];
    char wanted[SCHEMA_TEXT_SIZE]; /* "an integer from 5 to 86400" */
    char got[48];                  /* the value; "" when it is secret, long, or no scalar */
};

enum schema_paths { SCHEMA_DOTTED /* "List.0.Name" */, SCHEMA_BRACKETS /* "list[0].name" */ };

/* Told of each error, first to last. `e` is borrowed for the call. */
struct schema_sink {
    void (*report)(void *ctx, const struct schema_error *e);
    void *ctx;
    enum schema_paths paths;
};

/* Fills `out` (sized and laid out as the table says, its old content is overwritten) from `in`, an
 * object; NULL gives all defaults, and nothing is missing then. Goes on after an error, with the
 * default in place of the bad value; whether there were errors is the sink's to know. Afterwards
 * `out` is whole in any case and wants schema_free. ERR_NOMEM: `out` is empty (zeroes). */
int schema_read(const struct schema *table, void *out, const struct value *in,
                const struct schema_sink *sink);

/* Takes out of an object, at any depth, the members that the table does not know, so that
 * schema_read() finds none. */
void schema_prune(const struct schema *table, struct value *in);

/* Wipes the secrets, frees what the struct owns, and zeroes it. A zeroed struct is fine. */
void schema_free(const struct schema *table, void *in);

/* "an integer from 5 to 86400". Returns `out`. */
const char *schema_wanted(const struct schema_row *row, char out[SCHEMA_TEXT_SIZE]);

/* One line of text about an error, as api answers and start-up complaints show it:
 *     `RecordParams.MaxIdleTime` must be an integer from 5 to 86400, not `3` */
void schema_error_text(const struct schema_error *e, struct buf *out);

/* Copies what is printable, with '?' for each other byte, cut to `size`. */
void schema_printable(char *out, size_t size, const char *text);

/* Appends the reference of a table: one paragraph per row with its full name, type, default and
 * help. */
void schema_reference(const struct schema *table, struct buf *out);

/* Appends the struct as one JSON object, secrets included, so that schema_read over value_from_json
 * gives it back: for storing it. Numbers and booleans are always written, absent texts and objects
 * never. */
void schema_write_json(const struct schema *table, const void *in, struct buf *out);

#endif
