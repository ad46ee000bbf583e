/* SPDX-License-Identifier: Apache-2.0 */
/* Loading what show and collateral fetch look at. */
#include "cli/subject_file.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/verify_args.h"
#include "client/connect.h"

/* Quotes carry PEM too, so that only text may stand before the first block. */
static bool is_text(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] < 0x20 && data[i] != '\t' && data[i] != '\n' && data[i] != '\r')
            return false;
    }
    return true;
}

bool subject_is_certificate(struct mse_bytes in)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    const uint8_t *found;

    if (in.len > 4 && in.data[0] == 0x30)
        return true;
    found = memmem(in.data, in.len < 4096 ? in.len : 4096, begin, sizeof(begin) - 1);
    return found != NULL && is_text(in.data, (size_t)(found - in.data));
}

static bool take_certificate(SSL *ssl, uint8_t **data, size_t *len, struct mse_error *err)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    unsigned char *der = NULL;
    int n = certificate != NULL ? i2d_X509(certificate, &der) : -1;

    if (n <= 0)
        return mse_fail_text(err, MSE_ERR_TLS, "handshake", "the peer presented no certificate");
    *data = malloc((size_t)n);
    if (*data != NULL) {
        memcpy(*data, der, (size_t)n);
        *len = (size_t)n;
    }
    OPENSSL_free(der);
    return *data != NULL || mse_fail_memory(err);
}

static bool load_service(struct cli *cli, const char *where, unsigned timeout_ms, uint8_t **data,
                         size_t *len, struct mse_error *err)
{
    struct mse_deadline deadline = mse_deadline_in(timeout_ms);
    struct mse_target target, proxy;
    bool use_proxy, ok;
    SSL_CTX *ctx = NULL;
    SSL *ssl = NULL;
    int fd = -1;

    if (!mse_target_parse(where, "443", &target, err))
        return false;
    use_proxy = cli->https_proxy[0] != '\0' && !mse_no_proxy_has(cli->no_proxy, target.host);
    if (use_proxy && !mse_proxy_parse(cli->https_proxy, &proxy, err))
        return false;
    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL)
        return mse_fail_memory(err);
    /* Looked at only: nothing is sent on this connection and nothing concluded from it. */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    ok = mse_tcp_connect(&target, use_proxy ? &proxy : NULL, &deadline, &fd, err) &&
         mse_tls_connect(ctx, fd, target.is_address ? NULL : target.host, &deadline, &ssl, err) &&
         take_certificate(ssl, data, len, err);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    if (fd != -1)
        (void)close(fd);
    return ok;
}

bool subject_load(struct cli *cli, const char *where, unsigned timeout_ms, uint8_t **data,
                  size_t *len, bool *from_network, struct mse_error *err)
{
    *data = NULL;
    *len = 0;
    *from_network = false;
    if (strcmp(where, "-") == 0 || strchr(where, '/') != NULL || access(where, F_OK) == 0) {
        if (strncmp(where, "https://", 8) != 0)
            return mse_file_read(where, VERIFY_FILE_MAX, data, len, err) &&
                   (*len > 0 || mse_fail_text(err, MSE_ERR_TRUNCATED, where, "is empty"));
    }
    *from_network = true;
    return load_service(cli, where, timeout_ms, data, len, err) ||
           mse_fail_in(err, "%.80s is no file, and as a service", where);
}
