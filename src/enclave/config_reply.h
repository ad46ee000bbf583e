/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of the configuration server: what the owner's client reads (docs/formats.md). */
#ifndef MSE_ENCLAVE_CONFIG_REPLY_H
#define MSE_ENCLAVE_CONFIG_REPLY_H

#include "base/bytes.h"

struct mse_config_reply {
    unsigned status;
    bool bare;    /* as clients of the original know it: no body, nothing that they do not expect */
    bool to_head; /* the headers are those of GET, the body is left out */
    bool close;
    const char *state;    /* Mse-Status */
    const uint8_t *nonce; /* 32 bytes: Mse-Nonce; NULL: none */
    uint64_t epoch;       /* Mse-Epoch */
    unsigned retry_s;     /* Retry-After; 0: none */
    const char *code;     /* of a problem (RFC 9457); NULL: text is the body */
    const char *text;
};
void mse_config_reply_write(const struct mse_config_reply *reply, struct mse_writer *out);

#endif
