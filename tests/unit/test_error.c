/* SPDX-License-Identifier: Apache-2.0 */
/* struct mse_error: the first failure is kept, context is added outwards, text is shown safely. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void first_failure_is_kept(void **state)
{
    struct mse_error err = { 0 };

    (void)state;
    assert_false(mse_fail(&err, MSE_ERR_VALUE, 7, "first"));
    assert_false(mse_fail(&err, MSE_ERR_FORMAT, 8, "second"));
    assert_false(mse_fail_text(&err, MSE_ERR_IO, "third", "%d", 3));
    assert_false(mse_fail_text_at(&err, MSE_ERR_IO, 9, "fourth", "%d", 4));
    assert_false(mse_fail_memory(&err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_int_equal(err.offset, 7);
    assert_string_equal(err.field, "first");
    assert_string_equal(err.text, "");
}

static void text_and_offset_are_recorded(void **state)
{
    struct mse_error err = { 0 };

    (void)state;
    assert_false(mse_fail_text_at(&err, MSE_ERR_MISMATCH, 12, "svn", "read %d, need %d", 3, 4));
    assert_int_equal(err.code, MSE_ERR_MISMATCH);
    assert_int_equal(err.offset, 12);
    assert_string_equal(err.field, "svn");
    assert_string_equal(err.text, "read 3, need 4");
    err = (struct mse_error){ 0 };
    assert_false(mse_fail_text(&err, MSE_ERR_IO, "f", "%s", "gone"));
    assert_int_equal(err.offset, 0);
    err = (struct mse_error){ 0 };
    assert_false(mse_fail_memory(&err));
    assert_int_equal(err.code, MSE_ERR_MEMORY);
}

static void context_goes_before_the_field(void **state)
{
    struct mse_error err = { 0 };

    (void)state;
    assert_false(mse_fail(&err, MSE_ERR_VALUE, 0, "svn"));
    assert_false(mse_fail_in(&err, "tcbLevels[%d]", 3));
    assert_false(mse_fail_in(&err, "tcb_info"));
    assert_string_equal(err.field, "tcb_info: tcbLevels[3]: svn");
}

static void context_without_a_failure_adds_none(void **state)
{
    struct mse_error err = { 0 };

    (void)state;
    assert_false(mse_fail_in(&err, "context"));
    assert_int_equal(err.code, MSE_ERR_NONE);
    assert_string_equal(err.field, "");
}

static void what_is_too_long_is_cut_visibly(void **state)
{
    struct mse_error err = { 0 };
    char long_text[1000];

    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    assert_false(mse_fail_text(&err, MSE_ERR_IO, long_text, "%s", long_text));
    assert_int_equal(strlen(err.field), sizeof(err.field) - 1);
    assert_string_equal(err.field + sizeof(err.field) - 5, "x...");
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_string_equal(err.text + sizeof(err.text) - 5, "x...");
    for (int i = 0; i < 3; i++)
        assert_false(mse_fail_in(&err, "%s", long_text));
    assert_int_equal(strlen(err.field), sizeof(err.field) - 1);
    assert_string_equal(err.field + sizeof(err.field) - 5, "x...");
}

static void a_field_that_just_fits_is_not_cut(void **state)
{
    struct mse_error err = { 0 };
    char field[sizeof(err.field)];

    (void)state;
    memset(field, 'y', sizeof(field) - 1);
    field[sizeof(field) - 1] = '\0';
    assert_false(mse_fail(&err, MSE_ERR_IO, 0, field));
    assert_string_equal(err.field, field);
}

/* clang-format off */
static const struct { struct mse_error err; const char *want; } described[] = {
    { { MSE_ERR_NONE, 0, "", "" }, "no error" },
    { { MSE_ERR_TRUNCATED, 0, "quote.header", "" }, "quote.header: truncated" },
    { { MSE_ERR_TRUNCATED, 48, "quote.header", "" }, "quote.header: truncated, at byte 48" },
    { { MSE_ERR_IO, 0, "/a/b", "No space left" }, "/a/b: No space left (io)" },
    { { MSE_ERR_VALUE, 5, "", "odd" }, "odd (value), at byte 5" },
    { { MSE_ERR_NOT_YET_VALID, 0, "", "" }, "not-yet-valid" },
    { { MSE_ERR_VALUE, 0, "\033[31m", "a\nb\xff" }, "\\x1b[31m: a\\x0ab\\xff (value)" },
};
/* clang-format on */

static void errors_are_described_on_one_line(void **state)
{
    char out[700];

    (void)state;
    for (size_t i = 0; i < sizeof(described) / sizeof(described[0]); i++)
        assert_string_equal(mse_error_describe(&described[i].err, out, sizeof(out)),
                            described[i].want);
}

static void description_fits_any_room(void **state)
{
    (void)state;
    for (size_t size = 1; size < 40; size++) {
        char *out = malloc(size);

        mse_error_describe(&described[2].err, out, size);
        assert_true(strlen(out) < size);
        free(out);
    }
}

static void every_code_has_its_own_name(void **state)
{
    (void)state;
    for (int i = 0; i <= MSE_ERR_USAGE; i++) {
        assert_string_not_equal(mse_err_name((enum mse_err_code)i), "unknown");
        for (int j = 0; j < i; j++)
            assert_string_not_equal(mse_err_name((enum mse_err_code)i),
                                    mse_err_name((enum mse_err_code)j));
    }
    assert_string_equal(mse_err_name((enum mse_err_code)(MSE_ERR_USAGE + 1)), "unknown");
    assert_string_equal(mse_err_name((enum mse_err_code) - 1), "unknown");
    assert_string_equal(mse_err_name(MSE_ERR_TRUNCATED), "truncated");
}

static void version_is_that_of_the_header(void **state)
{
    (void)state;
    assert_string_equal(mse_version(), MSE_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_failure_is_kept),
        cmocka_unit_test(text_and_offset_are_recorded),
        cmocka_unit_test(context_goes_before_the_field),
        cmocka_unit_test(context_without_a_failure_adds_none),
        cmocka_unit_test(what_is_too_long_is_cut_visibly),
        cmocka_unit_test(a_field_that_just_fits_is_not_cut),
        cmocka_unit_test(errors_are_described_on_one_line),
        cmocka_unit_test(description_fits_any_room),
        cmocka_unit_test(every_code_has_its_own_name),
        cmocka_unit_test(version_is_that_of_the_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
