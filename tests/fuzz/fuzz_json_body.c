/* The body of a request, as the parameters of each action. What is accepted can be written and read
 * again. */
#include <stdlib.h>

#include "api/create.h"
#include "schema/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(const struct create_params *params)
{
    struct buf text;
    struct value *in;
    struct value_error error;
    struct create_params *again;
    struct api_problem problem = { 0 };
    buf_init(&text, 1 << 22);
    schema_write_json(&create_schema, params, &text);
    if (text.err || value_from_json(&in, buf_bytes(&text), &error) ||
        create_params_read(&again, in, 0, &problem))
        abort();
    create_params_free(again);
    value_free(in);
    buf_fini(&text);
}

static void as_create(const struct value *in)
{
    struct create_params *params;
    struct api_problem problem = { 0 };
    if (create_params_read(&params, in, 30, &problem)) {
        if (!problem.code)
            abort();
        return;
    }
    create_params_unserved(params, &problem);
    read_again(params);
    create_params_free(params);
}

static void as_query(const struct schema *table, const struct value *in)
{
    struct task_query query;
    struct api_problem problem = { 0 };
    if (task_query_read(table, &query, in, &problem) == 0)
        schema_free(table, &query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct value *in;
    struct value_error error;
    if (value_from_json(&in, bytes_of(data, size), &error))
        return 0;
    as_create(in);
    as_query(&describe_schema, in);
    as_query(&delete_schema, in);
    value_free(in);
    return 0;
}
