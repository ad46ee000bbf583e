/* SPDX-License-Identifier: Apache-2.0 */
/* Configuring an instance: question, body, statement, answer. */
#include "client/configure.h"

#include <mse/tls.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "base/json.h"
#include "client/http_exchange.h"
#include "crypto/hash.h"
#include "verdict/report.h"

#define PATH "/"

/* ---- who may be told secrets ---- */

static bool check_peer(const SSL *ssl, struct mse_error *err)
{
    const struct mse_report *report = mse_tls_proven(ssl) ? mse_tls_report(ssl) : NULL;

    if (report == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "connection", "its peer was not verified");
    return mse_report_result(report, MSE_CHECK_FINGERPRINT)->outcome == MSE_OUTCOME_PASSED ||
           mse_fail_text(err, MSE_ERR_USAGE, "fingerprint",
                         "the code of this instance was not checked: it gets no secrets");
}

/* ---- body ---- */

static void wipe_writer(struct mse_writer *w)
{
    if (w->data != NULL)
        OPENSSL_cleanse(w->data, w->size);
    mse_writer_cleanup(w);
}

/* A growing buffer leaves copies behind, so that this one is made as large as it may get. */
static bool reserve(struct mse_writer *w)
{
    w->cap = MSE_CONFIGURE_MAX_BODY;
    w->data = malloc(MSE_CONFIGURE_MAX_BODY);
    w->size = w->data != NULL ? MSE_CONFIGURE_MAX_BODY : 0;
    return w->data != NULL;
}

static bool check_secrets(struct mse_bytes text, struct mse_error *err)
{
    struct mse_json json = { 0 };
    bool ok = text.len == 0 || mse_json_parse(text, &json, err);

    mse_json_cleanup(&json);
    return ok;
}

bool mse_configure_body(const struct mse_configure_input *input, struct mse_writer *out,
                        struct mse_error *err)
{
    struct mse_json_writer w = mse_json_writer_init(out, 0);

    if (!check_secrets(input->secrets, err))
        return false;
    if (!reserve(out))
        return mse_fail_memory(err);
    mse_json_open_object(&w, NULL);
    if (input->sealed_secrets.len > 0)
        mse_json_put_bytes_text(&w, "app_sealed_secrets", input->sealed_secrets);
    if (input->secrets.len > 0)
        mse_json_put_json(&w, "app_secrets", input->secrets);
    mse_json_put_hex(&w, "blind", input->blind, sizeof(input->blind));
    if (input->code_key.len > 0)
        mse_json_put_hex(&w, "code_secret_key", input->code_key.data, input->code_key.len);
    if (input->ssl_certificate != NULL)
        mse_json_put_text(&w, "ssl_certificate", input->ssl_certificate);
    if (input->ssl_private_key != NULL)
        mse_json_put_text(&w, "ssl_private_key", input->ssl_private_key);
    mse_json_put_text(&w, "uuid", input->uuid);
    mse_json_close_object(&w);
    if (mse_writer_ok(out))
        return true;
    wipe_writer(out);
    return mse_fail_text(err, MSE_ERR_LIMIT, "configuration",
                         "more than %u bytes: no instance takes so much", MSE_CONFIGURE_MAX_BODY);
}

/* ---- question ---- */

static bool read_number(struct mse_bytes text, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(text.data[i] - '0');
    }
    return text.len > 0 && text.len <= 18 && (text.data[0] != '0' || text.len == 1);
}

static bool fail_status(const struct mse_exchange_reply *reply, struct mse_bytes status,
                        struct mse_error *err)
{
    char shown[64];

    if (mse_bytes_equal_text(status, "Configured"))
        return mse_fail_text(err, MSE_ERR_VALUE, "instance", "it is configured already");
    if (status.data == NULL)
        return mse_fail_text(err, MSE_ERR_VALUE, "instance",
                             "an app answers here (status %u), or something else: no "
                             "configuration is waited for",
                             reply->status);
    return mse_fail_text(err, MSE_ERR_VALUE, "instance", "it is not waiting (%u, Mse-Status: %s)",
                         reply->status, mse_escape(status, shown, sizeof(shown)));
}

static bool read_offer(const struct mse_exchange_reply *reply, struct mse_configure_offer *out,
                       struct mse_error *err)
{
    struct mse_bytes status, nonce, epoch;

    if (!mse_exchange_field(reply, "Mse-Status", &status, err) ||
        !mse_exchange_field(reply, "Mse-Nonce", &nonce, err) ||
        !mse_exchange_field(reply, "Mse-Epoch", &epoch, err))
        return false;
    if (reply->status != 200 || !mse_bytes_equal_text(status, "Waiting"))
        return fail_status(reply, status, err);
    if (nonce.data == NULL && epoch.data == NULL)
        return true;
    out->has_nonce = true;
    if (!mse_hex_read((const char *)nonce.data, nonce.len, out->nonce, sizeof(out->nonce)))
        return mse_fail_text(err, MSE_ERR_HTTP, "Mse-Nonce", "is not 64 hex digits");
    return read_number(epoch, &out->epoch) ||
           mse_fail_text(err, MSE_ERR_HTTP, "Mse-Epoch", "is no number");
}

bool mse_configure_ask(SSL *ssl, const char *host, const struct mse_deadline *deadline,
                       struct mse_configure_offer *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_exchange_reply_cleanup) struct mse_exchange_reply reply = { 0 };
    struct mse_exchange_request request = { .method = "GET", .path = PATH, .host = host };

    memset(out, 0, sizeof(*out));
    if (!check_peer(ssl, err) || !mse_exchange(ssl, &request, false, deadline, &reply, err) ||
        !read_offer(&reply, out, err))
        return false;
    return !reply.close || mse_fail_text(err, MSE_ERR_HTTP, "instance",
                                         "it closes the connection that the configuration has to "
                                         "come on");
}

/* ---- statement ---- */

bool mse_configure_statement(const SSL *ssl, const struct mse_configure_offer *offer,
                             struct mse_bytes body, struct mse_config_statement *out,
                             struct mse_error *err)
{
    X509 *peer;
    unsigned char *der = NULL;
    int len;

    memset(out, 0, sizeof(*out));
    if (!check_peer(ssl, err))
        return false;
    peer = SSL_get0_peer_certificate(ssl);
    len = peer != NULL ? i2d_X509(peer, &der) : -1;
    if (len <= 0)
        return mse_fail_memory(err);
    mse_sha256((struct mse_bytes){ der, (size_t)len }, out->certificate_sha256);
    OPENSSL_free(der);
    memcpy(out->nonce, offer->nonce, sizeof(out->nonce));
    mse_config_digest(body, out->config_digest);
    out->epoch = offer->epoch;
    return true;
}

/* ---- answer ---- */

/* detail of a problem (RFC 9457), or the body itself if it is short text; "" if there is neither.
 */
static void explain(const struct mse_exchange_reply *reply, char *out, size_t size)
{
    struct mse_bytes body = { reply->body, reply->body_len };
    struct mse_error ignored = { 0 };
    struct mse_json json = { 0 };
    const struct mse_json_value *detail = NULL;
    char *text = NULL;

    if (mse_json_parse(body, &json, &ignored))
        detail = mse_json_member(&json, json.values, "detail");
    if (detail != NULL && mse_json_value_text(&json, detail, &text, &ignored))
        body = MSE_CSTR_BYTES(text);
    (void)mse_escape(body, out, size);
    free(text);
    mse_json_cleanup(&json);
}

static bool judge(const struct mse_exchange_reply *reply, struct mse_error *err)
{
    char why[400];

    if (reply->status == 200)
        return true;
    explain(reply, why, sizeof(why));
    /* A failure of the server or of something between says nothing about what was done. */
    return mse_fail_text(err, reply->status >= 400 ? MSE_ERR_POLICY : MSE_ERR_HTTP, "instance",
                         "refused the configuration (status %u)%s%s", reply->status,
                         why[0] != '\0' ? ": " : "", why);
}

bool mse_configure_send(SSL *ssl, const char *host, struct mse_bytes body,
                        const struct mse_config_statement *statement,
                        const struct mse_deadline *deadline, struct mse_error *err)
{
    MSE_CLEANUP(mse_exchange_reply_cleanup) struct mse_exchange_reply reply = { 0 };
    struct mse_exchange_request request = {
        .method = "POST", .path = PATH, .host = host, .body = body
    };
    char signature[4 * 22 + 1], fields[192];

    if (!check_peer(ssl, err))
        return false;
    if (statement != NULL)
        (void)mse_base64_write(statement->signature, sizeof(statement->signature), signature);
    (void)snprintf(fields, sizeof(fields), "Content-Type: application/json\r\n%s%s%s",
                   statement != NULL ? "Mse-Signature: " : "", statement != NULL ? signature : "",
                   statement != NULL ? "\r\n" : "");
    request.fields = fields;
    return mse_exchange(ssl, &request, false, deadline, &reply, err) && judge(&reply, err);
}
