/* SPDX-License-Identifier: Apache-2.0 */
/* TLS handshake on a non-blocking socket, with errors that say what the peer did. */
#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "client/connect.h"
#include "client/tls_guard.h"

static const char *explain(unsigned long code)
{
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return NULL;
    switch (ERR_GET_REASON(code)) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
        return "the peer does not speak TLS (plain HTTP?)";
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
        return "the peer's certificate message is larger than this program takes";
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return "the peer closed the connection";
    case SSL_R_BAD_SIGNATURE:
        return "the peer does not hold the key of the certificate that it presented";
    case SSL_R_TLSV1_UNRECOGNIZED_NAME:
        return "the peer does not know this name (alert unrecognized_name)";
    case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
        return "the peer speaks none of the protocols that were offered";
    default:
        return NULL;
    }
}

static long watch_read(BIO *bio, int operation, const char *data, size_t len, int argi, long argl,
                       int ret, size_t *processed)
{
    struct mse_tls_guard *g = (struct mse_tls_guard *)(void *)BIO_get_callback_arg(bio);

    (void)data, (void)len, (void)argi, (void)argl;
    if (operation != (BIO_CB_READ | BIO_CB_RETURN) || ret <= 0)
        return ret;
    g->bytes += processed != NULL ? *processed : 0;
    if (g->bytes > MSE_TLS_GUARD_BYTES || mse_deadline_left(g->deadline) == 0)
        g->exceeded = true;
    return g->exceeded ? -1 : ret;
}

void mse_tls_guard_start(struct mse_tls_guard *guard, SSL *ssl, const struct mse_deadline *deadline)
{
    *guard = (struct mse_tls_guard){ .deadline = deadline };
    BIO_set_callback_ex(SSL_get_rbio(ssl), watch_read);
    BIO_set_callback_arg(SSL_get_rbio(ssl), (char *)guard);
    ERR_clear_error();
    errno = 0;
}

void mse_tls_guard_stop(SSL *ssl)
{
    BIO_set_callback_ex(SSL_get_rbio(ssl), NULL);
    BIO_set_callback_arg(SSL_get_rbio(ssl), NULL);
}

static bool tls_failed(int ssl_error, const char *what, struct mse_error *err)
{
    unsigned long code = ERR_peek_last_error();
    const char *known = explain(code);
    char text[256];

    if (known != NULL)
        (void)mse_fail_text(
            err, ERR_GET_REASON(code) == SSL_R_BAD_SIGNATURE ? MSE_ERR_BINDING : MSE_ERR_TLS, what,
            "%s", known);
    else if (ssl_error == SSL_ERROR_ZERO_RETURN)
        (void)mse_fail_text(err, MSE_ERR_TLS, what, "the peer closed the connection");
    else if (ssl_error == SSL_ERROR_SYSCALL)
        (void)mse_fail_text(err, MSE_ERR_TLS, what, "%s",
                            errno != 0 ? strerror(errno) : "the peer closed the connection");
    else {
        ERR_error_string_n(code, text, sizeof(text));
        (void)mse_fail_text(err, MSE_ERR_TLS, what, "%s", text);
    }
    ERR_clear_error();
    return false;
}

bool mse_tls_guard_wait(const struct mse_tls_guard *guard, SSL *ssl, int n, const char *what,
                        struct mse_error *err)
{
    int why = SSL_get_error(ssl, n);
    int left = mse_deadline_left(guard->deadline);
    struct pollfd p = { SSL_get_fd(ssl), why == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN, 0 };

    if (guard->exceeded && left > 0)
        return mse_fail_text(err, MSE_ERR_TLS, what, "the peer sends without end");
    if (!guard->exceeded && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        return tls_failed(why, what, err);
    n = left > 0 ? poll(&p, 1, left) : 0;
    if (n == 0)
        return mse_fail_text(err, MSE_ERR_TIMEOUT, what, "timed out");
    if (n < 0 && errno != EINTR)
        return mse_fail_text(err, MSE_ERR_NETWORK, what, "%s", strerror(errno));
    ERR_clear_error();
    errno = 0;
    return true;
}

bool mse_tls_connect_keep(SSL_CTX *ctx, int fd, const char *sni,
                          const struct mse_deadline *deadline, SSL **out, struct mse_error *err)
{
    struct mse_tls_guard guard;
    SSL *ssl = SSL_new(ctx);
    bool ok = true;
    int n;

    *out = NULL;
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
        (sni != NULL && SSL_set_tlsext_host_name(ssl, sni) != 1)) {
        SSL_free(ssl);
        return mse_fail_memory(err);
    }
    mse_tls_guard_start(&guard, ssl, deadline);
    while (ok && (n = SSL_connect(ssl)) != 1)
        ok = mse_tls_guard_wait(&guard, ssl, n, "handshake", err);
    mse_tls_guard_stop(ssl);
    *out = ssl;
    return ok;
}

bool mse_tls_connect(SSL_CTX *ctx, int fd, const char *sni, const struct mse_deadline *deadline,
                     SSL **out, struct mse_error *err)
{
    if (mse_tls_connect_keep(ctx, fd, sni, deadline, out, err))
        return true;
    SSL_free(*out);
    *out = NULL;
    return false;
}
