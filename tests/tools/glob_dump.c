/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what the original's .mseignore leaves out (see frames.h). A document is the content of a
 * .mseignore, an octet 0xff, and names, each with a final NUL. The answer has a digit for each, 1
 * where it is left out.
 */
#include "frames.h"
#include "package/ignore_glob.h"

static char *decide_all(const struct mse_ignore *ignore, struct mse_bytes names,
                        struct mse_error *err)
{
    struct mse_writer w = { 0 };
    const uint8_t *end = names.data + names.len;
    bool ok = true;

    for (const uint8_t *at = names.data; ok && at < end; at += strlen((const char *)at) + 1) {
        bool ignored = false;

        ok = ignore->is_ignored(ignore, (const char *)at, false, &ignored, err);
        mse_write_text(&w, ignored ? "1" : "0");
    }
    if (ok)
        return mse_writer_take_text(&w);
    mse_writer_cleanup(&w);
    return NULL;
}

int main(void)
{
    uint8_t *data;
    size_t len;

    while (next_frame(&data, &len)) {
        const uint8_t *mark = memchr(data, 0xff, len);
        struct mse_ignore_glob *glob = NULL;
        struct mse_error err = { 0 };
        char *text = NULL;

        if (mark == NULL || data[len - 1] != '\0')
            abort();
        if (mse_ignore_glob_new((struct mse_bytes){ data, (size_t)(mark - data) }, &glob, &err))
            text = decide_all(mse_ignore_glob_of(glob),
                              (struct mse_bytes){ mark + 1, (size_t)(data + len - mark - 1) },
                              &err);
        answer(text, &err);
        mse_ignore_glob_free(glob);
        free(data);
    }
    return 0;
}
