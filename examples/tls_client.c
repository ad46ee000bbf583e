/* SPDX-License-Identifier: Apache-2.0 */
/* Asks an attested service for "/", after it was verified in the handshake: docs/library.md. */
#include <mse/tls.h>

#include <openssl/bio.h>
#include <stdio.h>
#include <time.h>

#define FILE_MAX (1U << 20)

static int64_t wall_clock(void *arg)
{
    (void)arg;
    return (int64_t)time(NULL);
}

static struct mse_bytes read_file(const char *path, uint8_t *room)
{
    FILE *file = fopen(path, "rb");
    struct mse_bytes bytes = { NULL, 0 };

    if (file == NULL)
        return bytes;
    bytes = (struct mse_bytes){ room, fread(room, 1, FILE_MAX, file) };
    (void)fclose(file);
    return bytes;
}

/* Everything that connections share; made once. */
struct client {
    struct mse_verifier *verifier;
    struct mse_collateral *collateral;
    struct mse_policy *policy;
    SSL_CTX *ctx;
};

/* [attach] */
static bool client_new(struct mse_bytes bundle, const char *fingerprint, const char *name,
                       struct mse_bytes simulation_roots, struct client *c, struct mse_error *err)
{
    struct mse_verifier_options verifier = { .simulation_roots = simulation_roots };
    struct mse_tls_options options = { .name = name, .now = wall_clock };

    c->ctx = SSL_CTX_new(TLS_client_method());
    if (c->ctx == NULL || !mse_verifier_new(&verifier, &c->verifier, err) ||
        !mse_collateral_new(&c->collateral, err) ||
        !mse_collateral_add(c->collateral, bundle, "bundle", err) ||
        !mse_collateral_prepare(c->collateral, c->verifier, err) ||
        !mse_policy_new(&c->policy, err) ||
        !mse_policy_set(c->policy, "fingerprint", fingerprint, err))
        return false;
    options.verifier = c->verifier;
    options.collateral = c->collateral;
    options.policy = c->policy;
    return mse_tls_client_attach(c->ctx, &options, err);
}
/* [attach] */

static void client_cleanup(struct client *c)
{
    SSL_CTX_free(c->ctx); /* first: it borrows the others */
    mse_policy_free(c->policy);
    mse_collateral_free(c->collateral);
    mse_verifier_free(c->verifier);
}

static void print_failures(const struct mse_report *report)
{
    for (int i = 0; i < MSE_CHECK_COUNT; i++) {
        enum mse_outcome outcome = mse_report_outcome(report, (enum mse_check)i);

        if (outcome == MSE_OUTCOME_FAILED || outcome == MSE_OUTCOME_UNKNOWN)
            (void)fprintf(stderr, "%s %s: %s\n", mse_check_name((enum mse_check)i),
                          mse_outcome_name(outcome), mse_report_reason(report, (enum mse_check)i));
    }
}

/* [connect] */
static bool ask(const struct client *c, const char *where, const char *name)
{
    BIO *bio = BIO_new_ssl_connect(c->ctx);
    SSL *ssl = NULL;
    char reply[4096];
    bool proven = false;
    int n;

    if (bio != NULL && BIO_get_ssl(bio, &ssl) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1 &&
        BIO_set_conn_hostname(bio, where) == 1) /* the verdict is given in the handshake */
        proven = BIO_do_handshake(bio) == 1 && mse_tls_proven(ssl);
    if (proven) {
        (void)BIO_printf(bio, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", name);
        while ((n = BIO_read(bio, reply, sizeof(reply))) > 0)
            (void)fwrite(reply, 1, (size_t)n, stdout);
    } else if (ssl != NULL && mse_tls_report(ssl) != NULL) {
        print_failures(mse_tls_report(ssl));
    } else {
        (void)fputs("no connection, or no certificate to judge\n", stderr);
    }
    BIO_free_all(bio);
    return proven;
}
/* [connect] */

int main(int argc, char **argv)
{
    static uint8_t room[2][FILE_MAX];
    struct mse_bytes bundle = { NULL, 0 }, roots = { NULL, 0 };
    struct client client = { NULL, NULL, NULL, NULL };
    struct mse_error err = { MSE_ERR_NONE, 0, "", "" };
    char line[640];
    bool ok;

    if (argc != 5 && argc != 6) {
        (void)fputs("usage: tls_client HOST:PORT NAME BUNDLE FINGERPRINT [SIMULATION_ROOT]\n",
                    stderr);
        return 2;
    }
    bundle = read_file(argv[3], room[0]);
    if (argc == 6) {
        roots = read_file(argv[5], room[1]);
        if (roots.len == 0)
            return 4;
    }
    ok = client_new(bundle, argv[4], argv[2], roots, &client, &err);
    if (!ok)
        (void)fprintf(stderr, "%s\n", mse_error_describe(&err, line, sizeof(line)));
    ok = ok && ask(&client, argv[1], argv[2]);
    client_cleanup(&client);
    return ok ? 0 : 1;
}
