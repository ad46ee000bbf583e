/* SPDX-License-Identifier: Apache-2.0 */
/* Request and reply of mse-attest/1 on the wire (docs/formats.md, "Fresh evidence"). */
#ifndef MSE_ATTEST_MESSAGE_H
#define MSE_ATTEST_MESSAGE_H

#include "attest/leaf.h"

#define MSE_ATTEST_VERSION 1
#define MSE_ATTEST_CONTINUE 0x01
#define MSE_ATTEST_MAX_INNER 255
#define MSE_ATTEST_MAX_REQUEST (2 + MSE_ATTEST_NONCE + 1 + MSE_ATTEST_MAX_INNER)
#define MSE_ATTEST_MAX_REPLY (64U << 10) /* behind its length */

enum mse_attest_tee {
    MSE_ATTEST_SIM = 1,
    MSE_ATTEST_SGX = 2,
    MSE_ATTEST_TDX = 3,
    MSE_ATTEST_SNP = 4
};

struct mse_attest_request {
    bool go_on; /* CONTINUE: the inner protocol follows the reply */
    uint8_t nonce[MSE_ATTEST_NONCE];
    struct mse_bytes inner; /* name of the inner protocol: borrowed; empty without CONTINUE */
};
/* MSE_ERR_TRUNCATED asks for more input; *used is the request's length. */
MSE_MUST_CHECK bool mse_attest_request_parse(struct mse_bytes in, struct mse_attest_request *out,
                                             size_t *used, struct mse_error *err);
void mse_attest_request_write(const struct mse_attest_request *request, struct mse_writer *out);

struct mse_attest_reply {
    enum mse_attest_tee tee;
    uint16_t index, count;
    const uint8_t *path; /* path_length hashes; borrowed */
    size_t path_length;
    struct mse_bytes evidence, config_statement, release; /* borrowed; the latter may be empty */
};
/* Body behind the u32be length. Strict: nothing may be left over. */
MSE_MUST_CHECK bool mse_attest_reply_parse(struct mse_bytes in, struct mse_attest_reply *out,
                                           struct mse_error *err);
/* With the length before it; MSE_ERR_LIMIT if it would be longer than allowed. */
MSE_MUST_CHECK bool mse_attest_reply_write(const struct mse_attest_reply *reply,
                                           struct mse_writer *out, struct mse_error *err);

#endif
