/* SPDX-License-Identifier: Apache-2.0 */
/* A report for people: checks first, then what was read, then the verdict. */
#include "verdict/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "verdict/claims.h"
#include "verdict/verdict.h"

static void write_check(const struct mse_report *r, enum mse_check check, struct mse_writer *w)
{
    const struct mse_check_result *c = &r->checks.of[check];

    mse_write_format(w, "  %-12s %-14s %s\n", mse_check_name(check), mse_outcome_name(c->outcome),
                     c->reason);
    if (c->expected[0] != '\0')
        mse_write_format(w, "  %-12s %-14s expected %s\n", "", "", c->expected);
    if (c->actual[0] != '\0')
        mse_write_format(w, "  %-12s %-14s read     %s\n", "", "", c->actual);
}

static void write_tcb(const char *title, const struct mse_tcb_result *t, struct mse_writer *w)
{
    char date[MSE_TIME_TEXT_SIZE];

    if (!t->evaluated)
        return;
    mse_write_format(w, "%-22s %s (platform %s", title, mse_tcb_status_name(t->status),
                     mse_tcb_status_name(t->platform_status));
    if (t->has_module)
        mse_write_format(w, ", TDX module %s", mse_tcb_status_name(t->module_status));
    mse_write_format(w, ", quoting enclave %s), level of %s, evaluation %u\n",
                     mse_tcb_status_name(t->qe_status), mse_time_write(t->tcb_date, date),
                     (unsigned)t->tcb_eval);
    if (t->shortfall[0] != '\0')
        mse_write_format(w, "%-22s %s\n", "  short of newest", t->shortfall);
}

static void write_judged(const struct mse_judged *j, bool verbose, struct mse_writer *w)
{
    struct mse_text_sink sink = mse_text_sink_init(w, verbose);
    const struct mse_appraisal *a = &j->appraisal;

    if (a->tee == MSE_TEE_NONE)
        return;
    mse_write_text(w, j->is_fresh ? "\nFresh evidence\n" : "\nEvidence\n");
    sink.depth = 1;
    if (j->profile != NULL) {
        sink.sink.text(&sink.sink, "profile", j->profile);
        sink.sink.text(&sink.sink, "oid", j->oid);
    }
    if (a->tee == MSE_TEE_SNP)
        mse_claims_snp(&a->snp, a->product, &sink.sink);
    else
        mse_claims_quote(&a->quote, &sink.sink);
    mse_write_text(w, "\nPlatform\n");
    if (a->has_pck)
        mse_claims_pck(&a->pck, &sink.sink);
    if (a->has_vek)
        mse_claims_vek(&a->vek, &sink.sink);
    write_tcb("  tcb status", &a->tcb, w);
    write_tcb("  early tcb status", &a->early, w);
    for (size_t i = 0; i < j->advisory_count; i++)
        mse_write_format(w, "%-22s %s\n", i == 0 ? "  advisories" : "", j->advisories[i]);
}

static void write_instance(const struct mse_report *r, struct mse_writer *w)
{
    struct mse_text_sink sink = mse_text_sink_init(w, true);

    sink.depth = 1;
    if (r->ratls.has_x25519)
        mse_write_text(w, "\nSealing key\n");
    if (r->ratls.has_x25519)
        sink.sink.hex(&sink.sink, "x25519", r->ratls.x25519, 32);
    if (!r->has_instance)
        return;
    mse_write_text(w, "\nInstance, as the operator states\n");
    sink.sink.text(&sink.sink, "name", r->instance.name);
    sink.sink.text(&sink.sink, "config_name", r->instance.config_name);
    sink.sink.text(&sink.sink, "uuid", r->instance.uuid);
    sink.sink.hex(&sink.sink, "owner", r->instance.owner, 32);
    sink.sink.time(&sink.sink, "not_after", r->instance.not_after);
}

static void write_release(const struct mse_report *r, struct mse_writer *w)
{
    struct mse_text_sink sink = mse_text_sink_init(w, true);
    char serial[24];

    sink.depth = 1;
    if (!r->has_release)
        return;
    (void)snprintf(serial, sizeof(serial), "%" PRIu64, r->release.serial);
    mse_write_text(w, "\nRelease, as its owner states\n");
    sink.sink.text(&sink.sink, "app", r->release.app);
    sink.sink.text(&sink.sink, "serial", serial);
    sink.sink.hex(&sink.sink, "sha256", r->release.sha256, 32);
    sink.sink.hex(&sink.sink, "owner", r->release.owner, 32);
    sink.sink.time(&sink.sink, "not_after", r->release.not_after);
}

static void write_configuration(const struct mse_report *r, struct mse_writer *w)
{
    char text[MSE_CONFIGURATION_TEXT_SIZE];

    if (r->configuration.state != MSE_CONFIGURATION_NOT_TOLD)
        mse_write_format(w, "\nConfiguration\n  %s\n",
                         mse_configuration_text(&r->configuration, text));
}

bool mse_report_write_text(const struct mse_report *report, bool verbose, char **out,
                           struct mse_error *err)
{
    struct mse_writer w = { 0 };
    char until[MSE_TIME_TEXT_SIZE];
    char at[MSE_TIME_TEXT_SIZE];

    mse_write_text(&w, "Checks\n");
    for (unsigned i = 0; i < MSE_CHECK_COUNT; i++)
        write_check(report, (enum mse_check)i, &w);
    if (report->has_certificate) {
        struct mse_text_sink sink = mse_text_sink_init(&w, verbose);

        mse_write_text(&w, "\nCertificate\n");
        sink.depth = 1;
        mse_claims_certificate(&report->certificate, &sink.sink);
        if (report->shape_reason[0] != '\0')
            sink.sink.text(&sink.sink,
                           report->shape == MSE_SHAPE_UNSAFE ? "do NOT import it"
                                                             : "import with care",
                           report->shape_reason);
    }
    for (size_t i = 0; i < report->judged_count; i++)
        write_judged(&report->judged[i], verbose, &w);
    write_instance(report, &w);
    write_release(report, &w);
    write_configuration(report, &w);
    mse_write_format(&w, "\nVerdict: %s, judged at %s", mse_verdict_name(report->verdict),
                     mse_time_write(report->at, at));
    if (mse_verdict_is_positive(report->verdict))
        mse_write_format(&w, ", holds until %s", mse_time_write(report->holds_until, until));
    mse_write_text(&w, "\n");
    *out = mse_writer_take_text(&w);
    mse_writer_cleanup(&w);
    return *out != NULL || mse_fail_memory(err);
}
