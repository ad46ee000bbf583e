/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP module, loaded as the program loads it, against a server in a thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/fetch_load.h"
#include "test_vendor.h"

#define CAP 10000
#define DEADLINE_MS 3000

/* ---- server ------------------------------------------------------------------------------- */

struct server {
    int listener;
    unsigned port;
    SSL_CTX *tls; /* NULL: plain */
    pthread_t thread;
    pthread_mutex_t lock;
    char last[4096]; /* request as received */
    unsigned count;
};

struct peer {
    int fd;
    SSL *tls;
};

static ssize_t peer_read(struct peer *p, char *out, size_t len)
{
    return p->tls != NULL ? SSL_read(p->tls, out, (int)len) : read(p->fd, out, len);
}

static bool peer_write(struct peer *p, const char *data, size_t len)
{
    ssize_t n = p->tls != NULL ? SSL_write(p->tls, data, (int)len)
                               : send(p->fd, data, len, MSG_NOSIGNAL);

    return n == (ssize_t)len;
}

static void say(struct peer *p, const char *text)
{
    (void)peer_write(p, text, strlen(text));
}

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n"

static void redirect(struct peer *p, const char *to)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "HTTP/1.1 302 Found\r\nConnection: close\r\nX-Old: yes\r\nContent-Length: 0\r\n"
                   "Location: %s\r\n\r\n",
                   to);
    say(p, text);
}

static void endless(struct peer *p, const char *head, const char *line)
{
    say(p, head);
    for (int i = 0; i < 1000000; i++) {
        if (!peer_write(p, line, strlen(line)))
            return;
    }
}

static void answer(struct peer *p, const char *path, unsigned nth, unsigned other_port)
{
    char to[64];

    if (strcmp(path, "/ok") == 0 || (strcmp(path, "/busy") == 0 && nth > 1)) {
        say(p, OK "X-One:  two words \r\nSET-Cookie: a=b\r\nContent-Length: 5\r\n\r\nhello");
    } else if (strcmp(path, "/empty") == 0) {
        say(p, OK "Content-Length: 0\r\n\r\n");
    } else if (strcmp(path, "/busy") == 0 || strcmp(path, "/always-busy") == 0) {
        say(p, "HTTP/1.1 429 Busy\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 4\r\n"
               "\r\nbusy");
    } else if (strcmp(path, "/busy-long") == 0) {
        say(p, "HTTP/1.1 503 Busy\r\nConnection: close\r\nRetry-After: 999\r\n"
               "Content-Length: 0\r\n\r\n");
    } else if (strcmp(path, "/large") == 0) {
        say(p, OK "Content-Length: 10001\r\n\r\n");
    } else if (strcmp(path, "/exact") == 0) {
        say(p, OK "Content-Length: 10000\r\n\r\n");
        for (int i = 0; i < 1000; i++)
            say(p, "0123456789");
    } else if (strcmp(path, "/endless") == 0) {
        endless(p, OK "\r\n", "0123456789abcdef");
    } else if (strcmp(path, "/headers") == 0) {
        endless(p, OK, "X: y\r\n");
    } else if (strcmp(path, "/cut") == 0) {
        say(p, OK "Content-Length: 100\r\n\r\nhello");
    } else if (strncmp(path, "/hop", 4) == 0) {
        /* /hop3 leads to /hop2 and so on to /ok */
        (void)snprintf(to, sizeof(to), path[4] > '1' ? "/hop%c" : "/ok", path[4] - 1);
        redirect(p, to);
    } else if (strcmp(path, "/to-file") == 0) {
        redirect(p, "file:///etc/passwd");
    } else if (strcmp(path, "/to-other") == 0) {
        (void)snprintf(to, sizeof(to), "http://127.0.0.1:%u/ok", other_port);
        redirect(p, to);
    } else if (strcmp(path, "/silent") == 0) {
        struct pollfd until_gone = { p->fd, POLLRDHUP, 0 };

        (void)poll(&until_gone, 1, 10000);
    } else {
        say(p, "HTTP/1.1 404 No\r\nConnection: close\r\nContent-Length: 4\r\n\r\nnone");
    }
}

static struct server plain = { .listener = -1 };
static struct server secure = { .listener = -1 };

static bool read_request(struct peer *p, char *out, size_t room)
{
    size_t len = 0;

    while (len + 1 < room) {
        ssize_t n = peer_read(p, out + len, room - len - 1);

        if (n <= 0)
            return false;
        len += (size_t)n;
        out[len] = '\0';
        if (strstr(out, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static void serve_one(struct server *s, struct peer *p)
{
    char request[4096] = "";
    char path[256] = "";
    unsigned nth;

    if (!read_request(p, request, sizeof(request)) ||
        sscanf(request, "GET %255s HTTP/1.1", path) != 1)
        return;
    pthread_mutex_lock(&s->lock);
    nth = ++s->count;
    memcpy(s->last, request, sizeof(request));
    pthread_mutex_unlock(&s->lock);
    answer(p, path, nth, plain.port);
}

static void *serve(void *arg)
{
    struct server *s = arg;

    for (;;) {
        struct peer p = { accept(s->listener, NULL, NULL), NULL };

        if (p.fd == -1)
            return NULL;
        if (s->tls != NULL) {
            p.tls = SSL_new(s->tls);
            SSL_set_fd(p.tls, p.fd);
        }
        if (p.tls == NULL || SSL_accept(p.tls) == 1)
            serve_one(s, &p);
        if (p.tls != NULL)
            (void)SSL_shutdown(p.tls);
        SSL_free(p.tls);
        (void)shutdown(p.fd, SHUT_WR);
        close(p.fd);
    }
}

static bool start(struct server *s)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(addr);

    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener == -1 || bind(s->listener, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        listen(s->listener, 8) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&addr, &len) != 0)
        return false;
    s->port = ntohs(addr.sin_port);
    return pthread_mutex_init(&s->lock, NULL) == 0 &&
           pthread_create(&s->thread, NULL, serve, s) == 0;
}

static void end(struct server *s)
{
    (void)shutdown(s->listener, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    close(s->listener);
    SSL_CTX_free(s->tls);
}

/* ---- fixture ------------------------------------------------------------------------------ */

static struct mse_fetch_module *module;
static char ca_file[] = "/tmp/mse-test-ca-XXXXXX";

static SSL_CTX *new_tls(void)
{
    static const uint8_t san[] = { 0x30, 0x06, 0x87, 0x04, 127, 0, 0, 1 };
    EVP_PKEY *key = test_key_p256();
    struct test_cert cert = {
        .subject = "server",
        .issuer = "server",
        .key = key,
        .issuer_key = key,
        .path_len = TEST_NO_PATH_LEN,
        .extensions = { { "2.5.29.17", san, sizeof(san), false } },
        .not_after = 4102444800, /* 2100: libcurl reads the clock */
    };
    struct test_blob der = test_cert_make(&cert);
    struct vendor_text pem = vendor_pem("CERTIFICATE", test_bytes(&der));
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    int fd = mkstemp(ca_file);

    assert_int_equal(write(fd, pem.data, pem.len), (ssize_t)pem.len);
    close(fd);
    assert_int_equal(SSL_CTX_use_certificate_ASN1(ctx, (int)der.len, der.data), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    EVP_PKEY_free(key);
    test_blob_free(&der);
    vendor_text_free(&pem);
    return ctx;
}

static int set_up(void **state)
{
    struct mse_curl_options options = { .deadline_ms = DEADLINE_MS, .ca_file = ca_file };
    struct mse_error err = { 0 };

    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    /* libcurl would ask a proxy of the environment for 127.0.0.1 too. */
    (void)setenv("no_proxy", "127.0.0.1", 1);
    secure.tls = new_tls();
    return start(&plain) && start(&secure) &&
                   mse_fetch_load(MSE_FETCH_MODULE, &options, &module, &err)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    mse_fetch_unload(module);
    end(&plain);
    end(&secure);
    return unlink(ca_file);
}

static bool get(const struct server *s, const char *path, struct mse_http_reply *out,
                struct mse_error *err)
{
    const struct mse_fetcher *fetcher = mse_fetch_module_fetcher(module);
    char url[128];

    plain.count = 0;
    secure.count = 0;
    *err = (struct mse_error){ 0 };
    (void)snprintf(url, sizeof(url), "%s://127.0.0.1:%u%s", s->tls != NULL ? "https" : "http",
                   s->port, path);
    return fetcher->get(fetcher->arg, url, CAP, out, err);
}

static void expect_reply(const struct server *s, const char *path, long status, const char *body)
{
    struct mse_http_reply reply;
    struct mse_error err;
    char text[512];

    if (!get(s, path, &reply, &err))
        fail_msg("%s: %s", path, mse_error_describe(&err, text, sizeof(text)));
    assert_int_equal(reply.status, status);
    assert_int_equal(reply.body_len, strlen(body));
    assert_memory_equal(reply.body, body, reply.body_len);
    mse_http_reply_cleanup(&reply);
}

static void expect_failure(const struct server *s, const char *path, enum mse_err_code want)
{
    struct mse_http_reply reply = { .status = 1 };
    struct mse_error err;
    char text[512];

    assert_false(get(s, path, &reply, &err));
    if (err.code != want)
        fail_msg("%s: wanted %s: %s", path, mse_err_name(want),
                 mse_error_describe(&err, text, sizeof(text)));
    assert_null(reply.body);
    assert_null(reply.headers);
    assert_int_equal(reply.status, 0);
}

/* ---- tests -------------------------------------------------------------------------------- */

static void a_reply_has_status_headers_and_body(void **state)
{
    struct mse_http_reply reply;
    struct mse_error err;

    (void)state;
    assert_true(get(&plain, "/ok", &reply, &err));
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_len, 5);
    assert_memory_equal(reply.body, "hello", 5);
    assert_string_equal(mse_http_reply_header(&reply, "x-one"), "two words");
    assert_string_equal(reply.headers[1].name, "x-one");
    assert_null(mse_http_reply_header(&reply, "x-two"));
    mse_http_reply_cleanup(&reply);
    expect_reply(&plain, "/missing", 404, "none");
}

static void a_request_says_who_asks_and_keeps_no_cookies(void **state)
{
    (void)state;
    expect_reply(&plain, "/ok", 200, "hello");
    expect_reply(&plain, "/ok", 200, "hello");
    assert_non_null(strstr(plain.last, "\r\nUser-Agent: mse/" MSE_VERSION "\r\n"));
    assert_null(strstr(plain.last, "Cookie"));
    assert_null(strstr(plain.last, "Accept-Encoding")); /* nothing to be unpacked */
}

static void three_redirects_are_followed_and_no_fourth(void **state)
{
    struct mse_http_reply reply;
    struct mse_error err;

    (void)state;
    assert_true(get(&plain, "/hop3", &reply, &err));
    assert_int_equal(reply.status, 200);
    assert_null(mse_http_reply_header(&reply, "x-old")); /* of an earlier answer */
    mse_http_reply_cleanup(&reply);
    expect_failure(&plain, "/hop4", MSE_ERR_HTTP);
}

static void redirects_lead_to_http_only_and_never_out_of_https(void **state)
{
    (void)state;
    expect_reply(&secure, "/ok", 200, "hello");
    expect_reply(&secure, "/hop2", 200, "hello");
    expect_reply(&plain, "/to-other", 200, "hello");
    expect_failure(&secure, "/to-other", MSE_ERR_NETWORK);
    assert_int_equal(plain.count, 0);
    expect_failure(&plain, "/to-file", MSE_ERR_NETWORK);
}

static void a_certificate_nobody_vouches_for_is_a_tls_failure(void **state)
{
    struct mse_curl_options options = { .deadline_ms = DEADLINE_MS };
    struct mse_fetch_module *mine = module;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_fetch_load(MSE_FETCH_MODULE, &options, &module, &err));
    expect_failure(&secure, "/ok", MSE_ERR_TLS);
    mse_fetch_unload(module);
    module = mine;
}

static void body_and_headers_have_a_limit(void **state)
{
    struct mse_http_reply reply;
    struct mse_error err;

    (void)state;
    assert_true(get(&plain, "/exact", &reply, &err));
    assert_int_equal(reply.body_len, CAP);
    mse_http_reply_cleanup(&reply);
    expect_reply(&plain, "/empty", 200, "");
    expect_failure(&plain, "/large", MSE_ERR_LIMIT);
    expect_failure(&plain, "/endless", MSE_ERR_LIMIT);
    expect_failure(&plain, "/headers", MSE_ERR_LIMIT);
    expect_failure(&plain, "/cut", MSE_ERR_NETWORK);
}

static void a_busy_service_is_asked_again_when_it_says(void **state)
{
    (void)state;
    expect_reply(&plain, "/busy", 200, "hello");
    assert_int_equal(plain.count, 2);
    expect_reply(&plain, "/always-busy", 429, "busy");
    assert_int_equal(plain.count, 3);
    expect_reply(&plain, "/busy-long", 503, ""); /* past the deadline */
    assert_int_equal(plain.count, 1);
}

static void a_silent_service_runs_into_the_deadline(void **state)
{
    struct timespec from;
    struct timespec until;

    (void)state;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    expect_failure(&plain, "/silent", MSE_ERR_TIMEOUT);
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    assert_in_range(until.tv_sec - from.tv_sec, DEADLINE_MS / 1000 - 1, DEADLINE_MS / 1000 + 3);
}

static void only_http_urls_are_taken(void **state)
{
    static const struct {
        const char *url;
        enum mse_err_code want;
    } cases[] = {
        { "file:///etc/passwd", MSE_ERR_USAGE },
        { "ftp://127.0.0.1/", MSE_ERR_USAGE },
        { "127.0.0.1", MSE_ERR_USAGE },
        { "", MSE_ERR_USAGE },
        { "http://", MSE_ERR_USAGE },
        { "http://name:word@127.0.0.1/", MSE_ERR_NETWORK },
        { "http://127.0.0.1:1/", MSE_ERR_NETWORK }, /* nobody there */
    };
    const struct mse_fetcher *fetcher = mse_fetch_module_fetcher(module);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_http_reply reply;
        struct mse_error err = { 0 };

        assert_false(fetcher->get(fetcher->arg, cases[i].url, CAP, &reply, &err));
        assert_int_equal(err.code, cases[i].want);
    }
}

static void a_module_that_does_not_fit_is_refused(void **state)
{
    struct mse_curl_options options = { 0 };
    struct mse_fetch_module *other = module;
    struct mse_error err = { 0 };

    (void)state;
    assert_false(mse_fetch_load("/nonexistent/libmse-fetch.so", &options, &other, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_null(other);
    err = (struct mse_error){ 0 };
    assert_false(mse_fetch_load("libmse-fetch.so", &options, &other, &err));
    assert_int_equal(err.code, MSE_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_has_status_headers_and_body),
        cmocka_unit_test(a_request_says_who_asks_and_keeps_no_cookies),
        cmocka_unit_test(three_redirects_are_followed_and_no_fourth),
        cmocka_unit_test(redirects_lead_to_http_only_and_never_out_of_https),
        cmocka_unit_test(a_certificate_nobody_vouches_for_is_a_tls_failure),
        cmocka_unit_test(body_and_headers_have_a_limit),
        cmocka_unit_test(a_busy_service_is_asked_again_when_it_says),
        cmocka_unit_test(a_silent_service_runs_into_the_deadline),
        cmocka_unit_test(only_http_urls_are_taken),
        cmocka_unit_test(a_module_that_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
