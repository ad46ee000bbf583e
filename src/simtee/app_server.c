/* SPDX-License-Identifier: Apache-2.0 */
/* The app behind the simulated enclave's certificate: HTTPS, a greeting and an echo. */
#include "simtee/app_server.h"

/*
 * A client that offers protocols without this one cannot be served: refusing it (RFC 7301, 3.2)
 * is better than bytes it does not understand.
 */
static int choose_protocol(SSL *tls, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *context)
{
    static const unsigned char http[] = "\x08http/1.1";
    unsigned char *chosen;

    (void)tls;
    (void)context;
    if (SSL_select_next_proto(&chosen, out_len, http, sizeof(http) - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* No resumption of any kind: a client that resumes does not look at the certificate again. */
static bool configure(SSL_CTX *tls, const struct mse_sim_attested *attested)
{
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(tls, choose_protocol, NULL);
    return SSL_CTX_set_num_tickets(tls, 0) == 1 &&
           SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
           SSL_CTX_use_certificate(tls, attested->cert) == 1 &&
           SSL_CTX_use_PrivateKey(tls, attested->key) == 1 && SSL_CTX_check_private_key(tls) == 1;
}

bool mse_sim_app_init(const char *name, const struct mse_sim_attested *attested,
                      struct mse_sim_app *out, struct mse_error *err)
{
    *out = (struct mse_sim_app){ .name = name, .tls = SSL_CTX_new(TLS_server_method()) };
    if (out->tls != NULL && configure(out->tls, attested))
        return true;
    mse_sim_app_cleanup(out);
    return mse_issue_fail_openssl(err, "TLS");
}

void mse_sim_app_cleanup(struct mse_sim_app *app)
{
    SSL_CTX_free(app->tls);
    app->tls = NULL;
}

static void answer(void *context, const struct mse_sim_request *request,
                   struct mse_sim_reply *reply)
{
    static const char echo[] = "/echo";
    const struct mse_sim_app *app = context;

    reply->status = 200;
    reply->type = "text/plain; charset=utf-8";
    if (mse_bytes_equal_text(request->path, "/")) {
        mse_write_format(&reply->body, "hello from %s\n", app->name);
    } else if (request->path.len >= sizeof(echo) - 1 &&
               memcmp(request->path.data, echo, sizeof(echo) - 1) == 0) {
        mse_write_bytes(&reply->body, request->target.data, request->target.len);
        mse_write_u8(&reply->body, '\n');
    } else {
        mse_sim_reply_error(reply, 404);
    }
}

struct mse_sim_service mse_sim_app_service(struct mse_sim_app *app)
{
    return (struct mse_sim_service){
        .answer = answer, .context = app, .tls = app->tls, .methods = "GET, HEAD"
    };
}
