/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intel quotes: a builder of valid ones of each kind, then every way to lie about a length, a type
 * or a size. Layouts: Intel ECDSA Quote Library Reference, appendix A; TDX DCAP Quoting Library
 * API, A.3-A.4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "evidence/quote.h"

#define AUTH_SIZE 32
#define CERT_SIZE 40

enum kind { SGX3, SGX4, TD4, SGX5, TD10_5, TD15_5, KIND_COUNT };

static const struct {
    uint16_t version;
    uint8_t tee_type;
    enum mse_quote_body body;
    size_t body_at, body_size;
    size_t report_data; /* absolute, as the specifications' tables add up */
} kinds[KIND_COUNT] = {
    { 3, 0x00, MSE_QUOTE_BODY_SGX, 48, 384, 368 },  { 4, 0x00, MSE_QUOTE_BODY_SGX, 48, 384, 368 },
    { 4, 0x81, MSE_QUOTE_BODY_TD10, 48, 584, 568 }, { 5, 0x00, MSE_QUOTE_BODY_SGX, 54, 384, 374 },
    { 5, 0x81, MSE_QUOTE_BODY_TD10, 54, 584, 574 }, { 5, 0x81, MSE_QUOTE_BODY_TD15, 54, 648, 574 },
};

/* A quote and where its parts are. */
struct sample {
    uint8_t data[2048];
    size_t len;
    size_t sig_size, signature, att_key;
    size_t outer_type, outer_size; /* versions 4 and 5 */
    size_t qe_report, qe_signature, auth_size, auth, cert_type, cert_size, cert;
};

static void put(uint8_t *at, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    for (size_t i = width; i > 0; i--)
        value = value << 8 | at[i - 1];
    return value;
}

/* Every byte that is no number of the frame differs from its neighbours. */
static struct sample build(enum kind kind)
{
    struct sample s = { .sig_size = kinds[kind].body_at + kinds[kind].body_size };
    bool wrapped = kinds[kind].version > 3;

    s.signature = s.sig_size + 4;
    s.att_key = s.signature + 64;
    s.outer_type = s.att_key + 64;
    s.outer_size = s.outer_type + 2;
    s.qe_report = s.att_key + 64 + (wrapped ? 6 : 0);
    s.qe_signature = s.qe_report + 384;
    s.auth_size = s.qe_signature + 64;
    s.auth = s.auth_size + 2;
    s.cert_type = s.auth + AUTH_SIZE;
    s.cert_size = s.cert_type + 2;
    s.cert = s.cert_size + 4;
    s.len = s.cert + CERT_SIZE;
    for (size_t i = 0; i < s.len; i++)
        s.data[i] = (uint8_t)(i * 7 + (i >> 8) + 1);
    put(s.data, kinds[kind].version, 2);
    put(s.data + 2, 2, 2);
    put(s.data + 4, kinds[kind].tee_type, 4);
    if (kinds[kind].version == 5) {
        put(s.data + 48, (uint64_t)kinds[kind].body, 2);
        put(s.data + 50, kinds[kind].body_size, 4);
    }
    put(s.data + s.sig_size, s.len - s.signature, 4);
    if (wrapped) {
        put(s.data + s.outer_type, 6, 2);
        put(s.data + s.outer_size, s.len - s.qe_report, 4);
    }
    put(s.data + s.auth_size, AUTH_SIZE, 2);
    for (size_t i = 0; i < AUTH_SIZE; i++) /* as in real quotes */
        s.data[s.auth + i] = (uint8_t)i;
    put(s.data + s.cert_type, 5, 2);
    put(s.data + s.cert_size, CERT_SIZE, 4);
    return s;
}

/* Parses a copy that ends exactly where the input does, and checks what a failure leaves. */
static void parse(const uint8_t *data, size_t len, enum mse_padding padding, struct mse_error *err)
{
    uint8_t *block = malloc(len + 1);
    struct mse_quote out = { .len = 1 };
    bool done;

    assert_non_null(block);
    memcpy(block + 1, data, len);
    *err = (struct mse_error){ 0 };
    done = mse_quote_parse((struct mse_bytes){ block + 1, len }, padding, &out, err);
    assert_int_equal(done, err->code == MSE_ERR_NONE);
    if (!done) {
        assert_int_equal(out.version, 0);
        assert_int_equal(out.body_type, 0);
        assert_null(out.report_data);
        assert_null(out.signed_part.data);
        assert_null(out.qe_report.raw.data);
        assert_int_equal(out.cert_data.type, 0);
        assert_int_equal(out.len, 0);
    }
    free(block);
}

static void assert_refused(const struct sample *s, enum mse_err_code want, size_t at)
{
    struct mse_error err;

    parse(s->data, s->len, MSE_PADDING_NONE, &err);
    assert_int_equal(err.code, want);
    assert_int_equal(err.offset, at);
}

static void assert_sgx_body_at(const struct mse_sgx_body *body, const uint8_t *at)
{
    assert_ptr_equal(body->raw.data, at);
    assert_int_equal(body->raw.len, 384);
    assert_ptr_equal(body->cpu_svn, at);
    assert_int_equal(body->misc_select, get(at + 16, 4));
    assert_ptr_equal(body->isv_ext_prod_id, at + 32);
    assert_ptr_equal(body->attributes, at + 48);
    assert_true(body->flags == get(at + 48, 8));
    assert_true(body->xfrm == get(at + 56, 8));
    assert_ptr_equal(body->mrenclave, at + 64);
    assert_ptr_equal(body->mrsigner, at + 128);
    assert_ptr_equal(body->config_id, at + 192);
    assert_int_equal(body->isv_prod_id, get(at + 256, 2));
    assert_int_equal(body->isv_svn, get(at + 258, 2));
    assert_int_equal(body->config_svn, get(at + 260, 2));
    assert_ptr_equal(body->isv_family_id, at + 304);
    assert_ptr_equal(body->report_data, at + 320);
}

static void assert_td_body_at(const struct mse_td_body *body, const uint8_t *at, bool is_td15)
{
    assert_ptr_equal(body->raw.data, at);
    assert_int_equal(body->raw.len, is_td15 ? 648 : 584);
    assert_int_equal(body->is_td15, is_td15);
    assert_ptr_equal(body->tee_tcb_svn, at);
    assert_ptr_equal(body->mrseam, at + 16);
    assert_ptr_equal(body->mrsignerseam, at + 64);
    assert_ptr_equal(body->seam_attributes, at + 112);
    assert_true(body->td_attributes == get(at + 120, 8));
    assert_true(body->xfam == get(at + 128, 8));
    assert_ptr_equal(body->mrtd, at + 136);
    assert_ptr_equal(body->mrconfigid, at + 184);
    assert_ptr_equal(body->mrowner, at + 232);
    assert_ptr_equal(body->mrownerconfig, at + 280);
    for (size_t i = 0; i < 4; i++)
        assert_ptr_equal(body->rtmr[i], at + 328 + 48 * i);
    assert_ptr_equal(body->report_data, at + 520);
    assert_ptr_equal(body->tee_tcb_svn2, is_td15 ? at + 584 : NULL);
    assert_ptr_equal(body->mrservicetd, is_td15 ? at + 600 : NULL);
}

static void every_kind_is_read_field_by_field(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct sample s = build(kind);
        const uint8_t *d = s.data;
        struct mse_error err = { 0 };
        struct mse_quote q;

        assert_true(mse_quote_parse((struct mse_bytes){ d, s.len }, MSE_PADDING_NONE, &q, &err));
        assert_int_equal(q.version, kinds[kind].version);
        assert_int_equal(q.att_key_type, 2);
        assert_int_equal(q.tee_type, kinds[kind].tee_type);
        assert_int_equal(q.qe_svn, get(d + 8, 2));
        assert_int_equal(q.pce_svn, get(d + 10, 2));
        assert_ptr_equal(q.qe_vendor_id, d + 12);
        assert_ptr_equal(q.user_data, d + 28);
        assert_int_equal(q.body_type, kinds[kind].body);
        if (kinds[kind].body == MSE_QUOTE_BODY_SGX) {
            assert_sgx_body_at(&q.sgx, d + kinds[kind].body_at);
            assert_null(q.td.raw.data);
        } else {
            assert_td_body_at(&q.td, d + kinds[kind].body_at, kind == TD15_5);
            assert_null(q.sgx.raw.data);
        }
        assert_ptr_equal(q.report_data, d + kinds[kind].report_data);
        assert_ptr_equal(q.signed_part.data, d);
        assert_int_equal(q.signed_part.len, s.sig_size);
        assert_ptr_equal(q.signature, d + s.signature);
        assert_ptr_equal(q.att_key, d + s.att_key);
        assert_sgx_body_at(&q.qe_report, d + s.qe_report);
        assert_ptr_equal(q.qe_report_signature, d + s.qe_signature);
        assert_ptr_equal(q.qe_auth_data.data, d + s.auth);
        assert_int_equal(q.qe_auth_data.len, AUTH_SIZE);
        assert_int_equal(q.cert_data.type, MSE_CERT_DATA_PCK_CHAIN);
        assert_ptr_equal(q.cert_data.body.data, d + s.cert);
        assert_int_equal(q.cert_data.body.len, CERT_SIZE);
        assert_int_equal(q.len, s.len);
    }
}

static void every_prefix_is_truncated(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct sample s = build(kind);
        struct mse_error err;

        for (size_t n = 0; n < s.len; n++) {
            parse(s.data, n, n % 2 == 0 ? MSE_PADDING_NONE : MSE_PADDING_ZERO, &err);
            assert_int_equal(err.code, MSE_ERR_TRUNCATED);
            assert_true(err.offset <= n);
        }
    }
}

/* One length field with one wrong value: the code, and the part (and byte in it) it points at. */
struct lie {
    const char *name;
    size_t field; /* offset in struct sample of the field's position */
    size_t width;
    bool relative; /* value is added to the true one */
    uint32_t value;
    enum mse_err_code want;
    size_t part;
    size_t add;
};

#define AT(member) offsetof(struct sample, member)

static void assert_lies(enum kind kind, const struct lie *lies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sample s = build(kind);
        size_t field = *(const size_t *)(const void *)((const char *)&s + lies[i].field);
        size_t at = *(const size_t *)(const void *)((const char *)&s + lies[i].part);
        uint64_t value = lies[i].value;

        print_message("kind %d: %s\n", (int)kind, lies[i].name);
        if (lies[i].relative)
            value += get(s.data + field, lies[i].width);
        put(s.data + field, value, lies[i].width);
        assert_refused(&s, lies[i].want, at + lies[i].add);
    }
}

#define MINUS_1 0xffffffffU

static void a_length_that_lies_is_refused_where_it_leads(void **state)
{
    /* clang-format off */
    static const struct lie lies[] = {
        { "signature data 0", AT(sig_size), 4, false, 0, MSE_ERR_TRUNCATED, AT(signature), 0 },
        { "signature data + 1", AT(sig_size), 4, true, 1, MSE_ERR_TRUNCATED, AT(signature), 0 },
        { "signature data 0xffff", AT(sig_size), 4, false, 0xffff, MSE_ERR_TRUNCATED, AT(signature), 0 },
        { "signature data 4 GiB", AT(sig_size), 4, false, 0xffffffff, MSE_ERR_TRUNCATED, AT(signature), 0 },
        /* what stands behind is then read as a type: 0100, 051f, CERT_SIZE << 8 */
        { "auth data 0", AT(auth_size), 2, false, 0, MSE_ERR_UNSUPPORTED, AT(auth), 0 },
        { "auth data - 1", AT(auth_size), 2, true, MINUS_1, MSE_ERR_UNSUPPORTED, AT(cert_type), (size_t)-1 },
        { "auth data + 1", AT(auth_size), 2, true, 1, MSE_ERR_UNSUPPORTED, AT(cert_type), 1 },
        { "auth data 0xffff", AT(auth_size), 2, false, 0xffff, MSE_ERR_TRUNCATED, AT(auth), 0 },
        { "certificates 0", AT(cert_size), 4, false, 0, MSE_ERR_TRAILING, AT(cert), 0 },
        { "certificates - 1", AT(cert_size), 4, true, MINUS_1, MSE_ERR_TRAILING, AT(cert), CERT_SIZE - 1 },
        { "certificates + 1", AT(cert_size), 4, true, 1, MSE_ERR_TRUNCATED, AT(cert), 0 },
        { "certificates 0xffff", AT(cert_size), 4, false, 0xffff, MSE_ERR_TRUNCATED, AT(cert), 0 },
        { "certificates 4 GiB", AT(cert_size), 4, false, 0xffffffff, MSE_ERR_TRUNCATED, AT(cert), 0 },
    };
    static const struct lie direct[] = {
        { "signature data - 1", AT(sig_size), 4, true, MINUS_1, MSE_ERR_TRUNCATED, AT(cert), 0 },
    };
    static const struct lie wrapped[] = {
        { "signature data - 1", AT(sig_size), 4, true, MINUS_1, MSE_ERR_TRUNCATED, AT(qe_report), 0 },
        { "wrapper 0", AT(outer_size), 4, false, 0, MSE_ERR_TRUNCATED, AT(qe_report), 0 },
        { "wrapper - 1", AT(outer_size), 4, true, MINUS_1, MSE_ERR_TRUNCATED, AT(cert), 0 },
        { "wrapper + 1", AT(outer_size), 4, true, 1, MSE_ERR_TRUNCATED, AT(qe_report), 0 },
        { "wrapper 0xffff", AT(outer_size), 4, false, 0xffff, MSE_ERR_TRUNCATED, AT(qe_report), 0 },
        { "wrapper 4 GiB", AT(outer_size), 4, false, 0xffffffff, MSE_ERR_TRUNCATED, AT(qe_report), 0 },
    };
    /* clang-format on */

    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        assert_lies(kind, lies, sizeof(lies) / sizeof(lies[0]));
        if (kind == SGX3)
            assert_lies(kind, direct, sizeof(direct) / sizeof(direct[0]));
        else
            assert_lies(kind, wrapped, sizeof(wrapped) / sizeof(wrapped[0]));
    }
}

/* Sizes that agree with the input but leave bytes over inside. */
static void bytes_left_inside_a_part_are_refused(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct sample s = build(kind);
        size_t end = s.len;

        s.data[s.len++] = 0;
        put(s.data + s.sig_size, s.len - s.signature, 4);
        assert_refused(&s, MSE_ERR_TRAILING, end); /* in the signature data */
        if (kind == SGX3)
            continue;
        put(s.data + s.outer_size, s.len - s.qe_report, 4);
        assert_refused(&s, MSE_ERR_TRAILING, end); /* in the wrapper */
        put(s.data + s.cert_size, CERT_SIZE + 1, 4);
        assert_refused(&s, MSE_ERR_NONE, 0); /* a longer chain: nothing is left over */
    }
}

static void a_wrong_number_in_the_header_is_refused(void **state)
{
    /* clang-format off */
    static const struct {
        const char *name; enum kind kind; size_t at; size_t width; uint32_t value;
        enum mse_err_code want; size_t want_at;
    } cases[] = {
        { "version 0", SGX3, 0, 2, 0, MSE_ERR_UNSUPPORTED, 0 },
        { "version 1 (EPID)", SGX3, 0, 2, 1, MSE_ERR_UNSUPPORTED, 0 },
        { "version 2 (EPID)", SGX3, 0, 2, 2, MSE_ERR_UNSUPPORTED, 0 },
        { "version 6", TD15_5, 0, 2, 6, MSE_ERR_UNSUPPORTED, 0 },
        { "version 3 big-endian", SGX3, 0, 2, 0x0300, MSE_ERR_UNSUPPORTED, 0 },
        { "version 0xffff", SGX3, 0, 2, 0xffff, MSE_ERR_UNSUPPORTED, 0 },
        { "EPID unlinkable", SGX3, 2, 2, 0, MSE_ERR_UNSUPPORTED, 2 },
        { "EPID linkable", SGX3, 2, 2, 1, MSE_ERR_UNSUPPORTED, 2 },
        { "ECDSA P-384", SGX3, 2, 2, 3, MSE_ERR_UNSUPPORTED, 2 },
        { "ECDSA P-384 over a TD", TD4, 2, 2, 3, MSE_ERR_UNSUPPORTED, 2 },
        { "ECDSA P-384 in version 5", TD15_5, 2, 2, 3, MSE_ERR_UNSUPPORTED, 2 },
        { "key type 0x0102", SGX3, 2, 2, 0x0102, MSE_ERR_UNSUPPORTED, 2 },
        { "version 3 with a TEE type", SGX3, 4, 4, 0x81, MSE_ERR_VALUE, 4 },
        { "version 3, reserved used", SGX3, 4, 4, 1U << 31, MSE_ERR_VALUE, 4 },
        { "TEE type 1", TD4, 4, 4, 1, MSE_ERR_UNSUPPORTED, 4 },
        { "TEE type 0x80", TD4, 4, 4, 0x80, MSE_ERR_UNSUPPORTED, 4 },
        { "TEE type 0x10081", TD4, 4, 4, 0x10081, MSE_ERR_UNSUPPORTED, 4 },
        { "TEE type 0xffffffff", SGX5, 4, 4, 0xffffffff, MSE_ERR_UNSUPPORTED, 4 },
        { "SGX body of a TD", SGX5, 4, 4, 0x81, MSE_ERR_VALUE, 4 },
        { "TD 1.0 body of SGX", TD10_5, 4, 4, 0, MSE_ERR_VALUE, 4 },
        { "TD 1.5 body of SGX", TD15_5, 4, 4, 0, MSE_ERR_VALUE, 4 },
        { "body type 0", SGX5, 48, 2, 0, MSE_ERR_UNSUPPORTED, 48 },
        { "body type 4", TD15_5, 48, 2, 4, MSE_ERR_UNSUPPORTED, 48 },
        { "body type 0x0301", SGX5, 48, 2, 0x0301, MSE_ERR_UNSUPPORTED, 48 },
        { "body type 0xffff", SGX5, 48, 2, 0xffff, MSE_ERR_UNSUPPORTED, 48 },
        { "TD 1.5 size, called 1.0", TD15_5, 48, 2, 2, MSE_ERR_VALUE, 50 },
        { "TD 1.0 size, called 1.5", TD10_5, 48, 2, 3, MSE_ERR_VALUE, 50 },
        { "SGX size 0", SGX5, 50, 4, 0, MSE_ERR_VALUE, 50 },
        { "SGX size - 1", SGX5, 50, 4, 383, MSE_ERR_VALUE, 50 },
        { "SGX size + 1", SGX5, 50, 4, 385, MSE_ERR_VALUE, 50 },
        { "SGX size 0xffff", SGX5, 50, 4, 0xffff, MSE_ERR_VALUE, 50 },
        { "SGX size 4 GiB", SGX5, 50, 4, 0xffffffff, MSE_ERR_VALUE, 50 },
        { "SGX size of a TD", SGX5, 50, 4, 584, MSE_ERR_VALUE, 50 },
        { "TD 1.0 size 0", TD10_5, 50, 4, 0, MSE_ERR_VALUE, 50 },
        { "TD 1.0 size - 1", TD10_5, 50, 4, 583, MSE_ERR_VALUE, 50 },
        { "TD 1.0 size + 1", TD10_5, 50, 4, 585, MSE_ERR_VALUE, 50 },
        { "TD 1.0 size 0xffff", TD10_5, 50, 4, 0xffff, MSE_ERR_VALUE, 50 },
        { "TD 1.0 size 4 GiB", TD10_5, 50, 4, 0xffffffff, MSE_ERR_VALUE, 50 },
        { "TD 1.0 size of 1.5", TD10_5, 50, 4, 648, MSE_ERR_VALUE, 50 },
        { "TD 1.5 size 0", TD15_5, 50, 4, 0, MSE_ERR_VALUE, 50 },
        { "TD 1.5 size - 1", TD15_5, 50, 4, 647, MSE_ERR_VALUE, 50 },
        { "TD 1.5 size + 1", TD15_5, 50, 4, 649, MSE_ERR_VALUE, 50 },
        { "TD 1.5 size 0xffff", TD15_5, 50, 4, 0xffff, MSE_ERR_VALUE, 50 },
        { "TD 1.5 size 4 GiB", TD15_5, 50, 4, 0xffffffff, MSE_ERR_VALUE, 50 },
        { "TD 1.5 size of SGX", TD15_5, 50, 4, 384, MSE_ERR_VALUE, 50 },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sample s = build(cases[i].kind);

        print_message("%s\n", cases[i].name);
        put(s.data + cases[i].at, cases[i].value, cases[i].width);
        assert_refused(&s, cases[i].want, cases[i].want_at);
    }
}

/* A quote of one version must not pass as one of another: the frames differ. */
static void a_version_that_lies_does_not_fit_the_frame(void **state)
{
    static const struct {
        enum kind kind;
        uint16_t version;
    } cases[] = { { SGX3, 4 },   { SGX3, 5 },   { SGX4, 3 },   { SGX4, 5 },
                  { TD4, 3 },    { TD4, 5 },    { SGX5, 3 },   { SGX5, 4 },
                  { TD10_5, 3 }, { TD10_5, 4 }, { TD15_5, 3 }, { TD15_5, 4 } };
    struct mse_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sample s = build(cases[i].kind);

        put(s.data, cases[i].version, 2);
        parse(s.data, s.len, MSE_PADDING_ZERO, &err);
        assert_int_not_equal(err.code, MSE_ERR_NONE);
    }
}

static void inner_certification_data_is_of_types_1_to_5_or_7(void **state)
{
    static const struct {
        uint16_t type;
        enum mse_err_code want;
    } cases[] = {
        { 0, MSE_ERR_UNSUPPORTED },
        { 1, MSE_ERR_NONE },
        { 2, MSE_ERR_NONE },
        { 3, MSE_ERR_NONE },
        { 4, MSE_ERR_NONE },
        { 5, MSE_ERR_NONE },
        { 6, MSE_ERR_VALUE },
        { 7, MSE_ERR_NONE },
        { 8, MSE_ERR_UNSUPPORTED },
        { 256, MSE_ERR_UNSUPPORTED },
        { 0xffff, MSE_ERR_UNSUPPORTED },
    };

    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct sample s = build(kind);

            put(s.data + s.cert_type, cases[i].type, 2);
            assert_refused(&s, cases[i].want, cases[i].want == MSE_ERR_NONE ? 0 : s.cert_type);
        }
    }
}

static void versions_4_and_5_wrap_the_qe_report_in_type_6(void **state)
{
    static const uint16_t types[] = { 0, 1, 2, 3, 4, 5, 7, 8, 0x0600, 0xffff };

    (void)state;
    for (enum kind kind = SGX4; kind < KIND_COUNT; kind++) {
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
            struct sample s = build(kind);

            put(s.data + s.outer_type, types[i], 2);
            assert_refused(&s, MSE_ERR_VALUE, s.outer_type);
        }
    }
}

static void only_zeros_may_follow_and_only_where_allowed(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct sample s = build(kind);
        uint8_t *buffer = calloc(1, 8192);
        struct mse_error err = { 0 };
        struct mse_quote q;

        assert_non_null(buffer);
        memcpy(buffer, s.data, s.len);
        assert_true(
            mse_quote_parse((struct mse_bytes){ buffer, 8192 }, MSE_PADDING_ZERO, &q, &err));
        assert_int_equal(q.len, s.len);
        parse(buffer, s.len, MSE_PADDING_ZERO, &err); /* no padding at all */
        assert_int_equal(err.code, MSE_ERR_NONE);
        parse(buffer, s.len + 1, MSE_PADDING_ZERO, &err);
        assert_int_equal(err.code, MSE_ERR_NONE);
        parse(buffer, s.len + 1, MSE_PADDING_NONE, &err);
        assert_int_equal(err.code, MSE_ERR_TRAILING);
        assert_int_equal(err.offset, s.len);
        for (size_t i = s.len; i < 8192; i += 8191 - s.len) { /* first and last byte of it */
            buffer[i] = 0x80;
            parse(buffer, 8192, MSE_PADDING_ZERO, &err);
            assert_int_equal(err.code, MSE_ERR_TRAILING);
            assert_int_equal(err.offset, s.len);
            buffer[i] = 0;
        }
        free(buffer);
    }
}

static void the_largest_input_is_64_kib(void **state)
{
    struct sample s = build(SGX3);
    uint8_t *buffer = calloc(1, 65537);
    struct mse_error err;

    (void)state;
    assert_non_null(buffer);
    memcpy(buffer, s.data, s.len);
    parse(buffer, 65536, MSE_PADDING_ZERO, &err);
    assert_int_equal(err.code, MSE_ERR_NONE);
    parse(buffer, 65537, MSE_PADDING_ZERO, &err);
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(err.offset, 65536);
    free(buffer);
}

static void empty_parts_are_read_as_empty(void **state)
{
    struct sample s = build(SGX3);
    struct mse_error err = { 0 };
    struct mse_quote q;

    (void)state;
    put(s.data + s.auth_size, 0, 2);
    put(s.data + s.auth, 1, 2);
    put(s.data + s.auth + 2, 0, 4);
    s.len = s.auth + 6;
    put(s.data + s.sig_size, s.len - s.signature, 4);
    assert_true(mse_quote_parse((struct mse_bytes){ s.data, s.len }, MSE_PADDING_NONE, &q, &err));
    assert_int_equal(q.qe_auth_data.len, 0);
    assert_int_equal(q.cert_data.type, MSE_CERT_DATA_PPID_PLAIN);
    assert_int_equal(q.cert_data.body.len, 0);
}

static void nothing_at_all_is_truncated(void **state)
{
    struct mse_error err = { 0 };
    struct mse_quote q;

    (void)state;
    assert_false(mse_quote_parse((struct mse_bytes){ NULL, 0 }, MSE_PADDING_ZERO, &q, &err));
    assert_int_equal(err.code, MSE_ERR_TRUNCATED);
    assert_int_equal(err.offset, 0);
}

static void an_earlier_failure_is_kept(void **state)
{
    struct sample s = build(TD4);
    struct mse_error err = { 0 };
    struct mse_quote q;

    (void)state;
    (void)mse_fail(&err, MSE_ERR_EXPIRED, 77, "earlier");
    assert_false(mse_quote_parse((struct mse_bytes){ s.data, s.len }, MSE_PADDING_NONE, &q, &err));
    assert_int_equal(err.code, MSE_ERR_EXPIRED);
    assert_int_equal(err.offset, 77);
    assert_int_equal(q.version, 0);
    assert_null(q.signed_part.data);
}

static void the_vendor_ids_are_intels_and_the_simulators(void **state)
{
    static const uint8_t intel[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                       0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };

    (void)state;
    assert_memory_equal(mse_qe_vendor_intel, intel, 16);
    assert_memory_equal(mse_qe_vendor_simulated, "mse-simulatedtee", 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read_field_by_field),
        cmocka_unit_test(every_prefix_is_truncated),
        cmocka_unit_test(a_length_that_lies_is_refused_where_it_leads),
        cmocka_unit_test(bytes_left_inside_a_part_are_refused),
        cmocka_unit_test(a_wrong_number_in_the_header_is_refused),
        cmocka_unit_test(a_version_that_lies_does_not_fit_the_frame),
        cmocka_unit_test(inner_certification_data_is_of_types_1_to_5_or_7),
        cmocka_unit_test(versions_4_and_5_wrap_the_qe_report_in_type_6),
        cmocka_unit_test(only_zeros_may_follow_and_only_where_allowed),
        cmocka_unit_test(the_largest_input_is_64_kib),
        cmocka_unit_test(empty_parts_are_read_as_empty),
        cmocka_unit_test(nothing_at_all_is_truncated),
        cmocka_unit_test(an_earlier_failure_is_kept),
        cmocka_unit_test(the_vendor_ids_are_intels_and_the_simulators),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
