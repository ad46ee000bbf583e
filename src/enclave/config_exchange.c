/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP on one connection of the configuration server, without sockets. */
#include "enclave/config_exchange.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "enclave/config_http.h"

#define FIRST_SIZE 512
#define SIGNATURE_MAX 128 /* longer than any that is valid */
#define WAITING_TEXT "This instance waits for its owner's configuration.\n"

enum phase {
    PHASE_HEAD,
    PHASE_BODY,
    PHASE_DECIDING, /* what comes meanwhile is kept, up to the size of a head */
    PHASE_FINISHED
};

/* Malloc'd and wiped; size counts towards what all exchanges hold. */
struct buffer {
    uint8_t *data;
    size_t len, size;
};

struct mse_config_exchanges {
    struct mse_config_door *door;
    size_t held;
    struct mse_config_exchange *oldest, *youngest; /* those that hold a buffer */
};

struct mse_config_exchange {
    struct mse_config_exchanges *all;
    const struct mse_config_exchange_handler *handler;
    void *context;
    enum phase phase;
    struct buffer buffer;
    struct mse_config_exchange *older, *younger; /* in the list, while buffer.data is there */
    struct mse_config_head head;                 /* of the request at hand; signature is not used */
    char signature[SIGNATURE_MAX];
    size_t signature_len;
    bool ended, overrun; /* no more requests after this one */
    unsigned busy;       /* calls that are under way */
    bool gone;           /* freed when they have returned */
};

bool mse_config_exchanges_new(const struct mse_config_door_options *options,
                              struct mse_config_exchanges **out, struct mse_error *err)
{
    struct mse_config_exchanges *all = calloc(1, sizeof(*all));

    *out = NULL;
    if (all == NULL)
        return mse_fail_memory(err);
    if (!mse_config_door_new(options, &all->door, err)) {
        free(all);
        return false;
    }
    *out = all;
    return true;
}

void mse_config_exchanges_free(struct mse_config_exchanges *all)
{
    if (all == NULL)
        return;
    mse_config_door_free(all->door);
    free(all);
}

size_t mse_config_exchanges_held(const struct mse_config_exchanges *all)
{
    return all->held;
}

/* ---- buffers ---- */

static void list_add(struct mse_config_exchange *e)
{
    e->older = e->all->youngest;
    e->younger = NULL;
    if (e->older != NULL)
        e->older->younger = e;
    else
        e->all->oldest = e;
    e->all->youngest = e;
}

static void list_remove(struct mse_config_exchange *e)
{
    if (e->older != NULL)
        e->older->younger = e->younger;
    else
        e->all->oldest = e->younger;
    if (e->younger != NULL)
        e->younger->older = e->older;
    else
        e->all->youngest = e->older;
    e->older = e->younger = NULL;
}

/* The block leaves the account; *len is what is in it. */
static uint8_t *buffer_take(struct mse_config_exchange *e, size_t *len)
{
    uint8_t *data = e->buffer.data;

    *len = e->buffer.len;
    if (data != NULL)
        list_remove(e);
    e->all->held -= e->buffer.size;
    e->buffer = (struct buffer){ 0 };
    return data;
}

static void buffer_drop(struct mse_config_exchange *e)
{
    size_t len;
    uint8_t *data = buffer_take(e, &len);

    if (data != NULL)
        OPENSSL_cleanse(data, len);
    free(data);
}

static void send_away(struct mse_config_exchange *e);

/* Whoever has been at it for the longest time goes first; never the one that asks. */
static bool make_room(struct mse_config_exchange *e, size_t more)
{
    while (e->all->held + more > MSE_CONFIG_HELD_MAX) {
        struct mse_config_exchange *oldest = e->all->oldest;

        if (oldest == e)
            oldest = oldest->younger;
        if (oldest == NULL)
            return false;
        send_away(oldest);
    }
    return true;
}

/* Doubles, so that whoever announces much and sends little holds little. */
static bool buffer_grow(struct mse_config_exchange *e, size_t need, size_t max)
{
    size_t size = e->buffer.size != 0 ? e->buffer.size : FIRST_SIZE;
    uint8_t *data;

    while (size < need)
        size *= 2;
    if (size > max)
        size = max; /* need is not above it */
    if (!make_room(e, size) || (data = malloc(size)) == NULL)
        return false;
    if (e->buffer.data != NULL) {
        memcpy(data, e->buffer.data, e->buffer.len);
        OPENSSL_cleanse(e->buffer.data, e->buffer.len);
        free(e->buffer.data);
    } else {
        list_add(e);
    }
    e->all->held += size - e->buffer.size;
    e->buffer.data = data;
    e->buffer.size = size;
    return true;
}

/* Moves up to max - len bytes from the beginning of data; false if memory is out. */
static bool buffer_append(struct mse_config_exchange *e, struct mse_bytes *data, size_t max)
{
    size_t n = max - e->buffer.len < data->len ? max - e->buffer.len : data->len;

    if (n == 0)
        return true;
    if (n > e->buffer.size - e->buffer.len && !buffer_grow(e, e->buffer.len + n, max))
        return false;
    memcpy(e->buffer.data + e->buffer.len, data->data, n);
    e->buffer.len += n;
    data->data += n;
    data->len -= n;
    return true;
}

/* ---- the connection ---- */

static void enter(struct mse_config_exchange *e)
{
    e->busy++;
}

static void leave(struct mse_config_exchange *e)
{
    if (--e->busy == 0 && e->gone)
        free(e);
}

static void set_deadline(struct mse_config_exchange *e, unsigned ms)
{
    if (!e->gone)
        e->handler->deadline(e->context, ms);
}

static void finish(struct mse_config_exchange *e)
{
    if (e->phase == PHASE_FINISHED)
        return;
    e->phase = PHASE_FINISHED;
    buffer_drop(e);
    set_deadline(e, MSE_CONFIG_FINISH_MS);
    if (!e->gone)
        e->handler->finish(e->context);
}

static void send(struct mse_config_exchange *e, const struct mse_config_reply *reply)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer out = { 0 };

    if (e->phase == PHASE_FINISHED)
        return;
    mse_config_reply_write(reply, &out);
    if (!e->gone && mse_writer_ok(&out))
        e->handler->write(e->context, mse_writer_bytes(&out));
    if (reply->close || !mse_writer_ok(&out))
        finish(e);
}

/* What HTTP itself forbids or cannot do here: nothing that follows can be understood. */
static void refuse(struct mse_config_exchange *e, unsigned status, unsigned retry_s,
                   enum mse_err_code code, const char *text)
{
    struct mse_config_reply reply = {
        .status = status,
        .bare = mse_config_door_is_bare(e->all->door),
        .close = true,
        .retry_s = retry_s,
        .code = mse_err_name(code),
        .text = text,
    };

    mse_config_door_describe(e->all->door, &reply);
    send(e, &reply);
}

static void send_away(struct mse_config_exchange *e)
{
    enter(e);
    buffer_drop(e);
    if (e->phase == PHASE_DECIDING)
        e->overrun = true; /* its reply is still to come, what it sent ahead is lost */
    else
        refuse(e, 503, 1, MSE_ERR_LIMIT, "too much is under way: send the whole request again");
    leave(e);
}

bool mse_config_exchange_new(struct mse_config_exchanges *all,
                             const struct mse_config_exchange_handler *handler, void *context,
                             struct mse_config_exchange **out, struct mse_error *err)
{
    struct mse_config_exchange *e = calloc(1, sizeof(*e));

    *out = e;
    if (e == NULL)
        return mse_fail_memory(err);
    e->all = all;
    e->handler = handler;
    e->context = context;
    set_deadline(e, MSE_CONFIG_HEAD_MS);
    return true;
}

bool mse_config_exchange_is_finished(const struct mse_config_exchange *exchange)
{
    return exchange->phase == PHASE_FINISHED;
}

void mse_config_exchange_free(struct mse_config_exchange *exchange)
{
    if (exchange == NULL || exchange->gone)
        return;
    exchange->gone = true;
    exchange->phase = PHASE_FINISHED;
    buffer_drop(exchange);
    mse_config_door_forget(exchange->all->door, exchange);
    if (exchange->busy == 0)
        free(exchange);
}

/* ---- requests ---- */

static void next_request(struct mse_config_exchange *e)
{
    if (e->phase == PHASE_FINISHED)
        return;
    if (e->overrun || (e->ended && e->buffer.len == 0)) {
        finish(e);
        return;
    }
    e->phase = PHASE_HEAD;
    e->head = (struct mse_config_head){ 0 };
    set_deadline(e, MSE_CONFIG_HEAD_MS);
}

static bool must_close(const struct mse_config_exchange *e)
{
    return !e->head.keep_alive || e->overrun;
}

static void answer_get(struct mse_config_exchange *e)
{
    struct mse_config_reply reply = {
        .status = 200,
        .to_head = e->head.method == MSE_CONFIG_HEAD,
        .close = must_close(e),
        .text = WAITING_TEXT,
    };

    mse_config_door_describe(e->all->door, &reply);
    send(e, &reply);
    next_request(e);
}

static void take_up(struct mse_config_exchange *e);

static void answered(void *context, const struct mse_config_reply *from_door)
{
    struct mse_config_exchange *e = context;
    struct mse_config_reply reply = *from_door;

    enter(e);
    reply.close = reply.close || must_close(e);
    send(e, &reply);
    next_request(e);
    take_up(e);
    leave(e);
}

static void answer_post(struct mse_config_exchange *e)
{
    struct mse_config_post post = {
        .has_signature = e->head.has_signature,
        .signature = { (const uint8_t *)e->signature, e->signature_len },
    };

    post.body = buffer_take(e, &post.len);
    e->phase = PHASE_DECIDING;
    set_deadline(e, 0);
    mse_config_door_post(e->all->door, &post, answered, e);
}

static void start_body(struct mse_config_exchange *e)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";

    e->phase = PHASE_BODY;
    if (e->head.length == 0) {
        answer_post(e);
        return;
    }
    set_deadline(e, MSE_CONFIG_BODY_MS);
    if (e->head.expects_continue && !e->gone)
        e->handler->write(e->context, MSE_CSTR_BYTES(interim));
}

static void keep_signature(struct mse_config_exchange *e)
{
    struct mse_bytes signature = e->head.signature;

    e->signature_len = signature.len <= SIGNATURE_MAX ? signature.len : 0;
    if (e->signature_len > 0)
        memcpy(e->signature, signature.data, e->signature_len);
    e->head.signature = (struct mse_bytes){ NULL, 0 }; /* what it points at goes */
}

static void dispatch(struct mse_config_exchange *e)
{
    switch (e->head.method) {
    case MSE_CONFIG_GET:
    case MSE_CONFIG_HEAD:
        answer_get(e);
        return;
    case MSE_CONFIG_POST:
        start_body(e);
        return;
    case MSE_CONFIG_OTHER:
        break;
    }
    refuse(e, 501, 0, MSE_ERR_UNSUPPORTED, "only GET, HEAD and POST are known here");
}

/* data: what came last; what lies behind the head is given back to it. */
static void read_head(struct mse_config_exchange *e, struct mse_bytes *data)
{
    struct mse_error err = { 0 };
    size_t behind;
    unsigned status;

    if (!buffer_append(e, data, MSE_CONFIG_HEAD_MAX)) {
        finish(e);
        return;
    }
    if (!mse_config_head_parse((struct mse_bytes){ e->buffer.data, e->buffer.len }, &e->head,
                               &status, &err)) {
        if (err.code != MSE_ERR_TRUNCATED)
            refuse(e, status, 0, err.code, err.text);
        return;
    }
    behind = e->buffer.len - e->head.used;
    data->data -= behind;
    data->len += behind;
    keep_signature(e);
    buffer_drop(e);
    dispatch(e);
}

static void read_body(struct mse_config_exchange *e, struct mse_bytes *data)
{
    size_t length = (size_t)e->head.length; /* capped by the parser */

    if (!buffer_append(e, data, length))
        refuse(e, 503, 1, MSE_ERR_MEMORY, "out of memory: send the whole request again");
    else if (e->buffer.len == length)
        answer_post(e);
}

static void read_ahead(struct mse_config_exchange *e, struct mse_bytes *data)
{
    if (!buffer_append(e, data, MSE_CONFIG_HEAD_MAX) || data->len > 0)
        e->overrun = true;
    data->len = 0;
}

static void consume(struct mse_config_exchange *e, struct mse_bytes data)
{
    while (data.len > 0) {
        switch (e->phase) {
        case PHASE_HEAD:
            read_head(e, &data);
            break;
        case PHASE_BODY:
            read_body(e, &data);
            break;
        case PHASE_DECIDING:
            read_ahead(e, &data);
            break;
        case PHASE_FINISHED:
            return;
        }
    }
}

/* What came while a decision was waited for. */
static void take_up(struct mse_config_exchange *e)
{
    size_t len;
    uint8_t *data;

    if (e->phase != PHASE_HEAD || e->buffer.len == 0)
        return;
    data = buffer_take(e, &len);
    consume(e, (struct mse_bytes){ data, len });
    OPENSSL_cleanse(data, len);
    free(data);
    if (e->ended && e->phase != PHASE_DECIDING)
        finish(e);
}

void mse_config_exchange_data(struct mse_config_exchange *exchange, struct mse_bytes data)
{
    enter(exchange);
    consume(exchange, data);
    leave(exchange);
}

void mse_config_exchange_end(struct mse_config_exchange *exchange)
{
    enter(exchange);
    exchange->ended = true;
    if (exchange->phase != PHASE_DECIDING)
        finish(exchange);
    leave(exchange);
}
