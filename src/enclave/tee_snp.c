/* SPDX-License-Identifier: Apache-2.0 */
/* SEV-SNP: the host was to launch with the app's digest as HOST_DATA (docs/fingerprint.md, "SNP").
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sev-guest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "crypto/hash.h"
#include "enclave/snp_evidence.h"
#include "enclave/tee_tsm.h"
#include "issue/hkdf.h"

#define KEY_INFO "mse-snp-sealing-key-v1"
#define PLATFORM_INFO "mse-snp-platform-v1\n"

/* AMD 56860, MSG_KEY_REQ. ROOT_KEY_SELECT 0 with KEY_SEL 0: the VLEK where there is one, else the
 * VCEK; KEY_SEL 1: the VCEK. A VLEK is one for many machines. */
#define ROOT_KEY_DEFAULT 0U
#define ROOT_KEY_VCEK (1U << 1)
/* GUEST_FIELD_SELECT: what the key depends on besides. */
#define FIELD_GUEST_POLICY (1U << 0)
#define FIELD_MEASUREMENT (1U << 3)
/* MSG_KEY_RSP: status, 28 reserved bytes, key. */
#define RESPONSE_KEY 32
#define MESSAGE_VERSION 1

static struct mse_tee_tsm *tsm_of(struct mse_tee *tee)
{
    return (struct mse_tee_tsm *)tee;
}

/* ---- the first act ---- */

static bool start(struct mse_tee *tee, const struct mse_app_manifest *app, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer report = { 0 };
    static const uint8_t nothing[64];
    struct mse_tee_tsm *tsm = tsm_of(tee);
    struct mse_snp_own own;

    if (!mse_app_digest(app, tsm->app_digest, err) ||
        !mse_tee_tsm_report(tsm, nothing, &report, NULL, err) ||
        !mse_snp_own_read(mse_writer_bytes(&report), &own, err))
        return false;
    if (memcmp(own.host_data, tsm->app_digest, sizeof(own.host_data)) != 0)
        return mse_fail_text(err, MSE_ERR_MISMATCH, "HOST_DATA",
                             "is not the app's digest: the machine was launched for another app");
    memcpy(tsm->chip_id, own.chip_id, sizeof(tsm->chip_id));
    tsm->by_vcek = own.by_vcek;
    tsm->is_started = true;
    return true;
}

static bool check_started(const struct mse_tee_tsm *tsm, struct mse_error *err)
{
    return tsm->is_started ||
           mse_fail_text(err, MSE_ERR_USAGE, "snp", "HOST_DATA has not been checked yet");
}

/* ---- evidence ---- */

static bool quote(struct mse_tee *tee, const uint8_t report_data[static 64], struct mse_writer *out,
                  struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer report = { 0 };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer table = { 0 };

    return mse_tee_tsm_report(tsm_of(tee), report_data, &report, &table, err) &&
           mse_snp_evidence_write(mse_writer_bytes(&report), mse_writer_bytes(&table), out, err);
}

/* ---- sealing key ---- */

static bool request_key(const struct mse_tee_tsm *tsm, int fd,
                        struct snp_derived_key_resp *response, struct mse_error *err)
{
    struct snp_derived_key_req wanted = {
        .root_key_select = tsm->by_vcek ? ROOT_KEY_DEFAULT : ROOT_KEY_VCEK,
        .guest_field_select = FIELD_GUEST_POLICY | FIELD_MEASUREMENT,
        .vmpl = tsm->privilege_level,
    };
    struct snp_guest_request_ioctl request = {
        .msg_version = MESSAGE_VERSION,
        .req_data = (uintptr_t)&wanted,
        .resp_data = (uintptr_t)response,
    };

    if (tsm->control(fd, SNP_GET_DERIVED_KEY, &request) == 0)
        return true;
    return mse_fail_text(err, MSE_ERR_IO, "sealing key",
                         "the firmware gives none: errno %d, firmware %#x, hypervisor %#x", errno,
                         request.fw_error, request.vmm_error);
}

static bool derived_key(const struct mse_tee_tsm *tsm, struct snp_derived_key_resp *response,
                        struct mse_error *err)
{
    char path[MSE_TEE_MAX_FILE_PATH];
    struct mse_reader r;
    bool ok;
    int fd;

    if (!mse_tee_file_path(tsm->root, "dev/sev-guest", path, err))
        return false;
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd == -1)
        return mse_fail_errno(err, path, "cannot open", errno);
    ok = request_key(tsm, fd, response, err);
    (void)close(fd);
    r = mse_reader_init((struct mse_bytes){ response->data, 4 }, err);
    return ok && (mse_read_u32le(&r, "sealing key: status") == 0 ||
                  mse_fail_text(err, MSE_ERR_VALUE, "sealing key", "the firmware refuses it"));
}

/* Measurement and policy are in the derived key. The app is not, since HOST_DATA is none of the
 * fields that can be: it comes in here. */
static bool sealing_key(struct mse_tee *tee, uint8_t out[static 32], struct mse_error *err)
{
    const struct mse_tee_tsm *tsm = tsm_of(tee);
    struct snp_derived_key_resp response = { 0 };
    uint8_t info[sizeof(KEY_INFO) - 1 + 32];
    struct mse_bytes key = { response.data + RESPONSE_KEY, 32 };
    bool ok = check_started(tsm, err) && derived_key(tsm, &response, err);

    memcpy(info, KEY_INFO, sizeof(KEY_INFO) - 1);
    memcpy(info + sizeof(KEY_INFO) - 1, tsm->app_digest, 32);
    if (ok && mse_is_zero(key.data, key.len))
        ok = mse_fail_text(err, MSE_ERR_VALUE, "sealing key", "is zero");
    ok = ok && mse_issue_hkdf(key, MSE_BYTES(info), out, err);
    OPENSSL_cleanse(&response, sizeof(response));
    return ok;
}

/* The host may hide the chip's id; then the platform has no name. */
static bool platform_id(struct mse_tee *tee, uint8_t out[static 32], struct mse_error *err)
{
    const struct mse_tee_tsm *tsm = tsm_of(tee);

    if (!check_started(tsm, err))
        return false;
    if (!mse_is_zero(tsm->chip_id, sizeof(tsm->chip_id)))
        mse_sha256_pair(MSE_CSTR_BYTES(PLATFORM_INFO), MSE_BYTES(tsm->chip_id), out);
    return true;
}

const struct mse_tee_backend mse_tee_snp_backend = {
    .kind = MSE_ATTEST_SNP,
    .name = "snp",
    .host_dir = "/mse",
    .has_isolation = true,
    .start = start,
    .quote = quote,
    .sealing_key = sealing_key,
    .platform_id = platform_id,
    .free = mse_tee_tsm_free,
};
