/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.0 and 1.1 requests as the configuration server takes them (RFC 9112), bounded. */
#ifndef MSE_ENCLAVE_CONFIG_HTTP_H
#define MSE_ENCLAVE_CONFIG_HTTP_H

#include "base/bytes.h"

#define MSE_CONFIG_HEAD_MAX 8192

enum mse_config_method { MSE_CONFIG_GET, MSE_CONFIG_HEAD, MSE_CONFIG_POST, MSE_CONFIG_OTHER };

struct mse_config_head {
    enum mse_config_method method;
    bool keep_alive, expects_continue;
    uint64_t length;            /* of the body that follows; 0 without one */
    bool has_signature;         /* Mse-Signature is there, whatever it holds */
    struct mse_bytes signature; /* its value, or empty; borrowed */
    size_t used;                /* bytes of the head */
};
/*
 * status: HTTP status of the refusal (400, 411, 413, 414, 417, 431, 505), set with MSE_ERR_FORMAT;
 * MSE_ERR_TRUNCATED asks for more. in: MSE_CONFIG_HEAD_MAX bytes at least hold a head. A body needs
 * Content-Length, once, of at most MSE_CONFIG_MAX_BODY; Transfer-Encoding is refused. Only POST and
 * methods that are not known may have one.
 */
MSE_MUST_CHECK bool mse_config_head_parse(struct mse_bytes in, struct mse_config_head *out,
                                          unsigned *status, struct mse_error *err);

#endif
