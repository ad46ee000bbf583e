/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the app inside an enclave for "/", over a connection that ends there: docs/library.md. */
#define _POSIX_C_SOURCE 200809L
#include <mse/connect.h>

#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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

static int dial(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
    int fd = -1;

    if (getaddrinfo(host, port, &hints, &list) != 0)
        return -1;
    for (const struct addrinfo *a = list; a != NULL && fd == -1; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd != -1 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            (void)close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

/* Everything that connections share; made once. */
struct trust {
    struct mse_verifier *verifier;
    struct mse_collateral *collateral;
    struct mse_policy *policy;
};

static bool trust_new(struct mse_bytes bundle, const char *fingerprint,
                      struct mse_bytes simulation_roots, struct trust *t, struct mse_error *err)
{
    struct mse_verifier_options options = { .simulation_roots = simulation_roots };

    return mse_verifier_new(&options, &t->verifier, err) &&
           mse_collateral_new(&t->collateral, err) &&
           mse_collateral_add(t->collateral, bundle, "bundle", err) &&
           mse_collateral_prepare(t->collateral, t->verifier, err) &&
           mse_policy_new(&t->policy, err) &&
           mse_policy_set(t->policy, "fingerprint", fingerprint, err);
}

static void trust_cleanup(struct trust *t)
{
    mse_policy_free(t->policy);
    mse_collateral_free(t->collateral);
    mse_verifier_free(t->verifier);
}

/* [ask] */
static bool ask(const struct trust *t, int fd, const char *name, struct mse_error *err)
{
    struct mse_connect_options options = { .verifier = t->verifier,
                                           .collateral = t->collateral,
                                           .policy = t->policy,
                                           .name = name,
                                           .protocol = "http/1.1",
                                           .deadline_ms = 10000,
                                           .now = wall_clock };
    char text[4096];
    SSL *ssl = NULL;
    int n;

    if (!mse_connect(fd, &options, &ssl, NULL, err))
        return false;
    /* From here on it is an ordinary connection, and the enclave is its other end. */
    n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                 name);
    (void)SSL_write(ssl, text, n);
    while ((n = SSL_read(ssl, text, sizeof(text))) > 0)
        (void)fwrite(text, 1, (size_t)n, stdout);
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
    return true;
}
/* [ask] */

int main(int argc, char **argv)
{
    static uint8_t room[2][FILE_MAX];
    struct mse_bytes bundle = { NULL, 0 }, roots = { NULL, 0 };
    struct trust trust = { NULL, NULL, NULL };
    struct mse_error err = { MSE_ERR_NONE, 0, "", "" };
    char line[640];
    int fd = -1;
    bool ok;

    if (argc != 6 && argc != 7) {
        (void)fputs("usage: attested_client HOST PORT NAME BUNDLE FINGERPRINT [SIMULATION_ROOT]\n",
                    stderr);
        return 2;
    }
    bundle = read_file(argv[4], room[0]);
    if (argc == 7) {
        roots = read_file(argv[6], room[1]);
        if (roots.len == 0)
            return 4;
    }
    fd = dial(argv[1], argv[2]);
    ok = fd != -1 && trust_new(bundle, argv[5], roots, &trust, &err) &&
         ask(&trust, fd, argv[3], &err);
    if (!ok)
        (void)fprintf(stderr, "%s\n",
                      fd == -1 ? "no connection" : mse_error_describe(&err, line, sizeof(line)));
    trust_cleanup(&trust);
    if (fd != -1)
        (void)close(fd);
    return ok ? 0 : 1;
}
