/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what the command line does not print field by field, for run.py. Each line of standard
 * input is "KIND PATH"; each answer is one line of JSON: {"error": name} or the fields. Judges
 * nothing. A CRL stays loaded: certificates that follow say which loaded lists name them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/file.h"
#include "crypto/hash.h"
#include "endorsement/chain.h"
#include "endorsement/signed_json.h"
#include "ratls/ratls.h"
#include "verdict/claims.h"

#define MAX_FILE (1U << 20)
#define MAX_LISTS 256

struct list {
    char *path;
    uint8_t *der;
    struct mse_crl crl;
};

struct lists {
    struct list of[MAX_LISTS];
    size_t count;
};

struct answer {
    struct mse_json_writer json;
    struct mse_json_sink sink;
    struct lists *lists;
    const char *path;
};

/* ---- certificates ---- */

static void put_listed_by(struct answer *a, const struct mse_cert *cert)
{
    mse_json_open_array(&a->json, "listed_by");
    for (size_t i = 0; i < a->lists->count; i++) {
        const struct list *l = &a->lists->of[i];

        if (mse_bytes_equal(l->crl.issuer, cert->issuer) && mse_crl_lists(&l->crl, cert->serial))
            mse_json_put_text(&a->json, NULL, l->path);
    }
    mse_json_close_array(&a->json);
}

static void put_cert(struct answer *a, const struct mse_cert *cert)
{
    struct mse_field_sink *s = &a->sink.sink;
    struct mse_error pck_err = { 0 };
    struct mse_error vek_err = { 0 };
    struct mse_pck pck;
    struct mse_vek vek;

    mse_claims_certificate(cert, s);
    mse_json_put_text(&a->json, "role", mse_cert_role_name(mse_cert_role_guess(cert)));
    put_listed_by(a, cert);
    if (mse_pck_parse(cert, &pck, &pck_err)) {
        s->open(s, "pck");
        mse_claims_pck(&pck, s);
        s->close(s);
    } else {
        mse_json_put_text(&a->json, "pck_error", mse_err_name(pck_err.code));
    }
    if (mse_vek_parse(cert, &vek, &vek_err)) {
        s->open(s, "vek");
        mse_claims_vek(&vek, s);
        s->close(s);
    } else {
        mse_json_put_text(&a->json, "vek_error", mse_err_name(vek_err.code));
    }
}

static bool read_cert(struct answer *a, struct mse_bytes in, struct mse_error *err)
{
    struct mse_cert cert;

    if (!mse_cert_parse(in, &cert, err))
        return false;
    put_cert(a, &cert);
    return true;
}

static void put_evidence(struct answer *a, const struct mse_attestation *e)
{
    struct mse_error ignored = { 0 };
    struct mse_bytes evidence = e->evidence;
    struct mse_quote quote;
    uint8_t digest[32];

    if (e->kind == MSE_EVIDENCE_QUOTE && mse_quote_parse(evidence, e->padding, &quote, &ignored))
        evidence.len = quote.len; /* without the zeros behind it */
    mse_sha256(evidence, digest);
    mse_json_put_hex(&a->json, "sha256", digest, sizeof(digest));
    mse_json_put_unsigned(&a->json, "size", evidence.len);
    mse_json_put_unsigned(&a->json, "padding", e->evidence.len - evidence.len);
    mse_json_put_unsigned(&a->json, "certificates", e->certs.count);
}

static bool read_attested(struct answer *a, struct mse_bytes in, struct mse_error *err)
{
    struct mse_cert cert;
    struct mse_ratls ratls;

    if (!mse_cert_parse(in, &cert, err) || !mse_ratls_read(&cert, NULL, &ratls, err))
        return false;
    mse_json_open_array(&a->json, "extensions");
    for (size_t i = 0; i < ratls.count; i++) {
        mse_json_open_object(&a->json, NULL);
        mse_json_put_text(&a->json, "oid", ratls.of[i].oid);
        mse_json_put_text(&a->json, "profile", ratls.of[i].profile->name);
        mse_json_put_bool(&a->json, "is_copy", ratls.of[i].is_copy);
        put_evidence(a, &ratls.of[i].attestation);
        mse_json_close_object(&a->json);
    }
    mse_json_close_array(&a->json);
    mse_ratls_cleanup(&ratls);
    return true;
}

/* ---- evidence ---- */

/* Every certificate of the certification data, in its order. */
static bool read_quote(struct answer *a, struct mse_bytes in, struct mse_error *err)
{
    struct mse_quote quote;
    uint8_t *der;
    size_t at = 0, len;

    if (!mse_quote_parse(in, MSE_PADDING_ZERO, &quote, err))
        return false;
    der = malloc(quote.cert_data.body.len + 1);
    if (der == NULL)
        return mse_fail_memory(err);
    mse_json_put_unsigned(&a->json, "size", quote.len);
    mse_json_put_unsigned(&a->json, "att_key_type", quote.att_key_type);
    mse_json_put_unsigned(&a->json, "body_type", (uint64_t)quote.body_type);
    mse_json_open_array(&a->json, "chain");
    while (len = quote.cert_data.body.len + 1,
           mse_pem_next(quote.cert_data.body, &at, "CERTIFICATE", der, &len, err)) {
        struct mse_error inner = { 0 };

        mse_json_open_object(&a->json, NULL);
        if (!read_cert(a, (struct mse_bytes){ der, len }, &inner))
            mse_json_put_text(&a->json, "error", mse_err_name(inner.code));
        mse_json_close_object(&a->json);
    }
    mse_json_close_array(&a->json);
    free(der);
    return err->code == MSE_ERR_NONE;
}

static bool read_snp(struct answer *a, struct mse_bytes in, struct mse_error *err)
{
    struct mse_snp_report r;

    if (!mse_snp_report_parse(in, &r, err))
        return false;
    mse_json_put_hex(&a->json, "reported_tcb", r.reported_tcb, 8);
    mse_json_put_hex(&a->json, "current_tcb", r.current_tcb, 8);
    mse_json_put_hex(&a->json, "committed_tcb", r.committed_tcb, 8);
    mse_json_put_hex(&a->json, "launch_tcb", r.launch_tcb, 8);
    if (r.has_cpuid)
        mse_json_put_hex(&a->json, "cpuid",
                         (const uint8_t[]){ r.cpuid_family, r.cpuid_model, r.cpuid_stepping }, 3);
    return true;
}

static bool read_hcl(struct answer *a, struct mse_bytes in, struct mse_error *err)
{
    struct mse_hcl hcl;
    uint8_t digest[32];

    if (!mse_hcl_parse(in, &hcl, err))
        return false;
    mse_sha256(hcl.runtime, digest);
    mse_json_put_unsigned(&a->json, "report_type", (uint64_t)hcl.type);
    mse_json_put_unsigned(&a->json, "hash_type", hcl.hash_type);
    mse_json_put_unsigned(&a->json, "runtime_size", hcl.runtime.len);
    mse_json_put_hex(&a->json, "runtime_sha256", digest, sizeof(digest));
    mse_json_put_hex(&a->json, "report_data", hcl.report_data, 64);
    mse_json_put_bytes_text(&a->json, "ak_modulus", hcl.ak_modulus);
    mse_json_put_bytes_text(&a->json, "ak_exponent", hcl.ak_exponent);
    mse_json_put_bytes_text(&a->json, "user_data", hcl.user_data);
    return true;
}

/* ---- vendor statements ---- */

static bool read_crl(struct answer *a, struct mse_bytes in, struct mse_error *err)
{
    struct list *l = &a->lists->of[a->lists->count];
    char name[256];

    if (a->lists->count == MAX_LISTS)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "lists");
    *l = (struct list){ .path = strdup(a->path), .der = malloc(in.len) };
    if (l->path == NULL || l->der == NULL)
        return mse_fail_memory(err);
    memcpy(l->der, in.data, in.len);
    if (!mse_crl_parse((struct mse_bytes){ l->der, in.len }, &l->crl, err)) {
        free(l->path);
        free(l->der);
        return false;
    }
    a->lists->count++;
    mse_json_put_text(&a->json, "issuer_cn",
                      mse_escape(mse_cert_common_name(l->crl.issuer), name, sizeof(name)));
    mse_json_put_time(&a->json, "this_update", l->crl.this_update);
    mse_json_put_time(&a->json, "next_update", l->crl.next_update);
    mse_json_put_unsigned(&a->json, "revoked", l->crl.serial_count);
    return true;
}

static bool read_tcb_info(struct answer *a, struct mse_bytes in, struct mse_error *err)
{
    struct mse_bytes body;
    struct mse_tcb_info info;
    uint8_t signature[64];

    if (!mse_signed_json_split(in, "tcbInfo", &body, signature, err) ||
        !mse_tcb_info_parse(body, &info, err))
        return false;
    mse_json_put_text(&a->json, "id", info.is_tdx ? "TDX" : "SGX");
    mse_json_put_hex(&a->json, "fmspc", info.fmspc, sizeof(info.fmspc));
    mse_json_put_hex(&a->json, "pce_id", info.pce_id, sizeof(info.pce_id));
    mse_json_put_unsigned(&a->json, "evaluation", info.tcb_eval);
    mse_json_put_time(&a->json, "issue_date", info.issue_date);
    mse_json_put_time(&a->json, "next_update", info.next_update);
    mse_json_put_unsigned(&a->json, "levels", info.platform_level_count);
    mse_json_put_unsigned(&a->json, "modules", info.module_count);
    mse_tcb_info_cleanup(&info);
    return true;
}

static bool read_qe_identity(struct answer *a, struct mse_bytes in, struct mse_error *err)
{
    static const char *const ids[] = { "QE", "TD_QE", "QVE" };
    struct mse_bytes body;
    struct mse_qe_identity identity;
    uint8_t signature[64];

    if (!mse_signed_json_split(in, "enclaveIdentity", &body, signature, err) ||
        !mse_qe_identity_parse(body, &identity, err))
        return false;
    mse_json_put_text(&a->json, "id", ids[identity.id]);
    mse_json_put_unsigned(&a->json, "evaluation", identity.tcb_eval);
    mse_json_put_time(&a->json, "issue_date", identity.issue_date);
    mse_json_put_time(&a->json, "next_update", identity.next_update);
    mse_json_put_unsigned(&a->json, "levels", identity.level_count);
    mse_qe_identity_cleanup(&identity);
    return true;
}

/* ---- requests ---- */

static const struct {
    const char *kind;
    bool (*read)(struct answer *a, struct mse_bytes in, struct mse_error *err);
} readers[] = {
    { "certificate", read_cert },  { "attested", read_attested },
    { "quote", read_quote },       { "snp", read_snp },
    { "hcl", read_hcl },           { "crl", read_crl },
    { "tcb_info", read_tcb_info }, { "qe_identity", read_qe_identity },
};

static bool answer_file(struct answer *a, const char *kind, struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = false;

    if (!mse_file_read(a->path, MAX_FILE, &data, &len, err))
        return false;
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        if (strcmp(readers[i].kind, kind) == 0) {
            ok = readers[i].read(a, (struct mse_bytes){ data, len }, err);
            break;
        }
        if (i + 1 == sizeof(readers) / sizeof(readers[0]))
            (void)mse_fail(err, MSE_ERR_USAGE, 0, kind);
    }
    free(data);
    return ok;
}

static bool answer_line(char *line, struct lists *lists)
{
    struct mse_writer to = { 0 };
    struct mse_error err = { 0 };
    struct answer a = { .json = mse_json_writer_init(&to, 0), .lists = lists };
    char *path = strchr(line, ' ');
    char text[1024];
    bool ok;

    if (path == NULL)
        return false;
    *path++ = '\0';
    a.path = path;
    a.sink = mse_json_sink_init(&a.json);
    mse_json_open_object(&a.json, NULL);
    if (!answer_file(&a, line, &err)) {
        mse_json_put_text(&a.json, "error", mse_err_name(err.code));
        mse_json_put_text(&a.json, "message", mse_error_describe(&err, text, sizeof(text)));
    }
    mse_json_close_object(&a.json);
    mse_write_text(&to, "\n");
    ok = mse_writer_ok(&to) && fwrite(to.data, 1, to.len, stdout) == to.len;
    mse_writer_cleanup(&to);
    return ok;
}

int main(void)
{
    static struct lists lists;
    char line[4096];
    bool ok = true;

    while (ok && fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        ok = answer_line(line, &lists);
    }
    for (size_t i = 0; i < lists.count; i++) {
        mse_crl_cleanup(&lists.of[i].crl);
        free(lists.of[i].path);
        free(lists.of[i].der);
    }
    return ok && fflush(stdout) == 0 ? 0 : 1;
}
