/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration server on streams that are only recorded: taking, ending, being freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "enclave/config_server.h"

#define ID "01234567-89ab-cdef-0123-456789abcdef"
#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define POST                                                                                       \
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 47\r\n\r\n"                                     \
    "{\"uuid\":\"" ID "\"}"

/* ---- streams ---- */

struct mse_stream {
    const struct mse_stream_handler *handler;
    void *context;
    char out[4096];
    size_t len;
    bool finished, gone;
    unsigned deadline_ms;
};

static void stream_go(struct mse_stream *stream)
{
    stream->gone = true;
    if (stream->handler != NULL)
        stream->handler->closed(stream->context);
}

void mse_stream_set_handler(struct mse_stream *stream, const struct mse_stream_handler *handler,
                            void *context)
{
    stream->handler = handler;
    stream->context = context;
}

void mse_stream_write(struct mse_stream *stream, struct mse_bytes data)
{
    assert_false(stream->finished || stream->gone);
    assert_true(data.len < sizeof(stream->out) - stream->len);
    memcpy(stream->out + stream->len, data.data, data.len);
    stream->len += data.len;
}

void mse_stream_finish(struct mse_stream *stream)
{
    assert_false(stream->finished || stream->gone);
    stream->finished = true;
}

void mse_stream_abort(struct mse_stream *stream)
{
    assert_false(stream->gone);
    stream_go(stream);
}

void mse_stream_set_deadline(struct mse_stream *stream, unsigned ms)
{
    assert_false(stream->gone);
    stream->deadline_ms = ms;
}

/* ---- the server ---- */

struct world {
    uv_loop_t loop;
    struct mse_app_manifest app;
    struct mse_instance_file instance;
    struct mse_identity identity;
    struct mse_config_server *server;
    bool later, free_when_configured;
    mse_config_decided *decided;
    void *context;
    unsigned configured;
};

static struct world w;

static int64_t now(void *arg)
{
    assert_ptr_equal(arg, &w);
    return 1;
}

static void decide(void *arg, const struct mse_config_candidate *candidate,
                   mse_config_decided *decided, void *context)
{
    assert_ptr_equal(arg, &w);
    assert_int_equal(candidate->epoch, 5);
    w.decided = decided;
    w.context = context;
    if (!w.later)
        decided(context, NULL);
}

static void configured(void *arg)
{
    assert_ptr_equal(arg, &w);
    w.configured++;
    if (w.free_when_configured) {
        mse_config_server_free(w.server);
        w.server = NULL;
    }
}

static int open_world(void **state)
{
    struct mse_config_server_options options = {
        .loop = &w.loop,
        .app = &w.app,
        .instance = &w.instance,
        .identity = &w.identity,
        .next_epoch = 5,
        .arg = &w,
        .now = now,
        .decide = decide,
        .configured = configured,
    };
    struct mse_error err = { 0 };

    (void)state;
    w = (struct world){ .app.unsigned_config = true };
    memcpy(w.instance.uuid, ID, sizeof(ID));
    return uv_loop_init(&w.loop) != 0 || !mse_config_server_new(&options, &w.server, &err) ? -1 : 0;
}

static int close_world(void **state)
{
    (void)state;
    mse_config_server_free(w.server);
    assert_int_equal(uv_run(&w.loop, UV_RUN_DEFAULT), 0);
    return uv_loop_close(&w.loop);
}

static void take(struct mse_stream *stream, const char *first)
{
    mse_config_server_take(w.server, stream, MSE_CSTR_BYTES(first));
}

static void say(struct mse_stream *stream, const char *text)
{
    stream->handler->data(stream->context, stream, MSE_CSTR_BYTES(text));
}

static void bytes_that_were_read_before_count(void **state)
{
    struct mse_stream one = { 0 };
    struct mse_stream two = { 0 };

    (void)state;
    take(&one, "GET / HTTP/1.1\r\nHo");
    take(&two, "");
    assert_int_equal(one.deadline_ms, 10000);
    assert_int_equal(two.deadline_ms, 10000);
    say(&one, "st: h\r\n\r\n");
    assert_non_null(strstr(one.out, "Mse-Status: Waiting"));
    assert_int_equal(two.len, 0);
    stream_go(&two);
    one.handler->end(one.context, &one);
    assert_true(one.finished);
    stream_go(&one);
}

static void the_owner_of_the_server_may_free_it_when_told(void **state)
{
    struct mse_stream idle = { 0 };
    struct mse_stream half = { 0 };
    struct mse_stream owner = { 0 };

    (void)state;
    w.free_when_configured = true;
    take(&idle, "");
    take(&owner, "");
    take(&half, "POST / HT");
    say(&owner, POST);
    assert_int_equal(w.configured, 0); /* not inside the exchange */
    assert_non_null(strstr(owner.out, "HTTP/1.1 200 OK"));
    (void)uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(w.configured, 1);
    assert_null(w.server);
    assert_true(idle.gone && half.gone);
    assert_true(owner.finished && !owner.gone); /* takes its reply along */
    say(&owner, GET);
    owner.handler->end(owner.context, &owner);
    stream_go(&owner);
}

static void a_stream_that_waits_for_a_decision_is_closed_with_the_server(void **state)
{
    struct mse_stream owner = { 0 };

    (void)state;
    w.later = true;
    take(&owner, POST);
    assert_int_equal(owner.len, 0);
    mse_config_server_free(w.server);
    w.server = NULL;
    assert_true(owner.gone);
    w.decided(w.context, NULL);
    (void)uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(w.configured, 0);
}

static void a_decision_may_come_after_the_stream_is_gone(void **state)
{
    struct mse_stream owner = { 0 };

    (void)state;
    w.later = true;
    take(&owner, POST);
    stream_go(&owner);
    w.decided(w.context, NULL);
    (void)uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(w.configured, 1);
}

static void streams_leave_in_any_order(void **state)
{
    static const unsigned order[] = { 1, 3, 0, 2 };
    struct mse_stream streams[4] = { 0 };

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        take(&streams[i], GET "G");
    for (unsigned i = 0; i < 4; i++)
        stream_go(&streams[order[i]]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_that_were_read_before_count),
        TEST(the_owner_of_the_server_may_free_it_when_told),
        TEST(a_stream_that_waits_for_a_decision_is_closed_with_the_server),
        TEST(a_decision_may_come_after_the_stream_is_gone),
        TEST(streams_leave_in_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
