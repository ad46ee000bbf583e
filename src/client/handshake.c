/* SPDX-License-Identifier: Apache-2.0 */
/* TLS handshake on a non-blocking socket, with errors that say what the peer did. */
#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include "client/connect.h"

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
        return "the peer closed the connection in the handshake";
    case SSL_R_BAD_SIGNATURE:
        return "the peer does not hold the key of the certificate that it presented";
    case SSL_R_TLSV1_UNRECOGNIZED_NAME:
        return "the peer does not know this name (alert unrecognized_name)";
    default:
        return NULL;
    }
}

/* What a server may send before the handshake is done: OpenSSL would go on reading empty handshake
 * messages as long as there are any. */
#define MAX_HANDSHAKE_BYTES (1U << 20)

struct budget {
    const struct mse_deadline *deadline;
    size_t bytes;
    bool exceeded;
};

static long watch_read(BIO *bio, int operation, const char *data, size_t len, int argi, long argl,
                       int ret, size_t *processed)
{
    struct budget *b = (struct budget *)(void *)BIO_get_callback_arg(bio);

    (void)data, (void)len, (void)argi, (void)argl;
    if (operation != (BIO_CB_READ | BIO_CB_RETURN) || ret <= 0)
        return ret;
    b->bytes += processed != NULL ? *processed : 0;
    if (b->bytes > MAX_HANDSHAKE_BYTES || mse_deadline_left(b->deadline) == 0)
        b->exceeded = true;
    return b->exceeded ? -1 : ret;
}

static bool tls_failed(SSL *ssl, int ssl_error, struct mse_error *err)
{
    unsigned long code = ERR_peek_last_error();
    const char *known = explain(code);
    char text[256];

    (void)ssl;
    if (known != NULL)
        (void)mse_fail_text(
            err, ERR_GET_REASON(code) == SSL_R_BAD_SIGNATURE ? MSE_ERR_BINDING : MSE_ERR_TLS,
            "handshake", "%s", known);
    else if (ssl_error == SSL_ERROR_SYSCALL)
        (void)mse_fail_text(err, MSE_ERR_TLS, "handshake", "%s",
                            errno != 0 ? strerror(errno) : "the peer closed the connection");
    else {
        ERR_error_string_n(code, text, sizeof(text));
        (void)mse_fail_text(err, MSE_ERR_TLS, "handshake", "%s", text);
    }
    ERR_clear_error();
    return false;
}

bool mse_tls_connect_keep(SSL_CTX *ctx, int fd, const char *sni,
                          const struct mse_deadline *deadline, SSL **out, struct mse_error *err)
{
    struct budget budget = { .deadline = deadline };
    SSL *ssl = SSL_new(ctx);
    bool ok = false;

    *out = NULL;
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
        (sni != NULL && SSL_set_tlsext_host_name(ssl, sni) != 1)) {
        SSL_free(ssl);
        return mse_fail_memory(err);
    }
    BIO_set_callback_ex(SSL_get_rbio(ssl), watch_read);
    BIO_set_callback_arg(SSL_get_rbio(ssl), (char *)&budget);
    for (;;) {
        int n, why;
        struct pollfd p = { fd, 0, 0 };

        ERR_clear_error();
        errno = 0;
        n = SSL_connect(ssl);
        if (n == 1) {
            ok = true;
            break;
        }
        if (budget.exceeded) {
            (void)mse_fail_text(
                err, mse_deadline_left(deadline) == 0 ? MSE_ERR_TIMEOUT : MSE_ERR_TLS, "handshake",
                mse_deadline_left(deadline) == 0 ? "timed out" : "the peer sends without end");
            break;
        }
        why = SSL_get_error(ssl, n);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            (void)tls_failed(ssl, why, err);
            break;
        }
        p.events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        n = mse_deadline_left(deadline) > 0 ? poll(&p, 1, mse_deadline_left(deadline)) : 0;
        if (n == 0) {
            (void)mse_fail_text(err, MSE_ERR_TIMEOUT, "handshake", "timed out");
            break;
        }
        if (n < 0 && errno != EINTR) {
            (void)mse_fail_text(err, MSE_ERR_NETWORK, "handshake", "%s", strerror(errno));
            break;
        }
    }
    BIO_set_callback_ex(SSL_get_rbio(ssl), NULL);
    BIO_set_callback_arg(SSL_get_rbio(ssl), NULL);
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
