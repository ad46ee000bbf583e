/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies of HTTP/1.1 on an SSL, bounded in bytes and time. */
#include "client/http_exchange.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <strings.h>

#include "client/tls_guard.h"

struct wire {
    SSL *ssl;
    const struct mse_deadline *deadline;
    struct mse_error *err;
    struct mse_tls_guard guard;
};

/* ---- TLS in and out ---- */

static bool wait_for(struct wire *w, int n)
{
    return mse_tls_guard_wait(&w->guard, w->ssl, n, "connection", w->err);
}

static bool send_all(struct wire *w, struct mse_bytes data)
{
    while (data.len > 0) {
        size_t done = 0;
        int n;

        ERR_clear_error();
        n = SSL_write_ex(w->ssl, data.data, data.len, &done);
        data.data += done;
        data.len -= done;
        if (n <= 0 && !wait_for(w, n))
            return false;
    }
    return true;
}

/* *len 0: the peer has ended its side in order. */
static bool receive(struct wire *w, uint8_t *out, size_t size, size_t *len)
{
    for (;;) {
        int n;

        *len = 0;
        ERR_clear_error();
        n = SSL_read_ex(w->ssl, out, size, len);
        if (n > 0)
            return true;
        if (SSL_get_error(w->ssl, n) == SSL_ERROR_ZERO_RETURN)
            return true;
        if (!wait_for(w, n))
            return false;
    }
}

/* ---- reply ---- */

static bool bad_reply(struct wire *w, const char *why)
{
    return mse_fail_text(w->err, MSE_ERR_HTTP, "reply", "%s", why);
}

/* Behind the empty line, or 0 if that has not come yet. */
static size_t head_end(struct mse_bytes in)
{
    const uint8_t *end = memmem(in.data, in.len, "\r\n\r\n", 4);

    return end != NULL ? (size_t)(end + 4 - in.data) : 0;
}

/* Reads until the head is complete; what follows it is in `in` too. */
static bool read_head(struct wire *w, struct mse_writer *in, size_t *head)
{
    uint8_t part[4096];
    size_t len;

    while ((*head = head_end(mse_writer_bytes(in))) == 0) {
        if (in->len > MSE_EXCHANGE_MAX_HEAD)
            return bad_reply(w, "its head is too long");
        if (!receive(w, part, sizeof(part), &len))
            return false;
        if (len == 0)
            return bad_reply(w, in->len == 0 ? "none came: the peer closed the connection"
                                             : "it ends in its head");
        mse_write_bytes(in, part, len);
        if (!mse_writer_ok(in))
            return mse_fail_memory(w->err);
    }
    return *head <= MSE_EXCHANGE_MAX_HEAD + 4 || bad_reply(w, "its head is too long");
}

/* No NUL, no control characters: fields are shown to people. */
static bool plain(struct mse_bytes head)
{
    for (size_t i = 0; i < head.len; i++) {
        uint8_t c = head.data[i];

        if (c == 0x7f || (c < 0x20 && c != '\t' && c != '\r' && c != '\n'))
            return false;
        if (c == '\r' && (i + 1 == head.len || head.data[i + 1] != '\n'))
            return false;
        if (c == '\n' && (i == 0 || head.data[i - 1] != '\r'))
            return false;
    }
    return true;
}

static bool read_status(struct wire *w, struct mse_bytes head, struct mse_exchange_reply *out)
{
    const uint8_t *p = head.data;
    const uint8_t *line_end = memmem(head.data, head.len, "\r\n", 2);
    size_t line;

    if (!plain(head) || line_end == NULL)
        return bad_reply(w, "no HTTP/1.1");
    line = (size_t)(line_end - head.data);
    if (line < 12 || (memcmp(p, "HTTP/1.1 ", 9) != 0 && memcmp(p, "HTTP/1.0 ", 9) != 0) ||
        (line > 12 && p[12] != ' '))
        return bad_reply(w, "no HTTP/1.1");
    out->status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (p[i] < '0' || p[i] > '9')
            return bad_reply(w, "no HTTP/1.1");
        out->status = out->status * 10 + (unsigned)(p[i] - '0');
    }
    out->close = p[7] == '0';
    /* All fields, up to the empty line. */
    out->head = strndup((const char *)line_end + 2, head.len - line - 4);
    return out->head != NULL || mse_fail_memory(w->err);
}

static bool length_of(struct wire *w, const struct mse_exchange_reply *reply, bool *known,
                      size_t *len)
{
    struct mse_bytes coding, text;

    *known = false;
    *len = 0;
    if (!mse_exchange_field(reply, "Transfer-Encoding", &coding, w->err) ||
        !mse_exchange_field(reply, "Content-Length", &text, w->err))
        return false;
    if (coding.data != NULL)
        return bad_reply(w, "it has a Transfer-Encoding");
    if (text.data == NULL)
        return true;
    if (text.len == 0 || text.len > 8)
        return bad_reply(w, "its Content-Length is none that is taken");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return bad_reply(w, "its Content-Length is no number");
        *len = *len * 10 + (size_t)(text.data[i] - '0');
    }
    *known = true;
    return *len <= MSE_EXCHANGE_MAX_REPLY || bad_reply(w, "it is too long");
}

/* in: what came behind the head already. */
static bool read_body(struct wire *w, struct mse_writer *in, struct mse_exchange_reply *out)
{
    uint8_t part[4096];
    size_t want, len;
    bool known;

    if (!length_of(w, out, &known, &want))
        return false;
    out->close = out->close || !known;
    while (!known || in->len < want) {
        if (in->len > MSE_EXCHANGE_MAX_REPLY)
            return bad_reply(w, "it is too long");
        if (!receive(w, part, sizeof(part), &len))
            return false;
        if (len == 0)
            break;
        mse_write_bytes(in, part, len);
        if (!mse_writer_ok(in))
            return mse_fail_memory(w->err);
    }
    if (known && in->len != want)
        return bad_reply(w, in->len < want ? "it ends early" : "more came than it says");
    out->body_len = in->len;
    out->body = malloc(in->len + 1);
    if (out->body == NULL)
        return mse_fail_memory(w->err);
    if (in->len > 0)
        memcpy(out->body, in->data, in->len);
    out->body[in->len] = 0;
    return true;
}

static bool says_close(const struct mse_exchange_reply *reply, bool *out, struct mse_error *err)
{
    struct mse_bytes text;

    if (!mse_exchange_field(reply, "Connection", &text, err))
        return false;
    *out = text.len == 5 && strncasecmp((const char *)text.data, "close", 5) == 0;
    return true;
}

static bool read_reply(struct wire *w, bool head_only, struct mse_exchange_reply *out)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer in = { 0 };
    size_t head;
    bool close;

    if (!read_head(w, &in, &head) || !read_status(w, (struct mse_bytes){ in.data, head }, out) ||
        !says_close(out, &close, w->err))
        return false;
    out->close = out->close || close || head_only;
    if (out->status < 200)
        return bad_reply(w, "an interim reply that nobody asked for");
    if (head_only)
        return true;
    in.len -= head;
    memmove(in.data, in.data + head, in.len);
    return read_body(w, &in, out);
}

/* ---- exchange ---- */

static bool write_request(const struct mse_exchange_request *request, struct mse_writer *out)
{
    mse_write_format(out, "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n", request->method,
                     request->path, request->host);
    if (request->fields != NULL)
        mse_write_text(out, request->fields);
    if (request->body.data != NULL)
        mse_write_format(out, "Content-Length: %zu\r\n", request->body.len);
    mse_write_text(out, "\r\n");
    return mse_writer_ok(out);
}

bool mse_exchange(SSL *ssl, const struct mse_exchange_request *request, bool head_only,
                  const struct mse_deadline *deadline, struct mse_exchange_reply *out,
                  struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer head = { 0 };
    struct wire w = { .ssl = ssl, .deadline = deadline, .err = err };
    bool ok;

    memset(out, 0, sizeof(*out));
    if (!write_request(request, &head))
        return mse_fail_memory(err);
    mse_tls_guard_start(&w.guard, ssl, deadline);
    ok = send_all(&w, mse_writer_bytes(&head)) && send_all(&w, request->body) &&
         read_reply(&w, head_only, out);
    mse_tls_guard_stop(ssl);
    if (!ok)
        mse_exchange_reply_cleanup(out);
    return ok;
}

void mse_exchange_reply_cleanup(struct mse_exchange_reply *reply)
{
    free(reply->head);
    free(reply->body);
    memset(reply, 0, sizeof(*reply));
}

bool mse_exchange_field(const struct mse_exchange_reply *reply, const char *name,
                        struct mse_bytes *out, struct mse_error *err)
{
    size_t name_len = strlen(name);

    *out = (struct mse_bytes){ 0 };
    for (const char *line = reply->head; *line != '\0';) {
        size_t len = strcspn(line, "\r");

        if (len > name_len && line[name_len] == ':' && strncasecmp(line, name, name_len) == 0) {
            const char *value = line + name_len + 1, *end = line + len;

            if (out->data != NULL)
                return mse_fail_text(err, MSE_ERR_HTTP, "reply", "%s is there twice", name);
            while (value < end && (*value == ' ' || *value == '\t'))
                value++;
            while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
            *out = (struct mse_bytes){ (const uint8_t *)value, (size_t)(end - value) };
        }
        line += len;
        line += strspn(line, "\r\n");
    }
    return true;
}
