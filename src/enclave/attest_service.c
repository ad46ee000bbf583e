/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fresh evidence for whoever asks: requests are read in the loop, quotes are made in a worker
 * thread, one at a time; all requests that came meanwhile are leaves of the next one's tree.
 */
#include "enclave/attest_service.h"

#include <stdlib.h>

#include <openssl/x509.h>

#include "attest/message.h"
#include "crypto/hash.h"

#define REQUEST_MS 10000U /* from the handshake to the last byte of the request */
#define QUOTE_MS 120000U  /* from there to the reply: several quotes may come before */
/* What a client may send behind its request before the reply is there. */
#define MAX_EARLY (64U << 10)
/* What all of them hold. Whoever checks the reply first, as clients should, sends nothing early. */
#define MAX_HELD ((size_t)8 << 20)

struct client;

struct client_list {
    struct client *first, *last;
    size_t count;
};

struct client {
    struct client *before, *behind;
    struct client_list *in;
    struct mse_attest_service *service; /* NULL once it is gone */
    struct mse_stream *stream;          /* NULL once it is gone */
    bool busy;                          /* a function of ours still uses this */
    bool has_request, replied;
    size_t leaf; /* in its batch's tree */
    struct mse_attest_request request;
    uint8_t inner[MSE_ATTEST_MAX_INNER];
    uint8_t spki_sha256[32], exporter[MSE_ATTEST_EXPORTER];
    struct mse_writer input; /* the request so far, then what came behind it */
    size_t held;             /* how much of it counts */
};

/* One quote and those who wait for it. Outlives the service if that goes first. */
struct batch {
    uv_work_t work;
    uv_sem_t made;
    struct mse_attest_service *service; /* NULL once it is gone */
    struct mse_tee *tee;
    struct client_list clients;
    uint8_t *leaves; /* hashes, also of clients that went away meanwhile */
    size_t count;
    struct mse_writer claim; /* of the configuration that is in the leaves */
    struct mse_writer release;
    struct mse_attest_tree tree;
    struct mse_writer quote;
    struct mse_error error;
};

struct mse_attest_service {
    struct mse_attest_service_options options;
    struct mse_config_claim claim;
    struct mse_writer release;
    struct client_list reading, waiting, done;
    struct batch *batch; /* under way, or NULL */
    size_t held;
    uint64_t quotes;
};

static void list_remove(struct client *c)
{
    struct client_list *l = c->in;

    if (l == NULL)
        return;
    if (c->before != NULL)
        c->before->behind = c->behind;
    else
        l->first = c->behind;
    if (c->behind != NULL)
        c->behind->before = c->before;
    else
        l->last = c->before;
    l->count--;
    c->before = c->behind = NULL;
    c->in = NULL;
}

static void list_move(struct client *c, struct client_list *to)
{
    list_remove(c);
    c->before = to->last;
    if (to->last != NULL)
        to->last->behind = c;
    else
        to->first = c;
    to->last = c;
    to->count++;
    c->in = to;
}

static void client_free(struct client *c)
{
    list_remove(c);
    if (c->service != NULL)
        c->service->held -= c->held;
    mse_writer_cleanup(&c->input);
    free(c);
}

/* The stream is gone. Its leaf stays in a tree that is being signed: nobody will ask for it. */
static void client_closed(void *context)
{
    struct client *c = context;

    c->stream = NULL;
    if (!c->busy)
        client_free(c);
}

static void client_abort(struct client *c)
{
    if (c->stream != NULL)
        mse_stream_abort(c->stream);
}

static void start_batch(struct mse_attest_service *s);

/* Key and exporter of this connection. */
static bool read_connection(struct client *c)
{
    SSL *ssl = mse_stream_ssl(c->stream);
    X509 *cert = SSL_get_certificate(ssl);
    unsigned char *spki = NULL;
    int len = cert != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki) : -1;

    if (len <= 0)
        return false;
    mse_sha256((struct mse_bytes){ spki, (size_t)len }, c->spki_sha256);
    OPENSSL_free(spki);
    return SSL_export_keying_material(ssl, c->exporter, sizeof(c->exporter),
                                      MSE_ATTEST_EXPORTER_LABEL, strlen(MSE_ATTEST_EXPORTER_LABEL),
                                      c->request.nonce, sizeof(c->request.nonce), 1) == 1;
}

static bool accept_request(struct client *c, size_t used)
{
    struct mse_attest_service *s = c->service;
    size_t rest = c->input.len - used;

    if (c->request.go_on) {
        if (s->options.has_inner == NULL || !s->options.has_inner(s->options.arg, c->request.inner))
            return false;
        memcpy(c->inner, c->request.inner.data, c->request.inner.len);
        c->request.inner.data = c->inner;
    } else if (rest > 0) {
        return false; /* one request a stream */
    }
    if (!read_connection(c))
        return false;
    c->has_request = true;
    memmove(c->input.data, c->input.data + used, rest);
    c->input.len = rest;
    mse_stream_set_deadline(c->stream, QUOTE_MS);
    list_move(c, &s->waiting);
    start_batch(s);
    return true;
}

static bool take_bytes(struct client *c, struct mse_bytes data)
{
    struct mse_error err = { 0 };
    size_t used = 0;

    if (data.len > MAX_EARLY - c->input.len || data.len > MAX_HELD - c->service->held ||
        (c->has_request && !c->request.go_on))
        return false;
    c->held += data.len;
    c->service->held += data.len;
    mse_write_bytes(&c->input, data.data, data.len);
    if (!mse_writer_ok(&c->input))
        return false;
    if (c->has_request)
        return true;
    if (mse_attest_request_parse(mse_writer_bytes(&c->input), &c->request, &used, &err))
        return accept_request(c, used);
    return err.code == MSE_ERR_TRUNCATED;
}

static void client_data(void *context, struct mse_stream *stream, struct mse_bytes data)
{
    struct client *c = context;

    (void)stream;
    if (data.len > 0 && !c->replied && !take_bytes(c, data))
        client_abort(c);
}

static void client_end(void *context, struct mse_stream *stream)
{
    struct client *c = context;

    (void)stream;
    /* Whoever has asked may stop sending; an inner protocol that ends before it began is none. */
    if (!c->replied && (!c->has_request || c->request.go_on))
        client_abort(c);
}

static const struct mse_stream_handler client_handler = { client_data, client_end, client_closed };

static void nobody_data(void *context, struct mse_stream *stream, struct mse_bytes data)
{
    (void)context, (void)stream, (void)data;
}

static void nobody_end(void *context, struct mse_stream *stream)
{
    (void)context, (void)stream;
}

static void nobody_closed(void *context)
{
    (void)context;
}

static const struct mse_stream_handler nobody = { nobody_data, nobody_end, nobody_closed };

/* ---- quotes ------------------------------------------------------------------------------- */

static void batch_free(struct batch *b)
{
    mse_attest_tree_cleanup(&b->tree);
    mse_writer_cleanup(&b->quote);
    mse_writer_cleanup(&b->claim);
    mse_writer_cleanup(&b->release);
    uv_sem_destroy(&b->made);
    free(b->leaves);
    free(b);
}

/* In a worker thread: touches nothing but the batch and the TEE. */
static void make_quote(uv_work_t *work)
{
    struct batch *b = work->data;

    if (mse_attest_tree_init(&b->tree, b->leaves, b->count, &b->error) &&
        mse_tee_quote(b->tee, mse_attest_tree_root(&b->tree), &b->quote, &b->error) &&
        !mse_writer_ok(&b->quote))
        (void)mse_fail_memory(&b->error);
    uv_sem_post(&b->made);
}

static bool write_reply(const struct batch *b, size_t index, struct mse_writer *out)
{
    uint8_t path[MSE_ATTEST_MAX_PATH * MSE_ATTEST_HASH];
    struct mse_error err = { 0 };
    struct mse_attest_reply reply = {
        .tee = mse_tee_kind(b->tee),
        .index = (uint16_t)index,
        .count = (uint16_t)b->count,
        .path = path,
        .evidence = mse_writer_bytes(&b->quote),
        .config_statement = mse_writer_bytes(&b->claim),
        .release = mse_writer_bytes(&b->release),
    };

    return mse_attest_tree_path(&b->tree, index, path, &reply.path_length, &err) &&
           mse_attest_reply_write(&reply, out, &err);
}

/* The stream is another's from here on. */
static void hand_on(struct client *c)
{
    struct mse_attest_service *s = c->service;
    struct mse_stream *stream = c->stream;

    mse_stream_set_handler(stream, &nobody, NULL);
    mse_stream_set_deadline(stream, 0);
    s->options.go_on(s->options.arg, stream, c->request.inner, mse_writer_bytes(&c->input));
    c->stream = NULL;
}

static void answer(struct client *c, const struct batch *b)
{
    struct mse_writer reply = { 0 };

    c->busy = true;
    c->replied = true;
    list_move(c, &c->service->done);
    if (!write_reply(b, c->leaf, &reply))
        client_abort(c);
    else
        mse_stream_write(c->stream, mse_writer_bytes(&reply));
    if (c->stream != NULL && reply.len > 0) {
        if (c->request.go_on)
            hand_on(c);
        else
            mse_stream_finish(c->stream);
    }
    mse_writer_cleanup(&reply);
    c->busy = false;
    if (c->stream == NULL)
        client_free(c);
}

/* Gives each client that is still there its reply, or without evidence nothing. */
static void answer_all(struct batch *b, bool ok)
{
    while (b->clients.first != NULL) {
        struct client *c = b->clients.first;

        if (ok) {
            answer(c, b);
        } else {
            list_move(c, &c->service->done);
            c->replied = true;
            client_abort(c);
        }
    }
}

static void quote_made(uv_work_t *work, int status)
{
    struct batch *b = work->data;
    struct mse_attest_service *s = b->service;

    if (s != NULL) {
        bool ok = status == 0 && b->error.code == MSE_ERR_NONE;

        s->quotes += ok ? 1 : 0;
        s->batch = NULL;
        answer_all(b, ok);
        start_batch(s);
    }
    batch_free(b);
}

static void add_leaf(const struct mse_attest_service *s, struct batch *b, struct client *c)
{
    struct mse_attest_leaf leaf = { .epoch = s->claim.epoch };

    memcpy(leaf.spki_sha256, c->spki_sha256, sizeof(leaf.spki_sha256));
    memcpy(leaf.exporter, c->exporter, sizeof(leaf.exporter));
    memcpy(leaf.nonce, c->request.nonce, sizeof(leaf.nonce));
    memcpy(leaf.config_digest, s->claim.config_digest, sizeof(leaf.config_digest));
    mse_attest_leaf_hash(&leaf, b->leaves + b->count * MSE_ATTEST_HASH);
    c->leaf = b->count++;
}

static struct batch *batch_new(struct mse_attest_service *s, size_t count)
{
    struct batch *b = calloc(1, sizeof(*b));

    if (b == NULL || uv_sem_init(&b->made, 0) != 0) {
        free(b);
        return NULL;
    }
    b->work.data = b;
    b->service = s;
    b->tee = s->options.tee;
    b->leaves = malloc(count * MSE_ATTEST_HASH);
    b->quote.cap = MSE_TEE_MAX_EVIDENCE;
    mse_config_claim_write(&s->claim, &b->claim);
    mse_write_bytes(&b->release, s->release.data, s->release.len);
    if (b->leaves == NULL || !mse_writer_ok(&b->claim) || !mse_writer_ok(&b->release)) {
        batch_free(b);
        return NULL;
    }
    return b;
}

/* If none is under way and somebody waits. */
static void start_batch(struct mse_attest_service *s)
{
    size_t count = s->waiting.count < MSE_ATTEST_MAX_LEAVES ? s->waiting.count
                                                            : MSE_ATTEST_MAX_LEAVES;
    struct batch *b;

    if (s->batch != NULL || count == 0)
        return;
    b = batch_new(s, count);
    if (b == NULL)
        return; /* those who wait have a deadline; the next request tries again */
    while (b->count < count) {
        struct client *c = s->waiting.first;

        list_move(c, &b->clients);
        add_leaf(s, b, c);
    }
    s->batch = b;
    if (uv_queue_work(s->options.loop, &b->work, make_quote, quote_made) != 0) {
        s->batch = NULL;
        answer_all(b, false);
        batch_free(b);
    }
}

/* ---- the service -------------------------------------------------------------------------- */

bool mse_attest_service_new(const struct mse_attest_service_options *options,
                            struct mse_attest_service **out, struct mse_error *err)
{
    *out = calloc(1, sizeof(**out));
    if (*out == NULL)
        return mse_fail_memory(err);
    (*out)->options = *options;
    return true;
}

void mse_attest_service_configure(struct mse_attest_service *service,
                                  const uint8_t config_digest[static 32], uint64_t epoch,
                                  const uint8_t *statement, struct mse_bytes release)
{
    struct mse_config_claim claim = { .kind = MSE_CONFIG_UNSIGNED, .epoch = epoch };
    struct mse_error err = { 0 };

    memcpy(claim.config_digest, config_digest, sizeof(claim.config_digest));
    /* A statement about anything else than what is in the leaves would only confuse. */
    if (statement != NULL &&
        mse_config_statement_parse((struct mse_bytes){ statement, MSE_CONFIG_STATEMENT_SIZE },
                                   &claim.statement, &err) &&
        memcmp(claim.statement.config_digest, config_digest, 32) == 0 &&
        claim.statement.epoch == epoch)
        claim.kind = MSE_CONFIG_SIGNED;
    service->claim = claim;
    mse_writer_cleanup(&service->release);
    service->release = (struct mse_writer){ 0 };
    mse_write_bytes(&service->release, release.data, release.len);
}

static bool may_ask(struct mse_stream *stream)
{
    const SSL *ssl = mse_stream_ssl(stream);

    /* Another version has no exporter of this kind; a resumed session proves another handshake. */
    return SSL_version(ssl) == TLS1_3_VERSION && SSL_session_reused(ssl) == 0 &&
           SSL_get_early_data_status(ssl) != SSL_EARLY_DATA_ACCEPTED &&
           strcmp(mse_stream_protocol(stream), MSE_ATTEST_ALPN) == 0;
}

void mse_attest_service_take(struct mse_attest_service *service, struct mse_stream *stream)
{
    struct client *c = may_ask(stream) ? calloc(1, sizeof(*c)) : NULL;

    if (c == NULL) {
        mse_stream_abort(stream);
        return;
    }
    c->service = service;
    c->stream = stream;
    c->input.cap = MAX_EARLY;
    list_move(c, &service->reading);
    mse_stream_set_handler(stream, &client_handler, c);
    mse_stream_set_deadline(stream, REQUEST_MS);
}

uint64_t mse_attest_service_quotes(const struct mse_attest_service *service)
{
    return service->quotes;
}

static void abort_all(struct client_list *list)
{
    struct client *c;

    while ((c = list->first) != NULL) {
        list_remove(c);
        c->service = NULL;
        c->replied = true; /* nothing that comes is looked at */
        client_abort(c);
    }
}

void mse_attest_service_free(struct mse_attest_service *service)
{
    struct batch *b;

    if (service == NULL)
        return;
    abort_all(&service->reading);
    abort_all(&service->waiting);
    abort_all(&service->done);
    b = service->batch;
    if (b != NULL) {
        abort_all(&b->clients);
        b->service = NULL;
        /* The TEE may go right after this: its worker has to be done with it. */
        if (uv_cancel((uv_req_t *)&b->work) != 0)
            uv_sem_wait(&b->made);
    }
    mse_writer_cleanup(&service->release);
    free(service);
}
