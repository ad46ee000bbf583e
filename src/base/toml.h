/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0 reader: keeps the order of keys, reports line and column.
 *
 * By decision, beyond the specification: no NUL character in any text, also not by an escape; no
 * leap second; line ends inside of strings become "\n"; MSE_TOML_DEPTH levels at most.
 *
 * Why our own: Debian has no C library for it, and manifests must keep their order.
 */
#ifndef MSE_BASE_TOML_H
#define MSE_BASE_TOML_H

#include "base/bytes.h"

#define MSE_TOML_MAX_SIZE (32U << 20)
#define MSE_TOML_DEPTH 64

enum mse_toml_type {
    MSE_TOML_STRING,
    MSE_TOML_INTEGER,
    MSE_TOML_FLOAT,
    MSE_TOML_BOOLEAN,
    MSE_TOML_DATETIME, /* any of the four kinds; text keeps the source, normalised to 'T' and 'Z' */
    MSE_TOML_ARRAY,
    MSE_TOML_TABLE
};

struct mse_toml_value {
    enum mse_toml_type type;
    char *key;      /* of a table member; NULL in arrays; owned */
    size_t key_len; /* keys may hold any character but NUL */
    char *text;     /* STRING (unescaped, NUL-terminated), DATETIME; owned */
    size_t text_len;
    int64_t integer;
    double real;
    bool boolean;
    unsigned line, column;            /* of the key, or of the value in arrays; from 1 */
    struct mse_toml_value **children; /* ARRAY, TABLE: in order of first appearance; owned */
    size_t count;
};

/* The root is a TABLE. Errors have MSE_ERR_FORMAT or MSE_ERR_DUPLICATE and "line L, column C". */
MSE_MUST_CHECK bool mse_toml_parse(struct mse_bytes in, struct mse_toml_value **out,
                                   struct mse_error *err);
void mse_toml_free(struct mse_toml_value *value);
/* Member of a table by name, or NULL. */
const struct mse_toml_value *mse_toml_member(const struct mse_toml_value *table, const char *name);

#endif
