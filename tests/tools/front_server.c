/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS front alone, with a certificate and a key from files, before a backend at an address:
 * what tests and bench/ drive. The ready line says where it listens. SIGTERM drains and ends,
 * SIGUSR1 makes a new context (a new certificate, as it were), SIGUSR2 prints the counts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "enclave/front.h"

#define CHAIN_MAX 8

struct server {
    uv_loop_t loop;
    uv_signal_t signals[3];
    struct mse_instance_file instance;
    struct mse_front_limits limits;
    struct mse_front *front;
    const char *cert, *key, *name;
    uint8_t alpn[256];
    size_t alpn_len;
    unsigned ticket_s;
    struct sockaddr_storage backend;
    socklen_t backend_len;
    bool backend_silent; /* a connection that is asked for never comes */
    bool handler;        /* streams are answered here (see below), not by the backend */
    SSL_CTX *ctx;
};

/* A connection to the backend that is not there at once. */
struct attempt {
    uv_poll_t poll;
    int fd;
    mse_front_connected *done;
    void *context;
};

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "front_server: %s: %s\n", what, why);
    exit(2);
}

/* ---- certificate ---------------------------------------------------------------------------- */

static SSL_CTX *load(const struct server *s)
{
    X509 *chain[CHAIN_MAX];
    size_t count = 0;
    BIO *in = BIO_new_file(s->cert, "r");
    BIO *key_in = BIO_new_file(s->key, "r");
    EVP_PKEY *key = key_in != NULL ? PEM_read_bio_PrivateKey(key_in, NULL, NULL, NULL) : NULL;
    struct mse_error err = { 0 };
    SSL_CTX *ctx;

    while (in != NULL && count < CHAIN_MAX &&
           (chain[count] = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL)
        count++;
    ERR_clear_error();
    if (key == NULL)
        die(s->key, "no private key");
    if (!mse_front_context_new(chain, count, key, (struct mse_bytes){ s->alpn, s->alpn_len },
                               s->ticket_s, &ctx, &err))
        die(s->cert, err.text);
    for (size_t i = 0; i < count; i++)
        X509_free(chain[i]);
    EVP_PKEY_free(key);
    (void)BIO_free(in);
    (void)BIO_free(key_in);
    return ctx;
}

static SSL_CTX *context(void *arg, const char *name)
{
    struct server *s = arg;

    if (s->name != NULL && (name == NULL || strcmp(name, s->name) != 0))
        return NULL;
    return s->ctx;
}

/* ---- streams that end here ------------------------------------------------------------------ */

/*
 * The first byte from the peer is a command: e: all is echoed; f: one answer and the end; a: abort;
 * d: a deadline of 200 ms, then silence; w: writes more than may wait; r: the rest goes to the
 * backend; n: no data is answered, the end is.
 */
static void on_data(void *arg, struct mse_stream *stream, struct mse_bytes data)
{
    static uint8_t many[1 << 20];
    char *mode = arg;
    const struct mse_bytes rest = { data.data + 1, data.len - 1 };

    if (*mode == 'e')
        mse_stream_write(stream, data);
    if (*mode != 0)
        return;
    *mode = (char)data.data[0];
    if (*mode == 'e')
        mse_stream_write(stream, rest);
    if (*mode == 'f') {
        mse_stream_write(stream, MSE_CSTR_BYTES("answer"));
        mse_stream_finish(stream);
    }
    if (*mode == 'a')
        mse_stream_abort(stream);
    if (*mode == 'd')
        mse_stream_set_deadline(stream, 200);
    if (*mode == 'w') {
        for (unsigned i = 0; i < 64; i++)
            mse_stream_write(stream, MSE_BYTES(many));
    }
    if (*mode == 'r')
        mse_stream_relay(stream, rest); /* mode is freed soon, but not before this returns */
}

static void on_end(void *arg, struct mse_stream *stream)
{
    (void)arg;
    mse_stream_write(stream, MSE_CSTR_BYTES("end"));
    mse_stream_finish(stream);
}

static void on_closed(void *arg)
{
    free(arg);
    (void)printf("closed\n");
    (void)fflush(stdout);
}

static const struct mse_stream_handler own = { .data = on_data,
                                               .end = on_end,
                                               .closed = on_closed };

static void accepted(void *arg, struct mse_stream *stream)
{
    struct server *s = arg;
    char *mode = s->handler ? calloc(1, 1) : NULL;

    if (mode != NULL)
        mse_stream_set_handler(stream, &own, mode);
}

/* ---- backend -------------------------------------------------------------------------------- */

static void free_attempt(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct attempt *a = poll->data;
    int error = 0;
    socklen_t len = sizeof(error);

    (void)events;
    (void)uv_poll_stop(poll);
    if (status != 0 || getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        (void)close(a->fd);
        a->fd = -1;
    }
    a->done(a->context, a->fd);
    uv_close((uv_handle_t *)poll, free_attempt);
}

static void connect_app(void *arg, mse_front_connected *done, void *asker)
{
    struct server *s = arg;
    int fd = socket(s->backend.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct attempt *a;

    if (s->backend_silent) {
        (void)close(fd);
        return; /* asker is lost: this mode shows the deadline, and ends with the process */
    }
    /* On the loopback it is there when connect returns, only that it says otherwise. */
    if (connect(fd, (const struct sockaddr *)&s->backend, s->backend_len) == 0 ||
        (errno == EINPROGRESS &&
         connect(fd, (const struct sockaddr *)&s->backend, s->backend_len) == 0)) {
        done(asker, fd);
        return;
    }
    if (errno != EINPROGRESS && errno != EALREADY) {
        (void)close(fd);
        done(asker, -1);
        return;
    }
    a = calloc(1, sizeof(*a));
    *a = (struct attempt){ .fd = fd, .done = done, .context = asker };
    a->poll.data = a;
    (void)uv_poll_init(&s->loop, &a->poll, fd);
    (void)uv_poll_start(&a->poll, UV_WRITABLE, on_poll);
}

/* ---- options -------------------------------------------------------------------------------- */

static void set_backend(struct server *s, char *text)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&s->backend;
    char *colon = strrchr(text, ':');

    if (text[0] == '/') {
        un->sun_family = AF_UNIX;
        (void)snprintf(un->sun_path, sizeof(un->sun_path), "%s", text);
        s->backend_len = sizeof(*un);
        return;
    }
    if (colon != NULL)
        *colon = '\0';
    if (colon == NULL || uv_ip4_addr(text, atoi(colon + 1), (struct sockaddr_in *)&s->backend) != 0)
        die(text, "not ADDRESS:PORT");
    s->backend_len = sizeof(struct sockaddr_in);
}

/* "127.0.0.1/32" or "::1/128". */
static void add_edge(struct server *s, char *text)
{
    struct mse_edge *edge = &s->instance.edges[s->instance.edge_count++];
    char *slash = strchr(text, '/');
    struct in_addr v4;

    if (s->instance.edge_count > MSE_INSTANCE_MAX_EDGES || slash == NULL)
        die(text, "not a range, or one too many");
    *slash = '\0';
    edge->prefix = (unsigned)atoi(slash + 1);
    if (inet_pton(AF_INET6, text, edge->address) == 1)
        return;
    if (inet_pton(AF_INET, text, &v4) != 1)
        die(text, "not an address");
    edge->address[10] = edge->address[11] = 0xff;
    memcpy(edge->address + 12, &v4, 4);
    edge->prefix += 96;
}

static void add_protocol(struct server *s, const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > 255 || s->alpn_len + 1 + len > sizeof(s->alpn))
        die(text, "not a protocol");
    s->alpn[s->alpn_len++] = (uint8_t)len;
    memcpy(s->alpn + s->alpn_len, text, len);
    s->alpn_len += len;
}

enum { CERT, KEY, LISTEN, CONNECT, NAME, EDGE, ALPN, TICKETS, LIMITS };

static const struct option option_rows[] = {
    { "cert", 1, NULL, CERT },
    { "key", 1, NULL, KEY },
    { "listen", 1, NULL, LISTEN },
    { "connect", 1, NULL, CONNECT },
    { "name", 1, NULL, NAME },
    { "edge", 1, NULL, EDGE },
    { "alpn", 1, NULL, ALPN },
    { "tickets", 1, NULL, TICKETS },
    { "hello-ms", 1, NULL, LIMITS },
    { "handshake-ms", 1, NULL, LIMITS + 1 },
    { "idle-ms", 1, NULL, LIMITS + 2 },
    { "half-close-ms", 1, NULL, LIMITS + 3 },
    { "drain-ms", 1, NULL, LIMITS + 4 },
    { "connect-ms", 1, NULL, LIMITS + 5 },
    { "connections", 1, NULL, LIMITS + 6 },
    { "connections-per-peer", 1, NULL, LIMITS + 7 },
    { "handshakes", 1, NULL, LIMITS + 8 },
    { "buffer", 1, NULL, LIMITS + 9 },
    { "proxy-out", 0, NULL, 'p' },
    { "handler", 0, NULL, 'h' },
    { "silent-backend", 0, NULL, 's' },
    { NULL, 0, NULL, 0 },
};

static void set_limit(struct mse_front_limits *l, int which, const char *text)
{
    unsigned *const numbers[] = { &l->hello_ms,    &l->handshake_ms,
                                  &l->idle_ms,     &l->half_close_ms,
                                  &l->drain_ms,    &l->connect_ms,
                                  &l->connections, &l->connections_per_peer,
                                  &l->handshakes };

    if (which < 9)
        *numbers[which] = (unsigned)strtoul(text, NULL, 10);
    else
        l->buffer = strtoul(text, NULL, 10);
}

static void set_option(struct server *s, int option, char *value)
{
    switch (option) {
    case CERT:
        s->cert = value;
        break;
    case KEY:
        s->key = value;
        break;
    case LISTEN:
        s->instance.listen = value;
        break;
    case CONNECT:
        set_backend(s, value);
        break;
    case NAME:
        s->name = value;
        break;
    case EDGE:
        add_edge(s, value);
        break;
    case ALPN:
        add_protocol(s, value);
        break;
    case TICKETS:
        s->ticket_s = (unsigned)strtoul(value, NULL, 10);
        break;
    case 'p':
        s->instance.proxy_to_app = true;
        break;
    case 'h':
        s->handler = true;
        break;
    case 's':
        s->backend_silent = true;
        break;
    default:
        if (option < LIMITS || option > LIMITS + 9)
            die("usage", "see option_rows");
        set_limit(&s->limits, option - LIMITS, value);
    }
}

/* ---- signals -------------------------------------------------------------------------------- */

static void drained(void *arg)
{
    struct server *s = arg;

    (void)printf("drained\n");
    (void)fflush(stdout);
    for (size_t i = 0; i < 3; i++)
        uv_close((uv_handle_t *)&s->signals[i], NULL);
    mse_front_free(s->front);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct server *s = signal->data;
    struct mse_front_counts c;

    if (number == SIGTERM) {
        (void)uv_signal_stop(signal);
        mse_front_drain(s->front, drained, s);
        (void)printf("draining\n");
    } else if (number == SIGUSR1) {
        SSL_CTX_free(s->ctx);
        s->ctx = load(s);
        (void)printf("renewed\n");
    } else {
        c = mse_front_count(s->front);
        (void)printf("accepted=%" PRIu64 " handshakes=%" PRIu64 " failed=%" PRIu64
                     " refused=%" PRIu64 " open=%u handshaking=%u\n",
                     c.accepted, c.handshakes, c.failed_handshakes, c.refused, c.open,
                     c.handshaking);
    }
    (void)fflush(stdout);
}

static void watch(struct server *s, size_t i, int number)
{
    (void)uv_signal_init(&s->loop, &s->signals[i]);
    s->signals[i].data = s;
    (void)uv_signal_start(&s->signals[i], on_signal, number);
}

int main(int argc, char **argv)
{
    struct server s = { .ticket_s = 3600 };
    struct mse_front_options options;
    struct mse_error err = { 0 };
    int option;

    while ((option = getopt_long(argc, argv, "", option_rows, NULL)) != -1)
        set_option(&s, option, optarg);
    if (s.cert == NULL || s.key == NULL || s.instance.listen == NULL)
        die("usage", "--cert, --key, --listen");
    (void)signal(SIGPIPE, SIG_IGN);
    (void)uv_loop_init(&s.loop);
    s.ctx = load(&s);
    options = (struct mse_front_options){
        .loop = &s.loop,
        .instance = &s.instance,
        .limits = s.limits,
        .arg = &s,
        .context = context,
        .accepted = accepted,
        .connect_app = connect_app,
    };
    if (!mse_front_new(&options, &s.front, &err))
        die(err.field, err.text);
    watch(&s, 0, SIGTERM);
    watch(&s, 1, SIGUSR1);
    watch(&s, 2, SIGUSR2);
    (void)printf("ready %s\n", mse_front_address(s.front));
    (void)fflush(stdout);
    (void)uv_run(&s.loop, UV_RUN_DEFAULT);
    SSL_CTX_free(s.ctx);
    return uv_loop_close(&s.loop) == 0 ? 0 : 3;
}
