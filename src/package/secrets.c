/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that look like secrets. This is a net for mistakes, not a search: names that tools use for
 * secrets, and key formats that have a mark of their own near their beginning or end.
 */
#include "package/secrets.h"

#include <errno.h>
#include <fnmatch.h>
#include <unistd.h>

#include "base/encode.h"

#define PART 4096 /* of the beginning, and of the end */
#define KEY_HEX 64

static const char environment_file[] = "environment file";
static const char private_key[] = "private key";
static const char code_key[] = "code key";
static const char secrets_file[] = "file of secrets";
static const char credentials[] = "credentials";

/* The last part of the path; letter case does not matter. The first row that fits decides. */
static const struct {
    const char *pattern;
    const char *what; /* NULL: not a secret whatever the rows below say */
} names[] = {
    { ".env.example", NULL },         { ".env.sample", NULL },
    { ".env.template", NULL },        { ".env.dist", NULL },
    { ".env", environment_file },     { ".env.*", environment_file },
    { "*.env", environment_file },    { ".envrc", environment_file },
    { "secrets.json", secrets_file }, { "secrets_to_seal.json", secrets_file },
    { "secrets.toml", secrets_file }, { "secrets.yaml", secrets_file },
    { "secrets.yml", secrets_file },  { "id_rsa", private_key },
    { "id_dsa", private_key },        { "id_ecdsa", private_key },
    { "id_ecdsa_sk", private_key },   { "id_ed25519", private_key },
    { "id_ed25519_sk", private_key }, { "*.p12", private_key },
    { "*.pfx", private_key },         { "*.jks", private_key },
    { "*.keystore", private_key },    { "*.key", private_key },
    { "*.ppk", private_key },         { "*.kdbx", credentials },
    { ".netrc", credentials },        { "_netrc", credentials },
    { ".pgpass", credentials },       { ".npmrc", credentials },
    { ".pypirc", credentials },       { ".git-credentials", credentials },
    { ".htpasswd", credentials },     { ".dockercfg", credentials },
};

/* Two parts: the directory says what the file is. */
static const struct {
    const char *tail;
    const char *what;
} tails[] = {
    { ".aws/credentials", credentials },
    { ".docker/config.json", credentials },
    { ".kube/config", credentials },
};

/* Of a context with secrets. They are at its end, but nonces of many files may follow. */
static const char context_start[] = "version = \"";
static const char context_key[] = "code_secret_key";

/* Anywhere in a part: whoever keeps a key as text keeps it with its mark. */
static const char *const marks[] = {
    "-----BEGIN PRIVATE KEY-----",           /* RFC 7468, section 10 */
    "-----BEGIN ENCRYPTED PRIVATE KEY-----", /* RFC 7468, section 11 */
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----BEGIN EC PRIVATE KEY-----", /* RFC 5915, section 4 */
    "-----BEGIN DSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----", /* RFC 4880, section 6.2 */
    "-----BEGIN SSH2 ENCRYPTED PRIVATE KEY-----",
    "PuTTY-User-Key-File-",
    "AGE-SECRET-KEY-1",
    "untrusted comment: minisign encrypted secret key",
    "untrusted comment: minisign unencrypted secret key",
    "untrusted comment: rsign encrypted secret key",
};

static const char *look_at_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t len = strlen(path);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (fnmatch(names[i].pattern, name, FNM_CASEFOLD) == 0)
            return names[i].what;
    }
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        size_t tail = strlen(tails[i].tail);

        if (len >= tail && strcmp(path + len - tail, tails[i].tail) == 0 &&
            (len == tail || path[len - tail - 1] == '/'))
            return tails[i].what;
    }
    return NULL;
}

static bool has(struct mse_bytes in, const char *mark)
{
    return memmem(in.data, in.len, mark, strlen(mark)) != NULL;
}

static const char *look_at_part(struct mse_bytes part)
{
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (has(part, marks[i]))
            return private_key;
    }
    return has(part, context_key) ? code_key : NULL;
}

/* The whole of it is 64 hex digits and at most a line's end: what this program writes as a key. */
static bool is_hex_key(struct mse_bytes file)
{
    uint8_t key[KEY_HEX / 2];
    bool is_key;

    if (file.len > 0 && file.data[file.len - 1] == '\n')
        file.len--;
    if (file.len > 0 && file.data[file.len - 1] == '\r')
        file.len--;
    is_key = file.len == KEY_HEX &&
             mse_hex_read((const char *)file.data, KEY_HEX, key, KEY_HEX / 2);
    explicit_bzero(key, sizeof(key));
    return is_key;
}

/* ---- the file ---- */

static void fd_cleanup(int *fd)
{
    if (*fd != -1)
        (void)close(*fd);
}

struct file {
    const struct mse_tree_entry *entry;
    int fd;
    uint8_t part[2 * PART];
};

/* As many bytes from there as are in the file, and size at most. */
static bool read_part(struct file *f, uint64_t at, size_t size, struct mse_bytes *out,
                      struct mse_error *err)
{
    size_t len = 0;

    while (len < size) {
        ssize_t n = pread(f->fd, f->part + len, size - len, (off_t)(at + len));

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_text(err, MSE_ERR_IO, f->entry->path, "cannot read: %s",
                                 strerrordesc_np(errno));
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *out = (struct mse_bytes){ f->part, len };
    return true;
}

/* To the end, in parts that overlap by more than the mark. */
static bool look_for_context_key(struct file *f, const char **what, struct mse_error *err)
{
    const size_t step = sizeof(f->part) - sizeof(context_key);
    struct mse_bytes part;

    for (uint64_t at = 0; *what == NULL && at < f->entry->size; at += step) {
        if (!read_part(f, at, sizeof(f->part), &part, err))
            return false;
        if (has(part, context_key))
            *what = code_key;
    }
    return true;
}

static bool look_into(struct file *f, const char **what, struct mse_error *err)
{
    const uint64_t size = f->entry->size;
    const bool is_small = size <= sizeof(f->part); /* then no mark lies across two parts */
    struct mse_bytes part;
    bool is_context;

    if (!read_part(f, 0, is_small ? sizeof(f->part) : PART, &part, err))
        return false;
    *what = is_hex_key(part) ? code_key : look_at_part(part);
    is_context = part.len >= sizeof(context_start) - 1 &&
                 memcmp(part.data, context_start, sizeof(context_start) - 1) == 0;
    if (*what != NULL || is_small)
        return true;
    if (!read_part(f, size - PART, PART, &part, err))
        return false;
    *what = look_at_part(part);
    return !is_context || look_for_context_key(f, what, err);
}

bool mse_secret_look(const struct mse_tree *tree, size_t index, const char **what,
                     struct mse_error *err)
{
    struct file f = { .entry = mse_tree_at(tree, index) };
    MSE_CLEANUP(fd_cleanup) int fd = -1;
    bool ok;

    *what = NULL;
    if (f.entry == NULL)
        return mse_fail(err, MSE_ERR_USAGE, 0, "number of an entry in the tree");
    if (f.entry->type == MSE_TREE_LINK) /* what it leads to is an entry of its own, or not there */
        return true;
    *what = look_at_name(f.entry->path);
    if (*what != NULL)
        return true;
    if (!mse_tree_open(tree, index, &fd, err))
        return false;
    f.fd = fd;
    ok = look_into(&f, what, err);
    explicit_bzero(f.part, sizeof(f.part));
    return ok;
}
