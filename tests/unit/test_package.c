/* SPDX-License-Identifier: Apache-2.0 */
/* Packages: the same input gives the same bytes, what is sealed opens, and what may not be so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>

#include "package/extract.h"
#include "package/package.h"
#include "package/tar.h"
#include "work_dir.h"

#define CODE "code"
#define LARGE 300001U

static uint8_t key[MSE_BOX_KEY];

static int start(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return -1;
    randombytes_buf(key, sizeof(key));
    return 0;
}

static void make_code(void)
{
    static uint8_t large[LARGE];

    for (size_t i = 0; i < sizeof(large); i++)
        large[i] = (uint8_t)(i * 7 + i / 251);
    work_mkdir(CODE);
    work_mkdir(CODE "/d");
    work_put(CODE "/d/a.py", "print('a')\n", 11, 0644);
    work_put(CODE "/d/empty", "", 0, 0644);
    work_put(CODE "/.hidden", "hidden", 6, 0600);
    work_put(CODE "/large", large, sizeof(large), 0644);
    work_put(CODE "/requirements.txt", "flask\n", 6, 0644);
    work_put(CODE "/run", "#!/bin/sh\n", 10, 0755);
    if (symlink("d/a.py", in_work(CODE "/link")) != 0)
        abort();
}

static struct mse_tree *load_code(void)
{
    struct mse_error err = { 0 };
    struct mse_tree *tree = NULL;

    if (!mse_tree_read(in_work(CODE), NULL, &tree, &err) || !mse_tree_hash(tree, 1, &err))
        fail_msg("%s: %s", err.field, err.text);
    return tree;
}

static bool write_package(const struct mse_tree *tree, const struct mse_package_options *options,
                          const char *name, struct mse_error *err)
{
    int fd = open(in_work(name), O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat st;
    uint64_t size;
    bool ok;

    assert_true(fd != -1);
    ok = mse_package_write(tree, options, fd, &size, err);
    assert_int_equal(fstat(fd, &st), 0);
    if (ok)
        assert_int_equal(st.st_size, size);
    else
        assert_int_equal(size, 0);
    (void)close(fd);
    return ok;
}

static void assert_same(const char *a, const char *b)
{
    size_t a_len, b_len;
    char *x = work_get(a, &a_len), *y = work_get(b, &b_len);

    assert_non_null(x);
    assert_non_null(y);
    assert_int_equal(a_len, b_len);
    assert_memory_equal(x, y, a_len);
    free(x);
    free(y);
}

static bool unpack(const char *name, const char *directory, const uint8_t *with_key,
                   struct mse_error *err)
{
    const struct mse_extract_limits limits = MSE_EXTRACT_DEFAULT_LIMITS;
    int fd = open(in_work(name), O_RDONLY);
    bool ok;

    assert_true(fd != -1);
    ok = mse_extract(fd, in_work(directory), &limits, with_key, NULL, err);
    (void)close(fd);
    return ok;
}

/* ---- what is written ---- */

static const char *const paths[] = { ".hidden.enc", "d/a.py.enc", "d/empty.enc",
                                     "large.enc",   "link",       "requirements.txt.enc",
                                     "run.enc" };

/* Each content by libsodium, under the nonce that stands before it. */
static void check_sealed(struct mse_bytes in, const struct mse_tree_entry *entry)
{
    uint8_t *plain = malloc(in.len + 1);
    char from[128];
    size_t len;
    char *want;

    assert_non_null(plain);
    assert_int_equal(in.len, entry->size + MSE_BOX_OVERHEAD);
    assert_int_equal(crypto_secretbox_open_easy(plain, in.data + MSE_BOX_NONCE,
                                                in.len - MSE_BOX_NONCE, in.data, key),
                     0);
    (void)snprintf(from, sizeof(from), "%s/%s", CODE, entry->path);
    want = work_get(from, &len);
    assert_non_null(want);
    assert_int_equal(len, in.len - MSE_BOX_OVERHEAD);
    assert_memory_equal(plain, want, len);
    free(plain);
    free(want);
}

static void a_package_has_each_file_sealed_in_the_order_of_the_tree(void **state)
{
    struct mse_nonces nonces = { 0 };
    const struct mse_package_options options = { .key = key, .nonces = &nonces };
    struct mse_error err = { 0 };
    struct mse_tree *tree;
    size_t len, at = 0, used;
    uint8_t *package;

    (void)state;
    make_code();
    tree = load_code();
    if (!write_package(tree, &options, "p", &err))
        fail_msg("%s: %s", err.field, err.text);
    package = (uint8_t *)work_get("p", &len);
    assert_int_equal(nonces.count, 6);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const struct mse_tree_entry *entry = mse_tree_at(tree, i);
        struct mse_tar_header h;
        bool is_directory;

        assert_true(mse_tar_header_read((struct mse_bytes){ package + at, len - at }, false, &h,
                                        &is_directory, &used, &err));
        assert_string_equal(h.path, paths[i]);
        at += used;
        if (h.type == MSE_TAR_LINK) {
            assert_string_equal(h.target, "d/a.py");
            continue;
        }
        assert_int_equal(h.type == MSE_TAR_EXECUTABLE, strcmp(h.path, "run.enc") == 0);
        assert_memory_equal(package + at, mse_nonces_find(&nonces, entry->path), MSE_BOX_NONCE);
        check_sealed((struct mse_bytes){ package + at, (size_t)h.size }, entry);
        at += (size_t)h.size;
        assert_true(mse_is_zero(package + at, mse_tar_padding(h.size)));
        at += mse_tar_padding(h.size);
    }
    assert_int_equal(len, at + MSE_TAR_END);
    assert_true(mse_is_zero(package + at, MSE_TAR_END));
    free(package);
    mse_nonces_cleanup(&nonces);
    mse_tree_free(tree);
}

static void the_same_nonces_give_the_same_bytes_on_any_number_of_threads(void **state)
{
    struct mse_nonces nonces = { 0 };
    struct mse_package_options options = { .key = key, .nonces = &nonces, .threads = 1 };
    struct mse_error err = { 0 };
    struct mse_tree *tree;

    (void)state;
    make_code();
    tree = load_code();
    assert_true(write_package(tree, &options, "one", &err));
    for (options.threads = 2; options.threads < 12; options.threads++) {
        assert_true(write_package(tree, &options, "many", &err));
        assert_same("one", "many");
    }
    mse_nonces_cleanup(&nonces);
    mse_tree_free(tree);
}

static void without_nonces_no_two_packages_are_the_same(void **state)
{
    struct mse_nonces a = { 0 }, b = { 0 };
    const struct mse_package_options first = { .key = key, .nonces = &a };
    const struct mse_package_options second = { .key = key, .nonces = &b };
    struct mse_error err = { 0 };
    struct mse_tree *tree;

    (void)state;
    make_code();
    tree = load_code();
    assert_true(write_package(tree, &first, "a", &err) && write_package(tree, &second, "b", &err));
    for (size_t i = 0; i < a.count; i++) {
        for (size_t k = 0; k < b.count; k++)
            assert_memory_not_equal(a.of[i].nonce, b.of[k].nonce, MSE_BOX_NONCE);
    }
    mse_nonces_cleanup(&a);
    mse_nonces_cleanup(&b);
    mse_tree_free(tree);
}

static void a_plain_package_is_the_same_each_time_and_comes_out_again(void **state)
{
    struct mse_package_options options = { .threads = 1 };
    struct mse_error err = { 0 };
    struct mse_tree *tree;

    (void)state;
    make_code();
    tree = load_code();
    assert_true(write_package(tree, &options, "one", &err));
    options.threads = 3;
    assert_true(write_package(tree, &options, "many", &err));
    assert_same("one", "many");
    if (!unpack("one", "out", NULL, &err))
        fail_msg("%s: %s", err.field, err.text);
    assert_same("out/large", CODE "/large");
    assert_same("out/d/a.py", CODE "/d/a.py");
    assert_same("out/.hidden", CODE "/.hidden");
    mse_tree_free(tree);
}

static void a_sealed_package_comes_out_as_the_same_tree(void **state)
{
    struct mse_nonces nonces = { 0 };
    const struct mse_package_options options = { .key = key, .nonces = &nonces };
    uint8_t before[32], after[32];
    struct mse_error err = { 0 };
    struct mse_tree *tree;

    (void)state;
    make_code();
    tree = load_code();
    assert_true(mse_tree_digest(tree, before, &err));
    assert_true(write_package(tree, &options, "p", &err));
    mse_tree_free(tree);
    if (!unpack("p", "out", key, &err))
        fail_msg("%s: %s", err.field, err.text);
    assert_true(mse_tree_read(in_work("out"), NULL, &tree, &err) && mse_tree_hash(tree, 1, &err));
    assert_true(mse_tree_digest(tree, after, &err));
    assert_memory_equal(after, before, sizeof(after));
    mse_tree_free(tree);
    mse_nonces_cleanup(&nonces);
}

static void an_empty_tree_is_an_empty_archive(void **state)
{
    struct mse_nonces nonces = { 0 };
    const struct mse_package_options options = { .key = key, .nonces = &nonces };
    struct mse_error err = { 0 };
    struct mse_tree *tree;
    size_t len;
    char *data;

    (void)state;
    work_mkdir(CODE);
    tree = load_code();
    assert_true(write_package(tree, &options, "p", &err));
    data = work_get("p", &len);
    assert_int_equal(len, MSE_TAR_END);
    assert_true(mse_is_zero((uint8_t *)data, len));
    free(data);
    mse_nonces_cleanup(&nonces);
    mse_tree_free(tree);
}

/* ---- what is refused ---- */

static void a_file_without_a_nonce_is_named(void **state)
{
    struct mse_nonces nonces = { 0 };
    const struct mse_package_options options = { .key = key, .nonces = &nonces };
    struct mse_error err = { 0 };
    struct mse_tree *tree;

    (void)state;
    make_code();
    tree = load_code();
    assert_true(write_package(tree, &options, "p", &err));
    mse_tree_free(tree);
    work_put(CODE "/d/new.py", "x", 1, 0644);
    tree = load_code();
    assert_false(write_package(tree, &options, "p", &err));
    assert_int_equal(err.code, MSE_ERR_MISSING);
    assert_string_equal(err.field, "d/new.py");
    assert_int_equal(nonces.count, 6); /* the caller's, still */
    mse_nonces_cleanup(&nonces);
    mse_tree_free(tree);
}

/* Changes to the code after it was hashed; size kept or not. */
static const struct {
    const char *name, *content;
    size_t len;
} changes[] = {
    { "other content of the same size", "print('b')\n", 11 },
    { "shorter", "print", 5 },
    { "longer", "print('a')\n#", 12 },
};

static void a_file_that_changed_since_is_named(void **state)
{
    (void)state;
    make_code();
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        for (int plain = 0; plain < 2; plain++) {
            struct mse_nonces nonces = { 0 };
            const struct mse_package_options options = { .key = plain ? NULL : key,
                                                         .nonces = &nonces };
            struct mse_error err = { 0 };
            struct mse_tree *tree = load_code();

            work_put(CODE "/d/a.py", changes[i].content, changes[i].len, 0644);
            if (write_package(tree, &options, "p", &err))
                fail_msg("%s: written", changes[i].name);
            assert_int_equal(err.code, MSE_ERR_IO);
            assert_string_equal(err.field, "d/a.py");
            assert_int_equal(nonces.count, 0);
            mse_tree_free(tree);
            work_put(CODE "/d/a.py", "print('a')\n", 11, 0644);
        }
    }
}

static void refuses_name(const char *path)
{
    struct mse_nonces nonces = { 0 };
    struct mse_package_options options = { .key = key, .nonces = &nonces };
    struct mse_error err = { 0 };
    struct mse_tree *tree = load_code();

    assert_false(write_package(tree, &options, "p", &err));
    assert_int_equal(err.code, MSE_ERR_DUPLICATE);
    assert_string_equal(err.field, path);
    options.key = NULL;
    err = (struct mse_error){ 0 };
    assert_true(write_package(tree, &options, "p", &err));
    mse_tree_free(tree);
}

static void a_name_that_a_sealed_file_gets_may_not_be_there(void **state)
{
    (void)state;
    make_code();
    work_mkdir(CODE "/run.enc");
    work_put(CODE "/run.enc/x", "x", 1, 0644);
    refuses_name("run.enc");
    assert_int_equal(remove(in_work(CODE "/run.enc/x")), 0);
    assert_int_equal(remove(in_work(CODE "/run.enc")), 0);
    assert_int_equal(symlink("run", in_work(CODE "/run.enc")), 0);
    refuses_name("run.enc");
}

static void files_with_the_suffix_get_it_again(void **state)
{
    struct mse_nonces nonces = { 0 };
    const struct mse_package_options options = { .key = key, .nonces = &nonces };
    struct mse_error err = { 0 };
    struct mse_tree *tree;

    (void)state;
    make_code();
    work_put(CODE "/run.enc", "not sealed by us", 16, 0644);
    tree = load_code();
    assert_true(write_package(tree, &options, "p", &err));
    assert_true(unpack("p", "out", key, &err));
    assert_same("out/run.enc", CODE "/run.enc");
    assert_same("out/run", CODE "/run");
    mse_nonces_cleanup(&nonces);
    mse_tree_free(tree);
}

static void a_full_disk_is_told_before_any_work(void **state)
{
    struct mse_nonces nonces = { 0 };
    const struct mse_package_options options = { .key = key, .nonces = &nonces };
    struct rlimit before, small;
    struct mse_error err = { 0 };
    struct mse_tree *tree;
    bool ok;

    (void)state;
    make_code();
    tree = load_code();
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){ 100000, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    ok = write_package(tree, &options, "p", &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(ok);
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_string_equal(err.field, "package");
    assert_int_equal(nonces.count, 0);
    mse_tree_free(tree);
}

/* Whoever sees two contents under one key and nonce can read both. */
static void a_nonce_that_two_files_have_is_refused(void **state)
{
    struct mse_nonces nonces = { 0 };
    const struct mse_package_options options = { .key = key, .nonces = &nonces };
    struct mse_error err = { 0 };
    struct mse_tree *tree;

    (void)state;
    make_code();
    tree = load_code();
    assert_true(mse_nonces_make(tree, &nonces, &err));
    assert_true(write_package(tree, &options, "p", &err));
    memcpy(nonces.of[4].nonce, nonces.of[1].nonce, sizeof(nonces.of[4].nonce));
    assert_false(write_package(tree, &options, "p", &err));
    assert_int_equal(err.code, MSE_ERR_DUPLICATE);
    assert_true(strcmp(err.field, nonces.of[1].path) == 0 ||
                strcmp(err.field, nonces.of[4].path) == 0);
    assert_int_equal(nonces.count, 6);
    mse_nonces_cleanup(&nonces);
    mse_tree_free(tree);
}

static bool is_asked(const struct mse_stop *self)
{
    (void)self;
    return true;
}

static void an_interruption_ends_the_work(void **state)
{
    const struct mse_stop stop = { .is_asked = is_asked };
    const struct mse_package_options options = { .stop = &stop };
    struct mse_error err = { 0 };
    struct mse_tree *tree;

    (void)state;
    make_code();
    tree = load_code();
    assert_false(write_package(tree, &options, "p", &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_string_equal(err.field, "interrupted");
    mse_tree_free(tree);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, work_make, work_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(a_package_has_each_file_sealed_in_the_order_of_the_tree),
        IN_DIR(a_nonce_that_two_files_have_is_refused),
        IN_DIR(the_same_nonces_give_the_same_bytes_on_any_number_of_threads),
        IN_DIR(without_nonces_no_two_packages_are_the_same),
        IN_DIR(a_plain_package_is_the_same_each_time_and_comes_out_again),
        IN_DIR(a_sealed_package_comes_out_as_the_same_tree),
        IN_DIR(an_empty_tree_is_an_empty_archive),
        IN_DIR(a_file_without_a_nonce_is_named),
        IN_DIR(a_file_that_changed_since_is_named),
        IN_DIR(a_name_that_a_sealed_file_gets_may_not_be_there),
        IN_DIR(files_with_the_suffix_get_it_again),
        IN_DIR(a_full_disk_is_told_before_any_work),
        IN_DIR(an_interruption_ends_the_work),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
