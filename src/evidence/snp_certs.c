/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parser of the certificate table behind an extended SNP report (Linux, Documentation/virt/coco/
 * sev-guest.rst, SNP_GET_EXT_REPORT; GHCB specification 56421, "SNP Extended Guest Request").
 */
#include "evidence/snp.h"

#define ENTRY_SIZE 24

/* One entry while the table is read; at: where in the input it stands, for messages. */
struct entry {
    const uint8_t *guid;
    uint32_t start, len;
    size_t at;
};

enum mse_snp_cert_kind mse_snp_cert_kind_of(const uint8_t guid[static 16])
{
    /* clang-format off */
    static const struct { uint8_t guid[16]; enum mse_snp_cert_kind kind; } known[] = {
        { { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
            0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd }, MSE_SNP_CERT_VCEK },
        { { 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e,
            0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1 }, MSE_SNP_CERT_VLEK },
        { { 0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4,
            0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82 }, MSE_SNP_CERT_ASK },
        { { 0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52,
            0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae }, MSE_SNP_CERT_ARK },
        { { 0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d,
            0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc, 0x67, 0xea }, MSE_SNP_CERT_CRL },
    };
    /* clang-format on */

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (memcmp(guid, known[i].guid, sizeof(known[i].guid)) == 0)
            return known[i].kind;
    }
    return MSE_SNP_CERT_OTHER;
}

/* What one entry says, judged by itself and against the GUIDs before it. */
static bool check_entry(const struct entry *all, size_t i, size_t in_len, struct mse_error *err)
{
    const struct entry *e = &all[i];

    if (mse_is_zero(e->guid, 16))
        return mse_fail(err, MSE_ERR_VALUE, e->at, "cert_table.guid");
    for (size_t j = 0; j < i; j++) {
        if (memcmp(all[j].guid, e->guid, 16) == 0)
            return mse_fail(err, MSE_ERR_DUPLICATE, e->at, "cert_table.guid");
    }
    if (e->start < e->at + ENTRY_SIZE)
        return mse_fail(err, MSE_ERR_VALUE, e->at + 16, "cert_table.offset");
    if (e->start > in_len)
        return mse_fail(err, MSE_ERR_TRUNCATED, e->at + 16, "cert_table.offset");
    if (e->len == 0)
        return mse_fail(err, MSE_ERR_VALUE, e->at + 20, "cert_table.length");
    if (e->len > in_len - e->start)
        return mse_fail(err, MSE_ERR_TRUNCATED, e->at + 20, "cert_table.length");
    return true;
}

/* Entries up to the zero entry; the table cannot reach into the first certificate. */
static bool read_entries(struct mse_reader *r, size_t in_len, struct entry *all, size_t *count)
{
    size_t data_start = in_len;

    for (;;) {
        struct entry e = { .at = mse_reader_offset(r) };

        if (*count > 0 && data_start < e.at + ENTRY_SIZE)
            return mse_fail(r->err, MSE_ERR_MISSING, e.at, "cert_table.end");
        e.guid = mse_read_array(r, 16, "cert_table.guid");
        e.start = mse_read_u32le(r, "cert_table.offset");
        e.len = mse_read_u32le(r, "cert_table.length");
        if (!mse_read_ok(r))
            return false;
        if (e.start == 0 && e.len == 0 && mse_is_zero(e.guid, 16))
            return true;
        if (*count == MSE_SNP_MAX_CERTS)
            return mse_fail(r->err, MSE_ERR_LIMIT, e.at, "cert_table");
        all[*count] = e;
        if (!check_entry(all, *count, in_len, r->err))
            return false;
        data_start = e.start < data_start ? e.start : data_start;
        (*count)++;
    }
}

/* The entry with the smallest start at or after pos; ties: the one that stands first. */
static const struct entry *next_after(const struct entry *all, size_t count,
                                      const struct entry *last)
{
    const struct entry *found = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct entry *e = &all[i];

        if (last != NULL &&
            (e->start < last->start || (e->start == last->start && e->at <= last->at)))
            continue;
        if (found == NULL || e->start < found->start)
            found = e;
    }
    return found;
}

/* Walks the certificates in the order of their bytes: no overlap, only zeros in between. */
static bool check_coverage(struct mse_bytes in, size_t table_end, const struct entry *all,
                           size_t count, struct mse_error *err)
{
    const struct entry *e = NULL;
    size_t pos = table_end;

    while ((e = next_after(all, count, e)) != NULL) {
        if (e->start < pos)
            return mse_fail(err, MSE_ERR_VALUE, e->at + 16, "cert_table.offset");
        if (!mse_is_zero(in.data + pos, e->start - pos))
            return mse_fail(err, MSE_ERR_TRAILING, pos, "cert_table: between certificates");
        pos = (size_t)e->start + e->len;
    }
    if (!mse_is_zero(in.data + pos, in.len - pos))
        return mse_fail(err, MSE_ERR_TRAILING, pos, "cert_table");
    return true;
}

bool mse_snp_cert_table_parse(struct mse_bytes in, struct mse_snp_certs *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    struct entry all[MSE_SNP_MAX_CERTS];
    size_t count = 0;

    *out = (struct mse_snp_certs){ 0 };
    if (in.len > MSE_SNP_CERT_TABLE_MAX_SIZE)
        return mse_fail(err, MSE_ERR_LIMIT, MSE_SNP_CERT_TABLE_MAX_SIZE, "cert_table");
    if (!read_entries(&r, in.len, all, &count) ||
        !check_coverage(in, mse_reader_offset(&r), all, count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        out->of[i].kind = mse_snp_cert_kind_of(all[i].guid);
        out->of[i].der = (struct mse_bytes){ in.data + all[i].start, all[i].len };
    }
    out->count = count;
    return true;
}
