/* An Authorization header, parsed and checked against a fixed request; what parses must be
 * checkable. */
#include <stdlib.h>

#include "api/tc3.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = 0;

    static const struct http_header headers[] = {
        { "Host", "127.0.0.1:9000" },
        { "Content-Type", "application/json; charset=UTF-8" },
        { "X-TC-Action", "CreateCloudRecording" },
    };
    const struct http_request request = { .method = "POST",
                                          .path = bytes_str("/v1"),
                                          .headers = headers,
                                          .header_count = 3,
                                          .body = bytes_str("{}") };
    struct tc3_authorization auth;
    if (tc3_parse(&auth, text) == OK &&
        tc3_verify(&auth, &request, 1735707617, "example-secret-key-0001") != ERR_AUTH)
        abort(); /* nobody guesses a signature */
    free(text);
    return 0;
}
