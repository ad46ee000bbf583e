/* SPDX-License-Identifier: Apache-2.0 */
/* TOML: the tree is sound, and what is written from it reads as the same tree. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void write_string(struct mse_writer *w, const char *text, size_t len)
{
    require(strlen(text) == len);
    mse_write_u8(w, '"');
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];

        if (c < 0x20 || c == 0x7f)
            mse_write_format(w, "\\u%04x", (unsigned)c);
        else if (c == '"' || c == '\\')
            mse_write_format(w, "\\%c", c);
        else
            mse_write_u8(w, c);
    }
    mse_write_u8(w, '"');
}

static void write_float(struct mse_writer *w, double v)
{
    if (isnan(v))
        mse_write_text(w, "nan");
    else if (isinf(v))
        mse_write_text(w, v < 0 ? "-inf" : "inf");
    else
        mse_write_format(w, "%.17e", v);
}

static void write_value(struct mse_writer *w, const struct mse_toml_value *v, unsigned depth);

/* Members as inline tables have them; at the top, one a line. */
static void write_children(struct mse_writer *w, const struct mse_toml_value *v, unsigned depth)
{
    require(depth <= MSE_TOML_DEPTH);
    for (size_t i = 0; i < v->count; i++) {
        const struct mse_toml_value *child = v->children[i];

        require(child->line > 0 && child->column > 0);
        mse_write_text(w, i == 0 ? "" : depth == 0 ? "\n" : ", ");
        require((child->key != NULL) == (v->type == MSE_TOML_TABLE));
        if (child->key != NULL) {
            require(mse_toml_member(v, child->key) == child);
            write_string(w, child->key, child->key_len);
            mse_write_text(w, " = ");
        }
        write_value(w, child, depth + 1);
    }
}

static void write_value(struct mse_writer *w, const struct mse_toml_value *v, unsigned depth)
{
    switch (v->type) {
    case MSE_TOML_STRING:
        write_string(w, v->text, v->text_len);
        break;
    case MSE_TOML_INTEGER:
        mse_write_format(w, "%" PRId64, v->integer);
        break;
    case MSE_TOML_FLOAT:
        write_float(w, v->real);
        break;
    case MSE_TOML_BOOLEAN:
        mse_write_text(w, v->boolean ? "true" : "false");
        break;
    case MSE_TOML_DATETIME:
        require(strlen(v->text) == v->text_len);
        mse_write_text(w, v->text);
        break;
    case MSE_TOML_ARRAY:
        mse_write_text(w, "[");
        write_children(w, v, depth);
        mse_write_text(w, "]");
        break;
    case MSE_TOML_TABLE:
        mse_write_text(w, "{");
        write_children(w, v, depth);
        mse_write_text(w, "}");
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_error err = { 0 };
    struct mse_toml_value *root;
    struct mse_toml_value *again;
    struct mse_writer w = { 0 };
    struct mse_writer w2 = { 0 };

    if (!mse_toml_parse((struct mse_bytes){ data, size }, &root, &err)) {
        require(root == NULL && err.code != MSE_ERR_NONE && err.offset <= size);
        return 0;
    }
    write_children(&w, root, 0);
    require(mse_writer_ok(&w));
    if (w.len <= MSE_TOML_MAX_SIZE) {
        require(mse_toml_parse(mse_writer_bytes(&w), &again, &err));
        write_children(&w2, again, 0);
        require(mse_bytes_equal(mse_writer_bytes(&w), mse_writer_bytes(&w2)));
        mse_toml_free(again);
    }
    mse_writer_cleanup(&w);
    mse_writer_cleanup(&w2);
    mse_toml_free(root);
    return 0;
}
