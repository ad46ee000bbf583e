/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for interpreter, Gramine and start script where the image's own programs would. */
#include "package/original_image.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

#define START_DIRECTORY "/root"
#define SEARCH_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SCRIPT "mse-run"
#define SCRIPT_MAX (1U << 20)

static const char *const gramine_places[] = { "/usr/local/lib/x86_64-linux-gnu/gramine",
                                              "/usr/lib/x86_64-linux-gnu/gramine" };

void original_image_cleanup(struct original_image *found)
{
    free(found->directory);
    free(found->entrypoint);
    free(found->stdlib);
    free(found->gramine);
    free(found->libos);
    free(found->libpal);
    free(found->runtimedir);
    free(found->subject);
    free(found->app_dir);
    *found = (struct original_image){ 0 };
}

static bool join(char **out, struct mse_bytes directory, const char *name, struct mse_error *err)
{
    struct mse_writer w = { 0 };

    mse_write_bytes(&w, directory.data, directory.len);
    mse_write_text(&w, name);
    *out = mse_writer_take_text(&w);
    return *out != NULL || mse_fail_memory(err);
}

static bool is_file(const struct mse_image *image, const char *path)
{
    const struct mse_file_source *source = mse_image_source(image);
    enum mse_node_type type = MSE_NODE_ABSENT;
    struct mse_error ignored = { 0 };
    bool is_link = false;

    return source->look(source, path, &type, &is_link, &ignored) && type == MSE_NODE_FILE;
}

/* Along the image's PATH; *out NULL if it is nowhere. */
static bool find_program(const struct mse_image *image, const char *name, char **out,
                         struct mse_error *err)
{
    const char *path = mse_image_env(image, "PATH");
    char suffix[32];

    *out = NULL;
    (void)snprintf(suffix, sizeof(suffix), "/%s", name);
    if (path == NULL)
        path = SEARCH_PATH;
    for (size_t len; *path != '\0'; path += len + (path[len] == ':')) {
        len = strcspn(path, ":");
        if (path[0] != '/')
            continue; /* a relative one is not for images */
        if (!join(out, (struct mse_bytes){ (const uint8_t *)path, len }, suffix, err))
            return false;
        if (is_file(image, *out))
            return true;
        free(*out);
        *out = NULL;
    }
    return true;
}

static bool resolve(const struct mse_image *image, const char *path, char **out,
                    struct mse_error *err)
{
    struct mse_writer w = { 0 };

    *out = NULL;
    if (!mse_image_resolve(image, path, &w, err)) {
        mse_writer_cleanup(&w);
        return false;
    }
    *out = mse_writer_take_text(&w);
    return *out != NULL || mse_fail_memory(err);
}

/* ---- interpreter ---- */

/* PREFIX/bin/pythonX.Y has its standard library in PREFIX/lib/pythonX.Y. */
static bool find_stdlib(const char *entrypoint, char **out, struct mse_error *err)
{
    const char *name = strrchr(entrypoint, '/');
    struct mse_writer w = { 0 };
    size_t prefix = name != NULL ? (size_t)(name - entrypoint) : 0;

    if (prefix < 4 || strncmp(name, "/python3.", 9) != 0 ||
        strncmp(entrypoint + prefix - 4, "/bin", 4) != 0)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "image",
                             "python3 is %s: where its library is cannot be told", entrypoint);
    mse_write_bytes(&w, entrypoint, prefix - 4);
    mse_write_format(&w, "/lib%s", name);
    *out = mse_writer_take_text(&w);
    return *out != NULL || mse_fail_memory(err);
}

static bool find_python(const struct mse_image *image, struct original_image *out,
                        struct mse_error *err)
{
    char *found = NULL;
    bool ok = find_program(image, "python3", &found, err);

    if (ok && found == NULL)
        ok = mse_fail_text(err, MSE_ERR_MISSING, "image", "python3 is not in it");
    ok = ok && resolve(image, found, &out->entrypoint, err) &&
         find_stdlib(out->entrypoint, &out->stdlib, err);
    free(found);
    return ok;
}

/* ---- Gramine ---- */

static bool find_gramine(const struct mse_image *image, struct original_image *out,
                         struct mse_error *err)
{
    for (size_t i = 0; i < sizeof(gramine_places) / sizeof(gramine_places[0]); i++) {
        struct mse_bytes place = MSE_CSTR_BYTES(gramine_places[i]);
        char *unresolved = NULL;
        bool ok;

        free(out->libpal);
        if (!join(&out->libpal, place, "/sgx/libpal.so", err))
            return false;
        if (!is_file(image, out->libpal))
            continue;
        ok = join(&out->gramine, place, "", err) && join(&out->libos, place, "/libsysdb.so", err) &&
             join(&unresolved, place, "/runtime/glibc", err) &&
             resolve(image, unresolved, &out->runtimedir, err);
        free(unresolved);
        return ok;
    }
    return mse_fail_text(err, MSE_ERR_MISSING, "image",
                         "Gramine is not in it: neither %s nor %s has sgx/libpal.so",
                         gramine_places[0], gramine_places[1]);
}

/* ---- start script ---- */

bool original_script_value(struct mse_bytes script, const char *name, char **out,
                           struct mse_error *err)
{
    const size_t name_len = strlen(name);

    *out = NULL;
    for (size_t at = 0, end; at < script.len; at = end + 1) {
        const uint8_t *line, *value, *quote;

        for (end = at; end < script.len && script.data[end] != '\n';)
            end++;
        while (at < end && (script.data[at] == ' ' || script.data[at] == '\t'))
            at++;
        line = script.data + at;
        if (end - at < name_len + 2 || memcmp(line, name, name_len) != 0 || line[name_len] != '=' ||
            line[name_len + 1] != '"')
            continue;
        value = line + name_len + 2;
        quote = memchr(value, '"', (size_t)(script.data + end - value));
        if (quote == NULL || quote == value)
            continue;
        if (memchr(value, '$', (size_t)(quote - value)) != NULL ||
            memchr(value, '`', (size_t)(quote - value)) != NULL ||
            memchr(value, '\\', (size_t)(quote - value)) != NULL ||
            memchr(value, '\0', (size_t)(quote - value)) != NULL ||
            !mse_utf8_is_valid((struct mse_bytes){ value, (size_t)(quote - value) }))
            continue;
        *out = strndup((const char *)value, (size_t)(quote - value));
        return *out != NULL || mse_fail_memory(err);
    }
    return true;
}

static bool has_text(struct mse_bytes script, const char *text)
{
    return script.len > 0 && memmem(script.data, script.len, text, strlen(text)) != NULL;
}

/* Another one passes other arguments to the enclave: older ones say --self-signed and --uuid. */
static bool check_script(struct mse_bytes script, struct mse_error *err)
{
    static const char *const words[] = { "\"-S\"", "--ratls",      "--certificate", "--host",
                                         "--port", "--app-dir",    "--subject",     "--san",
                                         "--id",   "mse-bootstrap" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!has_text(script, words[i]))
            return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "image",
                                 "its " SCRIPT " does not have %s: it is of another version, whose "
                                 "arguments are not known",
                                 words[i]);
    }
    return true;
}

static bool read_script(const struct mse_image *image, struct original_image *out,
                        struct mse_error *err)
{
    char *path = NULL;
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = find_program(image, SCRIPT, &path, err);

    if (ok && path == NULL)
        ok = mse_fail_text(err, MSE_ERR_MISSING, "image",
                           SCRIPT " is not in it: it is no image of Cosmian MSE");
    ok = ok && mse_image_read(image, path, SCRIPT_MAX, &data, &len, err);
    if (ok) {
        struct mse_bytes script = { data, len };

        ok = check_script(script, err) &&
             original_script_value(script, "SUBJECT", &out->subject, err) &&
             original_script_value(script, "APP_DIR", &out->app_dir, err);
    }
    free(data);
    free(path);
    return ok;
}

bool original_image_find(struct mse_image *image, struct original_image *out, struct mse_error *err)
{
    const char *directory = mse_image_start_directory(image);

    *out = (struct original_image){ 0 };
    if (directory == NULL)
        directory = START_DIRECTORY;
    if (directory[0] == '/' && mse_image_enter(image, directory, err) &&
        resolve(image, directory, &out->directory, err) && find_python(image, out, err) &&
        find_gramine(image, out, err) && read_script(image, out, err))
        return true;
    (void)mse_fail_text(err, MSE_ERR_VALUE, "image", "WorkingDir of its configuration is relative");
    original_image_cleanup(out);
    return false;
}
