/* SPDX-License-Identifier: Apache-2.0 */
/* One configuration of one instance: what cmd_configure.c and configure_send.c share. */
#ifndef MSE_CLI_CONFIGURE_JOB_H
#define MSE_CLI_CONFIGURE_JOB_H

#include "attest/config_statement.h"
#include "cli/configure_files.h"
#include "cli/expect_args.h"
#include "cli/peer_args.h"
#include "client/configure.h"
#include "verdict/report.h"

struct configure_job {
    struct cli *cli;
    struct verify_args v;
    struct peer_args p;
    struct expect_args e;
    struct configure_files files;
    /* options */
    const char *output, *wait, *health;
    bool force, older_epoch;
    /* made of them */
    unsigned wait_ms;
    char host[280]; /* for requests */
    /* found */
    struct mse_config_statement statement;
    bool signed_statement; /* false: the app takes unsigned configurations */
    uint8_t certificate_sha256[32];
    bool saved; /* the verified certificate is in a file */
};

/* Everything on the connection that was verified: question, epoch, body, signature, answer. */
MSE_MUST_CHECK bool configure_send(struct configure_job *job, struct peer *peer,
                                   const struct mse_deadline *deadline, struct mse_error *err);
/* Waits for the health endpoint; then tells how to call the app. */
enum exit_code configure_finish(struct configure_job *job);

#endif
