/* The tree of values between an input's syntax (JSON, YAML, later dotted form keys) and the table
 * engine. Each reader of a syntax builds it, schema.h reads it. One thread at a time; nothing in it
 * points back into the input.
 *
 * A tree is born with its limits; an input that passes them is refused with ERR_LIMIT before it
 * costs more. */
#ifndef SCHEMA_VALUE_H
#define SCHEMA_VALUE_H

#include "base/bytes.h"

#define VALUE_MAX_DEPTH 16 /* objects and lists inside each other */
#define VALUE_MAX_NODES 20000

enum value_kind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_U64,      /* a whole number from 0 on */
    VALUE_NEGATIVE, /* a whole number below 0; its value is never needed */
    VALUE_FRACTION, /* a number with a fraction or an exponent; nor is its value */
    VALUE_STRING,
    VALUE_TEXT, /* a scalar whose type its syntax does not tell (YAML plain, form): typed by the row
                   that reads it */
    VALUE_LIST,
    VALUE_OBJECT,
};

struct value {
    enum value_kind kind;
    int line;            /* from 1; 0 when the syntax has none */
    bool truth;          /* VALUE_BOOL */
    uint64_t number;     /* VALUE_U64 */
    char *text;          /* VALUE_STRING, VALUE_TEXT; owned, no NUL inside */
    char *key;           /* of a member of an object; owned */
    struct value *first; /* VALUE_LIST, VALUE_OBJECT: owned, in the order of the input */
    struct value *last;
    struct value *next;
};

/* Where and why an input is not a tree at all. The message never quotes the input. */
struct value_error {
    int line, column; /* from 1; 0: not known */
    char message[160];
};

/* NULL: out of memory. */
struct value *value_new(enum value_kind kind, int line);
struct value *value_new_text(enum value_kind kind, int line, struct bytes text);

/* Wipes all texts (they may be secrets) and frees. NULL is fine. */
void value_free(struct value *value);

/* Appends to a list (`key` NULL) or object; takes `child` over in every case. False, and `child`
 * freed: out of memory. */
bool value_add(struct value *parent, const char *key, struct value *child);

/* NULL when `object` is NULL, no object, or has no such member. */
const struct value *value_member(const struct value *object, const char *key);

/* The value at a path in the engine's notation ("apps[0].callback.url", "a.0.b"), or the nearest
 * one above it that is there: for the line of a complaint. */
const struct value *value_at(const struct value *root, const char *path);

#endif
