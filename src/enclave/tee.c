/* SPDX-License-Identifier: Apache-2.0 */
/* Which TEE is there, and the calls that any of them answers. */
#include "enclave/tee.h"

#include <openssl/crypto.h>

/* True if this back end decided: it is there, or it is there and broken. */
static bool is_decided(bool ok, struct mse_error *why, struct mse_error *err)
{
    if (!ok && why->code != MSE_ERR_MISSING)
        *err = *why;
    return ok || why->code != MSE_ERR_MISSING;
}

bool mse_tee_open(const struct mse_tee_place *place, struct mse_tee **out, struct mse_error *err)
{
    struct mse_error why = { 0 };
    bool ok;

    *out = NULL;
    if (err->code != MSE_ERR_NONE)
        return false;
    if (place->sim_fd != -1) {
        ok = mse_tee_sim_open(place->sim_fd, out, &why);
        if (is_decided(ok, &why, err))
            return ok;
    }
    why = (struct mse_error){ 0 };
    ok = mse_tee_gramine_open(place->root, out, &why);
    if (is_decided(ok, &why, err))
        return ok;
    why = (struct mse_error){ 0 };
    ok = mse_tee_tsm_open(place, out, &why);
    if (is_decided(ok, &why, err))
        return ok;
    return mse_fail_text(err, MSE_ERR_MISSING, "TEE",
                         "there is none: no socket of mse-simtee run, no /dev/attestation "
                         "(Gramine), no provider in /sys/kernel/config/tsm/report (TDX, SEV-SNP)");
}

void mse_tee_free(struct mse_tee *tee)
{
    if (tee != NULL)
        tee->backend->free(tee);
}

enum mse_attest_tee mse_tee_kind(const struct mse_tee *tee)
{
    return tee->backend->kind;
}

const char *mse_tee_name(const struct mse_tee *tee)
{
    return tee->backend->name;
}

const char *mse_tee_host_dir(const struct mse_tee *tee)
{
    return tee->backend->host_dir;
}

bool mse_tee_has_isolation(const struct mse_tee *tee)
{
    return tee->backend->has_isolation;
}

static bool fail_unsupported(const struct mse_tee *tee, const char *what, struct mse_error *err)
{
    return mse_fail_text(err, MSE_ERR_UNSUPPORTED, mse_tee_name(tee), "has no %s", what);
}

/* The back ends without a first act were given the app when they were launched. */
bool mse_tee_start(struct mse_tee *tee, const struct mse_app_manifest *app, struct mse_error *err)
{
    return tee->backend->start == NULL || tee->backend->start(tee, app, err);
}

/*
 * Where the evidence has its REPORTDATA: quotes of version 3 (SGX), 4 and 5 (TDX, the latter with
 * type and size before the body), and SNP reports. Everything else is for whoever verifies.
 */
static const uint8_t *find_report_data(enum mse_attest_tee kind, struct mse_bytes evidence,
                                       struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(evidence, err);
    uint16_t version = mse_read_u16le(&r, "evidence: version");
    size_t at = 0;

    switch (kind) {
    case MSE_ATTEST_SIM:
    case MSE_ATTEST_SGX:
        at = 48 + 320;
        break;
    case MSE_ATTEST_TDX:
        at = version == 5 ? 48 + 6 + 520 : 48 + 520;
        break;
    case MSE_ATTEST_SNP:
        at = 0x50;
        break;
    }
    (void)mse_read_bytes(&r, at - 2, "evidence");
    return mse_read_array(&r, 64, "evidence: REPORTDATA");
}

/* A host between us and the hardware may mix up answers: better noticed here than by users. */
static bool check_evidence(const struct mse_tee *tee, struct mse_bytes evidence,
                           const uint8_t report_data[static 64], struct mse_error *err)
{
    const uint8_t *found;

    if (evidence.len > MSE_TEE_MAX_EVIDENCE)
        return mse_fail_text(err, MSE_ERR_LIMIT, mse_tee_name(tee), "evidence of %zu bytes",
                             evidence.len);
    found = find_report_data(mse_tee_kind(tee), evidence, err);
    if (found == NULL)
        return mse_fail_in(err, "%s", mse_tee_name(tee));
    return memcmp(found, report_data, 64) == 0 ||
           mse_fail_text(err, MSE_ERR_BINDING, mse_tee_name(tee),
                         "the evidence is about other report data");
}

bool mse_tee_quote(struct mse_tee *tee, const uint8_t report_data[static 64],
                   struct mse_writer *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer evidence = { 0 };

    if (!tee->backend->quote(tee, report_data, &evidence, err))
        return false;
    if (!mse_writer_ok(&evidence))
        return mse_fail_memory(err);
    if (!check_evidence(tee, mse_writer_bytes(&evidence), report_data, err))
        return false;
    mse_write_bytes(out, evidence.data, evidence.len);
    return mse_writer_ok(out) || mse_fail_memory(err);
}

/* A key of zeros is what a platform without secrets would give. */
bool mse_tee_sealing_key(struct mse_tee *tee, uint8_t out[static 32], struct mse_error *err)
{
    memset(out, 0, 32);
    if (tee->backend->sealing_key == NULL)
        return fail_unsupported(tee, "sealing key", err);
    if (!tee->backend->sealing_key(tee, out, err)) {
        OPENSSL_cleanse(out, 32);
        return false;
    }
    return !mse_is_zero(out, 32) ||
           mse_fail_text(err, MSE_ERR_VALUE, mse_tee_name(tee), "the sealing key is zero");
}

bool mse_tee_platform_id(struct mse_tee *tee, uint8_t out[static 32], struct mse_error *err)
{
    memset(out, 0, 32);
    return tee->backend->platform_id == NULL || tee->backend->platform_id(tee, out, err);
}

bool mse_tee_counter(struct mse_tee *tee, uint64_t *out, struct mse_error *err)
{
    *out = 0;
    return tee->backend->counter != NULL ? tee->backend->counter(tee, out, err)
                                         : fail_unsupported(tee, "counter", err);
}

bool mse_tee_advance(struct mse_tee *tee, uint64_t to, struct mse_error *err)
{
    return tee->backend->advance != NULL ? tee->backend->advance(tee, to, err)
                                         : fail_unsupported(tee, "counter", err);
}
