/* SPDX-License-Identifier: Apache-2.0 */
/* A report as JSON; docs/report.md describes every member, docs/report.schema.json holds it to it.
 */
#include "verdict/report.h"

#include <stdlib.h>

#include "base/json.h"
#include "verdict/claims.h"
#include "verdict/verdict.h"

static void write_checks(const struct mse_report *r, struct mse_json_writer *w)
{
    mse_json_open_array(w, "checks");
    for (unsigned i = 0; i < MSE_CHECK_COUNT; i++) {
        const struct mse_check_result *c = &r->checks.of[i];

        mse_json_open_object(w, NULL);
        mse_json_put_text(w, "name", mse_check_name((enum mse_check)i));
        mse_json_put_text(w, "outcome", mse_outcome_name(c->outcome));
        if (c->code != MSE_ERR_NONE)
            mse_json_put_text(w, "code", mse_err_name(c->code));
        if (c->reason[0] != '\0')
            mse_json_put_bytes_text(w, "reason", MSE_CSTR_BYTES(c->reason));
        if (c->expected[0] != '\0')
            mse_json_put_bytes_text(w, "expected", MSE_CSTR_BYTES(c->expected));
        if (c->actual[0] != '\0')
            mse_json_put_bytes_text(w, "actual", MSE_CSTR_BYTES(c->actual));
        mse_json_close_object(w);
    }
    mse_json_close_array(w);
}

static void write_tcb(const char *key, const struct mse_tcb_result *t, struct mse_json_writer *w)
{
    if (!t->evaluated)
        return;
    mse_json_open_object(w, key);
    mse_json_put_text(w, "status", mse_tcb_status_name(t->status));
    mse_json_put_text(w, "platform_status", mse_tcb_status_name(t->platform_status));
    if (t->has_module)
        mse_json_put_text(w, "module_status", mse_tcb_status_name(t->module_status));
    mse_json_put_text(w, "qe_status", mse_tcb_status_name(t->qe_status));
    mse_json_put_time(w, "tcb_date", t->tcb_date);
    mse_json_put_unsigned(w, "evaluation", t->tcb_eval);
    mse_json_put_time(w, "next_update", t->next_update);
    if (t->shortfall[0] != '\0')
        mse_json_put_bytes_text(w, "shortfall", MSE_CSTR_BYTES(t->shortfall));
    mse_json_close_object(w);
}

static void write_judged(const struct mse_judged *j, struct mse_json_writer *w)
{
    struct mse_json_sink sink = mse_json_sink_init(w);
    const struct mse_appraisal *a = &j->appraisal;

    mse_json_open_object(w, NULL);
    if (j->is_fresh)
        mse_json_put_bool(w, "fresh", true);
    if (j->profile != NULL) {
        mse_json_put_text(w, "profile", j->profile);
        mse_json_put_text(w, "oid", j->oid);
    }
    if (a->tee != MSE_TEE_NONE) {
        mse_json_open_object(w, "claims");
        if (a->tee == MSE_TEE_SNP)
            mse_claims_snp(&a->snp, a->product, &sink.sink);
        else
            mse_claims_quote(&a->quote, &sink.sink);
        mse_json_close_object(w);
    }
    if (a->has_pck) {
        mse_json_open_object(w, "pck");
        mse_claims_pck(&a->pck, &sink.sink);
        mse_json_put_text(w, "ca", a->platform_ca ? "platform" : "processor");
        mse_json_close_object(w);
    }
    if (a->has_vek) {
        mse_json_open_object(w, "vek");
        mse_claims_vek(&a->vek, &sink.sink);
        mse_json_close_object(w);
    }
    write_tcb("tcb", &a->tcb, w);
    write_tcb("tcb_early", &a->early, w);
    mse_json_open_array(w, "advisories");
    for (size_t i = 0; i < j->advisory_count; i++)
        mse_json_put_bytes_text(w, NULL, MSE_CSTR_BYTES(j->advisories[i]));
    mse_json_close_array(w);
    mse_json_close_object(w);
}

static void write_certificate(const struct mse_report *r, struct mse_json_writer *w)
{
    static const char *const shapes[] = {
        [MSE_SHAPE_UNSAFE] = "unsafe",
        [MSE_SHAPE_LEAF] = "leaf",
        [MSE_SHAPE_CONSTRAINED] = "constrained",
    };
    struct mse_json_sink sink = mse_json_sink_init(w);

    if (!r->has_certificate)
        return;
    mse_json_open_object(w, "certificate");
    mse_claims_certificate(&r->certificate, &sink.sink);
    mse_json_put_text(w, "shape", shapes[r->shape]);
    if (r->shape_reason[0] != '\0')
        mse_json_put_text(w, "shape_reason", r->shape_reason);
    mse_json_close_object(w);
}

static void write_instance(const struct mse_report *r, struct mse_json_writer *w)
{
    if (r->ratls.has_x25519)
        mse_json_put_hex(w, "x25519", r->ratls.x25519, 32);
    if (!r->has_instance)
        return;
    mse_json_open_object(w, "instance");
    mse_json_put_bytes_text(w, "name", MSE_CSTR_BYTES(r->instance.name));
    mse_json_put_bytes_text(w, "config_name", MSE_CSTR_BYTES(r->instance.config_name));
    mse_json_put_bytes_text(w, "uuid", MSE_CSTR_BYTES(r->instance.uuid));
    mse_json_put_hex(w, "fingerprint", r->instance.fingerprint, 32);
    mse_json_put_hex(w, "owner", r->instance.owner, 32);
    mse_json_put_time(w, "not_after", r->instance.not_after);
    mse_json_close_object(w);
}

static void write_release(const struct mse_report *r, struct mse_json_writer *w)
{
    if (!r->has_release)
        return;
    mse_json_open_object(w, "release");
    mse_json_put_bytes_text(w, "app", MSE_CSTR_BYTES(r->release.app));
    mse_json_put_unsigned(w, "serial", r->release.serial);
    mse_json_put_hex(w, "sha256", r->release.sha256, 32);
    mse_json_put_hex(w, "owner", r->release.owner, 32);
    mse_json_put_time(w, "not_before", r->release.not_before);
    mse_json_put_time(w, "not_after", r->release.not_after);
    mse_json_close_object(w);
}

static void write_configuration(const struct mse_report *r, struct mse_json_writer *w)
{
    const struct mse_configuration *c = &r->configuration;

    if (c->state == MSE_CONFIGURATION_NOT_TOLD)
        return;
    mse_json_open_object(w, "configuration");
    mse_json_put_text(w, "state", mse_configuration_state_name(c->state));
    mse_json_put_bool(w, "signed", c->state == MSE_CONFIGURATION_SIGNED);
    if (c->state == MSE_CONFIGURATION_SIGNED)
        mse_json_put_hex(w, "owner", c->owner, 32);
    if (c->state != MSE_CONFIGURATION_UNCONFIGURED) {
        mse_json_put_unsigned(w, "epoch", c->epoch);
        mse_json_put_hex(w, "digest", c->digest, 32);
    }
    mse_json_close_object(w);
}

bool mse_report_write_json(const struct mse_report *report, char **out, struct mse_error *err)
{
    struct mse_writer to = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&to, 2);
    bool positive = mse_verdict_is_positive(report->verdict);

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", MSE_REPORT_SCHEMA);
    mse_json_put_text(&w, "verdict", mse_verdict_name(report->verdict));
    mse_json_put_bool(&w, "simulated",
                      report->judged_count > 0 && report->judged[0].appraisal.simulated);
    mse_json_put_unsigned(&w, "level", (uint64_t)report->level);
    mse_json_put_time(&w, "at", report->at);
    if (positive) {
        mse_json_put_time(&w, "holds_from", report->holds_from);
        mse_json_put_time(&w, "holds_until", report->holds_until);
    }
    if (report->name[0] != '\0')
        mse_json_put_bytes_text(&w, "name", MSE_CSTR_BYTES(report->name));
    write_checks(report, &w);
    mse_json_open_array(&w, "evidence");
    for (size_t i = 0; i < report->judged_count; i++)
        write_judged(&report->judged[i], &w);
    mse_json_close_array(&w);
    if (report->is_hcl) {
        struct mse_json_sink sink = mse_json_sink_init(&w);

        mse_json_open_object(&w, "hcl");
        mse_claims_hcl(&report->hcl, &sink.sink);
        mse_json_close_object(&w);
    }
    write_certificate(report, &w);
    write_instance(report, &w);
    write_release(report, &w);
    write_configuration(report, &w);
    mse_json_close_object(&w);
    mse_write_text(&to, "\n");
    *out = mse_writer_take_text(&to);
    mse_writer_cleanup(&to);
    return *out != NULL || mse_fail_memory(err);
}
