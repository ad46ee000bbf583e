/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for fresh evidence. */
#include "client/attest_client.h"

#include <stdlib.h>

#include <openssl/rand.h>

#include "attest/message.h"
#include "client/tls_guard.h"

#define FIELD "fresh evidence"

bool mse_attest_is_offered(const SSL *ssl)
{
    const unsigned char *name = NULL;
    unsigned len = 0;

    SSL_get0_alpn_selected(ssl, &name, &len);
    return mse_bytes_equal_text((struct mse_bytes){ name, len }, MSE_ATTEST_ALPN);
}

struct mse_bytes mse_attest_evidence(struct mse_bytes reply)
{
    struct mse_attest_reply parsed;
    struct mse_error ignored = { 0 };

    return mse_attest_reply_parse(reply, &parsed, &ignored) ? parsed.evidence
                                                            : (struct mse_bytes){ NULL, 0 };
}

void mse_attest_answer_cleanup(struct mse_attest_answer *answer)
{
    free(answer->reply);
    memset(answer, 0, sizeof(*answer));
}

/* An exporter of TLS 1.2 or of a resumed session would say less than it seems to. */
static bool check_connection(const SSL *ssl, struct mse_error *err)
{
    if (!SSL_is_init_finished(ssl) || !mse_attest_is_offered(ssl))
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, FIELD, "the peer does not offer %s",
                             MSE_ATTEST_ALPN);
    if (SSL_version(ssl) != TLS1_3_VERSION)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, FIELD, "wants TLS 1.3, the peer speaks %s",
                             SSL_get_version(ssl));
    if (SSL_session_reused(ssl))
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, FIELD, "the session was resumed");
    return true;
}

static bool write_all(SSL *ssl, struct mse_bytes data, const struct mse_tls_guard *guard,
                      struct mse_error *err)
{
    int n;

    while ((n = SSL_write(ssl, data.data, (int)data.len)) <= 0) {
        if (!mse_tls_guard_wait(guard, ssl, n, FIELD, err))
            return false;
    }
    return true; /* without partial writes: all of it */
}

static bool read_all(SSL *ssl, uint8_t *out, size_t len, const struct mse_tls_guard *guard,
                     struct mse_error *err)
{
    while (len > 0) {
        int n = SSL_read(ssl, out, (int)len);

        if (n > 0) {
            out += n;
            len -= (size_t)n;
        } else if (!mse_tls_guard_wait(guard, ssl, n, FIELD, err)) {
            return false;
        }
    }
    return true;
}

static bool read_reply(SSL *ssl, const struct mse_tls_guard *guard, struct mse_attest_answer *out,
                       struct mse_error *err)
{
    uint8_t prefix[4];
    struct mse_reader r = mse_reader_init(MSE_BYTES(prefix), err);
    uint32_t len;

    if (!read_all(ssl, prefix, sizeof(prefix), guard, err))
        return false;
    len = mse_read_u32be(&r, "reply.length");
    if (len == 0 || len > MSE_ATTEST_MAX_REPLY)
        return mse_fail_text(err, MSE_ERR_LIMIT, FIELD,
                             "a reply of %u bytes is announced, at most "
                             "%u are taken",
                             (unsigned)len, MSE_ATTEST_MAX_REPLY);
    out->reply = malloc(len);
    if (out->reply == NULL)
        return mse_fail_memory(err);
    out->fresh.reply = (struct mse_bytes){ out->reply, len };
    return read_all(ssl, out->reply, len, guard, err);
}

static bool exchange(SSL *ssl, struct mse_bytes inner, const struct mse_tls_guard *guard,
                     struct mse_attest_answer *out, struct mse_error *err)
{
    struct mse_attest_request request = { .go_on = inner.len > 0, .inner = inner };
    struct mse_writer w = { 0 };
    bool ok;

    memcpy(request.nonce, out->fresh.nonce, sizeof(request.nonce));
    mse_attest_request_write(&request, &w);
    ok = (mse_writer_ok(&w) || mse_fail_text(err, MSE_ERR_USAGE, "protocol",
                                             "its name has 1 to %d bytes", MSE_ATTEST_MAX_INNER)) &&
         write_all(ssl, mse_writer_bytes(&w), guard, err) && read_reply(ssl, guard, out, err);
    mse_writer_cleanup(&w);
    return ok;
}

bool mse_attest_ask(SSL *ssl, struct mse_bytes inner, const struct mse_deadline *deadline,
                    struct mse_attest_answer *out, struct mse_error *err)
{
    struct mse_fresh *f = &out->fresh;
    struct mse_tls_guard guard;
    bool ok;

    memset(out, 0, sizeof(*out));
    if (!check_connection(ssl, err))
        return false;
    if (RAND_bytes(f->nonce, sizeof(f->nonce)) != 1 ||
        SSL_export_keying_material(ssl, f->exporter, sizeof(f->exporter), MSE_ATTEST_EXPORTER_LABEL,
                                   strlen(MSE_ATTEST_EXPORTER_LABEL), f->nonce, sizeof(f->nonce),
                                   1) != 1)
        return mse_fail_text(err, MSE_ERR_CRYPTO, FIELD, "no nonce or no exporter");
    mse_tls_guard_start(&guard, ssl, deadline);
    ok = exchange(ssl, inner, &guard, out, err);
    mse_tls_guard_stop(ssl);
    if (!ok)
        mse_attest_answer_cleanup(out);
    return ok;
}
