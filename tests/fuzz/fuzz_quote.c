/* SPDX-License-Identifier: Apache-2.0 */
/* Intel quotes: all views lie inside the input, and both padding modes agree about the quote. */
#include <stdlib.h>

#include "evidence/quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
    if (!right)
        abort();
}

static void check_inside(const uint8_t *p, size_t len, const struct mse_quote *q,
                         const uint8_t *data)
{
    check(p >= data && len <= q->len && (size_t)(p - data) <= q->len - len);
}

static void check_sgx_body(const struct mse_sgx_body *body, const struct mse_quote *q,
                           const uint8_t *data)
{
    check(body->raw.len == MSE_SGX_BODY_SIZE);
    check_inside(body->raw.data, body->raw.len, q, data);
    check(body->mrenclave == body->raw.data + 64 && body->mrsigner == body->raw.data + 128);
    check(body->report_data == body->raw.data + 320);
}

static void check_body(const struct mse_quote *q, const uint8_t *data)
{
    bool is_td15 = q->body_type == MSE_QUOTE_BODY_TD15;

    if (q->body_type == MSE_QUOTE_BODY_SGX) {
        check(q->tee_type == MSE_TEE_TYPE_SGX && q->td.raw.data == NULL);
        check_sgx_body(&q->sgx, q, data);
        check(q->report_data == q->sgx.report_data);
        return;
    }
    check(q->tee_type == MSE_TEE_TYPE_TDX && q->sgx.raw.data == NULL);
    check(q->body_type == MSE_QUOTE_BODY_TD10 || (is_td15 && q->version == 5));
    check(q->td.raw.len == (is_td15 ? MSE_TD15_BODY_SIZE : MSE_TD10_BODY_SIZE));
    check_inside(q->td.raw.data, q->td.raw.len, q, data);
    check(q->td.report_data == q->td.raw.data + 520);
    check((q->td.mrservicetd != NULL) == is_td15 && q->report_data == q->td.report_data);
}

static void check_quote(const struct mse_quote *q, const uint8_t *data, size_t size)
{
    check(q->len <= size && size <= MSE_QUOTE_MAX_SIZE);
    check(q->version >= 3 && q->version <= 5 && q->att_key_type == 2);
    check_body(q, data);
    check(q->signed_part.data == data && q->signed_part.len < q->len);
    check_inside(q->report_data, 64, q, data);
    check(q->report_data + 64 <= data + q->signed_part.len);
    check_inside(q->signature, 64, q, data);
    check_inside(q->att_key, 64, q, data);
    check_sgx_body(&q->qe_report, q, data);
    check_inside(q->qe_report_signature, 64, q, data);
    check_inside(q->qe_auth_data.data, q->qe_auth_data.len, q, data);
    check_inside(q->cert_data.body.data, q->cert_data.body.len, q, data);
    check(q->cert_data.body.data + q->cert_data.body.len == data + q->len);
    check(q->cert_data.type != MSE_CERT_DATA_QE_REPORT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_bytes in = { data, size };
    struct mse_error none = { 0 }, zero = { 0 };
    struct mse_quote strict, padded;
    bool is_strict = mse_quote_parse(in, MSE_PADDING_NONE, &strict, &none);
    bool is_padded = mse_quote_parse(in, MSE_PADDING_ZERO, &padded, &zero);

    check(is_strict == (none.code == MSE_ERR_NONE) && is_padded == (zero.code == MSE_ERR_NONE));
    if (is_strict) {
        check(is_padded && strict.len == size);
        check_quote(&strict, data, size);
    }
    if (is_padded) {
        check_quote(&padded, data, size);
        check(mse_is_zero(data + padded.len, size - padded.len));
        check(is_strict == (padded.len == size));
    } else {
        check(padded.report_data == NULL && padded.len == 0);
    }
    return 0;
}
