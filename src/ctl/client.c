#include "ctl/client.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/tc3.h"
#include "base/err.h"

#define API_VERSION  "2019-07-22"
#define CONTENT_TYPE "application/json"
#define SERVICE      "trtc"
#define MAX_ANSWER   (16u << 20)
#define CONNECT_MS   5000L

struct client {
    CURL *easy;
    struct buf url;
    struct bytes host; /* in url: with its port, as it goes into the header Host */
    struct credentials credentials;
    const char *region, *once;
    struct buf answer;
    char detail[CURL_ERROR_SIZE];
};

static size_t on_answer(char *data, size_t size, size_t count, void *ctx)
{
    struct client *c = ctx;
    buf_put(&c->answer, data, size * count);
    return c->answer.err ? 0 : size * count;
}

static struct bytes host_of(const struct buf *url)
{
    const char *start = strstr(buf_str(url), "://") + 3;
    return bytes_of(start, strcspn(start, "/"));
}

static void set_up(struct client *c, const struct account_options *options)
{
    curl_easy_setopt(c->easy, CURLOPT_URL, buf_str(&c->url));
    curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)(CLIENT_ACTION_TIME / MSEC));
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->detail);
    if (options->ca_file)
        curl_easy_setopt(c->easy, CURLOPT_CAINFO, options->ca_file);
}

int client_open(struct client **out, const struct account *account, struct buf *complaint)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    buf_init(&c->url, 4096);
    buf_init(&c->answer, MAX_ANSWER);
    if (!account_endpoint(account, &c->url, complaint) ||
        !account_credentials(account, &c->credentials, complaint)) {
        client_close(c);
        return ERR_MALFORMED;
    }
    c->host = host_of(&c->url);
    buf_put_str(&c->url, "/");
    c->region = account_api_region(account);
    c->once = account->once;
    c->easy = curl_global_init(CURL_GLOBAL_DEFAULT) ? NULL : curl_easy_init();
    if (!c->easy || c->url.err) {
        client_close(c);
        return ERR_NOMEM;
    }
    c->host = host_of(&c->url);
    set_up(c, account->options);
    *out = c;
    return OK;
}

void client_close(struct client *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->easy);
    buf_fini(&c->url);
    buf_fini(&c->answer);
    free(c);
}

static void add_header(struct curl_slist **list, const char *name, const char *value)
{
    struct buf line;
    buf_init(&line, 4096);
    buf_printf(&line, "%s: %s", name, value);
    struct curl_slist *longer = line.err ? NULL : curl_slist_append(*list, buf_str(&line));
    if (!longer)
        curl_slist_free_all(*list);
    *list = longer;
    buf_fini(&line);
}

/* ERR_NOMEM, ERR_CRYPTO. */
static int sign_headers(const struct client *c, const char *action, struct bytes body,
                        struct curl_slist **out)
{
    struct buf host, authorization;
    char timestamp[24];
    uint64_t now = (uint64_t)(clock_wall() / SEC);
    buf_init(&host, 4096);
    buf_init(&authorization, 4096);
    buf_put_bytes(&host, c->host);
    const struct tc3_signing signing = { .secret_id = c->credentials.id,
                                         .secret_key = c->credentials.key,
                                         .service = SERVICE,
                                         .method = "POST",
                                         .host = buf_str(&host),
                                         .content_type = CONTENT_TYPE,
                                         .body = body,
                                         .timestamp = now };
    int err = tc3_sign(&signing, &authorization);
    snprintf(timestamp, sizeof timestamp, "%llu", (unsigned long long)now);
    struct curl_slist *list = NULL;
    const char *const headers[][2] = { { "Content-Type", CONTENT_TYPE },
                                       { "X-TC-Action", action },
                                       { "X-TC-Version", API_VERSION },
                                       { "X-TC-Timestamp", timestamp },
                                       { "X-TC-Region", c->region },
                                       { "X-TC-Language", "en-US" },
                                       { "X-TC-RequestClient", "reeltime" },
                                       { "Host", buf_str(&host) },
                                       { "Authorization", buf_str(&authorization) } };
    for (size_t i = 0; i < sizeof headers / sizeof *headers && (list || !i); i++)
        add_header(&list, headers[i][0], headers[i][1]);
    if (list && c->once)
        add_header(&list, API_IDEMPOTENCY_HEADER, c->once);
    if (!err && !list)
        err = ERR_NOMEM;
    if (err)
        curl_slist_free_all(list);
    else
        *out = list;
    buf_fini(&host);
    buf_fini(&authorization);
    return err;
}

static const char *failure_text(const struct client *c, CURLcode code)
{
    long number = 0;
    curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &number);
    if (code == CURLE_COULDNT_CONNECT && number)
        return strerror((int)number);
    return *c->detail ? c->detail : curl_easy_strerror(code);
}

static int take_answer(struct client *c, CURLcode code, struct answer *out, struct buf *complaint)
{
    long status = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK) {
        buf_printf(complaint, "cannot reach %s: %s", buf_str(&c->url), failure_text(c, code));
        return ERR_IO;
    }
    if (status != 200 || answer_parse(out, buf_bytes(&c->answer))) {
        buf_printf(complaint, "%s answers, but not as a recording service (HTTP status %ld)",
                   buf_str(&c->url), status);
        return ERR_IO;
    }
    return OK;
}

int client_call(struct client *c, const char *action, const json_t *params, struct answer *out,
                struct buf *complaint)
{
    struct curl_slist *headers;
    char *body = json_dumps(params, JSON_COMPACT);
    if (!body)
        return ERR_NOMEM;
    int err = sign_headers(c, action, bytes_str(body), &headers);
    if (!err) {
        buf_clear(&c->answer);
        *c->detail = 0;
        curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, body);
        CURLcode code = curl_easy_perform(c->easy);
        curl_slist_free_all(headers);
        err = take_answer(c, code, out, complaint);
    }
    explicit_bzero(body, strlen(body));
    free(body);
    return err;
}
