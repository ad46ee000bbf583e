/* SPDX-License-Identifier: Apache-2.0 */
/* What a profile read out of one extension, and whether its REPORTDATA is about the key. */
#include "ratls/binding.h"

#include <stdlib.h>

#include "base/encode.h"

/* Bytes of a REPORTDATA that a message shows: 32 tell any two digests apart. */
#define SHOWN 32

bool mse_payload_fits(struct mse_bytes payload, size_t max, struct mse_error *err)
{
    if (payload.len <= max)
        return true;
    return mse_fail_text(err, MSE_ERR_LIMIT, "payload", "it has %zu bytes, at most %zu are read",
                         payload.len, max);
}

void mse_attestation_expect(struct mse_attestation *a, const uint8_t *digest, size_t digest_len,
                            enum mse_tail tail)
{
    memset(a->expected, 0, sizeof(a->expected));
    memcpy(a->expected, digest, digest_len);
    a->expected_len = digest_len;
    a->tail = tail;
}

void mse_attestation_set_quote(struct mse_attestation *a, struct mse_bytes quote,
                               enum mse_padding padding, const uint8_t digest[static 32],
                               enum mse_tail tail)
{
    a->kind = MSE_EVIDENCE_QUOTE;
    a->evidence = quote;
    a->padding = padding;
    mse_attestation_expect(a, digest, 32, tail);
}

void mse_attestation_set_snp(struct mse_attestation *a, struct mse_bytes report)
{
    a->kind = MSE_EVIDENCE_SNP;
    a->evidence = report;
    a->padding = MSE_PADDING_NONE;
}

void mse_attestation_cleanup(struct mse_attestation *a)
{
    free(a->owned);
    *a = (struct mse_attestation){ 0 };
}

bool mse_attestation_report_data(const struct mse_attestation *a, uint8_t out[static 64],
                                 struct mse_error *err)
{
    struct mse_quote quote;
    struct mse_snp_report report;

    memset(out, 0, 64);
    switch (a->kind) {
    case MSE_EVIDENCE_QUOTE:
        if (!mse_quote_parse(a->evidence, a->padding, &quote, err))
            return false;
        memcpy(out, quote.report_data, 64);
        return true;
    case MSE_EVIDENCE_SNP:
        if (!mse_snp_report_parse(a->evidence, &report, err))
            return false;
        memcpy(out, report.report_data, 64);
        return true;
    case MSE_EVIDENCE_NONE:
        break;
    }
    return mse_fail(err, MSE_ERR_NO_EVIDENCE, 0, "evidence");
}

static bool tail_fits(const struct mse_attestation *a, const uint8_t report_data[static 64])
{
    switch (a->tail) {
    case MSE_TAIL_ZERO:
        return mse_is_zero(report_data + a->expected_len, 64 - a->expected_len);
    case MSE_TAIL_ZERO_OR_X25519:
        return a->expected_len == 32; /* any 32 bytes are an X25519 public key, RFC 7748, 5 */
    case MSE_TAIL_X25519:
        return a->expected_len == 32 && !mse_is_zero(report_data + 32, 32);
    case MSE_TAIL_NONE:
        return a->expected_len == 64;
    }
    return false;
}

static void fail_digest(const struct mse_attestation *a, const char *name,
                        const uint8_t report_data[static 64], struct mse_error *err)
{
    char expected[2 * SHOWN + 1], actual[2 * SHOWN + 1];

    mse_hex_write(a->expected, SHOWN, expected);
    mse_hex_write(report_data, SHOWN, actual);
    mse_fail_text(err, MSE_ERR_BINDING, "report_data",
                  "the evidence is not about this key: by profile %s REPORTDATA begins with %s, "
                  "here with %s",
                  name, expected, actual);
}

static void fail_tail(const struct mse_attestation *a, const char *name,
                      const uint8_t report_data[static 64], struct mse_error *err)
{
    char actual[2 * SHOWN + 1];

    mse_hex_write(report_data + 64 - SHOWN, SHOWN, actual);
    mse_fail_text(err, MSE_ERR_BINDING, "report_data",
                  "by profile %s REPORTDATA has %s behind the digest of %zu bytes; it ends with %s",
                  name, a->tail == MSE_TAIL_ZERO ? "zeros" : "an X25519 key", a->expected_len,
                  actual);
}

enum mse_fit mse_attestation_compare(const struct mse_attestation *a, const char *name,
                                     struct mse_error *err)
{
    uint8_t report_data[64];

    if (!mse_attestation_report_data(a, report_data, err))
        return MSE_FIT_UNREADABLE;
    /* A profile that sets no expectation binds nothing. */
    if (a->expected_len < 32 || a->expected_len > 64) {
        mse_fail(err, MSE_ERR_BINDING, 0, "report_data");
        return MSE_FIT_UNREADABLE;
    }
    if (memcmp(report_data, a->expected, a->expected_len) != 0) {
        fail_digest(a, name, report_data, err);
        return MSE_FIT_OTHER_KEY;
    }
    if (!tail_fits(a, report_data)) {
        fail_tail(a, name, report_data, err);
        return MSE_FIT_OTHER_TAIL;
    }
    return MSE_FIT_EXACT;
}

bool mse_attestation_check_binding(const struct mse_attestation *a, struct mse_error *err)
{
    return mse_attestation_compare(a, "of this extension", err) == MSE_FIT_EXACT;
}
