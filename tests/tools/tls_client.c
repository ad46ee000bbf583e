/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of libmse for tests: it attaches the verification to its context and then does what a
 * careless or hostile program would do, so that tests can count what reaches the server.
 *
 * tls_client MODE PORT NAME ROOTS COLLATERAL FINGERPRINT AT1 AT2
 * Each connection k judges at ATk. Prints one line for each connection: "ok", or "refused" and why.
 * MODE recycle uses one SSL for both connections, and duplicates it between them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mse/mse.h>
#include <mse/tls.h>
#include <openssl/err.h>

static const char request[] = "GET /secret HTTP/1.0\r\n\r\n";
static int64_t instant;

static int64_t now(void *arg)
{
    (void)arg;
    return instant;
}

static uint8_t *slurp(const char *path, size_t *len)
{
    FILE *in = fopen(path, "rb");
    uint8_t *data = malloc(1 << 22);

    *len = in != NULL && data != NULL ? fread(data, 1, 1 << 22, in) : 0;
    if (in != NULL)
        (void)fclose(in);
    return data;
}

static int dial(unsigned port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd == -1 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("connect");
        exit(4);
    }
    return fd;
}

static const char *verdict_of(const SSL *ssl)
{
    const struct mse_report *report = mse_tls_report(ssl);

    return report != NULL ? mse_verdict_name(mse_report_verdict(report)) : "none";
}

/* One connection; the request is written whatever the handshake said. */
static SSL_SESSION *talk(SSL_CTX *ctx, unsigned port, const char *mode, SSL_SESSION *offer)
{
    SSL *ssl = SSL_new(ctx);
    int fd = dial(port);
    SSL_SESSION *session;
    char reply[4096];
    int shaken, written, got = 0, n;

    SSL_set_fd(ssl, fd);
    SSL_set_connect_state(ssl);
    if (offer != NULL)
        SSL_set_session(ssl, offer);
    shaken = strcmp(mode, "write-first") == 0 ? 0 : SSL_connect(ssl);
    if (strcmp(mode, "renegotiate") == 0)
        printf("renegotiate %d\n", SSL_renegotiate(ssl) == 1 && SSL_do_handshake(ssl) == 1);
    written = SSL_write(ssl, request, (int)sizeof(request) - 1);
    while (written > 0 && (n = SSL_read(ssl, reply + got, (int)sizeof(reply) - got)) > 0)
        got += n;
    if (written > 0 && got > 0)
        printf("ok reused %d verdict %s proven %d\n", SSL_session_reused(ssl), verdict_of(ssl),
               mse_tls_proven(ssl));
    else
        printf("refused shaken %d written %d verdict %s proven %d\n", shaken, written,
               verdict_of(ssl), mse_tls_proven(ssl));
    (void)SSL_shutdown(ssl); /* a session of a connection that was cut cannot be taken up */
    session = SSL_get1_session(ssl);
    SSL_free(ssl);
    (void)close(fd);
    ERR_clear_error();
    return session;
}

static void say(const char *when, const SSL *ssl)
{
    printf("%s verdict %s proven %d\n", when, verdict_of(ssl), mse_tls_proven(ssl));
}

/* What was found about one connection belongs to it alone: not to a copy, not to the next one. */
static void recycle(SSL_CTX *ctx, unsigned port)
{
    int first = dial(port), second;
    SSL *ssl = SSL_new(ctx), *copy;

    SSL_set_fd(ssl, first);
    (void)SSL_connect(ssl);
    say("first", ssl);
    (void)SSL_shutdown(ssl);
    if (SSL_clear(ssl) != 1)
        exit(4);
    say("cleared", ssl);
    copy = SSL_dup(ssl);
    if (copy == NULL || copy == ssl)
        exit(4);
    say("copy", copy);
    SSL_free(copy);
    (void)close(first);
    second = dial(port);
    SSL_set_fd(ssl, second);
    (void)SSL_set_session(ssl, NULL);
    (void)SSL_connect(ssl);
    say("second", ssl);
    copy = SSL_dup(ssl); /* of a connection in use: another reference */
    SSL_free(ssl);
    SSL_free(copy);
    (void)close(second);
    ERR_clear_error();
}

/* A session of a context that verifies nothing; taken up once, to show that the server would. */
static SSL_SESSION *foreign_session(unsigned port)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_SESSION *session = NULL;
    char reply[4096];

    for (int i = 0; i < 2; i++) {
        SSL *ssl = SSL_new(ctx);
        int fd = dial(port);

        SSL_set_fd(ssl, fd);
        if (session != NULL)
            SSL_set_session(ssl, session);
        if (SSL_connect(ssl) != 1)
            exit(4);
        (void)SSL_write(ssl, "x\r\n\r\n", 5);
        while (SSL_read(ssl, reply, sizeof(reply)) > 0)
            ;
        printf("foreign reused %d\n", SSL_session_reused(ssl));
        SSL_SESSION_free(session);
        (void)SSL_shutdown(ssl);
        session = SSL_get1_session(ssl);
        SSL_free(ssl);
        (void)close(fd);
    }
    SSL_CTX_free(ctx);
    return session;
}

static void check(bool ok, const struct mse_error *err)
{
    char line[600];

    if (ok)
        return;
    (void)fprintf(stderr, "%s\n", mse_error_describe(err, line, sizeof(line)));
    exit(2);
}

int main(int argc, char **argv)
{
    struct mse_verifier_options options = { 0 };
    struct mse_tls_options tls = { .now = now };
    struct mse_collateral *collateral = NULL;
    struct mse_verifier *verifier = NULL;
    struct mse_policy *policy = NULL;
    struct mse_error err = { 0 };
    SSL_SESSION *session = NULL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    uint8_t *roots, *bundle;
    size_t roots_len, bundle_len;
    unsigned port;

    if (argc != 9)
        return 2;
    port = (unsigned)atoi(argv[2]);
    roots = slurp(argv[4], &roots_len);
    bundle = slurp(argv[5], &bundle_len);
    options.simulation_roots = (struct mse_bytes){ roots, roots_len };
    check(mse_verifier_new(&options, &verifier, &err), &err);
    check(mse_collateral_new(&collateral, &err), &err);
    check(mse_collateral_add(collateral, (struct mse_bytes){ bundle, bundle_len }, argv[5], &err),
          &err);
    check(mse_collateral_prepare(collateral, verifier, &err), &err);
    check(mse_policy_new(&policy, &err), &err);
    check(mse_policy_set(policy, "fingerprint", argv[6], &err), &err);
    tls.verifier = verifier;
    tls.collateral = collateral;
    tls.policy = policy;
    tls.name = argv[3];
    check(mse_tls_client_attach(ctx, &tls, &err), &err);
    if (strcmp(argv[1], "attach-twice") == 0) {
        struct mse_error again = { 0 };
        bool taken = mse_tls_client_attach(ctx, &tls, &again);

        printf("second attach %d usage %d\n", taken, again.code == MSE_ERR_USAGE);
    }
    if (strcmp(argv[1], "foreign") == 0)
        session = foreign_session(port);
    instant = strtoll(argv[7], NULL, 10);
    if (strcmp(argv[1], "recycle") == 0)
        recycle(ctx, port);
    for (int i = 7; i < 9 && strcmp(argv[1], "recycle") != 0; i++) {
        SSL_SESSION *next;

        instant = strtoll(argv[i], NULL, 10);
        next = talk(ctx, port, argv[1], session);
        SSL_SESSION_free(session);
        session = next;
        if (strcmp(argv[1], "fresh") == 0 || strcmp(argv[1], "attach-twice") == 0) {
            SSL_SESSION_free(session);
            session = NULL;
        }
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    mse_policy_free(policy);
    mse_collateral_free(collateral);
    mse_verifier_free(verifier);
    free(roots);
    free(bundle);
    return 0;
}
