/* SPDX-License-Identifier: Apache-2.0 */
/* TDX: the app goes into RTMR3 as the runtime's first act (docs/fingerprint.md, "TDX"). */
#include "crypto/hash.h"
#include "enclave/tee_tsm.h"
#include "measure/fingerprint.h"

/* Linux 6.16, Documentation/ABI/testing/sysfs-devices-virtual-misc-tdx_guest: reading gives the
 * register, writing extends it. */
#define REGISTERS "sys/class/misc/tdx_guest/measurements"
#define REGISTER "rtmr3:sha384"

static bool extend(const char *dir, const struct mse_app_manifest *app, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer input = { 0 };
    uint8_t digest[MSE_SHA384_SIZE];

    if (!mse_app_digest_input(app, &input, err))
        return false;
    mse_sha384(mse_writer_bytes(&input), digest);
    return mse_tee_file_write(dir, REGISTER, MSE_BYTES(digest), err);
}

/* What was in the register before would stand between the app and its fingerprint. */
static bool start(struct mse_tee *tee, const struct mse_app_manifest *app, struct mse_error *err)
{
    const struct mse_tee_tsm *tsm = (const struct mse_tee_tsm *)tee;
    uint8_t value[MSE_SHA384_SIZE], want[MSE_SHA384_SIZE];
    char dir[MSE_TEE_MAX_FILE_PATH];

    if (!mse_fingerprint_rtmr3(app, want, err) ||
        !mse_tee_file_path(tsm->root, REGISTERS, dir, err) ||
        !mse_tee_file_read_exact(dir, REGISTER, value, sizeof(value), err))
        return false;
    if (!mse_is_zero(value, sizeof(value)))
        return mse_fail_text(err, MSE_ERR_VALUE, REGISTER,
                             "was extended before: the machine has to be started anew");
    if (!extend(dir, app, err) ||
        !mse_tee_file_read_exact(dir, REGISTER, value, sizeof(value), err))
        return false;
    return memcmp(value, want, sizeof(value)) == 0 ||
           mse_fail_text(err, MSE_ERR_MISMATCH, REGISTER,
                         "is not what extending it with the app gives");
}

static bool quote(struct mse_tee *tee, const uint8_t report_data[static 64], struct mse_writer *out,
                  struct mse_error *err)
{
    return mse_tee_tsm_report((struct mse_tee_tsm *)tee, report_data, out, NULL, err);
}

/* A TD has no key of its own that another one with the same measurement would have again. */
const struct mse_tee_backend mse_tee_tdx_backend = {
    .kind = MSE_ATTEST_TDX,
    .name = "tdx",
    .host_dir = "/mse",
    .has_isolation = true,
    .start = start,
    .quote = quote,
    .free = mse_tee_tsm_free,
};
