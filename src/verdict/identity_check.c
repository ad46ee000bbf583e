/* SPDX-License-Identifier: Apache-2.0 */
/* Who signed it and what code it is: claims against the expected values. */
#include "verdict/policy_check.h"

#include <inttypes.h>
#include <stdio.h>

#include "crypto/hash.h"

#define SNP_TAG "mse-fingerprint-v1\nsnp"

bool mse_fingerprint_of(const struct mse_appraisal *a, uint8_t out[static 32])
{
    uint8_t message[sizeof(SNP_TAG) + 48 + 32]; /* the tag's NUL is the format's 00 */

    switch (a->tee) {
    case MSE_TEE_SGX:
        memcpy(out, a->quote.sgx.mrenclave, 32);
        return true;
    case MSE_TEE_SNP:
        memcpy(message, SNP_TAG, sizeof(SNP_TAG));
        memcpy(message + sizeof(SNP_TAG), a->snp.measurement, 48);
        memcpy(message + sizeof(SNP_TAG) + 48, a->snp.host_data, 32);
        mse_sha256(MSE_BYTES(message), out);
        return true;
    case MSE_TEE_TDX: /* RTMR3 holds a digest of the app digest, not the digest itself */
    case MSE_TEE_NONE:
        break;
    }
    memset(out, 0, 32);
    return false;
}

/* One register with its expected values. Returns false after adding a failure. */
static bool compare(const struct mse_value_list *list, const uint8_t *actual, size_t size,
                    const char *name, enum mse_check check, struct mse_checks *checks)
{
    if (list->count == 0 || mse_value_list_has(list, actual, size))
        return true;
    return mse_check_fail_bytes(checks, check, (struct mse_bytes){ list->values, size },
                                (struct mse_bytes){ actual, size }, "wrong %s%s", name,
                                list->count > 1 ? " (the first of several expected is shown)" : "");
}

/* Out of a release or of plain code: nothing else can stand for it. */
static bool is_derived(const struct mse_policy *policy)
{
    return policy->owner_key.count > 0 || policy->runtime.content.data != NULL;
}

static bool compare_fingerprint(const struct mse_policy *policy, const struct mse_appraisal *a,
                                struct mse_checks *checks)
{
    uint8_t actual[32];

    if (policy->fingerprint.count == 0)
        return true;
    /* One policy may list fingerprints for several kinds of TEE; for TDX mrtd says it by itself. */
    if (a->tee == MSE_TEE_TDX && policy->td[MSE_TD_MRTD].count > 0 && !is_derived(policy))
        return true;
    if (!mse_fingerprint_of(a, actual))
        return mse_check_unknown(checks, MSE_CHECK_FINGERPRINT, MSE_ERR_UNSUPPORTED,
                                 "the fingerprint cannot be told from a TDX quote alone: expect "
                                 "mrtd and rtmr0 to rtmr3");
    return compare(&policy->fingerprint, actual, 32, "fingerprint", MSE_CHECK_FINGERPRINT, checks);
}

static bool any_set(const struct mse_value_list *lists, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (lists[i].count > 0)
            return true;
    }
    return false;
}

static bool compare_td(const struct mse_policy *policy, const struct mse_td_body *b,
                       struct mse_checks *checks)
{
    const struct {
        const char *name;
        const uint8_t *actual;
    } registers[MSE_TD_REGISTER_COUNT] = {
        [MSE_TD_MRTD] = { "mrtd", b->mrtd },
        [MSE_TD_RTMR0] = { "rtmr0", b->rtmr[0] },
        [MSE_TD_RTMR1] = { "rtmr1", b->rtmr[1] },
        [MSE_TD_RTMR2] = { "rtmr2", b->rtmr[2] },
        [MSE_TD_RTMR3] = { "rtmr3", b->rtmr[3] },
        [MSE_TD_MRSEAM] = { "mrseam", b->mrseam },
        [MSE_TD_MRCONFIGID] = { "mrconfigid", b->mrconfigid },
        [MSE_TD_MROWNER] = { "mrowner", b->mrowner },
        [MSE_TD_MROWNERCONFIG] = { "mrownerconfig", b->mrownerconfig },
    };
    bool ok = true;

    for (size_t i = 0; i < MSE_TD_REGISTER_COUNT; i++)
        ok = compare(&policy->td[i], registers[i].actual, 48, registers[i].name,
                     MSE_CHECK_FINGERPRINT, checks) &&
             ok;
    /* Other registers say nothing about what was loaded first. */
    if (ok && policy->td[MSE_TD_MRTD].count == 0 && any_set(policy->td, MSE_TD_REGISTER_COUNT))
        return mse_check_fail(checks, MSE_CHECK_FINGERPRINT, MSE_ERR_POLICY,
                              "registers are expected, but not mrtd, on which they rest");
    return ok;
}

static bool compare_snp(const struct mse_policy *policy, const struct mse_snp_report *b,
                        struct mse_checks *checks)
{
    bool ok = compare(&policy->snp[MSE_SNP_MEASUREMENT], b->measurement, 48, "measurement",
                      MSE_CHECK_FINGERPRINT, checks);

    ok = compare(&policy->snp[MSE_SNP_HOST_DATA], b->host_data, 32, "host_data",
                 MSE_CHECK_FINGERPRINT, checks) &&
         ok;
    if (ok && policy->snp[MSE_SNP_MEASUREMENT].count == 0 &&
        policy->snp[MSE_SNP_HOST_DATA].count > 0 && policy->fingerprint.count == 0)
        return mse_check_fail(checks, MSE_CHECK_FINGERPRINT, MSE_ERR_POLICY,
                              "host_data is expected, but no measurement, on which it rests");
    return ok;
}

bool mse_policy_applies(const struct mse_policy *policy, const struct mse_appraisal *a)
{
    /* Without a release of theirs that lists a fingerprint for this kind the check of it fails. */
    if (policy->owner_key.count > 0)
        return a->tee != MSE_TEE_NONE;
    switch (a->tee) {
    case MSE_TEE_SGX:
        return policy->fingerprint.count > 0 || policy->mrsigner.count > 0;
    case MSE_TEE_TDX:
        return policy->fingerprint.count > 0 || policy->td[MSE_TD_MRTD].count > 0;
    case MSE_TEE_SNP:
        return policy->fingerprint.count > 0 || policy->snp[MSE_SNP_MEASUREMENT].count > 0 ||
               policy->snp[MSE_SNP_ID_KEY_DIGEST].count > 0 ||
               policy->snp[MSE_SNP_AUTHOR_KEY_DIGEST].count > 0;
    case MSE_TEE_NONE:
        break;
    }
    return false;
}

/*
 * What was compared may say only where the code begins: MRTD is the firmware, the same for every
 * guest of a cloud; an SNP measurement leaves HOST_DATA to whoever launched the guest. Returns what
 * was not compared, or NULL.
 */
static const char *not_compared(const struct mse_policy *policy, const struct mse_appraisal *a)
{
    if (a->tee == MSE_TEE_TDX) {
        for (size_t i = MSE_TD_RTMR0; i <= MSE_TD_RTMR3; i++) {
            if (policy->td[i].count == 0)
                return "mrtd fits, but not all of rtmr0 to rtmr3 were given: any kernel and app on "
                       "this firmware would pass";
        }
    }
    if (a->tee == MSE_TEE_SNP && policy->fingerprint.count == 0 &&
        policy->snp[MSE_SNP_HOST_DATA].count == 0 && !mse_is_zero(a->snp.host_data, 32))
        return "the measurement fits, but host_data, which is not empty, was not given: any app "
               "that "
               "it configures would pass";
    return NULL;
}

void mse_policy_check_fingerprint(const struct mse_policy *policy, const struct mse_appraisal *a,
                                  struct mse_checks *checks)
{
    const char *missing = not_compared(policy, a);
    bool ok = compare_fingerprint(policy, a, checks);
    bool expected = policy->fingerprint.count > 0;

    if (a->tee == MSE_TEE_TDX) {
        ok = compare_td(policy, &a->quote.td, checks) && ok;
        expected = expected || policy->td[MSE_TD_MRTD].count > 0;
    } else if (a->tee == MSE_TEE_SNP) {
        ok = compare_snp(policy, &a->snp, checks) && ok;
        expected = expected || policy->snp[MSE_SNP_MEASUREMENT].count > 0;
    }
    if (!ok)
        return;
    if (expected && missing == NULL)
        mse_check_pass(checks, MSE_CHECK_FINGERPRINT);
    else if (expected && policy->require_fingerprint)
        (void)mse_check_fail(checks, MSE_CHECK_FINGERPRINT, MSE_ERR_POLICY, "%s", missing);
    else if (expected)
        mse_check_waive(checks, MSE_CHECK_FINGERPRINT, "%s", missing);
    else if (policy->require_fingerprint)
        (void)mse_check_fail(checks, MSE_CHECK_FINGERPRINT, MSE_ERR_POLICY,
                             "the code must be checked, but no fingerprint was given");
    else
        mse_check_waive(checks, MSE_CHECK_FINGERPRINT,
                        "no fingerprint was given: the code was not checked");
}

static void check_sgx_signer(const struct mse_policy *policy, const struct mse_sgx_body *b,
                             struct mse_checks *checks)
{
    bool ok = compare(&policy->mrsigner, b->mrsigner, 32, "enclave signer", MSE_CHECK_SIGNER,
                      checks);

    if (policy->isv_prod_id != MSE_NOT_SET && policy->isv_prod_id != b->isv_prod_id)
        ok = mse_check_fail(checks, MSE_CHECK_SIGNER, MSE_ERR_MISMATCH,
                            "product id is %u, expected %" PRId64, b->isv_prod_id,
                            policy->isv_prod_id);
    if (policy->min_isv_svn != MSE_NOT_SET && b->isv_svn < policy->min_isv_svn)
        ok = mse_check_fail(checks, MSE_CHECK_SIGNER, MSE_ERR_MISMATCH,
                            "security version is %u, at least %" PRId64 " is expected", b->isv_svn,
                            policy->min_isv_svn);
    if (!ok)
        return;
    if (policy->mrsigner.count > 0)
        mse_check_pass(checks, MSE_CHECK_SIGNER);
    else
        mse_check_waive(checks, MSE_CHECK_SIGNER,
                        "no signer was given: whose enclave it is was "
                        "not checked");
}

static void check_snp_signer(const struct mse_policy *policy, const struct mse_snp_report *b,
                             struct mse_checks *checks)
{
    static const uint8_t none[48];
    const struct {
        enum mse_snp_register which;
        const char *name;
        const uint8_t *actual;
        size_t size;
    } registers[] = {
        { MSE_SNP_ID_KEY_DIGEST, "id_key_digest", b->id_key_digest, 48 },
        { MSE_SNP_AUTHOR_KEY_DIGEST, "author_key_digest", b->author_key_digest, 48 },
        { MSE_SNP_FAMILY_ID, "family_id", b->family_id, 16 },
        { MSE_SNP_IMAGE_ID, "image_id", b->image_id, 16 },
    };
    bool ok = true;

    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        ok = compare(&policy->snp[registers[i].which], registers[i].actual, registers[i].size,
                     registers[i].name, MSE_CHECK_SIGNER, checks) &&
             ok;
    if (!ok)
        return;
    if (policy->snp[MSE_SNP_ID_KEY_DIGEST].count > 0 && memcmp(b->id_key_digest, none, 48) != 0)
        mse_check_pass(checks, MSE_CHECK_SIGNER);
    else if (policy->snp[MSE_SNP_AUTHOR_KEY_DIGEST].count > 0 && b->author_key_en)
        mse_check_pass(checks, MSE_CHECK_SIGNER);
    else if (policy->snp[MSE_SNP_ID_KEY_DIGEST].count > 0 ||
             policy->snp[MSE_SNP_AUTHOR_KEY_DIGEST].count > 0)
        (void)mse_check_fail(checks, MSE_CHECK_SIGNER, MSE_ERR_MISMATCH,
                             "the guest was launched without a signed identity block");
    else
        mse_check_waive(checks, MSE_CHECK_SIGNER,
                        "no signer was given: whose guest it is was not "
                        "checked");
}

void mse_policy_check_signer(const struct mse_policy *policy, const struct mse_appraisal *a,
                             struct mse_checks *checks)
{
    switch (a->tee) {
    case MSE_TEE_SGX:
        check_sgx_signer(policy, &a->quote.sgx, checks);
        return;
    case MSE_TEE_SNP:
        check_snp_signer(policy, &a->snp, checks);
        return;
    case MSE_TEE_TDX: /* a TD has no signer: mrtd and the registers name it */
        if (checks->of[MSE_CHECK_SIGNER].outcome == MSE_OUTCOME_NOT_RUN)
            checks->of[MSE_CHECK_SIGNER].outcome = MSE_OUTCOME_NOT_APPLICABLE;
        return;
    case MSE_TEE_NONE:
        break;
    }
    (void)mse_check_fail(checks, MSE_CHECK_SIGNER, MSE_ERR_UNSUPPORTED, "no such kind of TEE");
}
