/* SPDX-License-Identifier: Apache-2.0 */
/* ClientHello (RFC 8446, 4.1.2 and 5.1; server_name: RFC 6066, 3). All else in it is OpenSSL's. */
#include "enclave/client_hello.h"

#define RECORD_HANDSHAKE 22
#define RECORD_MAX 16384
#define CLIENT_HELLO 1
#define EXTENSION_SERVER_NAME 0
#define NAME_HOST 0

/* One record's content; what it claims is checked before all of it is there. */
static struct mse_bytes read_record(struct mse_reader *r)
{
    struct mse_bytes none = { NULL, 0 };
    uint8_t type = mse_read_u8(r, "record type");
    uint8_t major;
    uint16_t len;

    if (mse_read_ok(r) && type != RECORD_HANDSHAKE)
        (void)mse_reader_fail(r, MSE_ERR_FORMAT, "record type");
    major = mse_read_u8(r, "record version");
    if (mse_read_ok(r) && major != 3)
        (void)mse_reader_fail(r, MSE_ERR_FORMAT, "record version");
    (void)mse_read_u8(r, "record version"); /* RFC 8446, 5.1: to be ignored */
    len = mse_read_u16be(r, "record length");
    if (mse_read_ok(r) && (len == 0 || len > RECORD_MAX))
        (void)mse_reader_fail(r, MSE_ERR_FORMAT, "record length");
    return mse_read_ok(r) ? mse_read_bytes(r, len, "record") : none;
}

/* Length of the message with its header, once that is known; 0 before. */
static bool message_size(struct mse_bytes got, size_t *size, struct mse_error *err)
{
    *size = 0;
    if (got.len > 0 && got.data[0] != CLIENT_HELLO)
        return mse_fail(err, MSE_ERR_FORMAT, 0, "handshake type");
    if (got.len < 4)
        return true;
    *size = 4 + ((size_t)got.data[1] << 16 | (size_t)got.data[2] << 8 | got.data[3]);
    if (*size > MSE_CLIENT_HELLO_MAX)
        return mse_fail(err, MSE_ERR_LIMIT, 1, "handshake length");
    return true;
}

/* The message out of its records: a view of the only one, or put together in room. */
static bool gather(struct mse_bytes in, uint8_t room[static MSE_CLIENT_HELLO_MAX],
                   struct mse_bytes *out, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    struct mse_bytes got = { room, 0 };
    size_t size;

    for (unsigned i = 0; i < MSE_CLIENT_HELLO_RECORDS; i++) {
        struct mse_bytes part = read_record(&r);

        if (!mse_read_ok(&r))
            return false;
        if (i == 0) {
            got = part;
        } else {
            if (part.len > MSE_CLIENT_HELLO_MAX - got.len)
                return mse_reader_fail(&r, MSE_ERR_LIMIT, "record length");
            if (got.len > 0)
                memmove(room, got.data, got.len);
            memcpy(room + got.len, part.data, part.len);
            got = (struct mse_bytes){ room, got.len + part.len };
        }
        if (!message_size(got, &size, err))
            return false;
        if (size > 0 && got.len >= size) {
            *out = (struct mse_bytes){ got.data, size };
            return true;
        }
    }
    return mse_reader_fail(&r, MSE_ERR_LIMIT, "records");
}

/* Upper case is folded: names are compared without regard to case (RFC 6066, 3). */
static bool take_name(struct mse_reader *r, struct mse_bytes name, struct mse_client_hello *out)
{
    if (!mse_read_ok(r))
        return false;
    if (out->has_name)
        return mse_reader_fail(r, MSE_ERR_DUPLICATE, "server_name");
    if (name.len == 0 || name.len >= sizeof(out->name))
        return mse_reader_fail(r, MSE_ERR_VALUE, "server_name");
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];

        if (c <= 0x20 || c >= 0x7f)
            return mse_reader_fail(r, MSE_ERR_VALUE, "server_name");
        out->name[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    out->name[name.len] = '\0';
    out->has_name = true;
    return true;
}

static void read_server_name(struct mse_reader *extension, struct mse_client_hello *out)
{
    struct mse_reader list = mse_read_sub(extension, mse_read_u16be(extension, "server_name"),
                                          "server_name");

    while (mse_read_ok(&list) && mse_reader_left(&list) > 0) {
        uint8_t type = mse_read_u8(&list, "server_name type");
        struct mse_bytes name = mse_read_bytes(&list, mse_read_u16be(&list, "server_name"),
                                               "server_name");

        if (type == NAME_HOST && !take_name(&list, name, out))
            return;
    }
}

static bool read_extensions(struct mse_reader *r, struct mse_client_hello *out)
{
    struct mse_reader all = mse_read_sub(r, mse_read_u16be(r, "extensions"), "extensions");

    while (mse_read_ok(&all) && mse_reader_left(&all) > 0) {
        uint16_t type = mse_read_u16be(&all, "extension");
        struct mse_reader extension = mse_read_sub(&all, mse_read_u16be(&all, "extension"),
                                                   "extension");

        if (mse_read_ok(&all) && type == EXTENSION_SERVER_NAME) {
            read_server_name(&extension, out);
            if (!mse_read_done(&extension, "server_name"))
                return false;
        }
    }
    return mse_read_ok(&all);
}

bool mse_client_hello_parse(struct mse_bytes in, struct mse_client_hello *out,
                            struct mse_error *err)
{
    uint8_t room[MSE_CLIENT_HELLO_MAX];
    struct mse_client_hello hello = { 0 };
    struct mse_error inner = { 0 };
    struct mse_bytes message;
    struct mse_reader r;

    *out = hello;
    if (!gather(in, room, &message, err))
        return false;
    r = mse_reader_init(message, &inner);
    (void)mse_read_array(&r, 4 + 2 + 32, "version and random");
    (void)mse_read_bytes(&r, mse_read_u8(&r, "session id"), "session id");
    (void)mse_read_bytes(&r, mse_read_u16be(&r, "cipher suites"), "cipher suites");
    (void)mse_read_bytes(&r, mse_read_u8(&r, "compression"), "compression");
    if (mse_read_ok(&r) && mse_reader_left(&r) > 0)
        (void)read_extensions(&r, &hello);
    if (!mse_read_done(&r, "ClientHello")) {
        /* The message is all there: an end inside it is no call for more. */
        return mse_fail(err, inner.code == MSE_ERR_TRUNCATED ? MSE_ERR_VALUE : inner.code,
                        inner.offset, inner.field);
    }
    *out = hello;
    return true;
}
