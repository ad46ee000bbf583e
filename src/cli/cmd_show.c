/* SPDX-License-Identifier: Apache-2.0 */
/* mse show: everything that is in a certificate, quote, report or bundle. It judges nothing. */
#include <stdlib.h>

#include "base/encode.h"
#include "cli/show_bundle.h"
#include "cli/subject_file.h"
#include "cli/verify_args.h"
#include "endorsement/bundle.h"
#include "verdict/claims.h"
#include "verdict/subject.h"

#define SHOW_TIMEOUT_MS 30000U
#define SHOW_SCHEMA "mse-show-v1"

static void show_snp(struct mse_bytes evidence, const struct mse_snp_certs *certs,
                     struct mse_field_sink *s)
{
    static const char *const kinds[] = { "other", "VCEK", "VLEK", "ASK or ASVK", "ARK", "CRL" };
    struct mse_error err = { 0 };
    struct mse_snp_report report;
    char line[512];

    if (!mse_snp_report_parse(evidence, &report, &err)) {
        s->text(s, "error", mse_error_describe(&err, line, sizeof(line)));
        return;
    }
    mse_claims_snp(&report, mse_snp_report_product(&report), s);
    s->number(s, "certificates", certs->count);
    for (size_t i = 0; i < certs->count; i++) {
        struct mse_cert cert;
        struct mse_vek vek;
        struct mse_error ignored = { 0 };

        if (certs->of[i].kind != MSE_SNP_CERT_VCEK && certs->of[i].kind != MSE_SNP_CERT_VLEK)
            continue;
        s->open(s, kinds[certs->of[i].kind]);
        if (mse_cert_parse(certs->of[i].der, &cert, &ignored) &&
            mse_vek_parse(&cert, &vek, &ignored))
            mse_claims_vek(&vek, s);
        s->close(s);
    }
}

/* The leaf of an embedded PCK chain: the first certificate with Intel's extension. */
static void show_pck(const struct mse_quote *quote, struct mse_field_sink *s)
{
    uint8_t der[8192];
    size_t at = 0;

    if (quote->cert_data.type != MSE_CERT_DATA_PCK_CHAIN)
        return;
    for (;;) {
        struct mse_error ignored = { 0 };
        size_t len = sizeof(der);
        struct mse_cert cert;
        struct mse_pck pck;

        if (!mse_pem_next(quote->cert_data.body, &at, "CERTIFICATE", der, &len, &ignored))
            return;
        if (!mse_cert_parse((struct mse_bytes){ der, len }, &cert, &ignored) ||
            !mse_pck_parse(&cert, &pck, &ignored))
            continue;
        s->open(s, "pck");
        mse_claims_pck(&pck, s);
        s->close(s);
        return;
    }
}

static void show_quote(struct mse_bytes evidence, struct mse_field_sink *s)
{
    struct mse_error err = { 0 };
    struct mse_quote quote;
    char line[512];

    if (!mse_quote_parse(evidence, MSE_PADDING_ZERO, &quote, &err)) {
        s->text(s, "error", mse_error_describe(&err, line, sizeof(line)));
        return;
    }
    mse_claims_quote(&quote, s);
    show_pck(&quote, s);
}

/* One extension: the profile that binds it, else the first that can at least read it. */
static void show_extension(const struct mse_cert *cert, const struct mse_extension *e,
                           struct mse_field_sink *s)
{
    const struct mse_profile *readable = NULL;
    bool bound = false;
    struct mse_error err = { 0 };
    struct mse_attestation a = { 0 };
    char oid[96], line[512];

    for (size_t i = 0; mse_profiles[i] != NULL && !bound; i++) {
        const struct mse_bytes *o = mse_profiles[i]->oids;
        struct mse_attestation attempt = { 0 };
        struct mse_error ignored = { 0 };

        while (o->len > 0 && !mse_bytes_equal(*o, e->oid))
            o++;
        if (o->len == 0 || !mse_profiles[i]->open(cert, e, &attempt, &ignored)) {
            if (o->len > 0)
                err = ignored;
            mse_attestation_cleanup(&attempt);
            continue;
        }
        bound = mse_attestation_check_binding(&attempt, &ignored);
        if (bound || readable == NULL) {
            mse_attestation_cleanup(&a);
            a = attempt;
            readable = mse_profiles[i];
        } else {
            mse_attestation_cleanup(&attempt);
        }
    }
    s->open(s, mse_oid_text(e->oid, oid, sizeof(oid)));
    s->text(s, "profile", readable != NULL ? readable->name : "none reads it");
    s->flag(s, "key_digest_matches", bound);
    if (readable == NULL)
        s->text(s, "error", mse_error_describe(&err, line, sizeof(line)));
    else if (a.kind == MSE_EVIDENCE_SNP)
        show_snp(a.evidence, &a.certs, s);
    else
        show_quote(a.evidence, s);
    s->close(s);
    mse_attestation_cleanup(&a);
}

static bool show_certificate(struct mse_bytes in, struct mse_field_sink *s, struct mse_error *err)
{
    size_t len = in.len;
    uint8_t *der = malloc(len);
    struct mse_cert cert;
    bool ok;

    if (der == NULL)
        return mse_fail_memory(err);
    ok = mse_subject_certificate_der(in, der, &len, err) &&
         mse_cert_parse((struct mse_bytes){ der, len }, &cert, err);
    if (ok) {
        s->open(s, "certificate");
        mse_claims_certificate(&cert, s);
        s->close(s);
        s->open(s, "evidence");
        for (size_t i = 0; i < cert.extension_count; i++) {
            if (mse_ratls_knows_oid(cert.extensions[i].oid))
                show_extension(&cert, &cert.extensions[i], s);
        }
        s->close(s);
    }
    free(der);
    return ok;
}

static bool show_evidence(struct mse_bytes in, struct mse_field_sink *s, struct mse_error *err)
{
    struct mse_subject subject;
    bool ok = mse_subject_open(in, &subject, err);

    if (subject.is_hcl) {
        s->open(s, "hcl");
        mse_claims_hcl(&subject.hcl, s);
        s->close(s);
        if (!ok) { /* a TDREPORT: shown as far as it goes */
            *err = (struct mse_error){ 0 };
            return true;
        }
    }
    if (!ok)
        return false;
    s->open(s, "evidence");
    if (subject.kind == MSE_EVIDENCE_SNP)
        show_snp(subject.evidence, &subject.certs, s);
    else
        show_quote(subject.evidence, s);
    s->close(s);
    return true;
}

static bool show(const char *where, struct mse_bytes in, struct mse_field_sink *s,
                 struct mse_error *err)
{
    enum mse_bundle_kind kind = mse_bundle_guess(in);

    if (kind != MSE_BUNDLE_UNKNOWN && kind != MSE_BUNDLE_CERTS)
        return show_bundle(where, in, s, err);
    if (subject_is_certificate(in))
        return show_certificate(in, s, err);
    return show_evidence(in, s, err);
}

static bool print(struct cli *cli, const char *where, struct mse_bytes in, bool json, bool verbose,
                  struct mse_error *err)
{
    struct mse_writer to = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&to, 2);
    struct mse_json_sink json_sink = mse_json_sink_init(&w);
    struct mse_text_sink text_sink = mse_text_sink_init(&to, verbose);
    struct mse_field_sink *s = json ? &json_sink.sink : &text_sink.sink;
    bool ok;

    if (json) {
        mse_json_open_object(&w, NULL);
        mse_json_put_text(&w, "schema", SHOW_SCHEMA);
        mse_json_put_bool(&w, "judged", false);
    }
    ok = show(where, in, s, err);
    if (json) {
        mse_json_close_object(&w);
        mse_write_text(&to, "\n");
    }
    ok = ok && (mse_writer_ok(&to) || mse_fail_memory(err));
    if (ok)
        cli_put(cli, &to);
    mse_writer_cleanup(&to);
    return ok;
}

enum exit_code cmd_show(struct cli *cli, int argc, char **argv)
{
    bool json = false, verbose = false, helped = false, from_network = false, ok;
    struct option_row rows[] = {
        { "--json", NULL, "print JSON instead of text", OPTION_FLAG, &json, NULL, false },
        { "--verbose", NULL, "print zero fields in full", OPTION_FLAG, &verbose, NULL, false },
        { "-v", NULL, "the same", OPTION_FLAG, &verbose, NULL, false },
    };
    const char *where = NULL;
    struct mse_error err = { 0 };
    uint8_t *data = NULL;
    size_t count = 0, len = 0;

    if (!options_read(cli, "show", rows, sizeof(rows) / sizeof(rows[0]), argc, argv, &where, 1,
                      &count, &helped, &err))
        return cli_fail(cli, &err);
    if (helped)
        return EXIT_YES;
    if (count == 0) {
        cli_note(cli, "mse: show wants a file or a domain name");
        return EXIT_USAGE;
    }
    ok = subject_load(cli, where, SHOW_TIMEOUT_MS, &data, &len, &from_network, &err) &&
         (print(cli, where, (struct mse_bytes){ data, len }, json, verbose, &err) ||
          mse_fail_in(&err, "%s", where));
    free(data);
    if (!ok)
        return cli_fail(cli, &err);
    cli_note(cli, "note: nothing was judged: this is what it says, not what is true");
    return EXIT_YES;
}
