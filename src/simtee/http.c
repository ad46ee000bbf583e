/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 (RFC 9112) as far as two small servers need it: requests without body, whole replies. */
#include "simtee/http.h"

#include <strings.h>

#define END "\r\n\r\n"

static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    { 200, "OK" },
    { 400, "Bad Request" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
};

struct fields {
    unsigned hosts, lengths;
    bool close, keep_alive, has_body;
};

/* RFC 9110, 5.6.2. */
static bool is_token(struct mse_bytes text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

        if (!alnum && (c == '\0' || strchr(marks, c) == NULL))
            return false;
    }
    return text.len > 0;
}

/* RFC 9110, 5.5: no control characters but tab. */
static bool is_field_value(struct mse_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] < 0x20 && text.data[i] != '\t') || text.data[i] == 0x7f)
            return false;
    }
    return true;
}

static bool is_target(struct mse_bytes text)
{
    if (text.len == 0 || text.len > MSE_SIM_TARGET_CAP || text.data[0] != '/')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f || text.data[i] == '#')
            return false;
    }
    return true;
}

/* Cuts off what is before the separator; all of the text if there is none. */
static struct mse_bytes cut(struct mse_bytes *text, const char *separator)
{
    size_t len = strlen(separator);
    const uint8_t *at = memmem(text->data, text->len, separator, len);
    struct mse_bytes head = *text;

    if (at == NULL) {
        *text = (struct mse_bytes){ text->data + text->len, 0 };
        return head;
    }
    head.len = (size_t)(at - text->data);
    *text = (struct mse_bytes){ at + len, text->len - head.len - len };
    return head;
}

static struct mse_bytes trim(struct mse_bytes text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static bool is_word(struct mse_bytes text, const char *word)
{
    return text.len == strlen(word) && strncasecmp((const char *)text.data, word, text.len) == 0;
}

static void read_connection(struct mse_bytes value, struct fields *out)
{
    while (value.len > 0) {
        struct mse_bytes option = trim(cut(&value, ","));

        out->close = out->close || is_word(option, "close");
        out->keep_alive = out->keep_alive || is_word(option, "keep-alive");
    }
}

/* RFC 9112, 5: no space before the colon, no continuation lines. */
static bool read_field(struct mse_bytes line, struct fields *out)
{
    struct mse_bytes rest = line;
    struct mse_bytes name = cut(&rest, ":");
    struct mse_bytes value = trim(rest);

    if (name.len == line.len || !is_token(name) || !is_field_value(value))
        return false;
    if (is_word(name, "host"))
        out->hosts++;
    else if (is_word(name, "connection"))
        read_connection(value, out);
    else if (is_word(name, "transfer-encoding"))
        out->has_body = true;
    else if (is_word(name, "content-length")) {
        out->lengths++;
        out->has_body = out->has_body || !mse_bytes_equal_text(value, "0");
    }
    return true;
}

static bool read_line(struct mse_bytes line, struct mse_sim_request *out, bool *is_1_1)
{
    struct mse_bytes version, path;

    out->method = cut(&line, " ");
    out->target = cut(&line, " ");
    version = line;
    *is_1_1 = mse_bytes_equal_text(version, "HTTP/1.1");
    if (!is_token(out->method) || !is_target(out->target) ||
        (!*is_1_1 && !mse_bytes_equal_text(version, "HTTP/1.0")))
        return false;
    path = out->target;
    out->path = cut(&path, "?");
    out->query = path;
    return true;
}

static bool read_head(struct mse_bytes head, struct mse_sim_request *out)
{
    struct fields fields = { 0 };
    bool is_1_1;

    if (!read_line(cut(&head, "\r\n"), out, &is_1_1))
        return false;
    while (head.len > 0) {
        if (!read_field(cut(&head, "\r\n"), &fields))
            return false;
    }
    /* RFC 9112, 3.2: exactly one Host in HTTP/1.1. */
    if (fields.hosts > 1 || (is_1_1 && fields.hosts == 0) || fields.lengths > 1 || fields.has_body)
        return false;
    out->keep_alive = !fields.close && (is_1_1 || fields.keep_alive);
    return true;
}

enum mse_sim_parse mse_sim_request_parse(struct mse_bytes in, struct mse_sim_request *out,
                                         size_t *used)
{
    const uint8_t *end = in.len > 0 ? memmem(in.data, in.len, END, sizeof(END) - 1) : NULL;

    *out = (struct mse_sim_request){ 0 };
    *used = 0;
    if (end == NULL) {
        /* Every method is in capitals: whoever begins otherwise will not become a request. */
        if (in.len > 0 && (in.data[0] < 'A' || in.data[0] > 'Z'))
            return MSE_SIM_PARSE_BAD;
        return MSE_SIM_PARSE_MORE;
    }
    if (!read_head((struct mse_bytes){ in.data, (size_t)(end - in.data) }, out)) {
        *out = (struct mse_sim_request){ 0 };
        return MSE_SIM_PARSE_BAD;
    }
    *used = (size_t)(end - in.data) + sizeof(END) - 1;
    return MSE_SIM_PARSE_DONE;
}

bool mse_sim_query_get(const struct mse_sim_request *request, const char *name,
                       struct mse_bytes *out)
{
    struct mse_bytes rest = request->query;
    unsigned found = 0;

    *out = (struct mse_bytes){ NULL, 0 };
    while (rest.len > 0) {
        struct mse_bytes value = cut(&rest, "&");
        struct mse_bytes key = cut(&value, "=");

        if (!mse_bytes_equal_text(key, name))
            continue;
        *out = value;
        found++;
    }
    if (found == 1)
        return true;
    *out = (struct mse_bytes){ NULL, 0 };
    return false;
}

void mse_sim_reply_cleanup(struct mse_sim_reply *reply)
{
    mse_writer_cleanup(&reply->headers);
    mse_writer_cleanup(&reply->body);
}

static const char *reason_of(unsigned status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Error";
}

void mse_sim_reply_error(struct mse_sim_reply *reply, unsigned status)
{
    reply->status = status;
    reply->type = "text/plain";
    mse_write_format(&reply->body, "%s\n", reason_of(status));
}

void mse_sim_reply_write(const struct mse_sim_reply *reply, bool with_body, bool keep_alive,
                         struct mse_writer *out)
{
    mse_write_format(out, "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
                     reply->status, reason_of(reply->status), reply->type, reply->body.len);
    mse_write_format(out, "Connection: %s\r\n", keep_alive ? "keep-alive" : "close");
    mse_write_bytes(out, reply->headers.data, reply->headers.len);
    mse_write_text(out, "\r\n");
    if (with_body)
        mse_write_bytes(out, reply->body.data, reply->body.len);
}
