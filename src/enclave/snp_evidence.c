/* SPDX-License-Identifier: Apache-2.0 */
/* From the host's certificate table to the container of certificates, and reading the own report.
 */
#include "enclave/snp_evidence.h"

#define GUID_SIZE 16
#define MAX_ENTRIES 16

/* GUIDs in the order of their text. */
static const uint8_t wanted[][GUID_SIZE] = {
    /* VCEK */
    { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac,
      0xcd },
    /* VLEK */
    { 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8,
      0xa1 },
    /* ASK or ASVK */
    { 0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7,
      0x82 },
    /* ARK */
    { 0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0,
      0xae },
};
#define WANTED_COUNT (sizeof(wanted) / sizeof(wanted[0]))

struct found {
    struct mse_bytes of[WANTED_COUNT]; /* empty: not there */
    uint32_t count;
};

static bool take_entry(struct mse_bytes table, const uint8_t *guid, uint32_t at, uint32_t len,
                       struct found *found, struct mse_error *err)
{
    if (at > table.len || len > table.len - at)
        return mse_fail_text(err, MSE_ERR_TRUNCATED, "certificate table",
                             "an entry leads out of it");
    for (size_t i = 0; i < WANTED_COUNT; i++) {
        if (memcmp(guid, wanted[i], GUID_SIZE) != 0 || len == 0)
            continue;
        if (found->of[i].len > 0)
            return mse_fail(err, MSE_ERR_DUPLICATE, 0, "certificate table: GUID");
        found->of[i] = (struct mse_bytes){ table.data + at, len };
        found->count++;
    }
    return true;
}

static bool read_table(struct mse_bytes table, struct found *found, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(table, err);

    for (unsigned i = 0; i <= MAX_ENTRIES; i++) {
        const uint8_t *guid = mse_read_array(&r, GUID_SIZE, "certificate table: GUID");
        uint32_t at = mse_read_u32le(&r, "certificate table: offset");
        uint32_t len = mse_read_u32le(&r, "certificate table: length");

        if (!mse_read_ok(&r))
            return false;
        if (at == 0 && len == 0 && mse_is_zero(guid, GUID_SIZE))
            return true;
        if (!take_entry(table, guid, at, len, found, err))
            return false;
    }
    return mse_fail(err, MSE_ERR_LIMIT, 0, "certificate table");
}

bool mse_snp_evidence_write(struct mse_bytes report, struct mse_bytes table, struct mse_writer *out,
                            struct mse_error *err)
{
    struct found found = { .count = 0 };

    if (report.len != MSE_SNP_EVIDENCE_REPORT)
        return mse_fail_text(err, MSE_ERR_FORMAT, "report", "%zu bytes, not %d", report.len,
                             MSE_SNP_EVIDENCE_REPORT);
    if (table.len > MSE_SNP_EVIDENCE_MAX_TABLE)
        return mse_fail(err, MSE_ERR_LIMIT, 0, "certificate table");
    if (table.len > 0 && !read_table(table, &found, err))
        return false;
    mse_write_bytes(out, report.data, report.len);
    if (found.count > 0)
        mse_write_u32le(out, found.count);
    for (size_t i = 0; i < WANTED_COUNT; i++) {
        if (found.of[i].len == 0)
            continue;
        mse_write_u32le(out, (uint32_t)(GUID_SIZE + found.of[i].len));
        mse_write_bytes(out, wanted[i], GUID_SIZE);
        mse_write_bytes(out, found.of[i].data, found.of[i].len);
    }
    return mse_writer_ok(out) || mse_fail_memory(err);
}

bool mse_snp_own_read(struct mse_bytes report, struct mse_snp_own *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(report, err);
    const uint8_t *host_data, *chip_id;
    uint32_t flags;

    *out = (struct mse_snp_own){ .by_vcek = false };
    (void)mse_read_bytes(&r, 0x48, "report");
    flags = mse_read_u32le(&r, "report: flags"); /* bits 4:2: SIGNING_KEY, 0 is the VCEK */
    (void)mse_read_bytes(&r, 0xc0 - 0x4c, "report");
    host_data = mse_read_array(&r, sizeof(out->host_data), "report: HOST_DATA");
    (void)mse_read_bytes(&r, 0x1a0 - 0xe0, "report");
    chip_id = mse_read_array(&r, sizeof(out->chip_id), "report: CHIP_ID");
    (void)mse_read_bytes(&r, MSE_SNP_EVIDENCE_REPORT - 0x1e0, "report");
    if (!mse_read_done(&r, "report"))
        return false;
    memcpy(out->host_data, host_data, sizeof(out->host_data));
    memcpy(out->chip_id, chip_id, sizeof(out->chip_id));
    out->by_vcek = (flags >> 2 & 7) == 0;
    return true;
}
