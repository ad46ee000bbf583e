/* SPDX-License-Identifier: Apache-2.0 */
/* What the host may say about an instance, and only that (docs/formats.md, "Instance file"). */
#include "enclave/instance_file.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "enclave/json_members.h"
#include "issue/names.h"
#include "package/values.h"

#define ORGANIZATION_MAX 64 /* RFC 5280, Appendix A.1: ub-organization-name */
#define LISTEN_MAX 64
#define EDGE_TEXT_MAX 64
#define DAY 86400
#define MAPPED_BITS 96 /* RFC 4291, 2.5.5.2 */

enum member {
    NAME,
    CONFIG_NAME,
    UUID,
    NOT_AFTER,
    SUBJECT,
    LISTEN,
    EDGE,
    PROXY_TO_APP,
    STATEMENT,
    MEMBER_COUNT
};

static const char *const member_names[MEMBER_COUNT] = {
    "name",   "config_name", "uuid",         "not_after", "subject",
    "listen", "edge",        "proxy_to_app", "statement",
};

struct input {
    struct mse_json json;
    const struct mse_json_value *members[MEMBER_COUNT];
    struct mse_error *err;
};

static void json_cleanup(struct mse_json *json)
{
    mse_json_cleanup(json);
}

/* *out is NULL where the member is not there. */
static bool read_text(const struct input *in, enum member member, char **out)
{
    *out = NULL;
    return in->members[member] == NULL ||
           mse_json_value_text(&in->json, in->members[member], out, in->err) ||
           mse_fail_in(in->err, "%s", member_names[member]);
}

static bool read_mandatory(const struct input *in, enum member member, char **out)
{
    return read_text(in, member, out) &&
           (*out != NULL || mse_fail(in->err, MSE_ERR_MISSING, 0, member_names[member]));
}

static bool read_name(const struct input *in, enum member member, char **out)
{
    struct mse_error why = { 0 };
    struct mse_issue_name name;

    if (!read_mandatory(in, member, out))
        return false;
    /* Its code would speak of usage: here the value of a file is wrong. */
    return mse_issue_name_read(*out, member_names[member], &name, &why) ||
           mse_fail_text_at(in->err, MSE_ERR_VALUE, in->members[member]->start,
                            member_names[member], "%s", why.text);
}

static bool read_uuid(const struct input *in, char out[static 37])
{
    struct mse_bytes text;

    if (!mse_json_get_plain(&in->json, in->json.values, "uuid", &text, in->err))
        return false;
    if (text.len == 36) {
        char given[37] = "";

        memcpy(given, text.data, 36);
        if (mse_value_uuid(given, out) && strcmp(given, out) == 0)
            return true;
    }
    out[0] = '\0';
    return mse_fail_text_at(in->err, MSE_ERR_VALUE, in->members[UUID]->start, "uuid",
                            "not 32 hex digits in lower case with dashes");
}

static bool read_not_after(const struct input *in, int64_t now, int64_t *out)
{
    char text[MSE_TIME_TEXT_SIZE];

    if (!mse_json_get_time(&in->json, in->json.values, "not_after", out, in->err))
        return false;
    if (*out <= now)
        return mse_fail_text_at(in->err, MSE_ERR_EXPIRED, in->members[NOT_AFTER]->start,
                                "not_after", "%s is over", mse_time_write(*out, text));
    if (*out - now > (int64_t)MSE_INSTANCE_MAX_DAYS * DAY)
        return mse_fail_text_at(in->err, MSE_ERR_LIMIT, in->members[NOT_AFTER]->start, "not_after",
                                "%s is more than %d days ahead", mse_time_write(*out, text),
                                MSE_INSTANCE_MAX_DAYS);
    return true;
}

static bool read_organization(const struct input *in, char **out)
{
    if (!read_text(in, SUBJECT, out))
        return false;
    if (*out == NULL)
        return true;
    if (**out == '\0' || strlen(*out) > ORGANIZATION_MAX || mse_value_has_control(*out))
        return mse_fail_text_at(in->err, MSE_ERR_VALUE, in->members[SUBJECT]->start, "subject",
                                "not 1 to %d bytes without control characters", ORGANIZATION_MAX);
    return true;
}

/* Decimal digits without a leading zero. */
static bool read_number(const char *text, unsigned max, unsigned *out)
{
    size_t len = strlen(text);
    unsigned value = 0;

    if (len == 0 || len > 5 || strspn(text, "0123456789") != len || (text[0] == '0' && len > 1))
        return false;
    for (size_t i = 0; i < len; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    *out = value;
    return value <= max;
}

/* Port 0 lets the system choose: mse-enclave says where it listens. */
static bool is_listen(const char *text)
{
    char address[LISTEN_MAX];
    struct in6_addr parsed;
    const char *colon = strrchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : 0;
    unsigned port;

    if (len == 0 || len >= sizeof(address) || !read_number(colon + 1, 65535, &port))
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (address[0] != '[')
        return inet_pton(AF_INET, address, &parsed) == 1;
    if (address[len - 1] != ']')
        return false;
    address[len - 1] = '\0';
    return inet_pton(AF_INET6, address + 1, &parsed) == 1;
}

static bool read_listen(const struct input *in, char **out)
{
    return read_mandatory(in, LISTEN, out) &&
           (is_listen(*out) ||
            mse_fail_text_at(in->err, MSE_ERR_VALUE, in->members[LISTEN]->start, "listen",
                             "not ADDRESS:PORT or [ADDRESS]:PORT with numbers only"));
}

/* ---- edges ---- */

static void map_ipv4(uint8_t out[static 16], const void *address)
{
    memset(out, 0, 10);
    memset(out + 10, 0xff, 2);
    memcpy(out + 12, address, 4);
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    uint8_t mask = (uint8_t)(0xff00 >> bits % 8);

    return memcmp(a, b, whole) == 0 && (bits % 8 == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

/* Bits behind the prefix would be ignored silently: whoever wrote them meant something else. */
static bool is_network(const struct mse_edge *edge)
{
    for (unsigned bit = edge->prefix; bit < 128; bit++) {
        if ((edge->address[bit / 8] & 0x80 >> bit % 8) != 0)
            return false;
    }
    return true;
}

static bool parse_edge(const char *text, struct mse_edge *out)
{
    char address[EDGE_TEXT_MAX];
    struct in_addr v4;
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : 0;

    if (len == 0 || len >= sizeof(address))
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (inet_pton(AF_INET, address, &v4) == 1) {
        map_ipv4(out->address, &v4);
        if (!read_number(slash + 1, 32, &out->prefix))
            return false;
        out->prefix += MAPPED_BITS;
    } else if (inet_pton(AF_INET6, address, out->address) != 1 ||
               !read_number(slash + 1, 128, &out->prefix)) {
        return false;
    }
    return is_network(out);
}

static bool read_edge(const struct input *in, const struct mse_json_value *v, struct mse_edge *out)
{
    char *text;
    bool ok;

    if (!mse_json_value_text(&in->json, v, &text, in->err))
        return mse_fail_in(in->err, "edge");
    ok = parse_edge(text, out);
    free(text);
    return ok || mse_fail_text_at(in->err, MSE_ERR_VALUE, v->start, "edge",
                                  "not ADDRESS/BITS without bits behind the prefix");
}

static bool read_edges(const struct input *in, struct mse_instance_file *out)
{
    const struct mse_json_value *list = in->members[EDGE];
    const struct mse_json_value *v;

    if (list == NULL)
        return true;
    if (list->type != MSE_JSON_ARRAY)
        return mse_fail_text_at(in->err, MSE_ERR_VALUE, list->start, "edge", "not an array");
    if (list->count > MSE_INSTANCE_MAX_EDGES)
        return mse_fail_text_at(in->err, MSE_ERR_LIMIT, list->start, "edge", "more than %d ranges",
                                MSE_INSTANCE_MAX_EDGES);
    for (v = mse_json_first(&in->json, list); v != NULL; v = mse_json_next(&in->json, list, v)) {
        if (!read_edge(in, v, &out->edges[out->edge_count++]))
            return false;
    }
    return true;
}

bool mse_instance_file_is_edge(const struct mse_instance_file *file, const struct sockaddr *peer)
{
    uint8_t address[16];

    if (peer->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, peer, sizeof(v4)); /* alignment is the caller's secret */
        map_ipv4(address, &v4.sin_addr);
    } else if (peer->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, peer, sizeof(v6));
        memcpy(address, &v6.sin6_addr, sizeof(address));
    } else {
        return false;
    }
    for (size_t i = 0; i < file->edge_count; i++) {
        if (bits_equal(address, file->edges[i].address, file->edges[i].prefix))
            return true;
    }
    return false;
}

/* ---- the rest ---- */

static bool read_proxy_to_app(const struct input *in, bool *out)
{
    const struct mse_json_value *v = in->members[PROXY_TO_APP];

    if (v == NULL)
        return true;
    if (v->type != MSE_JSON_TRUE && v->type != MSE_JSON_FALSE)
        return mse_fail_text_at(in->err, MSE_ERR_VALUE, v->start, "proxy_to_app",
                                "neither true nor false");
    *out = v->type == MSE_JSON_TRUE;
    return true;
}

/* Whoever verifies the certificate judges the statement: here it only has to be bytes. */
static bool read_statement(const struct input *in, struct mse_instance_file *out)
{
    struct mse_bytes text;

    if (in->members[STATEMENT] == NULL)
        return true;
    if (!mse_json_get_plain(&in->json, in->json.values, "statement", &text, in->err))
        return false;
    out->statement = malloc(text.len + 1);
    if (out->statement == NULL)
        return mse_fail_memory(in->err);
    out->statement_len = text.len;
    return (mse_base64_read((const char *)text.data, text.len, false, out->statement,
                            &out->statement_len) &&
            out->statement_len > 0) ||
           mse_fail_text_at(in->err, MSE_ERR_VALUE, in->members[STATEMENT]->start, "statement",
                            "not base64");
}

static bool read_members(const struct input *in, int64_t now, struct mse_instance_file *out)
{
    return read_name(in, NAME, &out->name) && read_name(in, CONFIG_NAME, &out->config_name) &&
           read_uuid(in, out->uuid) && read_not_after(in, now, &out->not_after) &&
           read_organization(in, &out->organization) && read_listen(in, &out->listen) &&
           read_edges(in, out) && read_proxy_to_app(in, &out->proxy_to_app) &&
           read_statement(in, out);
}

bool mse_instance_file_parse(struct mse_bytes in, int64_t now, struct mse_instance_file *out,
                             struct mse_error *err)
{
    MSE_CLEANUP(json_cleanup) struct mse_json json = { 0 };
    struct input input = { .err = err };

    *out = (struct mse_instance_file){ 0 };
    if (in.len > MSE_INSTANCE_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, "instance file", "larger than %d bytes",
                             MSE_INSTANCE_MAX_SIZE);
    if (!mse_json_parse(in, &json, err))
        return mse_fail_in(err, "instance file");
    input.json = json;
    if (mse_json_members(&json, json.values, member_names, MEMBER_COUNT, input.members, err) &&
        read_members(&input, now, out))
        return true;
    mse_instance_file_cleanup(out);
    return mse_fail_in(err, "instance file");
}

void mse_instance_file_cleanup(struct mse_instance_file *file)
{
    free(file->name);
    free(file->config_name);
    free(file->organization);
    free(file->listen);
    free(file->statement);
    *file = (struct mse_instance_file){ 0 };
}
