/* SPDX-License-Identifier: Apache-2.0 */
/* Polling of the health endpoint with a pinned certificate. */
#include "client/ready.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "client/http_exchange.h"
#include "crypto/hash.h"

#define PAUSE_MS 250
#define ATTEMPT_MS 10000

struct pinned {
    const struct mse_ready_options *options;
    bool other; /* another certificate was shown */
};

/* The certificate was verified before; nothing but these very bytes will do. */
static int check_pin(X509_STORE_CTX *store, void *arg)
{
    struct pinned *pinned = arg;
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    unsigned char *der = NULL;
    int len = certificate != NULL ? i2d_X509(certificate, &der) : -1;
    uint8_t digest[32];

    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    if (len <= 0)
        return 0;
    mse_sha256((struct mse_bytes){ der, (size_t)len }, digest);
    OPENSSL_free(der);
    for (size_t i = 0; i < pinned->options->pin_count; i++) {
        if (memcmp(digest, pinned->options->pins[i], sizeof(digest)) == 0) {
            X509_STORE_CTX_set_error(store, X509_V_OK);
            return 1;
        }
    }
    pinned->other = true;
    return 0;
}

static SSL_CTX *make_context(struct pinned *pinned)
{
    static const unsigned char http[] = "\x08http/1.1";
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, check_pin, pinned);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_max_cert_list(ctx, 128L << 10);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(ctx, "DEFAULT:!aNULL:!eNULL:!PSK:!SRP") == 1 &&
        SSL_CTX_set_alpn_protos(ctx, http, sizeof(http) - 1) == 0)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

static bool judge(const struct mse_exchange_reply *reply, struct mse_error *err)
{
    struct mse_bytes status;

    if (!mse_exchange_field(reply, "Mse-Status", &status, err))
        return false;
    if (status.data != NULL)
        return mse_fail_text(err, MSE_ERR_HTTP, "app", "the runtime answers, not yet the app");
    return (reply->status >= 200 && reply->status <= 299) ||
           mse_fail_text(err, MSE_ERR_HTTP, "app", "its health endpoint answers with status %u",
                         reply->status);
}

static bool ask(SSL *ssl, const struct mse_ready_options *options,
                const struct mse_deadline *deadline, struct mse_error *err)
{
    MSE_CLEANUP(mse_exchange_reply_cleanup) struct mse_exchange_reply reply = { 0 };
    struct mse_exchange_request request = { .method = "GET",
                                            .path = options->path,
                                            .host = options->host,
                                            .fields = "Connection: close\r\n" };

    return mse_exchange(ssl, &request, true, deadline, &reply, err) && judge(&reply, err);
}

static bool attempt(SSL_CTX *ctx, const struct mse_ready_options *options,
                    const struct mse_deadline *deadline, struct mse_error *err)
{
    SSL *ssl = NULL;
    int fd = -1;
    bool ok;

    if (!mse_tcp_connect(options->to, options->proxy, deadline, &fd, err))
        return false;
    ok = mse_tls_connect(ctx, fd, options->sni, deadline, &ssl, err) &&
         ask(ssl, options, deadline, err);
    SSL_free(ssl);
    (void)close(fd);
    return ok;
}

static bool poll_app(SSL_CTX *ctx, const struct pinned *pinned, const struct mse_deadline *deadline,
                     struct mse_error *err)
{
    char last[512] = "nothing";

    for (;;) {
        struct mse_error failed = { 0 };
        struct mse_deadline end = mse_deadline_in(ATTEMPT_MS);

        if (end.at_ms > deadline->at_ms)
            end = *deadline;
        if (attempt(ctx, pinned->options, &end, &failed))
            return true;
        if (pinned->other)
            return mse_fail_text(err, MSE_ERR_MISMATCH, "app",
                                 "another certificate than the verified one is shown now");
        if (mse_deadline_left(deadline) == 0)
            return mse_fail_text(err, MSE_ERR_TIMEOUT, "app",
                                 "it is configured, but not ready in time: %s", last);
        (void)mse_error_describe(&failed, last, sizeof(last));
        (void)poll(NULL, 0, PAUSE_MS);
    }
}

bool mse_ready_wait(const struct mse_ready_options *options, const struct mse_deadline *deadline,
                    struct mse_error *err)
{
    struct pinned pinned = { .options = options };
    SSL_CTX *ctx = make_context(&pinned);
    bool ok;

    if (ctx == NULL)
        return mse_fail_memory(err);
    ok = poll_app(ctx, &pinned, deadline, err);
    SSL_CTX_free(ctx);
    return ok;
}
