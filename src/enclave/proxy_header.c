/* SPDX-License-Identifier: Apache-2.0 */
/* PROXY protocol, version 2 (HAProxy, "The PROXY protocol", 2.2), read and written. */
#include "enclave/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_LEN 12
#define HEAD_LEN 16
#define UNIX_LEN 216
#define IPV4_LEN 12
#define IPV6_LEN 36

/* Byte 13: version in the upper half, command in the lower. */
enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };
/* Byte 14: address family in the upper half, transport in the lower: streams only. */
enum { FAMILY_NONE = 0x00, FAMILY_IPV4 = 0x11, FAMILY_IPV6 = 0x21, FAMILY_UNIX = 0x31 };

static void read_ipv4(struct mse_reader *r, struct sockaddr_storage *source,
                      struct sockaddr_storage *destination)
{
    struct sockaddr_in *s = (struct sockaddr_in *)source, *d = (struct sockaddr_in *)destination;
    const uint8_t *from = mse_read_array(r, 4, "source address");
    const uint8_t *to = mse_read_array(r, 4, "destination address");

    s->sin_family = d->sin_family = AF_INET;
    s->sin_port = htons(mse_read_u16be(r, "source port"));
    d->sin_port = htons(mse_read_u16be(r, "destination port"));
    if (!mse_read_ok(r))
        return;
    memcpy(&s->sin_addr, from, 4);
    memcpy(&d->sin_addr, to, 4);
}

static void read_ipv6(struct mse_reader *r, struct sockaddr_storage *source,
                      struct sockaddr_storage *destination)
{
    struct sockaddr_in6 *s = (struct sockaddr_in6 *)source, *d = (struct sockaddr_in6 *)destination;
    const uint8_t *from = mse_read_array(r, 16, "source address");
    const uint8_t *to = mse_read_array(r, 16, "destination address");

    s->sin6_family = d->sin6_family = AF_INET6;
    s->sin6_port = htons(mse_read_u16be(r, "source port"));
    d->sin6_port = htons(mse_read_u16be(r, "destination port"));
    if (!mse_read_ok(r))
        return;
    memcpy(&s->sin6_addr, from, 16);
    memcpy(&d->sin6_addr, to, 16);
}

/* The block of addresses, as far as the family has some that mean something here. */
static bool read_addresses(struct mse_reader *block, uint8_t family,
                           struct mse_proxy_addresses *out)
{
    switch (family) {
    case FAMILY_NONE:
        return true;
    case FAMILY_UNIX:
        (void)mse_read_array(block, UNIX_LEN, "unix addresses");
        return mse_read_ok(block);
    case FAMILY_IPV4:
        read_ipv4(block, &out->source, &out->destination);
        break;
    case FAMILY_IPV6:
        read_ipv6(block, &out->source, &out->destination);
        break;
    default: /* a datagram, or none of the protocol's families */
        return mse_reader_fail(block, MSE_ERR_VALUE, "PROXY family");
    }
    out->known = mse_read_ok(block);
    return out->known;
}

/* The signature can be refused at its first wrong byte, long before all of it is there. */
static bool check_signature(struct mse_bytes in, struct mse_error *err)
{
    size_t len = in.len < SIGNATURE_LEN ? in.len : SIGNATURE_LEN;

    if (len > 0 && memcmp(in.data, SIGNATURE, len) != 0)
        return mse_fail(err, MSE_ERR_FORMAT, 0, "PROXY signature");
    return true;
}

bool mse_proxy_header_parse(struct mse_bytes in, struct mse_proxy_addresses *out, size_t *used,
                            struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(in, err);
    struct mse_proxy_addresses got = { 0 };
    struct mse_reader block;
    uint8_t command, family;
    struct mse_error inner = { 0 };
    uint16_t len;

    *out = got;
    *used = 0;
    if (!check_signature(in, err))
        return false;
    (void)mse_read_array(&r, SIGNATURE_LEN, "PROXY signature");
    command = mse_read_u8(&r, "PROXY command");
    if (mse_read_ok(&r) && command != COMMAND_LOCAL && command != COMMAND_PROXY)
        return mse_fail(err, MSE_ERR_VALUE, SIGNATURE_LEN, "PROXY command");
    family = mse_read_u8(&r, "PROXY family");
    len = mse_read_u16be(&r, "PROXY length");
    if (mse_read_ok(&r) && len > MSE_PROXY_HEADER_MAX - HEAD_LEN)
        return mse_fail(err, MSE_ERR_LIMIT, HEAD_LEN - 2, "PROXY length");
    block = mse_read_sub(&r, len, "PROXY addresses");
    if (!mse_read_ok(&r))
        return false;
    /* LOCAL: the sender's own connection; whatever follows is to be skipped. After the addresses
     * come TLVs, which say nothing that is needed here. An inner end is no call for more bytes. */
    block.err = &inner;
    if (command == COMMAND_PROXY && !read_addresses(&block, family, &got))
        return mse_fail(err, MSE_ERR_VALUE, mse_reader_offset(&block), inner.field);
    *out = got;
    *used = mse_reader_offset(&r);
    return true;
}

/* IPv4 as IPv6 has it (RFC 4291, 2.5.5.2), for a pair of two families. */
static void write_as_ipv6(const struct sockaddr_storage *address, struct mse_writer *out)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    if (address->ss_family == AF_INET) {
        mse_write_bytes(out, mapped, sizeof(mapped));
        mse_write_bytes(out, &((const struct sockaddr_in *)address)->sin_addr, 4);
    } else {
        mse_write_bytes(out, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
    }
}

/* sin_port and sin6_port lie at the same place, but the types should say so. */
static uint16_t port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET ? ((const struct sockaddr_in *)address)->sin_port
                                               : ((const struct sockaddr_in6 *)address)->sin6_port);
}

static bool is_ip(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET || address->ss_family == AF_INET6;
}

void mse_proxy_header_write(const struct mse_proxy_addresses *a, struct mse_writer *out)
{
    bool known = a->known && is_ip(&a->source) && is_ip(&a->destination);
    bool ipv4 = known && a->source.ss_family == AF_INET && a->destination.ss_family == AF_INET;

    mse_write_bytes(out, SIGNATURE, SIGNATURE_LEN);
    mse_write_u8(out, known ? COMMAND_PROXY : COMMAND_LOCAL);
    mse_write_u8(out, !known ? FAMILY_NONE : ipv4 ? FAMILY_IPV4 : FAMILY_IPV6);
    mse_write_u16be(out, !known ? 0 : ipv4 ? IPV4_LEN : IPV6_LEN);
    if (!known)
        return;
    if (ipv4) {
        mse_write_bytes(out, &((const struct sockaddr_in *)&a->source)->sin_addr, 4);
        mse_write_bytes(out, &((const struct sockaddr_in *)&a->destination)->sin_addr, 4);
    } else {
        write_as_ipv6(&a->source, out);
        write_as_ipv6(&a->destination, out);
    }
    mse_write_u16be(out, port_of(&a->source));
    mse_write_u16be(out, port_of(&a->destination));
}
