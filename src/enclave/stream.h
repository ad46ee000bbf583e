/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the front: one connection of a client, from its first byte to its last. The phases go one
 * way only; each has its deadline.
 */
#ifndef MSE_ENCLAVE_STREAM_H
#define MSE_ENCLAVE_STREAM_H

#include "enclave/deadlines.h"
#include "enclave/front.h"
#include "enclave/peers.h"
#include "enclave/proxy_header.h"
#include "enclave/socket.h"
#include "enclave/tls_bio.h"

enum mse_stream_phase {
    MSE_STREAM_ARRIVING,  /* the PROXY header and the ClientHello come in: no SSL object yet */
    MSE_STREAM_HANDSHAKE, /* both are half-open */
    MSE_STREAM_OPEN,
    MSE_STREAM_FLUSHING,  /* the last bytes go out */
    MSE_STREAM_LINGERING, /* until the peer has read them: its own are thrown away */
    MSE_STREAM_GONE
};

struct mse_relay;

struct mse_stream {
    struct mse_socket socket;
    struct mse_front *front;
    struct mse_deadline deadline;
    struct mse_link all;                 /* of the front's streams */
    struct mse_link half_open, of_peer;  /* in the order of arrival, the oldest first */
    struct mse_peer *peer;               /* NULL: not counted, or not known yet */
    struct mse_proxy_addresses *address; /* what the edge said of the client, or NULL */
    enum mse_stream_phase phase;
    bool from_edge;  /* a PROXY header comes first */
    bool peer_ended; /* its close_notify is here */
    bool ended;      /* ours is sent */
    bool ticket_due; /* one is to be sent before the first data */
    bool paused;     /* what takes the data is full */
    uint8_t dispatching;
    uint8_t *early; /* owned: an incomplete ClientHello */
    size_t early_len, early_size;
    struct mse_tls_io io;
    SSL *ssl;
    char *protocol; /* owned, once asked for */
    const struct mse_stream_handler *handler, *retired;
    void *context, *retired_context;
    struct mse_relay *relay; /* the handler, if it is that; borrowed */
};

static inline bool mse_stream_is_half_open(const struct mse_stream *stream)
{
    return stream->phase <= MSE_STREAM_HANDSHAKE;
}

/* ---- front.c: what all streams share ------------------------------------------------------- */

struct mse_front {
    struct mse_front_options options;
    uv_tcp_t listener;
    uv_timer_t drain_timer;
    char address[64];
    struct mse_deadlines deadlines;
    struct mse_link streams, half_open;
    struct mse_peers *peers;
    BIO_METHOD *bio;
    struct mse_front_counts counts;
    unsigned objects; /* streams that are not freed yet */
    unsigned tls;     /* handshakes that have an SSL object */
    unsigned relays;  /* each with a descriptor of its own, or soon */
    size_t early;     /* bytes of incomplete hellos */
    unsigned handles; /* of the front itself, that are not closed yet */
    bool stalled;     /* no memory for a connection that waits */
    bool draining;
    void (*drained)(void *arg);
    void *drained_arg;
    uint8_t wire[MSE_SOCKET_READ_SIZE]; /* what is being read from any socket */
    uint8_t plain[MSE_SOCKET_READ_SIZE];
    struct mse_tls_out out;
};

/* Drops the oldest half-open stream but this one. False if there is none. */
bool mse_front_drop_oldest(struct mse_front *front, const struct mse_stream *but);
/* A descriptor for one more is there: a half-open stream may have to give up its own. */
bool mse_front_has_descriptor(struct mse_front *front, const struct mse_stream *but);
/* Counts the stream for the peer at this address. False if that has too many: the stream is to be
 * refused. */
bool mse_front_count_peer(struct mse_stream *stream, const struct sockaddr_storage *address);
/* The stream gets an SSL object. */
void mse_front_enter_tls(struct mse_stream *stream);
/* The stream's handshake is done, or it will never be; the second time that means nothing. */
void mse_front_leave_half_open(struct mse_stream *stream, bool done);
/* The stream is not one of the front's any more, except for its memory. */
void mse_front_forget(struct mse_stream *stream);
/* Its memory is free, too. */
void mse_front_freed(struct mse_front *front);

/* ---- arrival.c ------------------------------------------------------------------------------ */

void mse_arrival_data(struct mse_stream *stream, struct mse_bytes data);
void mse_arrival_free(struct mse_stream *stream);

/* ---- stream.c ------------------------------------------------------------------------------- */

extern const struct mse_socket_events mse_stream_socket_events;
void mse_stream_out(struct mse_tls_io *io, struct mse_bytes data);
/* Starts to wait for the first byte. */
void mse_stream_arrive(struct mse_stream *stream);
/* Its time is over. */
void mse_stream_expired(struct mse_deadline *deadline);
/* The ClientHello is complete: hello is it and what follows. */
void mse_stream_handshake(struct mse_stream *stream, SSL_CTX *ctx, struct mse_bytes hello);
/* A last word that is not OpenSSL's, and the end. */
void mse_stream_alert(struct mse_stream *stream, uint8_t description);
/* Refused: gone at once, and counted so. */
void mse_stream_refuse(struct mse_stream *stream);

/* ---- for relay.c: a direction may end alone ------------------------------------------------- */

/* Like mse_stream_write without its limit; the relay watches stream->socket. */
void mse_stream_send(struct mse_stream *stream, struct mse_bytes data);
/* No more is sent after what was: close_notify. Data from the peer still comes. */
void mse_stream_end(struct mse_stream *stream);
/* What was sent goes out, then the connection ends without a word, as the app's did. */
void mse_stream_break(struct mse_stream *stream);
/* Stops what comes from the peer, or lets it come. */
void mse_stream_pause(struct mse_stream *stream, bool paused);
/* Something happened: the idle time starts anew. */
void mse_stream_touch(struct mse_stream *stream);

/* ---- relay.c -------------------------------------------------------------------------------- */

/* The stream is gone: so is the app's connection. */
void mse_relay_stop(struct mse_relay *relay);
bool mse_relay_is_connecting(const struct mse_relay *relay);
/* The stream's socket has written some of what waited. */
void mse_relay_written(struct mse_relay *relay);

#endif
