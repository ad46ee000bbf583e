/* SPDX-License-Identifier: Apache-2.0 */
/* PROXY protocol, version 2: the client's address before the first byte (HAProxy, proxy-protocol).
 */
#ifndef MSE_ENCLAVE_PROXY_HEADER_H
#define MSE_ENCLAVE_PROXY_HEADER_H

#include <netinet/in.h>

#include "base/bytes.h"

#define MSE_PROXY_HEADER_MAX 536 /* 16 and the addresses, and TLVs that are skipped */

struct mse_proxy_addresses {
    bool known; /* false: LOCAL, or an address family without addresses */
    struct sockaddr_storage source, destination;
};
/* MSE_ERR_TRUNCATED asks for more; *used is the header's length. */
MSE_MUST_CHECK bool mse_proxy_header_parse(struct mse_bytes in, struct mse_proxy_addresses *out,
                                           size_t *used, struct mse_error *err);
void mse_proxy_header_write(const struct mse_proxy_addresses *addresses, struct mse_writer *out);

#endif
