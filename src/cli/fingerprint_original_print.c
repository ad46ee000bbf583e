/* SPDX-License-Identifier: Apache-2.0 */
/* Text and JSON of the original's fingerprint. */
#include <inttypes.h>

#include "base/encode.h"
#include "base/json.h"
#include "cli/fingerprint_input.h"
#include "cli/fingerprint_original.h"
#include "cli/fingerprint_print.h"
#include "crypto/hash.h"

/* ---- text ---- */

static void put_text(struct mse_writer *out, const char *name, const char *text)
{
    char shown[4 * 4096 + 1];

    mse_write_format(out, "%-11s %s\n", name,
                     mse_escape(MSE_CSTR_BYTES(text), shown, sizeof(shown)));
}

static void put_hex(struct mse_writer *out, const char *name, const uint8_t digest[static 32])
{
    char hex[65];

    mse_hex_write(digest, 32, hex);
    mse_write_format(out, "%-11s %s\n", name, hex);
}

static void put_file(struct mse_writer *out, const struct mse_original_file *file)
{
    char hex[65], shown[4 * MSE_TREE_MAX_PATH + 1];

    mse_hex_write(file->sha256, sizeof(file->sha256), hex);
    mse_write_format(out, "file        %s %s\n", hex,
                     mse_escape(MSE_CSTR_BYTES(file->name), shown, sizeof(shown)));
}

/* Each argument ends with a NUL; the writer was checked. */
static const char *next_argument(const struct mse_writer *arguments, size_t *at)
{
    const char *argument = (const char *)arguments->data + *at;

    if (*at >= arguments->len)
        return NULL;
    *at += strlen(argument) + 1;
    return argument;
}

static void explain(const struct original_report *r, struct mse_writer *out)
{
    const struct mse_original *o = r->result;
    uint8_t digest[32];
    const char *argument;

    put_hex(out, "fingerprint", o->mrenclave);
    put_text(out, "directory", o->directory);
    put_text(out, "interpreter", o->entrypoint);
    put_text(out, "Gramine", o->gramine);
    for (size_t at = 0; (argument = next_argument(&o->arguments, &at)) != NULL;)
        put_text(out, "argument", argument);
    put_text(out, "code", o->app_dir);
    for (size_t i = 0; i < r->files->count; i++) {
        if (!r->files->of[i].hidden)
            put_file(out, &r->files->of[i]);
    }
    mse_sha256(mse_writer_bytes(&o->manifest_sgx), digest);
    put_hex(out, "manifest", digest);
    mse_write_format(out, "size        %s\n", r->size);
    mse_write_format(out, "threads     %" PRIu32 "\n", o->settings.max_threads);
    for (size_t i = 0; i < o->layout.count; i++) {
        const struct mse_enclave_area *area = &o->layout.areas[i];
        char hex[65];

        mse_hex_write(area->digest_after, sizeof(area->digest_after), hex);
        mse_write_format(out, "area        %-9s 0x%012" PRIx64 " %12" PRIu64 " %s\n", area->name,
                         area->start, area->size, hex);
    }
}

void original_print_text(const struct original_report *r, bool with_explanation,
                         struct mse_writer *out)
{
    char hex[65], shown[4 * MSE_TREE_MAX_PATH + 1];

    for (size_t i = 0; i < r->difference_count; i++)
        mse_write_format(out, "%-7s %s\n", code_change_name(r->differences[i].change),
                         mse_escape(MSE_CSTR_BYTES(r->differences[i].path), shown, sizeof(shown)));
    if (r->difference_count > 0)
        return;
    mse_hex_write(r->result->mrenclave, sizeof(r->result->mrenclave), hex);
    if (with_explanation)
        explain(r, out);
    else
        mse_write_format(out, "%s\n", hex);
}

/* ---- JSON ---- */

static void json_differences(const struct original_report *r, struct mse_json_writer *w)
{
    mse_json_open_array(w, "differences");
    for (size_t i = 0; i < r->difference_count; i++) {
        mse_json_open_object(w, NULL);
        mse_json_put_text(w, "change", code_change_name(r->differences[i].change));
        mse_json_put_text(w, "path", r->differences[i].path);
        mse_json_close_object(w);
    }
    mse_json_close_array(w);
}

static void json_files(const struct original_report *r, struct mse_json_writer *w)
{
    mse_json_open_array(w, "files");
    for (size_t i = 0; i < r->files->count; i++) {
        const struct mse_original_file *file = &r->files->of[i];

        if (file->hidden)
            continue;
        mse_json_open_object(w, NULL);
        mse_json_put_text(w, "name", file->name);
        mse_json_put_unsigned(w, "size", file->size);
        mse_json_put_hex(w, "sha256", file->sha256, sizeof(file->sha256));
        mse_json_close_object(w);
    }
    mse_json_close_array(w);
}

static void json_explain(const struct original_report *r, struct mse_json_writer *w)
{
    const struct mse_original *o = r->result;
    uint8_t digest[32];
    const char *argument;

    mse_json_put_text(w, "directory", o->directory);
    mse_json_put_text(w, "interpreter", o->entrypoint);
    mse_json_put_text(w, "gramine", o->gramine);
    mse_json_open_array(w, "arguments");
    for (size_t at = 0; (argument = next_argument(&o->arguments, &at)) != NULL;)
        mse_json_put_text(w, NULL, argument);
    mse_json_close_array(w);
    mse_json_put_text(w, "app_dir", o->app_dir);
    json_files(r, w);
    mse_sha256(mse_writer_bytes(&o->manifest_sgx), digest);
    mse_json_put_hex(w, "manifest_sha256", digest, sizeof(digest));
    mse_json_put_text(w, "size", r->size);
    mse_json_put_unsigned(w, "threads", o->settings.max_threads);
    fingerprint_put_areas(w, &o->layout);
}

void original_print_json(const struct original_report *r, bool with_explanation,
                         struct mse_writer *out)
{
    struct mse_json_writer w = mse_json_writer_init(out, 2);

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", "mse-original-fingerprint-v1");
    if (r->compared)
        json_differences(r, &w);
    if (r->difference_count == 0) {
        mse_json_put_hex(&w, "fingerprint", r->result->mrenclave, sizeof(r->result->mrenclave));
        mse_json_put_text(&w, "tee", "sgx");
        if (with_explanation)
            json_explain(r, &w);
    }
    mse_json_close_object(&w);
    mse_write_text(out, "\n");
}
