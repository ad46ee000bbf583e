/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what an owner sends: key, context, secrets, certificate. */
#include "cli/configure_files.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/release_args.h"
#include "client/configure.h"
#include "package/values.h"

#define PEM_MAX (64U << 10)

/* ---- small helpers ---- */

static void wipe(struct mse_bytes *bytes)
{
    uint8_t *data = (uint8_t *)(uintptr_t)bytes->data;

    if (data != NULL)
        OPENSSL_cleanse(data, bytes->len);
    free(data);
    *bytes = (struct mse_bytes){ 0 };
}

static void wipe_text(char **text)
{
    if (*text != NULL)
        OPENSSL_cleanse(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

static bool read_bytes(const char *path, const char *option, size_t cap, struct mse_bytes *out,
                       struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;

    if (!mse_file_read(path, cap, &data, &len, err))
        return mse_fail_in(err, "%s", option);
    *out = (struct mse_bytes){ data, len };
    return true;
}

/* Nothing was judged: what is wrong with a file is a wrong command line. */
static bool wrong_file(struct mse_error *err, const char *option, const char *path)
{
    if (cli_code_of(err->code) == EXIT_NO)
        err->code = MSE_ERR_USAGE;
    (void)mse_fail_in(err, "%s", path);
    return mse_fail_in(err, "%s", option);
}

/* ---- secrets ---- */

static bool check_json(struct mse_bytes text, bool object, struct mse_error *err)
{
    struct mse_json json = { 0 };
    bool ok = mse_json_parse(text, &json, err) &&
              (!object || json.values[0].type == MSE_JSON_OBJECT ||
               mse_fail_text(err, MSE_ERR_FORMAT, "", "not a JSON object"));

    mse_json_cleanup(&json);
    return ok;
}

static bool load_secrets(struct configure_files *f, struct mse_error *err)
{
    if (f->secrets_file == NULL)
        return true;
    if (!read_bytes(f->secrets_file, "--secrets", MSE_CONFIGURE_MAX_BODY, &f->secrets, err))
        return false;
    return check_json(f->secrets, false, err) || wrong_file(err, "--secrets", f->secrets_file);
}

/* RFC 4648, section 5, with or without padding. */
static bool is_base64url(struct mse_bytes text)
{
    size_t len = text.len;

    while (len > 0 && text.data[len - 1] == '=' && text.len - len < 2)
        len--;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = text.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return len > 0 && len % 4 != 1;
}

bool configure_files_sealed(struct configure_files *f, struct mse_error *err)
{
    struct mse_error not_json = { 0 };

    if (f->sealed_file == NULL)
        return true;
    if (!read_bytes(f->sealed_file, "--sealed-secrets", MSE_CONFIGURE_MAX_BODY, &f->sealed, err))
        return false;
    f->sealed_is_plain = check_json(f->sealed, true, &not_json);
    if (f->sealed_is_plain)
        return true;
    while (f->sealed.len > 0 &&
           (f->sealed.data[f->sealed.len - 1] == '\n' || f->sealed.data[f->sealed.len - 1] == '\r'))
        f->sealed.len--;
    if (is_base64url(f->sealed))
        return true;
    (void)mse_fail_text(err, MSE_ERR_USAGE, "",
                        "neither a JSON object nor the base64url of a sealed box");
    return wrong_file(err, "--sealed-secrets", f->sealed_file);
}

/* ---- context and key ---- */

static bool load_context(struct configure_files *f, struct mse_error *err)
{
    struct mse_bytes data = { 0 };

    if (f->context_file == NULL)
        return true;
    if (!read_bytes(f->context_file, "--context", MSE_CONTEXT_MAX_SIZE, &data, err))
        return false;
    f->has_context = mse_context_parse(data, f->context_file, &f->context, err);
    wipe(&data);
    if (f->has_context)
        return true;
    if (cli_code_of(err->code) == EXIT_NO)
        err->code = MSE_ERR_USAGE;
    return false;
}

static bool take_uuid(struct configure_files *f, struct mse_error *err)
{
    if (f->uuid_text != NULL && !mse_value_uuid(f->uuid_text, f->uuid))
        return mse_fail_text(err, MSE_ERR_USAGE, "--uuid", "is no UUID");
    if (!f->has_context)
        return true;
    if (f->uuid[0] != '\0' && strcmp(f->uuid, f->context.id) != 0)
        return mse_fail_text(err, MSE_ERR_USAGE, "--uuid", "is not %s, which the context names",
                             f->context.id);
    memcpy(f->uuid, f->context.id, sizeof(f->uuid));
    return true;
}

static bool load_key(struct cli *cli, struct configure_files *f, struct mse_error *err)
{
    if (!release_key_load(cli, f->key, f->password_file, &f->owner, err))
        return false;
    mse_minisign_secret_public(f->owner, &f->owner_public);
    return !f->has_context || mse_is_zero(f->context.owner, sizeof(f->context.owner)) ||
           memcmp(f->context.owner, f->owner_public.key, 32) == 0 ||
           mse_fail_text(err, MSE_ERR_USAGE, "--key",
                         "is not the key of the owner that the context names");
}

/* ---- owner's certificate ---- */

static bool load_pem(const char *path, const char *option, char **out, struct mse_error *err)
{
    struct mse_bytes data = { 0 };

    if (path == NULL)
        return true;
    if (!read_bytes(path, option, PEM_MAX, &data, err))
        return false;
    *out = (char *)(uintptr_t)data.data; /* a NUL follows the last byte */
    if (strlen(*out) == data.len && strstr(*out, "-----BEGIN ") != NULL)
        return true;
    (void)mse_fail_text(err, MSE_ERR_USAGE, "", "is no PEM text");
    return wrong_file(err, option, path);
}

static bool check_certificate(const struct configure_files *f, struct mse_error *err)
{
    bool owners = f->has_context && f->context.origin == MSE_APP_CERT_OWNER;

    if ((f->ssl_key != NULL) != (f->ssl_certificate != NULL))
        return mse_fail_text(err, MSE_ERR_USAGE, "options",
                             "a certificate and its private key go together: --ssl-certificate "
                             "(or that of the context) and --ssl-private-key");
    if (owners && f->ssl_key == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "--ssl-private-key",
                             "is needed: the certificate of this app is its owner's");
    return owners || !f->has_context || f->ssl_key == NULL ||
           mse_fail_text(err, MSE_ERR_USAGE, "--ssl-private-key",
                         "the context says that this app makes its own key");
}

static bool load_certificate(struct configure_files *f, struct mse_error *err)
{
    if (!load_pem(f->ssl_key_file, "--ssl-private-key", &f->ssl_key, err) ||
        !load_pem(f->ssl_certificate_file, "--ssl-certificate", &f->ssl_certificate, err))
        return false;
    if (f->ssl_certificate == NULL && f->has_context && f->context.ssl_certificate != NULL &&
        f->context.origin == MSE_APP_CERT_OWNER) {
        f->ssl_certificate = strdup(f->context.ssl_certificate);
        if (f->ssl_certificate == NULL)
            return mse_fail_memory(err);
    }
    return check_certificate(f, err);
}

/* ---- all ---- */

bool configure_files_load(struct cli *cli, struct configure_files *f, struct mse_error *err)
{
    return load_context(f, err) && take_uuid(f, err) && load_secrets(f, err) &&
           configure_files_sealed(f, err) && load_certificate(f, err) && load_key(cli, f, err);
}

void configure_files_cleanup(struct configure_files *f)
{
    mse_minisign_secret_free(f->owner);
    if (f->has_context)
        mse_context_cleanup(&f->context);
    wipe(&f->secrets);
    wipe(&f->sealed);
    wipe_text(&f->ssl_key);
    wipe_text(&f->ssl_certificate);
    memset(f, 0, sizeof(*f));
}
