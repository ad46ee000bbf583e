/* SPDX-License-Identifier: Apache-2.0 */
/* What reader and writer of contexts share: names, chains, the list of files, TOML texts. */
#include "package/context_parts.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/utf8.h"
#include "crypto/hash.h"
#include "package/values.h"

/* ---- names ---- */

static const char *const isolations[] = {
    [MSE_APP_ISOLATION_PROCESS] = "process", [MSE_APP_ISOLATION_NONE] = "none"
};

bool mse_context_isolation_read(const char *text, enum mse_app_isolation *out)
{
    for (size_t i = 0; i < sizeof(isolations) / sizeof(isolations[0]); i++) {
        if (strcmp(text, isolations[i]) == 0) {
            *out = (enum mse_app_isolation)i;
            return true;
        }
    }
    return false;
}

const char *mse_context_isolation_name(enum mse_app_isolation isolation)
{
    return isolations[isolation];
}

/* ---- chains ---- */

/* Blocks of any label, by their first line. */
static size_t count_blocks(struct mse_bytes pem)
{
    static const char begin[] = "-----BEGIN ";
    const uint8_t *at = pem.data, *end = pem.data + pem.len;
    size_t count = 0;

    while ((at = memmem(at, (size_t)(end - at), begin, sizeof(begin) - 1)) != NULL) {
        at += sizeof(begin) - 1;
        count++;
    }
    return count;
}

static bool write_chain(struct mse_bytes in, struct mse_writer *out, size_t *count,
                        struct mse_error *err)
{
    uint8_t *der = malloc(in.len + 1);
    size_t at = 0, len;
    bool more = der != NULL || mse_fail_memory(err);

    *count = 0;
    while (more) {
        len = in.len;
        more = mse_pem_next(in, &at, "CERTIFICATE", der, &len, err);
        if (more) {
            mse_pem_write(out, "CERTIFICATE", (struct mse_bytes){ der, len });
            (*count)++;
        }
    }
    free(der);
    return err->code == MSE_ERR_NONE;
}

bool mse_context_is_chain(const char *pem)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer chain = { 0 };
    struct mse_error err = { 0 };
    size_t count = 0;

    return write_chain(MSE_CSTR_BYTES(pem), &chain, &count, &err) && count > 0 &&
           count == count_blocks(MSE_CSTR_BYTES(pem));
}

bool mse_context_chain_write(const char *pem, struct mse_writer *out, struct mse_error *err)
{
    size_t count = 0;

    return write_chain(MSE_CSTR_BYTES(pem), out, &count, err);
}

/* ---- the list of files ---- */

/* "TYPE SHA256HEX PATH" without its newline; the parts go to the digest's input. */
static bool add_line(const char *line, size_t len, char **last, struct mse_writer *digest)
{
    uint8_t sha256[32];
    char *path;

    if (len < 68 || strchr("fxl", line[0]) == NULL || line[1] != ' ' || line[66] != ' ' ||
        !mse_hex_read(line + 2, 64, sha256, 32))
        return false;
    path = strndup(line + 67, len - 67);
    if (path == NULL || !mse_value_is_tree_path(path) ||
        (*last != NULL && strcmp(*last, path) >= 0)) {
        free(path);
        return false;
    }
    free(*last);
    *last = path;
    mse_write_u8(digest, (uint8_t)line[0]);
    mse_write_u32le(digest, (uint32_t)(len - 67));
    mse_write_bytes(digest, path, len - 67);
    mse_write_bytes(digest, sha256, 32);
    return true;
}

bool mse_context_files_check(const struct mse_context *context, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer digest = { .cap = 2 * MSE_CONTEXT_MAX_SIZE };
    const char *line = context->files;
    uint8_t tree[32];
    size_t number = 0;
    char *last = NULL;

    mse_write_text(&digest, "mse-tree-v1\n");
    for (; *line != '\0'; line += strcspn(line, "\n") + 1) {
        size_t len = strcspn(line, "\n");

        number++;
        if (line[len] != '\n' || !add_line(line, len, &last, &digest)) {
            free(last);
            return mse_fail_text(err, MSE_ERR_VALUE, "files",
                                 "\"list\": line %zu of the text is not \"TYPE SHA256 PATH\", or "
                                 "out of order",
                                 number);
        }
    }
    free(last);
    if (!mse_writer_ok(&digest))
        return mse_fail_memory(err);
    mse_sha256(mse_writer_bytes(&digest), tree);
    if (memcmp(tree, context->tree, 32) != 0)
        return mse_fail_text(err, MSE_ERR_MISMATCH, "files",
                             "\"list\" is not that of the digest in \"tree\"");
    return true;
}

/* ---- TOML texts ---- */

/* C1 controls too: some terminals take them for commands. */
static bool is_plain(const uint8_t *p, size_t n)
{
    if (n == 1)
        return p[0] >= 0x20 && p[0] != 0x7f;
    return !(n == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

void mse_context_escape(struct mse_writer *w, const char *text, bool keep_newlines)
{
    size_t left = strlen(text);

    while (left > 0) {
        const uint8_t *p = (const uint8_t *)text;
        size_t n = mse_utf8_length(p, left);

        if (n == 0) { /* cannot come out of a TOML file */
            w->failed = true;
            return;
        }
        if (p[0] == '"' || p[0] == '\\')
            mse_write_format(w, "\\%c", p[0]);
        else if (is_plain(p, n) || (keep_newlines && p[0] == '\n'))
            mse_write_bytes(w, p, n);
        else
            mse_write_format(w, "\\u%04x", (unsigned)p[n - 1]);
        text += n;
        left -= n;
    }
}

void mse_context_put_text(struct mse_writer *w, const char *key, const char *text)
{
    if (text == NULL)
        return;
    mse_write_format(w, "%s = \"", key);
    mse_context_escape(w, text, false);
    mse_write_text(w, "\"\n");
}

void mse_context_put_words(struct mse_writer *w, const char *key, char *const *words, size_t count)
{
    if (count == 0)
        return;
    mse_write_format(w, "%s = [", key);
    for (size_t i = 0; i < count; i++) {
        mse_write_text(w, i > 0 ? ", \"" : "\"");
        mse_context_escape(w, words[i], false);
        mse_write_text(w, "\"");
    }
    mse_write_text(w, "]\n");
}
