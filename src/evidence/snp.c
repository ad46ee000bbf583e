/* SPDX-License-Identifier: Apache-2.0 */
/* Parser of SEV-SNP attestation reports (AMD 56860, "ATTESTATION_REPORT" and "TCB_VERSION"). */
#include "evidence/snp.h"

#define ALGO_ECDSA_P384_SHA384 1
#define SIGNATURE_SIZE 512
#define NUMBER_SIZE 72
#define NUMBER_USED 48

#define FLAG_AUTHOR_KEY_EN (1U << 0)
#define FLAG_MASK_CHIP_KEY (1U << 1)
#define FLAG_SIGNING_KEY_SHIFT 2
#define FLAG_SIGNING_KEY_MASK 7U

/* Fails at the start of a field that was read already. */
static void refuse(struct mse_reader *r, enum mse_err_code code, size_t at, const char *field)
{
    if (mse_read_ok(r))
        (void)mse_fail(r->err, code, at, field);
}

/* Up to and with REPORT_DATA. */
static void read_head(struct mse_reader *r, struct mse_snp_report *out)
{
    uint32_t flags;

    out->version = mse_read_u32le(r, "version");
    if (out->version != 2 && out->version != 3 && out->version != 5)
        refuse(r, MSE_ERR_UNSUPPORTED, 0, "version");
    out->guest_svn = mse_read_u32le(r, "guest_svn");
    out->policy = mse_read_u64le(r, "policy");
    out->family_id = mse_read_array(r, 16, "family_id");
    out->image_id = mse_read_array(r, 16, "image_id");
    out->vmpl = mse_read_u32le(r, "vmpl");
    out->signature_algo = mse_read_u32le(r, "signature_algo");
    if (out->signature_algo != ALGO_ECDSA_P384_SHA384)
        refuse(r, MSE_ERR_UNSUPPORTED, 0x34, "signature_algo");
    out->current_tcb = mse_read_array(r, 8, "current_tcb");
    out->platform_info = mse_read_u64le(r, "platform_info");
    flags = mse_read_u32le(r, "flags");
    out->author_key_en = (flags & FLAG_AUTHOR_KEY_EN) != 0;
    out->mask_chip_key = (flags & FLAG_MASK_CHIP_KEY) != 0;
    out->signing_key = flags >> FLAG_SIGNING_KEY_SHIFT & FLAG_SIGNING_KEY_MASK;
    (void)mse_read_array(r, 4, "reserved");
    out->report_data = mse_read_array(r, 64, "report_data");
}

/* From MEASUREMENT to the processor that CPUID names. */
static void read_identity(struct mse_reader *r, struct mse_snp_report *out)
{
    out->measurement = mse_read_array(r, 48, "measurement");
    out->host_data = mse_read_array(r, 32, "host_data");
    out->id_key_digest = mse_read_array(r, 48, "id_key_digest");
    out->author_key_digest = mse_read_array(r, 48, "author_key_digest");
    out->report_id = mse_read_array(r, 32, "report_id");
    out->report_id_ma = mse_read_array(r, 32, "report_id_ma");
    out->reported_tcb = mse_read_array(r, 8, "reported_tcb");
    out->cpuid_family = mse_read_u8(r, "cpuid_fam_id");
    out->cpuid_model = mse_read_u8(r, "cpuid_mod_id");
    out->cpuid_stepping = mse_read_u8(r, "cpuid_step");
    out->has_cpuid = out->version >= 3;
    if (!out->has_cpuid) /* reserved bytes in version 2 */
        out->cpuid_family = out->cpuid_model = out->cpuid_stepping = 0;
    (void)mse_read_array(r, 21, "reserved");
    out->chip_id = mse_read_array(r, 64, "chip_id");
}

/* From COMMITTED_TCB to the end of what is signed. */
static void read_versions(struct mse_reader *r, struct mse_snp_report *out)
{
    out->committed_tcb = mse_read_array(r, 8, "committed_tcb");
    out->current_build = mse_read_u8(r, "current_build");
    out->current_minor = mse_read_u8(r, "current_minor");
    out->current_major = mse_read_u8(r, "current_major");
    (void)mse_read_u8(r, "reserved");
    out->committed_build = mse_read_u8(r, "committed_build");
    out->committed_minor = mse_read_u8(r, "committed_minor");
    out->committed_major = mse_read_u8(r, "committed_major");
    (void)mse_read_u8(r, "reserved");
    out->launch_tcb = mse_read_array(r, 8, "launch_tcb");
    out->launch_mitigation = mse_read_u64le(r, "launch_mit_vector");
    out->current_mitigation = mse_read_u64le(r, "current_mit_vector");
    if (out->version < 5) /* reserved bytes before version 5 */
        out->launch_mitigation = out->current_mitigation = 0;
    (void)mse_read_array(r, 152, "reserved");
}

/* A number of 384 bits in 576, little-endian. */
static void read_number(struct mse_reader *r, uint8_t out[static NUMBER_USED], const char *field)
{
    const uint8_t *p = mse_read_array(r, NUMBER_USED, field);

    for (size_t i = 0; p != NULL && i < NUMBER_USED; i++)
        out[i] = p[NUMBER_USED - 1 - i];
    mse_read_zero(r, NUMBER_SIZE - NUMBER_USED, field);
}

static bool read_report(struct mse_bytes in, struct mse_snp_report *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);

    read_head(&r, out);
    read_identity(&r, out);
    read_versions(&r, out);
    out->signed_part = (struct mse_bytes){ in.data, mse_reader_offset(&r) };
    read_number(&r, out->signature, "signature.r");
    read_number(&r, out->signature + NUMBER_USED, "signature.s");
    mse_read_zero(&r, SIGNATURE_SIZE - 2 * NUMBER_SIZE, "signature.reserved");
    out->raw = (struct mse_bytes){ in.data, mse_reader_offset(&r) };
    return mse_read_done(&r, "snp_report");
}

bool mse_snp_report_parse(struct mse_bytes in, struct mse_snp_report *out, struct mse_error *err)
{
    *out = (struct mse_snp_report){ 0 };
    if (!read_report(in, out, err)) {
        *out = (struct mse_snp_report){ 0 };
        return false;
    }
    return true;
}

struct mse_snp_tcb mse_snp_tcb_decode(const uint8_t raw[static 8], enum mse_snp_product product)
{
    switch (product) {
    case MSE_SNP_MILAN:
    case MSE_SNP_GENOA:
        return (struct mse_snp_tcb){ .bl = raw[0], .tee = raw[1], .snp = raw[6], .ucode = raw[7] };
    case MSE_SNP_TURIN:
        return (struct mse_snp_tcb){
            .fmc = raw[0], .bl = raw[1], .tee = raw[2], .snp = raw[3], .ucode = raw[7]
        };
    case MSE_SNP_UNKNOWN:
        break;
    }
    /* The byte order is not known: the lowest version there is. */
    return (struct mse_snp_tcb){ 0 };
}

enum mse_snp_product mse_snp_report_product(const struct mse_snp_report *report)
{
    /* Bergamo and Siena (models a0-af) have Genoa's keys. */
    static const struct {
        uint8_t family, first_model, last_model;
        enum mse_snp_product product;
    } known[] = {
        { 0x19, 0x00, 0x0f, MSE_SNP_MILAN },
        { 0x19, 0x10, 0x1f, MSE_SNP_GENOA },
        { 0x19, 0xa0, 0xaf, MSE_SNP_GENOA },
        { 0x1a, 0x00, 0x1f, MSE_SNP_TURIN },
    };

    for (size_t i = 0; report->has_cpuid && i < sizeof(known) / sizeof(known[0]); i++) {
        if (report->cpuid_family == known[i].family &&
            report->cpuid_model >= known[i].first_model &&
            report->cpuid_model <= known[i].last_model)
            return known[i].product;
    }
    return MSE_SNP_UNKNOWN;
}

const char *mse_snp_product_name(enum mse_snp_product product)
{
    switch (product) {
    case MSE_SNP_MILAN:
        return "Milan";
    case MSE_SNP_GENOA:
        return "Genoa";
    case MSE_SNP_TURIN:
        return "Turin";
    case MSE_SNP_UNKNOWN:
        break;
    }
    return "unknown";
}
