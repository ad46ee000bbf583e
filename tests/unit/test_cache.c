/* SPDX-License-Identifier: Apache-2.0 */
/* The disk cache: whole entries or none, whatever happens to files and processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "endorsement/cache.h"

#define URL "https://pcs.example/sgx/certification/v4/qe/identity"
/* printf %s URL | sha256sum */
#define URL_NAME "bfbbc876d36672e64848a6cebfcc1cc558f7523cdc7a3951fda0ffcc905a1cb0"
#define URLX_NAME                                                                                  \
    "7f5ff0ccb5c531ffc47182187c13f476d5dc7c1852584d7582aafd8eea0f4194" /* the same for URL "x" */

struct fixture {
    char dir[64];
    char file[200]; /* of URL */
    struct mse_disk_cache *cache;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct mse_error err = { 0 };

    strcpy(f->dir, "/tmp/mse-test-cache-XXXXXX");
    if (mkdtemp(f->dir) == NULL)
        return -1;
    (void)snprintf(f->file, sizeof(f->file), "%s/v1/%s", f->dir, URL_NAME);
    *state = f;
    return mse_disk_cache_open(f->dir, &f->cache, &err) ? 0 : -1;
}

static void remove_files(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d != NULL)
        closedir(d);
    (void)rmdir(dir);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char sub[80];

    mse_disk_cache_close(f->cache);
    (void)snprintf(sub, sizeof(sub), "%s/v1", f->dir);
    remove_files(sub);
    remove_files(f->dir);
    free(f);
    return 0;
}

static void put(struct fixture *f, const char *url, const char *bundle)
{
    struct mse_error err = { 0 };
    char text[512];

    if (!mse_disk_cache_put(f->cache, url, MSE_CSTR_BYTES(bundle), &err))
        fail_msg("%s", mse_error_describe(&err, text, sizeof(text)));
}

/* want is NULL: must be absent. */
static void expect(struct fixture *f, const char *url, const char *want)
{
    struct mse_error err = { 0 };
    uint8_t *data = (uint8_t *)"";
    size_t len = 1;
    bool found = true;

    assert_true(mse_disk_cache_get(f->cache, url, &found, &data, &len, &err));
    assert_int_equal(err.code, MSE_ERR_NONE);
    assert_int_equal(found, want != NULL);
    if (want == NULL) {
        assert_null(data);
        assert_int_equal(len, 0);
        return;
    }
    assert_int_equal(len, strlen(want));
    assert_memory_equal(data, want, len);
    free(data);
}

static void what_was_put_is_found_under_its_url_only(void **state)
{
    struct fixture *f = *state;

    expect(f, URL, NULL);
    put(f, URL, "one");
    put(f, URL "?update=early", "two");
    expect(f, URL, "one");
    expect(f, URL "?update=early", "two");
    expect(f, URL "/", NULL);
    put(f, URL, "three");
    expect(f, URL, "three");
}

static void files_are_named_by_digest_and_private(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    put(f, URL, "one");
    assert_int_equal(stat(f->file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_dropped_entry_is_absent(void **state)
{
    struct fixture *f = *state;
    struct mse_error err = { 0 };

    assert_true(mse_disk_cache_drop(f->cache, URL, &err));
    put(f, URL, "one");
    assert_true(mse_disk_cache_drop(f->cache, URL, &err));
    expect(f, URL, NULL);
    assert_int_equal(err.code, MSE_ERR_NONE);
}

static size_t read_all(const char *path, uint8_t *out, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, out, room);

    assert_true(n > 0 && (size_t)n < room);
    close(fd);
    return (size_t)n;
}

static void write_all(const char *path, const uint8_t *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_int_equal(write(fd, data, len), (ssize_t)len);
    close(fd);
}

static void any_damage_makes_an_entry_absent(void **state)
{
    struct fixture *f = *state;
    uint8_t whole[512];
    uint8_t bad[512];
    size_t len;

    put(f, URL, "{\"format\":\"mse-collateral-v1\"}");
    len = read_all(f->file, whole, sizeof(whole));
    for (size_t i = 0; i < len; i++) {
        memcpy(bad, whole, len);
        bad[i] ^= 0x01;
        write_all(f->file, bad, len);
        expect(f, URL, NULL);
    }
    for (size_t n = 0; n < len; n++) {
        write_all(f->file, whole, n);
        expect(f, URL, NULL);
    }
    memcpy(bad, whole, len);
    bad[len] = 'x';
    write_all(f->file, bad, len + 1);
    expect(f, URL, NULL);
    write_all(f->file, whole, len);
    expect(f, URL, "{\"format\":\"mse-collateral-v1\"}");
}

static void an_entry_under_the_name_of_another_url_is_absent(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    char other[200];
    size_t len;

    put(f, URL, "one");
    put(f, URL "x", "two");
    len = read_all(f->file, data, sizeof(data));
    (void)snprintf(other, sizeof(other), "%s/v1/%s", f->dir, URLX_NAME);
    write_all(other, data, len);
    expect(f, URL, "one");
    expect(f, URL "x", NULL);
}

static void what_is_no_file_is_absent(void **state)
{
    struct fixture *f = *state;
    char sub[80];

    (void)snprintf(sub, sizeof(sub), "%s/v1", f->dir);
    assert_int_equal(mkdir(sub, 0700), 0);
    assert_int_equal(mkdir(f->file, 0700), 0);
    expect(f, URL, NULL);
    assert_int_equal(rmdir(f->file), 0);
}

static void unusable_arguments_are_refused(void **state)
{
    static const char *const urls[] = { "", "https://a/\nb", "https://a/\rb" };
    struct fixture *f = *state;
    struct mse_disk_cache *none;
    struct mse_error err = { 0 };
    char *long_url = calloc(1, 3000);

    memset(long_url, 'a', 2999);
    assert_false(mse_disk_cache_open("", &none, &err));
    assert_int_equal(err.code, MSE_ERR_USAGE);
    assert_null(none);
    for (size_t i = 0; i < 4; i++) {
        const char *url = i < 3 ? urls[i] : long_url;

        err = (struct mse_error){ 0 };
        assert_false(mse_disk_cache_put(f->cache, url, MSE_CSTR_BYTES("x"), &err));
        assert_int_equal(err.code, MSE_ERR_USAGE);
    }
    err = (struct mse_error){ 0 };
    assert_false(mse_disk_cache_put(f->cache, URL, (struct mse_bytes){ 0 }, &err));
    assert_int_equal(err.code, MSE_ERR_USAGE);
    free(long_url);
}

static void a_directory_that_cannot_be_made_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct mse_error err = { 0 };
    char sub[80];

    (void)snprintf(sub, sizeof(sub), "%s/v1", f->dir);
    write_all(sub, (const uint8_t *)"x", 1);
    assert_false(mse_disk_cache_put(f->cache, URL, MSE_CSTR_BYTES("x"), &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    expect(f, URL, NULL);
    assert_int_equal(unlink(sub), 0);
}

/* ---- processes ---------------------------------------------------------------------------- */

#define WRITERS 6
#define KEYS 3
#define ENTRY 50000

/* Every entry is one byte repeated, so that a mixture shows. */
static void write_for_ever(struct fixture *f, int who)
{
    uint8_t *data = malloc(ENTRY);

    for (int round = 0;; round++) {
        struct mse_error err = { 0 };
        char url[64];

        (void)snprintf(url, sizeof(url), "https://example/%d", round % KEYS);
        memset(data, 'a' + (who + round) % 26, ENTRY);
        if (!mse_disk_cache_put(f->cache, url, (struct mse_bytes){ data, ENTRY }, &err))
            _exit(1);
    }
}

static size_t check_all(struct fixture *f)
{
    size_t n = 0;

    for (int k = 0; k < KEYS; k++) {
        struct mse_error err = { 0 };
        uint8_t *data;
        size_t len;
        bool found;
        char url[64];

        (void)snprintf(url, sizeof(url), "https://example/%d", k);
        assert_true(mse_disk_cache_get(f->cache, url, &found, &data, &len, &err));
        if (!found)
            continue;
        assert_int_equal(len, ENTRY);
        for (size_t i = 1; i < len; i++)
            assert_int_equal(data[i], data[0]);
        free(data);
        n++;
    }
    return n;
}

static void pause_ms(long ms)
{
    (void)nanosleep(&(struct timespec){ 0, ms * 1000000 }, NULL);
}

static void readers_see_whole_entries_while_writers_are_killed(void **state)
{
    struct fixture *f = *state;
    pid_t pids[WRITERS];
    size_t seen = 0;

    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            write_for_ever(f, i);
    }
    for (int round = 0; round < 40; round++) {
        int victim = round % WRITERS;
        int status;

        seen += check_all(f);
        pause_ms(3 + round % 7);
        assert_int_equal(kill(pids[victim], SIGKILL), 0);
        assert_int_equal(waitpid(pids[victim], &status, 0), pids[victim]);
        assert_true(WIFSIGNALED(status)); /* none gave up with an error */
        seen += check_all(f);
        pids[victim] = fork();
        assert_true(pids[victim] >= 0);
        if (pids[victim] == 0)
            write_for_ever(f, victim + round);
    }
    for (int i = 0; i < WRITERS; i++) {
        (void)kill(pids[i], SIGKILL);
        (void)waitpid(pids[i], NULL, 0);
    }
    assert_int_equal(check_all(f), KEYS);
    assert_true(seen > 40);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_was_put_is_found_under_its_url_only),
        TEST(files_are_named_by_digest_and_private),
        TEST(a_dropped_entry_is_absent),
        TEST(any_damage_makes_an_entry_absent),
        TEST(an_entry_under_the_name_of_another_url_is_absent),
        TEST(what_is_no_file_is_absent),
        TEST(unusable_arguments_are_refused),
        TEST(a_directory_that_cannot_be_made_is_an_error),
        TEST(readers_see_whole_entries_while_writers_are_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
