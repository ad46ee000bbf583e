/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows the text that manifests are written as (see frames.h), as a JSON string. A document begins
 * with a line of its own: "write"; or "1.9" or "1.5": with the defaults of these rules.
 */
#include "base/json.h"
#include "frames.h"
#include "measure/manifest.h"

#define LIBOS "/pkg/libsysdb.so"

/* Takes the first line off, if it is this one. */
static bool take_line(struct mse_bytes *in, const char *line)
{
    size_t len = strlen(line);

    if (in->len <= len || memcmp(in->data, line, len) != 0 || in->data[len] != '\n')
        return false;
    in->data += len + 1;
    in->len -= len + 1;
    return true;
}

static bool rewrite(struct mse_bytes in, struct mse_writer *out, struct mse_error *err)
{
    bool only_write = take_line(&in, "write");
    bool old = !only_write && take_line(&in, "1.5");
    struct mse_manifest manifest;
    bool ok;

    if (!only_write && !old && !take_line(&in, "1.9"))
        abort();
    ok = mse_manifest_parse(in, old ? MSE_GRAMINE_1_5 : MSE_GRAMINE_1_9, &manifest, err) &&
         (only_write || mse_manifest_add_defaults(&manifest, LIBOS, err));
    if (ok)
        mse_manifest_write(&manifest, out);
    mse_manifest_cleanup(&manifest);
    return ok;
}

int main(void)
{
    uint8_t *data;
    size_t len;

    while (next_frame(&data, &len)) {
        struct mse_error err = { 0 };
        struct mse_writer text = { 0 }, w = { 0 };
        struct mse_json_writer json = mse_json_writer_init(&w, 0);

        if (rewrite((struct mse_bytes){ data, len }, &text, &err)) {
            if (!mse_writer_ok(&text))
                abort();
            mse_json_put_bytes_text(&json, NULL, mse_writer_bytes(&text));
            answer(mse_writer_take_text(&w), &err);
        } else {
            answer(NULL, &err);
        }
        mse_writer_cleanup(&text);
        mse_writer_cleanup(&w);
        free(data);
    }
    return 0;
}
