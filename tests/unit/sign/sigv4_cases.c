/* Signs random requests and prints them, one JSON object a line, for sigv4_by_botocore.py. Its
 * argument is the seed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "sign/digest.h"
#include "sign/sigv4.h"

#define CASES 200

static uint64_t random_state;

static unsigned below(unsigned limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % limit;
}

/* 1 to `max` characters of printable ASCII that JSON needs no escapes for. */
static void make_text(char *out, unsigned max, const char *avoid)
{
    unsigned len = 1 + below(max);
    for (unsigned i = 0; i < len;) {
        char c = (char)('!' + below('~' - '!' + 1));
        if (c != '"' && c != '\\' && !strchr(avoid, c))
            out[i++] = c;
    }
    out[len] = 0;
}

struct texts {
    char access_key[21], secret_key[41], region[13], host[41], path[62], date[SIGV4_DATE_SIZE],
        hash[SHA256_HEX_SIZE], type[31], name[4][11], value[4][31];
};

static void fill(struct texts *t)
{
    make_text(t->access_key, 20, "/,");
    make_text(t->secret_key, 40, "");
    make_text(t->region, 12, "/,");
    make_text(t->type, 30, "");
    snprintf(t->host, sizeof t->host, "h%u.example.test%s", below(1000), below(2) ? ":9000" : "");
    t->path[0] = '/';
    make_text(t->path + 1, 60, "?#");
    sigv4_date((usec_t)below(1u << 31) * SEC, t->date);
    sha256_hex(bytes_str(t->type), t->hash);
    for (int i = 0; i < 4; i++) {
        make_text(t->name[i], 10, "");
        make_text(t->value[i], 30, "");
    }
}

static int print_case(void)
{
    struct texts t;
    fill(&t);
    struct sigv4_param query[4];
    for (int i = 0; i < 4; i++)
        query[i] = (struct sigv4_param){ t.name[i], t.value[i] };
    const struct canonical_header headers[] = {
        { bytes_str("x-amz-date"), bytes_str(t.date) },
        { bytes_str("x-amz-content-sha256"), bytes_str(t.hash) },
        { bytes_str("host"), bytes_str(t.host) },
        { bytes_str("content-type"), bytes_str(t.type) },
    };
    const struct sigv4_request request = { .access_key = t.access_key,
                                           .secret_key = t.secret_key,
                                           .region = t.region,
                                           .service = "s3",
                                           .date = t.date,
                                           .method = below(2) ? "PUT" : "POST",
                                           .path = t.path,
                                           .query = query,
                                           .query_count = below(5),
                                           .headers = headers,
                                           .header_count = 4,
                                           .payload_hash = t.hash };
    struct buf authorization, target;
    buf_init(&authorization, 10000);
    buf_init(&target, 10000);
    int err = sigv4_sign(&request, &authorization);
    if (!err)
        err = sigv4_target(&request, &target);
    printf("{\"access_key\": \"%s\", \"secret_key\": \"%s\", \"region\": \"%s\", \"date\": \"%s\", "
           "\"method\": \"%s\", \"host\": \"%s\", \"path\": \"%s\", \"type\": \"%s\", \"hash\": "
           "\"%s\", \"target\": \"%s\", \"authorization\": \"%s\", \"query\": [",
           t.access_key, t.secret_key, t.region, t.date, request.method, t.host, t.path, t.type,
           t.hash, buf_str(&target), buf_str(&authorization));
    for (size_t i = 0; i < request.query_count; i++)
        printf("%s[\"%s\", \"%s\"]", i ? ", " : "", t.name[i], t.value[i]);
    printf("]}\n");
    buf_fini(&authorization);
    buf_fini(&target);
    return err;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    random_state = strtoull(argv[1], NULL, 10);
    for (int i = 0; i < CASES; i++)
        if (print_case())
            return 1;
    return 0;
}
