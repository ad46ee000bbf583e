/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS settings that every server context of the runtime has. */
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "enclave/front.h"
#include "issue/key.h"

/* RFC 9325, 4.2: forward secrecy and AEAD only. AES-128 first; a client that puts ChaCha20 first
 * has no AES instructions, and gets that. */
#define CIPHERS_1_2                                                                                \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
/* RFC 8446, 9.1: P-256 must be; a TLS 1.2 client that lists X25519 only cannot use a P-256 key. */
#define GROUPS "X25519:P-256"

struct protocols {
    size_t len;
    uint8_t list[]; /* RFC 7301, 3.1: each with a byte of length before it */
};

/* The number under which a context keeps its list; OpenSSL frees the list with the context. */
static CRYPTO_ONCE index_once = CRYPTO_ONCE_STATIC_INIT;
static int protocols_index = -1;

static void free_protocols(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
                           void *argp)
{
    (void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
    free(ptr);
}

static void make_index(void)
{
    protocols_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_protocols);
}

static bool is_protocol_list(struct mse_bytes list)
{
    size_t at = 0;

    while (at < list.len && list.data[at] != 0 && list.data[at] < list.len - at)
        at += 1U + list.data[at];
    return at == list.len;
}

/* RFC 7301, 3.2: no common protocol ends the handshake with no_application_protocol. */
static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *arg)
{
    const struct protocols *ours = arg;
    unsigned char *chosen = NULL;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_len, ours->list, (unsigned)ours->len, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_protocols(SSL_CTX *ctx, struct mse_bytes alpn, struct mse_error *err)
{
    struct protocols *p;

    if (alpn.len == 0)
        return true;
    if (alpn.len > UINT16_MAX || !is_protocol_list(alpn))
        return mse_fail(err, MSE_ERR_FORMAT, 0, "alpn");
    if (CRYPTO_THREAD_run_once(&index_once, make_index) != 1 || protocols_index == -1)
        return mse_issue_fail_openssl(err, "TLS context");
    p = malloc(sizeof(*p) + alpn.len);
    if (p == NULL)
        return mse_fail_memory(err);
    p->len = alpn.len;
    memcpy(p->list, alpn.data, alpn.len);
    if (SSL_CTX_set_ex_data(ctx, protocols_index, p) != 1) {
        free(p);
        return mse_issue_fail_openssl(err, "TLS context");
    }
    SSL_CTX_set_alpn_select_cb(ctx, select_protocol, p);
    return true;
}

static bool set_rules(SSL_CTX *ctx, struct mse_error *err)
{
    SSL_CTX_set_security_level(ctx, 2);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* An idle connection keeps no record buffers. */
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, CIPHERS_1_3) != 1 ||
        SSL_CTX_set1_groups_list(ctx, GROUPS) != 1 || SSL_CTX_set_max_early_data(ctx, 0) != 1)
        return mse_issue_fail_openssl(err, "TLS context");
    return true;
}

/*
 * Ticket keys are random in each context and never leave it: a session ends with the context, so
 * with the certificate and the evidence in it. The same goes for a session that is not a ticket.
 */
static bool set_tickets(SSL_CTX *ctx, unsigned ticket_s, struct mse_error *err)
{
    uint8_t id[SSL_MAX_SID_CTX_LENGTH];

    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (ticket_s == 0)
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    else
        (void)SSL_CTX_set_timeout(ctx, (long)ticket_s);
    if (SSL_CTX_set_num_tickets(ctx, ticket_s == 0 ? 0 : 1) != 1 ||
        RAND_bytes(id, sizeof(id)) != 1 || SSL_CTX_set_session_id_context(ctx, id, sizeof(id)) != 1)
        return mse_issue_fail_openssl(err, "TLS context");
    return true;
}

static bool set_certificate(SSL_CTX *ctx, X509 *const *chain, size_t count, EVP_PKEY *key,
                            struct mse_error *err)
{
    if (count == 0)
        return mse_fail(err, MSE_ERR_MISSING, 0, "certificate");
    if (SSL_CTX_use_certificate(ctx, chain[0]) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
        return mse_issue_fail_openssl(err, "certificate");
    for (size_t i = 1; i < count; i++) {
        if (SSL_CTX_add1_chain_cert(ctx, chain[i]) != 1)
            return mse_issue_fail_openssl(err, "certificate chain");
    }
    /* What was given is sent, and nothing that could be found besides. */
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
    return true;
}

bool mse_front_context_new(X509 *const *chain, size_t chain_count, EVP_PKEY *key,
                           struct mse_bytes alpn, unsigned ticket_s, SSL_CTX **out,
                           struct mse_error *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    *out = NULL;
    if (ctx == NULL)
        return mse_issue_fail_openssl(err, "TLS context");
    if (!set_rules(ctx, err) || !set_tickets(ctx, ticket_s, err) ||
        !set_protocols(ctx, alpn, err) || !set_certificate(ctx, chain, chain_count, key, err)) {
        SSL_CTX_free(ctx);
        return false;
    }
    *out = ctx;
    return true;
}
