#include "api/create_formats.h"

#include <stdio.h>

#include "base/str.h"
#include "schema/formats.h"

bool room_number_ok(const char *text)
{
    uint64_t n;
    return *text != '0' && str_to_u64(bytes_str(text), UINT32_MAX, &n);
}

static bool endpoint_ok(const char *text)
{
    char url[2100];
    if (strchr(text, '?') || strchr(text, '#'))
        return false;
    if (strstr(text, "://"))
        return url_is_http(text);
    return snprintf(url, sizeof url, "https://%s", text) < (int)sizeof url && url_is_http(url);
}

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len > end_len && str_equal_nocase(bytes_of(text + len - end_len, end_len), end);
}

#define PICTURE_CHARS                                                                              \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!&()*+,%="

static bool picture_ok(const char *text)
{
    return url_is_http(text) && str_only(bytes_str(text), PICTURE_CHARS) &&
           (ends_in(text, ".jpg") || ends_in(text, ".jpeg") || ends_in(text, ".png"));
}

static bool six_hex(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return str_starts(bytes_str(text), prefix) && strlen(text) == len + 6 &&
           str_only(bytes_str(text + len), "0123456789abcdefABCDEF");
}

static bool color_ok(const char *text)
{
    return six_hex(text, "#");
}

static bool hex_color_ok(const char *text)
{
    return six_hex(text, "0x");
}

static bool font_ok(const char *text)
{
    return strcmp(text, "Tencent") == 0 || strcmp(text, "SourceHanSans") == 0;
}

const struct schema_format format_endpoint = { "a host, or an http or https URL without a query",
                                               endpoint_ok };
const struct schema_format format_picture_url = {
    "an http or https URL that ends in .jpg, .jpeg or .png", picture_ok
};
const struct schema_format format_color = { "a colour like #RRGGBB", color_ok };
const struct schema_format format_hex_color = { "a colour like 0xRRGGBB", hex_color_ok };
const struct schema_format format_font = { "Tencent or SourceHanSans", font_ok };
