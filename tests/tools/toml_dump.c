/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what the TOML reader makes of documents (see frames.h): each value is a JSON array of its
 * type and its content; a table is an array of pairs, in their order.
 */
#include <inttypes.h>

#include "base/json.h"
#include "base/toml.h"
#include "frames.h"

static void put_text(struct mse_writer *w, const char *text, size_t len)
{
    struct mse_json_writer json = mse_json_writer_init(w, 0);

    mse_json_put_bytes_text(&json, NULL, (struct mse_bytes){ (const uint8_t *)text, len });
}

static void put_value(struct mse_writer *w, const struct mse_toml_value *v);

static void put_children(struct mse_writer *w, const struct mse_toml_value *v)
{
    mse_write_text(w, v->type == MSE_TOML_TABLE ? "[\"table\",[" : "[\"array\",[");
    for (size_t i = 0; i < v->count; i++) {
        const struct mse_toml_value *child = v->children[i];

        mse_write_text(w, i > 0 ? "," : "");
        if (v->type == MSE_TOML_TABLE) {
            if (mse_toml_member(v, child->key) != child)
                abort();
            mse_write_text(w, "[");
            put_text(w, child->key, child->key_len);
            mse_write_text(w, ",");
        }
        put_value(w, child);
        mse_write_text(w, v->type == MSE_TOML_TABLE ? "]" : "");
    }
    mse_write_text(w, "]]");
}

static void put_value(struct mse_writer *w, const struct mse_toml_value *v)
{
    switch (v->type) {
    case MSE_TOML_TABLE:
    case MSE_TOML_ARRAY:
        put_children(w, v);
        return;
    case MSE_TOML_STRING:
    case MSE_TOML_DATETIME:
        mse_write_text(w, v->type == MSE_TOML_STRING ? "[\"string\"," : "[\"datetime\",");
        put_text(w, v->text, v->text_len);
        mse_write_text(w, "]");
        return;
    case MSE_TOML_INTEGER:
        mse_write_format(w, "[\"integer\",\"%" PRId64 "\"]", v->integer);
        return;
    case MSE_TOML_FLOAT:
        mse_write_format(w, "[\"float\",\"%.17g\"]", v->real);
        return;
    case MSE_TOML_BOOLEAN:
        mse_write_format(w, "[\"boolean\",%s]", v->boolean ? "true" : "false");
        return;
    }
    abort();
}

int main(void)
{
    uint8_t *data;
    size_t len;

    while (next_frame(&data, &len)) {
        struct mse_error err = { 0 };
        struct mse_toml_value *root;
        struct mse_writer w = { 0 };

        if (mse_toml_parse((struct mse_bytes){ data, len }, &root, &err)) {
            put_value(&w, root);
            answer(mse_writer_take_text(&w), &err);
        } else {
            answer(NULL, &err);
        }
        mse_toml_free(root);
        free(data);
    }
    return 0;
}
