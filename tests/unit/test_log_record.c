/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a log, byte by byte as docs/formats.md has them, and everything that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/log_record.h"
#include "exact.h"

#define BOX (48 + 35 + 2)

/* A length of 85, number 5, and a box of 85 bytes 'b'. */
static void make_record(uint8_t out[static 12 + BOX])
{
    memset(out, 0, 12);
    out[3] = BOX;
    out[11] = 5;
    memset(out + 12, 'b', BOX);
}

static void a_record_is_length_number_and_box(void **state)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer again = { 0 };
    struct mse_error err = { 0 };
    uint8_t data[12 + BOX + 3];
    struct mse_log_record record;
    size_t used;

    (void)state;
    make_record(data);
    memset(data + 12 + BOX, 'x', 3); /* the next one begins here */
    assert_true(mse_log_record_parse(MSE_BYTES(data), &record, &used, &err));
    assert_int_equal(used, 12 + BOX);
    assert_true(record.sequence == 5);
    assert_ptr_equal(record.box.data, data + 12);
    assert_int_equal(record.box.len, BOX);
    mse_log_record_write(&record, &again);
    assert_int_equal(again.len, used);
    assert_memory_equal(again.data, data, used);
}

static void every_prefix_of_a_record_is_cut(void **state)
{
    uint8_t data[12 + BOX];

    (void)state;
    make_record(data);
    for (size_t len = 0; len < sizeof(data); len++) {
        struct mse_bytes copy = exact_copy(MSE_BYTES(data), len);
        struct mse_error err = { 0 };
        struct mse_log_record record;
        size_t used;

        assert_false(mse_log_record_parse(copy, &record, &used, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        assert_int_equal(used, 0);
        exact_free(copy);
    }
}

static void lengths_and_numbers_have_limits(void **state)
{
    static const struct {
        uint8_t head[12];
    } rows[] = {
        { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } },
        { { 0, 0, 0, 82, 0, 0, 0, 0, 0, 0, 0, 1 } },    /* less than an empty text */
        { { 0, 0, 0x40, 84, 0, 0, 0, 0, 0, 0, 0, 1 } }, /* one byte too many */
        { { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1 } },
        { { 0, 0, 0, BOX, 0, 0, 0, 0, 0, 0, 0, 0 } },
        { { 0, 0, 0, BOX, 0, 0x20, 0, 0, 0, 0, 0, 1 } }, /* 2^53 + 1 */
        { { 0, 0, 0, BOX, 0x80, 0, 0, 0, 0, 0, 0, 1 } },
    };
    uint8_t data[12 + MSE_LOG_MAX_BOX + 1] = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_log_record record;
        size_t used;

        memcpy(data, rows[i].head, 12);
        assert_false(mse_log_record_parse(MSE_BYTES(data), &record, &used, &err));
        assert_int_equal(err.code, MSE_ERR_VALUE);
    }
}

/* Number 5, 258 ms after 1970, 7 bytes lost, "hi". */
static const uint8_t entry_bytes[] = "mse-log-v1\n"
                                     "\0\0\0\0\0\0\0\5"
                                     "\0\0\0\0\0\0\1\2"
                                     "\0\0\0\0\0\0\0\7"
                                     "hi";
static const struct mse_bytes entry_text = { entry_bytes, sizeof(entry_bytes) - 1 };

static void an_entry_is_tag_numbers_and_text(void **state)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer again = { 0 };
    struct mse_error err = { 0 };
    struct mse_log_entry entry;

    (void)state;
    assert_true(mse_log_entry_parse(entry_text, &entry, &err));
    assert_true(entry.sequence == 5 && entry.time_ms == 258 && entry.lost == 7);
    assert_true(mse_bytes_equal_text(entry.text, "hi"));
    mse_log_entry_write(&entry, &again);
    assert_true(mse_bytes_equal(mse_writer_bytes(&again), entry_text));
}

static void every_prefix_without_its_head_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len <= entry_text.len; len++) {
        struct mse_bytes copy = exact_copy(entry_text, len);
        struct mse_error err = { 0 };
        struct mse_log_entry entry;

        assert_int_equal(mse_log_entry_parse(copy, &entry, &err), len >= 35);
        assert_int_equal(err.code, len >= 35 ? MSE_ERR_NONE : MSE_ERR_TRUNCATED);
        exact_free(copy);
    }
}

static void what_no_runtime_writes_is_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        enum mse_err_code code;
    } rows[] = {
        { 0, 'M', MSE_ERR_VALUE },   { 9, '2', MSE_ERR_VALUE },   { 18, 0, MSE_ERR_VALUE },
        { 12, 0x20, MSE_ERR_VALUE }, { 19, 0x80, MSE_ERR_VALUE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t data[sizeof(entry_bytes) - 1];
        struct mse_error err = { 0 };
        struct mse_log_entry entry;

        memcpy(data, entry_bytes, sizeof(data));
        data[rows[i].at] = rows[i].value;
        assert_false(mse_log_entry_parse(MSE_BYTES(data), &entry, &err));
        assert_int_equal(err.code, rows[i].code);
    }
}

static void a_text_has_at_most_16_kib(void **state)
{
    static uint8_t data[35 + MSE_LOG_MAX_TEXT + 1];
    struct mse_error err = { 0 };
    struct mse_log_entry entry;

    (void)state;
    memcpy(data, entry_bytes, 35);
    assert_true(mse_log_entry_parse((struct mse_bytes){ data, sizeof(data) - 1 }, &entry, &err));
    assert_int_equal(entry.text.len, 16384);
    assert_false(mse_log_entry_parse(MSE_BYTES(data), &entry, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_length_number_and_box),
        cmocka_unit_test(every_prefix_of_a_record_is_cut),
        cmocka_unit_test(lengths_and_numbers_have_limits),
        cmocka_unit_test(an_entry_is_tag_numbers_and_text),
        cmocka_unit_test(every_prefix_without_its_head_is_refused),
        cmocka_unit_test(what_no_runtime_writes_is_refused),
        cmocka_unit_test(a_text_has_at_most_16_kib),
    };

    return cmocka_run_group_tests_name("log_record", tests, NULL, NULL);
}
