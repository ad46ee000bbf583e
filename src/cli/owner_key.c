/* SPDX-License-Identifier: Apache-2.0 */
/* --owner KEY, wherever it is taken. */
#include "cli/owner_key.h"

#include <stdlib.h>

#include "base/file.h"

bool owner_key_read(const char *value, struct mse_minisign_public *out, struct mse_error *err)
{
    struct mse_error no_key = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok;

    if (mse_minisign_public_read(MSE_CSTR_BYTES(value), out, &no_key))
        return true;
    ok = mse_file_read(value, MSE_MINISIGN_FILE_MAX, &data, &len, err) &&
         (mse_minisign_public_read((struct mse_bytes){ data, len }, out, err) ||
          mse_fail_in(err, "%s", value));
    free(data);
    if (ok)
        return true;
    err->code = MSE_ERR_USAGE;
    return mse_fail_in(err, "--owner");
}
