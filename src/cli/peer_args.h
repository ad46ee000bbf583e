/* SPDX-License-Identifier: Apache-2.0 */
/* How a command reaches an instance and judges it inside the handshake. */
#ifndef MSE_CLI_PEER_ARGS_H
#define MSE_CLI_PEER_ARGS_H

#include <openssl/ssl.h>

#include "cli/verify_args.h"
#include "client/connect.h"

/* Fresh evidence (docs/formats.md): set by the command before peer_open. */
enum peer_fresh {
    PEER_CERTIFICATE, /* not asked for: level 1 */
    PEER_FRESH,       /* level 2 where the peer offers it; the policy may demand it */
    PEER_CONNECTION   /* level 3: the connection goes on with protocol. The policy must demand it */
};

struct peer_args {
    struct cli *cli;
    struct verify_args *v;
    enum peer_fresh fresh;
    const char *protocol;
    /* options */
    const char *connect, *timeout, *name, *operator_name;
    /* made of them */
    struct mse_target target, named, connect_to, proxy; /* named: what the certificate is for */
    bool use_proxy;
    unsigned timeout_ms;
    bool fetched;                 /* vendors were asked during the handshake */
    struct mse_error fetch_error; /* why more collateral could not be had */
};

void peer_args_init(struct peer_args *p, struct cli *cli, struct verify_args *v);
/* --operator, --name, --connect, --timeout */
void peer_args_add_rows(struct peer_args *p);
/* Of the options alone. */
MSE_MUST_CHECK bool peer_args_check(struct peer_args *p, const char *domain, struct mse_error *err);
/*
 * After verify_args_finish: what the policy expects wins, else the stored operator is expected.
 * With runtimes its runtime keys are taken too.
 */
MSE_MUST_CHECK bool peer_args_operator(struct peer_args *p, bool runtimes, struct mse_error *err);

/*
 * After all of the policy is read: secrets are for code that was checked. MSE_ERR_USAGE if no code
 * is expected; a verdict is positive then only if its fingerprint was checked.
 */
MSE_MUST_CHECK bool peer_args_demand_code(struct peer_args *p, const char *command,
                                          struct mse_error *err);

/* A connection; with a report where the peer was refused too. */
struct peer {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
};
/*
 * One handshake with the judgement inside it, on HTTP/1.1, and fresh evidence if it is wanted; a
 * second one if the peer did not wait
 * while vendors were asked. False with err set if there is no verdict; else mse_tls_proven says
 * which one, and the connection is to be used before the deadline.
 */
MSE_MUST_CHECK bool peer_open(struct peer_args *p, struct mse_deadline *deadline, struct peer *out,
                              struct mse_error *err);
void peer_close(struct peer *peer);
/* Why there is no yes, on stderr; what was not done is said first. The exit status of it. */
enum exit_code peer_refuse(const struct peer_args *p, const struct mse_report *report,
                           const char *not_done);

#endif
