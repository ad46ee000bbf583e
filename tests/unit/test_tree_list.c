/* SPDX-License-Identifier: Apache-2.0 */
/* The list of a tree's entries: its text, and how another list differs from the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exact.h"
#include "measure/tree.h"
#include "temp_tree.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" /* SHA-256("") */
#define X "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"     /* "x" */
#define LIST "f " X " a/x\nx " EMPTY " b\nl " X " l\n"

static struct mse_tree *make_tree(void)
{
    struct mse_error err = { 0 };
    struct mse_tree *tree = NULL;

    temp_put("a/x", "x");
    temp_put("b", "");
    assert_int_equal(chmod(in_work("b"), 0755), 0);
    temp_link("l", "x");
    assert_true(mse_tree_read(work_dir, NULL, &tree, &err));
    assert_true(mse_tree_hash(tree, 1, &err));
    return tree;
}

static void the_list_has_a_line_for_each_entry(void **state)
{
    struct mse_tree *tree = make_tree();
    struct mse_writer w = { 0 };

    (void)state;
    mse_tree_list_write(tree, &w);
    assert_true(mse_bytes_equal_text(mse_writer_bytes(&w), LIST));
    mse_writer_cleanup(&w);
    mse_tree_free(tree);
}

struct seen {
    char text[400];
};

static void record(void *context, enum mse_tree_change change, const char *path)
{
    static const char names[] = { [MSE_TREE_MISSING] = '-',
                                  [MSE_TREE_EXTRA] = '+',
                                  [MSE_TREE_CONTENT] = '~',
                                  [MSE_TREE_TYPE] = 't' };
    struct seen *seen = context;
    size_t at = strlen(seen->text);

    (void)snprintf(seen->text + at, sizeof(seen->text) - at, "%c%s ", names[change], path);
}

static void differences_come_in_order(void **state)
{
    static const struct {
        const char *list;
        const char *want;
        size_t count;
    } cases[] = {
        { LIST, "", 0 },
        { "", "+a/x +b +l ", 3 },
        { "f " EMPTY " a/x\nx " EMPTY " b\nl " X " l\n", "~a/x ", 1 },
        { "f " X " a/x\nf " EMPTY " b\nl " X " l\n", "tb ", 1 },
        { "f " X " a/x\nf " X " b\nl " X " l\n", "tb ", 1 },
        { "x " EMPTY " b\n", "+a/x +l ", 2 },
        { "f " X " a\nf " X " a/x\nx " EMPTY " b\nl " X " l\n", "-a ", 1 },
        { "f " X " a/x\nx " EMPTY " b\nl " X " l\nf " X " z\n", "-z ", 1 },
        { "f " X " 0\nf " EMPTY " a/x\nf " X " m\nl " EMPTY " z\n", "-0 ~a/x +b +l -m -z ", 6 },
    };
    struct mse_tree *tree = make_tree();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_error err = { 0 };
        struct seen seen = { "" };
        size_t count = 99;

        assert_true(mse_tree_list_compare(tree, MSE_CSTR_BYTES(cases[i].list), record, &seen,
                                          &count, &err));
        assert_int_equal(count, cases[i].count);
        assert_string_equal(seen.text, cases[i].want);
        assert_true(
            mse_tree_list_compare(tree, MSE_CSTR_BYTES(cases[i].list), NULL, NULL, &count, &err));
        assert_int_equal(count, cases[i].count);
    }
    mse_tree_free(tree);
}

static void malformed_lists_are_refused_before_anybody_hears_of_them(void **state)
{
    static const struct {
        const char *list;
        enum mse_err_code want;
        size_t at;
    } cases[] = {
        { "f " X " z", MSE_ERR_TRUNCATED, 67 },
        { "f " X " z\n\n", MSE_ERR_FORMAT, 69 },
        { "f " X " z\nf", MSE_ERR_TRUNCATED, 70 },
        { "d " X " z\n", MSE_ERR_FORMAT, 0 },
        { "F " X " z\n", MSE_ERR_FORMAT, 0 },
        { " f " X " z\n", MSE_ERR_FORMAT, 0 },
        { "f\t" X " z\n", MSE_ERR_VALUE, 1 },
        { "f  " X " z\n", MSE_ERR_FORMAT, 2 },
        { "f " X "0 z\n", MSE_ERR_VALUE, 66 },
        { "f E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 z\n", MSE_ERR_FORMAT,
          2 },
        { "f x3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 z\n", MSE_ERR_FORMAT,
          2 },
        { "f " X " \n", MSE_ERR_VALUE, 0 },
        { "f " X " /z\n", MSE_ERR_VALUE, 0 },
        { "f " X " z/\n", MSE_ERR_VALUE, 0 },
        { "f " X " ../z\n", MSE_ERR_VALUE, 0 },
        { "f " X " z/./z\n", MSE_ERR_VALUE, 0 },
        { "f " X " z//z\n", MSE_ERR_VALUE, 0 },
        { "f " X " z\r\n", MSE_ERR_VALUE, 0 },
        { "f " X " \xff\n", MSE_ERR_VALUE, 0 },
        { "f " X " z\nf " X " z\n", MSE_ERR_DUPLICATE, 136 },
        { "f " X " z\nl " X " z\n", MSE_ERR_DUPLICATE, 136 },
        { "f " X " z\nf " X " y\n", MSE_ERR_FORMAT, 136 },
        { "f " X " a/z\nf " X " a-z\n", MSE_ERR_FORMAT, 138 },
    };
    struct mse_tree *tree = make_tree();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_error err = { 0 };
        struct seen seen = { "" };
        size_t count = 99;

        assert_false(mse_tree_list_compare(tree, MSE_CSTR_BYTES(cases[i].list), record, &seen,
                                           &count, &err));
        assert_int_equal(err.code, cases[i].want);
        assert_int_equal(err.offset, cases[i].at);
        assert_int_equal(count, 0);
        assert_string_equal(seen.text, "");
    }
    mse_tree_free(tree);
}

static void a_path_too_long_is_refused(void **state)
{
    struct mse_tree *tree = make_tree();
    struct mse_writer w = { 0 };
    struct mse_error err = { 0 };
    size_t count;

    (void)state;
    for (unsigned extra = 0; extra < 2; extra++) {
        w.len = 0;
        mse_write_text(&w, "f " X " ");
        for (unsigned i = 0; i < MSE_TREE_MAX_PATH + extra; i++)
            mse_write_text(&w, "z");
        mse_write_text(&w, "\n");
        assert_int_equal(
            mse_tree_list_compare(tree, mse_writer_bytes(&w), NULL, NULL, &count, &err),
            extra == 0);
    }
    assert_int_equal(err.code, MSE_ERR_VALUE);
    mse_writer_cleanup(&w);
    mse_tree_free(tree);
}

/* A list cut at the end of a line is one of fewer entries. */
static void every_prefix_is_refused_or_a_shorter_list(void **state)
{
    struct mse_tree *tree = make_tree();

    (void)state;
    for (size_t n = 0; n < strlen(LIST); n++) {
        struct mse_bytes cut = exact_copy(MSE_CSTR_BYTES(LIST), n);
        struct mse_error err = { 0 };
        size_t count;
        bool whole = n == 0 || LIST[n - 1] == '\n';

        assert_int_equal(mse_tree_list_compare(tree, cut, NULL, NULL, &count, &err), whole);
        if (!whole)
            assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        exact_free(cut);
    }
    mse_tree_free(tree);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, work_make, work_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_list_has_a_line_for_each_entry),
        TEST(differences_come_in_order),
        TEST(malformed_lists_are_refused_before_anybody_hears_of_them),
        TEST(a_path_too_long_is_refused),
        TEST(every_prefix_is_refused_or_a_shorter_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
