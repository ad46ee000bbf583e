/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate table that a host hands to an SNP guest, on its way into the guest's evidence:
 * what comes out is the report and whole certificates out of the table, and nothing else.
 */
#include <stdlib.h>

#include "enclave/snp_evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
    if (!right)
        abort();
}

/* The bytes of a certificate stand in the table, and its GUID before them. */
static void check_certificate(struct mse_bytes table, struct mse_bytes guid, struct mse_bytes der)
{
    for (size_t at = 0; at + 24 <= table.len; at += 24) {
        struct mse_error err = { 0 };
        struct mse_reader r = mse_reader_init((struct mse_bytes){ table.data + at + 16, 8 }, &err);
        uint32_t start = mse_read_u32le(&r, "offset"), len = mse_read_u32le(&r, "length");

        if (memcmp(table.data + at, guid.data, guid.len) == 0 && len == der.len &&
            memcmp(table.data + start, der.data, der.len) == 0)
            return;
    }
    abort();
}

static void check_evidence(struct mse_bytes table, struct mse_bytes evidence)
{
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init(evidence, &err);
    uint32_t count;

    (void)mse_read_bytes(&r, MSE_SNP_EVIDENCE_REPORT, "report");
    if (mse_reader_left(&r) == 0)
        return;
    count = mse_read_u32le(&r, "count");
    check(count > 0 && count <= 4);
    while (count-- > 0) {
        uint32_t len = mse_read_u32le(&r, "size");
        struct mse_bytes guid = mse_read_bytes(&r, 16, "GUID");
        struct mse_bytes der = mse_read_bytes(&r, len - 16, "certificate");

        check(mse_read_ok(&r) && der.len > 0);
        check_certificate(table, guid, der);
    }
    check(mse_read_done(&r, "evidence"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t report[MSE_SNP_EVIDENCE_REPORT];
    struct mse_bytes table = { data, size };
    struct mse_writer out = { 0 };
    struct mse_error err = { 0 };
    struct mse_snp_own own;

    if (mse_snp_evidence_write(MSE_BYTES(report), table, &out, &err))
        check_evidence(table, mse_writer_bytes(&out));
    else
        check(err.code != MSE_ERR_NONE && out.len == 0);
    mse_writer_cleanup(&out);
    err = (struct mse_error){ 0 };
    check(mse_snp_own_read(table, &own, &err) == (size == MSE_SNP_EVIDENCE_REPORT));
    return 0;
}
