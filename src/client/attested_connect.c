/* SPDX-License-Identifier: Apache-2.0 */
/* mse_connect: handshake, question, verdict, and then the application's connection. */
#include <mse/connect.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>

#include "client/attest_client.h"
#include "client/connect.h"
#include "client/tls_attach.h"
#include "verdict/verdict.h"

#define DEFAULT_DEADLINE_MS 30000U
#define DEFAULT_PROTOCOL "http/1.1"

static bool is_address(const char *name)
{
    struct in6_addr room;

    return inet_pton(AF_INET, name, &room) == 1 || inet_pton(AF_INET6, name, &room) == 1;
}

static bool make_context(const struct mse_connect_options *o, SSL_CTX **out, struct mse_error *err)
{
    struct mse_tls_options options = { .verifier = o->verifier,
                                       .collateral = o->collateral,
                                       .policy = o->policy,
                                       .name = o->name,
                                       .profile = o->profile,
                                       .now = o->now,
                                       .arg = o->arg };

    *out = SSL_CTX_new(TLS_client_method());
    if (*out == NULL)
        return mse_fail_memory(err);
    /* The protocol of the application is named in the request: there is nothing to fall back to. */
    return mse_tls_attach_fresh(*out, &options, (struct mse_bytes){ NULL, 0 }, o->more, err) &&
           (SSL_CTX_set_min_proto_version(*out, TLS1_3_VERSION) == 1 || mse_fail_memory(err));
}

static bool is_level_3(const SSL *ssl)
{
    const struct mse_report *report = mse_tls_report(ssl);

    return mse_tls_proven(ssl) && report != NULL &&
           mse_report_level(report) == MSE_LEVEL_CONNECTION;
}

static bool ask_and_judge(SSL *ssl, const char *protocol, const struct mse_deadline *deadline,
                          struct mse_error *err)
{
    struct mse_attest_answer answer;
    bool ok;

    if (!mse_attest_ask(ssl, MSE_CSTR_BYTES(protocol), deadline, &answer, err))
        return false;
    answer.fresh.level = MSE_LEVEL_CONNECTION;
    ok = mse_tls_judge_fresh(ssl, &answer.fresh, err) &&
         (is_level_3(ssl) || mse_fail_text(err, MSE_ERR_POLICY, "peer", "is not as expected"));
    mse_attest_answer_cleanup(&answer);
    return ok;
}

static bool connect_on(int fd, const struct mse_connect_options *o, SSL_CTX *ctx, SSL **ssl,
                       struct mse_error *err)
{
    unsigned ms = o->deadline_ms > 0 ? o->deadline_ms : DEFAULT_DEADLINE_MS;
    struct mse_deadline deadline = mse_deadline_in(ms);
    const char *protocol = o->protocol != NULL ? o->protocol : DEFAULT_PROTOCOL;

    if (!mse_tls_connect_keep(ctx, fd, is_address(o->name) ? NULL : o->name, &deadline, ssl, err)) {
        /* What refused the peer in the handshake is no fault of the network. */
        if (*ssl != NULL && mse_tls_report(*ssl) != NULL)
            *err = (struct mse_error){ .code = MSE_ERR_POLICY,
                                       .field = "peer",
                                       .text = "is not as expected" };
        return false;
    }
    return ask_and_judge(*ssl, protocol, &deadline, err);
}

/* A peer that did not reach the level has no report that says yes. */
static struct mse_report *report_of(SSL *ssl, bool ok)
{
    struct mse_report *report = mse_tls_take_report(ssl);

    if (ok || report == NULL || !mse_verdict_is_positive(mse_report_verdict(report)))
        return report;
    mse_report_free(report);
    return NULL;
}

bool mse_connect(int fd, const struct mse_connect_options *options, SSL **ssl,
                 struct mse_report **report, struct mse_error *err)
{
    int flags = fcntl(fd, F_GETFL);
    SSL_CTX *ctx = NULL;
    bool ok;

    *ssl = NULL;
    if (report != NULL)
        *report = NULL;
    if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
        return mse_fail_errno(err, "socket", "cannot be used", errno);
    ok = make_context(options, &ctx, err) && connect_on(fd, options, ctx, ssl, err);
    if (fcntl(fd, F_SETFL, flags) == -1 && ok)
        ok = mse_fail_errno(err, "socket", "cannot be used", errno);
    if (report != NULL && *ssl != NULL)
        *report = report_of(*ssl, ok);
    if (!ok) {
        SSL_free(*ssl);
        *ssl = NULL;
    }
    SSL_CTX_free(ctx); /* the connection holds it as long as it needs it */
    return ok;
}
