/* SPDX-License-Identifier: Apache-2.0 */
/* The original's ignore rules: examples, each tried with fnmatch of Python 3.11, and limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "exact.h"
#include "package/ignore_glob.h"
#include "temp_tree.h"

static struct mse_ignore_glob *make(struct mse_bytes rules)
{
    struct mse_error err = { 0 };
    struct mse_ignore_glob *glob;

    if (!mse_ignore_glob_new(rules, &glob, &err))
        fail_msg("%s: %s", err.field, err.text);
    return glob;
}

static bool asks(const struct mse_ignore_glob *glob, const char *path)
{
    const struct mse_ignore *ignore = mse_ignore_glob_of(glob);
    struct mse_error err = { 0 };
    bool ignored = true, as_directory = true;

    assert_true(ignore->is_ignored(ignore, path, false, &ignored, &err));
    assert_true(ignore->is_ignored(ignore, path, true, &as_directory, &err));
    assert_int_equal(err.code, MSE_ERR_NONE);
    assert_int_equal(ignored, as_directory); /* the name alone decides */
    return ignored;
}

/* Names are separated by '|'. */
static void check_names(const char *rules, const char *names, bool want)
{
    struct mse_ignore_glob *glob = make(MSE_CSTR_BYTES(rules));
    char copy[256], *rest = copy;
    const char *name;

    (void)snprintf(copy, sizeof(copy), "%s", names);
    while ((name = strsep(&rest, "|")) != NULL) {
        if (name[0] != '\0' && asks(glob, name) != want)
            fail_msg("\"%s\" with rules \"%s\"", name, rules);
    }
    mse_ignore_glob_free(glob);
}

static void rules_decide_as_in_python(void **state)
{
    static const struct {
        const char *rules, *ignored, *kept;
    } cases[] = {
        { "", "", "a|.git|.mseignore" },
        { "# a\n\n   \n\t# b\n", "", "a|#|# a|b" },
        { "a", "a|b/a|b/c/a", "ab|b|A|a/b" },
        { "a/\na/b\n/a", "", "a|a/b" }, /* no name has a slash */
        { "!a", "!a", "a" },            /* nothing negates a rule */
        { "a ", "a ", "a" },            /* blanks belong to it */
        { " a\n#b", " a", "a|#b| #b" },
        { "*.py[cod]", "x.pyc|x/y.pyo|.pyd", "x.py|x.pyx|x.pyco" },
        { ".git*", ".git|.gitignore", "a.git|git" },
        { "*", "a|.a|\xc3\xa9", "" }, /* hidden ones too */
        { "**", "a|.a", "" },
        { "a**b", "ab|axb|axxb", "a|ba" },
        { "*a*b*c*", "abc|xaxbxcx|aabbcc", "acb|ab|bca" },
        { "?", "a|\xc3\xa9|\xf0\x9f\x98\x80", "ab" }, /* characters, not bytes */
        { "[\xc3\xa0-\xc3\xb6]", "\xc3\xa9", "e|\xc3\xbf" },
        { "[!a]", "b|^", "a|ab" },
        { "[^a]", "^|a", "b" }, /* '^' does not negate */
        { "[]a]", "]|a", "b" },
        { "[!]a]", "b", "]|a" },
        { "[]", "[]", "]|[" },
        { "[a", "[a", "a" },
        { "[a-c]", "a|b|c", "d|-" },
        { "[a-]", "a|-", "b" },
        { "[-a]", "a|-", "b" },
        { "[!-a]", "b", "a|-" },
        { "[a-c-e]", "a|b|c|-|e", "d" },
        { "[--a]", "-|.|A|a", "b" },
        { "[c-a]", "", "a|b|c|-" }, /* an empty range matches nothing */
        { "[!c-a]", "a|b|-", "ab" },
        { "[c-a!b]", "a|!", "b" }, /* what negates is what comes first in the end */
        { "[c-a!-z]", "a|!", "-|z" },
        { "\\*", "\\|\\a", "*|a" }, /* nothing escapes */
        { "[\\]", "\\", "]" },
        { "a\rb\r\nc\vd\fe\x1c"
          "f\xc2\x85g\xe2\x80\xa8h",
          "a|b|c|d|e|f|g|h", "i" }, /* all of them end lines */
        { "\xe3\x80\x80# a\n\xe3\x80\x80", "", "a|\xe3\x80\x80|\xe3\x80\x80# a" },
        { "\xef\xbb\xbf"
          "a",
          "\xef\xbb\xbf"
          "a",
          "a" }, /* no mark of a text file is taken away */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_names(cases[i].rules, cases[i].ignored, true);
        check_names(cases[i].rules, cases[i].kept, false);
    }
}

static void any_rule_that_matches_decides(void **state)
{
    (void)state;
    check_names("a\nb\nc", "a|b|c", true);
    check_names("a\n!a\nb\n!b", "a|b", true);
}

static void refuse(struct mse_bytes rules, enum mse_err_code want)
{
    struct mse_ignore_glob *glob = (struct mse_ignore_glob *)(uintptr_t)1;
    struct mse_error err = { 0 };

    assert_false(mse_ignore_glob_new(rules, &glob, &err));
    assert_null(glob);
    assert_int_equal(err.code, want);
    assert_string_equal(err.field, MSE_IGNORE_FILE);
}

static void limits_and_bytes_that_are_no_text_are_refused(void **state)
{
    struct mse_writer w = { 0 };

    (void)state;
    refuse(MSE_CSTR_BYTES("a\xff"), MSE_ERR_FORMAT);
    refuse(MSE_CSTR_BYTES("\xc3"), MSE_ERR_FORMAT);
    for (int i = 0; i <= MSE_GLOB_MAX_RULE; i++)
        mse_write_u8(&w, 'a');
    refuse(mse_writer_bytes(&w), MSE_ERR_LIMIT);
    w.len--;
    mse_ignore_glob_free(make(mse_writer_bytes(&w)));
    w.len = 0;
    for (int i = 0; i < MSE_GLOB_MAX_RULES; i++)
        mse_write_text(&w, "a\n\n");
    mse_ignore_glob_free(make(mse_writer_bytes(&w)));
    mse_write_text(&w, "a");
    refuse(mse_writer_bytes(&w), MSE_ERR_LIMIT);
    w.len = 0;
    for (unsigned i = 0; i <= MSE_IGNORE_MAX_SIZE; i++)
        mse_write_u8(&w, '\n');
    refuse(mse_writer_bytes(&w), MSE_ERR_LIMIT);
    w.len--;
    mse_ignore_glob_free(make(mse_writer_bytes(&w)));
    mse_writer_cleanup(&w);
}

static void names_that_no_file_has_are_refused(void **state)
{
    struct mse_ignore_glob *glob = make(MSE_CSTR_BYTES("*"));
    const struct mse_ignore *ignore = mse_ignore_glob_of(glob);
    struct mse_error err = { 0 };
    char name[258];
    bool ignored = true;

    (void)state;
    memset(name, 'n', sizeof(name));
    name[256] = '\0';
    assert_false(ignore->is_ignored(ignore, name, false, &ignored, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_false(ignored);
    err = (struct mse_error){ 0 };
    name[255] = '\0';
    assert_true(ignore->is_ignored(ignore, name, false, &ignored, &err));
    assert_true(ignored);
    assert_false(ignore->is_ignored(ignore, "a/\xff", false, &ignored, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    mse_ignore_glob_free(glob);
}

static void every_prefix_is_read_or_refused(void **state)
{
    static const char rules[] = "a[!b-\xc3\xa9]*\xf0\x9f\x98\x80?\r\n# x\n[]-!x]\n[c-a-";

    (void)state;
    for (size_t n = 0; n < sizeof(rules); n++) {
        struct mse_bytes cut = exact_copy(MSE_CSTR_BYTES(rules), n);
        struct mse_ignore_glob *glob = NULL;
        struct mse_error err = { 0 };

        if (mse_ignore_glob_new(cut, &glob, &err))
            (void)asks(glob, "x/abc");
        else
            assert_int_equal(err.code, MSE_ERR_FORMAT); /* in the middle of a character */
        mse_ignore_glob_free(glob);
        exact_free(cut);
    }
}

static bool leaves_out_a(void)
{
    struct mse_ignore_glob *glob = NULL;
    struct mse_error err = { 0 };
    bool result;

    assert_true(mse_ignore_glob_open(work_dir, &glob, &err));
    result = asks(glob, "a");
    mse_ignore_glob_free(glob);
    return result;
}

static void the_file_of_a_directory_is_read(void **state)
{
    struct mse_ignore_glob *glob = NULL;
    struct mse_error err = { 0 };

    (void)state;
    assert_false(leaves_out_a());
    temp_link(MSE_IGNORE_FILE, "rules"); /* links are followed, to nothing too */
    assert_false(leaves_out_a());
    temp_put("rules", "a\n");
    assert_true(leaves_out_a());
    assert_int_equal(unlink(in_work(MSE_IGNORE_FILE)), 0);
    assert_int_equal(mkdir(in_work(MSE_IGNORE_FILE), 0700), 0);
    assert_false(mse_ignore_glob_open(work_dir, &glob, &err));
    assert_null(glob);
    assert_string_equal(err.field, MSE_IGNORE_FILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_decide_as_in_python),
        cmocka_unit_test(any_rule_that_matches_decides),
        cmocka_unit_test(limits_and_bytes_that_are_no_text_are_refused),
        cmocka_unit_test(names_that_no_file_has_are_refused),
        cmocka_unit_test(every_prefix_is_read_or_refused),
        cmocka_unit_test_setup_teardown(the_file_of_a_directory_is_read, work_make, work_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
