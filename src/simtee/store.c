/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated platform with all its keys, and the directory that holds it. */
#include "simtee/store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "issue/x509_build.h"

#define FILE_CAP (1U << 20)
#define MACHINE_FILE "platform.json"
#define MACHINE_FORMAT "mse-simtee-v1"

/* Every key file of a platform, and where it is kept in memory. */
static const struct key_file {
    const char *name;
    enum mse_issue_key_kind kind;
    size_t at;
} key_files[] = {
#define KEY(file, kind, member)                                                                    \
    {                                                                                              \
        file, kind, offsetof(struct mse_sim_platform, member)                                      \
    }
    KEY("root.key", MSE_ISSUE_KEY_P256, pki.root.key),
    KEY("platform-ca.key", MSE_ISSUE_KEY_P256, pki.platform_ca.key),
    KEY("processor-ca.key", MSE_ISSUE_KEY_P256, pki.processor_ca.key),
    KEY("tcb-signing.key", MSE_ISSUE_KEY_P256, pki.tcb_signing.key),
    KEY("pck.key", MSE_ISSUE_KEY_P256, pki.pck.key),
    KEY("attestation.key", MSE_ISSUE_KEY_P256, attestation),
    KEY("signer.key", MSE_ISSUE_KEY_RSA, signer),
    KEY("instance.key", MSE_ISSUE_KEY_ED25519, instance),
    KEY("owner.key", MSE_ISSUE_KEY_ED25519, owner),
#undef KEY
};
#define KEY_COUNT (sizeof(key_files) / sizeof(key_files[0]))

static const struct cert_file {
    const char *name;
    size_t at;
} cert_files[] = {
    { "root.pem", offsetof(struct mse_sim_platform, pki.root.cert) },
    { "platform-ca.pem", offsetof(struct mse_sim_platform, pki.platform_ca.cert) },
    { "processor-ca.pem", offsetof(struct mse_sim_platform, pki.processor_ca.cert) },
    { "tcb-signing.pem", offsetof(struct mse_sim_platform, pki.tcb_signing.cert) },
    { "pck.pem", offsetof(struct mse_sim_platform, pki.pck.cert) },
};
#define CERT_COUNT (sizeof(cert_files) / sizeof(cert_files[0]))

static void text_cleanup(char **text)
{
    free(*text);
}

static void blob_cleanup(uint8_t **data)
{
    free(*data);
}

bool mse_sim_platform_make(const struct mse_sim_machine *machine, int64_t at,
                           struct mse_sim_platform *out, struct mse_error *err)
{
    memset(out, 0, sizeof(*out));
    out->machine = *machine;
    if (mse_sim_pki_make(machine, at, &out->pki, err) &&
        mse_issue_key_make(MSE_ISSUE_KEY_P256, &out->attestation, err) &&
        mse_issue_key_make(MSE_ISSUE_KEY_RSA, &out->signer, err) &&
        mse_issue_key_make(MSE_ISSUE_KEY_ED25519, &out->instance, err) &&
        mse_issue_key_make(MSE_ISSUE_KEY_ED25519, &out->owner, err))
        return true;
    mse_sim_platform_cleanup(out);
    return false;
}

void mse_sim_platform_cleanup(struct mse_sim_platform *platform)
{
    mse_sim_pki_cleanup(&platform->pki);
    mse_issue_key_cleanup(&platform->attestation);
    mse_issue_key_cleanup(&platform->signer);
    mse_issue_key_cleanup(&platform->instance);
    mse_issue_key_cleanup(&platform->owner);
}

char *mse_sim_store_path(const char *dir, const char *name)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s", dir, name) == -1 ? NULL : path;
}

/* ---- the directory ------------------------------------------------------------------------ */

static bool is_empty(const char *dir, bool *empty, struct mse_error *err)
{
    DIR *open = opendir(dir);
    const struct dirent *entry;

    *empty = true;
    if (open == NULL)
        return mse_fail_errno(err, dir, "cannot open", errno);
    while ((entry = readdir(open)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            *empty = false;
    }
    (void)closedir(open);
    return true;
}

bool mse_sim_store_create(const char *dir, struct mse_error *err)
{
    bool empty;

    if (!mse_dir_make(dir, err) || !is_empty(dir, &empty, err))
        return false;
    if (!empty)
        return mse_fail_text(err, MSE_ERR_EXISTS, dir, "the directory is not empty");
    if (chmod(dir, 0700) == -1)
        return mse_fail_errno(err, dir, "cannot set the mode", errno);
    return true;
}

static bool put(const char *dir, const char *name, const struct mse_writer *content, unsigned mode,
                struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *path = mse_sim_store_path(dir, name);

    if (path == NULL || !mse_writer_ok(content))
        return mse_fail_memory(err);
    return mse_file_write(path, mse_writer_bytes(content), mode, MSE_FILE_REPLACE, err);
}

bool mse_sim_store_put(const char *dir, const char *name, const struct mse_writer *content,
                       struct mse_error *err)
{
    return put(dir, name, content, 0644, err);
}

/* ---- machine ------------------------------------------------------------------------------ */

static bool save_machine(const char *dir, const struct mse_sim_machine *machine,
                         struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer text = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&text, 2);

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "format", MACHINE_FORMAT);
    mse_json_put_hex(&w, "fmspc", machine->fmspc, sizeof(machine->fmspc));
    mse_json_put_hex(&w, "ppid", machine->ppid, sizeof(machine->ppid));
    mse_json_put_hex(&w, "instance", machine->instance, sizeof(machine->instance));
    mse_json_put_hex(&w, "svn", machine->svn, sizeof(machine->svn));
    mse_json_put_integer(&w, "pce_svn", machine->pce_svn);
    mse_json_put_integer(&w, "processor", machine->processor ? 1 : 0);
    mse_json_close_object(&w);
    mse_write_text(&text, "\n");
    return put(dir, MACHINE_FILE, &text, 0644, err);
}

static bool parse_machine(struct mse_bytes in, struct mse_sim_machine *out, struct mse_error *err)
{
    struct mse_json json = { 0 };
    const struct mse_json_value *root;
    struct mse_bytes format;
    int64_t pce_svn = 0;
    int64_t processor = 0;
    bool ok;

    if (!mse_json_parse(in, &json, err))
        return false;
    root = &json.values[0];
    ok = mse_json_get_plain(&json, root, "format", &format, err) &&
         (mse_bytes_equal_text(format, MACHINE_FORMAT) ||
          mse_fail(err, MSE_ERR_UNSUPPORTED, 0, "format")) &&
         mse_json_get_hex(&json, root, "fmspc", out->fmspc, sizeof(out->fmspc), err) &&
         mse_json_get_hex(&json, root, "ppid", out->ppid, sizeof(out->ppid), err) &&
         mse_json_get_hex(&json, root, "instance", out->instance, sizeof(out->instance), err) &&
         mse_json_get_hex(&json, root, "svn", out->svn, sizeof(out->svn), err) &&
         mse_json_get_integer(&json, root, "pce_svn", 0, UINT16_MAX, &pce_svn, err) &&
         mse_json_get_integer(&json, root, "processor", 0, 1, &processor, err);
    out->pce_svn = (uint16_t)pce_svn;
    out->processor = processor == 1;
    mse_json_cleanup(&json);
    return ok;
}

/* ---- everything --------------------------------------------------------------------------- */

/* Slots are owned by the platform. */
static void *slot_of(struct mse_sim_platform *platform, size_t at)
{
    return (uint8_t *)platform + at;
}

static bool save_key(const char *dir, const struct key_file *file,
                     const struct mse_sim_platform *platform, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer pem = { 0 };
    EVP_PKEY *key;

    memcpy(&key, (const uint8_t *)platform + file->at, sizeof(key));
    return mse_issue_key_write(key, &pem, err) && put(dir, file->name, &pem, 0600, err);
}

static bool save_cert(const char *dir, const struct cert_file *file,
                      const struct mse_sim_platform *platform, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer pem = { 0 };
    X509 *cert;

    memcpy(&cert, (const uint8_t *)platform + file->at, sizeof(cert));
    return mse_sim_cert_write(cert, &pem, err) && put(dir, file->name, &pem, 0644, err);
}

bool mse_sim_store_save(const char *dir, const struct mse_sim_platform *platform,
                        struct mse_error *err)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (!save_key(dir, &key_files[i], platform, err))
            return false;
    }
    for (size_t i = 0; i < CERT_COUNT; i++) {
        if (!save_cert(dir, &cert_files[i], platform, err))
            return false;
    }
    return save_machine(dir, &platform->machine, err);
}

static bool load(const char *dir, const char *name, uint8_t **out, struct mse_bytes *view,
                 struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *path = mse_sim_store_path(dir, name);

    *out = NULL;
    view->len = 0;
    if (path == NULL)
        return mse_fail_memory(err);
    if (!mse_file_read(path, FILE_CAP, out, &view->len, err))
        return false;
    view->data = *out;
    return true;
}

static bool load_key(const char *dir, const struct key_file *file,
                     struct mse_sim_platform *platform, struct mse_error *err)
{
    MSE_CLEANUP(blob_cleanup) uint8_t *data = NULL;
    struct mse_bytes pem;
    EVP_PKEY *key = NULL;
    bool ok = load(dir, file->name, &data, &pem, err) &&
              (mse_issue_key_read(pem, file->kind, &key, err) ||
               mse_fail_in(err, "%s", file->name));

    if (data != NULL)
        OPENSSL_cleanse(data, pem.len);
    memcpy(slot_of(platform, file->at), &key, sizeof(key));
    return ok;
}

static bool load_cert(const char *dir, const struct cert_file *file,
                      struct mse_sim_platform *platform, struct mse_error *err)
{
    MSE_CLEANUP(blob_cleanup) uint8_t *data = NULL;
    struct mse_bytes pem;
    X509 *cert = NULL;
    bool ok = load(dir, file->name, &data, &pem, err) &&
              (mse_sim_cert_read(pem, &cert, err) || mse_fail_in(err, "%s", file->name));

    memcpy(slot_of(platform, file->at), &cert, sizeof(cert));
    return ok;
}

static bool load_machine(const char *dir, struct mse_sim_machine *out, struct mse_error *err)
{
    MSE_CLEANUP(blob_cleanup) uint8_t *data = NULL;
    struct mse_bytes text;

    if (!load(dir, MACHINE_FILE, &data, &text, err))
        return false;
    return parse_machine(text, out, err) || mse_fail_in(err, MACHINE_FILE);
}

static bool load_all(const char *dir, struct mse_sim_platform *out, struct mse_error *err)
{
    if (!load_machine(dir, &out->machine, err))
        return false;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (!load_key(dir, &key_files[i], out, err))
            return false;
    }
    for (size_t i = 0; i < CERT_COUNT; i++) {
        if (!load_cert(dir, &cert_files[i], out, err))
            return false;
    }
    return true;
}

bool mse_sim_store_load(const char *dir, struct mse_sim_platform *out, struct mse_error *err)
{
    memset(out, 0, sizeof(*out));
    if (load_all(dir, out, err))
        return true;
    mse_sim_platform_cleanup(out);
    return false;
}
