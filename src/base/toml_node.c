/* SPDX-License-Identifier: Apache-2.0 */
/* The tree that the TOML reader builds. */
#include <search.h>
#include <stdlib.h>

#include "base/toml_parser.h"

/* A value takes some 200 bytes of memory and as little as two of the input. */
#define MAX_VALUES (1U << 20)

/* Keys hold no NUL. */
static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct mse_toml_value *)a)->key, ((const struct mse_toml_value *)b)->key);
}

static struct mse_toml_node *find(const struct mse_toml_node *table, const char *name)
{
    /* The search reads the key only; it cannot promise that in its type. */
    const struct mse_toml_value wanted = { .key = (char *)name };
    struct mse_toml_node *const *found = tfind(&wanted, &table->members, compare_keys);

    return found != NULL ? *found : NULL;
}

struct mse_toml_node *mse_toml_node_member(const struct mse_toml_node *table, const char *name)
{
    return find(table, name);
}

const struct mse_toml_value *mse_toml_member(const struct mse_toml_value *table, const char *name)
{
    const struct mse_toml_node *found = NULL;

    if (table != NULL && table->type == MSE_TOML_TABLE)
        found = find((const struct mse_toml_node *)table, name);
    return found != NULL ? &found->value : NULL;
}

struct mse_toml_node *mse_toml_node_last(const struct mse_toml_node *array)
{
    return (struct mse_toml_node *)array->value.children[array->value.count - 1];
}

/* Moves the mark back to at, in as many steps as there are bytes between: never from the start. */
static void step_back(struct mse_toml_parser *p, size_t at)
{
    bool new_line = false;

    while (p->mark > at) {
        uint8_t c = p->data[--p->mark];

        if (c == '\n') {
            p->mark_line--;
            new_line = true;
        } else if ((c & 0xc0) != 0x80) {
            p->mark_column--;
        }
    }
    if (!new_line)
        return;
    p->mark_column = 1;
    for (size_t i = at; i > 0 && p->data[i - 1] != '\n'; i--)
        p->mark_column += (p->data[i - 1] & 0xc0) != 0x80;
}

void mse_toml_node_place(struct mse_toml_parser *p, struct mse_toml_node *node, size_t at)
{
    step_back(p, at);
    for (; p->mark < at; p->mark++) {
        uint8_t c = p->data[p->mark];

        if (c == '\n') {
            p->mark_line++;
            p->mark_column = 1;
        } else if ((c & 0xc0) != 0x80) { /* columns count characters */
            p->mark_column++;
        }
    }
    node->value.line = p->mark_line;
    node->value.column = p->mark_column;
}

/* Room for one more child. */
static bool reserve(struct mse_toml_parser *p, struct mse_toml_node *parent)
{
    size_t room = parent->room != 0 ? parent->room * 2 : 4;
    struct mse_toml_value **children;

    if (parent->value.count < parent->room)
        return true;
    children = realloc(parent->value.children, room * sizeof(struct mse_toml_value *));
    if (children == NULL)
        return mse_fail_memory(p->err);
    parent->value.children = children;
    parent->room = room;
    return true;
}

static bool index_member(struct mse_toml_parser *p, struct mse_toml_node *table,
                         struct mse_toml_node *child)
{
    return tsearch(child, &table->members, compare_keys) != NULL || mse_fail_memory(p->err);
}

struct mse_toml_node *mse_toml_node_add(struct mse_toml_parser *p, struct mse_toml_node *parent,
                                        struct mse_toml_part *part, enum mse_toml_type type,
                                        enum mse_toml_origin origin)
{
    size_t at = part != NULL ? part->at : p->at;
    struct mse_toml_node *child;

    if (parent->depth == MSE_TOML_DEPTH || p->values == MAX_VALUES) {
        (void)mse_toml_fail(p, MSE_ERR_LIMIT, at,
                            p->values == MAX_VALUES ? "too many values" : "nested too deeply");
        return NULL;
    }
    if (!reserve(p, parent))
        return NULL;
    child = calloc(1, sizeof(*child));
    if (child == NULL) {
        (void)mse_fail_memory(p->err);
        return NULL;
    }
    child->value.type = type;
    child->origin = origin;
    child->depth = parent->depth + 1;
    mse_toml_node_place(p, child, at);
    parent->value.children[parent->value.count++] = &child->value;
    p->values++;
    if (part != NULL) {
        child->value.key = part->text;
        child->value.key_len = part->len;
        part->text = NULL; /* moved */
        if (!index_member(p, parent, child))
            return NULL;
    }
    return child;
}

static void keep(void *member)
{
    (void)member; /* the children own it */
}

void mse_toml_free(struct mse_toml_value *value)
{
    if (value == NULL)
        return;
    tdestroy(((struct mse_toml_node *)value)->members, keep);
    for (size_t i = 0; i < value->count; i++)
        mse_toml_free(value->children[i]); /* MSE_TOML_DEPTH deep at most */
    free(value->children);
    free(value->key);
    free(value->text);
    free(value);
}
