/* SPDX-License-Identifier: Apache-2.0 */
/* One GET with limits on time, size, redirects and protocols. */
#include <ctype.h>
#include <poll.h>
#include <stdlib.h>
#include <strings.h>

#include <curl/curl.h>

#include "fetch/curl_fetch.h"

#define MAX_REDIRECTS 3L
#define MAX_RETRIES 2
#define MAX_HEADERS 128
#define MAX_HEADER_BYTES (256U << 10) /* an issuer chain in percent encoding has some 6 kB */

#define STATUS_TOO_MANY_REQUESTS 429
#define STATUS_UNAVAILABLE 503

struct curl_fetcher {
    struct mse_curl_fetcher public; /* first: free() gets its address */
    CURL *easy;
    unsigned deadline_ms;
    unsigned connect_ms;
    char *ca_file;
};

/* One response on its way in. */
struct transfer {
    struct mse_http_reply reply;
    size_t cap;
    size_t body_room;
    size_t header_bytes;
    enum mse_err_code failed; /* why a callback stopped the transfer */
};

static void drop_headers(struct transfer *t)
{
    for (size_t i = 0; i < t->reply.header_count; i++) {
        free(t->reply.headers[i].name);
        free(t->reply.headers[i].value);
    }
    free(t->reply.headers);
    t->reply.headers = NULL;
    t->reply.header_count = 0;
}

static void transfer_cleanup(struct transfer *t)
{
    drop_headers(t);
    free(t->reply.body);
    *t = (struct transfer){ 0 };
}

/* ---- callbacks ---------------------------------------------------------------------------- */

static size_t stop(struct transfer *t, enum mse_err_code why)
{
    t->failed = why;
    return 0;
}

static size_t take_body(char *data, size_t one, size_t len, void *arg)
{
    struct transfer *t = arg;
    size_t need;

    (void)one; /* always 1 */
    if (len > t->cap - t->reply.body_len)
        return stop(t, MSE_ERR_LIMIT);
    need = t->reply.body_len + len;
    if (need > t->body_room) {
        size_t room = need > t->cap / 2 ? t->cap : 2 * need;
        uint8_t *more = realloc(t->reply.body, room);

        if (more == NULL)
            return stop(t, MSE_ERR_MEMORY);
        t->reply.body = more;
        t->body_room = room;
    }
    memcpy(t->reply.body + t->reply.body_len, data, len);
    t->reply.body_len = need;
    return len;
}

static bool add_header(struct transfer *t, const char *name, size_t name_len, const char *value,
                       size_t value_len)
{
    struct mse_http_header *h;

    if (t->reply.headers == NULL) {
        t->reply.headers = calloc(MAX_HEADERS, sizeof(t->reply.headers[0]));
        if (t->reply.headers == NULL)
            return false;
    }
    h = &t->reply.headers[t->reply.header_count];
    h->name = strndup(name, name_len);
    h->value = strndup(value, value_len);
    if (h->name == NULL || h->value == NULL) {
        free(h->name);
        free(h->value);
        *h = (struct mse_http_header){ 0 };
        return false;
    }
    for (char *c = h->name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    t->reply.header_count++;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A status line starts the next response: after a redirect, or a proxy's or 1xx answer. */
static size_t take_header(char *line, size_t one, size_t len, void *arg)
{
    struct transfer *t = arg;
    const char *colon;
    const char *value;
    size_t value_len;

    (void)one; /* always 1 */
    if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
        drop_headers(t);
        return len;
    }
    t->header_bytes += len; /* over all responses */
    colon = memchr(line, ':', len);
    if (colon == NULL)
        return len;
    if (t->header_bytes > MAX_HEADER_BYTES || t->reply.header_count == MAX_HEADERS)
        return stop(t, MSE_ERR_LIMIT);
    value = colon + 1;
    value_len = len - (size_t)(value - line);
    while (value_len > 0 && is_space(value[0])) {
        value++;
        value_len--;
    }
    while (value_len > 0 && is_space(value[value_len - 1]))
        value_len--;
    if (!add_header(t, line, (size_t)(colon - line), value, value_len))
        return stop(t, MSE_ERR_MEMORY);
    return len;
}

/* ---- one attempt -------------------------------------------------------------------------- */

static bool set_up(const struct curl_fetcher *f, const char *url, long left_ms, struct transfer *t,
                   char *message)
{
    bool is_https = strncasecmp(url, "https://", 8) == 0;
    long connect_ms = (long)f->connect_ms < left_ms ? (long)f->connect_ms : left_ms;
    bool ok = true;

    curl_easy_reset(f->easy); /* keeps open connections */
#define SET(option, value) (ok = ok && curl_easy_setopt(f->easy, option, value) == CURLE_OK)
    SET(CURLOPT_URL, url);
    SET(CURLOPT_ERRORBUFFER, message);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTPGET, 1L);
    SET(CURLOPT_USERAGENT, "mse/" MSE_VERSION);
    SET(CURLOPT_TIMEOUT_MS, left_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, is_https ? "https" : "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 1L);
    SET(CURLOPT_MAXREDIRS, MAX_REDIRECTS);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->cap);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (f->ca_file != NULL) {
        SET(CURLOPT_CAINFO, f->ca_file);
        SET(CURLOPT_CAPATH, NULL); /* the system's roots would count as well */
    }
#undef SET
    return ok;
}

static enum mse_err_code code_of(CURLcode e, const struct transfer *t)
{
    if (t->failed != MSE_ERR_NONE)
        return t->failed;
    if (e == CURLE_OPERATION_TIMEDOUT)
        return MSE_ERR_TIMEOUT;
    if (e == CURLE_FILESIZE_EXCEEDED)
        return MSE_ERR_LIMIT;
    if (e == CURLE_OUT_OF_MEMORY)
        return MSE_ERR_MEMORY;
    if (e == CURLE_URL_MALFORMAT)
        return MSE_ERR_USAGE;
    if (e == CURLE_TOO_MANY_REDIRECTS)
        return MSE_ERR_HTTP;
    if (e == CURLE_SSL_CONNECT_ERROR || e == CURLE_PEER_FAILED_VERIFICATION ||
        e == CURLE_SSL_CERTPROBLEM || e == CURLE_SSL_CIPHER || e == CURLE_SSL_CACERT_BADFILE ||
        e == CURLE_SSL_ISSUER_ERROR)
        return MSE_ERR_TLS;
    return MSE_ERR_NETWORK;
}

static bool attempt(const struct curl_fetcher *f, const char *url, long left_ms, struct transfer *t,
                    struct mse_error *err)
{
    char message[CURL_ERROR_SIZE] = "";
    CURLcode e;

    if (!set_up(f, url, left_ms, t, message))
        return mse_fail(err, MSE_ERR_NETWORK, 0, "libcurl options");
    e = curl_easy_perform(f->easy);
    /* The buffer does not outlive this function. */
    (void)curl_easy_setopt(f->easy, CURLOPT_ERRORBUFFER, NULL);
    if (e != CURLE_OK)
        return mse_fail_text(err, code_of(e, t), "get", "%s",
                             message[0] != '\0' ? message : curl_easy_strerror(e));
    (void)curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &t->reply.status);
    return true;
}

/* ---- retries ------------------------------------------------------------------------------ */

static long spent_ms(const struct curl_fetcher *f)
{
    curl_off_t us = 0;

    (void)curl_easy_getinfo(f->easy, CURLINFO_TOTAL_TIME_T, &us);
    return (long)(us / 1000) + 1;
}

/* True after having waited as the server asks, if the deadline leaves time for that. */
static bool wait_for_retry(const struct curl_fetcher *f, long status, long *left_ms)
{
    curl_off_t seconds = 0;
    long ms;

    if (status != STATUS_TOO_MANY_REQUESTS && status != STATUS_UNAVAILABLE)
        return false;
    (void)curl_easy_getinfo(f->easy, CURLINFO_RETRY_AFTER, &seconds); /* 0: none */
    if (seconds <= 0 || seconds > *left_ms / 1000)
        return false;
    ms = (long)seconds * 1000;
    if (ms >= *left_ms)
        return false;
    (void)poll(NULL, 0, (int)ms);
    *left_ms -= ms;
    return true;
}

static bool get(void *arg, const char *url, size_t cap, struct mse_http_reply *out,
                struct mse_error *err)
{
    const struct curl_fetcher *f = arg;
    long left_ms = (long)f->deadline_ms;

    *out = (struct mse_http_reply){ 0 };
    if (strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "url", "neither http nor https");
    for (int retries = 0;; retries++) {
        struct transfer t = { .cap = cap };

        if (!attempt(f, url, left_ms, &t, err)) {
            transfer_cleanup(&t);
            return false;
        }
        left_ms -= spent_ms(f);
        if (retries < MAX_RETRIES && wait_for_retry(f, t.reply.status, &left_ms)) {
            transfer_cleanup(&t);
            continue;
        }
        *out = t.reply; /* moved */
        return true;
    }
}

/* ---- making and freeing ------------------------------------------------------------------- */

static void free_fetcher(struct mse_curl_fetcher *self)
{
    struct curl_fetcher *f = (struct curl_fetcher *)self;

    if (f == NULL)
        return;
    curl_easy_cleanup(f->easy);
    free(f->ca_file);
    free(f);
    curl_global_cleanup();
}

static bool fill(struct curl_fetcher *f, const struct mse_curl_options *options)
{
    f->public.fetcher = (struct mse_fetcher){ .get = get, .arg = f };
    f->public.free = free_fetcher;
    f->deadline_ms = options->deadline_ms != 0 ? options->deadline_ms : MSE_CURL_DEADLINE_MS;
    f->connect_ms = options->connect_ms != 0 ? options->connect_ms : MSE_CURL_CONNECT_MS;
    if (options->ca_file != NULL && (f->ca_file = strdup(options->ca_file)) == NULL)
        return false;
    f->easy = curl_easy_init();
    return f->easy != NULL;
}

bool mse_curl_fetcher_new(const struct mse_curl_options *options, struct mse_curl_fetcher **out,
                          struct mse_error *err)
{
    struct curl_fetcher *f;

    *out = NULL;
    if (options->version == NULL || strcmp(options->version, MSE_VERSION) != 0)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "libmse-fetch",
                             "is of version " MSE_VERSION ", the program of %s",
                             options->version != NULL ? options->version : "none");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return mse_fail(err, MSE_ERR_NETWORK, 0, "libcurl");
    f = calloc(1, sizeof(*f));
    if (f == NULL) {
        curl_global_cleanup();
        return mse_fail_memory(err);
    }
    if (!fill(f, options)) {
        free_fetcher(&f->public);
        return mse_fail_memory(err);
    }
    *out = &f->public;
    return true;
}
