/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime description: what is accepted is written the same, in order, and gives a manifest. */
#include <stdlib.h>

#include "measure/fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void check_files(const struct mse_runtime *runtime)
{
    struct mse_error err = { 0 };

    for (size_t i = 0; i < runtime->count; i++) {
        require(mse_runtime_check_path(runtime->files[i].path, &err));
        require(i == 0 || strcmp(runtime->files[i - 1].path, runtime->files[i].path) < 0);
    }
    require(mse_runtime_diff(runtime, runtime, NULL, NULL) == 0);
}

static void check_manifest(const struct mse_runtime *runtime)
{
    struct mse_app_manifest app = { .health = "/", .memory = 64, .threads = 1, .python = "a:b" };
    struct mse_writer out = { 0 }, again = { 0 };
    struct mse_manifest manifest = { 0 };
    struct mse_error err = { 0 };

    memcpy(app.runtime, runtime->sha256, sizeof(app.runtime));
    app.isolation = runtime->tee == MSE_RUNTIME_SGX ? MSE_APP_ISOLATION_NONE
                                                    : MSE_APP_ISOLATION_PROCESS;
    if (mse_fingerprint_manifest(runtime, &app, &out, &err)) {
        require(mse_manifest_parse(mse_writer_bytes(&out), MSE_GRAMINE_1_9, &manifest, &err));
        require(mse_manifest_add_defaults(&manifest, "/l", &err));
        mse_manifest_write(&manifest, &again);
        require(mse_bytes_equal(mse_writer_bytes(&out), mse_writer_bytes(&again)));
        mse_manifest_cleanup(&manifest);
    }
    mse_writer_cleanup(&out);
    mse_writer_cleanup(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_bytes in = { data, size };
    struct mse_runtime runtime;
    struct mse_writer out = { 0 };
    struct mse_error err = { 0 };

    if (!mse_runtime_parse(in, &runtime, &err)) {
        require(err.code != MSE_ERR_NONE && runtime.files == NULL && runtime.name == NULL);
        return 0;
    }
    check_files(&runtime);
    require(mse_runtime_write(&runtime, &out, &err));
    require(mse_bytes_equal(mse_writer_bytes(&out), in));
    check_manifest(&runtime);
    mse_writer_cleanup(&out);
    mse_runtime_cleanup(&runtime);
    return 0;
}
