/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: spans nest inside the input, and what is written from a document reads the same again. */
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

/* Every child lies inside its container, behind its brother, and there are as many as it says. */
static void check_container(const struct mse_json *json, const struct mse_json_value *v)
{
    uint32_t end = v->start + 1;
    uint32_t count = 0;

    for (const struct mse_json_value *c = mse_json_first(json, v); c != NULL;
         c = mse_json_next(json, v, c)) {
        require(c->start >= end && c->start <= c->end && c->end < v->end);
        require(c > v && c->next <= v->next && c->next > (uint32_t)(c - json->values));
        if (v->type == MSE_JSON_OBJECT)
            require(c->key_start > v->start && c->key_start <= c->key_end && c->key_end < c->start);
        else
            require(c->key_start == c->key_end);
        end = c->end;
        count++;
    }
    require(count == v->count);
}

static void check_values(const struct mse_json *json)
{
    require(json->count > 0 && json->values[0].next == json->count);
    for (size_t i = 0; i < json->count; i++) {
        const struct mse_json_value *v = &json->values[i];

        require(v->start <= v->end && v->end <= json->in.len);
        require(v->next > i && v->next <= json->count);
        if (v->type == MSE_JSON_ARRAY || v->type == MSE_JSON_OBJECT)
            check_container(json, v);
        else
            require(v->next == i + 1 && v->count == 0);
    }
}

/* Compact, everything else as it was. */
static void write_value(struct mse_writer *w, const struct mse_json *json,
                        const struct mse_json_value *v)
{
    struct mse_bytes span = mse_json_span(json, v);
    bool object = v->type == MSE_JSON_OBJECT;
    bool comma = false;

    if (v->type != MSE_JSON_ARRAY && !object) {
        mse_write_text(w, v->type == MSE_JSON_STRING ? "\"" : "");
        mse_write_bytes(w, span.data, span.len);
        mse_write_text(w, v->type == MSE_JSON_STRING ? "\"" : "");
        return;
    }
    mse_write_text(w, object ? "{" : "[");
    for (const struct mse_json_value *c = mse_json_first(json, v); c != NULL;
         c = mse_json_next(json, v, c)) {
        mse_write_text(w, comma ? "," : "");
        comma = true;
        if (object) {
            struct mse_bytes key = mse_json_key(json, c);

            mse_write_u8(w, '"');
            mse_write_bytes(w, key.data, key.len);
            mse_write_text(w, "\":");
        }
        write_value(w, json, c);
    }
    mse_write_text(w, object ? "}" : "]");
}

/* A text that was unescaped, written and read again is the same text. */
static void check_text(const struct mse_json *json, const struct mse_json_value *v)
{
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    struct mse_json_writer writer = mse_json_writer_init(&w, 2);
    struct mse_json again;
    char *text;
    char *same;

    if (!mse_json_value_text(json, v, &text, &err)) {
        require(text == NULL && err.code == MSE_ERR_VALUE);
        return;
    }
    mse_json_put_text(&writer, NULL, text);
    require(mse_writer_ok(&w));
    require(mse_json_parse(mse_writer_bytes(&w), &again, &err));
    require(mse_json_value_text(&again, again.values, &same, &err));
    require(strcmp(text, same) == 0);
    mse_json_cleanup(&again);
    mse_writer_cleanup(&w);
    free(text);
    free(same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_error err = { 0 };
    struct mse_json json;
    struct mse_json again;
    struct mse_writer w = { 0 };
    struct mse_writer w2 = { 0 };

    if (!mse_json_parse((struct mse_bytes){ data, size }, &json, &err)) {
        require(err.code != MSE_ERR_NONE && err.offset <= size && json.values == NULL);
        return 0;
    }
    check_values(&json);
    for (size_t i = 0; i < json.count && i < 100; i++)
        check_text(&json, &json.values[i]);
    write_value(&w, &json, json.values);
    require(mse_writer_ok(&w) && w.len <= size);
    require(mse_json_parse(mse_writer_bytes(&w), &again, &err) && again.count == json.count);
    write_value(&w2, &again, again.values);
    require(mse_bytes_equal(mse_writer_bytes(&w), mse_writer_bytes(&w2)));
    mse_writer_cleanup(&w);
    mse_writer_cleanup(&w2);
    mse_json_cleanup(&again);
    mse_json_cleanup(&json);
    return 0;
}
