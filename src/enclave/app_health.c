/* SPDX-License-Identifier: Apache-2.0 */
/* Two questions to the app on connections of their own: whether it is healthy, and whether it takes
 * HTTP/2 with prior knowledge. */
#include <stdlib.h>
#include <unistd.h>

#include "enclave/app_private.h"

#define HEALTH_MS 5000
#define H2_MS 1000
#define REST_MS 1000     /* for the rest of an answer, which nobody needs any more */
#define STATUS_LENGTH 13 /* "HTTP/1.1 200" and what ends the number */
#define FRAME_HEAD 9     /* RFC 9113, 4.1 */
#define MAX_FRAME 16384  /* 4.2: what a peer takes that has said nothing yet */

/* RFC 9113, 3.4: the preface, and an empty SETTINGS frame. */
static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                              "\0\0\0\4\0\0\0\0\0";

struct mse_app_probe {
    enum mse_app_question question;
    const char *health; /* borrowed */
    uv_loop_t *loop;
    void (*done)(void *arg, bool yes);
    void *arg;
    uv_tcp_t stream;
    uv_timer_t deadline;
    uv_write_t write;
    struct mse_writer request;
    uint8_t reply[2048]; /* its beginning; then whatever comes */
    size_t length;
    bool connecting, answered;
    bool over; /* handles are being closed, or are closed */
    unsigned open_handles;
};

/* ---- end ---- */

static void release(struct mse_app_probe *p)
{
    void (*const done)(void *arg, bool yes) = p->done;
    void *const arg = p->arg;

    /* The one who connects still has a pointer. */
    if (p->open_handles > 0 || p->connecting)
        return;
    mse_writer_cleanup(&p->request);
    free(p);
    if (done != NULL)
        done(arg, false);
}

static void handle_closed(uv_handle_t *handle)
{
    struct mse_app_probe *p = handle->data;

    p->open_handles--;
    release(p);
}

/* An answer that has not been given is no. */
static void finish(struct mse_app_probe *p)
{
    if (p->over)
        return;
    p->over = true;
    uv_close((uv_handle_t *)&p->stream, handle_closed);
    uv_close((uv_handle_t *)&p->deadline, handle_closed);
}

static void is_late(uv_timer_t *timer)
{
    finish(timer->data);
}

void mse_app_probe_cancel(struct mse_app_probe *probe)
{
    if (probe == NULL)
        return;
    probe->done = NULL;
    finish(probe);
}

/* The app is heard to its end for a while, so that it does not see a connection that breaks. */
static void answer(struct mse_app_probe *p, bool yes)
{
    void (*const done)(void *arg, bool yes) = p->done;

    p->answered = true;
    p->done = NULL;
    (void)uv_timer_start(&p->deadline, is_late, REST_MS, 0);
    if (done != NULL)
        done(p->arg, yes);
}

/* ---- answers ---- */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9112, 4: "HTTP/1.x 2dd", then a space or the end of the line. */
static bool is_success(const uint8_t *r)
{
    return memcmp(r, "HTTP/1.", 7) == 0 && is_digit(r[7]) && r[8] == ' ' && r[9] == '2' &&
           is_digit(r[10]) && is_digit(r[11]) && (r[12] == ' ' || r[12] == '\r' || r[12] == '\n');
}

/* RFC 9113, 3.4: the first frame of a server is SETTINGS (6.5), of whole settings, no answer to
 * ours, on stream 0. */
static bool is_settings(const uint8_t *r)
{
    const uint32_t length = (uint32_t)r[0] << 16 | (uint32_t)r[1] << 8 | r[2];

    return length <= MAX_FRAME && length % 6 == 0 && r[3] == 4 && r[4] == 0 &&
           mse_is_zero(r + 5, 4);
}

static void alloc_reply(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct mse_app_probe *p = handle->data;
    const size_t at = p->answered ? 0 : p->length;

    (void)suggested;
    *out = uv_buf_init((char *)p->reply + at, (unsigned)(sizeof(p->reply) - at));
}

static void reply_came(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct mse_app_probe *p = stream->data;
    const bool is_h2 = p->question == MSE_APP_H2;

    (void)buffer;
    if (n < 0)
        finish(p);
    if (n <= 0 || p->answered)
        return;
    p->length += (size_t)n;
    if (p->length >= (is_h2 ? FRAME_HEAD : STATUS_LENGTH))
        answer(p, is_h2 ? is_settings(p->reply) : is_success(p->reply));
    /* A peer that is not told to go away waits for more. */
    if (p->answered && is_h2)
        finish(p);
}

/* ---- questions ---- */

static void request_sent(uv_write_t *write, int status)
{
    struct mse_app_probe *p = write->data;

    if (status != 0)
        finish(p);
}

static bool write_request(struct mse_app_probe *p)
{
    uv_buf_t part;

    if (p->question == MSE_APP_H2)
        mse_write_bytes(&p->request, preface, sizeof(preface) - 1);
    else
        mse_write_format(&p->request,
                         "GET %s HTTP/1.1\r\n"
                         "Host: 127.0.0.1:%d\r\n"
                         "User-Agent: mse-enclave\r\n"
                         "Connection: close\r\n\r\n",
                         p->health, MSE_APP_PORT);
    if (!mse_writer_ok(&p->request))
        return false;
    part = uv_buf_init((char *)p->request.data, (unsigned)p->request.len);
    return uv_write(&p->write, (uv_stream_t *)&p->stream, &part, 1, request_sent) == 0 &&
           uv_read_start((uv_stream_t *)&p->stream, alloc_reply, reply_came) == 0;
}

static void connected(void *context, int fd)
{
    struct mse_app_probe *p = context;

    p->connecting = false;
    if (p->over) { /* late, or cancelled */
        if (fd != -1)
            (void)close(fd);
        release(p);
        return;
    }
    if (fd == -1)
        finish(p);
    else if (uv_tcp_open(&p->stream, fd) != 0) {
        (void)close(fd);
        finish(p);
    } else if (!write_request(p))
        finish(p);
}

bool mse_app_probe_new(struct mse_app_pool *pool, enum mse_app_question question,
                       const char *health, void (*done)(void *arg, bool yes), void *arg,
                       struct mse_app_probe **out, struct mse_error *err)
{
    struct mse_app_probe *p = calloc(1, sizeof(*p));

    *out = NULL;
    if (p == NULL)
        return mse_fail_memory(err);
    *p = (struct mse_app_probe){ .question = question,
                                 .health = health,
                                 .loop = pool->loop,
                                 .done = done,
                                 .arg = arg,
                                 .connecting = true,
                                 .open_handles = 2 };
    (void)uv_tcp_init(p->loop, &p->stream);
    (void)uv_timer_init(p->loop, &p->deadline);
    p->stream.data = p->deadline.data = p->write.data = p;
    (void)uv_timer_start(&p->deadline, is_late, question == MSE_APP_H2 ? H2_MS : HEALTH_MS, 0);
    *out = p;
    mse_app_pool_connect(pool, connected, p);
    return true;
}
