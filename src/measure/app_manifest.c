/* SPDX-License-Identifier: Apache-2.0 */
/* The app manifest as an argument vector, and its digest (docs/fingerprint.md, "App manifest"). */
#include "measure/app_manifest.h"

#include "base/encode.h"
#include "crypto/hash.h"
#include "measure/plain_text.h"

static const char program[] = "mse-enclave";
static const char digest_tag[] = "mse-app-v1\n";
static const char *const cert_names[] = {
    [MSE_APP_CERT_SELF] = "self",
    [MSE_APP_CERT_OWNER] = "owner",
    [MSE_APP_CERT_OPERATOR] = "operator",
};
static const char *const isolation_names[] = {
    [MSE_APP_ISOLATION_PROCESS] = "process",
    [MSE_APP_ISOLATION_NONE] = "none",
};
static const char *const unsigned_names[] = { "no", "yes" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *mse_app_cert_name(enum mse_app_cert cert)
{
    return (size_t)cert < COUNT(cert_names) ? cert_names[cert] : "";
}

static bool find_name(const char *const *names, size_t count, const char *name, size_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

bool mse_app_cert_read(const char *name, enum mse_app_cert *out)
{
    size_t at = 0;

    *out = MSE_APP_CERT_SELF;
    if (!find_name(cert_names, COUNT(cert_names), name, &at))
        return false;
    *out = (enum mse_app_cert)at;
    return true;
}

/* ---- what each value may be ---- */

/*
 * Without control characters an argument has one written form in a manifest that a second
 * implementation cannot get wrong: only the quote and the backslash are escaped.
 */
static bool check_text(const char *text, const char *name, struct mse_error *err)
{
    return mse_plain_text_check(text, MSE_APP_MAX_ARG - strlen(name) - 1, name, err);
}

/* It is sent in the request line of the runtime's health check. */
static bool check_health(const char *path, struct mse_error *err)
{
    if (!check_text(path, "health", err))
        return false;
    if (path[0] != '/')
        return mse_fail_text(err, MSE_ERR_VALUE, "health", "must begin with '/'");
    for (const char *p = path; *p != '\0'; p++) {
        if (*p < 0x21 || *p > 0x7e)
            return mse_fail_text_at(err, MSE_ERR_VALUE, (size_t)(p - path), "health",
                                    "must be visible ASCII characters: write others as %%XX");
    }
    return true;
}

static bool check_python(const char *python, struct mse_error *err)
{
    const char *colon;

    if (!check_text(python, "python", err))
        return false;
    colon = strchr(python, ':');
    if (colon == NULL || colon == python || colon[1] == '\0' || strchr(colon + 1, ':') != NULL)
        return mse_fail_text(err, MSE_ERR_VALUE, "python", "must be MODULE:VARIABLE");
    return true;
}

static bool check_command(const struct mse_app_manifest *app, struct mse_error *err)
{
    if (app->command_count == 0)
        return mse_fail_text(err, MSE_ERR_MISSING, "command", "neither python nor command given");
    if (app->command_count > MSE_APP_MAX_ARGS)
        return mse_fail_text(err, MSE_ERR_LIMIT, "command", "has more than %d words",
                             MSE_APP_MAX_ARGS);
    for (size_t i = 0; i < app->command_count; i++) {
        if (!check_text(app->command[i], "arg", err))
            return mse_fail_in(err, "command: word %zu", i + 1);
    }
    if (app->command[0][0] == '\0')
        return mse_fail_text(err, MSE_ERR_VALUE, "command", "begins with an empty word");
    return true;
}

static bool check(const struct mse_app_manifest *app, struct mse_error *err)
{
    /* ECREATE takes sizes that are powers of two only (Intel SDM vol. 3D, 38.1.3). */
    if (app->memory == 0 || app->memory > MSE_APP_MAX_MEMORY ||
        (app->memory & (app->memory - 1)) != 0)
        return mse_fail_text(err, MSE_ERR_VALUE, "memory",
                             "is %u MiB: must be a power of two, at most %u", app->memory,
                             MSE_APP_MAX_MEMORY);
    if (app->threads == 0 || app->threads > MSE_APP_MAX_THREADS)
        return mse_fail_text(err, MSE_ERR_VALUE, "threads", "is %u: must be 1 to %d", app->threads,
                             MSE_APP_MAX_THREADS);
    if ((size_t)app->cert >= COUNT(cert_names))
        return mse_fail_text(err, MSE_ERR_VALUE, "cert", "must be self, owner or operator");
    if ((size_t)app->isolation >= COUNT(isolation_names))
        return mse_fail_text(err, MSE_ERR_VALUE, "isolation", "must be process or none");
    if (app->python != NULL && app->command_count > 0)
        return mse_fail_text(err, MSE_ERR_VALUE, "command", "given beside python");
    return check_health(app->health, err) &&
           (app->python != NULL ? check_python(app->python, err) : check_command(app, err));
}

/* ---- writing ---- */

static void put(struct mse_writer *out, const char *prefix, const char *value)
{
    mse_write_text(out, prefix);
    mse_write_text(out, value);
    mse_write_u8(out, 0);
}

static void put_hex(struct mse_writer *out, const char *prefix, const uint8_t value[static 32])
{
    char hex[65];

    mse_hex_write(value, 32, hex);
    put(out, prefix, hex);
}

static void put_number(struct mse_writer *out, const char *prefix, uint32_t value)
{
    mse_write_format(out, "%s%u", prefix, value);
    mse_write_u8(out, 0);
}

bool mse_app_manifest_write(const struct mse_app_manifest *app, struct mse_writer *out,
                            struct mse_error *err)
{
    if (!check(app, err))
        return false;
    put(out, program, "");
    put(out, "format=", "1");
    put_hex(out, "tree=", app->tree);
    put_hex(out, "owner=", app->owner);
    put(out, "cert=", cert_names[app->cert]);
    put(out, "health=", app->health);
    put_number(out, "memory=", app->memory);
    put_number(out, "threads=", app->threads);
    put(out, "unsigned=", unsigned_names[app->unsigned_config ? 1 : 0]);
    put(out, "isolation=", isolation_names[app->isolation]);
    put_hex(out, "runtime=", app->runtime);
    if (app->python != NULL)
        put(out, "python=", app->python);
    else
        put(out, "command", "");
    for (size_t i = 0; app->python == NULL && i < app->command_count; i++)
        put(out, "arg=", app->command[i]);
    return mse_writer_ok(out) || mse_fail_memory(err);
}

bool mse_app_digest_input(const struct mse_app_manifest *app, struct mse_writer *out,
                          struct mse_error *err)
{
    struct mse_writer arguments = { 0 };
    bool ok = mse_app_manifest_write(app, &arguments, err);

    mse_write_text(out, digest_tag);
    for (size_t at = sizeof(program); ok && at < arguments.len;) {
        const char *argument = (const char *)arguments.data + at;
        size_t len = strlen(argument);

        mse_write_u32le(out, (uint32_t)len);
        mse_write_bytes(out, argument, len);
        at += len + 1;
    }
    mse_writer_cleanup(&arguments);
    return ok && (mse_writer_ok(out) || mse_fail_memory(err));
}

bool mse_app_digest(const struct mse_app_manifest *app, uint8_t out[static 32],
                    struct mse_error *err)
{
    struct mse_writer input = { 0 };
    bool ok = mse_app_digest_input(app, &input, err);

    memset(out, 0, 32);
    if (ok)
        mse_sha256(mse_writer_bytes(&input), out);
    mse_writer_cleanup(&input);
    return ok;
}

/* ---- reading ---- */

struct arguments {
    const char *const *argv;
    size_t argc, at;
    struct mse_error *err;
};

/* The value of the next argument, which must have this name; NULL after a failure. */
static const char *next(struct arguments *a, const char *name)
{
    const char *argument;
    size_t len = strlen(name);

    if (a->err->code != MSE_ERR_NONE)
        return NULL;
    if (a->at >= a->argc || a->argv[a->at] == NULL) {
        (void)mse_fail_text_at(a->err, MSE_ERR_MISSING, a->at, name, "argument is missing");
        return NULL;
    }
    argument = a->argv[a->at];
    if (strncmp(argument, name, len) != 0 || argument[len] != '=') {
        char shown[80];

        (void)mse_fail_text_at(a->err, MSE_ERR_VALUE, a->at, name, "expected here, not \"%s\"",
                               mse_escape(MSE_CSTR_BYTES(argument), shown, sizeof(shown)));
        return NULL;
    }
    a->at++;
    return argument + len + 1;
}

static bool fail_value(struct arguments *a, const char *name, const char *want)
{
    return mse_fail_text_at(a->err, MSE_ERR_VALUE, a->at - 1, name, "must be %s", want);
}

static bool next_hex(struct arguments *a, const char *name, uint8_t out[static 32])
{
    const char *value = next(a, name);

    if (value == NULL)
        return false;
    /* One spelling for one value: what is measured are the characters. */
    if (strlen(value) != 64 || strspn(value, "0123456789abcdef") != 64 ||
        !mse_hex_read(value, 64, out, 32))
        return fail_value(a, name, "64 lower-case hex digits");
    return true;
}

static bool next_number(struct arguments *a, const char *name, uint32_t *out)
{
    const char *value = next(a, name);
    uint32_t number = 0;

    if (value == NULL)
        return false;
    if (value[0] < '1' || value[0] > '9' || strlen(value) > 9 ||
        strspn(value, "0123456789") != strlen(value))
        return fail_value(a, name, "a decimal number without leading zeros");
    for (const char *p = value; *p != '\0'; p++)
        number = number * 10 + (uint32_t)(*p - '0');
    *out = number;
    return true;
}

static bool next_name(struct arguments *a, const char *name, const char *const *names, size_t count,
                      size_t *out)
{
    const char *value = next(a, name);

    if (value == NULL)
        return false;
    return find_name(names, count, value, out) ||
           fail_value(a, name, "one of the values that the format has");
}

static bool expect(struct arguments *a, const char *word)
{
    if (a->err->code != MSE_ERR_NONE)
        return false;
    if (a->at >= a->argc || a->argv[a->at] == NULL || strcmp(a->argv[a->at], word) != 0)
        return mse_fail_text_at(a->err, a->at >= a->argc ? MSE_ERR_MISSING : MSE_ERR_VALUE, a->at,
                                word, "expected as argument %zu", a->at);
    a->at++;
    return true;
}

static bool read_start(struct arguments *a, struct mse_app_manifest *app)
{
    const char *const name = "python";

    if (a->at < a->argc && a->argv[a->at] != NULL &&
        strncmp(a->argv[a->at], "python=", strlen("python=")) == 0) {
        app->python = next(a, name);
        if (app->python != NULL && a->at < a->argc)
            return mse_fail_text_at(a->err, MSE_ERR_TRAILING, a->at, name,
                                    "must be the last argument");
        return app->python != NULL;
    }
    if (!expect(a, "command"))
        return false;
    while (a->at < a->argc) {
        if (app->command_count == MSE_APP_MAX_ARGS)
            return mse_fail_text_at(a->err, MSE_ERR_LIMIT, a->at, "arg", "more than %d words",
                                    MSE_APP_MAX_ARGS);
        app->command[app->command_count] = next(a, "arg");
        if (app->command[app->command_count++] == NULL)
            return false;
    }
    return true;
}

static bool read_all(struct arguments *a, struct mse_app_manifest *app)
{
    size_t cert = 0, unsigned_config = 0, isolation = 0;
    bool ok = expect(a, program) && expect(a, "format=1") && next_hex(a, "tree", app->tree) &&
              next_hex(a, "owner", app->owner) &&
              next_name(a, "cert", cert_names, COUNT(cert_names), &cert) &&
              (app->health = next(a, "health")) != NULL && next_number(a, "memory", &app->memory) &&
              next_number(a, "threads", &app->threads) &&
              next_name(a, "unsigned", unsigned_names, COUNT(unsigned_names), &unsigned_config) &&
              next_name(a, "isolation", isolation_names, COUNT(isolation_names), &isolation) &&
              next_hex(a, "runtime", app->runtime) && read_start(a, app);

    app->cert = (enum mse_app_cert)cert;
    app->unsigned_config = unsigned_config == 1;
    app->isolation = (enum mse_app_isolation)isolation;
    return ok && check(app, a->err);
}

bool mse_app_manifest_read(const char *const *argv, size_t argc, struct mse_app_manifest *out,
                           struct mse_error *err)
{
    struct arguments a = { argv, argc, 0, err };
    struct mse_app_manifest app = { 0 };

    memset(out, 0, sizeof(*out));
    if (err->code != MSE_ERR_NONE || !read_all(&a, &app))
        return false;
    *out = app;
    return true;
}
