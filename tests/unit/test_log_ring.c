/* SPDX-License-Identifier: Apache-2.0 */
/* The app's log on a disk of the host: order, bounds, restarts, kills, full and hostile disks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "enclave/log_ring.h"
#include "work_dir.h"

#define NOW INT64_C(1795557641234)

static uint8_t owner_public[32], curve_public[32], curve_secret[32];

static int make(void **state)
{
    uint8_t seed[32] = { 7 }, secret[64];

    if (sodium_init() < 0 || crypto_sign_seed_keypair(owner_public, secret, seed) != 0 ||
        crypto_sign_ed25519_pk_to_curve25519(curve_public, owner_public) != 0 ||
        crypto_sign_ed25519_sk_to_curve25519(curve_secret, secret) != 0)
        return -1;
    return work_make(state);
}

/* A test that failed may have left its disk there. */
static int clear(void **state)
{
    (void)umount2(work_dir, MNT_DETACH);
    return work_remove(state);
}

static struct mse_log_ring *open_ring(void)
{
    struct mse_log_ring *ring = NULL;
    struct mse_error err = { 0 };

    assert_true(mse_log_ring_new(work_dir, owner_public, &ring, &err));
    return ring;
}

static void add(struct mse_log_ring *ring, const char *text)
{
    mse_log_ring_add(ring, MSE_CSTR_BYTES(text));
}

static void write_line(struct mse_log_ring *ring, const char *text)
{
    add(ring, text);
    mse_log_ring_flush(ring, NOW);
}

/* ---- a reader by the description alone ---- */

struct found {
    uint64_t sequence, lost;
    size_t len;
    char text[MSE_LOG_MAX_TEXT + 1];
};

static uint64_t number(const uint8_t *p, size_t len)
{
    uint64_t v = 0;

    while (len-- > 0)
        v = v << 8 | *p++;
    return v;
}

/* The record at *at; false at the end. Anything but whole records fails the test. */
static bool next(const uint8_t *data, size_t len, size_t *at, struct found *out)
{
    uint8_t plain[11 + 24 + MSE_LOG_MAX_TEXT];
    const uint8_t *p = data + *at;
    size_t box;

    if (*at == len)
        return false;
    assert_true(len - *at > 12);
    box = number(p, 4);
    out->sequence = number(p + 4, 8);
    assert_true(box >= 48 + 35 && box <= 48 + sizeof(plain) && len - *at >= 12 + box);
    assert_int_equal(crypto_box_seal_open(plain, p + 12, box, curve_public, curve_secret), 0);
    assert_memory_equal(plain, "mse-log-v1\n", 11);
    assert_true(number(plain + 11, 8) == out->sequence);
    assert_true(number(plain + 19, 8) == (uint64_t)NOW);
    out->lost = number(plain + 27, 8);
    out->len = box - 48 - 35;
    memcpy(out->text, plain + 35, out->len);
    out->text[out->len] = '\0';
    *at += 12 + box;
    return true;
}

static uint8_t *load(const char *name, size_t *len)
{
    FILE *f = fopen(in_work(name), "rb");
    uint8_t *data = malloc(2U << 20);

    assert_non_null(data);
    *len = f != NULL ? fread(data, 1, 2U << 20, f) : 0;
    if (f != NULL)
        (void)fclose(f);
    return data;
}

static void store(const char *name, const uint8_t *data, size_t len)
{
    FILE *f = fopen(in_work(name), "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void clean(void)
{
    (void)unlink(in_work("log"));
    (void)unlink(in_work("log.1"));
}

/* All that the file says: numbers must go up by one each, from first. */
static size_t expect_file(const char *name, uint64_t first, const char *const *texts, size_t count)
{
    static struct found found;
    size_t len, at = 0, i = 0;
    uint8_t *data = load(name, &len);

    while (next(data, len, &at, &found)) {
        assert_true(found.sequence == first + i);
        if (texts != NULL) {
            assert_true(i < count);
            assert_string_equal(found.text, texts[i]);
        }
        i++;
    }
    free(data);
    if (texts != NULL)
        assert_int_equal(i, count);
    return i;
}

/* ---- lines and records ---- */

static void lines_that_came_together_are_one_record(void **state)
{
    static const char *const texts[] = { "one\ntwo\n", "three\n" };
    struct mse_log_ring *ring = open_ring();

    (void)state;
    add(ring, "one\n");
    add(ring, "two\n");
    mse_log_ring_flush(ring, NOW);
    mse_log_ring_flush(ring, NOW);
    write_line(ring, "three\n");
    mse_log_ring_free(ring);
    expect_file("log", 1, texts, 2);
    clean();
}

static void a_line_without_its_end_waits_once(void **state)
{
    static const char *const texts[] = { "a\n", "bc\n", "password: ", "x", "yz\n" };
    struct mse_log_ring *ring = open_ring();

    (void)state;
    write_line(ring, "a\nb");
    write_line(ring, "c\n");
    write_line(ring, "password: ");
    mse_log_ring_flush(ring, NOW);
    write_line(ring, "x");
    mse_log_ring_flush(ring, NOW);
    write_line(ring, "yz\n");
    mse_log_ring_free(ring);
    expect_file("log", 1, texts, 5);
    clean();
}

static void long_texts_are_cut_at_line_ends_where_there_are_any(void **state)
{
    static struct found found;
    static char text[3 * MSE_LOG_MAX_TEXT];
    struct mse_log_ring *ring = open_ring();
    size_t len, at = 0;
    uint8_t *data;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[MSE_LOG_MAX_TEXT - 1000] = '\n'; /* the last end of a line for a long time */
    mse_log_ring_add(ring, (struct mse_bytes){ (const uint8_t *)text, sizeof(text) });
    mse_log_ring_flush(ring, NOW);
    mse_log_ring_free(ring);
    data = load("log", &len);
    assert_true(next(data, len, &at, &found));
    assert_int_equal(found.len, MSE_LOG_MAX_TEXT - 999);
    assert_true(next(data, len, &at, &found));
    assert_int_equal(found.len, MSE_LOG_MAX_TEXT);
    assert_true(next(data, len, &at, &found));
    assert_int_equal(found.len, MSE_LOG_MAX_TEXT);
    assert_true(next(data, len, &at, &found));
    assert_int_equal(found.len, 999);
    assert_false(next(data, len, &at, &found));
    free(data);
    clean();
}

static void what_nobody_flushes_is_bounded_and_confessed(void **state)
{
    static struct found found;
    static char text[1000];
    struct mse_log_ring *ring = open_ring();
    size_t len, at = 0, kept = 0;
    uint64_t lost = 0;
    uint8_t *data;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[999] = '\n';
    for (unsigned i = 0; i < 1000; i++)
        mse_log_ring_add(ring, (struct mse_bytes){ (const uint8_t *)text, sizeof(text) });
    mse_log_ring_flush(ring, NOW);
    write_line(ring, "after\n");
    assert_true(mse_log_ring_lost(ring) == 1000 * 1000 - MSE_LOG_MAX_PENDING);
    mse_log_ring_free(ring);
    data = load("log", &len);
    while (next(data, len, &at, &found)) {
        assert_true(lost == 0);
        lost = found.lost;
        kept += found.len;
    }
    assert_string_equal(found.text, "after\n");
    assert_true(lost == 1000 * 1000 - MSE_LOG_MAX_PENDING);
    assert_int_equal(kept, MSE_LOG_MAX_PENDING + 6);
    free(data);
    clean();
}

/* ---- files ---- */

static void a_restart_goes_on_with_the_next_number(void **state)
{
    static const char *const texts[] = { "one\n", "two\n", "three\n" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct mse_log_ring *ring = open_ring();

        write_line(ring, texts[i]);
        mse_log_ring_free(ring);
    }
    expect_file("log", 1, texts, 3);
    clean();
}

static void two_files_of_a_mebibyte_each_hold_the_newest_records(void **state)
{
    static char text[4096];
    struct mse_log_ring *ring = open_ring();
    struct stat st;
    size_t older, newer, first = 0;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\n';
    for (unsigned i = 0; i < 700; i++) {
        mse_log_ring_add(ring, (struct mse_bytes){ (const uint8_t *)text, sizeof(text) });
        mse_log_ring_flush(ring, NOW);
    }
    assert_true(mse_log_ring_lost(ring) == 0);
    mse_log_ring_free(ring);
    assert_int_equal(stat(in_work("log"), &st), 0);
    assert_true(st.st_size > 0 && st.st_size <= MSE_LOG_MAX_FILE);
    assert_int_equal(stat(in_work("log.1"), &st), 0);
    assert_true(st.st_size > MSE_LOG_MAX_FILE - 5000 && st.st_size <= MSE_LOG_MAX_FILE);
    /* 4096 + 35 + 48 + 12 bytes each */
    older = MSE_LOG_MAX_FILE / 4191;
    first = 700 / older * older + 1;
    newer = expect_file("log", first, NULL, 0);
    assert_int_equal(expect_file("log.1", first - older, NULL, 0), older);
    assert_int_equal(first + newer - 1, 700);
    /* A kill between the renaming and the new file. */
    assert_int_equal(unlink(in_work("log")), 0);
    ring = open_ring();
    write_line(ring, "again\n");
    mse_log_ring_free(ring);
    assert_int_equal(expect_file("log", first, NULL, 0), 1);
    clean();
}

static void a_torn_record_is_dropped_at_the_next_start(void **state)
{
    static const char *const kept[] = { "one\n", "new\n" };
    static const char *const both[] = { "one\n", "two\n", "new\n" };
    struct mse_log_ring *ring = open_ring();
    size_t len, first;
    uint8_t *data;

    (void)state;
    write_line(ring, "one\n");
    write_line(ring, "two\n");
    mse_log_ring_free(ring);
    data = load("log", &len);
    first = 12 + number(data, 4);
    for (size_t cut = first; cut <= len; cut++) {
        store("log", data, cut);
        ring = open_ring();
        write_line(ring, "new\n");
        mse_log_ring_free(ring);
        expect_file("log", 1, cut < len ? kept : both, cut < len ? 2 : 3);
    }
    free(data);
    clean();
}

static void what_the_host_made_up_is_cut_off(void **state)
{
    static const char *const texts[] = { "one\n", "new\n" };
    struct mse_log_ring *ring = open_ring();
    size_t len;
    uint8_t *data;

    (void)state;
    write_line(ring, "one\n");
    mse_log_ring_free(ring);
    data = load("log", &len);
    memcpy(data + len, data, len); /* the same number once more */
    for (unsigned i = 0; i < 3; i++) {
        if (i == 1)
            memset(data + len, 0xff, 4); /* a length without end */
        if (i == 2)
            memset(data + len, 0, 12);
        store("log", data, 2 * len);
        ring = open_ring();
        write_line(ring, "new\n");
        mse_log_ring_free(ring);
        expect_file("log", 1, texts, 2);
    }
    free(data);
    clean();
}

static void numbers_end_before_they_overflow(void **state)
{
    struct mse_log_ring *ring = open_ring();
    uint8_t last[8] = { 0, 0x20 }; /* 2^53 */
    size_t len;
    uint8_t *data;

    (void)state;
    write_line(ring, "one\n");
    mse_log_ring_free(ring);
    data = load("log", &len);
    memcpy(data + 4, last, 8);
    store("log", data, len);
    free(data);
    ring = open_ring();
    write_line(ring, "two\n");
    assert_true(mse_log_ring_lost(ring) == 4);
    mse_log_ring_free(ring);
    clean();
}

static void a_link_or_a_pipe_in_its_place_is_left_alone(void **state)
{
    struct mse_log_ring *ring;
    size_t len;
    uint8_t *data;

    (void)state;
    store("target", (const uint8_t *)"precious", 8);
    assert_int_equal(symlink(in_work("target"), in_work("log")), 0);
    ring = open_ring();
    write_line(ring, "one\n");
    assert_true(mse_log_ring_lost(ring) == 4);
    mse_log_ring_free(ring);
    data = load("target", &len);
    assert_int_equal(len, 8);
    free(data);
    assert_int_equal(unlink(in_work("log")), 0);
    assert_int_equal(mkfifo(in_work("log"), 0600), 0);
    ring = open_ring();
    write_line(ring, "two\n");
    assert_true(mse_log_ring_lost(ring) == 4);
    assert_int_equal(unlink(in_work("log")), 0);
    write_line(ring, "three\n"); /* as soon as the way is free */
    mse_log_ring_free(ring);
    assert_int_equal(expect_file("log", 1, NULL, 0), 1);
    assert_int_equal(unlink(in_work("target")), 0);
    clean();
}

static void a_missing_directory_loses_output_and_nothing_else(void **state)
{
    struct mse_log_ring *ring = NULL;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_log_ring_new(in_work("none"), owner_public, &ring, &err));
    write_line(ring, "one\n");
    assert_true(mse_log_ring_lost(ring) == 4);
    mse_log_ring_free(ring);
}

static void a_key_that_is_none_is_refused(void **state)
{
    static const uint8_t zero[32];
    struct mse_log_ring *ring = NULL;
    struct mse_error err = { 0 };

    (void)state;
    assert_false(mse_log_ring_new(work_dir, zero, &ring, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_null(ring);
}

/* ---- disks ---- */

/* Writes until something is lost, frees room, and looks at the confession. */
static void fill_and_free(struct mse_log_ring *ring, void (*make_room)(void))
{
    static struct found found;
    static char text[2000];
    size_t len, at = 0;
    uint64_t lost, confessed = 0;
    uint8_t *data;

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\n';
    while (mse_log_ring_lost(ring) == 0) {
        mse_log_ring_add(ring, (struct mse_bytes){ (const uint8_t *)text, sizeof(text) });
        mse_log_ring_flush(ring, NOW);
    }
    mse_log_ring_add(ring, (struct mse_bytes){ (const uint8_t *)text, sizeof(text) });
    mse_log_ring_flush(ring, NOW);
    lost = mse_log_ring_lost(ring);
    assert_true(lost == 4000);
    make_room();
    write_line(ring, "there\n");
    write_line(ring, "last\n");
    assert_true(mse_log_ring_lost(ring) == lost);
    data = load("log", &len);
    for (uint64_t i = 1; next(data, len, &at, &found); i++) {
        assert_true(found.sequence == i); /* what was lost took no number */
        assert_true(found.lost == 0 || strcmp(found.text, "there\n") == 0);
        confessed += found.lost;
    }
    assert_true(confessed == lost);
    assert_string_equal(found.text, "last\n");
    free(data);
}

static void lift_limit(void)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_write_that_is_cut_short_is_taken_back(void **state)
{
    struct mse_log_ring *ring = open_ring();
    struct rlimit limit;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 5000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    fill_and_free(ring, lift_limit);
    mse_log_ring_free(ring);
    clean();
}

static void remove_filler(void)
{
    assert_int_equal(unlink(in_work("filler")), 0);
}

static void a_full_disk_loses_records_and_the_next_one_says_so(void **state)
{
    struct mse_log_ring *ring;
    uint8_t *zeros = calloc(1, 48U << 10);

    (void)state;
    assert_non_null(zeros);
    if (mount("tmpfs", work_dir, "tmpfs", 0, "size=64k") == -1) {
        free(zeros);
        skip();
    }
    store("filler", zeros, 48U << 10);
    free(zeros);
    ring = open_ring();
    fill_and_free(ring, remove_filler);
    mse_log_ring_free(ring);
    assert_int_equal(umount(work_dir), 0);
}

/* ---- kills ---- */

static void write_for_ever(int ready)
{
    struct mse_log_ring *ring = open_ring();
    char line[64];

    for (unsigned i = 0;; i++) {
        (void)snprintf(line, sizeof(line), "line %u\n", i);
        write_line(ring, line);
        if (i == 20)
            (void)close(ready);
    }
}

static void after_a_kill_whole_records_are_there(void **state)
{
    uint64_t expected = 0;

    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        struct mse_log_ring *ring;
        int ready[2], status;
        char byte;
        pid_t child;
        size_t there;

        assert_int_equal(pipe(ready), 0);
        child = fork();
        assert_true(child != -1);
        if (child == 0) {
            (void)close(ready[0]);
            write_for_ever(ready[1]);
            _exit(1);
        }
        (void)close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 0);
        (void)close(ready[0]);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        ring = open_ring();
        write_line(ring, "after\n");
        mse_log_ring_free(ring);
        there = expect_file("log", 1, NULL, 0);
        assert_true(there >= expected + 21);
        expected = there;
    }
    clean();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_came_together_are_one_record),
        cmocka_unit_test(a_line_without_its_end_waits_once),
        cmocka_unit_test(long_texts_are_cut_at_line_ends_where_there_are_any),
        cmocka_unit_test(what_nobody_flushes_is_bounded_and_confessed),
        cmocka_unit_test(a_restart_goes_on_with_the_next_number),
        cmocka_unit_test(two_files_of_a_mebibyte_each_hold_the_newest_records),
        cmocka_unit_test(a_torn_record_is_dropped_at_the_next_start),
        cmocka_unit_test(what_the_host_made_up_is_cut_off),
        cmocka_unit_test(numbers_end_before_they_overflow),
        cmocka_unit_test(a_link_or_a_pipe_in_its_place_is_left_alone),
        cmocka_unit_test(a_missing_directory_loses_output_and_nothing_else),
        cmocka_unit_test(a_key_that_is_none_is_refused),
        cmocka_unit_test(a_write_that_is_cut_short_is_taken_back),
        cmocka_unit_test(a_full_disk_loses_records_and_the_next_one_says_so),
        cmocka_unit_test(after_a_kill_whole_records_are_there),
    };

    return cmocka_run_group_tests_name("log_ring", tests, make, clear);
}
