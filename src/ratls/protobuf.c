/* SPDX-License-Identifier: Apache-2.0 */
/* Reading Protocol Buffers messages into views and fixed layouts. */
#include "ratls/protobuf.h"

#define WIRE_VARINT 0
#define WIRE_BYTES 2
#define MAX_FIELD_NUMBER ((1U << 29) - 1)

static uint64_t read_varint(struct mse_reader *r)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = mse_read_u8(r, "protobuf.varint");

        if (!mse_read_ok(r))
            return 0;
        /* The tenth byte has one bit; a last byte of zero is a longer form of a shorter number. */
        if ((shift == 63 && byte > 1) || (shift > 0 && byte == 0))
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
    mse_reader_fail(r, MSE_ERR_VALUE, "protobuf.varint");
    return 0;
}

bool mse_proto_next(struct mse_reader *r, struct mse_proto_field *out)
{
    uint64_t key, number;

    *out = (struct mse_proto_field){ 0 };
    if (!mse_read_ok(r) || mse_reader_left(r) == 0)
        return false;
    key = read_varint(r);
    number = key >> 3;
    if (!mse_read_ok(r))
        return false;
    if (number == 0 || number > MAX_FIELD_NUMBER)
        return mse_reader_fail(r, MSE_ERR_VALUE, "protobuf.field");
    if ((key & 7) == WIRE_VARINT) {
        out->is_integer = true;
        out->value = read_varint(r);
    } else if ((key & 7) == WIRE_BYTES) {
        uint64_t len = read_varint(r);

        if (mse_read_ok(r) && len > mse_reader_left(r))
            return mse_reader_fail(r, MSE_ERR_TRUNCATED, "protobuf.field");
        out->bytes = mse_read_bytes(r, (size_t)len, "protobuf.field");
    } else {
        return mse_reader_fail(r, MSE_ERR_UNSUPPORTED, "protobuf.wire_type");
    }
    out->number = (uint32_t)number;
    return mse_read_ok(r);
}

bool mse_proto_collect(struct mse_bytes message, struct mse_proto_field *out, uint32_t count,
                       const char *name, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(message, err);
    struct mse_proto_field field;

    memset(out, 0, (count + 1) * sizeof(*out));
    while (mse_proto_next(&r, &field)) {
        if (field.number > count)
            return mse_reader_fail(&r, MSE_ERR_UNKNOWN_KEY, name);
        if (out[field.number].number != 0)
            return mse_reader_fail(&r, MSE_ERR_DUPLICATE, name);
        out[field.number] = field;
    }
    return mse_read_done(&r, name);
}

static bool put(const struct mse_proto_field *field, const struct mse_proto_place *place,
                uint8_t *out)
{
    if (field->is_integer != place->is_integer)
        return false;
    if (!place->is_integer) {
        if (field->bytes.len != place->size)
            return false;
        memcpy(out + place->offset, field->bytes.data, place->size);
        return true;
    }
    if (place->size < 8 && field->value >> (8 * place->size) != 0)
        return false;
    for (uint16_t i = 0; i < place->size; i++)
        out[place->offset + i] = (uint8_t)(field->value >> (8 * i));
    return true;
}

bool mse_proto_lay_out(struct mse_bytes message, const struct mse_proto_place *places, size_t count,
                       uint8_t *out, const char *name, struct mse_error *err)
{
    struct mse_reader r = mse_reader_init(message, err);
    struct mse_proto_field field;
    bool seen[MSE_PROTO_MAX_PLACES] = { false };

    while (mse_proto_next(&r, &field)) {
        bool known = false;
        size_t i;

        for (i = 0; i < count; i++) {
            known = known || places[i].number == field.number;
            if (places[i].number == field.number && !seen[i])
                break;
        }
        if (i == count)
            return mse_reader_fail(&r, known ? MSE_ERR_DUPLICATE : MSE_ERR_UNKNOWN_KEY, name);
        if (!put(&field, &places[i], out))
            return mse_reader_fail(&r, MSE_ERR_VALUE, name);
        seen[i] = true;
    }
    if (!mse_read_done(&r, name))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!seen[i] && !places[i].is_integer)
            return mse_fail(err, MSE_ERR_MISSING, message.len, name);
    }
    return true;
}
