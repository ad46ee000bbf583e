/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, replies and configuration statements as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "attest/config_statement.h"
#include "attest/message.h"
#include "attest_vectors.h"
#include "base/encode.h"
#include "exact.h"

#define ROOM 1024

struct sample {
    uint8_t data[ROOM];
    size_t len;
};

static struct sample from_hex(const char *hex)
{
    struct sample s = { .len = strlen(hex) / 2 };

    assert_true(s.len <= ROOM);
    assert_true(mse_hex_read(hex, strlen(hex), s.data, s.len));
    return s;
}

static struct mse_bytes view(const struct sample *s)
{
    return (struct mse_bytes){ s->data, s->len };
}

static void assert_written(const struct mse_writer *w, const char *hex)
{
    struct sample s = from_hex(hex);

    assert_true(mse_writer_ok(w));
    assert_int_equal(w->len, s.len);
    assert_memory_equal(w->data, s.data, s.len);
}

/* ---- request ---- */

static void a_request_is_read_and_written(void **state)
{
    static const struct {
        const char *hex, *inner;
    } rows[] = { { ATTEST_REQUEST, "" }, { ATTEST_REQUEST_INNER, "http/1.1" } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sample s = from_hex(rows[i].hex);
        struct mse_attest_request request;
        struct mse_error err = { 0 };
        struct mse_writer w = { 0 };
        size_t used = 0;

        s.data[s.len++] = 'G'; /* belongs to the inner protocol */
        assert_true(mse_attest_request_parse(view(&s), &request, &used, &err));
        assert_int_equal(used, s.len - 1);
        assert_int_equal(request.go_on, i == 1);
        assert_true(mse_bytes_equal_text(request.inner, rows[i].inner));
        for (size_t k = 0; k < sizeof(request.nonce); k++)
            assert_int_equal(request.nonce[k], 0x33);
        mse_attest_request_write(&request, &w);
        assert_written(&w, rows[i].hex);
        mse_writer_cleanup(&w);
    }
}

static void every_prefix_of_a_request_asks_for_more(void **state)
{
    struct sample s = from_hex(ATTEST_REQUEST_INNER);

    (void)state;
    for (size_t len = 0; len < s.len; len++) {
        struct mse_bytes part = exact_copy(view(&s), len);
        struct mse_attest_request request;
        struct mse_error err = { 0 };
        size_t used = 1;

        assert_false(mse_attest_request_parse(part, &request, &used, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        assert_int_equal(used, 0);
        exact_free(part);
    }
}

static void a_wrong_request_is_refused_at_once(void **state)
{
    static const struct {
        size_t at, len; /* the byte that is wrong; so many bytes are there */
        uint8_t value;
        enum mse_err_code code;
    } rows[] = {
        { 0, 1, 2, MSE_ERR_UNSUPPORTED }, { 0, 1, 'G', MSE_ERR_UNSUPPORTED },
        { 1, 2, 2, MSE_ERR_VALUE },    /* an unknown flag */
        { 1, 2, 0x81, MSE_ERR_VALUE }, /* likewise */
        { 1, 35, 0, MSE_ERR_VALUE },   /* an inner protocol without CONTINUE */
        { 34, 35, 0, MSE_ERR_VALUE },  /* CONTINUE with nothing */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sample s = from_hex(ATTEST_REQUEST_INNER);
        struct mse_attest_request request;
        struct mse_error err = { 0 };
        size_t used;

        s.data[rows[i].at] = rows[i].value;
        assert_false(mse_attest_request_parse((struct mse_bytes){ s.data, rows[i].len }, &request,
                                              &used, &err));
        assert_int_equal(err.code, rows[i].code);
    }
}

static void a_request_that_cannot_be_is_not_written(void **state)
{
    uint8_t name[MSE_ATTEST_MAX_INNER + 1] = { 'a' };
    const struct mse_attest_request rows[] = {
        { .go_on = true },
        { .inner = { name, 1 } },
        { .go_on = true, .inner = { name, sizeof(name) } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mse_writer w = { 0 };

        mse_attest_request_write(&rows[i], &w);
        assert_false(mse_writer_ok(&w));
        mse_writer_cleanup(&w);
    }
}

/* ---- reply ---- */

static struct mse_bytes body(const struct sample *s)
{
    return (struct mse_bytes){ s->data + 4, s->len - 4 };
}

static void a_reply_is_read_and_written(void **state)
{
    struct sample s = from_hex(ATTEST_REPLY), path = from_hex(ATTEST_PATH_7_4);
    struct mse_attest_reply reply;
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };

    (void)state;
    assert_true(mse_attest_reply_parse(body(&s), &reply, &err));
    assert_int_equal(reply.tee, MSE_ATTEST_SNP);
    assert_int_equal(reply.index, 4);
    assert_int_equal(reply.count, 7);
    assert_int_equal(reply.path_length, path.len / MSE_ATTEST_HASH);
    assert_memory_equal(reply.path, path.data, path.len);
    assert_true(mse_bytes_equal_text(reply.evidence, "evidence"));
    assert_int_equal(reply.config_statement.len, 0);
    assert_true(mse_bytes_equal_text(reply.release, "release"));
    assert_true(mse_attest_reply_write(&reply, &w, &err));
    assert_written(&w, ATTEST_REPLY);
    mse_writer_cleanup(&w);
}

static void every_prefix_of_a_reply_is_truncated(void **state)
{
    struct sample s = from_hex(ATTEST_REPLY);

    (void)state;
    for (size_t len = 0; len < s.len - 4; len++) {
        struct mse_bytes part = exact_copy(body(&s), len);
        struct mse_attest_reply reply;
        struct mse_error err = { 0 };

        assert_false(mse_attest_reply_parse(part, &reply, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        assert_null(reply.path);
        exact_free(part);
    }
}

static void a_wrong_reply_is_refused(void **state)
{
    static const struct {
        size_t at; /* in the body */
        uint8_t value;
        enum mse_err_code code;
    } rows[] = {
        { 0, 0, MSE_ERR_UNSUPPORTED }, /* version */
        { 1, 0, MSE_ERR_VALUE },       /* TEE */
        { 1, 5, MSE_ERR_VALUE },
        { 3, 7, MSE_ERR_VALUE },     /* index 7 of 7 */
        { 2, 1, MSE_ERR_VALUE },     /* index 260 of 7 */
        { 5, 0, MSE_ERR_VALUE },     /* of none */
        { 4, 0x10, MSE_ERR_VALUE },  /* of 4103 */
        { 6, 13, MSE_ERR_VALUE },    /* path length */
        { 6, 2, MSE_ERR_TRUNCATED }, /* the lengths do not fit any more */
        { 7 + 3 * 64 + 3, 7, MSE_ERR_TRUNCATED },
        { 7 + 3 * 64, 0xff, MSE_ERR_TRUNCATED },
    };
    struct mse_attest_reply reply;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sample s = from_hex(ATTEST_REPLY);
        struct mse_error err = { 0 };

        s.data[4 + rows[i].at] = rows[i].value;
        assert_false(mse_attest_reply_parse(body(&s), &reply, &err));
        assert_int_equal(err.code, rows[i].code);
    }
}

static void leftovers_and_missing_evidence_are_refused(void **state)
{
    struct sample s = from_hex(ATTEST_REPLY);
    struct mse_attest_reply reply;
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };

    (void)state;
    s.data[s.len++] = 0;
    assert_false(mse_attest_reply_parse(body(&s), &reply, &err));
    assert_int_equal(err.code, MSE_ERR_TRAILING);
    err = (struct mse_error){ 0 };
    reply = (struct mse_attest_reply){ .tee = MSE_ATTEST_SIM, .count = 1 };
    assert_true(mse_attest_reply_write(&reply, &w, &err));
    assert_false(mse_attest_reply_parse((struct mse_bytes){ w.data + 4, w.len - 4 }, &reply, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    mse_writer_cleanup(&w);
}

static void a_reply_has_at_most_64_kib(void **state)
{
    size_t most = MSE_ATTEST_MAX_REPLY - 7 - 12;
    uint8_t *evidence = calloc(1, MSE_ATTEST_MAX_REPLY);
    struct mse_attest_reply reply = { .tee = MSE_ATTEST_SIM, .count = 1 }, again;
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };

    (void)state;
    assert_non_null(evidence);
    reply.evidence = (struct mse_bytes){ evidence, most };
    assert_true(mse_attest_reply_write(&reply, &w, &err));
    assert_int_equal(w.len, 4 + MSE_ATTEST_MAX_REPLY);
    assert_true(mse_attest_reply_parse((struct mse_bytes){ w.data + 4, w.len - 4 }, &again, &err));
    mse_writer_cleanup(&w);
    w = (struct mse_writer){ 0 };
    reply.evidence.len++;
    assert_false(mse_attest_reply_write(&reply, &w, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(w.len, 0);
    reply.evidence.len = SIZE_MAX - 8; /* sums would wrap */
    err = (struct mse_error){ 0 };
    assert_false(mse_attest_reply_write(&reply, &w, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    mse_writer_cleanup(&w);
    free(evidence);
}

/* ---- configuration ---- */

static void a_statement_is_read_written_and_checked(void **state)
{
    struct sample s = from_hex(CONFIG_STATEMENT), owner = from_hex(CONFIG_OWNER),
                  digest = from_hex(CONFIG_DIGEST);
    struct mse_config_statement statement;
    struct mse_error err = { 0 };
    uint8_t out[MSE_CONFIG_STATEMENT_SIZE], of_body[32];

    (void)state;
    assert_int_equal(s.len, MSE_CONFIG_STATEMENT_SIZE);
    assert_true(mse_config_statement_parse(view(&s), &statement, &err));
    assert_true(statement.epoch == 0x0102030405060708);
    assert_memory_equal(statement.config_digest, digest.data, 32);
    mse_config_digest(MSE_CSTR_BYTES("body"), of_body);
    assert_memory_equal(of_body, digest.data, 32);
    mse_config_statement_write(&statement, out);
    assert_memory_equal(out, s.data, s.len);
    assert_true(mse_config_statement_check(&statement, owner.data, &err));
}

static void a_changed_statement_is_not_the_owners(void **state)
{
    struct sample s = from_hex(CONFIG_STATEMENT), owner = from_hex(CONFIG_OWNER);

    (void)state;
    for (size_t i = 17; i < s.len; i++) { /* behind the tag */
        struct mse_config_statement statement;
        struct mse_error err = { 0 };

        s.data[i] ^= 1;
        assert_true(mse_config_statement_parse(view(&s), &statement, &err));
        assert_false(mse_config_statement_check(&statement, owner.data, &err));
        assert_int_equal(err.code, MSE_ERR_SIGNATURE);
        s.data[i] ^= 1;
    }
}

static void another_owner_did_not_sign_it(void **state)
{
    struct sample s = from_hex(CONFIG_STATEMENT), owner = from_hex(CONFIG_OWNER);
    struct mse_config_statement statement;
    struct mse_error err = { 0 };
    static const uint8_t zeros[32];

    (void)state;
    assert_true(mse_config_statement_parse(view(&s), &statement, &err));
    owner.data[0] ^= 1;
    assert_false(mse_config_statement_check(&statement, owner.data, &err));
    err = (struct mse_error){ 0 };
    assert_false(mse_config_statement_check(&statement, zeros, &err));
}

static void every_other_length_of_a_statement_is_refused(void **state)
{
    struct sample s = from_hex(CONFIG_STATEMENT);

    (void)state;
    for (size_t len = 1; len < s.len + 2; len++) {
        struct mse_bytes part = exact_copy(view(&s), len);
        struct mse_config_statement statement;
        struct mse_config_claim claim;
        struct mse_error err = { 0 }, other = { 0 };

        if (len != s.len) {
            assert_false(mse_config_statement_parse(part, &statement, &err));
            assert_true(err.code == MSE_ERR_TRUNCATED || err.code == MSE_ERR_TRAILING);
        }
        if (len != s.len && len != MSE_CONFIG_UNSIGNED_SIZE)
            assert_false(mse_config_claim_parse(part, &claim, &other));
        exact_free(part);
    }
    s.data[0] ^= 1;
    {
        struct mse_config_statement statement;
        struct mse_error err = { 0 };

        assert_false(mse_config_statement_parse(view(&s), &statement, &err));
        assert_int_equal(err.code, MSE_ERR_VALUE);
    }
}

static void a_claim_is_one_of_three(void **state)
{
    struct sample s = from_hex(CONFIG_STATEMENT), u = from_hex(CONFIG_DIGEST);
    const struct {
        struct mse_bytes in;
        enum mse_config_kind kind;
        uint64_t epoch;
    } rows[] = {
        { { NULL, 0 }, MSE_CONFIG_NONE, 0 },
        { { u.data, 40 }, MSE_CONFIG_UNSIGNED, 9 },
        { view(&s), MSE_CONFIG_SIGNED, 0x0102030405060708 },
    };

    (void)state;
    u.data[39] = 9;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mse_config_claim claim;
        struct mse_error err = { 0 };
        struct mse_writer w = { 0 };

        assert_true(mse_config_claim_parse(rows[i].in, &claim, &err));
        assert_int_equal(claim.kind, rows[i].kind);
        assert_true(claim.epoch == rows[i].epoch);
        mse_config_claim_write(&claim, &w);
        assert_true(mse_bytes_equal(mse_writer_bytes(&w), rows[i].in));
        mse_writer_cleanup(&w);
    }
}

/* Zeros in the leaf say that nobody has configured it. */
static void a_configuration_has_a_digest(void **state)
{
    uint8_t zeros[40] = { 0 };
    struct mse_config_claim claim;
    struct mse_error err = { 0 };

    (void)state;
    zeros[39] = 1;
    assert_false(mse_config_claim_parse(MSE_BYTES(zeros), &claim, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_and_written),
        cmocka_unit_test(every_prefix_of_a_request_asks_for_more),
        cmocka_unit_test(a_wrong_request_is_refused_at_once),
        cmocka_unit_test(a_request_that_cannot_be_is_not_written),
        cmocka_unit_test(a_reply_is_read_and_written),
        cmocka_unit_test(every_prefix_of_a_reply_is_truncated),
        cmocka_unit_test(a_wrong_reply_is_refused),
        cmocka_unit_test(leftovers_and_missing_evidence_are_refused),
        cmocka_unit_test(a_reply_has_at_most_64_kib),
        cmocka_unit_test(a_statement_is_read_written_and_checked),
        cmocka_unit_test(a_changed_statement_is_not_the_owners),
        cmocka_unit_test(another_owner_did_not_sign_it),
        cmocka_unit_test(every_other_length_of_a_statement_is_refused),
        cmocka_unit_test(a_claim_is_one_of_three),
        cmocka_unit_test(a_configuration_has_a_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
