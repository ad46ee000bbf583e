/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's side of the socket to a simulated platform, which may say anything. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attest/sim_socket.h"
#include "enclave/tee.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A platform that answers with what it was given, and keeps what it was asked. */
struct platform {
    pthread_t thread;
    int fd;
    const struct mse_bytes *replies;
    size_t count;
    uint8_t asked[8][128];
    size_t asked_len[8];
};

static void *play(void *context)
{
    struct platform *platform = context;

    for (size_t i = 0; i < platform->count; i++) {
        ssize_t n = recv(platform->fd, platform->asked[i], sizeof(platform->asked[i]), 0);

        if (n <= 0)
            break;
        platform->asked_len[i] = (size_t)n;
        (void)send(platform->fd, platform->replies[i].data, platform->replies[i].len, MSG_NOSIGNAL);
    }
    (void)close(platform->fd); /* the next one finds nobody */
    return NULL;
}

/* The first reply is that to HELLO. *fd is the enclave's end. */
static void platform_start(struct platform *platform, const struct mse_bytes *replies, size_t count,
                           int *fd)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    *platform = (struct platform){ .fd = pair[1], .replies = replies, .count = count };
    assert_int_equal(pthread_create(&platform->thread, NULL, play, platform), 0);
    *fd = pair[0];
}

#define REPLY(array)                                                                               \
    {                                                                                              \
        (array), sizeof(array)                                                                     \
    }
#define LARGE 70000

static uint8_t hello[97], key[33], number[9], nothing[1], large[LARGE];
static uint8_t quote[1 + 500];

static int fill(void **state)
{
    (void)state;
    for (unsigned i = 1; i < sizeof(hello); i++)
        hello[i] = (uint8_t)(i + 100);
    for (unsigned i = 1; i < sizeof(key); i++)
        key[i] = (uint8_t)(i ^ 0x55);
    memcpy(number + 1, "\1\2\3\4\5\6\7\x8", 8);
    for (unsigned i = 0; i < 64; i++)
        quote[1 + 368 + i] = (uint8_t)(200 - i);
    return 0;
}

static struct mse_tee *open_on(int fd)
{
    struct mse_tee_place place = { .root = "/nonexistent", .sim_fd = fd };
    struct mse_tee *tee = NULL;
    struct mse_error err = { 0 };

    assert_true(mse_tee_open(&place, &tee, &err));
    return tee;
}

static void asks_and_understands_everything(void **state)
{
    const struct mse_bytes replies[] = {
        REPLY(hello), REPLY(quote), REPLY(key), REPLY(number), REPLY(nothing),
    };
    struct platform platform;
    struct mse_writer evidence = { 0 };
    struct mse_error err = { 0 };
    struct mse_tee *tee;
    uint8_t out[32];
    uint64_t counter;
    int fd;

    (void)state;
    platform_start(&platform, replies, 5, &fd);
    tee = open_on(fd);
    assert_int_equal(mse_tee_kind(tee), MSE_ATTEST_SIM);
    assert_string_equal(mse_tee_name(tee), "sim");
    assert_string_equal(mse_tee_host_dir(tee), ".");
    assert_true(mse_tee_has_isolation(tee));
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_true(mse_tee_start(tee, NULL, &err));
    assert_true(mse_tee_platform_id(tee, out, &err));
    assert_memory_equal(out, hello + 65, 32);
    assert_true(mse_tee_quote(tee, quote + 1 + 368, &evidence, &err));
    assert_int_equal(evidence.len, 500);
    assert_memory_equal(evidence.data, quote + 1, 500);
    assert_true(mse_tee_sealing_key(tee, out, &err));
    assert_memory_equal(out, key + 1, 32);
    assert_true(mse_tee_counter(tee, &counter, &err));
    assert_true(counter == UINT64_C(0x0102030405060708));
    assert_true(mse_tee_advance(tee, UINT64_C(0x1112131415161718), &err));
    mse_tee_free(tee);
    (void)pthread_join(platform.thread, NULL);
    mse_writer_cleanup(&evidence);
    assert_int_equal(platform.asked_len[0], 1);
    assert_int_equal(platform.asked[0][0], MSE_SIM_HELLO);
    assert_int_equal(platform.asked_len[1], 65);
    assert_int_equal(platform.asked[1][0], MSE_SIM_QUOTE);
    assert_memory_equal(platform.asked[1] + 1, quote + 1 + 368, 64);
    assert_int_equal(platform.asked_len[2], 1);
    assert_int_equal(platform.asked[2][0], MSE_SIM_SEALING_KEY);
    assert_int_equal(platform.asked_len[3], 1);
    assert_int_equal(platform.asked[3][0], MSE_SIM_COUNTER);
    assert_int_equal(platform.asked_len[4], 9);
    assert_memory_equal(platform.asked[4], "\5\x11\x12\x13\x14\x15\x16\x17\x18", 9);
}

static void a_hello_that_is_none_is_refused(void **state)
{
    static const uint8_t refused[] = "\1go away";
    /* clang-format off */
    const struct { struct mse_bytes reply; enum mse_err_code want; } rows[] = {
        { { hello, 96 }, MSE_ERR_FORMAT },
        { { large, 98 }, MSE_ERR_FORMAT },
        { { large, 1 }, MSE_ERR_FORMAT },
        { { large, LARGE }, MSE_ERR_LIMIT },
        { { refused, 8 }, MSE_ERR_VALUE },
        { { NULL, 0 }, MSE_ERR_IO },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct platform platform;
        struct mse_tee_place place = { .root = "/nonexistent" };
        struct mse_tee *tee = NULL;
        struct mse_error err = { 0 };

        platform_start(&platform, &rows[i].reply, 1, &place.sim_fd);
        assert_false(mse_tee_open(&place, &tee, &err));
        assert_null(tee);
        assert_int_equal(err.code, rows[i].want);
        if (rows[i].want == MSE_ERR_VALUE)
            assert_non_null(strstr(err.text, "go away"));
        (void)pthread_join(platform.thread, NULL);
        (void)close(place.sim_fd);
    }
}

static void answers_of_other_sizes_are_refused(void **state)
{
    static const uint8_t zero_key[33], evidence_of_32k[(32U << 10) + 2];
    const struct mse_bytes replies[] = {
        REPLY(hello), { key, 32 }, { large, 34 }, REPLY(zero_key), { number, 8 }, { number, 2 },
    };
    const struct mse_bytes quotes[] = {
        REPLY(hello), { quote, 1 + 431 }, REPLY(nothing), REPLY(evidence_of_32k), REPLY(quote),
    };
    struct platform platform;
    struct mse_writer evidence = { 0 };
    struct mse_tee *tee;
    uint8_t out[32] = { 1 };
    uint64_t counter = 1;
    int fd;
    struct mse_error err = { 0 };

    (void)state;
    platform_start(&platform, replies, 6, &fd);
    tee = open_on(fd);
    for (int i = 0; i < 3; i++) {
        err = (struct mse_error){ 0 };
        assert_false(mse_tee_sealing_key(tee, out, &err));
        assert_int_equal(err.code, i < 2 ? MSE_ERR_FORMAT : MSE_ERR_VALUE);
        assert_true(mse_is_zero(out, sizeof(out)));
    }
    err = (struct mse_error){ 0 };
    assert_false(mse_tee_counter(tee, &counter, &err));
    assert_int_equal(err.code, MSE_ERR_FORMAT);
    assert_true(counter == 0);
    err = (struct mse_error){ 0 };
    assert_false(mse_tee_advance(tee, 1, &err));
    assert_int_equal(err.code, MSE_ERR_FORMAT);
    mse_tee_free(tee);
    (void)pthread_join(platform.thread, NULL);

    platform_start(&platform, quotes, 5, &fd);
    tee = open_on(fd);
    for (int i = 0; i < 4; i++) {
        static const enum mse_err_code want[] = { MSE_ERR_TRUNCATED, MSE_ERR_TRUNCATED,
                                                  MSE_ERR_LIMIT, MSE_ERR_BINDING };

        err = (struct mse_error){ 0 };
        assert_false(mse_tee_quote(tee, hello, &evidence, &err));
        assert_int_equal(err.code, want[i]);
        assert_int_equal(evidence.len, 0);
    }
    mse_tee_free(tee);
    (void)pthread_join(platform.thread, NULL);
}

static void a_platform_that_is_gone_is_an_error(void **state)
{
    const struct mse_bytes replies[] = { REPLY(hello) };
    struct platform platform;
    struct mse_error err = { 0 };
    struct mse_tee *tee;
    uint8_t out[32];
    int fd;

    (void)state;
    platform_start(&platform, replies, 1, &fd);
    tee = open_on(fd);
    (void)pthread_join(platform.thread, NULL);
    for (int i = 0; i < 2; i++) {
        err = (struct mse_error){ 0 };
        assert_false(mse_tee_sealing_key(tee, out, &err));
        assert_int_equal(err.code, MSE_ERR_IO);
    }
    mse_tee_free(tee);
}

/* Another descriptor 3, that somebody left open. */
static void what_is_no_such_socket_is_not_taken(void **state)
{
    int pair[2], pipes[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(pipe(pipes), 0);
    for (int i = 0; i < 3; i++) {
        struct mse_tee_place place = { .root = "/nonexistent" };
        struct mse_tee *tee = NULL;
        struct mse_error err = { 0 };

        place.sim_fd = i == 0 ? pair[0] : i == 1 ? pipes[0] : 999;
        assert_false(mse_tee_open(&place, &tee, &err));
        assert_int_equal(err.code, MSE_ERR_MISSING);
    }
    (void)close(pair[0]);
    (void)close(pair[1]);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_and_understands_everything),
        cmocka_unit_test(a_hello_that_is_none_is_refused),
        cmocka_unit_test(answers_of_other_sizes_are_refused),
        cmocka_unit_test(a_platform_that_is_gone_is_an_error),
        cmocka_unit_test(what_is_no_such_socket_is_not_taken),
    };

    return cmocka_run_group_tests(tests, fill, NULL);
}
