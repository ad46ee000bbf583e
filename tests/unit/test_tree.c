/* SPDX-License-Identifier: Apache-2.0 */
/* Trees: entries, their order, the digest, what is refused, and files that change meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>

#include <cmocka.h>

#include "base/encode.h"
#include "measure/tree.h"
#include "temp_tree.h"

/* SHA-256 over the layout in docs/fingerprint.md, made with Python's hashlib. */
#define DIGEST "c638ae729cfffa5f4c166bcf2b2154ece5fa3fe832d593fe90ab1f2d7a2dfa2f"
#define DIGEST_EMPTY "4c5e82d693efc52f15de18b804403bc6b9e29d158a1c06a9715165a7f49caa67"

static void put_example(void)
{
    temp_put("main.py", "print()\n");
    temp_put("run", "#!/bin/sh\n");
    assert_int_equal(chmod(in_work("run"), 0755), 0);
    temp_put("lib/a.py", "");
    temp_put("lib-x", "x");
    temp_put_bytes("\xc3\xa9", "", 1);
    temp_link("link", "lib/a.py");
}

static struct mse_tree *read_tree(const struct mse_ignore *ignore)
{
    struct mse_error err = { 0 };
    struct mse_tree *tree = NULL;

    if (!mse_tree_read(work_dir, ignore, &tree, &err))
        fail_msg("%s: %s", err.field, err.text);
    assert_int_equal(err.code, MSE_ERR_NONE);
    return tree;
}

/* Into a static buffer; "" after a failure. */
static const char *digest(unsigned threads)
{
    static char hex[65];
    struct mse_error err = { 0 };
    struct mse_tree *tree = NULL;
    uint8_t out[32];

    hex[0] = '\0';
    if (mse_tree_read(work_dir, NULL, &tree, &err)) {
        assert_false(mse_tree_digest(tree, out, &(struct mse_error){ 0 }));
        if (mse_tree_hash(tree, threads, &err) && mse_tree_digest(tree, out, &err))
            mse_hex_write(out, sizeof(out), hex);
    }
    mse_tree_free(tree);
    return hex;
}

/* path and text are parts of what the error says. */
static void assert_refused(enum mse_err_code want, const char *path, const char *text)
{
    struct mse_error err = { 0 };
    struct mse_tree *tree = (struct mse_tree *)(uintptr_t)1;

    assert_false(mse_tree_read(work_dir, NULL, &tree, &err));
    assert_null(tree);
    assert_int_equal(err.code, want);
    assert_string_equal(err.field, path);
    if (strstr(err.text, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

/* ---- what is read ---- */

static void entries_are_sorted_by_the_bytes_of_their_paths(void **state)
{
    static const struct mse_tree_entry want[] = {
        { .path = "lib-x", .type = MSE_TREE_FILE, .size = 1 },
        { .path = "lib/a.py", .type = MSE_TREE_FILE, .size = 0 },
        { .path = "link", .type = MSE_TREE_LINK, .target = "lib/a.py", .size = 8 },
        { .path = "main.py", .type = MSE_TREE_FILE, .size = 8 },
        { .path = "run", .type = MSE_TREE_EXECUTABLE, .size = 10 },
        { .path = "\xc3\xa9", .type = MSE_TREE_FILE, .size = 1 },
    };
    struct mse_tree *tree;

    (void)state;
    put_example();
    tree = read_tree(NULL);
    assert_int_equal(mse_tree_count(tree), 6);
    for (size_t i = 0; i < 6; i++) {
        const struct mse_tree_entry *got = mse_tree_at(tree, i);

        assert_string_equal(got->path, want[i].path);
        assert_int_equal(got->type, want[i].type);
        assert_int_equal(got->size, want[i].size);
        if (want[i].target != NULL)
            assert_string_equal(got->target, want[i].target);
        else
            assert_null(got->target);
    }
    assert_null(mse_tree_at(tree, 6));
    mse_tree_cleanup(&tree);
    assert_null(tree);
    mse_tree_cleanup(&tree);
}

static void the_digest_is_that_of_the_layout(void **state)
{
    (void)state;
    assert_string_equal(digest(0), DIGEST_EMPTY);
    put_example();
    for (unsigned threads = 0; threads < 9; threads++)
        assert_string_equal(digest(threads), DIGEST);
    assert_int_equal(mkdir(in_work("empty"), 0755), 0);
    assert_string_equal(digest(0), DIGEST);
    assert_int_equal(chmod(in_work("main.py"), 0611), 0); /* others' right does not count */
    assert_string_equal(digest(0), DIGEST);
    assert_int_equal(chmod(in_work("main.py"), 0700), 0);
    assert_string_not_equal(digest(0), DIGEST);
}

/* ---- ignoring ---- */

struct recorder {
    struct mse_ignore ignore; /* first: the callback gets its address */
    char *asked;              /* every path, with its kind */
    size_t size;
    bool fail;
};

static bool ignore_what_begins_with_i(const struct mse_ignore *self, const char *path,
                                      bool is_directory, bool *ignored, struct mse_error *err)
{
    const struct recorder *r = (const struct recorder *)(const void *)self;
    const char *slash = strrchr(path, '/');
    size_t at = strlen(r->asked);

    (void)snprintf(r->asked + at, r->size - at, "%s%s\n", path, is_directory ? "/" : "");
    *ignored = (slash != NULL ? slash[1] : path[0]) == 'i';
    return !r->fail || mse_fail(err, MSE_ERR_LIMIT, 0, "rules");
}

static void what_is_ignored_is_not_walked_nor_checked(void **state)
{
    char asked[4096] = "";
    struct recorder r = { .ignore = { ignore_what_begins_with_i }, asked, sizeof(asked), false };
    struct mse_tree *tree;

    (void)state;
    temp_put("a", "");
    temp_put("ignored/b", "");
    temp_put("dir/i", "");
    temp_put("i\n\xff", "");
    temp_put(".mseignore", "");
    assert_int_equal(mkfifo(in_work("dir/i-fifo"), 0644), 0);
    temp_link("i-link", "/");
    tree = read_tree(&r.ignore);
    assert_int_equal(mse_tree_count(tree), 2);
    assert_string_equal(mse_tree_at(tree, 0)->path, ".mseignore");
    assert_string_equal(mse_tree_at(tree, 1)->path, "a");
    assert_non_null(strstr(asked, "ignored/\n"));
    assert_non_null(strstr(asked, "dir/\n"));
    assert_non_null(strstr(asked, "dir/i\n"));
    assert_non_null(strstr(asked, "i-link\n"));
    assert_null(strstr(asked, "ignored/b"));
    assert_null(strstr(asked, ".mseignore"));
    assert_int_equal(mse_tree_ignored_count(tree), 5);
    assert_string_equal(mse_tree_ignored_at(tree, 0), "dir/i");
    assert_string_equal(mse_tree_ignored_at(tree, 1), "dir/i-fifo");
    assert_string_equal(mse_tree_ignored_at(tree, 2), "i\n\xff");
    assert_string_equal(mse_tree_ignored_at(tree, 3), "i-link");
    assert_string_equal(mse_tree_ignored_at(tree, 4), "ignored");
    assert_null(mse_tree_ignored_at(tree, MSE_TREE_IGNORED_SHOWN));
    mse_tree_free(tree);
}

static void a_failure_of_the_rules_is_the_walks(void **state)
{
    char asked[64] = "";
    struct recorder r = { .ignore = { ignore_what_begins_with_i }, asked, sizeof(asked), true };
    struct mse_error err = { 0 };
    struct mse_tree *tree;

    (void)state;
    temp_put("a", "");
    assert_false(mse_tree_read(work_dir, &r.ignore, &tree, &err));
    assert_null(tree);
    assert_int_equal(err.code, MSE_ERR_LIMIT);
}

/* A link through an ignored link leads nowhere in the tree, whatever it does on this disk. */
static void an_ignored_link_is_none(void **state)
{
    char asked[256] = "";
    struct recorder r = { .ignore = { ignore_what_begins_with_i }, asked, sizeof(asked), false };

    (void)state;
    temp_link("i", "dir");
    temp_link("x", "i/a");
    assert_refused(MSE_ERR_VALUE, "x", "through another link (i)");
    mse_tree_free(read_tree(&r.ignore));
}

/* ---- what is refused ---- */

static void links(void **state)
{
    /* A link in lib, where other -> ../a is, too. */
    static const struct {
        const char *target;
        const char *says; /* NULL: fine */
    } cases[] = {
        { "x", NULL },
        { "nowhere/at/all", NULL },
        { "../a", NULL },
        { "../lib/../a", NULL },
        { "././/./x", NULL },
        { "x/", NULL },
        { ".", NULL },
        { "..", NULL },
        { "../", NULL },
        { "x/../../a", NULL },
        { "...", NULL },
        { "..a/b", NULL },
        { "\xc3\xa9", NULL },
        { "/", "an absolute link (/)" },
        { "/etc/passwd", "an absolute link" },
        { "../..", "leaves the tree: ../.." },
        { "../../lib/x", "leaves the tree" },
        { "x/../../../a", "leaves the tree" },
        { "other", "through another link (lib/other)" },
        { "./other/", "through another link" },
        { "other/b", "through another link" },
        { "other/../x", "through another link" },
        { "../lib/other", "through another link" },
        { "x/../other", "through another link" },
        { "link", "through another link (lib/link)" },
        { "../lib/link/x", "through another link" },
        { "a\nb", "control character" },
        { "\x1b", "control character" },
        { "\xc2\x85", "control character" },
        { "\xff", "not UTF-8" },
    };

    (void)state;
    temp_put("a", "");
    temp_put("lib/x", "");
    temp_link("lib/other", "../a");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        temp_link("lib/link", cases[i].target);
        if (cases[i].says != NULL)
            assert_refused(MSE_ERR_VALUE, "lib/link", cases[i].says);
        else
            mse_tree_free(read_tree(NULL));
        assert_int_equal(unlink(in_work("lib/link")), 0);
    }
}

static void names(void **state)
{
    static const struct {
        const char *name;
        const char *says;
    } cases[] = {
        { "\xff", "not UTF-8" },
        { "a\xc3", "not UTF-8" },
        { "\xed\xa0\x80", "not UTF-8" },
        { "\xf4\x90\x80\x80", "not UTF-8" },
        { "\n", "control character" },
        { "a\tb", "control character" },
        { "\x01", "control character" },
        { "\x7f", "control character" },
        { "\xc2\x80", "control character" },
        { "\xc2\x9f", "control character" },
        { "\xc2\xa0", NULL },
        { " ", NULL },
        { "...", NULL },
        { "\\", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[32];

        (void)snprintf(path, sizeof(path), "d/%s", cases[i].name);
        for (int kind = 0; kind < 3; kind++) {
            temp_mkdirs(path);
            if (kind == 0)
                temp_put(path, "");
            else if (kind == 1)
                temp_link(path, "a");
            else
                assert_int_equal(mkdir(in_work(path), 0755), 0);
            if (cases[i].says != NULL)
                assert_refused(MSE_ERR_VALUE, path, cases[i].says);
            else
                mse_tree_free(read_tree(NULL));
            assert_int_equal(remove(in_work(path)), 0);
        }
    }
}

static void what_is_neither_file_nor_directory_nor_link(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in_work("pipe"), 0644), 0);
    assert_refused(MSE_ERR_VALUE, "pipe", "a FIFO");
    assert_int_equal(unlink(in_work("pipe")), 0);
    assert_int_equal(mknod(in_work("s"), S_IFSOCK | 0644, 0), 0);
    assert_refused(MSE_ERR_VALUE, "s", "a socket");
}

static void depth_is_limited(void **state)
{
    char path[2 * (MSE_TREE_MAX_DEPTH + 1)] = "d";
    char shown[128];

    (void)state;
    for (int i = 1; i < MSE_TREE_MAX_DEPTH; i++)
        strcat(path, "/d");
    temp_put(path, "");
    mse_tree_free(read_tree(NULL));
    assert_int_equal(unlink(in_work(path)), 0);
    strcat(path, "/d");
    temp_put(path, "");
    memcpy(shown, path, 124);
    memcpy(shown + 124, "...", 4);
    assert_refused(MSE_ERR_LIMIT, shown, "more than 128 parts");
}

static void a_directory_that_is_not_there(void **state)
{
    struct mse_error err = { 0 };
    struct mse_tree *tree;

    (void)state;
    assert_false(mse_tree_read(in_work("none"), NULL, &tree, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_string_equal(err.field, in_work("none"));
    assert_null(tree);
}

/* ---- files that change ---- */

static void assert_not_opened(struct mse_tree *tree, const char *text)
{
    struct mse_error err = { 0 };
    int fd = 5;

    assert_false(mse_tree_open(tree, 0, &fd, &err));
    assert_int_equal(fd, -1);
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_string_equal(err.field, "dir/file");
    if (strstr(err.text, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
    err = (struct mse_error){ 0 };
    assert_false(mse_tree_hash(tree, 1, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    mse_tree_free(tree);
}

static struct mse_tree *read_one(void)
{
    (void)remove(in_work("dir/file"));
    temp_put("dir/file", "one");
    return read_tree(NULL);
}

static void replace(const char *name, const char *by)
{
    assert_int_equal(rename(in_work(by), in_work(name)), 0);
}

static void a_file_that_changed_is_not_opened(void **state)
{
    struct mse_tree *tree;
    struct mse_error err = { 0 };
    char content[4];
    int fd;

    (void)state;
    tree = read_one();
    assert_true(mse_tree_open(tree, 0, &fd, &err));
    assert_int_equal(read(fd, content, sizeof(content)), 3);
    assert_memory_equal(content, "one", 3);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    (void)close(fd);
    temp_put("dir/file", "three");
    assert_not_opened(tree, "changed while it was read");

    tree = read_one();
    temp_put("dir/other", "two"); /* same size, another inode */
    replace("dir/file", "dir/other");
    assert_not_opened(tree, "changed while it was read");

    tree = read_one();
    assert_int_equal(chmod(in_work("dir/file"), 0744), 0);
    assert_not_opened(tree, "changed while it was read");

    tree = read_one();
    assert_int_equal(unlink(in_work("dir/file")), 0);
    assert_not_opened(tree, "No such file");

    tree = read_one();
    assert_int_equal(unlink(in_work("dir/file")), 0);
    assert_int_equal(mkfifo(in_work("dir/file"), 0644), 0);
    assert_not_opened(tree, "changed while it was read");
}

static void no_link_is_followed_when_a_file_is_opened(void **state)
{
    struct mse_tree *tree;

    (void)state;
    tree = read_one();
    replace("dir/same", "dir/file");
    temp_link("dir/file", "same");
    assert_not_opened(tree, "Too many levels of symbolic links");

    tree = read_one();
    (void)remove(in_work("dir/same"));
    replace("moved", "dir");
    temp_link("dir", "moved"); /* the very same file, by way of a link */
    assert_not_opened(tree, "cannot open");
    assert_int_equal(unlink(in_work("dir")), 0);
    replace("dir", "moved");
}

static void links_and_numbers_beyond_the_end_are_not_opened(void **state)
{
    struct mse_tree *tree;
    struct mse_error err = { 0 };
    int fd;

    (void)state;
    temp_link("a", "b");
    tree = read_tree(NULL);
    assert_false(mse_tree_open(tree, 0, &fd, &err));
    assert_int_equal(err.code, MSE_ERR_USAGE);
    err = (struct mse_error){ 0 };
    assert_false(mse_tree_open(tree, 1, &fd, &err));
    assert_int_equal(err.code, MSE_ERR_USAGE);
    mse_tree_free(tree);
}

/* ---- a kernel before Linux 5.6, or a sandbox ---- */

static bool forbid_openat2(int number)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)number),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Exit status of a child: 0 if all is well there, too. */
static int child(int number)
{
    struct mse_error err = { 0 };
    struct mse_tree *tree = NULL;
    int fd;

    if (!forbid_openat2(number))
        return 77;
    if (strcmp(digest(2), DIGEST) != 0)
        return 1;
    if (!mse_tree_read(work_dir, NULL, &tree, &err))
        return 2;
    replace("moved", "lib");
    temp_link("lib", "moved");
    if (mse_tree_open(tree, 1, &fd, &err) || err.code != MSE_ERR_IO)
        return 3;
    (void)unlink(in_work("lib"));
    replace("lib", "moved");
    err = (struct mse_error){ 0 };
    if (!mse_tree_open(tree, 1, &fd, &err))
        return 4;
    (void)close(fd);
    mse_tree_free(tree);
    return 0;
}

static void without_openat2_it_is_the_same(void **state)
{
    static const int numbers[] = { ENOSYS, EPERM };

    (void)state;
    put_example();
    for (size_t i = 0; i < 2; i++) {
        pid_t pid = fork();
        int status;

        assert_int_not_equal(pid, -1);
        if (pid == 0)
            _exit(child(numbers[i]));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
            skip();
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, work_make, work_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_are_sorted_by_the_bytes_of_their_paths),
        TEST(the_digest_is_that_of_the_layout),
        TEST(what_is_ignored_is_not_walked_nor_checked),
        TEST(a_failure_of_the_rules_is_the_walks),
        TEST(an_ignored_link_is_none),
        TEST(links),
        TEST(names),
        TEST(what_is_neither_file_nor_directory_nor_link),
        TEST(depth_is_limited),
        TEST(a_directory_that_is_not_there),
        TEST(a_file_that_changed_is_not_opened),
        TEST(no_link_is_followed_when_a_file_is_opened),
        TEST(links_and_numbers_beyond_the_end_are_not_opened),
        TEST(without_openat2_it_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
