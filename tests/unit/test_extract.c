/* SPDX-License-Identifier: Apache-2.0 */
/* Extraction: what comes out, what is refused by name, and that a refusal leaves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>

#include "package/extract.h"
#include "package/tar.h"
#include "tar_build.h"
#include "work_dir.h"

#define OUT "out"

static const struct mse_extract_limits wide = { 1000, 1U << 20 };

/* An archive in a file, closed by extract_bytes. */
static int archive_of(struct mse_bytes in)
{
    int fd = open(work_dir, O_TMPFILE | O_RDWR, 0600);

    assert_true(fd != -1);
    assert_int_equal(pwrite(fd, in.data, in.len, 0), (ssize_t)in.len);
    return fd;
}

static bool extract_bytes(struct mse_bytes in, const struct mse_extract_limits *limits,
                          const uint8_t *key, struct mse_error *err)
{
    int fd = archive_of(in);
    bool ok = mse_extract(fd, in_work(OUT), limits, key, NULL, err);

    (void)close(fd);
    return ok;
}

static bool extract(const struct tar_entry *entries, size_t count,
                    const struct mse_extract_limits *limits, struct mse_error *err)
{
    struct mse_writer w = { 0 };
    bool ok;

    for (size_t i = 0; i < count && entries[i].name != NULL; i++)
        tar_add(&w, &entries[i]);
    tar_zeros(&w, MSE_TAR_END);
    ok = extract_bytes(mse_writer_bytes(&w), limits, NULL, err);
    mse_writer_cleanup(&w);
    return ok;
}

static mode_t mode_of(const char *name)
{
    struct stat st;

    assert_int_equal(lstat(in_work(name), &st), 0);
    return st.st_mode;
}

static void assert_content(const char *name, const char *want)
{
    size_t len;
    char *data = work_get(name, &len);

    assert_non_null(data);
    assert_string_equal(data, want);
    free(data);
}

#define PLAIN(path, text)                                                                          \
    {                                                                                              \
        .type = '0', .name = path, .content = text                                                 \
    }
#define LINK(path, to)                                                                             \
    {                                                                                              \
        .type = '2', .name = path, .link = to                                                      \
    }
#define DIRECTORY(path)                                                                            \
    {                                                                                              \
        .type = '5', .name = path, .mode = 0777                                                    \
    }

/* ---- what comes out ---- */

static void a_tree_comes_out_as_it_was(void **state)
{
    static const struct tar_entry entries[] = {
        DIRECTORY("./"),
        DIRECTORY("./d/"),
        PLAIN("d/a", "text of a"),
        { .type = '0', .name = "run", .mode = 06777, .content = "#!/bin/sh\n" },
        PLAIN("d/e/f/deep", ""),
        LINK("d/link", "../run"),
        PLAIN("d/b", "text of b"),
        DIRECTORY("empty/"),
    };
    struct mse_error err = { 0 };
    char target[16] = "";

    (void)state;
    umask(077);
    if (!extract(entries, 8, &wide, &err))
        fail_msg("%s: %s", err.field, err.text);
    assert_content(OUT "/d/a", "text of a");
    assert_content(OUT "/d/b", "text of b");
    assert_content(OUT "/d/e/f/deep", "");
    assert_int_equal(mode_of(OUT), S_IFDIR | 0700);
    assert_int_equal(mode_of(OUT "/d/a"), S_IFREG | 0644);
    assert_int_equal(mode_of(OUT "/run"), S_IFREG | 0755); /* nothing of set-uid */
    assert_int_equal(readlink(in_work(OUT "/d/link"), target, sizeof(target)), 6);
    assert_string_equal(target, "../run");
    assert_int_equal(access(in_work(OUT "/empty"), F_OK), -1);
    assert_int_equal(work_count(), 1); /* no temporary directory */
}

static void a_pipe_is_read_as_well_as_a_file(void **state)
{
    static const struct tar_entry entry = PLAIN("a", "through a pipe");
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    int ends[2];

    (void)state;
    tar_add(&w, &entry);
    tar_zeros(&w, 10240 - w.len); /* the record size of other programs */
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], w.data, w.len), (ssize_t)w.len);
    (void)close(ends[1]);
    assert_true(mse_extract(ends[0], in_work(OUT "/"), &wide, NULL, NULL, &err));
    assert_content(OUT "/a", "through a pipe");
    (void)close(ends[0]);
    mse_writer_cleanup(&w);
}

/* ---- what is refused ---- */

/* clang-format off */
static const struct {
    const char *name;
    struct tar_entry entries[4];
    enum mse_err_code want;
    const char *field; /* the path that is named */
} refused[] = {
    { "absolute path", { PLAIN("/tmp/mse-escaped", "x") }, MSE_ERR_VALUE, "/tmp/mse-escaped" },
    { "path that goes up", { PLAIN("a", "x"), PLAIN("d/../../escaped", "x") }, MSE_ERR_VALUE, "d/../../escaped" },
    { "hard link", { { .type = '1', .name = "h", .link = "/etc/passwd" } }, MSE_ERR_UNSUPPORTED, "h" },
    { "device", { { .type = '3', .name = "null" } }, MSE_ERR_UNSUPPORTED, "null" },
    { "FIFO", { { .type = '6', .name = "fifo" } }, MSE_ERR_UNSUPPORTED, "fifo" },
    { "absolute link", { LINK("l", "/etc") }, MSE_ERR_VALUE, "l" },
    { "link that leaves", { LINK("d/l", "../../x") }, MSE_ERR_VALUE, "d/l" },
    { "link that leaves by its end", { LINK("l", "a/../..") }, MSE_ERR_VALUE, "l" },
    { "path through a link", { LINK("d", "."), PLAIN("d/a", "x") }, MSE_ERR_VALUE, "d/a" },
    { "path through a link that dangles", { LINK("d", "e"), PLAIN("d/a", "x") }, MSE_ERR_VALUE, "d/a" },
    { "path through a file", { PLAIN("d", "x"), PLAIN("d/a", "x") }, MSE_ERR_VALUE, "d/a" },
    { "link through a link", { LINK("p/q/up", "../.."), LINK("out", "p/q/up/..") }, MSE_ERR_VALUE, "out" },
    { "link through a link that comes later", { LINK("out", "p/q/up/.."), LINK("p/q/up", "../..") }, MSE_ERR_VALUE, "out" },
    { "file twice", { PLAIN("a", "x"), PLAIN("b", "x"), PLAIN("a", "y") }, MSE_ERR_DUPLICATE, "a" },
    { "file twice by ./", { PLAIN("a", "x"), PLAIN("./a", "y") }, MSE_ERR_DUPLICATE, "a" },
    { "file over a link", { LINK("a", "b"), PLAIN("a", "y") }, MSE_ERR_DUPLICATE, "a" },
    { "link over a file", { PLAIN("a", "y"), LINK("a", "b") }, MSE_ERR_DUPLICATE, "a" },
    { "file over a directory", { PLAIN("d/a", "y"), PLAIN("d", "x") }, MSE_ERR_DUPLICATE, "d" },
    { "escape sequence", { PLAIN("a\x1b[1mb", "x") }, MSE_ERR_VALUE, NULL },
    { "not UTF-8", { PLAIN("a\xff", "x") }, MSE_ERR_VALUE, NULL },
    { "too many entries", { DIRECTORY("a/"), DIRECTORY("b/"), DIRECTORY("c/"), PLAIN("d", "") }, MSE_ERR_LIMIT, "d" },
    { "too many bytes", { PLAIN("a", "12345678"), PLAIN("b", "123456789") }, MSE_ERR_LIMIT, "b" },
    { "claims of a bomb", { { .type = '0', .name = "a", .size = 1ULL << 32 } }, MSE_ERR_LIMIT, "a" },
    { "content that is not there", { { .type = '0', .name = "a", .content = "x", .size = 1537 } }, MSE_ERR_TRUNCATED, "a" },
};
/* clang-format on */

static const struct mse_extract_limits narrow = { 3, 16 };

static void hostile_archives_are_refused_by_name_and_leave_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const bool is_limit = strstr(refused[i].name, "too many") != NULL;
        struct mse_error err = { 0 };

        if (extract(refused[i].entries, 4, is_limit ? &narrow : &wide, &err))
            fail_msg("%s: taken", refused[i].name);
        if (err.code != refused[i].want)
            fail_msg("%s: %s (%s: %s)", refused[i].name, mse_err_name(err.code), err.field,
                     err.text);
        if (refused[i].field != NULL)
            assert_string_equal(err.field, refused[i].field);
        assert_int_equal(work_count(), 0);
    }
    assert_int_equal(access("/tmp/mse-escaped", F_OK), -1);
}

static void limits_may_be_reached(void **state)
{
    static const struct tar_entry entries[] = { PLAIN("a", "12345678"), PLAIN("b", "1234567"),
                                                PLAIN("c", "1") };
    struct mse_error err = { 0 };

    (void)state;
    assert_true(extract(entries, 3, &narrow, &err));
}

static void put_archive(struct mse_writer *w)
{
    static const struct tar_entry entries[] = { PLAIN("d/a", "text of a"), LINK("l", "d/a") };

    tar_add(w, &entries[0]);
    tar_add(w, &entries[1]);
    tar_zeros(w, MSE_TAR_END);
}

static void every_prefix_is_truncated_and_leaves_nothing(void **state)
{
    struct mse_writer w = { 0 };

    (void)state;
    put_archive(&w);
    for (size_t n = 0; n < w.len; n += n % 512 < 3 || n % 512 > 508 ? 1 : 37) {
        struct mse_error err = { 0 };

        assert_false(extract_bytes((struct mse_bytes){ w.data, n }, &wide, NULL, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        assert_int_equal(work_count(), 0);
    }
    mse_writer_cleanup(&w);
}

static void bytes_behind_the_end_are_refused(void **state)
{
    struct mse_writer w = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    put_archive(&w);
    tar_zeros(&w, 700);
    mse_write_u8(&w, 1);
    assert_false(extract_bytes(mse_writer_bytes(&w), &wide, NULL, &err));
    assert_int_equal(err.code, MSE_ERR_TRAILING);
    w.len--;
    tar_zeros(&w, 2U << 20);
    err = (struct mse_error){ 0 };
    assert_false(extract_bytes(mse_writer_bytes(&w), &wide, NULL, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    assert_int_equal(work_count(), 0);
    mse_writer_cleanup(&w);
}

static void an_existing_name_is_not_touched(void **state)
{
    static const struct tar_entry entry = PLAIN("a", "x");
    struct mse_error err = { 0 };

    (void)state;
    work_mkdir(OUT);
    assert_false(extract(&entry, 1, &wide, &err));
    assert_int_equal(err.code, MSE_ERR_EXISTS);
    assert_int_equal(rmdir(in_work(OUT)), 0); /* still empty */
    assert_int_equal(symlink("nowhere", in_work(OUT)), 0);
    err = (struct mse_error){ 0 };
    assert_false(extract(&entry, 1, &wide, &err));
    assert_int_equal(err.code, MSE_ERR_EXISTS);
    assert_int_equal(work_count(), 1);
}

static void a_file_too_large_for_the_system_leaves_nothing(void **state)
{
    static char content[100000] = { 'x' };
    const struct tar_entry entry = {
        .type = '0', .name = "a", .content = content, .content_len = sizeof(content)
    };
    struct rlimit before, small;
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    bool ok;
    int fd;

    (void)state;
    tar_add(&w, &entry);
    tar_zeros(&w, MSE_TAR_END);
    fd = archive_of(mse_writer_bytes(&w));
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){ 4096, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    ok = mse_extract(fd, in_work(OUT), &wide, NULL, NULL, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(ok);
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_string_equal(err.field, "a");
    assert_int_equal(work_count(), 0);
    (void)close(fd);
    mse_writer_cleanup(&w);
}

static bool is_asked(const struct mse_stop *self)
{
    (void)self;
    return true;
}

static void an_interrupted_extraction_leaves_nothing(void **state)
{
    const struct mse_stop stop = { .is_asked = is_asked };
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    int fd;

    (void)state;
    put_archive(&w);
    fd = archive_of(mse_writer_bytes(&w));
    assert_false(mse_extract(fd, in_work(OUT), &wide, NULL, &stop, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_int_equal(work_count(), 0);
    (void)close(fd);
    mse_writer_cleanup(&w);
}

/* ---- sealed files ---- */

static uint8_t key[MSE_BOX_KEY], nonce[MSE_BOX_NONCE];

/* A box by libsodium, at most 100000 bytes. */
static struct tar_entry sealed(const char *path, const char *text, size_t len)
{
    static uint8_t box[MSE_BOX_OVERHEAD + 200000];

    memcpy(box, nonce, sizeof(nonce));
    assert_int_equal(
        crypto_secretbox_easy(box + MSE_BOX_NONCE, (const uint8_t *)text, len, nonce, key), 0);
    return (struct tar_entry){
        .type = '0', .name = path, .content = (char *)box, .content_len = MSE_BOX_OVERHEAD + len
    };
}

static bool extract_sealed(const struct tar_entry *entry, const uint8_t *with_key,
                           struct mse_error *err)
{
    struct mse_writer w = { 0 };
    bool ok;

    tar_add(&w, entry);
    tar_zeros(&w, MSE_TAR_END);
    ok = extract_bytes(mse_writer_bytes(&w), &wide, with_key, err);
    mse_writer_cleanup(&w);
    return ok;
}

static void sealed_files_are_opened_and_lose_the_suffix(void **state)
{
    static const size_t sizes[] = { 0, 1, 32, 65535, 65536, 65537, 200000 };
    static char text[200001];

    (void)state;
    memset(text, 'c', sizeof(text) - 1);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct tar_entry entry = sealed("d/a.py.enc", text, sizes[i]);
        struct mse_error err = { 0 };
        size_t len;
        char *got;

        if (!extract_sealed(&entry, key, &err))
            fail_msg("%s: %s", err.field, err.text);
        got = work_get(OUT "/d/a.py", &len);
        assert_non_null(got);
        assert_int_equal(len, sizes[i]);
        assert_memory_equal(got, text, len);
        free(got);
        (void)work_remove(NULL);
        assert_int_equal(mkdir(work_dir, 0700), 0);
    }
}

static void what_does_not_open_leaves_nothing(void **state)
{
    struct tar_entry entry = sealed("d/a.enc", "text", 4);
    uint8_t other[MSE_BOX_KEY] = { 1 };
    struct mse_error err = { 0 };

    (void)state;
    assert_false(extract_sealed(&entry, other, &err));
    assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    assert_string_equal(err.field, "d/a: secretbox");
    entry.content_len = MSE_BOX_OVERHEAD - 1;
    err = (struct mse_error){ 0 };
    assert_false(extract_sealed(&entry, key, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_int_equal(work_count(), 0);
}

static void with_a_key_files_that_are_not_sealed_are_refused(void **state)
{
    static const char *const names[] = { "a", "a.en", "d/.enc", ".enc" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct tar_entry entry = sealed(names[i], "text", 4);
        struct mse_error err = { 0 };

        assert_false(extract_sealed(&entry, key, &err));
        assert_int_equal(err.code, MSE_ERR_VALUE);
        assert_string_equal(err.field, names[i]);
        assert_int_equal(work_count(), 0);
    }
}

static int start(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return -1;
    randombytes_buf(key, sizeof(key));
    randombytes_buf(nonce, sizeof(nonce));
    return 0;
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, work_make, work_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(a_tree_comes_out_as_it_was),
        IN_DIR(a_pipe_is_read_as_well_as_a_file),
        IN_DIR(hostile_archives_are_refused_by_name_and_leave_nothing),
        IN_DIR(limits_may_be_reached),
        IN_DIR(every_prefix_is_truncated_and_leaves_nothing),
        IN_DIR(bytes_behind_the_end_are_refused),
        IN_DIR(an_existing_name_is_not_touched),
        IN_DIR(a_file_too_large_for_the_system_leaves_nothing),
        IN_DIR(an_interrupted_extraction_leaves_nothing),
        IN_DIR(sealed_files_are_opened_and_lose_the_suffix),
        IN_DIR(what_does_not_open_leaves_nothing),
        IN_DIR(with_a_key_files_that_are_not_sealed_are_refused),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
