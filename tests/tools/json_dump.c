/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what the JSON reader makes of documents (see frames.h): the value is written again, with
 * every key and text unescaped by our reader and escaped by our writer; reals as strings "real".
 */
#include "base/json.h"
#include "base/json_text.h"
#include "frames.h"

/* Unescaped, owned by the caller; text with NUL included, which mse_json_value_text() refuses. */
static struct mse_bytes unescape(struct mse_bytes raw, bool escaped)
{
    uint8_t *text = malloc(raw.len + 1);

    if (text == NULL)
        abort();
    return (struct mse_bytes){ text,
                               mse_json_text_write((struct mse_json_text){ raw, escaped }, text) };
}

static void put_quoted(struct mse_writer *w, struct mse_bytes raw, bool escaped)
{
    struct mse_json_writer json = mse_json_writer_init(w, 0);
    struct mse_bytes text = unescape(raw, escaped);

    mse_json_put_bytes_text(&json, NULL, text);
    free((void *)text.data);
}

static void put_value(struct mse_writer *w, const struct mse_json *json,
                      const struct mse_json_value *v)
{
    struct mse_bytes span = mse_json_span(json, v);
    bool object = v->type == MSE_JSON_OBJECT;
    const struct mse_json_value *child;
    size_t count = 0;

    if (v->type == MSE_JSON_STRING) {
        put_quoted(w, span, v->escaped);
    } else if (v->type == MSE_JSON_REAL) {
        mse_write_text(w, "\"real\"");
    } else if (v->type != MSE_JSON_ARRAY && !object) {
        mse_write_bytes(w, span.data, span.len);
    } else {
        mse_write_text(w, object ? "{" : "[");
        for (child = mse_json_first(json, v); child != NULL;
             child = mse_json_next(json, v, child)) {
            mse_write_text(w, count++ > 0 ? "," : "");
            if (object) {
                put_quoted(w, mse_json_key(json, child), child->key_escaped);
                mse_write_text(w, ":");
            }
            put_value(w, json, child);
        }
        mse_write_text(w, object ? "}" : "]");
        if (count != v->count)
            abort();
    }
}

int main(void)
{
    uint8_t *data;
    size_t len;

    while (next_frame(&data, &len)) {
        struct mse_error err = { 0 };
        struct mse_json json;
        struct mse_writer w = { 0 };

        if (mse_json_parse((struct mse_bytes){ data, len }, &json, &err)) {
            put_value(&w, &json, json.values);
            answer(mse_writer_take_text(&w), &err);
        } else {
            answer(NULL, &err);
        }
        mse_json_cleanup(&json);
        free(data);
    }
    return 0;
}
