/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over evidence that name every field, and the two sinks they feed. */
#include "verdict/claims.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/encode.h"
#include "verdict/name.h"

/* ---- sinks ---- */

#define NAME_COLUMN 22

static struct mse_text_sink *text_of(struct mse_field_sink *sink)
{
    return (struct mse_text_sink *)sink;
}

static void text_line(struct mse_field_sink *sink, const char *name, const char *value)
{
    struct mse_text_sink *t = text_of(sink);
    unsigned indent = 2 * t->depth;

    mse_write_format(t->to, "%*s%-*s %s\n", (int)indent, "", NAME_COLUMN - (int)indent, name,
                     value);
}

static void text_open(struct mse_field_sink *sink, const char *name)
{
    struct mse_text_sink *t = text_of(sink);

    mse_write_format(t->to, "%*s%s\n", (int)(2 * t->depth), "", name);
    t->depth++;
}

static void text_close(struct mse_field_sink *sink)
{
    text_of(sink)->depth--;
}

static void text_open_list(struct mse_field_sink *sink, const char *name)
{
    (void)sink, (void)name; /* the items say what they are */
}

static void text_open_item(struct mse_field_sink *sink, size_t number)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "item %zu", number);
    text_open(sink, name);
}

static void text_close_list(struct mse_field_sink *sink)
{
    (void)sink;
}

static void text_hex(struct mse_field_sink *sink, const char *name, const uint8_t *data, size_t len)
{
    char hex[2 * 64 + 1];
    char zeros[40];

    if (len > 4 && mse_is_zero(data, len) && !text_of(sink)->verbose) {
        (void)snprintf(zeros, sizeof(zeros), "(%zu zero bytes)", len);
        text_line(sink, name, zeros);
        return;
    }
    for (size_t at = 0; at < len; at += 64) { /* 64 bytes a line */
        mse_hex_write(data + at, len - at < 64 ? len - at : 64, hex);
        text_line(sink, at == 0 ? name : "", hex);
    }
}

static void text_number(struct mse_field_sink *sink, const char *name, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    text_line(sink, name, text);
}

static void text_flag(struct mse_field_sink *sink, const char *name, bool value)
{
    text_line(sink, name, value ? "yes" : "no");
}

static void text_time(struct mse_field_sink *sink, const char *name, int64_t t)
{
    char text[MSE_TIME_TEXT_SIZE];

    text_line(sink, name, mse_time_write(t, text));
}

struct mse_text_sink mse_text_sink_init(struct mse_writer *to, bool verbose)
{
    return (struct mse_text_sink){
        { text_open, text_close, text_open_list, text_open_item, text_close_list, text_hex,
          text_line, text_number, text_flag, text_time },
        to,
        0,
        verbose,
    };
}

static struct mse_json_writer *json_of(struct mse_field_sink *sink)
{
    return ((struct mse_json_sink *)sink)->to;
}

static void json_open(struct mse_field_sink *sink, const char *name)
{
    mse_json_open_object(json_of(sink), name);
}

static void json_close(struct mse_field_sink *sink)
{
    mse_json_close_object(json_of(sink));
}

static void json_open_list(struct mse_field_sink *sink, const char *name)
{
    mse_json_open_array(json_of(sink), name);
}

static void json_open_item(struct mse_field_sink *sink, size_t number)
{
    (void)number;
    mse_json_open_object(json_of(sink), NULL);
}

static void json_close_list(struct mse_field_sink *sink)
{
    mse_json_close_array(json_of(sink));
}

static void json_hex(struct mse_field_sink *sink, const char *name, const uint8_t *data, size_t len)
{
    mse_json_put_hex(json_of(sink), name, data, len);
}

static void json_text(struct mse_field_sink *sink, const char *name, const char *text)
{
    mse_json_put_bytes_text(json_of(sink), name, MSE_CSTR_BYTES(text));
}

static void json_number(struct mse_field_sink *sink, const char *name, uint64_t value)
{
    mse_json_put_unsigned(json_of(sink), name, value);
}

static void json_flag(struct mse_field_sink *sink, const char *name, bool value)
{
    mse_json_put_bool(json_of(sink), name, value);
}

static void json_time(struct mse_field_sink *sink, const char *name, int64_t t)
{
    mse_json_put_time(json_of(sink), name, t);
}

struct mse_json_sink mse_json_sink_init(struct mse_json_writer *to)
{
    return (struct mse_json_sink){
        { json_open, json_close, json_open_list, json_open_item, json_close_list, json_hex,
          json_text, json_number, json_flag, json_time },
        to,
    };
}

/* ---- walks ---- */

static void hex64(struct mse_field_sink *sink, const char *name, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "0x%016" PRIx64, value);
    sink->text(sink, name, text);
}

void mse_claims_sgx(const struct mse_sgx_body *b, struct mse_field_sink *s)
{
    s->hex(s, "mrenclave", b->mrenclave, 32);
    s->hex(s, "mrsigner", b->mrsigner, 32);
    s->number(s, "isv_prod_id", b->isv_prod_id);
    s->number(s, "isv_svn", b->isv_svn);
    s->flag(s, "debug", (b->flags & MSE_SGX_DEBUG) != 0);
    hex64(s, "attributes", b->flags);
    hex64(s, "xfrm", b->xfrm);
    s->number(s, "misc_select", b->misc_select);
    s->hex(s, "cpu_svn", b->cpu_svn, 16);
    s->hex(s, "isv_ext_prod_id", b->isv_ext_prod_id, 16);
    s->hex(s, "isv_family_id", b->isv_family_id, 16);
    s->hex(s, "config_id", b->config_id, 64);
    s->number(s, "config_svn", b->config_svn);
    s->hex(s, "report_data", b->report_data, 64);
}

void mse_claims_td(const struct mse_td_body *b, struct mse_field_sink *s)
{
    static const char *const rtmr[] = { "rtmr0", "rtmr1", "rtmr2", "rtmr3" };

    s->hex(s, "mrtd", b->mrtd, 48);
    for (size_t i = 0; i < 4; i++)
        s->hex(s, rtmr[i], b->rtmr[i], 48);
    s->hex(s, "mrconfigid", b->mrconfigid, 48);
    s->hex(s, "mrowner", b->mrowner, 48);
    s->hex(s, "mrownerconfig", b->mrownerconfig, 48);
    s->flag(s, "debug", (b->td_attributes & MSE_TD_DEBUG) != 0);
    hex64(s, "td_attributes", b->td_attributes);
    hex64(s, "xfam", b->xfam);
    s->hex(s, "mrseam", b->mrseam, 48);
    s->hex(s, "mrsignerseam", b->mrsignerseam, 48);
    s->hex(s, "seam_attributes", b->seam_attributes, 8);
    s->hex(s, "tee_tcb_svn", b->tee_tcb_svn, 16);
    if (b->is_td15) {
        s->hex(s, "tee_tcb_svn2", b->tee_tcb_svn2, 16);
        s->hex(s, "mrservicetd", b->mrservicetd, 48);
    }
    s->hex(s, "report_data", b->report_data, 64);
}

void mse_claims_quote(const struct mse_quote *q, struct mse_field_sink *s)
{
    s->text(s, "tee", q->body_type == MSE_QUOTE_BODY_SGX ? "SGX" : "TDX");
    s->number(s, "quote_version", q->version);
    s->hex(s, "qe_vendor_id", q->qe_vendor_id, 16);
    s->flag(s, "simulated", memcmp(q->qe_vendor_id, mse_qe_vendor_simulated, 16) == 0);
    if (q->body_type == MSE_QUOTE_BODY_SGX)
        mse_claims_sgx(&q->sgx, s);
    else
        mse_claims_td(&q->td, s);
    s->open(s, "quoting_enclave");
    s->hex(s, "mrsigner", q->qe_report.mrsigner, 32);
    s->hex(s, "mrenclave", q->qe_report.mrenclave, 32);
    s->number(s, "isv_prod_id", q->qe_report.isv_prod_id);
    s->number(s, "isv_svn", q->qe_report.isv_svn);
    s->close(s);
    s->number(s, "cert_data_type", (uint64_t)q->cert_data.type);
}

void mse_claims_snp_tcb(const char *name, const struct mse_snp_tcb *tcb, struct mse_field_sink *s)
{
    s->open(s, name);
    s->number(s, "fmc", tcb->fmc);
    s->number(s, "bl", tcb->bl);
    s->number(s, "tee", tcb->tee);
    s->number(s, "snp", tcb->snp);
    s->number(s, "ucode", tcb->ucode);
    s->close(s);
}

static void snp_tcbs(const struct mse_snp_report *r, enum mse_snp_product product,
                     struct mse_field_sink *s)
{
    const struct {
        const char *name;
        const uint8_t *raw;
    } tcbs[] = { { "reported_tcb", r->reported_tcb },
                 { "current_tcb", r->current_tcb },
                 { "committed_tcb", r->committed_tcb },
                 { "launch_tcb", r->launch_tcb } };

    for (size_t i = 0; i < sizeof(tcbs) / sizeof(tcbs[0]); i++) {
        struct mse_snp_tcb tcb = mse_snp_tcb_decode(tcbs[i].raw, product);

        mse_claims_snp_tcb(tcbs[i].name, &tcb, s);
    }
}

void mse_claims_snp(const struct mse_snp_report *r, enum mse_snp_product product,
                    struct mse_field_sink *s)
{
    s->text(s, "tee", "SNP");
    s->number(s, "report_version", r->version);
    s->text(s, "product", mse_snp_product_name(product));
    s->hex(s, "measurement", r->measurement, 48);
    s->hex(s, "host_data", r->host_data, 32);
    s->hex(s, "id_key_digest", r->id_key_digest, 48);
    s->hex(s, "author_key_digest", r->author_key_digest, 48);
    s->hex(s, "family_id", r->family_id, 16);
    s->hex(s, "image_id", r->image_id, 16);
    s->number(s, "guest_svn", r->guest_svn);
    s->number(s, "vmpl", r->vmpl);
    s->flag(s, "debug", (r->policy & MSE_SNP_POLICY_DEBUG) != 0);
    s->flag(s, "migration_agent", (r->policy & MSE_SNP_POLICY_MIGRATE_MA) != 0);
    s->flag(s, "smt", (r->policy & MSE_SNP_POLICY_SMT) != 0);
    s->flag(s, "single_socket", (r->policy & MSE_SNP_POLICY_SINGLE_SOCKET) != 0);
    hex64(s, "policy", r->policy);
    hex64(s, "platform_info", r->platform_info);
    s->text(s, "signing_key",
            r->signing_key == MSE_SNP_VCEK   ? "VCEK"
            : r->signing_key == MSE_SNP_VLEK ? "VLEK"
                                             : "none");
    s->flag(s, "mask_chip_key", r->mask_chip_key);
    s->hex(s, "chip_id", r->chip_id, 64);
    s->hex(s, "report_id", r->report_id, 32);
    s->hex(s, "report_id_ma", r->report_id_ma, 32);
    snp_tcbs(r, product, s);
    s->hex(s, "report_data", r->report_data, 64);
}

void mse_claims_hcl(const struct mse_hcl *hcl, struct mse_field_sink *s)
{
    char text[160];

    s->text(s, "hcl_type", hcl->type == MSE_HCL_SNP ? "SNP" : "TDX");
    s->text(s, "ak_modulus", mse_escape(hcl->ak_modulus, text, sizeof(text)));
    s->text(s, "user_data", mse_escape(hcl->user_data, text, sizeof(text)));
}

void mse_claims_pck(const struct mse_pck *p, struct mse_field_sink *s)
{
    s->hex(s, "fmspc", p->fmspc, 6);
    s->hex(s, "pce_id", p->pce_id, 2);
    s->hex(s, "ppid", p->ppid, 16);
    s->hex(s, "comp_svn", p->comp_svn, 16);
    s->number(s, "pce_svn", p->pce_svn);
    s->hex(s, "cpu_svn", p->cpu_svn, 16);
    s->number(s, "sgx_type", p->sgx_type);
    if (p->has_platform_instance)
        s->hex(s, "platform_instance", p->platform_instance, 16);
    if (p->has_configuration) {
        s->flag(s, "dynamic_platform", p->dynamic_platform);
        s->flag(s, "cached_keys", p->cached_keys);
        s->flag(s, "smt_enabled", p->smt_enabled);
    }
}

void mse_claims_vek(const struct mse_vek *v, struct mse_field_sink *s)
{
    char text[96];

    s->text(s, "kind", v->is_vlek ? "VLEK" : "VCEK");
    s->text(s, "product", mse_escape(MSE_CSTR_BYTES(v->product_name), text, sizeof(text)));
    if (v->has_hwid)
        s->hex(s, "hwid", v->hwid, v->hwid_len);
    if (v->is_vlek)
        s->text(s, "csp_id", mse_escape(MSE_CSTR_BYTES(v->csp_id), text, sizeof(text)));
    mse_claims_snp_tcb("tcb", &v->tcb, s);
}

void mse_claims_certificate(const struct mse_cert *c, struct mse_field_sink *s)
{
    static const char *const keys[] = {
        [MSE_KEY_OTHER] = "other", [MSE_KEY_P256] = "EC P-256",   [MSE_KEY_P384] = "EC P-384",
        [MSE_KEY_RSA] = "RSA",     [MSE_KEY_ED25519] = "Ed25519",
    };
    char text[1024];

    s->text(s, "subject", mse_cert_name_text(c->subject, text, sizeof(text)));
    s->text(s, "issuer", mse_cert_name_text(c->issuer, text, sizeof(text)));
    s->hex(s, "serial", c->serial.data, c->serial.len);
    s->time(s, "not_before", c->not_before);
    s->time(s, "not_after", c->not_after);
    s->text(s, "names", mse_name_list(c, text, sizeof(text)));
    s->text(s, "key", keys[c->key_type]);
    s->flag(s, "is_ca", c->is_ca);
    s->open(s, "extensions"); /* an OID occurs once in a parsed certificate */
    for (size_t i = 0; i < c->extension_count; i++) {
        char oid[96];

        (void)snprintf(text, sizeof(text), "%zu bytes%s", c->extensions[i].payload.len,
                       c->extensions[i].critical ? ", critical" : "");
        s->text(s, mse_oid_text(c->extensions[i].oid, oid, sizeof(oid)), text);
    }
    s->close(s);
}
