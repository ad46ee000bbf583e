/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse_connect() for tests, with all that it gives.
 *
 * attested_connect PORT NAME ROOTS COLLATERAL FINGERPRINT DEADLINE_MS blocking|non-blocking
 * Prints "ok LEVEL" and sends "bye\n", or "refused CODE VERDICT" (of the report, or none); then
 * whether the socket is as it was.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <mse/connect.h>

static int64_t now(void *arg)
{
    (void)arg;
    return (int64_t)time(NULL);
}

static struct mse_bytes slurp(const char *path)
{
    FILE *in = fopen(path, "rb");
    uint8_t *data = malloc(1 << 22);
    struct mse_bytes bytes = { data, 0 };

    if (in == NULL || data == NULL)
        exit(4);
    bytes.len = fread(data, 1, 1 << 22, in);
    (void)fclose(in);
    return bytes;
}

static int dial(unsigned port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd == -1 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
        exit(4);
    return fd;
}

static void prepare(char **argv, struct mse_connect_options *options, struct mse_collateral **set,
                    struct mse_policy **policy)
{
    struct mse_verifier_options roots = { .simulation_roots = slurp(argv[3]) };
    struct mse_bytes bundle = slurp(argv[4]);
    struct mse_error err = { 0 };

    if (!mse_verifier_new(&roots, &options->verifier, &err) || !mse_collateral_new(set, &err) ||
        !mse_collateral_add(*set, bundle, "bundle", &err) ||
        !mse_collateral_prepare(*set, options->verifier, &err) || !mse_policy_new(policy, &err) ||
        !mse_policy_set(*policy, "fingerprint", argv[5], &err))
        exit(4);
    free((void *)(uintptr_t)roots.simulation_roots.data);
    free((void *)(uintptr_t)bundle.data);
    options->collateral = *set;
    options->policy = *policy;
}

static void talk(SSL *ssl, const struct mse_report *report)
{
    printf("ok %d\n", report != NULL ? (int)mse_report_level(report) : -1);
    (void)SSL_write(ssl, "bye\n", 4);
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
}

int main(int argc, char **argv)
{
    struct mse_connect_options options = { .now = now };
    struct mse_collateral *set = NULL;
    struct mse_policy *policy = NULL;
    struct mse_report *report = NULL;
    struct mse_error err = { 0 };
    SSL *ssl = NULL;
    int fd, flags;

    if (argc != 8)
        return 2;
    prepare(argv, &options, &set, &policy);
    options.name = argv[2];
    options.deadline_ms = (unsigned)atoi(argv[6]);
    fd = dial((unsigned)atoi(argv[1]));
    if (strcmp(argv[7], "non-blocking") == 0)
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    flags = fcntl(fd, F_GETFL);
    if (mse_connect(fd, &options, &ssl, &report, &err))
        talk(ssl, report);
    else
        printf("refused %s %s\n", mse_err_name(err.code),
               report != NULL ? mse_verdict_name(mse_report_verdict(report)) : "none");
    printf("socket %s\n", fcntl(fd, F_GETFL) == flags ? "as it was" : "changed");
    mse_report_free(report);
    (void)close(fd);
    mse_policy_free(policy);
    mse_collateral_free(set);
    mse_verifier_free(options.verifier);
    return 0;
}
