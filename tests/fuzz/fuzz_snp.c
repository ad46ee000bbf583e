/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEV-SNP: the first 1184 bytes as a report, what follows as its certificate table (an extended
 * report); a shorter input is both. Views lie inside, certificates do not overlap.
 */
#include <stdlib.h>

#include "evidence/snp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
    if (!right)
        abort();
}

static void check_report(struct mse_bytes in)
{
    struct mse_error err = { 0 };
    struct mse_snp_report r;
    struct mse_snp_tcb tcb;
    enum mse_snp_product product;

    if (!mse_snp_report_parse(in, &r, &err)) {
        check(err.code != MSE_ERR_NONE && r.raw.data == NULL && r.report_data == NULL);
        return;
    }
    check(in.len == MSE_SNP_REPORT_SIZE && r.raw.data == in.data && r.raw.len == in.len);
    check(r.signed_part.data == in.data && r.signed_part.len == MSE_SNP_SIGNED_SIZE);
    check(r.report_data == in.data + 0x50 && r.measurement == in.data + 0x90);
    check(r.reported_tcb == in.data + 0x180 && r.chip_id == in.data + 0x1a0);
    check(r.launch_tcb == in.data + 0x1f0);
    for (size_t i = 0; i < 48; i++) {
        check(r.signature[i] == in.data[0x2a0 + 47 - i]);
        check(r.signature[48 + i] == in.data[0x2a0 + 72 + 47 - i]);
    }
    product = mse_snp_report_product(&r);
    check(r.has_cpuid || product == MSE_SNP_UNKNOWN);
    check(mse_snp_product_name(product) != NULL);
    tcb = mse_snp_tcb_decode(r.reported_tcb, product);
    check(tcb.fmc == 0 || product == MSE_SNP_TURIN);
}

static void check_table(struct mse_bytes in)
{
    struct mse_error err = { 0 };
    struct mse_snp_certs certs;

    if (!mse_snp_cert_table_parse(in, &certs, &err)) {
        check(err.code != MSE_ERR_NONE && certs.count == 0 && certs.of[0].der.data == NULL);
        return;
    }
    check(in.len <= MSE_SNP_CERT_TABLE_MAX_SIZE && certs.count <= MSE_SNP_MAX_CERTS);
    for (size_t i = 0; i < certs.count; i++) {
        struct mse_bytes a = certs.of[i].der;

        check(a.len > 0 && a.len <= in.len && a.data >= in.data + 24 * (certs.count + 1));
        check((size_t)(a.data - in.data) <= in.len - a.len);
        check(certs.of[i].kind == mse_snp_cert_kind_of(in.data + 24 * i));
        for (size_t j = 0; j < i; j++) {
            struct mse_bytes b = certs.of[j].der;

            check(a.data + a.len <= b.data || b.data + b.len <= a.data);
            check(certs.of[j].kind != certs.of[i].kind || certs.of[i].kind == MSE_SNP_CERT_OTHER);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t report = size < MSE_SNP_REPORT_SIZE ? size : MSE_SNP_REPORT_SIZE;

    check_report((struct mse_bytes){ data, report });
    if (size < MSE_SNP_REPORT_SIZE)
        check_table((struct mse_bytes){ data, size });
    else
        check_table((struct mse_bytes){ data + report, size - report });
    return 0;
}
