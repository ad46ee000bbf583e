/* SPDX-License-Identifier: Apache-2.0 */
/* The first message of a TLS connection, as far as the choice of a certificate needs it. */
#ifndef MSE_ENCLAVE_CLIENT_HELLO_H
#define MSE_ENCLAVE_CLIENT_HELLO_H

#include "base/bytes.h"

#define MSE_CLIENT_HELLO_MAX 16384 /* the message; browsers send up to 2 KiB */
#define MSE_CLIENT_HELLO_RECORDS 8 /* that it may be split into; everybody sends one */
#define MSE_CLIENT_HELLO_WIRE_MAX (MSE_CLIENT_HELLO_MAX + MSE_CLIENT_HELLO_RECORDS * 5)

struct mse_client_hello {
    bool has_name;
    char name[256]; /* server_name's host_name, lower case */
};
/*
 * MSE_ERR_TRUNCATED asks for more; MSE_ERR_FORMAT: not TLS; MSE_ERR_LIMIT: too large; any other:
 * TLS, but not valid. What follows the message is not looked at.
 */
MSE_MUST_CHECK bool mse_client_hello_parse(struct mse_bytes in, struct mse_client_hello *out,
                                           struct mse_error *err);

#endif
