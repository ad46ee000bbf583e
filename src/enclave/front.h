/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS front: listeners, handshakes, and streams that go to the app or to a handler in the
 * runtime. One libuv loop, one thread; OpenSSL over a BIO of our own (docs/architecture.md).
 */
#ifndef MSE_ENCLAVE_FRONT_H
#define MSE_ENCLAVE_FRONT_H

#include <openssl/ssl.h>
#include <uv.h>

#include "base/bytes.h"
#include "enclave/instance_file.h"

struct mse_front;
struct mse_stream; /* the plain side of one connection, after its handshake */

/* What is 0 gets its default. */
struct mse_front_limits {
    unsigned hello_ms, handshake_ms, idle_ms, half_close_ms, drain_ms, connect_ms;
    unsigned connections, connections_per_peer, handshakes; /* at the same time */
    unsigned descriptors; /* for connections and their ways to the app; 0: as many as come */
    size_t buffer; /* bytes waiting in each direction of a connection at most, or one read's */
};
/* hello 8 s, handshake 10 s, idle 1 h, half-close 1 min, drain 30 s, connect 5 s; 16384
 * connections, 4096 of one peer (behind an edge: the client's address by PROXY), 2048 handshakes,
 * 256 KiB. */
extern const struct mse_front_limits mse_front_default_limits;

/* A connected, non-blocking stream socket to the app (owned by the receiver), or -1. */
typedef void mse_front_connected(void *context, int fd);

struct mse_front_options {
    uv_loop_t *loop;
    const struct mse_instance_file *instance; /* listen, edges, proxy_to_app; borrowed */
    struct mse_front_limits limits;
    void *arg; /* for all callbacks */
    /* The context for this server name (lower case; NULL: the client named none), borrowed; NULL
     * refuses with unrecognized_name. Called before the handshake. */
    SSL_CTX *(*context)(void *arg, const char *name);
    /* The handshake is done: sets a handler or lets the stream go to the app. */
    void (*accepted)(void *arg, struct mse_stream *stream);
    /* Asks for a connection to the app; done is called exactly once, later or at once. A stream
     * that ends before then only ignores what comes (and closes it). */
    void (*connect_app)(void *arg, mse_front_connected *done, void *context);
};

/* Listens at once; connections are taken when the loop runs. The program ignores SIGPIPE: libuv
 * writes to sockets that may be closed. */
MSE_MUST_CHECK bool mse_front_new(const struct mse_front_options *options, struct mse_front **out,
                                  struct mse_error *err);
/* "127.0.0.1:4443": where it really listens, valid as long as the front. */
const char *mse_front_address(const struct mse_front *front);
/*
 * No new connections; streams may finish until drain_ms has passed, then all are closed and done
 * (may be NULL) is called. To be called once.
 */
void mse_front_drain(struct mse_front *front, void (*done)(void *arg), void *arg);
/* After it drained. */
void mse_front_free(struct mse_front *front);

struct mse_front_counts {
    uint64_t accepted, handshakes, failed_handshakes, refused; /* since start */
    unsigned open, handshaking;                                /* now */
};
struct mse_front_counts mse_front_count(const struct mse_front *front);

/*
 * A TLS server context with what every one of them has: TLS 1.2 and 1.3, ECDHE with AEAD only,
 * X25519 and P-256, no renegotiation, no compression, no session cache, one ticket whose keys live
 * in this context only. alpn: wire format (length-prefixed) in order of preference, copied; a
 * client that offers ALPN and none of these gets no_application_protocol; if empty, ALPN is not
 * looked at. ticket_s: life of tickets, 0: none.
 */
MSE_MUST_CHECK bool mse_front_context_new(X509 *const *chain, size_t chain_count, EVP_PKEY *key,
                                          struct mse_bytes alpn, unsigned ticket_s, SSL_CTX **out,
                                          struct mse_error *err);

/* ---- streams ------------------------------------------------------------------------------ */

struct mse_stream_handler {
    /* Bytes from the peer; all of them are taken. */
    void (*data)(void *context, struct mse_stream *stream, struct mse_bytes data);
    /* The peer sends nothing more. */
    void (*end)(void *context, struct mse_stream *stream);
    /* The stream is gone: the last call, context may be freed. */
    void (*closed)(void *context);
};
/* Instead of the handler before, which gets closed: at once, or when its call under way returns. */
void mse_stream_set_handler(struct mse_stream *stream, const struct mse_stream_handler *handler,
                            void *context);
/* Copies. More than the limit waiting closes the stream (a handler of ours is answered in turns).
 */
void mse_stream_write(struct mse_stream *stream, struct mse_bytes data);
/* After all that was written: close_notify, then the end. No data is delivered any more. */
void mse_stream_finish(struct mse_stream *stream);
/* At once, without a word. */
void mse_stream_abort(struct mse_stream *stream);
/* Ends the stream (closed is called) unless set again before; 0: only the idle limit. */
void mse_stream_set_deadline(struct mse_stream *stream, unsigned ms);
/*
 * From here on the stream belongs to the app: the handler, if there was one, gets closed; connects,
 * sends the PROXY header if wanted, then first (bytes that were read already), then all that comes,
 * both ways, byte by byte.
 */
void mse_stream_relay(struct mse_stream *stream, struct mse_bytes first);
SSL *mse_stream_ssl(const struct mse_stream *stream);
/* Negotiated by ALPN; "" if none. Valid as long as the stream. */
const char *mse_stream_protocol(const struct mse_stream *stream);

#endif
