/* SPDX-License-Identifier: Apache-2.0 */
/* Text and JSON of a fingerprint. */
#include "cli/fingerprint_print.h"

#include <inttypes.h>

#include "base/encode.h"
#include "base/json.h"

/* ---- the app manifest, word by word ---- */

typedef void each_argument(void *context, const char *argument);

/* It was measured before, so that it can be written. */
static void for_each_argument(const struct mse_app_manifest *app, each_argument *each,
                              void *context, struct mse_writer *out)
{
    struct mse_writer words = { 0 };
    struct mse_error err = { 0 };

    if (!mse_app_manifest_write(app, &words, &err))
        out->failed = true;
    for (size_t at = 0; mse_writer_ok(out) && at < words.len;) {
        const char *word = (const char *)words.data + at;

        each(context, word);
        at += strlen(word) + 1;
    }
    mse_writer_cleanup(&words);
}

static void put_json_argument(void *context, const char *argument)
{
    mse_json_put_text(context, NULL, argument);
}

static void put_text_argument(void *context, const char *argument)
{
    char shown[4 * MSE_APP_MAX_ARG + 1];

    mse_write_format(context, "argument    %s\n",
                     mse_escape(MSE_CSTR_BYTES(argument), shown, sizeof(shown)));
}

/* ---- text ---- */

static void put_hex(struct mse_writer *out, const char *name, const uint8_t *data, size_t len)
{
    char hex[2 * 48 + 1];

    mse_hex_write(data, len, hex);
    mse_write_format(out, "%-11s %s\n", name, hex);
}

static void put_shown(struct mse_writer *out, const char *name, const char *text)
{
    char shown[4 * 4096 + 1];

    mse_write_format(out, "%-11s %s\n", name,
                     mse_escape(MSE_CSTR_BYTES(text), shown, sizeof(shown)));
}

static void put_areas(struct mse_writer *out, const struct mse_enclave_layout *layout)
{
    mse_write_format(out, "pages       %" PRIu64 ", %" PRIu64 " of them measured\n",
                     layout->pages_added, layout->pages_measured);
    for (size_t i = 0; i < layout->count; i++) {
        const struct mse_enclave_area *area = &layout->areas[i];
        char hex[65];

        mse_hex_write(area->digest_after, sizeof(area->digest_after), hex);
        mse_write_format(out, "area        %-9s 0x%012" PRIx64 " %12" PRIu64 " %s\n", area->name,
                         area->start, area->size, hex);
    }
}

static void explain_text(const struct fingerprint_result *result, struct mse_writer *out)
{
    const struct mse_runtime *runtime = &result->runtime->description;

    put_hex(out, "fingerprint", result->value, sizeof(result->value));
    put_shown(out, "tee", mse_runtime_tee_name(runtime->tee));
    put_hex(out, "tree", result->code->digest, sizeof(result->code->digest));
    mse_write_format(out, "files       %zu\n", mse_tree_count(result->code->tree));
    put_hex(out, "owner", result->app->owner, sizeof(result->app->owner));
    for_each_argument(result->app, put_text_argument, out, out);
    put_hex(out, "app digest", result->app_digest, sizeof(result->app_digest));
    if (runtime->tee == MSE_RUNTIME_TDX)
        put_hex(out, "rtmr3", result->rtmr3, sizeof(result->rtmr3));
    put_shown(out, "runtime", runtime->name);
    put_shown(out, "version", runtime->version);
    put_hex(out, "digest", runtime->sha256, sizeof(runtime->sha256));
    put_shown(out, "loader", runtime->loader.path);
    put_hex(out, "", runtime->loader.sha256, sizeof(runtime->loader.sha256));
    mse_write_format(out, "size        %u MiB\n", result->app->memory);
    mse_write_format(out, "threads     %u\n", result->app->threads);
    if (result->layout != NULL)
        put_areas(out, result->layout);
}

static void put_differences(const struct code_differences *all, struct mse_writer *out)
{
    for (size_t i = 0; i < all->count; i++) {
        char shown[4 * MSE_TREE_MAX_PATH + 1];

        mse_write_format(out, "%-7s %s\n", code_change_name(all->of[i].change),
                         mse_escape(MSE_CSTR_BYTES(all->of[i].path), shown, sizeof(shown)));
    }
}

bool fingerprint_print_argv(const struct mse_app_manifest *app, struct mse_writer *out,
                            struct mse_error *err)
{
    if (!mse_app_manifest_write(app, out, err))
        return false;
    for (size_t i = 0; i < out->len; i++) {
        if (out->data[i] == '\0')
            out->data[i] = '\n';
    }
    return true;
}

void fingerprint_print_text(const struct fingerprint_result *result, bool explain,
                            struct mse_writer *out)
{
    char hex[65];

    if (result->differences != NULL && result->differences->count > 0) {
        put_differences(result->differences, out);
    } else if (result->runtime == NULL) {
        put_hex(out, "tree", result->code->digest, sizeof(result->code->digest));
    } else if (explain) {
        explain_text(result, out);
    } else {
        mse_hex_write(result->value, sizeof(result->value), hex);
        mse_write_format(out, "%s\n", hex);
    }
}

/* ---- JSON ---- */

static void put_json_runtime(struct mse_json_writer *w, const struct code_runtime *runtime)
{
    const struct mse_runtime *description = &runtime->description;

    mse_json_open_object(w, "runtime");
    mse_json_put_bytes_text(w, "file", MSE_CSTR_BYTES(runtime->file));
    mse_json_put_text(w, "name", description->name);
    mse_json_put_text(w, "version", description->version);
    mse_json_put_hex(w, "sha256", description->sha256, sizeof(description->sha256));
    mse_json_put_unsigned(w, "files", description->count);
    mse_json_open_object(w, "loader");
    mse_json_put_text(w, "path", description->loader.path);
    mse_json_put_hex(w, "sha256", description->loader.sha256, sizeof(description->loader.sha256));
    mse_json_close_object(w);
    mse_json_close_object(w);
}

void fingerprint_put_areas(struct mse_json_writer *w, const struct mse_enclave_layout *layout)
{
    mse_json_open_array(w, "areas");
    for (size_t i = 0; i < layout->count; i++) {
        const struct mse_enclave_area *area = &layout->areas[i];

        mse_json_open_object(w, NULL);
        mse_json_put_text(w, "name", area->name);
        mse_json_put_unsigned(w, "start", area->start);
        mse_json_put_unsigned(w, "size", area->size);
        mse_json_put_bool(w, "measured", area->measured);
        mse_json_put_hex(w, "digest_after", area->digest_after, sizeof(area->digest_after));
        mse_json_close_object(w);
    }
    mse_json_close_array(w);
}

static void put_json_value(struct mse_json_writer *w, const struct fingerprint_result *result,
                           bool explain, struct mse_writer *out)
{
    enum mse_runtime_tee tee = result->runtime->description.tee;

    mse_json_put_hex(w, "fingerprint", result->value, sizeof(result->value));
    mse_json_put_text(w, "tee", mse_runtime_tee_name(tee));
    if (!explain)
        return;
    mse_json_put_hex(w, "owner", result->app->owner, sizeof(result->app->owner));
    mse_json_open_array(w, "arguments");
    for_each_argument(result->app, put_json_argument, w, out);
    mse_json_close_array(w);
    mse_json_put_hex(w, "app_digest", result->app_digest, sizeof(result->app_digest));
    if (tee == MSE_RUNTIME_TDX)
        mse_json_put_hex(w, "rtmr3", result->rtmr3, sizeof(result->rtmr3));
    put_json_runtime(w, result->runtime);
    mse_json_put_unsigned(w, "memory_mib", result->app->memory);
    mse_json_put_unsigned(w, "threads", result->app->threads);
    if (result->layout != NULL) {
        mse_json_put_unsigned(w, "pages", result->layout->pages_added);
        mse_json_put_unsigned(w, "pages_measured", result->layout->pages_measured);
        fingerprint_put_areas(w, result->layout);
    }
}

void fingerprint_print_json(const struct fingerprint_result *result, bool explain,
                            struct mse_writer *out)
{
    struct mse_json_writer w = mse_json_writer_init(out, 2);
    const struct code_differences *all = result->differences;

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", "mse-fingerprint-v1");
    mse_json_put_hex(&w, "tree", result->code->digest, sizeof(result->code->digest));
    mse_json_put_unsigned(&w, "files", mse_tree_count(result->code->tree));
    if (all != NULL) {
        mse_json_open_array(&w, "differences");
        for (size_t i = 0; i < all->count; i++) {
            mse_json_open_object(&w, NULL);
            mse_json_put_text(&w, "change", code_change_name(all->of[i].change));
            mse_json_put_text(&w, "path", all->of[i].path);
            mse_json_close_object(&w);
        }
        mse_json_close_array(&w);
    }
    if (result->runtime != NULL)
        put_json_value(&w, result, explain, out);
    mse_json_close_object(&w);
    mse_write_text(out, "\n");
}

void fingerprint_print_list(const struct code_tree *code, bool json, struct mse_writer *out)
{
    struct mse_json_writer w = mse_json_writer_init(out, 2);

    if (!json) {
        mse_tree_list_write(code->tree, out);
        return;
    }
    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", "mse-file-list-v1");
    mse_json_put_hex(&w, "tree", code->digest, sizeof(code->digest));
    mse_json_open_array(&w, "files");
    for (size_t i = 0; i < mse_tree_count(code->tree); i++) {
        const struct mse_tree_entry *entry = mse_tree_at(code->tree, i);
        const char type[2] = { (char)entry->type, '\0' };

        mse_json_open_object(&w, NULL);
        mse_json_put_text(&w, "type", type);
        mse_json_put_hex(&w, "sha256", entry->sha256, sizeof(entry->sha256));
        mse_json_put_text(&w, "path", entry->path);
        mse_json_close_object(&w);
    }
    mse_json_close_array(&w);
    mse_json_close_object(&w);
    mse_write_text(out, "\n");
}
