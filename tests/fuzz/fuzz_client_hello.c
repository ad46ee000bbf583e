/* SPDX-License-Identifier: Apache-2.0 */
/* The ClientHello: more is asked for within the limit only, and the name is a clean string. */
#include <stdlib.h>

#include "enclave/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_client_hello hello;
    struct mse_error err = { 0 };

    if (!mse_client_hello_parse((struct mse_bytes){ data, size }, &hello, &err)) {
        require(err.code != MSE_ERR_NONE && !hello.has_name);
        require(err.code != MSE_ERR_TRUNCATED || size < MSE_CLIENT_HELLO_WIRE_MAX);
        return 0;
    }
    require(hello.has_name == (hello.name[0] != '\0'));
    for (const char *c = hello.name; *c != '\0'; c++)
        require(*c > 0x20 && *c < 0x7f && !(*c >= 'A' && *c <= 'Z'));
    return 0;
}
