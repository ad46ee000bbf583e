/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: what is read, what is refused, and that a failed write leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[400];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static int make_dir(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/mse-test-file-XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

/* Names in the directory, but "." and "..". */
static unsigned count_names(void)
{
    DIR *d = opendir(dir);
    unsigned count = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        count++;
    (void)closedir(d);
    return count - 2;
}

static int remove_dir(void **state)
{
    DIR *d = opendir(dir);
    struct dirent *entry;

    (void)state;
    while (d != NULL && (entry = readdir(d)) != NULL) {
        if (unlink(in_dir(entry->d_name)) == -1)
            (void)rmdir(in_dir(entry->d_name));
    }
    if (d != NULL)
        (void)closedir(d);
    return rmdir(dir);
}

static bool write_text(const char *name, const char *text, enum mse_file_exists exists,
                       struct mse_error *err)
{
    *err = (struct mse_error){ 0 };
    return mse_file_write(in_dir(name), MSE_CSTR_BYTES(text), 0640, exists, err);
}

static void assert_holds(const char *name, const char *want)
{
    struct mse_error err = { 0 };
    uint8_t *data;
    size_t len;

    assert_true(mse_file_read(in_dir(name), 1000, &data, &len, &err));
    assert_int_equal(len, strlen(want));
    assert_string_equal((const char *)data, want);
    free(data);
}

static void assert_not_read(const char *path, size_t cap, enum mse_err_code want)
{
    struct mse_error err = { 0 };
    uint8_t *data = (uint8_t *)1;
    size_t len = 1;

    assert_false(mse_file_read(path, cap, &data, &len, &err));
    assert_int_equal(err.code, want);
    assert_non_null(strstr(path, err.field));
    assert_string_not_equal(err.text, "");
    assert_null(data);
    assert_int_equal(len, 0);
}

static void what_was_written_is_read(void **state)
{
    struct mse_error err;
    struct stat st;

    (void)state;
    assert_true(write_text("a", "hello", MSE_FILE_REPLACE, &err));
    assert_holds("a", "hello");
    assert_int_equal(stat(in_dir("a"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_true(write_text("a", "", MSE_FILE_REPLACE, &err));
    assert_holds("a", "");
    assert_int_equal(count_names(), 1);
}

static void large_files_are_read_whole(void **state)
{
    static uint8_t big[300001];
    struct mse_error err = { 0 };
    uint8_t *data;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (uint8_t)(i * 31 >> 3);
    assert_true(mse_file_write(in_dir("big"), MSE_BYTES(big), 0600, MSE_FILE_REPLACE, &err));
    assert_true(mse_file_read(in_dir("big"), sizeof(big), &data, &len, &err));
    assert_int_equal(len, sizeof(big));
    assert_memory_equal(data, big, sizeof(big));
    assert_int_equal(data[len], 0);
    free(data);
    assert_not_read(in_dir("big"), sizeof(big) - 1, MSE_ERR_LIMIT);
}

static void the_cap_is_exact(void **state)
{
    struct mse_error err;
    uint8_t *data;
    size_t len;

    (void)state;
    assert_true(write_text("a", "12345", MSE_FILE_REPLACE, &err));
    assert_true(mse_file_read(in_dir("a"), 5, &data, &len, &err));
    free(data);
    assert_not_read(in_dir("a"), 4, MSE_ERR_LIMIT);
    assert_not_read(in_dir("a"), 0, MSE_ERR_LIMIT);
    assert_true(write_text("a", "", MSE_FILE_REPLACE, &err));
    assert_true(mse_file_read(in_dir("a"), 0, &data, &len, &err));
    assert_int_equal(len, 0);
    free(data);
}

static void only_regular_files_are_read(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    assert_not_read(in_dir("fifo"), 10, MSE_ERR_IO);
    assert_not_read("/dev/null", 10, MSE_ERR_IO);
    assert_not_read("/dev/zero", 10, MSE_ERR_IO);
    assert_not_read(dir, 10, MSE_ERR_IO);
    assert_not_read(in_dir("none"), 10, MSE_ERR_IO);
    assert_not_read("", 10, MSE_ERR_IO);
}

static void files_without_a_size_are_read(void **state)
{
    struct mse_error err = { 0 };
    uint8_t *data;
    size_t len;

    (void)state;
    assert_true(mse_file_read("/proc/self/status", 1 << 20, &data, &len, &err));
    assert_memory_equal(data, "Name:", 5);
    free(data);
}

static void dash_is_standard_input(void **state)
{
    struct mse_error err = { 0 };
    int saved = dup(STDIN_FILENO);
    int ends[2];
    uint8_t *data;
    size_t len;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(write(ends[1], "from a pipe", 11), 11);
    (void)close(ends[1]);
    assert_true(mse_file_read("-", 11, &data, &len, &err));
    assert_string_equal((const char *)data, "from a pipe");
    free(data);
    assert_int_not_equal(fcntl(STDIN_FILENO, F_GETFD), -1); /* not ours to close */
    (void)close(ends[0]);
    (void)dup2(saved, STDIN_FILENO);
    (void)close(saved);
}

static void keep_refuses_another_content_only(void **state)
{
    struct mse_error err;

    (void)state;
    assert_true(write_text("a", "one", MSE_FILE_KEEP, &err));
    assert_true(write_text("a", "one", MSE_FILE_KEEP, &err));
    assert_false(write_text("a", "two", MSE_FILE_KEEP, &err));
    assert_int_equal(err.code, MSE_ERR_EXISTS);
    assert_non_null(strstr(err.field, "/a"));
    assert_false(write_text("a", "one more", MSE_FILE_KEEP, &err));
    assert_int_equal(err.code, MSE_ERR_EXISTS);
    assert_false(write_text("a", "", MSE_FILE_KEEP, &err));
    assert_int_equal(err.code, MSE_ERR_EXISTS);
    assert_holds("a", "one");
    assert_true(write_text("a", "two", MSE_FILE_REPLACE, &err));
    assert_holds("a", "two");
    assert_int_equal(count_names(), 1);
}

static void keep_does_not_replace_a_broken_link(void **state)
{
    struct mse_error err;
    struct stat st;

    (void)state;
    assert_int_equal(symlink("nowhere", in_dir("link")), 0);
    assert_false(write_text("link", "x", MSE_FILE_KEEP, &err));
    assert_int_equal(err.code, MSE_ERR_EXISTS);
    assert_int_equal(lstat(in_dir("link"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(count_names(), 1);
}

static void a_link_is_replaced_and_its_target_left_alone(void **state)
{
    struct mse_error err;

    (void)state;
    assert_true(write_text("target", "old", MSE_FILE_REPLACE, &err));
    assert_int_equal(symlink("target", in_dir("link")), 0);
    assert_true(write_text("link", "new", MSE_FILE_REPLACE, &err));
    assert_holds("link", "new");
    assert_holds("target", "old");
}

static void devices_and_directories_are_not_replaced(void **state)
{
    struct mse_error err = { 0 };

    (void)state;
    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    assert_false(write_text("fifo", "x", MSE_FILE_REPLACE, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_int_equal(mkdir(in_dir("sub"), 0700), 0);
    assert_false(write_text("sub", "x", MSE_FILE_REPLACE, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    err = (struct mse_error){ 0 };
    assert_false(mse_file_write("/dev/null", MSE_CSTR_BYTES("x"), 0600, MSE_FILE_KEEP, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_int_equal(count_names(), 2);
}

static void names_that_cannot_be_written_are_refused(void **state)
{
    static const char *const names[] = { "none/a", "a/", "a/b", "" };
    struct mse_error err;

    (void)state;
    assert_true(write_text("a", "x", MSE_FILE_REPLACE, &err));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_false(write_text(names[i], "y", MSE_FILE_REPLACE, &err));
        assert_int_equal(err.code, MSE_ERR_IO);
        assert_string_not_equal(err.text, "");
    }
    assert_holds("a", "x");
    assert_int_equal(count_names(), 1);
}

static void the_longest_name_can_be_written(void **state)
{
    struct mse_error err;
    char name[256];

    (void)state;
    memset(name, 'n', 255);
    name[255] = '\0';
    assert_true(write_text(name, "x", MSE_FILE_REPLACE, &err));
    assert_holds(name, "x");
}

/* A limit on the size of files fails in the middle of a write, as a full disk does. */
static void a_failed_write_leaves_nothing_behind(void **state)
{
    static const uint8_t much[100000];
    struct rlimit old;
    struct rlimit small;
    struct mse_error err;
    void (*handler)(int);

    (void)state;
    assert_true(write_text("a", "old", MSE_FILE_REPLACE, &err));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){ 50000, old.rlim_max };
    handler = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_false(mse_file_write(in_dir("a"), MSE_BYTES(much), 0600, MSE_FILE_REPLACE, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_non_null(strstr(err.field, "/a"));
    assert_string_equal(err.text, "cannot write: File too large");
    err = (struct mse_error){ 0 };
    assert_false(mse_file_write(in_dir("b"), MSE_BYTES(much), 0600, MSE_FILE_KEEP, &err));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, handler);
    assert_holds("a", "old");
    assert_int_equal(count_names(), 1);
}

static void a_directory_without_permission_is_named(void **state)
{
    struct mse_error err = { 0 };

    (void)state;
    /* Nobody can create files there, the superuser included. */
    assert_false(mse_file_write("/proc/self/x", MSE_CSTR_BYTES("x"), 0600, MSE_FILE_REPLACE, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_string_equal(err.field, "/proc/self/x");
    assert_memory_equal(err.text, "cannot create a file in this directory: ", 40);
    if (geteuid() == 0)
        return;
    assert_int_equal(chmod(dir, 0500), 0);
    assert_false(write_text("a", "x", MSE_FILE_REPLACE, &err));
    assert_int_equal(chmod(dir, 0700), 0);
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_int_equal(count_names(), 0);
}

static void a_name_without_slash_is_in_the_working_directory(void **state)
{
    struct mse_error err = { 0 };
    int old = open(".", O_RDONLY | O_DIRECTORY);

    (void)state;
    assert_int_equal(chdir(dir), 0);
    assert_true(mse_file_write("plain", MSE_CSTR_BYTES("x"), 0600, MSE_FILE_REPLACE, &err));
    assert_int_equal(fchdir(old), 0);
    (void)close(old);
    assert_holds("plain", "x");
}

static void directories_are_made_with_their_parents(void **state)
{
    struct mse_error err = { 0 };
    struct stat st;

    (void)state;
    assert_true(mse_dir_make(in_dir("x/y//z/"), &err));
    assert_int_equal(stat(in_dir("x/y/z"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_true(mse_dir_make(in_dir("x/y/z"), &err));
    assert_true(mse_dir_make("/", &err));
    assert_true(write_text("file", "x", MSE_FILE_REPLACE, &err));
    assert_false(mse_dir_make(in_dir("file"), &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    err = (struct mse_error){ 0 };
    assert_false(mse_dir_make(in_dir("file/y"), &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    err = (struct mse_error){ 0 };
    assert_false(mse_dir_make("", &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    (void)rmdir(in_dir("x/y/z"));
    (void)rmdir(in_dir("x/y"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read),
        TEST(large_files_are_read_whole),
        TEST(the_cap_is_exact),
        TEST(only_regular_files_are_read),
        TEST(files_without_a_size_are_read),
        TEST(dash_is_standard_input),
        TEST(keep_refuses_another_content_only),
        TEST(keep_does_not_replace_a_broken_link),
        TEST(a_link_is_replaced_and_its_target_left_alone),
        TEST(devices_and_directories_are_not_replaced),
        TEST(names_that_cannot_be_written_are_refused),
        TEST(the_longest_name_can_be_written),
        TEST(a_failed_write_leaves_nothing_behind),
        TEST(a_directory_without_permission_is_named),
        TEST(a_name_without_slash_is_in_the_working_directory),
        TEST(directories_are_made_with_their_parents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
