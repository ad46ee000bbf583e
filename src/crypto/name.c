/* SPDX-License-Identifier: Apache-2.0 */
/* Names of certificates: distinguished names and OIDs as text, subject alternative names. */
#include "crypto/cert.h"

#define VALUE_SHOWN_MAX 256
#define OID_TEXT_MAX 128

struct attribute {
    struct mse_bytes oid;
    uint8_t tag;
    struct mse_bytes value;
};

/* Short names of RFC 4514, 3, and the two that vendors use besides. */
static const struct {
    struct mse_bytes oid;
    const char *name;
} short_names[] = {
    { { (const uint8_t *)"\x55\x04\x03", 3 }, "CN" },
    { { (const uint8_t *)"\x55\x04\x06", 3 }, "C" },
    { { (const uint8_t *)"\x55\x04\x07", 3 }, "L" },
    { { (const uint8_t *)"\x55\x04\x08", 3 }, "ST" },
    { { (const uint8_t *)"\x55\x04\x0a", 3 }, "O" },
    { { (const uint8_t *)"\x55\x04\x0b", 3 }, "OU" },
    { { (const uint8_t *)"\x55\x04\x05", 3 }, "serialNumber" },
    { { (const uint8_t *)"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9 }, "emailAddress" },
};

static const struct mse_bytes oid_common_name = { (const uint8_t *)"\x55\x04\x03", 3 };
static const struct mse_bytes oid_alt_names = { (const uint8_t *)"\x55\x1d\x11", 3 };

/* RFC 5280, 4.1.2.4: AttributeTypeAndValue. */
static struct attribute read_attribute(struct mse_reader *set)
{
    struct mse_reader body = mse_der_enter(set, MSE_DER_SEQUENCE, "AttributeTypeAndValue");
    struct attribute a = { 0 };

    a.oid = mse_der_read(&body, MSE_DER_OID, "type");
    a.value = mse_der_read_any(&body, &a.tag, NULL, "value");
    if (!mse_read_done(&body, "AttributeTypeAndValue"))
        return (struct attribute){ 0 };
    return a;
}

/* Types whose octets are ASCII or UTF-8. */
static bool is_text(uint8_t tag)
{
    return tag == MSE_DER_UTF8 || tag == MSE_DER_PRINTABLE || tag == MSE_DER_IA5;
}

static void write_value(struct mse_writer *w, const struct attribute *a)
{
    size_t shown = a->value.len < VALUE_SHOWN_MAX ? a->value.len : VALUE_SHOWN_MAX;
    bool text = is_text(a->tag);

    /* RFC 4514, 2.4: other types as hex. */
    if (!text)
        mse_write_u8(w, '#');
    for (size_t i = 0; i < shown; i++) {
        uint8_t c = a->value.data[i];

        if (!text) {
            mse_write_format(w, "%02x", c);
        } else if (c < 0x20 || c > 0x7e) {
            mse_write_format(w, "\\x%02x", c);
        } else {
            /* What would read as the end of the value, or as an escape. */
            if (strchr("\\,+\"<>;=", c) != NULL)
                mse_write_u8(w, '\\');
            mse_write_u8(w, c);
        }
    }
    if (shown < a->value.len)
        mse_write_text(w, "...");
}

static void write_attribute(struct mse_writer *w, const struct attribute *a)
{
    char oid[OID_TEXT_MAX];
    const char *type = NULL;

    for (size_t i = 0; i < sizeof(short_names) / sizeof(short_names[0]); i++) {
        if (mse_bytes_equal(a->oid, short_names[i].oid))
            type = short_names[i].name;
    }
    mse_write_text(w, type != NULL ? type : mse_oid_text(a->oid, oid, sizeof(oid)));
    mse_write_u8(w, '=');
    write_value(w, a);
}

static void write_name(struct mse_writer *w, struct mse_reader *names)
{
    const char *separator = "";

    while (mse_read_ok(names) && mse_reader_left(names) > 0) {
        struct mse_reader set = mse_der_enter(names, MSE_DER_SET, "RelativeDistinguishedName");

        while (mse_read_ok(&set) && mse_reader_left(&set) > 0) {
            struct attribute a = read_attribute(&set);

            if (!mse_read_ok(&set))
                return;
            mse_write_text(w, separator);
            write_attribute(w, &a);
            separator = "+";
        }
        separator = ",";
    }
}

/* len counts the final NUL. A text that does not fit ends in dots, or is "?" where there is no room
 * for dots. */
static const char *put_text(char *out, size_t size, const char *text, size_t len)
{
    static const char dots[] = "...";

    if (len <= size) {
        memcpy(out, text, len);
    } else if (size >= sizeof(dots)) {
        memcpy(out, text, size);
        memcpy(out + size - sizeof(dots), dots, sizeof(dots));
    } else if (size > 0) {
        out[0] = size > 1 ? '?' : '\0';
        out[size > 1 ? 1 : 0] = '\0';
    }
    return out;
}

const char *mse_cert_name_text(struct mse_bytes name, char *out, size_t size)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer w = { 0 };
    struct mse_error ignored = { 0 };
    struct mse_reader r = mse_reader_init(name, &ignored);
    struct mse_reader names = mse_der_enter(&r, MSE_DER_SEQUENCE, "Name");

    write_name(&w, &names);
    mse_write_u8(&w, '\0');
    if (!mse_read_done(&r, "Name") || !mse_writer_ok(&w))
        return put_text(out, size, "?", 2);
    return put_text(out, size, (const char *)w.data, w.len);
}

/* A second common name would let two readers see two names: none is then given. */
struct mse_bytes mse_cert_common_name(struct mse_bytes name)
{
    static const struct mse_bytes none = { NULL, 0 };
    struct mse_error ignored = { 0 };
    struct mse_reader r = mse_reader_init(name, &ignored);
    struct mse_reader names = mse_der_enter(&r, MSE_DER_SEQUENCE, "Name");
    struct mse_bytes found = none;
    size_t count = 0;

    while (mse_read_ok(&names) && mse_reader_left(&names) > 0) {
        struct mse_reader set = mse_der_enter(&names, MSE_DER_SET, "RelativeDistinguishedName");

        while (mse_read_ok(&set) && mse_reader_left(&set) > 0) {
            struct attribute a = read_attribute(&set);

            if (!mse_bytes_equal(a.oid, oid_common_name))
                continue;
            found = is_text(a.tag) ? a.value : none;
            count++;
        }
    }
    return mse_read_done(&r, "Name") && count == 1 ? found : none;
}

/* Digits of a number, the lowest first, at the place where its text goes. */
struct decimal {
    char *digits;
    size_t count;
    size_t room;
};

/* value = value * factor + term; false if there is no room for it. */
static bool multiply_add(struct decimal *d, unsigned factor, unsigned term)
{
    for (size_t i = 0; i < d->count; i++) {
        term += (unsigned)d->digits[i] * factor;
        d->digits[i] = (char)(term % 10);
        term /= 10;
    }
    for (; term > 0; term /= 10) {
        if (d->count == d->room)
            return false;
        d->digits[d->count++] = (char)(term % 10);
    }
    return true;
}

/* value -= 80, of a value that is not below. */
static void subtract_80(struct decimal *d)
{
    size_t i = 1;

    for (unsigned borrow = 8; borrow > 0; i++) {
        int digit = d->digits[i] - (int)borrow;

        borrow = digit < 0 ? 1U : 0U;
        d->digits[i] = (char)(digit < 0 ? digit + 10 : digit);
    }
    while (d->count > 0 && d->digits[d->count - 1] == 0)
        d->count--;
}

/* The next arc (X.690, 8.19.2): base 128, highest first, no leading zero. */
static bool read_arc(struct mse_reader *r, struct decimal *d)
{
    uint8_t octet = mse_read_u8(r, "arc");

    if (octet == 0x80)
        return false;
    for (;;) {
        if (!mse_read_ok(r) || !multiply_add(d, 128, octet & 0x7f))
            return false;
        if ((octet & 0x80) == 0)
            return true;
        octet = mse_read_u8(r, "arc");
    }
}

/* Reverses the digits into text behind *at. False if they do not fit. */
static void finish_arc(struct decimal *d)
{
    if (d->count == 0)
        d->digits[d->count++] = 0;
    for (size_t i = 0, j = d->count - 1; i < j; i++, j--) {
        char digit = d->digits[i];

        d->digits[i] = d->digits[j];
        d->digits[j] = digit;
    }
    for (size_t i = 0; i < d->count; i++)
        d->digits[i] = (char)('0' + d->digits[i]);
}

/* X.690, 8.19.4: the first two arcs are one number, first * 40 + second, with first at most 2. */
static char split_first(struct decimal *d)
{
    unsigned value = 0;

    for (size_t i = d->count; i > 0; i--)
        value = value < 80 ? value * 10 + (unsigned)d->digits[i - 1] : value;
    if (value >= 80) {
        subtract_80(d);
        return '2';
    }
    d->count = 0;
    (void)multiply_add(d, 1, value % 40);
    return value < 40 ? '0' : '1';
}

static bool write_oid(struct mse_reader *r, char *out, size_t size)
{
    size_t at = 2;
    bool first = true;

    do {
        /* At least one digit, and behind the arc a dot or the final NUL. */
        if (at + 2 > size)
            return false;
        struct decimal d = { out + at, 0, size - at - 1 };

        if (d.room == 0 || !read_arc(r, &d))
            return false;
        if (first) {
            out[0] = split_first(&d);
            out[1] = '.';
        }
        first = false;
        finish_arc(&d);
        at += d.count;
        out[at] = '.';
        at++;
    } while (mse_reader_left(r) > 0);
    out[at - 1] = '\0';
    return true;
}

const char *mse_oid_text(struct mse_bytes oid, char *out, size_t size)
{
    struct mse_error ignored = { 0 };
    struct mse_reader r = mse_reader_init(oid, &ignored);

    if (!write_oid(&r, out, size))
        return put_text(out, size, "?", 2);
    return out;
}

/* RFC 5280, 4.2.1.6: the tags of GeneralName. */
static bool is_general_name(uint8_t tag)
{
    switch (tag) {
    case MSE_DER_CONTEXT_CONSTRUCTED(0): /* otherName */
    case MSE_DER_CONTEXT(1):             /* rfc822Name */
    case MSE_DER_CONTEXT(2):             /* dNSName */
    case MSE_DER_CONTEXT_CONSTRUCTED(3): /* x400Address */
    case MSE_DER_CONTEXT_CONSTRUCTED(4): /* directoryName */
    case MSE_DER_CONTEXT_CONSTRUCTED(5): /* ediPartyName */
    case MSE_DER_CONTEXT(6):             /* uniformResourceIdentifier */
    case MSE_DER_CONTEXT(7):             /* iPAddress */
    case MSE_DER_CONTEXT(8):             /* registeredID */
        return true;
    default:
        return false;
    }
}

/* dNSName: ASCII that can be shown, no NUL in the middle. iPAddress: 4 or 16 bytes. */
static bool value_is_sound(unsigned kind, struct mse_bytes value)
{
    if (kind == 7)
        return value.len == 4 || value.len == 16;
    if (kind != 2)
        return true;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] <= 0x20 || value.data[i] >= 0x7f)
            return false;
    }
    return value.len > 0;
}

static size_t read_alt_names(struct mse_reader *names, struct mse_general_name *out, size_t room)
{
    size_t count = 0;

    do {
        struct mse_reader start = *names;
        struct mse_general_name name;
        uint8_t tag;

        name.value = mse_der_read_any(names, &tag, NULL, "subjectAltName");
        name.kind = tag & 0x1fU;
        if (!mse_read_ok(names))
            return 0;
        if (!is_general_name(tag) || !value_is_sound(name.kind, name.value))
            mse_reader_fail(&start, MSE_ERR_VALUE, "subjectAltName");
        else if (count == room)
            mse_reader_fail(&start, MSE_ERR_LIMIT, "subjectAltName");
        else
            out[count++] = name;
    } while (mse_read_ok(names) && mse_reader_left(names) > 0);
    return mse_read_ok(names) ? count : 0;
}

bool mse_cert_alt_names(const struct mse_cert *cert, struct mse_general_name *out, size_t *count,
                        struct mse_error *err)
{
    const struct mse_extension *extension = mse_cert_extension(cert, oid_alt_names);
    size_t room = *count;
    struct mse_reader r;
    struct mse_reader names;

    *count = 0;
    if (extension == NULL)
        return true;
    r = mse_reader_init(extension->payload, err);
    r.origin = cert->der.data; /* messages point into the certificate */
    names = mse_der_enter(&r, MSE_DER_SEQUENCE, "subjectAltName");
    if (!mse_read_done(&r, "subjectAltName"))
        return false;
    *count = read_alt_names(&names, out, room);
    return mse_read_ok(&names);
}
