/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate through every profile: by itself, by name, and each extension opened alone. */
#include "fuzz_profile.h"

static void read_all(const struct mse_cert *cert, const char *name)
{
    struct mse_error err = { 0 };
    struct mse_ratls ratls;

    if (mse_ratls_read(cert, name, &ratls, &err)) {
        if (ratls.count == 0 || ratls.count > MSE_RATLS_MAX || ratls.of[0].is_copy ||
            err.code != MSE_ERR_NONE)
            abort();
        if (name != NULL && ratls.of[0].profile != mse_profile_find(name))
            abort();
    } else if (ratls.count != 0 || err.code == MSE_ERR_NONE) {
        abort();
    }
    mse_ratls_cleanup(&ratls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_error err = { 0 };
    struct mse_cert cert;

    if (!mse_cert_parse((struct mse_bytes){ data, size }, &cert, &err))
        return 0;
    read_all(&cert, NULL);
    for (size_t i = 0; mse_profiles[i] != NULL; i++) {
        read_all(&cert, mse_profiles[i]->name);
        for (size_t k = 0; k < cert.extension_count; k++)
            open_payload(&cert, mse_profiles[i], cert.extensions[k].oid,
                         cert.extensions[k].payload);
    }
    return 0;
}
