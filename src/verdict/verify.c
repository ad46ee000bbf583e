/* SPDX-License-Identifier: Apache-2.0 */
/* The whole judgement: input to evidence, appraisal, policy, verdict. */
#include <stdlib.h>

#include "base/encode.h"
#include "verdict/fresh.h"
#include "verdict/name.h"
#include "verdict/policy_check.h"
#include "verdict/report.h"
#include "verdict/subject.h"
#include "verdict/verdict.h"
#include "verdict/verifier.h"

/* What one verification works with. */
struct job {
    struct mse_verifier *verifier;
    const struct mse_collateral *collateral;
    const struct mse_policy *policy;
    const struct mse_request *request;
    struct mse_report *report;
    struct mse_release release; /* holds only where the report has one */
    /* Fresh evidence has a list of its own until it is merged: the certificate's evidence cannot
     * stand for it. */
    bool has_fresh;
    bool alone; /* the certificate has no evidence: an owner's */
    struct mse_fresh_view fresh;
    struct mse_checks fresh_checks;
};

static void narrow(struct mse_report *r, int64_t from, int64_t until)
{
    if (from > r->holds_from)
        r->holds_from = from;
    if (until < r->holds_until)
        r->holds_until = until;
}

static void copy_advisories(struct mse_judged *j)
{
    const struct mse_tcb_result *t = &j->appraisal.tcb;

    for (size_t i = 0; i < t->advisory_count && j->advisory_count < MSE_MAX_ADVISORIES; i++)
        (void)mse_escape(t->advisories[i], j->advisories[j->advisory_count++],
                         sizeof(j->advisories[0]));
    /* The collateral may be gone before the report is. */
    j->appraisal.tcb.advisory_count = 0;
    j->appraisal.early.advisory_count = 0;
}

static bool appraise_quote(const struct job *job, struct mse_judged *j, enum mse_padding padding,
                           struct mse_checks *checks, struct mse_error *err)
{
    struct mse_error parse = { 0 };
    struct mse_quote quote;

    if (!mse_quote_parse(j->evidence, padding, &quote, &parse)) {
        (void)mse_check_fail_error(checks, MSE_CHECK_EVIDENCE, &parse);
        return true;
    }
    mse_check_pass(checks, MSE_CHECK_EVIDENCE);
    return mse_dcap_appraise(job->verifier->cache, &job->verifier->roots, job->collateral, &quote,
                             job->request->at, checks, &j->appraisal, err);
}

static bool appraise_snp(const struct job *job, struct mse_judged *j,
                         const struct mse_snp_certs *certs, struct mse_checks *checks,
                         struct mse_error *err)
{
    struct mse_error parse = { 0 };
    struct mse_snp_report report;

    if (!mse_snp_report_parse(j->evidence, &report, &parse)) {
        (void)mse_check_fail_error(checks, MSE_CHECK_EVIDENCE, &parse);
        return true;
    }
    mse_check_pass(checks, MSE_CHECK_EVIDENCE);
    return mse_snp_appraise(job->verifier->cache, &job->verifier->roots, job->collateral, &report,
                            certs, job->request->at, checks, &j->appraisal, err);
}

static enum mse_release_tee release_tee(const struct job *job, enum mse_tee tee)
{
    if (job->verifier->roots.simulated)
        return MSE_RELEASE_SIM;
    return tee == MSE_TEE_SGX ? MSE_RELEASE_SGX
                              : (tee == MSE_TEE_TDX ? MSE_RELEASE_TDX : MSE_RELEASE_SNP);
}

static void check_release(struct job *job)
{
    struct mse_report *r = job->report;
    enum mse_tee tee = r->judged_count > 0 ? r->judged[0].appraisal.tee : MSE_TEE_NONE;

    r->has_release = mse_policy_check_release(job->policy, job->request->name, job->request->at,
                                              &r->checks, &job->release, &r->release);
    mse_policy_check_runtime(job->policy, r->has_release ? &job->release : NULL,
                             mse_release_tee_name(release_tee(job, tee)), &r->checks);
    if (r->has_release)
        narrow(r, r->release.not_before, r->release.not_after);
}

/* The policy with what the owner's release adds to it; listed is the room for its fingerprints. */
static struct mse_policy with_release(const struct job *job, const struct mse_judged *j,
                                      uint8_t *listed, struct mse_checks *checks)
{
    struct mse_policy policy = *job->policy;
    const struct mse_report *r = job->report;
    int64_t floor = mse_policy_tcb_floor(job->policy, job->request->at);
    size_t count;

    if (!r->has_release)
        return policy;
    count = mse_release_expected(&job->release, job->policy, release_tee(job, j->appraisal.tee),
                                 listed);
    if (count == 0)
        (void)mse_check_fail(checks, MSE_CHECK_FINGERPRINT, MSE_ERR_MISMATCH,
                             "the owner's release lists no %sfingerprint for this kind of TEE",
                             policy.fingerprint.count > 0 ? "expected " : "");
    policy.fingerprint = (struct mse_value_list){ listed, count };
    policy.min_tcb_eval = floor > job->release.min_tcb_eval ? floor : job->release.min_tcb_eval;
    return policy;
}

static void check_policy(struct job *job, const struct mse_judged *j, struct mse_checks *checks)
{
    uint8_t listed[MSE_RELEASE_MAX_FINGERPRINTS * 32];
    struct mse_policy policy;
    struct mse_report *r = job->report;
    int64_t until = INT64_MAX;

    if (j->appraisal.tee == MSE_TEE_NONE)
        return; /* evidence did not parse: that check has failed, the others did not run */
    policy = with_release(job, j, listed, checks);
    mse_policy_check_tcb(&policy, &j->appraisal, job->request->at, &until, checks);
    mse_policy_check_attributes(&policy, &j->appraisal, checks);
    mse_policy_check_machine(&policy, &j->appraisal, checks);
    mse_policy_check_signer(&policy, &j->appraisal, checks);
    mse_policy_check_fingerprint(&policy, &j->appraisal, checks);
    narrow(r, j->appraisal.valid_from, j->appraisal.valid_until);
    narrow(r, INT64_MIN, until);
}

/* At least one check must tie the evidence to somebody; that none was even configured for this kind
 * of evidence is a refusal, not an omission. */
static void check_somebody(struct job *job)
{
    struct mse_report *r = job->report;

    for (size_t i = 0; i < r->judged_count; i++) {
        if (!mse_policy_applies(job->policy, &r->judged[i].appraisal))
            (void)mse_check_fail(&r->checks, MSE_CHECK_FINGERPRINT, MSE_ERR_POLICY,
                                 "nothing that is expected applies to this kind of evidence: any "
                                 "%s at all would pass",
                                 mse_tee_name(r->judged[i].appraisal.tee));
    }
}

/* The statement is about this evidence, this certificate and the name that was asked for. */
static void check_statement(struct job *job)
{
    struct mse_report *r = job->report;
    const char *names[] = { r->instance.name, r->instance.config_name };
    char other[280];
    uint8_t fingerprint[32];

    if (!mse_fingerprint_of(&r->judged[0].appraisal, fingerprint))
        (void)mse_check_unknown(&r->checks, MSE_CHECK_INSTANCE, MSE_ERR_UNSUPPORTED,
                                "the operator's statement cannot be compared with a TDX quote");
    else if (memcmp(fingerprint, r->instance.fingerprint, 32) != 0)
        (void)mse_check_fail(&r->checks, MSE_CHECK_INSTANCE, MSE_ERR_MISMATCH,
                             "the operator's statement is about another fingerprint");
    else if (job->request->at > r->instance.not_after)
        (void)mse_check_fail(&r->checks, MSE_CHECK_INSTANCE, MSE_ERR_EXPIRED,
                             "the operator's statement has expired");
    else if (!mse_shape_names_are(&r->certificate, names, 2, other, sizeof(other)))
        (void)mse_check_fail(&r->checks, MSE_CHECK_INSTANCE, MSE_ERR_MISMATCH,
                             "the operator's statement is about %s, the certificate is for %s",
                             r->instance.name, other);
    else if (r->name[0] != '\0' && !mse_dns_equal(r->name, r->instance.name) &&
             !mse_dns_equal(r->name, r->instance.config_name))
        (void)mse_check_fail(&r->checks, MSE_CHECK_INSTANCE, MSE_ERR_MISMATCH,
                             "the operator's statement is about %s", r->instance.name);
    else
        mse_check_pass(&r->checks, MSE_CHECK_INSTANCE);
    narrow(r, INT64_MIN, r->instance.not_after);
}

static void check_instance(struct job *job)
{
    struct mse_report *r = job->report;
    bool code_known = r->checks.of[MSE_CHECK_FINGERPRINT].outcome == MSE_OUTCOME_PASSED;
    bool expected = r->has_certificate && job->policy->instance_key.count > 0;
    struct mse_error err = { 0 };

    if (expected &&
        mse_instance_read(&r->certificate, &job->policy->instance_key, &r->instance, &err)) {
        r->has_instance = true;
        check_statement(job);
    } else if (expected && err.code != MSE_ERR_MISSING) {
        (void)mse_check_fail_error(&r->checks, MSE_CHECK_INSTANCE, &err);
    } else if (code_known) {
        r->checks.of[MSE_CHECK_INSTANCE].outcome = MSE_OUTCOME_NOT_APPLICABLE;
    } else if (expected && !job->policy->allow_no_instance) {
        /* Whoever runs another app of this signer would simply leave it out. */
        (void)mse_check_fail(&r->checks, MSE_CHECK_INSTANCE, MSE_ERR_MISSING,
                             "the certificate carries no statement of the operator about this "
                             "instance, and no fingerprint was given: any app of this signer would "
                             "pass (allow_no_instance)");
    } else {
        mse_check_waive(&r->checks, MSE_CHECK_INSTANCE,
                        "no statement of the operator about this instance: any app of this signer "
                        "would pass");
    }
}

static void check_age(struct job *job)
{
    const struct mse_policy *p = job->policy;
    struct mse_report *r = job->report;

    if (p->max_age == MSE_NOT_SET)
        r->checks.of[MSE_CHECK_AGE].outcome = MSE_OUTCOME_NOT_APPLICABLE;
    else if (r->level >= MSE_LEVEL_FRESH)
        mse_check_pass_text(&r->checks, MSE_CHECK_AGE, "the evidence answers a question of now");
    else if (!r->has_certificate)
        (void)mse_check_unknown(&r->checks, MSE_CHECK_AGE, MSE_ERR_MISSING,
                                "bare evidence carries no time");
    else if (r->certificate.not_before < job->request->at - p->max_age)
        (void)mse_check_fail(&r->checks, MSE_CHECK_AGE, MSE_ERR_EXPIRED,
                             "the certificate is %lld hours old",
                             (long long)(job->request->at - r->certificate.not_before) / 3600);
    else {
        mse_check_pass(&r->checks, MSE_CHECK_AGE);
        narrow(r, INT64_MIN, r->certificate.not_before + p->max_age);
    }
}

static const char *level_text(enum mse_level level)
{
    switch (level) {
    case MSE_LEVEL_CERTIFICATE:
        return "level 1: a genuine enclave made this key at some time";
    case MSE_LEVEL_FRESH:
        return "level 2: the key is in that enclave now";
    case MSE_LEVEL_CONNECTION:
        return "level 3: the enclave is the other end of this connection";
    case MSE_LEVEL_NONE:
        break;
    }
    return "level 0: the evidence is bound to no key or connection";
}

/* What failed at fresh evidence has failed this check already. */
static void check_level(struct job *job)
{
    const struct mse_policy *p = job->policy;
    struct mse_report *r = job->report;

    r->level = r->has_certificate && !job->alone ? MSE_LEVEL_CERTIFICATE : MSE_LEVEL_NONE;
    if (job->has_fresh && r->checks.of[MSE_CHECK_LEVEL].outcome != MSE_OUTCOME_FAILED)
        r->level = job->request->fresh->level;
    if (p->min_level != MSE_NOT_SET && (int64_t)r->level < p->min_level)
        (void)mse_check_fail(&r->checks, MSE_CHECK_LEVEL, MSE_ERR_POLICY,
                             "level %d was reached, %lld is asked for", (int)r->level,
                             (long long)p->min_level);
    else if (p->min_level == MSE_NOT_SET && !job->has_fresh)
        mse_check_waive(&r->checks, MSE_CHECK_LEVEL, "%s", level_text(r->level));
    else
        mse_check_pass_text(&r->checks, MSE_CHECK_LEVEL, "%s", level_text(r->level));
}

/* Two pieces of evidence in one certificate must be about one enclave: else measurement could be
 * taken from one and binding from the other. */
static void check_same_enclave(struct mse_report *r)
{
    for (size_t i = 1; i < r->judged_count; i++) {
        if (!mse_same_enclave(&r->judged[0].appraisal, &r->judged[i].appraisal))
            (void)mse_check_fail(&r->checks, MSE_CHECK_BINDING, MSE_ERR_BINDING,
                                 "the certificate carries evidence of two different enclaves");
    }
}

static bool judge_certificate(struct job *job, struct mse_error *err)
{
    struct mse_report *r = job->report;
    struct mse_error inner = { 0 };
    const char *profile = job->request->profile;

    if (profile == NULL && job->policy->profile[0] != '\0')
        profile = job->policy->profile;
    mse_subject_check_certificate(job->request, r);
    job->alone = job->request->fresh != NULL && profile == NULL &&
                 !mse_ratls_has_evidence(&r->certificate);
    if (job->alone)
        return true; /* fresh evidence has to say whose key it is */
    if (!mse_ratls_read(&r->certificate, profile, &r->ratls, &inner)) {
        if (inner.code == MSE_ERR_MEMORY || inner.code == MSE_ERR_USAGE) {
            *err = inner;
            return false;
        }
        (void)mse_check_fail_error(
            &r->checks, inner.code == MSE_ERR_BINDING ? MSE_CHECK_BINDING : MSE_CHECK_EVIDENCE,
            &inner);
        return true;
    }
    mse_check_pass(&r->checks, MSE_CHECK_BINDING);
    for (size_t i = 0; i < r->ratls.count; i++) {
        const struct mse_attestation *a = &r->ratls.of[i].attestation;
        struct mse_judged *j = &r->judged[r->judged_count];

        if (r->ratls.of[i].is_copy)
            continue;
        r->judged_count++;
        j->profile = r->ratls.of[i].profile->name;
        memcpy(j->oid, r->ratls.of[i].oid, sizeof(j->oid));
        j->evidence = a->evidence;
        if (a->kind == MSE_EVIDENCE_SNP ? !appraise_snp(job, j, &a->certs, &r->checks, err)
                                        : !appraise_quote(job, j, a->padding, &r->checks, err))
            return false;
    }
    check_same_enclave(r);
    return true;
}

static bool judge_evidence(struct job *job, struct mse_error *err)
{
    struct mse_report *r = job->report;
    struct mse_judged *j = &r->judged[0];
    struct mse_error inner = { 0 };
    struct mse_subject subject;

    r->judged_count = 1;
    r->checks.of[MSE_CHECK_CERTIFICATE].outcome = MSE_OUTCOME_NOT_APPLICABLE;
    r->checks.of[MSE_CHECK_NAME].outcome = MSE_OUTCOME_NOT_APPLICABLE;
    mse_check_waive(&r->checks, MSE_CHECK_BINDING, "bare evidence is bound to no certificate");
    if (!mse_subject_open((struct mse_bytes){ r->input, job->request->evidence.len }, &subject,
                          &inner)) {
        (void)mse_check_fail_error(&r->checks, MSE_CHECK_EVIDENCE, &inner);
        return true;
    }
    r->is_hcl = subject.is_hcl;
    r->hcl = subject.hcl;
    j->evidence = subject.evidence;
    return subject.kind == MSE_EVIDENCE_SNP
               ? appraise_snp(job, j, &subject.certs, &r->checks, err)
               : appraise_quote(job, j, MSE_PADDING_ZERO, &r->checks, err);
}

static bool copy_reply(struct mse_report *r, struct mse_bytes reply, struct mse_error *err)
{
    r->reply = malloc(reply.len > 0 ? reply.len : 1);
    if (r->reply == NULL)
        return mse_fail_memory(err);
    if (reply.len > 0)
        memcpy(r->reply, reply.data, reply.len);
    return true;
}

/* Opens and appraises it; what is found goes into a list of its own. */
static bool appraise_fresh(struct job *job, struct mse_error *err)
{
    const struct mse_fresh *fresh = job->request->fresh;
    struct mse_report *r = job->report;
    struct mse_judged *j = &r->judged[r->judged_count];
    struct mse_snp_certs certs = { 0 };
    struct mse_error inner = { 0 };

    if (fresh->reply.len > MSE_ATTEST_MAX_REPLY)
        return mse_check_fail(&r->checks, MSE_CHECK_LEVEL, MSE_ERR_LIMIT,
                              "the reply is too long") ||
               true;
    if (!copy_reply(r, fresh->reply, err))
        return false;
    if (!mse_fresh_open((struct mse_bytes){ r->reply, fresh->reply.len }, fresh, &r->certificate,
                        &job->fresh, &inner))
        return mse_check_fail_error(&r->checks, MSE_CHECK_LEVEL, &inner) || true;
    job->has_fresh = true;
    r->judged_count++;
    j->is_fresh = true;
    j->evidence = job->fresh.reply.evidence;
    if (job->fresh.reply.tee != MSE_ATTEST_SNP)
        return appraise_quote(job, j, MSE_PADDING_ZERO, &job->fresh_checks, err);
    if (!mse_snp_payload_parse(job->fresh.reply.evidence, &j->evidence, &certs, &inner))
        return mse_check_fail_error(&job->fresh_checks, MSE_CHECK_EVIDENCE, &inner) || true;
    return appraise_snp(job, j, &certs, &job->fresh_checks, err);
}

static void finish_fresh(struct job *job)
{
    struct mse_report *r = job->report;
    struct mse_judged *j = &r->judged[r->judged_count - 1];

    check_policy(job, j, &job->fresh_checks);
    copy_advisories(j);
    mse_fresh_merge(&job->fresh_checks, &r->checks);
    mse_fresh_check(&job->fresh, j, r->judged_count > 1 ? &r->judged[0] : NULL, &r->checks);
    if (job->alone && r->checks.of[MSE_CHECK_LEVEL].outcome != MSE_OUTCOME_FAILED)
        mse_check_pass_text(&r->checks, MSE_CHECK_BINDING, "by fresh evidence");
}

static bool take_input(const struct mse_request *request, struct mse_report *r,
                       struct mse_error *err)
{
    struct mse_bytes in = request->certificate.len > 0 ? request->certificate : request->evidence;
    struct mse_error inner = { 0 };
    size_t len = in.len;

    if ((request->certificate.len > 0) == (request->evidence.len > 0))
        return mse_fail_text(err, MSE_ERR_USAGE, "request",
                             "wants either a certificate or evidence");
    if (request->fresh != NULL && request->certificate.len == 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "request",
                             "fresh evidence is about a connection: it wants its certificate");
    if (request->fresh != NULL && request->fresh->level != MSE_LEVEL_FRESH &&
        request->fresh->level != MSE_LEVEL_CONNECTION)
        return mse_fail_text(err, MSE_ERR_USAGE, "request", "fresh.level is 2 or 3");
    if (in.len > MSE_CERT_MAX_SIZE * 2)
        return mse_fail(err, MSE_ERR_LIMIT, in.len, "request");
    r->input = malloc(in.len);
    if (r->input == NULL)
        return mse_fail_memory(err);
    if (request->certificate.len == 0) {
        memcpy(r->input, in.data, in.len);
        return true;
    }
    r->has_certificate = true;
    if (!mse_subject_certificate_der(in, r->input, &len, &inner) ||
        !mse_cert_parse((struct mse_bytes){ r->input, len }, &r->certificate, &inner)) {
        r->has_certificate = false;
        (void)mse_check_fail_error(&r->checks, MSE_CHECK_CERTIFICATE, &inner);
    }
    return true;
}

static bool judge(struct job *job, struct mse_error *err)
{
    struct mse_report *r = job->report;
    size_t of_input;

    if (r->checks.of[MSE_CHECK_CERTIFICATE].outcome == MSE_OUTCOME_FAILED)
        return true; /* unreadable: nothing else can be said */
    if (r->has_certificate ? !judge_certificate(job, err) : !judge_evidence(job, err))
        return false;
    of_input = r->judged_count;
    if (job->request->fresh != NULL && !appraise_fresh(job, err))
        return false;
    check_release(job);
    for (size_t i = 0; i < of_input; i++) {
        check_policy(job, &r->judged[i], &r->checks);
        copy_advisories(&r->judged[i]);
    }
    if (job->has_fresh)
        finish_fresh(job);
    if (r->judged_count > 0 && r->judged[0].appraisal.tee != MSE_TEE_NONE) {
        check_somebody(job);
        check_instance(job);
    }
    if (job->has_fresh)
        mse_fresh_check_configuration(&job->fresh.claim, job->policy, r);
    check_level(job);
    check_age(job);
    if (job->policy->strict)
        mse_verdict_refuse_waived(&r->checks);
    return true;
}

bool mse_verify(struct mse_verifier *verifier, const struct mse_collateral *collateral,
                const struct mse_policy *policy, const struct mse_request *request,
                struct mse_report **out, struct mse_error *err)
{
    struct job job = {
        .verifier = verifier, .collateral = collateral, .policy = policy, .request = request
    };
    bool ok;

    *out = NULL;
    if (!mse_policy_expects_somebody(policy))
        return mse_fail_text(err, MSE_ERR_USAGE, "policy",
                             "expects nobody: any enclave at all would pass. Give a fingerprint, a "
                             "measurement or a signer");
    if (collateral != NULL && !collateral->prepared)
        return mse_fail_text(err, MSE_ERR_USAGE, "collateral", "was not prepared");
    job.report = calloc(1, sizeof(*job.report));
    if (job.report == NULL)
        return mse_fail_memory(err);
    job.report->at = request->at;
    job.report->holds_from = INT64_MIN;
    job.report->holds_until = INT64_MAX;
    job.report->shape_reason = "";
    if (request->name != NULL && strlen(request->name) < sizeof(job.report->name))
        memcpy(job.report->name, request->name, strlen(request->name) + 1);
    ok = take_input(request, job.report, err) && judge(&job, err);
    mse_release_cleanup(&job.release);
    if (!ok) {
        mse_report_free(job.report);
        return false;
    }
    job.report->verdict = mse_verdict_of(&job.report->checks);
    /* The second key of a certificate is there to be sealed to: never to evidence that did not
     * pass. Nor is a level reached without it. */
    if (!mse_verdict_is_positive(job.report->verdict)) {
        memset(&job.report->configuration, 0, sizeof(job.report->configuration));
        job.report->ratls.has_x25519 = false;
        if (job.report->level > MSE_LEVEL_CERTIFICATE)
            job.report->level = job.alone ? MSE_LEVEL_NONE : MSE_LEVEL_CERTIFICATE;
    }
    *out = job.report;
    return true;
}
