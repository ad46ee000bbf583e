/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocol Buffers in the subset that attestation documents use: varints and length-delimited
 * fields (protobuf.dev, "Encoding"). Stricter than the format: no field twice unless the schema
 * says so, none unknown, varints in their shortest form.
 */
#ifndef MSE_RATLS_PROTOBUF_H
#define MSE_RATLS_PROTOBUF_H

#include "base/bytes.h"

struct mse_proto_field {
    uint32_t number; /* 0: not there */
    bool is_integer;
    uint64_t value;         /* of an integer */
    struct mse_bytes bytes; /* of a length-delimited field */
};

/* Reads the next field; false at the end and after a failure. */
bool mse_proto_next(struct mse_reader *r, struct mse_proto_field *out);

/*
 * Collects the fields 1..count of a message by number; out has room for count + 1. A field that is
 * not there stays zero, which is also what an integer of value 0 looks like on the wire.
 */
MSE_MUST_CHECK bool mse_proto_collect(struct mse_bytes message, struct mse_proto_field *out,
                                      uint32_t count, const char *name, struct mse_error *err);

/* Where a field lies in a fixed little-endian layout. A repeated field has several such entries. */
struct mse_proto_place {
    uint32_t number;
    uint16_t offset;
    uint16_t size;
    bool is_integer; /* not there is 0; a bytes field must be there in exactly its size */
};
#define MSE_PROTO_MAX_PLACES 64

/* Writes a message's fields to their places in out, which the caller zeroed. */
MSE_MUST_CHECK bool mse_proto_lay_out(struct mse_bytes message,
                                      const struct mse_proto_place *places, size_t count,
                                      uint8_t *out, const char *name, struct mse_error *err);

#endif
