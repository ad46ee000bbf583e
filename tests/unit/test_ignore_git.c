/* SPDX-License-Identifier: Apache-2.0 */
/* Ignore rules: examples of gitignore(5), the words they are put in for libgit2, and limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exact.h"
#include "package/ignore_git.h"
#include "package/ignore_rules.h"
#include "temp_tree.h"

#define B(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }

static struct mse_ignore_git *make(struct mse_bytes rules)
{
    struct mse_error err = { 0 };
    struct mse_ignore_git *git;

    if (!mse_ignore_git_new(rules, &git, &err))
        fail_msg("%s: %s", err.field, err.text);
    return git;
}

/* A path that ends in a slash is a directory. */
static bool asks(const struct mse_ignore_git *git, const char *path)
{
    const struct mse_ignore *ignore = mse_ignore_git_of(git);
    struct mse_error err = { 0 };
    char copy[5000];
    size_t len = strlen(path);
    bool is_directory = path[len - 1] == '/';
    bool ignored = true;

    (void)snprintf(copy, sizeof(copy), "%s", path);
    if (is_directory)
        copy[len - 1] = '\0';
    assert_true(ignore->is_ignored(ignore, copy, is_directory, &ignored, &err));
    assert_int_equal(err.code, MSE_ERR_NONE);
    return ignored;
}

/* Words are separated by spaces here. */
static void rules_decide_as_in_git(void **state)
{
    /* gitignore(5), "PATTERN FORMAT" and "EXAMPLES"; each was tried with git check-ignore. */
    static const struct {
        const char *rules;
        const char *ignored;
        const char *kept;
    } cases[] = {
        { "", "", "a .git/ .gitignore .mseignore" },
        { "# a\n\n", "", "a #" },
        { "a", "a a/ b/a b/a/", "ab b A" },
        { "a/", "a/ b/a/", "a b/a" },
        { "/a", "a a/", "b/a" },
        { "a/b", "a/b a/b/", "b x/a/b" },
        { "a/*", "a/b a/c/", "a/ a/c/d b/a/b" },
        { "a/**", "a/b a/c/ a/c/d", "a/ b/a/b" },
        { "**/a", "a b/a b/c/a", "ab" },
        { "**/a/b", "a/b x/a/b", "b" },
        { "a/**/b", "a/b a/x/b a/x/y/b", "b a/bx x/a/b" },
        { "*.py[cod]", "x.pyc a/x.pyo", "x.py x.pyx" },
        { "hello.*", "hello.txt a/hello.java", "hello" },
        { "/hello.*", "hello.txt", "a/hello.java" },
        { "*\n!a", "b c/ x/b", "a x/a" },
        { "a\n!a\na", "a", "b" },
        { "!a\na", "a", "b" },
        { "/*\n!/foo\n/foo/*\n!/foo/bar", "x foo/x", "foo/ foo/bar" },
        { "b\n!a", "a/b", "a/ a/c" }, /* a rule for a directory says nothing about what is in it */
        { "\\#a\n\\!b\nc\\ ", "#a !b", "a b c" },
        { "a\\\nb", "b", "a a\\" },
        { "a\r\nb\r\n", "a b", "c" },
        { "\xef\xbb\xbf"
          "a",
          "a", "b" },
        { "?", "a", "ab \xc3\xa9" }, /* bytes, not characters, as in git */
        { "/a**", "a ab a/b ab/c/d", "b" },
        { "/a**/b", "ab a/b ax/b ax/y/b", "a b axb" },
        { ".git", ".git .git/ a/.git/", ".gitignore" },
        { ".git*\n!.gitkeep", ".git/ .gitignore", ".gitkeep" },
        { ".", "", "a ..." },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_ignore_git *git = make(MSE_CSTR_BYTES(cases[i].rules));

        for (int ignored = 0; ignored < 2; ignored++) {
            char words[100];
            char *rest = words;
            char *word;

            (void)snprintf(words, sizeof(words), "%s", ignored ? cases[i].ignored : cases[i].kept);
            while ((word = strsep(&rest, " ")) != NULL) {
                if (word[0] != '\0' && asks(git, word) != (bool)ignored)
                    fail_msg("rules \"%s\": %s", cases[i].rules, word);
            }
        }
        mse_ignore_git_free(git);
    }
}

static void white_space_at_the_end_counts_behind_a_backslash_only(void **state)
{
    struct mse_ignore_git *git = make((struct mse_bytes)B("a  \nb\\ \nc\\  \nd\t\n e\nf\r\r\n"));

    (void)state;
    assert_true(asks(git, "a"));
    assert_false(asks(git, "a  "));
    assert_true(asks(git, "b "));
    assert_false(asks(git, "b"));
    assert_true(asks(git, "c "));
    assert_true(asks(git, "d\t"));
    assert_false(asks(git, "d"));
    assert_true(asks(git, " e"));
    assert_true(asks(git, "f\r"));
    mse_ignore_git_free(git);
}

static void two_sets_of_rules_do_not_mix(void **state)
{
    struct mse_ignore_git *one = make((struct mse_bytes)B("a"));
    struct mse_ignore_git *two = make((struct mse_bytes)B("b"));

    (void)state;
    assert_true(asks(one, "a") && !asks(one, "b"));
    assert_true(asks(two, "b") && !asks(two, "a"));
    mse_ignore_git_free(one);
    assert_true(asks(two, "b") && !asks(two, "a"));
    mse_ignore_git_free(two);
    mse_ignore_git_free(NULL);
}

/* Long enough for whatever a walk asks about. */
static void long_paths(void **state)
{
    struct mse_ignore_git *git = make((struct mse_bytes)B("*b\n"));
    char path[4096 + 255 + 3];

    (void)state;
    memset(path, 'a', sizeof(path));
    for (size_t i = 200; i < sizeof(path); i += 200)
        path[i] = '/';
    path[sizeof(path) - 1] = '\0';
    path[sizeof(path) - 2] = '/';
    assert_false(asks(git, path));
    path[sizeof(path) - 3] = 'b';
    assert_true(asks(git, path));
    mse_ignore_git_free(git);
}

static void rules_are_put_in_words_for_libgit2(void **state)
{
    static const struct {
        struct mse_bytes in;
        const char *want;
    } cases[] = {
        { B(""), "" },
        { B("#\n \n!\n/\n!/\n"), "" },
        { B("a"), "a\n" },
        { B("!a/"), "!a/\n" },
        { B("a/b"), "/a/b\n" },
        { B("/a"), "/a\n" },
        { B("a b\tc"), "a\\ b\\\tc\n" },
        { B("[a b]"), "[a\\ b]\n" },
        { B("a\r\r\n"), "a[\r]\n" },
        { B("a\\"), "" },
        { B("a[b"), "" },
        { B("[[:alpha:"), "" },
        { B("[[:]]"), "[[:]]\n" },
        { B("a**b"), "a*b\n" },
        { B("**"), "*\n" },
        { B("x/**"), "/x/**\n" },
        { B("x/***/**/y"), "/x/**/y\n" },
        { B("x/y**"), "/x/y*\n/x/y*/**\n" },
        { B("x/y**/z"), "/x/yz\n/x/y*/**/z\n" },
        { B("!x/y**/z/"), "!/x/yz/\n!/x/y*/**/z/\n" },
        { B("x/?**/z"), "/x/?*/z\n" },
        { B("**/a**/z"), "/**/a*/z\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_bytes in = exact_copy(cases[i].in, cases[i].in.len);
        struct mse_error err = { 0 };
        struct mse_writer w = { 0 };

        assert_true(mse_ignore_rules_write(in, &w, &err));
        if (!mse_bytes_equal(mse_writer_bytes(&w), MSE_CSTR_BYTES(cases[i].want)))
            fail_msg("case %zu: %.*s", i, (int)w.len, (const char *)w.data);
        mse_writer_cleanup(&w);
        exact_free(in);
    }
}

static void refusals_name_the_line(void **state)
{
    static const struct {
        struct mse_bytes in;
        enum mse_err_code want;
        const char *says;
    } cases[] = {
        { B("a\nb\0\n"), MSE_ERR_VALUE, "line 2: a NUL" },
        { B("\0"), MSE_ERR_VALUE, "line 1: a NUL" },
        { B("\n\n*a*a*a*a*a*a*a*a*"), MSE_ERR_LIMIT, "line 3: more than 8 asterisks" },
        { B("a\n**/a/**/a/**/b"), MSE_ERR_LIMIT, "line 2: more than two \"**\"" },
        { B("**/a*a*b*"), MSE_ERR_LIMIT, "line 1: \"**\" and more than two other" },
        { B("*/*/*/a**"), MSE_ERR_LIMIT, "line 1: \"**\" and more than two other" },
        { B("a/**\\/b"), MSE_ERR_UNSUPPORTED, "line 1: two asterisks before an escaped slash" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_ignore_git *git = (struct mse_ignore_git *)(uintptr_t)1;

        assert_false(mse_ignore_git_new(cases[i].in, &git, &err));
        assert_null(git);
        assert_int_equal(err.code, cases[i].want);
        assert_string_equal(err.field, MSE_IGNORE_FILE);
        assert_non_null(strstr(err.text, cases[i].says));
    }
}

static void numbers_and_sizes_are_limited(void **state)
{
    static char text[MSE_IGNORE_MAX_SIZE + 1];
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };

    (void)state;
    memset(text, '\n', sizeof(text));
    for (size_t i = 0; i < MSE_IGNORE_MAX_RULES; i++)
        text[2 * i] = 'a';
    assert_true(mse_ignore_rules_write(
        (struct mse_bytes){ (const uint8_t *)text, MSE_IGNORE_MAX_SIZE }, &w, &err));
    assert_int_equal(w.len, (size_t)2 * MSE_IGNORE_MAX_RULES);
    assert_false(mse_ignore_rules_write(
        (struct mse_bytes){ (const uint8_t *)text, MSE_IGNORE_MAX_SIZE + 1 }, &w, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    err = (struct mse_error){ 0 };
    text[(size_t)2 * MSE_IGNORE_MAX_RULES] = 'a';
    assert_false(mse_ignore_rules_write(
        (struct mse_bytes){ (const uint8_t *)text, MSE_IGNORE_MAX_SIZE }, &w, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_non_null(strstr(err.text, "line 4097: more than 4096 rules"));
    mse_writer_cleanup(&w);
}

/* Each of them takes long on a deep path: a file must not have thousands. */
static void slow_rules_are_few(void **state)
{
    static const char rule[] = "**/a*a*b\n";
    char text[(MSE_IGNORE_MAX_SLOW + 1) * (sizeof(rule) - 1)];
    struct mse_bytes all = { (const uint8_t *)text, sizeof(text) };
    struct mse_bytes fewer = { all.data, all.len - (sizeof(rule) - 1) };
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };

    (void)state;
    for (size_t i = 0; i <= MSE_IGNORE_MAX_SLOW; i++)
        memcpy(text + i * (sizeof(rule) - 1), rule, sizeof(rule) - 1);
    assert_true(mse_ignore_rules_write(fewer, &w, &err));
    assert_false(mse_ignore_rules_write(all, &w, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_non_null(strstr(err.text, "line 65: more than 64 rules"));
    mse_writer_cleanup(&w);
}

static void every_prefix_is_read_within_its_bounds(void **state)
{
    static const struct mse_bytes all = B(
        "\xef\xbb\xbf#\n!a**/[[:alpha:]a-\\]-]\\ b\r\nc\\\\/**/**/d[!]/]/\n\\");

    (void)state;
    for (size_t n = 0; n <= all.len; n++) {
        struct mse_bytes cut = exact_copy(all, n);
        struct mse_error err = { 0 };
        struct mse_writer w = { 0 };

        assert_true(mse_ignore_rules_write(cut, &w, &err));
        mse_writer_cleanup(&w);
        exact_free(cut);
    }
}

/* ---- the file ---- */

static void the_file_is_that_of_the_directory(void **state)
{
    struct mse_error err = { 0 };
    struct mse_ignore_git *git;

    (void)state;
    assert_true(mse_ignore_git_open(work_dir, &git, &err));
    assert_false(asks(git, "a"));
    mse_ignore_git_free(git);
    temp_put(".mseignore", "a\n");
    assert_true(mse_ignore_git_open(work_dir, &git, &err));
    assert_true(asks(git, "a"));
    mse_ignore_git_free(git);
}

static void assert_not_opened(enum mse_err_code want, const char *field)
{
    struct mse_error err = { 0 };
    struct mse_ignore_git *git = (struct mse_ignore_git *)(uintptr_t)1;

    assert_false(mse_ignore_git_open(work_dir, &git, &err));
    assert_null(git);
    assert_int_equal(err.code, want);
    assert_string_equal(err.field, field);
}

static void only_a_regular_file_has_rules(void **state)
{
    char *big = calloc(1, MSE_IGNORE_MAX_SIZE + 1);

    (void)state;
    assert_non_null(big);
    temp_put("rules", "a\n");
    temp_link(MSE_IGNORE_FILE, "rules");
    assert_not_opened(MSE_ERR_VALUE, MSE_IGNORE_FILE);
    assert_int_equal(unlink(in_work(MSE_IGNORE_FILE)), 0);
    assert_int_equal(mkfifo(in_work(MSE_IGNORE_FILE), 0644), 0);
    assert_not_opened(MSE_ERR_VALUE, MSE_IGNORE_FILE);
    assert_int_equal(unlink(in_work(MSE_IGNORE_FILE)), 0);
    assert_int_equal(mkdir(in_work(MSE_IGNORE_FILE), 0755), 0);
    assert_not_opened(MSE_ERR_VALUE, MSE_IGNORE_FILE);
    assert_int_equal(rmdir(in_work(MSE_IGNORE_FILE)), 0);
    memset(big, '#', MSE_IGNORE_MAX_SIZE + 1);
    temp_put_bytes(MSE_IGNORE_FILE, big, MSE_IGNORE_MAX_SIZE + 1);
    assert_not_opened(MSE_ERR_LIMIT, MSE_IGNORE_FILE);
    free(big);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, work_make, work_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_decide_as_in_git),
        cmocka_unit_test(white_space_at_the_end_counts_behind_a_backslash_only),
        cmocka_unit_test(two_sets_of_rules_do_not_mix),
        cmocka_unit_test(long_paths),
        cmocka_unit_test(rules_are_put_in_words_for_libgit2),
        cmocka_unit_test(refusals_name_the_line),
        cmocka_unit_test(numbers_and_sizes_are_limited),
        cmocka_unit_test(slow_rules_are_few),
        cmocka_unit_test(every_prefix_is_read_within_its_bounds),
        TEST(the_file_is_that_of_the_directory),
        TEST(only_a_regular_file_has_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
