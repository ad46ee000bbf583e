/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime descriptions as canonical JSON, and what differs between two of them. */
#include "measure/runtime.h"

#include <stdlib.h>

#include "base/json.h"
#include "crypto/hash.h"
#include "measure/plain_text.h"

/* The tag of the layout: it keeps these bytes from being read as another signed format. */
static const char format[] = "mse-runtime-v1";
static const char *const tee_names[] = {
    [MSE_RUNTIME_SIM] = "sim",
    [MSE_RUNTIME_SGX] = "sgx",
    [MSE_RUNTIME_TDX] = "tdx",
    [MSE_RUNTIME_SNP] = "snp",
};

#define TEE_COUNT (sizeof(tee_names) / sizeof(tee_names[0]))

const char *mse_runtime_tee_name(enum mse_runtime_tee tee)
{
    return (size_t)tee < TEE_COUNT ? tee_names[tee] : "";
}

bool mse_runtime_tee_read(const char *name, enum mse_runtime_tee *out)
{
    *out = MSE_RUNTIME_SIM;
    for (size_t i = 0; i < TEE_COUNT; i++) {
        if (strcmp(tee_names[i], name) == 0) {
            *out = (enum mse_runtime_tee)i;
            return true;
        }
    }
    return false;
}

void mse_runtime_cleanup(struct mse_runtime *runtime)
{
    free(runtime->name);
    free(runtime->version);
    free(runtime->loader.path);
    for (size_t i = 0; i < runtime->count; i++)
        free(runtime->files[i].path);
    free(runtime->files);
    memset(runtime, 0, sizeof(*runtime));
}

/* ---- what the values may be ---- */

static bool check_text(const char *text, const char *field, size_t max, struct mse_error *err)
{
    if (text != NULL && text[0] == '\0')
        return mse_fail_text(err, MSE_ERR_MISSING, field, "is empty");
    return mse_plain_text_check(text, max, field, err);
}

static bool has_plain_parts(const char *path)
{
    while (*path == '/') {
        const char *part = path + 1;
        size_t len = strcspn(part, "/");

        if (len == 0 || (len == 1 && part[0] == '.') ||
            (len == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        path = part + len;
    }
    return *path == '\0';
}

bool mse_runtime_check_name(const char *name, struct mse_error *err)
{
    return check_text(name, "name", MSE_RUNTIME_MAX_NAME, err);
}

bool mse_runtime_check_path(const char *path, struct mse_error *err)
{
    if (!check_text(path, "path", MSE_RUNTIME_MAX_PATH, err))
        return mse_fail_in(err, "%s", path != NULL ? path : "");
    if (path[0] != '/' || !has_plain_parts(path))
        return mse_fail_text(err, MSE_ERR_VALUE, path,
                             "must be an absolute path without empty parts, \".\" and \"..\"");
    return true;
}

static int compare_files(const void *a, const void *b)
{
    const struct mse_runtime_file *x = a, *y = b;

    return strcmp(x->path, y->path);
}

static bool check_files(const struct mse_runtime *runtime, struct mse_error *err)
{
    const struct mse_runtime_file *files = runtime->files, *same;

    if (runtime->count > MSE_RUNTIME_MAX_FILES)
        return mse_fail_text(err, MSE_ERR_LIMIT, "files", "more than %u files",
                             MSE_RUNTIME_MAX_FILES);
    for (size_t i = 0; i < runtime->count; i++) {
        if (!mse_runtime_check_path(files[i].path, err))
            return false;
        if (i > 0 && strcmp(files[i - 1].path, files[i].path) == 0)
            return mse_fail_text(err, MSE_ERR_DUPLICATE, files[i].path, "is listed twice");
    }
    if (runtime->count == 0)
        return true;
    same = bsearch(&runtime->loader, files, runtime->count, sizeof(files[0]), compare_files);
    if (same != NULL && memcmp(same->sha256, runtime->loader.sha256, 32) != 0)
        return mse_fail_text(err, MSE_ERR_MISMATCH, same->path,
                             "has another hash as loader than among the files");
    return true;
}

/* ---- writing ---- */

static void put_file(struct mse_json_writer *w, const char *key,
                     const struct mse_runtime_file *file)
{
    mse_json_open_object(w, key);
    mse_json_put_text(w, "path", file->path);
    mse_json_put_hex(w, "sha256", file->sha256, sizeof(file->sha256));
    mse_json_close_object(w);
}

static void put_runtime(struct mse_writer *out, const struct mse_runtime *runtime)
{
    struct mse_json_writer w = mse_json_writer_init(out, 0);

    /* RFC 8785: members in the order of their names, no white space. */
    mse_json_open_object(&w, NULL);
    mse_json_open_array(&w, "files");
    for (size_t i = 0; i < runtime->count; i++)
        put_file(&w, NULL, &runtime->files[i]);
    mse_json_close_array(&w);
    mse_json_put_text(&w, "format", format);
    put_file(&w, "loader", &runtime->loader);
    mse_json_put_text(&w, "name", runtime->name);
    mse_json_put_text(&w, "tee", tee_names[runtime->tee]);
    mse_json_put_text(&w, "version", runtime->version);
    mse_json_close_object(&w);
}

bool mse_runtime_write(struct mse_runtime *runtime, struct mse_writer *out, struct mse_error *err)
{
    size_t start = out->len;

    memset(runtime->sha256, 0, sizeof(runtime->sha256));
    for (size_t i = 0; i < runtime->count; i++) {
        if (runtime->files[i].path == NULL)
            return mse_fail_text(err, MSE_ERR_MISSING, "files", "a path is not given");
    }
    if (runtime->count > 1)
        qsort(runtime->files, runtime->count, sizeof(runtime->files[0]), compare_files);
    if ((size_t)runtime->tee >= TEE_COUNT)
        return mse_fail_text(err, MSE_ERR_VALUE, "tee", "must be sim, sgx, tdx or snp");
    if (!check_text(runtime->name, "name", MSE_RUNTIME_MAX_NAME, err) ||
        !check_text(runtime->version, "version", MSE_RUNTIME_MAX_NAME, err) ||
        !mse_runtime_check_path(runtime->loader.path, err) || !check_files(runtime, err))
        return false;
    put_runtime(out, runtime);
    if (!mse_writer_ok(out))
        return mse_fail_memory(err);
    if (out->len - start > MSE_RUNTIME_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, "files",
                             "make a description longer than %u bytes: name fewer paths",
                             MSE_RUNTIME_MAX_SIZE);
    mse_sha256((struct mse_bytes){ out->data + start, out->len - start }, runtime->sha256);
    return true;
}

/* ---- reading ---- */

static bool get_text(const struct mse_json *json, const struct mse_json_value *object,
                     const char *name, char **out, struct mse_error *err)
{
    const struct mse_json_value *v = mse_json_member(json, object, name);

    if (v == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, name, "is not given");
    return mse_json_value_text(json, v, out, err) || mse_fail_in(err, "%s", name);
}

static bool check_members(const struct mse_json_value *object, uint32_t count, const char *name,
                          struct mse_error *err)
{
    if (object->type != MSE_JSON_OBJECT)
        return mse_fail_text_at(err, MSE_ERR_VALUE, object->start, name, "must be an object");
    if (object->count > count)
        return mse_fail_text_at(err, MSE_ERR_UNKNOWN_KEY, object->start, name,
                                "has a member that the format does not have");
    return true;
}

static bool get_file(const struct mse_json *json, const struct mse_json_value *object,
                     const char *name, struct mse_runtime_file *out, struct mse_error *err)
{
    return check_members(object, 2, name, err) && get_text(json, object, "path", &out->path, err) &&
           mse_json_get_hex(json, object, "sha256", out->sha256, sizeof(out->sha256), err);
}

static bool get_files(const struct mse_json *json, struct mse_runtime *out, struct mse_error *err)
{
    const struct mse_json_value *array, *v;

    if (!mse_json_get_array(json, json->values, "files", &array, err))
        return false;
    if (array->count > MSE_RUNTIME_MAX_FILES)
        return mse_fail_text_at(err, MSE_ERR_LIMIT, array->start, "files", "more than %u files",
                                MSE_RUNTIME_MAX_FILES);
    out->files = calloc(array->count > 0 ? array->count : 1, sizeof(out->files[0]));
    if (out->files == NULL)
        return mse_fail_memory(err);
    for (v = mse_json_first(json, array); v != NULL; v = mse_json_next(json, array, v)) {
        struct mse_runtime_file *file = &out->files[out->count++];

        if (!get_file(json, v, "file", file, err))
            return mse_fail_in(err, "files[%zu]", out->count - 1);
    }
    return true;
}

static bool get_runtime(const struct mse_json *json, struct mse_runtime *out, struct mse_error *err)
{
    const struct mse_json_value *loader;
    struct mse_bytes text;

    if (!check_members(json->values, 6, "runtime description", err) ||
        !mse_json_get_plain(json, json->values, "format", &text, err))
        return false;
    if (!mse_bytes_equal_text(text, format))
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "format", "must be \"%s\"", format);
    if (!get_text(json, json->values, "name", &out->name, err) ||
        !get_text(json, json->values, "version", &out->version, err) ||
        !mse_json_get_object(json, json->values, "loader", &loader, err) ||
        !mse_json_get_plain(json, json->values, "tee", &text, err) || !get_files(json, out, err))
        return false;
    for (size_t i = 0; i < TEE_COUNT; i++) {
        if (mse_bytes_equal_text(text, tee_names[i])) {
            out->tee = (enum mse_runtime_tee)i;
            return get_file(json, loader, "loader", &out->loader, err);
        }
    }
    return mse_fail_text(err, MSE_ERR_VALUE, "tee", "must be sim, sgx, tdx or snp");
}

/* One text for one description: what is hashed and signed are its bytes. */
static bool check_canonical(struct mse_bytes in, struct mse_runtime *runtime, struct mse_error *err)
{
    struct mse_writer again = { 0 };
    bool ok = mse_runtime_write(runtime, &again, err);
    size_t at = 0;

    if (ok && !mse_bytes_equal(mse_writer_bytes(&again), in)) {
        while (at < in.len && at < again.len && in.data[at] == again.data[at])
            at++;
        ok = mse_fail_text_at(err, MSE_ERR_FORMAT, at, "runtime description",
                              "is not in canonical form: use the file as it was published");
    }
    mse_writer_cleanup(&again);
    return ok;
}

bool mse_runtime_parse(struct mse_bytes in, struct mse_runtime *out, struct mse_error *err)
{
    struct mse_json json = { 0 };
    bool ok;

    memset(out, 0, sizeof(*out));
    if (in.len > MSE_RUNTIME_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, "runtime description", "is longer than %u bytes",
                             MSE_RUNTIME_MAX_SIZE);
    ok = mse_json_parse(in, &json, err) && get_runtime(&json, out, err) &&
         check_canonical(in, out, err);
    mse_json_cleanup(&json);
    if (!ok)
        mse_runtime_cleanup(out);
    return ok;
}

/* ---- looking things up ---- */

const struct mse_runtime_file *mse_runtime_find(const struct mse_runtime *runtime,
                                                const char *base_name)
{
    for (size_t i = 0; i < runtime->count; i++) {
        const char *slash = strrchr(runtime->files[i].path, '/');

        if (slash != NULL && strcmp(slash + 1, base_name) == 0)
            return &runtime->files[i];
    }
    return NULL;
}

size_t mse_runtime_diff(const struct mse_runtime *a, const struct mse_runtime *b,
                        mse_runtime_change_seen *seen, void *context)
{
    size_t i = 0, k = 0, count = 0;

    while (i < a->count || k < b->count) {
        int order = i == a->count   ? 1
                    : k == b->count ? -1
                                    : strcmp(a->files[i].path, b->files[k].path);

        if (order == 0 && memcmp(a->files[i].sha256, b->files[k].sha256, 32) == 0) {
            i++;
            k++;
            continue;
        }
        count++;
        if (seen != NULL)
            seen(context,
                 order == 0  ? '~'
                 : order < 0 ? '-'
                             : '+',
                 order <= 0 ? a->files[i].path : b->files[k].path);
        i += order <= 0 ? 1 : 0;
        k += order >= 0 ? 1 : 0;
    }
    return count;
}
