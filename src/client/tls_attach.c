/* SPDX-License-Identifier: Apache-2.0 */
/* Verification inside the handshake: the callbacks of OpenSSL can only fail closed. */
#include <mse/tls.h>

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/bytes.h"
#include "verdict/verdict.h"

/* Certificates beyond this are an attack or a mistake; real ones with evidence have up to 25 KB. */
#define MAX_CERTIFICATE_MESSAGE (128L << 10)

struct attached {
    struct mse_tls_options options;
    char *name;
    char *profile;
};

static pthread_once_t indices_once = PTHREAD_ONCE_INIT;
static int context_index = -1, report_index = -1; /* set once, constant afterwards */

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

static void free_report(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    (void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
    mse_report_free(ptr);
}

/* A duplicate of an SSL has proven nothing yet, and two owners would free one report. */
static int drop_report(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **from_d, int idx,
                       long argl, void *argp)
{
    (void)to, (void)from, (void)idx, (void)argl, (void)argp;
    *from_d = NULL;
    return 1;
}

static void make_indices(void)
{
    context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_attached);
    report_index = SSL_get_ex_new_index(0, NULL, NULL, drop_report, free_report);
}

static bool positive(const struct mse_report *report)
{
    return report != NULL && mse_verdict_is_positive(mse_report_verdict(report));
}

static struct mse_report *judge(const struct attached *a, struct mse_bytes certificate,
                                const struct mse_collateral *collateral)
{
    const struct mse_tls_options *o = &a->options;
    struct mse_request request = {
        .certificate = certificate, .name = a->name, .profile = a->profile, .at = o->now(o->arg)
    };
    struct mse_report *report = NULL;
    struct mse_error err = { 0 };

    if (!mse_verify(o->verifier, collateral, o->policy, &request, &report, &err))
        return NULL;
    return report;
}

static struct mse_report *judge_twice(const struct attached *a, struct mse_bytes certificate)
{
    struct mse_report *report = judge(a, certificate, a->options.collateral);
    struct mse_collateral *more;
    struct mse_error err = { 0 };

    /* Only what could not be told for want of endorsements is worth asking for more. */
    if (report == NULL || mse_report_verdict(report) != MSE_VERDICT_UNKNOWN ||
        a->options.more == NULL)
        return report;
    more = a->options.more(a->options.arg, certificate);
    if (more == NULL)
        return report;
    if (mse_collateral_prepare(more, a->options.verifier, &err)) {
        mse_report_free(report);
        report = judge(a, certificate, more);
    }
    mse_collateral_free(more);
    return report;
}

/* SSL_CTX_set_cert_verify_callback: 1 accepts, anything else must not leave this function. */
static int verify_callback(X509_STORE_CTX *store, void *arg)
{
    const struct attached *a = arg;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    struct mse_report *report = NULL;
    unsigned char *der = NULL;
    int len = certificate != NULL ? i2d_X509(certificate, &der) : -1;

    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    if (ssl != NULL && len > 0) {
        mse_report_free(SSL_get_ex_data(ssl, report_index));
        (void)SSL_set_ex_data(ssl, report_index, NULL);
        report = judge_twice(a, (struct mse_bytes){ der, (size_t)len });
    }
    OPENSSL_free(der);
    if (report == NULL)
        return 0;
    if (SSL_set_ex_data(ssl, report_index, report) != 1) {
        mse_report_free(report);
        return 0;
    }
    if (!positive(report))
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
    const struct mse_report *report;

    (void)value;
    if ((where & SSL_CB_HANDSHAKE_START) != 0 && SSL_in_before(ssl)) {
        /* An SSL that is used again starts without what was found before. */
        mse_report_free(SSL_get_ex_data(ssl, report_index));
        (void)SSL_set_ex_data((SSL *)(uintptr_t)ssl, report_index, NULL);
    }
    if ((where & SSL_CB_HANDSHAKE_DONE) == 0)
        return;
    report = SSL_get_ex_data(ssl, report_index);
    if (SSL_session_reused(ssl) || !positive(report))
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

    if (pthread_once(&indices_once, make_indices) != 0 || context_index == -1 || report_index == -1)
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

bool mse_tls_proven(const SSL *ssl)
{
    return report_index != -1 && SSL_is_init_finished(ssl) && !SSL_session_reused(ssl) &&
           positive(SSL_get_ex_data(ssl, report_index));
}

const struct mse_report *mse_tls_report(const SSL *ssl)
{
    const struct mse_report *report = report_index != -1 ? SSL_get_ex_data(ssl, report_index)
                                                         : NULL;

    /* A certificate is shown before its key is proven: anybody can replay a public one. */
    return positive(report) && !mse_tls_proven(ssl) ? NULL : report;
}
