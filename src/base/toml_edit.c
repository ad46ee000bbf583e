/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a TOML tree: the same nodes that the reader makes. */
#include "base/toml_edit.h"

#include <search.h>
#include <stdlib.h>

#include "base/toml_parser.h"

struct mse_toml_value *mse_toml_new(void)
{
    struct mse_toml_node *root = calloc(1, sizeof(*root));

    if (root == NULL)
        return NULL;
    root->value.type = MSE_TOML_TABLE;
    root->origin = MSE_TOML_HEADER;
    return &root->value;
}

/* The reader's own way to make a node; there is no text to point to. */
static struct mse_toml_value *add(struct mse_toml_value *parent, struct mse_toml_part *part,
                                  enum mse_toml_type type)
{
    struct mse_error ignored = { 0 };
    struct mse_toml_parser nowhere = { .err = &ignored };
    struct mse_toml_node *child = mse_toml_node_add(&nowhere, (struct mse_toml_node *)parent, part,
                                                    type, MSE_TOML_CLOSED);

    return child != NULL ? &child->value : NULL;
}

struct mse_toml_value *mse_toml_add(struct mse_toml_value *table, const char *key,
                                    enum mse_toml_type type)
{
    MSE_CLEANUP(mse_toml_part_cleanup)
    struct mse_toml_part part = { .text = strdup(key), .len = strlen(key) };

    if (part.text == NULL)
        return NULL;
    return add(table, &part, type);
}

struct mse_toml_value *mse_toml_append(struct mse_toml_value *array, enum mse_toml_type type)
{
    return add(array, NULL, type);
}

static void keep(void *member)
{
    (void)member; /* the children own it */
}

void mse_toml_reset(struct mse_toml_value *value, enum mse_toml_type type)
{
    struct mse_toml_node *node = (struct mse_toml_node *)value;

    tdestroy(node->members, keep);
    node->members = NULL;
    for (size_t i = 0; i < value->count; i++)
        mse_toml_free(value->children[i]);
    free(value->children);
    free(value->text);
    value->children = NULL;
    value->count = 0;
    node->room = 0;
    value->text = NULL;
    value->text_len = 0;
    value->integer = 0;
    value->real = 0;
    value->boolean = false;
    value->type = type;
}

bool mse_toml_set_text(struct mse_toml_value *value, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        return false;
    free(value->text);
    value->text = copy;
    value->text_len = strlen(copy);
    return true;
}

struct mse_toml_value *mse_toml_member_to_change(struct mse_toml_value *table, const char *key)
{
    struct mse_toml_node *found = NULL;

    if (table != NULL && table->type == MSE_TOML_TABLE)
        found = mse_toml_node_member((struct mse_toml_node *)table, key);
    return found != NULL ? &found->value : NULL;
}
