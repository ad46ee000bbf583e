/* SPDX-License-Identifier: Apache-2.0 */
/* Verification inside the handshake: the callbacks of OpenSSL can only fail closed. */
#include "client/tls_attach.h"

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "attest/leaf.h"
#include "client/attest_client.h"
#include "verdict/policy.h"
#include "verdict/verdict.h"

/* Certificates beyond this are an attack or a mistake; real ones with evidence have up to 25 KB. */
#define MAX_CERTIFICATE_MESSAGE (128L << 10)

struct attached {
    struct mse_tls_options options;
    char *name;
    char *profile;
    bool fresh; /* fresh evidence may follow the handshake */
    mse_fresh_collateral *more;
    struct mse_policy in_handshake; /* options.policy without what only fresh evidence can tell */
};

/* What was found about the peer of one connection. */
struct found {
    struct mse_report *report;
    bool pending; /* fresh evidence has to follow; nothing is proven before */
};

static pthread_once_t indices_once = PTHREAD_ONCE_INIT;
static int context_index = -1, found_index = -1; /* set once, constant afterwards */

static void free_attached(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
                          void *argp)
{
    struct attached *a = ptr;

    (void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
    if (a == NULL)
        return;
    free(a->name);
    free(a->profile);
    free(a);
}

static void free_found(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    struct found *f = ptr;

    (void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
    if (f == NULL)
        return;
    mse_report_free(f->report);
    free(f);
}

/* A duplicate of an SSL has proven nothing yet, and two owners would free one report. */
static int drop_found(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **from_d, int idx,
                      long argl, void *argp)
{
    (void)to, (void)from, (void)idx, (void)argl, (void)argp;
    *from_d = NULL;
    return 1;
}

static void make_indices(void)
{
    context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_attached);
    found_index = SSL_get_ex_new_index(0, NULL, NULL, drop_found, free_found);
}

static struct found *found_of(const SSL *ssl)
{
    return found_index != -1 ? SSL_get_ex_data(ssl, found_index) : NULL;
}

static void forget(SSL *ssl)
{
    free_found(NULL, found_of(ssl), NULL, 0, 0, NULL);
    (void)SSL_set_ex_data(ssl, found_index, NULL);
}

/* Takes the report over. */
static bool keep(SSL *ssl, struct mse_report *report, bool pending)
{
    struct found *f = calloc(1, sizeof(*f));

    forget(ssl);
    if (f == NULL || SSL_set_ex_data(ssl, found_index, f) != 1) {
        free(f);
        mse_report_free(report);
        return false;
    }
    *f = (struct found){ report, pending };
    return true;
}

static bool positive(const struct mse_report *report)
{
    return report != NULL && mse_verdict_is_positive(mse_report_verdict(report));
}

/* What is judged: in the handshake the certificate, afterwards the same with fresh evidence. */
struct question {
    const struct attached *a;
    struct mse_bytes certificate;
    const struct mse_policy *policy;
    const struct mse_fresh *fresh;
};

static struct mse_report *judge(const struct question *q, const struct mse_collateral *collateral,
                                struct mse_error *err)
{
    const struct mse_tls_options *o = &q->a->options;
    struct mse_request request = { .certificate = q->certificate,
                                   .name = q->a->name,
                                   .profile = q->a->profile,
                                   .at = o->now(o->arg),
                                   .fresh = q->fresh };
    struct mse_report *report = NULL;

    if (!mse_verify(o->verifier, collateral, q->policy, &request, &report, err))
        return NULL;
    return report;
}

static struct mse_collateral *ask_for_more(const struct question *q)
{
    const struct mse_tls_options *o = &q->a->options;
    struct mse_bytes evidence = { NULL, 0 };

    if (q->fresh != NULL)
        evidence = mse_attest_evidence(q->fresh->reply);
    if (q->a->more != NULL)
        return q->a->more(o->arg, q->certificate, evidence);
    return o->more != NULL && q->fresh == NULL ? o->more(o->arg, q->certificate) : NULL;
}

static struct mse_report *judge_twice(const struct question *q, struct mse_error *err)
{
    struct mse_report *report = judge(q, q->a->options.collateral, err);
    struct mse_collateral *more;
    struct mse_error ignored = { 0 };

    /* Only what could not be told for want of endorsements is worth asking for more. */
    if (report == NULL || mse_report_verdict(report) != MSE_VERDICT_UNKNOWN)
        return report;
    more = ask_for_more(q);
    if (more == NULL)
        return report;
    if (mse_collateral_prepare(more, q->a->options.verifier, &ignored)) {
        mse_report_free(report);
        report = judge(q, more, err);
    }
    mse_collateral_free(more);
    return report;
}

/* TLS 1.3 tells the protocol before the certificate; in TLS 1.2 it is not known yet, and fresh
 * evidence is not to be had. */
static bool fresh_follows(const struct attached *a, const SSL *ssl)
{
    return a->fresh && SSL_version(ssl) == TLS1_3_VERSION && mse_attest_is_offered(ssl);
}

/* A certificate without evidence fails in the handshake, and is good enough to ask on. */
static bool lacks_evidence(const struct mse_report *report)
{
    return mse_report_code(report, MSE_CHECK_EVIDENCE) == MSE_ERR_NO_EVIDENCE &&
           mse_report_outcome(report, MSE_CHECK_NAME) == MSE_OUTCOME_PASSED;
}

/* SSL_CTX_set_cert_verify_callback: 1 accepts, anything else must not leave this function. */
static int verify_callback(X509_STORE_CTX *store, void *arg)
{
    const struct attached *a = arg;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    struct mse_report *report = NULL;
    struct mse_error err = { 0 };
    unsigned char *der = NULL;
    int len = certificate != NULL ? i2d_X509(certificate, &der) : -1;
    bool pending = false, goes_on;

    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    if (ssl != NULL && len > 0) {
        struct question q = { a, { der, (size_t)len }, a->options.policy, NULL };

        forget(ssl);
        pending = fresh_follows(a, ssl);
        if (pending)
            q.policy = &a->in_handshake;
        report = judge_twice(&q, &err);
    }
    OPENSSL_free(der);
    if (report == NULL)
        return 0;
    goes_on = positive(report) || (pending && lacks_evidence(report));
    if (!keep(ssl, report, pending && goes_on) || !goes_on)
        return 0;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/*
 * A handshake without certificate (resumption with a session somebody set, an external PSK) never
 * calls the above. Such a connection is shut in both directions before it can carry a byte.
 */
static void info_callback(const SSL *ssl, int where, int value)
{
    const struct found *f;

    (void)value;
    if ((where & SSL_CB_HANDSHAKE_START) != 0 && SSL_in_before(ssl))
        /* An SSL that is used again starts without what was found before. */
        forget((SSL *)(uintptr_t)ssl);
    if ((where & SSL_CB_HANDSHAKE_DONE) == 0)
        return;
    f = found_of(ssl);
    if (SSL_session_reused(ssl) || f == NULL || !(f->pending || positive(f->report)))
        SSL_set_shutdown((SSL *)(uintptr_t)ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

static char *copy_text(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

bool mse_tls_client_attach(SSL_CTX *ctx, const struct mse_tls_options *options,
                           struct mse_error *err)
{
    struct attached *a;

    if (pthread_once(&indices_once, make_indices) != 0 || context_index == -1 || found_index == -1)
        return mse_fail_memory(err);
    if (options->verifier == NULL || options->policy == NULL || options->now == NULL ||
        options->name == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "mse_tls_options",
                             "verifier, policy, name and clock are mandatory");
    if (!mse_policy_expects_somebody(options->policy))
        return mse_fail_text(err, MSE_ERR_USAGE, "policy", "expects nobody");
    if (SSL_CTX_get_ex_data(ctx, context_index) != NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "SSL_CTX", "is attached already");
    a = calloc(1, sizeof(*a));
    if (a == NULL)
        return mse_fail_memory(err);
    a->options = *options;
    a->name = copy_text(options->name);
    a->profile = copy_text(options->profile);
    if (a->name == NULL || (options->profile != NULL && a->profile == NULL) ||
        SSL_CTX_set_ex_data(ctx, context_index, a) != 1) {
        free_attached(NULL, a, NULL, 0, 0, NULL);
        return mse_fail_memory(err);
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, verify_callback, a);
    SSL_CTX_set_info_callback(ctx, info_callback);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_max_cert_list(ctx, MAX_CERTIFICATE_MESSAGE);
    /* Attested keys may be RSA-3072 or P-384; anonymous and pre-shared key suites have no
     * certificate to look at. */
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, "DEFAULT:!aNULL:!eNULL:!PSK:!SRP") != 1)
        return mse_fail_text(err, MSE_ERR_CRYPTO, "SSL_CTX", "cannot be set up");
    return true;
}

/* "h2" as it stands in the extension: a length and the name. */
static bool offer(SSL_CTX *ctx, struct mse_bytes others, struct mse_error *err)
{
    struct mse_writer w = { 0 };
    bool ok;

    mse_write_u8(&w, (uint8_t)strlen(MSE_ATTEST_ALPN));
    mse_write_text(&w, MSE_ATTEST_ALPN);
    mse_write_bytes(&w, others.data, others.len);
    ok = mse_writer_ok(&w) && SSL_CTX_set_alpn_protos(ctx, w.data, (unsigned)w.len) == 0;
    mse_writer_cleanup(&w);
    return ok || mse_fail_memory(err);
}

bool mse_tls_attach_fresh(SSL_CTX *ctx, const struct mse_tls_options *options,
                          struct mse_bytes others, mse_fresh_collateral *more,
                          struct mse_error *err)
{
    struct attached *a;

    if (!mse_tls_client_attach(ctx, options, err) || !offer(ctx, others, err))
        return false;
    a = SSL_CTX_get_ex_data(ctx, context_index);
    a->fresh = true;
    a->more = more;
    a->in_handshake = *options->policy; /* borrows its lists */
    a->in_handshake.min_level = MSE_NOT_SET;
    a->in_handshake.max_age = MSE_NOT_SET;
    return true;
}

static bool finished(const SSL *ssl)
{
    return SSL_is_init_finished(ssl) && !SSL_session_reused(ssl);
}

bool mse_tls_wants_fresh(const SSL *ssl)
{
    const struct found *f = found_of(ssl);

    return f != NULL && f->pending && finished(ssl);
}

bool mse_tls_judge_fresh(SSL *ssl, const struct mse_fresh *fresh, struct mse_error *err)
{
    const struct attached *a = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index);
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    struct mse_report *report = NULL;
    unsigned char *der = NULL;
    int len;

    if (a == NULL || certificate == NULL || !mse_tls_wants_fresh(ssl))
        return mse_fail_text(err, MSE_ERR_USAGE, "connection", "waits for no fresh evidence");
    len = i2d_X509(certificate, &der);
    if (len > 0) {
        struct question q = { a, { der, (size_t)len }, a->options.policy, fresh };

        report = judge_twice(&q, err);
    }
    OPENSSL_free(der);
    if (report == NULL) {
        forget(ssl);
        return mse_fail_memory(err);
    }
    return keep(ssl, report, false) || mse_fail_memory(err);
}

bool mse_tls_proven(const SSL *ssl)
{
    const struct found *f = found_of(ssl);

    return f != NULL && finished(ssl) && !f->pending && positive(f->report);
}

const struct mse_report *mse_tls_report(const SSL *ssl)
{
    const struct found *f = found_of(ssl);

    if (f == NULL || f->pending)
        return NULL;
    /* A certificate is shown before its key is proven: anybody can replay a public one. */
    return positive(f->report) && !mse_tls_proven(ssl) ? NULL : f->report;
}

struct mse_report *mse_tls_take_report(SSL *ssl)
{
    struct found *f = found_of(ssl);
    struct mse_report *report = NULL;

    if (f == NULL || mse_tls_report(ssl) == NULL)
        return NULL;
    report = f->report;
    f->report = NULL;
    return report;
}
