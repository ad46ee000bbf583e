/* SPDX-License-Identifier: Apache-2.0 */
/* FILE|DOMAIN[:PORT] arguments: a file that exists, or the certificate that a service presents. */
#ifndef MSE_CLI_SUBJECT_FILE_H
#define MSE_CLI_SUBJECT_FILE_H

#include "cli/cli.h"

/*
 * *data is owned by the caller (free). From a service it is the certificate's DER, taken without
 * judging anything; timeout_ms bounds the whole exchange.
 */
MSE_MUST_CHECK bool subject_load(struct cli *cli, const char *where, unsigned timeout_ms,
                                 uint8_t **data, size_t *len, bool *from_network,
                                 struct mse_error *err);
/* True for DER or PEM of an X.509 certificate, by its first bytes. */
bool subject_is_certificate(struct mse_bytes in);

#endif
