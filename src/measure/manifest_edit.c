/* SPDX-License-Identifier: Apache-2.0 */
/* Changing the tables of a manifest: members keep the place where they first were. */
#include "base/toml_edit.h"
#include "measure/manifest.h"

struct mse_toml_value *mse_manifest_member(struct mse_toml_value *table, const char *key)
{
    return mse_toml_member_to_change(table, key);
}

/* An empty member of that type, new or in the place of an old one. */
static struct mse_toml_value *put(struct mse_toml_value *table, const char *key,
                                  enum mse_toml_type type)
{
    struct mse_toml_value *value = mse_toml_member_to_change(table, key);

    if (value == NULL)
        return mse_toml_add(table, key, type);
    mse_toml_reset(value, type);
    return value;
}

struct mse_toml_value *mse_manifest_table(struct mse_toml_value *table, const char *key)
{
    struct mse_toml_value *value = mse_toml_member_to_change(table, key);

    return value != NULL && value->type == MSE_TOML_TABLE ? value : put(table, key, MSE_TOML_TABLE);
}

/* A string without text would be one that cannot be written. */
static struct mse_toml_value *with_text(struct mse_toml_value *value, const char *text)
{
    if (value == NULL || mse_toml_set_text(value, text))
        return value;
    mse_toml_reset(value, MSE_TOML_BOOLEAN);
    return NULL;
}

struct mse_toml_value *mse_manifest_put_text(struct mse_toml_value *table, const char *key,
                                             const char *text)
{
    return with_text(put(table, key, MSE_TOML_STRING), text);
}

struct mse_toml_value *mse_manifest_put_integer(struct mse_toml_value *table, const char *key,
                                                int64_t value)
{
    struct mse_toml_value *member = put(table, key, MSE_TOML_INTEGER);

    if (member != NULL)
        member->integer = value;
    return member;
}

struct mse_toml_value *mse_manifest_put_boolean(struct mse_toml_value *table, const char *key,
                                                bool value)
{
    struct mse_toml_value *member = put(table, key, MSE_TOML_BOOLEAN);

    if (member != NULL)
        member->boolean = value;
    return member;
}

struct mse_toml_value *mse_manifest_put_array(struct mse_toml_value *table, const char *key)
{
    return put(table, key, MSE_TOML_ARRAY);
}

struct mse_toml_value *mse_manifest_append_table(struct mse_toml_value *array)
{
    return mse_toml_append(array, MSE_TOML_TABLE);
}

struct mse_toml_value *mse_manifest_append_text(struct mse_toml_value *array, const char *text)
{
    return with_text(mse_toml_append(array, MSE_TOML_STRING), text);
}
