/* SPDX-License-Identifier: Apache-2.0 */
/* Security level, attributes and machine: claims against what the caller accepts. */
#include "verdict/policy_check.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/encode.h"

static bool status_allowed(const struct mse_policy *policy, enum mse_tcb_status status, int64_t at)
{
    return status != MSE_TCB_NO_MATCH && status != MSE_TCB_REVOKED &&
           (unsigned)status < MSE_TCB_STATUS_COUNT && policy->tcb_allowed[status] &&
           at <= policy->tcb_allowed_until[status];
}

static void check_intel_tcb(const struct mse_policy *policy, const struct mse_appraisal *a,
                            int64_t at, int64_t *holds_until, struct mse_checks *checks)
{
    const struct mse_tcb_result *t = &a->tcb;
    const char *word = mse_tcb_status_name(t->status);
    int64_t floor = mse_policy_tcb_floor(policy, at);

    if (!t->evaluated) {
        (void)mse_check_unknown(checks, MSE_CHECK_TCB, MSE_ERR_MISSING,
                                "not evaluated: no usable TCB info and QE identity");
        return;
    }
    if (!status_allowed(policy, t->status, at)) {
        (void)mse_check_fail(checks, MSE_CHECK_TCB, MSE_ERR_TCB, "status is %s%s%s", word,
                             t->shortfall[0] != '\0' ? ": " : "", t->shortfall);
        return;
    }
    if (t->tcb_eval < floor) {
        (void)mse_check_fail(checks, MSE_CHECK_TCB, MSE_ERR_TCB,
                             "collateral has evaluation number %" PRIu32 ", at least %" PRId64
                             " is asked for: fetch newer collateral",
                             t->tcb_eval, floor);
        return;
    }
    if (policy->tcb_allowed_until[t->status] < *holds_until)
        *holds_until = policy->tcb_allowed_until[t->status];
    if (a->early.evaluated && !status_allowed(policy, a->early.status, at))
        mse_check_pass_text(checks, MSE_CHECK_TCB,
                            "%s; the vendor's early set (evaluation %" PRIu32
                            ") will refuse it: %s%s%s",
                            word, a->early.tcb_eval, mse_tcb_status_name(a->early.status),
                            a->early.shortfall[0] != '\0' ? ": " : "", a->early.shortfall);
    else
        mse_check_pass_text(checks, MSE_CHECK_TCB, "%s, evaluation %" PRIu32, word, t->tcb_eval);
}

static bool reaches(const char *which, const struct mse_snp_floor *floor,
                    const struct mse_snp_tcb *tcb, struct mse_checks *checks)
{
    const struct {
        const char *name;
        int want;
        int have;
    } parts[] = { { "fmc", floor->fmc, tcb->fmc },
                  { "bl", floor->bl, tcb->bl },
                  { "tee", floor->tee, tcb->tee },
                  { "snp", floor->snp, tcb->snp },
                  { "ucode", floor->ucode, tcb->ucode } };

    for (size_t i = 0; floor->set && i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].have < parts[i].want)
            return mse_check_fail(checks, MSE_CHECK_TCB, MSE_ERR_TCB,
                                  "%s TCB: %s is %d, needs %d: %s", which, parts[i].name,
                                  parts[i].have, parts[i].want,
                                  i == 4 ? "microcode update" : "firmware (SEV) update");
    }
    return true;
}

static void check_snp_tcb(const struct mse_policy *policy, const struct mse_appraisal *a,
                          struct mse_checks *checks)
{
    const struct mse_snp_tcb *t = &a->reported_tcb;

    if (!reaches("reported", &policy->min_reported_tcb, &a->reported_tcb, checks) ||
        !reaches("committed", &policy->min_committed_tcb, &a->committed_tcb, checks) ||
        !reaches("launch", &policy->min_launch_tcb, &a->launch_tcb, checks))
        return;
    if (!policy->min_reported_tcb.set) {
        mse_check_waive(checks, MSE_CHECK_TCB,
                        "no minimum given (min_reported_tcb), and AMD publishes no status; "
                        "reported: bl=%u,tee=%u,snp=%u,ucode=%u",
                        t->bl, t->tee, t->snp, t->ucode);
        return;
    }
    mse_check_pass_text(checks, MSE_CHECK_TCB, "reported bl=%u,tee=%u,snp=%u,ucode=%u", t->bl,
                        t->tee, t->snp, t->ucode);
}

void mse_policy_check_tcb(const struct mse_policy *policy, const struct mse_appraisal *a,
                          int64_t at, int64_t *holds_until, struct mse_checks *checks)
{
    switch (a->tee) {
    case MSE_TEE_SGX:
    case MSE_TEE_TDX:
        check_intel_tcb(policy, a, at, holds_until, checks);
        return;
    case MSE_TEE_SNP:
        check_snp_tcb(policy, a, checks);
        return;
    case MSE_TEE_NONE:
        break;
    }
    (void)mse_check_fail(checks, MSE_CHECK_TCB, MSE_ERR_UNSUPPORTED, "no such kind of TEE");
}

/* One attribute bit that is refused, unless the policy allows exactly that one. */
struct refusal {
    bool present;
    bool allowed;
    const char *what;
};

static void check_refusals(const struct refusal *r, size_t count, struct mse_checks *checks)
{
    for (size_t i = 0; i < count; i++) {
        if (r[i].present && !r[i].allowed)
            (void)mse_check_fail(checks, MSE_CHECK_ATTRIBUTES, MSE_ERR_POLICY, "%s", r[i].what);
    }
    mse_check_pass(checks, MSE_CHECK_ATTRIBUTES);
}

static void check_sgx_attributes(const struct mse_policy *p, const struct mse_sgx_body *b,
                                 struct mse_checks *checks)
{
    /* Bits with a meaning (Intel SDM vol. 3D, ATTRIBUTES): also CET (6) and AEX-Notify (10). */
    const uint64_t known = MSE_SGX_INIT | MSE_SGX_DEBUG | MSE_SGX_MODE64 | MSE_SGX_PROVISION_KEY |
                           MSE_SGX_EINITTOKEN_KEY | MSE_SGX_KSS | 1ULL << 6 | 1ULL << 10;
    const struct refusal r[] = {
        { (b->flags & MSE_SGX_DEBUG) != 0, p->allow_debug,
          "debug enclave: its memory can be read from outside (allow_debug)" },
        { (b->flags & MSE_SGX_INIT) == 0, false, "enclave was never initialised" },
        { (b->flags & MSE_SGX_MODE64) == 0, false, "not a 64-bit enclave" },
        { (b->flags & MSE_SGX_PROVISION_KEY) != 0, p->allow_provision_key,
          "enclave may derive provisioning keys (allow_provision_key)" },
        { (b->flags & MSE_SGX_EINITTOKEN_KEY) != 0, p->allow_einittoken_key,
          "enclave may make launch tokens (allow_einittoken_key)" },
        { (b->flags & ~known) != 0, false, "reserved attribute bits are set" },
    };

    check_refusals(r, sizeof(r) / sizeof(r[0]), checks);
}

static void check_td_attributes(const struct mse_policy *p, const struct mse_td_body *b,
                                struct mse_checks *checks)
{
    /* Intel TDX Module ABI, "ATTRIBUTES": byte 0 is "TD under debug"; 27 LASS, 28 SEPT_VE_DISABLE,
     * 29 MIGRATABLE, 30 PKS, 31 KL, 62 TPA, 63 PERFMON. */
    const uint64_t known = 0xffULL | 1ULL << 27 | MSE_TD_SEPT_VE_DISABLE | 1ULL << 29 | MSE_TD_PKS |
                           MSE_TD_KL | 1ULL << 62 | MSE_TD_PERFMON;
    const struct refusal r[] = {
        { (b->td_attributes & MSE_TD_DEBUG) != 0, p->allow_debug,
          "debug TD: its memory can be read from outside (allow_debug)" },
        { (b->td_attributes & 0xfeULL) != 0, false, "TD runs under other debug features" },
        { (b->td_attributes & MSE_TD_SEPT_VE_DISABLE) == 0, p->allow_sept_ve,
          "SEPT_VE_DISABLE is not set: the host can inject #VE (allow_sept_ve)" },
        { (b->td_attributes & 1ULL << 29) != 0, p->allow_migratable,
          "TD may be migrated (allow_migratable)" },
        { (b->td_attributes & ~known) != 0, false, "reserved attribute bits are set" },
    };

    check_refusals(r, sizeof(r) / sizeof(r[0]), checks);
}

static void check_snp_attributes(const struct mse_policy *p, const struct mse_snp_report *b,
                                 struct mse_checks *checks)
{
    char vmpl[96];
    const struct refusal r[] = {
        { (b->policy & MSE_SNP_POLICY_DEBUG) != 0, p->allow_debug,
          "debug guest: its memory can be read from outside (allow_debug)" },
        { (b->policy & MSE_SNP_POLICY_MIGRATE_MA) != 0, p->allow_migration_agent,
          "guest may be moved by a migration agent (allow_migration_agent)" },
        { (b->policy & 1ULL << 17) == 0, false, "policy bit 17, always one, is zero" },
        { (int64_t)b->vmpl > p->max_vmpl, false, vmpl },
        { p->snp_signing_key != MSE_NOT_SET && (int64_t)b->signing_key != p->snp_signing_key, false,
          "signed by the other kind of key than asked for (signing_key)" },
    };

    (void)snprintf(vmpl, sizeof(vmpl),
                   "asked for at VMPL %" PRIu32 ", at most %" PRId64 " is accepted (max_vmpl)",
                   b->vmpl, p->max_vmpl);
    check_refusals(r, sizeof(r) / sizeof(r[0]), checks);
}

void mse_policy_check_attributes(const struct mse_policy *policy, const struct mse_appraisal *a,
                                 struct mse_checks *checks)
{
    switch (a->tee) {
    case MSE_TEE_SGX:
        check_sgx_attributes(policy, &a->quote.sgx, checks);
        return;
    case MSE_TEE_TDX:
        check_td_attributes(policy, &a->quote.td, checks);
        return;
    case MSE_TEE_SNP:
        check_snp_attributes(policy, &a->snp, checks);
        return;
    case MSE_TEE_NONE:
        break;
    }
    (void)mse_check_fail(checks, MSE_CHECK_ATTRIBUTES, MSE_ERR_UNSUPPORTED, "no such kind of TEE");
}

void mse_policy_check_machine(const struct mse_policy *policy, const struct mse_appraisal *a,
                              struct mse_checks *checks)
{
    static const uint8_t masked[64]; /* a VLEK's report need not say which chip it is of */
    bool listed = false;

    if (policy->machine.count == 0 && policy->machine_id.count == 0) {
        if (checks->of[MSE_CHECK_MACHINE].outcome == MSE_OUTCOME_NOT_RUN)
            checks->of[MSE_CHECK_MACHINE].outcome = MSE_OUTCOME_NOT_APPLICABLE;
        return;
    }
    if (a->tee == MSE_TEE_SNP) {
        listed = memcmp(a->snp.chip_id, masked, 64) != 0 &&
                 mse_value_list_has(&policy->machine, a->snp.chip_id, 64);
    } else if (a->has_pck) {
        listed = mse_value_list_has(&policy->machine_id, a->pck.ppid, 16) ||
                 (a->pck.has_platform_instance &&
                  mse_value_list_has(&policy->machine_id, a->pck.platform_instance, 16));
    }
    if (listed)
        mse_check_pass(checks, MSE_CHECK_MACHINE);
    else
        (void)mse_check_fail(checks, MSE_CHECK_MACHINE, MSE_ERR_MISMATCH,
                             "this machine is not on the list of allowed ones");
}
