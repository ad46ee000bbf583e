/* SPDX-License-Identifier: Apache-2.0 */
/* TOML 1.0: the document, tables, arrays and what may be defined how often. */
#include "base/toml.h"

#include <stdlib.h>

#include "base/toml_parser.h"
#include "base/utf8.h"

/* ---- errors ---- */

bool mse_toml_fail(struct mse_toml_parser *p, enum mse_err_code code, size_t at, const char *what)
{
    struct mse_toml_node here = { 0 };

    mse_toml_node_place(p, &here, at);
    return mse_fail_text_at(p->err, code, at, "toml", "line %u, column %u: %s", here.value.line,
                            here.value.column, what);
}

bool mse_toml_fail_here(struct mse_toml_parser *p, const char *what)
{
    return mse_toml_fail(p, MSE_ERR_FORMAT, p->at, what);
}

static bool fail_twice(struct mse_toml_parser *p, const struct mse_toml_part *part)
{
    return mse_toml_fail(p, MSE_ERR_DUPLICATE, part->at, "this key was defined before");
}

/* ---- white space ---- */

static void skip_blanks(struct mse_toml_parser *p)
{
    while (mse_toml_peek(p, 0) == ' ' || mse_toml_peek(p, 0) == '\t')
        p->at++;
}

/* At the end of a line; the last one needs no newline. */
static bool skip_newline(struct mse_toml_parser *p)
{
    if (mse_toml_peek(p, 0) == '\r' && mse_toml_peek(p, 1) == '\n')
        p->at += 2;
    else if (mse_toml_peek(p, 0) == '\n')
        p->at++;
    else if (p->at < p->len)
        return mse_toml_fail_here(p, "the end of the line is expected");
    return true;
}

static bool end_line(struct mse_toml_parser *p)
{
    skip_blanks(p);
    if (mse_toml_peek(p, 0) == '#' && !mse_toml_skip_comment(p))
        return false;
    return skip_newline(p);
}

/* Blanks, comments and line ends: only arrays have them between their elements. */
static bool skip_lines(struct mse_toml_parser *p)
{
    for (;;) {
        int c;

        skip_blanks(p);
        c = mse_toml_peek(p, 0);
        if (c != '#' && c != '\n' && c != '\r')
            return true;
        if (!end_line(p))
            return false;
    }
}

/* ---- keys and what they may reach ---- */

/*
 * Reads one part of a dotted key. *more if a dot and another part follow; p->at is then at that
 * part, else at what is behind the key.
 */
static bool read_part(struct mse_toml_parser *p, struct mse_toml_part *part, bool *more)
{
    if (!mse_toml_read_part(p, part))
        return false;
    skip_blanks(p);
    *more = mse_toml_peek(p, 0) == '.';
    if (*more) {
        p->at++;
        skip_blanks(p);
    }
    return true;
}

/* From table to its member on the way to a [header]. */
static bool step_by_header(struct mse_toml_parser *p, struct mse_toml_node **table,
                           struct mse_toml_part *part)
{
    struct mse_toml_node *next = mse_toml_node_member(*table, part->text);

    if (next == NULL)
        next = mse_toml_node_add(p, *table, part, MSE_TOML_TABLE, MSE_TOML_PARENT);
    else if (next->origin == MSE_TOML_CLOSED)
        return fail_twice(p, part);
    else if (next->origin == MSE_TOML_ELEMENTS)
        next = mse_toml_node_last(next); /* a header is about the newest element */
    *table = next;
    return next != NULL;
}

/* From table to its member by a dotted key, which may not reach into what has a header. */
static bool step_by_dot(struct mse_toml_parser *p, struct mse_toml_node **table,
                        struct mse_toml_part *part)
{
    struct mse_toml_node *next = mse_toml_node_member(*table, part->text);

    if (next == NULL)
        next = mse_toml_node_add(p, *table, part, MSE_TOML_TABLE, MSE_TOML_DOTTED);
    else if (next->origin != MSE_TOML_DOTTED && next->origin != MSE_TOML_PARENT)
        return fail_twice(p, part);
    if (next != NULL)
        next->origin = MSE_TOML_DOTTED;
    *table = next;
    return next != NULL;
}

/* ---- values ---- */

static bool read_value(struct mse_toml_parser *p, struct mse_toml_node *into);

/* key = value, into table; dotted keys make tables on the way. */
static bool read_pair(struct mse_toml_parser *p, struct mse_toml_node *table)
{
    struct mse_toml_node *value = NULL;
    bool more = true;

    while (more) {
        MSE_CLEANUP(mse_toml_part_cleanup) struct mse_toml_part part = { 0 };

        if (!read_part(p, &part, &more))
            return false;
        if (more) {
            if (!step_by_dot(p, &table, &part))
                return false;
            continue;
        }
        if (mse_toml_node_member(table, part.text) != NULL)
            return fail_twice(p, &part);
        value = mse_toml_node_add(p, table, &part, MSE_TOML_BOOLEAN, MSE_TOML_CLOSED);
        if (value == NULL)
            return false;
    }
    if (mse_toml_peek(p, 0) != '=')
        return mse_toml_fail_here(p, "'=' is expected");
    p->at++;
    skip_blanks(p);
    return read_value(p, value);
}

/* At '['. */
static bool read_array(struct mse_toml_parser *p, struct mse_toml_node *into)
{
    into->value.type = MSE_TOML_ARRAY;
    p->at++;
    for (;;) {
        struct mse_toml_node *element;

        if (!skip_lines(p))
            return false;
        if (mse_toml_peek(p, 0) == ']')
            break;
        element = mse_toml_node_add(p, into, NULL, MSE_TOML_BOOLEAN, MSE_TOML_CLOSED);
        if (element == NULL || !read_value(p, element) || !skip_lines(p))
            return false;
        if (mse_toml_peek(p, 0) == ']')
            break;
        if (mse_toml_peek(p, 0) != ',')
            return mse_toml_fail_here(p, "',' or ']' is expected");
        p->at++;
    }
    p->at++;
    return true;
}

/* At '{'. One line, no comma before the end. */
static bool read_inline_table(struct mse_toml_parser *p, struct mse_toml_node *into)
{
    into->value.type = MSE_TOML_TABLE;
    p->at++;
    skip_blanks(p);
    if (mse_toml_peek(p, 0) == '}') {
        p->at++;
        return true;
    }
    for (;;) {
        skip_blanks(p);
        if (!read_pair(p, into))
            return false;
        skip_blanks(p);
        if (mse_toml_peek(p, 0) == '}')
            break;
        if (mse_toml_peek(p, 0) != ',')
            return mse_toml_fail_here(p, "',' or '}' is expected");
        p->at++;
    }
    p->at++;
    return true;
}

static bool read_boolean(struct mse_toml_parser *p, struct mse_toml_value *out)
{
    out->type = MSE_TOML_BOOLEAN;
    out->boolean = mse_toml_peek(p, 0) == 't';
    for (const char *word = out->boolean ? "true" : "false"; *word != '\0'; word++) {
        if (mse_toml_peek(p, 0) != *word)
            return mse_toml_fail_here(p, "not a value");
        p->at++;
    }
    return true;
}

static bool read_value(struct mse_toml_parser *p, struct mse_toml_node *into)
{
    int c = mse_toml_peek(p, 0);

    if (c == '"' || c == '\'') {
        into->value.type = MSE_TOML_STRING;
        return mse_toml_read_string(p, true, &into->value.text, &into->value.text_len);
    }
    if (c == '[')
        return read_array(p, into);
    if (c == '{')
        return read_inline_table(p, into);
    if (c == 't' || c == 'f')
        return read_boolean(p, &into->value);
    if (mse_toml_is_datetime(p))
        return mse_toml_read_datetime(p, &into->value);
    if (mse_toml_is_digit(c) || c == '+' || c == '-' || c == 'i' || c == 'n')
        return mse_toml_read_number(p, &into->value);
    return mse_toml_fail_here(p, "a value is expected");
}

/* ---- headers ---- */

/* The last part of [header]. */
static bool define_table(struct mse_toml_parser *p, struct mse_toml_node **table,
                         struct mse_toml_part *part)
{
    struct mse_toml_node *old = mse_toml_node_member(*table, part->text);

    if (old == NULL) {
        *table = mse_toml_node_add(p, *table, part, MSE_TOML_TABLE, MSE_TOML_HEADER);
        return *table != NULL;
    }
    if (old->origin != MSE_TOML_PARENT)
        return fail_twice(p, part);
    old->origin = MSE_TOML_HEADER;
    mse_toml_node_place(p, old, part->at);
    *table = old;
    return true;
}

/* The last part of [[header]]. */
static bool define_element(struct mse_toml_parser *p, struct mse_toml_node **table,
                           struct mse_toml_part *part)
{
    struct mse_toml_node *array = mse_toml_node_member(*table, part->text);
    size_t at = part->at;

    if (array == NULL)
        array = mse_toml_node_add(p, *table, part, MSE_TOML_ARRAY, MSE_TOML_ELEMENTS);
    else if (array->origin != MSE_TOML_ELEMENTS)
        return fail_twice(p, part);
    if (array == NULL)
        return false;
    *table = mse_toml_node_add(p, array, NULL, MSE_TOML_TABLE, MSE_TOML_HEADER);
    if (*table == NULL)
        return false;
    mse_toml_node_place(p, *table, at);
    return true;
}

/* At '['. *table becomes what the lines below belong to. */
static bool read_header(struct mse_toml_parser *p, struct mse_toml_node *root,
                        struct mse_toml_node **table)
{
    bool element = mse_toml_peek(p, 1) == '[';
    bool more = true;

    *table = root;
    p->at += element ? 2 : 1;
    skip_blanks(p);
    while (more) {
        MSE_CLEANUP(mse_toml_part_cleanup) struct mse_toml_part part = { 0 };
        bool ok;

        if (!read_part(p, &part, &more))
            return false;
        if (more)
            ok = step_by_header(p, table, &part);
        else
            ok = element ? define_element(p, table, &part) : define_table(p, table, &part);
        if (!ok)
            return false;
    }
    if (mse_toml_peek(p, 0) != ']' || (element && mse_toml_peek(p, 1) != ']'))
        return mse_toml_fail_here(p, element ? "']]' is expected" : "']' is expected");
    p->at += element ? 2 : 1;
    return true;
}

/* ---- document ---- */

static bool check_utf8(struct mse_toml_parser *p)
{
    size_t at = 0;

    while (at < p->len) {
        size_t n = p->data[at] < 0x80 ? 1 : mse_utf8_length(p->data + at, p->len - at);

        if (n == 0)
            return mse_toml_fail(p, MSE_ERR_FORMAT, at, "invalid UTF-8");
        at += n;
    }
    return true;
}

static bool read_document(struct mse_toml_parser *p, struct mse_toml_node *root)
{
    struct mse_toml_node *table = root;

    if (!check_utf8(p))
        return false;
    while (p->at < p->len) {
        int c;

        skip_blanks(p);
        c = mse_toml_peek(p, 0);
        if (c == '[') {
            if (!read_header(p, root, &table))
                return false;
        } else if (c != -1 && c != '\n' && c != '\r' && c != '#') {
            if (!read_pair(p, table))
                return false;
        }
        if (!end_line(p))
            return false;
    }
    return true;
}

bool mse_toml_parse(struct mse_bytes in, struct mse_toml_value **out, struct mse_error *err)
{
    struct mse_toml_parser p = {
        .data = in.data, .len = in.len, .mark_line = 1, .mark_column = 1, .err = err
    };
    struct mse_toml_node *root;

    *out = NULL;
    if (in.len > MSE_TOML_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, "toml", "larger than %u bytes", MSE_TOML_MAX_SIZE);
    root = calloc(1, sizeof(*root));
    if (root == NULL)
        return mse_fail_memory(err);
    root->value.type = MSE_TOML_TABLE;
    root->value.line = 1;
    root->value.column = 1;
    root->origin = MSE_TOML_HEADER;
    if (!read_document(&p, root)) {
        mse_toml_free(&root->value);
        return false;
    }
    *out = &root->value;
    return true;
}
