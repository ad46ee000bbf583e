/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of releases: what is older is refused, in parallel and after a kill too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/file.h"
#include "release/rollback.h"

static char root[64], directory[96];
static struct mse_minisign_secret *key;
static struct mse_minisign_public owner;

static int make_dir(void **state)
{
    struct mse_error err = { 0 };

    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/mse-test-rollback-XXXXXX");
    if (mkdtemp(root) == NULL || !mse_minisign_secret_generate(&key, &err))
        return -1;
    mse_minisign_secret_public(key, &owner);
    (void)snprintf(directory, sizeof(directory), "%s/state/releases", root);
    return 0;
}

static int remove_dir(void **state)
{
    DIR *d = opendir(directory);
    const struct dirent *entry;
    char path[400];

    (void)state;
    mse_minisign_secret_free(key);
    key = NULL;
    while (d != NULL && (entry = readdir(d)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (unlink(path) == -1)
            (void)rmdir(path);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(directory);
    (void)snprintf(path, sizeof(path), "%s/state", root);
    (void)rmdir(path);
    return rmdir(root);
}

/* ---- releases ---- */

struct made {
    struct mse_writer file, signature;
    struct mse_release release;
};

static void made_cleanup(struct made *m)
{
    mse_writer_cleanup(&m->file);
    mse_writer_cleanup(&m->signature);
    mse_release_cleanup(&m->release);
}

static struct made make(const char *app, uint64_t serial, const char *name, int64_t not_after)
{
    struct mse_release_fingerprint fingerprint = { .tee = MSE_RELEASE_SGX, .value = { 1 } };
    char app_text[32], name_text[64];
    char *names[] = { name_text };
    struct mse_release r = { .app = app_text,
                             .fingerprints = &fingerprint,
                             .fingerprint_count = 1,
                             .names = names,
                             .name_count = 1,
                             .not_before = not_after - 100,
                             .not_after = not_after,
                             .serial = serial };
    struct made m = { 0 };
    struct mse_error err = { 0 };

    (void)snprintf(app_text, sizeof(app_text), "%s", app);
    (void)snprintf(name_text, sizeof(name_text), "%s", name);
    if (!mse_release_write(&r, &m.file, &err) ||
        !mse_minisign_sign(key, mse_writer_bytes(&m.file), "", &m.signature, &err) ||
        !mse_release_open(&owner, mse_writer_bytes(&m.file), mse_writer_bytes(&m.signature),
                          &m.release, &err))
        abort();
    return m;
}

static bool store(const struct made *m, struct mse_error *err)
{
    return mse_rollback_store(directory, &owner, &m->release, mse_writer_bytes(&m->file),
                              mse_writer_bytes(&m->signature), err);
}

static enum mse_err_code try_both(const char *app, uint64_t serial, int64_t not_after)
{
    struct made m = make(app, serial, "a.example", not_after);
    struct mse_error checked = { 0 }, stored = { 0 };

    bool may = mse_rollback_check(directory, &owner, &m.release, &checked);
    bool did = store(&m, &stored);

    assert_int_equal(may, checked.code == MSE_ERR_NONE);
    assert_int_equal(did, stored.code == MSE_ERR_NONE);
    assert_int_equal(checked.code, stored.code);
    made_cleanup(&m);
    return stored.code;
}

/* Of the memory of an app. */
static const char *memory_path(const char *app)
{
    static char path[256];
    char hex[65];

    mse_hex_write(owner.key, 32, hex);
    (void)snprintf(path, sizeof(path), "%s/%s-%s.json", directory, hex, app);
    return path;
}

static void put(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* ---- order ---- */

static void an_older_release_is_refused(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(try_both("shop", 5, 1000), MSE_ERR_NONE);
    assert_int_equal(try_both("shop", 4, 1000), MSE_ERR_VALUE);
    assert_int_equal(try_both("shop", 1, 9000), MSE_ERR_VALUE);
    assert_int_equal(try_both("shop", 5, 1000), MSE_ERR_NONE);
    assert_int_equal(try_both("shop", 5, 1001), MSE_ERR_MISMATCH);
    assert_int_equal(try_both("shop", 6, 1000), MSE_ERR_NONE);
    assert_int_equal(try_both("shop", 5, 1000), MSE_ERR_VALUE);
    /* Another app counts for itself, also one whose name begins the same. */
    assert_int_equal(try_both("shop-2", 1, 1000), MSE_ERR_NONE);
    assert_int_equal(stat(memory_path("shop"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* The owner renames the app; the names that users call stay. */
static void an_older_release_under_another_app_name_is_refused(void **state)
{
    struct made m = make("shop-v1", 9, "b.example", 500);
    struct mse_error err = { 0 };

    (void)state;
    assert_int_equal(try_both("shop", 5, 1000), MSE_ERR_NONE);
    assert_int_equal(try_both("shop-v2", 1, 2000), MSE_ERR_NONE);
    assert_int_equal(try_both("shop", 6, 1999), MSE_ERR_VALUE);
    assert_int_equal(try_both("shop", 6, 2000), MSE_ERR_NONE);
    assert_int_equal(try_both("shop-v3", 99, 1999), MSE_ERR_VALUE);
    assert_true(mse_rollback_check(directory, &owner, &m.release, &err));
    made_cleanup(&m);
    m = make("shop-v1", 9, "a.example", 500);
    assert_false(mse_rollback_check(directory, &owner, &m.release, &err));
    assert_non_null(strstr(err.text, "of the app shop"));
    made_cleanup(&m);
}

/* Who never gives the lock up makes others fail, not hang. */
static void a_lock_that_is_held_is_not_waited_for_forever(void **state)
{
    char path[256];
    int fd;

    (void)state;
    assert_int_equal(try_both("shop", 5, 1000), MSE_ERR_NONE);
    (void)snprintf(path, sizeof(path), "%s/lock", directory);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_not_equal(fd, -1);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    {
        struct made m = make("shop", 6, "a.example", 1000);
        struct mse_error err = { 0 };

        assert_false(store(&m, &err));
        assert_int_equal(err.code, MSE_ERR_IO);
        assert_non_null(strstr(err.field, "/lock"));
        made_cleanup(&m);
    }
    assert_int_equal(close(fd), 0);
    assert_int_equal(try_both("shop", 6, 1000), MSE_ERR_NONE);
}

static void a_check_alone_remembers_nothing(void **state)
{
    struct made m = make("shop", 5, "a.example", 1000);
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_rollback_check(directory, &owner, &m.release, &err));
    assert_int_equal(access(root, F_OK), 0);
    assert_int_equal(access(directory, F_OK), -1);
    made_cleanup(&m);
}

static void another_owner_counts_for_himself(void **state)
{
    struct mse_minisign_secret *mine = key;
    struct mse_minisign_public me = owner;
    struct mse_error err = { 0 };

    (void)state;
    assert_int_equal(try_both("shop", 5, 1000), MSE_ERR_NONE);
    assert_true(mse_minisign_secret_generate(&key, &err));
    mse_minisign_secret_public(key, &owner);
    assert_int_equal(try_both("shop", 1, 1000), MSE_ERR_NONE);
    mse_minisign_secret_free(key);
    key = mine;
    owner = me;
    assert_int_equal(try_both("shop", 1, 1000), MSE_ERR_VALUE);
}

static void only_what_was_judged_and_signed_is_stored(void **state)
{
    struct made a = make("shop", 5, "a.example", 1000), b = make("shop", 6, "a.example", 1000);
    struct mse_error err = { 0 };

    (void)state;
    assert_false(mse_rollback_store(directory, &owner, &a.release, mse_writer_bytes(&b.file),
                                    mse_writer_bytes(&b.signature), &err));
    assert_int_equal(err.code, MSE_ERR_MISMATCH);
    err = (struct mse_error){ 0 };
    assert_false(mse_rollback_store(directory, &owner, &a.release, mse_writer_bytes(&a.file),
                                    mse_writer_bytes(&b.signature), &err));
    assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    assert_int_equal(access(directory, F_OK), -1);
    made_cleanup(&a);
    made_cleanup(&b);
}

/* ---- damage ---- */

static void assert_unusable(const char *what)
{
    struct made m = make("shop", 9, "a.example", 1000);
    struct mse_writer file = { 0 }, signature = { 0 };
    struct mse_error err = { 0 };
    bool found = true;

    print_message("%s\n", what);
    assert_false(mse_rollback_check(directory, &owner, &m.release, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_non_null(strstr(err.text, memory_path("shop")));
    err = (struct mse_error){ 0 };
    assert_false(store(&m, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    err = (struct mse_error){ 0 };
    assert_false(
        mse_rollback_find(directory, &owner, "a.example", &found, &file, &signature, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_false(found);
    assert_int_equal(file.len + signature.len, 0);
    made_cleanup(&m);
}

static void a_damaged_memory_is_an_error_that_names_it(void **state)
{
    struct mse_error err = { 0 };
    uint8_t *data = NULL;
    const uint8_t *signature;
    size_t len = 0;
    char other[300];

    (void)state;
    assert_int_equal(try_both("shop", 5, 1000), MSE_ERR_NONE);
    assert_int_equal(try_both("other", 5, 1000), MSE_ERR_NONE);
    assert_true(mse_file_read(memory_path("shop"), 1 << 20, &data, &len, &err));
    for (size_t n = 0; n < len; n += 7) {
        put(memory_path("shop"), data, n);
        assert_unusable("cut");
    }
    /* Behind it is an untrusted comment, which anybody may change. */
    signature = memmem(data, len, "\"signature\"", 11);
    assert_non_null(signature);
    for (size_t i = 0; i < (size_t)(signature - data); i += 5) {
        uint8_t good = data[i];

        data[i] = good == 'A' ? 'B' : 'A';
        put(memory_path("shop"), data, len);
        data[i] = good;
        assert_unusable("changed");
    }
    free(data);
    /* A true memory of another app under this name. */
    assert_int_equal(unlink(memory_path("shop")), 0);
    (void)snprintf(other, sizeof(other), "%s", memory_path("other"));
    assert_int_equal(rename(other, memory_path("shop")), 0);
    assert_unusable("another app's");
    assert_int_equal(unlink(memory_path("shop")), 0);
    assert_int_equal(mkdir(memory_path("shop"), 0700), 0);
    assert_unusable("a directory");
    assert_int_equal(rmdir(memory_path("shop")), 0);
    assert_int_equal(symlink("nowhere", memory_path("shop")), 0);
    assert_unusable("a link to nothing");
}

/* ---- by name ---- */

static uint64_t found_serial(const char *name)
{
    struct mse_writer file = { 0 }, signature = { 0 };
    struct mse_release release = { 0 };
    struct mse_error err = { 0 };
    bool found = false;
    uint64_t serial = 0;

    assert_true(mse_rollback_find(directory, &owner, name, &found, &file, &signature, &err));
    if (found) {
        assert_true(mse_release_open(&owner, mse_writer_bytes(&file), mse_writer_bytes(&signature),
                                     &release, &err));
        serial = release.serial;
    }
    assert_int_equal(found, file.len > 0);
    mse_release_cleanup(&release);
    mse_writer_cleanup(&file);
    mse_writer_cleanup(&signature);
    return serial;
}

static void remember(const char *app, uint64_t serial, const char *name, int64_t not_after)
{
    struct made m = make(app, serial, name, not_after);
    struct mse_error err = { 0 };

    assert_true(store(&m, &err));
    made_cleanup(&m);
}

static void the_newest_release_for_a_name_is_found(void **state)
{
    (void)state;
    assert_int_equal(found_serial("a.example"), 0);
    remember("one", 50, "a.example", 1000);
    remember("two", 7, "a.example", 2000);
    remember("three", 90, "b.example", 3000);
    assert_int_equal(found_serial("a.example"), 7);
    assert_int_equal(found_serial("A.Example."), 7);
    assert_int_equal(found_serial("b.example"), 90);
    assert_int_equal(found_serial("c.example"), 0);
    remember("one", 51, "a.example", 2000);
    assert_int_equal(found_serial("a.example"), 51);
    /* What an app is no longer called by is not found by that name. */
    remember("three", 91, "c.example", 4000);
    assert_int_equal(found_serial("b.example"), 0);
    assert_int_equal(found_serial("c.example"), 91);
}

static void other_files_are_left_alone(void **state)
{
    char path[300], hex[65];

    (void)state;
    remember("one", 5, "a.example", 1000);
    mse_hex_write(owner.key, 32, hex);
    (void)snprintf(path, sizeof(path), "%s/.mse-killed", directory);
    put(path, "x", 1);
    (void)snprintf(path, sizeof(path), "%s/%s-.json", directory, hex);
    put(path, "x", 1);
    hex[0] = hex[0] == '0' ? '1' : '0';
    (void)snprintf(path, sizeof(path), "%s/%s-one.json", directory, hex);
    put(path, "x", 1);
    assert_int_equal(found_serial("a.example"), 5);
}

/* ---- processes ---- */

static void parallel_processes_never_go_back(void **state)
{
    enum { WRITERS = 4, EACH = 12 };
    struct made all[WRITERS * EACH];
    pid_t pids[WRITERS];

    (void)state;
    for (int i = 0; i < WRITERS * EACH; i++)
        all[i] = make("shop", (uint64_t)(1 + i), "a.example", 1000);
    for (int w = 0; w < WRITERS; w++) {
        pids[w] = fork();
        assert_true(pids[w] >= 0);
        if (pids[w] != 0)
            continue;
        for (int i = w; i < WRITERS * EACH; i += WRITERS) {
            struct mse_error err = { 0 };

            /* Another one may be ahead; nothing else may fail. */
            if (!store(&all[i], &err) && err.code != MSE_ERR_VALUE)
                _exit(1);
            err = (struct mse_error){ 0 };
            if (!mse_rollback_check(directory, &owner, &all[WRITERS * EACH - 1].release, &err))
                _exit(2);
        }
        _exit(0);
    }
    for (int w = 0; w < WRITERS; w++) {
        int status = 1;

        assert_int_equal(waitpid(pids[w], &status, 0), pids[w]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(found_serial("a.example"), WRITERS * EACH);
    for (int i = 0; i < WRITERS * EACH; i++)
        made_cleanup(&all[i]);
}

/* Killed wherever it may be: the memory is whole, and not older than what was reported stored. */
static void a_killed_process_leaves_a_whole_memory(void **state)
{
    enum { ROUNDS = 8, MAKE = 64 };
    uint64_t last = 0;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct made all[MAKE];
        int ends[2];
        uint8_t byte;
        pid_t pid;
        uint64_t reported = 0;

        for (unsigned i = 0; i < MAKE; i++)
            all[i] = make("shop", last + 1 + i, "a.example", 1000);
        assert_int_equal(pipe(ends), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            for (unsigned i = 0; i < MAKE; i++) {
                struct mse_error err = { 0 };

                if (!store(&all[i], &err) || write(ends[1], "s", 1) != 1)
                    _exit(1);
            }
            _exit(0);
        }
        (void)close(ends[1]);
        while (reported <= round && read(ends[0], &byte, 1) == 1)
            reported++;
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        while (read(ends[0], &byte, 1) == 1)
            reported++;
        (void)close(ends[0]);
        assert_true(reported > 0 && found_serial("a.example") >= last + reported);
        last = found_serial("a.example");
        for (unsigned i = 0; i < MAKE; i++)
            made_cleanup(&all[i]);
    }
    /* The lock went with the process. */
    assert_int_equal(try_both("shop", last + 1, 1000), MSE_ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_older_release_is_refused, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(an_older_release_under_another_app_name_is_refused,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_lock_that_is_held_is_not_waited_for_forever, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(a_check_alone_remembers_nothing, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(another_owner_counts_for_himself, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(only_what_was_judged_and_signed_is_stored, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(a_damaged_memory_is_an_error_that_names_it, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(the_newest_release_for_a_name_is_found, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(other_files_are_left_alone, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(parallel_processes_never_go_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_killed_process_leaves_a_whole_memory, make_dir,
                                        remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
