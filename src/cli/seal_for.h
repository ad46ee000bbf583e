/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets sealed to an enclave that was verified. */
#ifndef MSE_CLI_SEAL_FOR_H
#define MSE_CLI_SEAL_FOR_H

#include "cli/cli.h"
#include "verdict/report.h"

/*
 * base64url (RFC 4648, section 5, without padding) of a sealed box to the X25519 key in the
 * evidence. report: of a verdict that was positive; another is MSE_ERR_USAGE, as is one for which
 * the code's fingerprint was not checked.
 */
MSE_MUST_CHECK bool seal_for(struct cli *cli, const struct mse_report *report,
                             struct mse_bytes secrets, struct mse_writer *out,
                             struct mse_error *err);

#endif
