/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.0 and 1.1 requests as the configuration server takes them (RFC 9112), bounded. */
#include "enclave/config_http.h"

#include <strings.h>

#include "enclave/config.h"

#define END "\r\n\r\n"
#define END_LEN (sizeof(END) - 1)

struct parser {
    struct mse_config_head *out;
    bool is_1_1, close, keep_alive, has_length, has_coding;
    unsigned hosts;
    unsigned *status;
    struct mse_error *err;
};

static bool refuse(struct parser *p, unsigned status, const char *text)
{
    *p->status = status;
    return mse_fail_text(p->err, MSE_ERR_FORMAT, "HTTP", "%s", text);
}

/* RFC 9110, 5.6.2. */
static bool is_token_byte(uint8_t c)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr(marks, c) != NULL);
}

static bool is_token(struct mse_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_token_byte(text.data[i]))
            return false;
    }
    return text.len > 0;
}

/* RFC 9110, 5.5: no control characters but tab; that rules out bare line ends too. */
static bool is_field_value(struct mse_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] < 0x20 && text.data[i] != '\t') || text.data[i] == 0x7f)
            return false;
    }
    return true;
}

/* Any path is as good as another here, in any form (RFC 9112, 3.2). */
static bool is_target(struct mse_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
            return false;
    }
    return text.len > 0;
}

/* Cuts off what is before the separator; all of the text if there is none. */
static struct mse_bytes cut(struct mse_bytes *text, const char *separator)
{
    size_t len = strlen(separator);
    const uint8_t *at = text->len > 0 ? memmem(text->data, text->len, separator, len) : NULL;
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

/* ---- fields ---- */

static bool read_connection(struct parser *p, struct mse_bytes value)
{
    while (value.len > 0) {
        struct mse_bytes option = trim(cut(&value, ","));

        p->close = p->close || is_word(option, "close");
        p->keep_alive = p->keep_alive || is_word(option, "keep-alive");
    }
    return true;
}

static bool read_host(struct parser *p, struct mse_bytes value)
{
    (void)value; /* whoever found the port means this instance */
    return ++p->hosts == 1 || refuse(p, 400, "Host is there twice");
}

/* Two lengths, also equal ones, are how requests are smuggled (RFC 9112, 6.3). */
static bool read_length(struct parser *p, struct mse_bytes value)
{
    uint64_t length = 0;

    if (p->has_length)
        return refuse(p, 400, "Content-Length is there twice");
    p->has_length = true;
    if (value.len == 0)
        return refuse(p, 400, "Content-Length is empty");
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return refuse(p, 400, "Content-Length is not a number");
        if (length <= MSE_CONFIG_MAX_BODY)
            length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    p->out->length = length;
    return true;
}

static bool read_coding(struct parser *p, struct mse_bytes value)
{
    (void)value;
    p->has_coding = true;
    return true;
}

static bool read_expect(struct parser *p, struct mse_bytes value)
{
    if (!is_word(value, "100-continue"))
        return refuse(p, 417, "only 100-continue can be expected");
    p->out->expects_continue = true;
    return true;
}

static bool read_signature(struct parser *p, struct mse_bytes value)
{
    if (p->out->has_signature)
        return refuse(p, 400, "Mse-Signature is there twice");
    p->out->has_signature = true;
    p->out->signature = value;
    return true;
}

static const struct {
    const char *name;
    bool (*read)(struct parser *p, struct mse_bytes value);
} fields[] = {
    { "connection", read_connection },    { "host", read_host },
    { "content-length", read_length },    { "expect", read_expect },
    { "transfer-encoding", read_coding }, { "mse-signature", read_signature },
};

/* RFC 9112, 5: no space before the colon, no continuation lines. */
static bool read_field(struct parser *p, struct mse_bytes line)
{
    struct mse_bytes rest = line;
    struct mse_bytes name = cut(&rest, ":");
    struct mse_bytes value = trim(rest);

    if (name.len == line.len || !is_token(name) || !is_field_value(value))
        return refuse(p, 400, "malformed header field");
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (is_word(name, fields[i].name))
            return fields[i].read(p, value);
    }
    return true;
}

/* ---- request line ---- */

static enum mse_config_method method_of(struct mse_bytes text)
{
    if (mse_bytes_equal_text(text, "GET"))
        return MSE_CONFIG_GET;
    if (mse_bytes_equal_text(text, "HEAD"))
        return MSE_CONFIG_HEAD;
    return mse_bytes_equal_text(text, "POST") ? MSE_CONFIG_POST : MSE_CONFIG_OTHER;
}

static bool is_version(struct mse_bytes text)
{
    return text.len == 8 && memcmp(text.data, "HTTP/", 5) == 0 && text.data[5] >= '0' &&
           text.data[5] <= '9' && text.data[6] == '.' && text.data[7] >= '0' && text.data[7] <= '9';
}

static bool read_line(struct parser *p, struct mse_bytes line)
{
    struct mse_bytes method = cut(&line, " ");
    struct mse_bytes target = cut(&line, " ");

    if (!is_token(method) || !is_target(target) || !is_version(line))
        return refuse(p, 400, "malformed request line");
    p->is_1_1 = mse_bytes_equal_text(line, "HTTP/1.1");
    if (!p->is_1_1 && !mse_bytes_equal_text(line, "HTTP/1.0"))
        return refuse(p, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    p->out->method = method_of(method);
    return true;
}

/* ---- the whole ---- */

static bool check_body(struct parser *p)
{
    struct mse_config_head *head = p->out;

    if (p->has_coding && (p->has_length || !p->is_1_1))
        return refuse(p, 400, "Transfer-Encoding beside a length or in HTTP/1.0");
    if (p->has_coding)
        return refuse(p, 411, "no transfer coding is taken: send Content-Length");
    if (head->method == MSE_CONFIG_POST && !p->has_length)
        return refuse(p, 411, "Content-Length is missing");
    if (head->length > MSE_CONFIG_MAX_BODY)
        return refuse(p, 413, "the body is larger than 1 MiB");
    if (head->length > 0 && (head->method == MSE_CONFIG_GET || head->method == MSE_CONFIG_HEAD))
        return refuse(p, 400, "a body where none has a meaning");
    return true;
}

static bool read_head(struct parser *p, struct mse_bytes in)
{
    if (!read_line(p, cut(&in, "\r\n")))
        return false;
    while (in.len > 0) {
        if (!read_field(p, cut(&in, "\r\n")))
            return false;
    }
    /* RFC 9112, 3.2. */
    if (p->is_1_1 && p->hosts == 0)
        return refuse(p, 400, "Host is missing");
    p->out->keep_alive = !p->close && (p->is_1_1 || p->keep_alive);
    /* RFC 9110, 10.1.1: HTTP/1.0 has no interim replies. */
    p->out->expects_continue = p->out->expects_continue && p->is_1_1 && p->out->length > 0;
    return check_body(p);
}

/* in: what came after empty lines, without an end so far. */
static bool wait_for_end(struct parser *p, struct mse_bytes in, bool full)
{
    if (in.len > 0 && !is_token_byte(in.data[0]))
        return refuse(p, 400, "this is not HTTP");
    if (!full)
        return mse_fail(p->err, MSE_ERR_TRUNCATED, in.len, "HTTP");
    if (memmem(in.data, in.len, "\r\n", 2) == NULL)
        return refuse(p, 414, "the request line is too long");
    return refuse(p, 431, "the header fields are too long");
}

bool mse_config_head_parse(struct mse_bytes in, struct mse_config_head *out, unsigned *status,
                           struct mse_error *err)
{
    struct mse_bytes rest = { in.data,
                              in.len < MSE_CONFIG_HEAD_MAX ? in.len : MSE_CONFIG_HEAD_MAX };
    struct parser p = { .out = out, .status = status, .err = err };
    const uint8_t *end;

    *out = (struct mse_config_head){ 0 };
    *status = 0;
    /* RFC 9112, 2.2: empty lines before a request are passed over. */
    while (rest.len >= 2 && rest.data[0] == '\r' && rest.data[1] == '\n') {
        rest.data += 2;
        rest.len -= 2;
    }
    end = rest.len > 0 ? memmem(rest.data, rest.len, END, END_LEN) : NULL;
    if (end == NULL) {
        bool full = in.len >= MSE_CONFIG_HEAD_MAX;

        if (rest.len == 1 && rest.data[0] == '\r')
            rest.len = 0; /* half of an empty line */
        return rest.len == 0 && full ? refuse(&p, 400, "this is not HTTP")
                                     : wait_for_end(&p, rest, full);
    }
    if (!read_head(&p, (struct mse_bytes){ rest.data, (size_t)(end - rest.data) })) {
        *out = (struct mse_config_head){ 0 };
        return false;
    }
    out->used = (size_t)(end - in.data) + END_LEN;
    return true;
}
