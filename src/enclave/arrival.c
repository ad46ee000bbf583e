/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before TLS: the edge's PROXY header and the ClientHello are gathered here, because a handshake
 * that has begun costs OpenSSL 45 KiB, and one whose ClientHello is not complete need not begin.
 */
#include <stdlib.h>

#include "enclave/client_hello.h"
#include "enclave/stream.h"

#define EARLY_MAX (MSE_PROXY_HEADER_MAX + MSE_CLIENT_HELLO_WIRE_MAX)
/* Of all incomplete hellos together; above it the oldest half-open connections go. */
#define EARLY_TOTAL_MAX ((size_t)32 << 20)

enum { ALERT_DECODE_ERROR = 50, ALERT_UNRECOGNIZED_NAME = 112 }; /* RFC 8446, 6 */

void mse_arrival_free(struct mse_stream *stream)
{
    stream->front->early -= stream->early_size;
    free(stream->early);
    stream->early = NULL;
    stream->early_len = stream->early_size = 0;
}

static bool grow(struct mse_stream *stream, size_t need)
{
    size_t size = stream->early_size > 0 ? stream->early_size : 256;
    uint8_t *more;

    while (size < need)
        size *= 2;
    if (size == stream->early_size)
        return true;
    more = realloc(stream->early, size);
    if (more == NULL)
        return false;
    stream->front->early += size - stream->early_size;
    stream->early = more;
    stream->early_size = size;
    return true;
}

/* Keeps what is not enough. */
static void keep(struct mse_stream *stream, struct mse_bytes data)
{
    if (data.len > EARLY_MAX || !grow(stream, data.len)) {
        mse_stream_refuse(stream);
        return;
    }
    memmove(stream->early, data.data, data.len); /* it may lie there already */
    stream->early_len = data.len;
    while (stream->front->early > EARLY_TOTAL_MAX && mse_front_drop_oldest(stream->front, stream))
        continue;
}

/* What was kept, and what came; a view of the latter alone where that is possible. */
static bool join(struct mse_stream *stream, struct mse_bytes *data)
{
    size_t part = data->len;

    if (stream->early_len == 0)
        return true;
    /* What is too long anyway need not be copied; the rest of a pipelined flight is never lost,
     * because a hello is complete before EARLY_MAX. */
    if (part > EARLY_MAX + MSE_SOCKET_READ_SIZE - stream->early_len ||
        !grow(stream, stream->early_len + part))
        return false;
    memcpy(stream->early + stream->early_len, data->data, part);
    stream->early_len += part;
    *data = (struct mse_bytes){ stream->early, stream->early_len };
    return true;
}

/* The operator's word, taken from the edge alone; never a ground for a decision but the caps. */
static bool take_proxy_header(struct mse_stream *stream, struct mse_bytes *data,
                              enum mse_err_code *why)
{
    const struct mse_instance_file *file = stream->front->options.instance;
    struct mse_proxy_addresses address;
    struct mse_error err = { 0 };
    size_t used;

    if (!mse_proxy_header_parse(*data, &address, &used, &err)) {
        *why = err.code;
        return false;
    }
    *why = MSE_ERR_LIMIT;
    if (address.known && !mse_front_count_peer(stream, &address.source))
        return false;
    if (address.known && file->proxy_to_app) {
        *why = MSE_ERR_MEMORY;
        stream->address = malloc(sizeof(*stream->address));
        if (stream->address == NULL)
            return false;
        *stream->address = address;
    }
    data->data += used;
    data->len -= used;
    stream->from_edge = false; /* the header is done */
    return true;
}

static void start(struct mse_stream *stream, struct mse_bytes data, const char *name)
{
    struct mse_front *front = stream->front;
    SSL_CTX *ctx = front->options.context(front->options.arg, name);

    if (ctx == NULL)
        mse_stream_alert(stream, ALERT_UNRECOGNIZED_NAME);
    else
        mse_stream_handshake(stream, ctx, data);
    mse_arrival_free(stream);
}

/* TLS with a wrong ClientHello is told so; what is not TLS would not understand. */
static void refuse(struct mse_stream *stream, enum mse_err_code why)
{
    if (why == MSE_ERR_VALUE || why == MSE_ERR_DUPLICATE || why == MSE_ERR_TRAILING)
        mse_stream_alert(stream, ALERT_DECODE_ERROR);
    else
        mse_stream_refuse(stream);
}

void mse_arrival_data(struct mse_stream *stream, struct mse_bytes data)
{
    struct mse_client_hello hello;
    struct mse_error err = { 0 };
    enum mse_err_code why;

    if (!join(stream, &data)) {
        mse_stream_refuse(stream);
        return;
    }
    if (stream->from_edge && !take_proxy_header(stream, &data, &why)) {
        if (why == MSE_ERR_TRUNCATED)
            keep(stream, data);
        else
            mse_stream_refuse(stream);
        return;
    }
    if (mse_client_hello_parse(data, &hello, &err))
        start(stream, data, hello.has_name ? hello.name : NULL);
    else if (err.code == MSE_ERR_TRUNCATED)
        keep(stream, data);
    else
        refuse(stream, err.code);
}
