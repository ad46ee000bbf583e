/* SPDX-License-Identifier: Apache-2.0 */
/* Instance files, which the host writes as it likes. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "enclave/instance_file.h"

#define NOW INT64_C(1782864000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sockaddr_in peer = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a010203) };
    struct mse_instance_file file;
    struct mse_error err = { 0 };

    if (!mse_instance_file_parse((struct mse_bytes){ data, size }, NOW, &file, &err)) {
        if (err.code == MSE_ERR_NONE || file.name != NULL || file.listen != NULL ||
            file.edge_count != 0 || file.statement != NULL)
            abort();
        return 0;
    }
    if (size > MSE_INSTANCE_MAX_SIZE || file.name[0] == '\0' || file.config_name[0] == '\0' ||
        strlen(file.uuid) != 36 || file.not_after <= NOW ||
        file.not_after > NOW + MSE_INSTANCE_MAX_DAYS * INT64_C(86400) ||
        file.edge_count > MSE_INSTANCE_MAX_EDGES ||
        (file.statement == NULL) != (file.statement_len == 0))
        abort();
    for (size_t i = 0; i < file.edge_count; i++) {
        if (file.edges[i].prefix > 128)
            abort();
    }
    (void)mse_instance_file_is_edge(&file, (const struct sockaddr *)&peer);
    mse_instance_file_cleanup(&file);
    return 0;
}
