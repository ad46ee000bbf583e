/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict JSON (RFC 8259) into a flat array of values that point into the input, and a writer.
 *
 * Why our own: signatures of collateral cover the exact bytes of an inner object, so every value
 * must know its span; and a cold verification may not spend longer in a JSON library than in
 * signatures. Duplicate members, invalid UTF-8, lone surrogates, trailing bytes and nesting beyond
 * MSE_JSON_DEPTH are errors. Numbers are integers of 64 bits; a fraction or exponent is kept as
 * MSE_JSON_REAL and has no value.
 */
#ifndef MSE_BASE_JSON_H
#define MSE_BASE_JSON_H

#include "base/bytes.h"

#define MSE_JSON_DEPTH 32
#define MSE_JSON_MAX_VALUES (1U << 20)

enum mse_json_type {
    MSE_JSON_NULL,
    MSE_JSON_FALSE,
    MSE_JSON_TRUE,
    MSE_JSON_INTEGER,
    MSE_JSON_REAL,
    MSE_JSON_STRING,
    MSE_JSON_ARRAY,
    MSE_JSON_OBJECT
};

struct mse_json_value {
    enum mse_json_type type;
    bool escaped; /* string holds a backslash */
    bool key_escaped;
    uint32_t start; /* span in the input: strings without quotes, containers with brackets */
    uint32_t end;
    uint32_t count;              /* members or elements */
    uint32_t next;               /* index of the value after this one and all it contains */
    uint32_t key_start, key_end; /* of an object member, without quotes; equal when there is none */
};

struct mse_json {
    struct mse_bytes in;           /* borrowed: must outlive this */
    struct mse_json_value *values; /* values[0] is the root */
    size_t count;
};

/* Whole input must be one value, with white space around it at most. */
MSE_MUST_CHECK bool mse_json_parse(struct mse_bytes in, struct mse_json *out,
                                   struct mse_error *err);
void mse_json_cleanup(struct mse_json *json);

/* The exact bytes of a value. */
struct mse_bytes mse_json_span(const struct mse_json *json, const struct mse_json_value *v);
/* Member by name (compared after unescaping), or NULL. object may be NULL. */
const struct mse_json_value *mse_json_member(const struct mse_json *json,
                                             const struct mse_json_value *object, const char *name);
/* First child, or NULL; then siblings until NULL. */
const struct mse_json_value *mse_json_first(const struct mse_json *json,
                                            const struct mse_json_value *container);
const struct mse_json_value *mse_json_next(const struct mse_json *json,
                                           const struct mse_json_value *container,
                                           const struct mse_json_value *child);
/* Key of an object member as raw bytes (still escaped if the member's key had escapes). */
struct mse_bytes mse_json_key(const struct mse_json *json, const struct mse_json_value *v);

/* Typed members; each is an error (MSE_ERR_MISSING or MSE_ERR_VALUE, with offset) if not right. */
MSE_MUST_CHECK bool mse_json_get_object(const struct mse_json *json,
                                        const struct mse_json_value *object, const char *name,
                                        const struct mse_json_value **out, struct mse_error *err);
MSE_MUST_CHECK bool mse_json_get_array(const struct mse_json *json,
                                       const struct mse_json_value *object, const char *name,
                                       const struct mse_json_value **out, struct mse_error *err);
/* An integer in [min, max]. */
MSE_MUST_CHECK bool mse_json_get_integer(const struct mse_json *json,
                                         const struct mse_json_value *object, const char *name,
                                         int64_t min, int64_t max, int64_t *out,
                                         struct mse_error *err);
/* A string without escapes, borrowed from the input. */
MSE_MUST_CHECK bool mse_json_get_plain(const struct mse_json *json,
                                       const struct mse_json_value *object, const char *name,
                                       struct mse_bytes *out, struct mse_error *err);
/* Exactly len bytes of hex. */
MSE_MUST_CHECK bool mse_json_get_hex(const struct mse_json *json,
                                     const struct mse_json_value *object, const char *name,
                                     uint8_t *out, size_t len, struct mse_error *err);
/* RFC 3339 instant. */
MSE_MUST_CHECK bool mse_json_get_time(const struct mse_json *json,
                                      const struct mse_json_value *object, const char *name,
                                      int64_t *out, struct mse_error *err);
MSE_MUST_CHECK bool mse_json_value_integer(const struct mse_json *json,
                                           const struct mse_json_value *v, int64_t min, int64_t max,
                                           int64_t *out, struct mse_error *err);
/* Unescaped text with a final NUL, owned by the caller; embedded NUL is an error. */
MSE_MUST_CHECK bool mse_json_value_text(const struct mse_json *json, const struct mse_json_value *v,
                                        char **out, struct mse_error *err);

/* Writer: commas and indentation are its job; 2 spaces per level, or compact when indent is 0. */
struct mse_json_writer {
    struct mse_writer *to;
    unsigned indent;
    unsigned depth;
    bool need_comma[MSE_JSON_DEPTH];
};

struct mse_json_writer mse_json_writer_init(struct mse_writer *to, unsigned indent);
/* key is NULL inside an array and at the root. */
void mse_json_open_object(struct mse_json_writer *w, const char *key);
void mse_json_open_array(struct mse_json_writer *w, const char *key);
void mse_json_close_object(struct mse_json_writer *w);
void mse_json_close_array(struct mse_json_writer *w);
void mse_json_put_text(struct mse_json_writer *w, const char *key, const char *text);
/* Bytes from outside that may not be UTF-8: invalid bytes become U+FFFD. */
void mse_json_put_bytes_text(struct mse_json_writer *w, const char *key, struct mse_bytes text);
/* A value that is JSON text already: as it is. */
void mse_json_put_json(struct mse_json_writer *w, const char *key, struct mse_bytes json);
void mse_json_put_hex(struct mse_json_writer *w, const char *key, const uint8_t *data, size_t len);
void mse_json_put_integer(struct mse_json_writer *w, const char *key, int64_t v);
void mse_json_put_unsigned(struct mse_json_writer *w, const char *key, uint64_t v);
void mse_json_put_bool(struct mse_json_writer *w, const char *key, bool v);
void mse_json_put_null(struct mse_json_writer *w, const char *key);
void mse_json_put_time(struct mse_json_writer *w, const char *key, int64_t t);

#endif
