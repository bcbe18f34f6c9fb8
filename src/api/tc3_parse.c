#include "api/tc3.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/str.h"

#define MAX_ID      128
#define MAX_SERVICE 128
#define DATE_LEN    10 /* "2025-01-01" */

static bool is_date(struct bytes text)
{
    if (text.len != DATE_LEN)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 4 || i == 7;
        if (dash ? text.ptr[i] != '-' : text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return true;
}

/* SecretId/date/service/tc3_request */
static bool parse_credential(struct tc3_authorization *out, struct bytes text)
{
    out->secret_id = str_split(text, '/', &text);
    out->date = str_split(text, '/', &text);
    out->service = str_split(text, '/', &text);
    return out->secret_id.len && out->secret_id.len <= MAX_ID && is_date(out->date) &&
           out->service.len && out->service.len <= MAX_SERVICE &&
           bytes_equal_str(text, TC3_TERMINATOR);
}

static bool is_header_name(struct bytes name)
{
    return name.len && name.len < 64 && str_only(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");
}

static bool parse_headers(struct tc3_authorization *out, struct bytes text)
{
    while (text.len) {
        struct bytes name = str_split(text, ';', &text);
        if (!is_header_name(name) || out->header_count == TC3_MAX_SIGNED_HEADERS)
            return false;
        for (size_t i = 0; i < out->header_count; i++)
            if (bytes_equal(out->headers[i], name))
                return false;
        out->headers[out->header_count++] = name;
    }
    return out->header_count > 0;
}

static bool parse_signature(struct tc3_authorization *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'F')
            return false;
    return hex_decode(out->signature, SHA256_SIZE, text);
}

enum part { PART_CREDENTIAL = 1, PART_HEADERS = 2, PART_SIGNATURE = 4, PART_ALL = 7 };

/* The part that was read, 0 when it is none. */
static unsigned parse_part(struct tc3_authorization *out, struct bytes part)
{
    struct bytes value, name = str_split(part, '=', &value);
    if (bytes_equal_str(name, "Credential"))
        return parse_credential(out, value) ? PART_CREDENTIAL : 0;
    if (bytes_equal_str(name, "SignedHeaders"))
        return parse_headers(out, value) ? PART_HEADERS : 0;
    if (bytes_equal_str(name, "Signature"))
        return parse_signature(out, value) ? PART_SIGNATURE : 0;
    return 0;
}

int tc3_parse(struct tc3_authorization *out, const char *header)
{
    struct tc3_authorization auth = { 0 };
    struct bytes rest = str_trim(bytes_str(header));
    if (!bytes_equal_str(str_split(rest, ' ', &rest), TC3_ALGORITHM))
        return ERR_MALFORMED;

    unsigned seen = 0;
    while (rest.len) {
        unsigned part = parse_part(&auth, str_trim(str_split(rest, ',', &rest)));
        if (!part || (seen & part))
            return ERR_MALFORMED;
        seen |= part;
    }
    if (seen != PART_ALL)
        return ERR_MALFORMED;
    *out = auth;
    return OK;
}
