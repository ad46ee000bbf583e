/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a TOML tree, or making one. What is added has no line and column. */
#ifndef MSE_BASE_TOML_EDIT_H
#define MSE_BASE_TOML_EDIT_H

#include "base/toml.h"

/* An empty table that is nobody's member; mse_toml_free. NULL when memory is out. */
struct mse_toml_value *mse_toml_new(void);
/*
 * A new last child of a table (which must not have that key) or an array; its parent owns it. It
 * holds nothing yet: 0, false, no text, no children. NULL when memory is out or the parent is
 * MSE_TOML_DEPTH deep.
 */
struct mse_toml_value *mse_toml_add(struct mse_toml_value *table, const char *key,
                                    enum mse_toml_type type);
struct mse_toml_value *mse_toml_append(struct mse_toml_value *array, enum mse_toml_type type);
/* Drops what the value holds; it keeps its place and its key and becomes an empty one of type. */
void mse_toml_reset(struct mse_toml_value *value, enum mse_toml_type type);
/* Of a STRING or DATETIME; a copy is made. False when memory is out. */
MSE_MUST_CHECK bool mse_toml_set_text(struct mse_toml_value *value, const char *text);
/* As mse_toml_member, but to be changed. */
struct mse_toml_value *mse_toml_member_to_change(struct mse_toml_value *table, const char *key);

#endif
