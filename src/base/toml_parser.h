/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the TOML reader share; nothing outside of it includes this. */
#ifndef MSE_BASE_TOML_PARSER_H
#define MSE_BASE_TOML_PARSER_H

#include "base/toml.h"

struct mse_toml_parser {
    const uint8_t *data;
    size_t len;
    size_t at;
    size_t values; /* made so far */
    /* A place whose line and column are known. Places are asked for in ascending order. */
    size_t mark;
    unsigned mark_line, mark_column;
    struct mse_error *err;
};

/* How a value came to be decides what may still be added to it (TOML 1.0, "Table"). */
enum mse_toml_origin {
    MSE_TOML_CLOSED,  /* anything after "=": complete where it stands */
    MSE_TOML_HEADER,  /* a table with a [header] of its own */
    MSE_TOML_PARENT,  /* only named on the way to another header: may still get its own */
    MSE_TOML_DOTTED,  /* made by a dotted key: may get more of them, but no header */
    MSE_TOML_ELEMENTS /* the array behind [[header]] */
};

struct mse_toml_node {
    struct mse_toml_value value; /* first: what callers see points to the node */
    enum mse_toml_origin origin;
    unsigned depth;
    size_t room;   /* in value.children */
    void *members; /* tsearch() tree of the children of a table, by key */
};

/* One part of a dotted key; text is owned by whoever has the part. */
struct mse_toml_part {
    char *text;
    size_t len;
    size_t at;
};

/* The byte at p->at + ahead, or -1 past the end. */
static inline int mse_toml_peek(const struct mse_toml_parser *p, size_t ahead)
{
    return ahead < p->len - p->at ? p->data[p->at + ahead] : -1;
}

static inline bool mse_toml_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* Both return false. at is an offset; the message gets line and column. */
bool mse_toml_fail(struct mse_toml_parser *p, enum mse_err_code code, size_t at, const char *what);
bool mse_toml_fail_here(struct mse_toml_parser *p, const char *what);

/* ---- toml_node.c ---- */

/*
 * A new last child, of a table if part is given (its text is taken), else of an array. NULL after a
 * failure. The parent owns it. No member of that name may exist.
 */
struct mse_toml_node *mse_toml_node_add(struct mse_toml_parser *p, struct mse_toml_node *parent,
                                        struct mse_toml_part *part, enum mse_toml_type type,
                                        enum mse_toml_origin origin);
struct mse_toml_node *mse_toml_node_member(const struct mse_toml_node *table, const char *name);
struct mse_toml_node *mse_toml_node_last(const struct mse_toml_node *array);
/* Line and column of the offset at become those of the node. */
void mse_toml_node_place(struct mse_toml_parser *p, struct mse_toml_node *node, size_t at);

/* ---- toml_string.c ---- */

/* At a quote. *out is owned by the caller (free), NUL-terminated, NULL after a failure. */
MSE_MUST_CHECK bool mse_toml_read_string(struct mse_toml_parser *p, bool many_lines, char **out,
                                         size_t *len);
/* One bare or quoted part of a key; on failure out holds nothing. */
MSE_MUST_CHECK bool mse_toml_read_part(struct mse_toml_parser *p, struct mse_toml_part *out);
/* At '#': moves to the end of the line. */
MSE_MUST_CHECK bool mse_toml_skip_comment(struct mse_toml_parser *p);
void mse_toml_part_cleanup(struct mse_toml_part *part);

/* ---- toml_number.c, toml_datetime.c ---- */

MSE_MUST_CHECK bool mse_toml_read_number(struct mse_toml_parser *p, struct mse_toml_value *out);
/* True if a date or a time begins here. */
bool mse_toml_is_datetime(const struct mse_toml_parser *p);
MSE_MUST_CHECK bool mse_toml_read_datetime(struct mse_toml_parser *p, struct mse_toml_value *out);

#endif
