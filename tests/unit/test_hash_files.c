/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing many files: digests, threads, files that are none or change, which failure is told. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/encode.h"
#include "measure/hash_files.h"

#define MAX_FILES 64
#define BUFFER 131072 /* what one read takes */

static char root[] = "/tmp/mse-test-hash-XXXXXX";

/* ---- what happens while a file is read ---- */

/* Set before a call with one thread. */
static struct {
    const char *path;
    off_t new_size; /* of path, at the first read; -1: stays */
    int error;      /* of the first read */
    size_t most;    /* bytes of one read; 0: all */
    bool no_threads;
    unsigned created, reads;
} during = { .new_size = -1 };

ssize_t __real_read(int fd, void *to, size_t len);
ssize_t __wrap_read(int fd, void *to, size_t len);
int __real_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);

ssize_t __wrap_read(int fd, void *to, size_t len)
{
    during.reads++;
    if (during.new_size != -1) {
        if (truncate(during.path, during.new_size) != 0)
            abort();
        during.new_size = -1;
    }
    if (during.error != 0) {
        errno = during.error;
        during.error = 0;
        return -1;
    }
    return __real_read(fd, to, during.most != 0 && len > during.most ? during.most : len);
}

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg)
{
    during.created++;
    return during.no_threads ? EAGAIN : __real_pthread_create(out, attr, run, arg);
}

/* ---- files ---- */

struct files {
    char paths[MAX_FILES][64];
    size_t count;
};

static void add_path(struct files *files, const char *name)
{
    snprintf(files->paths[files->count++], sizeof(files->paths[0]), "%s/%s", root, name);
}

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + i / 251);
}

static const char *add_file(struct files *files, const char *name, size_t size)
{
    FILE *out;

    add_path(files, name);
    out = fopen(files->paths[files->count - 1], "wb");
    assert_non_null(out);
    for (size_t i = 0; i < size; i++)
        assert_int_not_equal(putc(byte_at(i), out), EOF);
    assert_int_equal(fclose(out), 0);
    return files->paths[files->count - 1];
}

static bool open_path(void *context, size_t index, int *fd, struct mse_error *err)
{
    const struct files *files = context;

    *fd = open(files->paths[index], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return *fd != -1 || mse_fail_text(err, MSE_ERR_IO, files->paths[index], "cannot open");
}

static const char *name_path(void *context, size_t index)
{
    return ((const struct files *)context)->paths[index];
}

static bool hash_files(size_t count, mse_hash_open *open_one, void *context, unsigned threads,
                       struct mse_file_hash *out, struct mse_error *err)
{
    return mse_hash_files_named(count, open_one, NULL, context, threads, out, err);
}

static void expect_digest(const struct mse_file_hash *got, size_t size)
{
    uint8_t want[32];
    uint8_t *content = malloc(size + 1);

    assert_non_null(content);
    for (size_t i = 0; i < size; i++)
        content[i] = byte_at(i);
    assert_int_equal(EVP_Digest(content, size, want, NULL, EVP_sha256(), NULL), 1);
    free(content);
    assert_memory_equal(got->sha256, want, sizeof(want));
    assert_int_equal(got->size, size);
}

static size_t open_descriptors(void)
{
    size_t count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static void expect_zero(const struct mse_file_hash *out, size_t count)
{
    assert_true(mse_is_zero((const uint8_t *)out, count * sizeof(*out)));
}

static void expect_failure(struct files *files, unsigned threads, enum mse_err_code code,
                           const char *field)
{
    struct mse_file_hash out[MAX_FILES];
    struct mse_error err = { 0 };
    size_t before = open_descriptors();

    memset(out, 0xff, sizeof(out));
    assert_false(
        mse_hash_files_named(files->count, open_path, name_path, files, threads, out, &err));
    assert_int_equal(err.code, code);
    assert_string_equal(err.field, field);
    expect_zero(out, files->count);
    assert_int_equal(open_descriptors(), before);
}

/* ---- tests ---- */

static void digests_are_the_published_ones(void **state)
{
    static const struct {
        const char *name, *content;
        size_t times;
        const char *want;
    } cases[] = {
        /* FIPS 180-2, appendix B */
        { "empty", "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "a", "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct files files = { 0 };
        const char *path = add_file(&files, cases[i].name, 0);
        FILE *out = fopen(path, "wb");
        struct mse_file_hash hash;
        struct mse_error err = { 0 };
        char hex[65];

        assert_non_null(out);
        for (size_t n = 0; n < cases[i].times; n++)
            fputs(cases[i].content, out);
        assert_int_equal(fclose(out), 0);
        assert_true(hash_files(1, open_path, &files, 1, &hash, &err));
        mse_hex_write(hash.sha256, 32, hex);
        assert_string_equal(hex, cases[i].want);
        assert_int_equal(hash.size, strlen(cases[i].content) * cases[i].times);
    }
}

static const size_t sizes[] = { 0,      1,          63,         64,         65,  BUFFER - 1,
                                BUFFER, BUFFER + 1, BUFFER * 2, BUFFER * 3, 1000 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void add_sizes(struct files *files)
{
    char name[16];

    for (size_t i = 0; i < 44; i++) {
        snprintf(name, sizeof(name), "size%zu", i);
        add_file(files, name, sizes[i % SIZES]);
    }
}

static void every_number_of_threads_gives_the_same_digests(void **state)
{
    static const unsigned threads[] = { 0, 1, 2, 3, 8, 9, 1000 };
    struct files files = { 0 };

    (void)state;
    add_sizes(&files);
    for (size_t t = 0; t < sizeof(threads) / sizeof(threads[0]); t++) {
        struct mse_file_hash out[MAX_FILES];
        struct mse_error err = { 0 };
        size_t before = open_descriptors();

        assert_true(hash_files(files.count, open_path, &files, threads[t], out, &err));
        assert_int_equal(err.code, MSE_ERR_NONE);
        for (size_t i = 0; i < files.count; i++)
            expect_digest(&out[i], sizes[i % SIZES]);
        assert_int_equal(open_descriptors(), before);
    }
}

static void there_are_eight_threads_at_most_and_none_for_one_file(void **state)
{
    struct mse_file_hash out[MAX_FILES];
    struct mse_error err = { 0 };
    struct files files = { 0 };

    (void)state;
    add_sizes(&files);
    during.created = 0;
    assert_true(hash_files(files.count, open_path, &files, 1000, out, &err));
    assert_int_equal(during.created, 7); /* and the calling one */
    during.created = 0;
    assert_true(hash_files(1, open_path, &files, 8, out, &err));
    assert_int_equal(during.created, 0);
}

static void without_further_threads_one_does_it_all(void **state)
{
    struct mse_file_hash out[MAX_FILES];
    struct mse_error err = { 0 };
    struct files files = { 0 };

    (void)state;
    add_sizes(&files);
    during.no_threads = true;
    assert_true(hash_files(files.count, open_path, &files, 8, out, &err));
    during.no_threads = false;
    for (size_t i = 0; i < files.count; i++)
        expect_digest(&out[i], sizes[i % SIZES]);
}

static void no_files_are_no_work(void **state)
{
    struct mse_error err = { 0 };

    (void)state;
    assert_true(hash_files(0, NULL, NULL, 0, NULL, &err));
}

static void reads_that_return_little_change_nothing(void **state)
{
    struct mse_file_hash out[MAX_FILES];
    struct mse_error err = { 0 };
    struct files files = { 0 };

    (void)state;
    add_file(&files, "little", 5000);
    during.most = 999;
    assert_true(hash_files(1, open_path, &files, 1, out, &err));
    expect_digest(&out[0], 5000);
    during.most = 1000; /* the last one ends exactly where the file does */
    assert_true(hash_files(1, open_path, &files, 1, out, &err));
    expect_digest(&out[0], 5000);
    during.most = 0;
    during.error = EINTR;
    assert_true(hash_files(1, open_path, &files, 1, out, &err));
    expect_digest(&out[0], 5000);
}

static void a_file_that_changes_its_size_is_refused(void **state)
{
    static const struct {
        size_t before;
        off_t after;
    } cases[] = {
        { 1000, 1001 },
        { 1000, 999 },
        { 1000, 0 },
        { 0, 1 },
        { BUFFER, BUFFER + 1 },
        { BUFFER, BUFFER - 1 },
        { 3 * BUFFER, BUFFER },
        { BUFFER - 1, BUFFER },
        { 3 * BUFFER, 9 * BUFFER },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct files files = { 0 };

        during.path = add_file(&files, "changes", cases[i].before);
        during.new_size = cases[i].after;
        expect_failure(&files, 1, MSE_ERR_IO, during.path);
    }
}

static void a_file_that_grows_without_end_is_not_read_on(void **state)
{
    struct files files = { 0 };

    (void)state;
    during.path = add_file(&files, "grows", BUFFER);
    during.new_size = 1000 * BUFFER;
    during.reads = 0;
    expect_failure(&files, 1, MSE_ERR_IO, during.path);
    assert_int_equal(during.reads, 2);
}

static void a_read_that_fails_is_an_error_with_the_name(void **state)
{
    struct files files = { 0 };
    const char *path = add_file(&files, "broken", 10);

    (void)state;
    during.error = EIO;
    expect_failure(&files, 1, MSE_ERR_IO, path);
}

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
    static const char *const names[] = { "fifo", "directory", "device" };
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "%s/fifo", root);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof(path), "%s/directory", root);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/device", root);
    assert_int_equal(symlink("/dev/zero", path), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct files files = { 0 };

        add_path(&files, names[i]);
        expect_failure(&files, 1, MSE_ERR_VALUE, files.paths[0]);
    }
}

static void a_file_beyond_the_limit_is_refused_unread(void **state)
{
    struct files files = { 0 };
    const char *path = add_file(&files, "huge", 0);

    (void)state;
    assert_int_equal(truncate(path, (off_t)MSE_MEASURE_MAX_FILE + 1), 0);
    during.error = EIO; /* would be told if it were read */
    expect_failure(&files, 1, MSE_ERR_LIMIT, path);
    during.error = 0;
    assert_int_equal(unlink(path), 0);
}

static void the_failure_with_the_lowest_index_is_told(void **state)
{
    struct files files = { 0 };

    (void)state;
    add_sizes(&files);
    for (size_t bad = 21; bad < 40; bad += 3)
        snprintf(files.paths[bad], sizeof(files.paths[0]), "%s/absent%zu", root, bad);
    /* The lowest fails last: it is read, while the others fail when they are opened. */
    snprintf(files.paths[20], sizeof(files.paths[0]), "/proc/self/status");
    for (unsigned round = 0; round < 45; round++)
        expect_failure(&files, round % 9, MSE_ERR_IO, "/proc/self/status");
}

static void a_failure_without_a_name_has_the_index(void **state)
{
    struct mse_file_hash out[2];
    struct mse_error err = { 0 };
    struct files files = { 0 };

    (void)state;
    add_file(&files, "first", 1);
    add_path(&files, "directory");
    assert_false(hash_files(2, open_path, &files, 2, out, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_string_equal(err.field, "file 1");
}

static bool open_every_other(void *context, size_t index, int *fd, struct mse_error *err)
{
    if (index % 2 == 0)
        return open_path(context, index, fd, err);
    *fd = MSE_HASH_NOTHING;
    return true;
}

static void where_there_is_nothing_to_hash_the_result_is_zero(void **state)
{
    struct mse_file_hash out[MAX_FILES];
    struct mse_error err = { 0 };
    struct files files = { 0 };

    (void)state;
    add_sizes(&files);
    memset(out, 0xff, sizeof(out));
    assert_true(hash_files(files.count, open_every_other, &files, 3, out, &err));
    for (size_t i = 0; i < files.count; i += 2) {
        expect_digest(&out[i], sizes[i % SIZES]);
        expect_zero(&out[i + 1], 1);
    }
}

static bool open_nothing(void *context, size_t index, int *fd, struct mse_error *err)
{
    (void)context;
    (void)index;
    (void)err;
    *fd = -1;
    return true;
}

static void no_descriptor_is_an_error(void **state)
{
    struct mse_file_hash out[1];
    struct mse_error err = { 0 };

    (void)state;
    assert_false(hash_files(1, open_nothing, NULL, 1, out, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) == NULL ? -1 : 0;
}

static int remove_root(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_the_published_ones),
        cmocka_unit_test(every_number_of_threads_gives_the_same_digests),
        cmocka_unit_test(there_are_eight_threads_at_most_and_none_for_one_file),
        cmocka_unit_test(without_further_threads_one_does_it_all),
        cmocka_unit_test(no_files_are_no_work),
        cmocka_unit_test(reads_that_return_little_change_nothing),
        cmocka_unit_test(a_file_that_changes_its_size_is_refused),
        cmocka_unit_test(a_file_that_grows_without_end_is_not_read_on),
        cmocka_unit_test(a_read_that_fails_is_an_error_with_the_name),
        cmocka_unit_test(what_is_no_regular_file_is_refused_at_once),
        cmocka_unit_test(a_file_beyond_the_limit_is_refused_unread),
        cmocka_unit_test(the_failure_with_the_lowest_index_is_told),
        cmocka_unit_test(a_failure_without_a_name_has_the_index),
        cmocka_unit_test(where_there_is_nothing_to_hash_the_result_is_zero),
        cmocka_unit_test(no_descriptor_is_an_error),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
