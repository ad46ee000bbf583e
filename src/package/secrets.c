/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that look like secrets. This is a net for mistakes, not a search: names that tools use for
 * secrets, and key formats that begin with a mark of their own.
 */
#include "package/secrets.h"

#include <errno.h>
#include <fnmatch.h>
#include <unistd.h>

#define HEAD_SIZE 4096

static const char environment_file[] = "environment file";
static const char private_key[] = "private key";
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

/* Anywhere in the first bytes: whoever keeps a key as text keeps it with its mark. */
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

static const char *look_at_head(struct mse_bytes head)
{
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (memmem(head.data, head.len, marks[i], strlen(marks[i])) != NULL)
            return private_key;
    }
    return NULL;
}

static void fd_cleanup(int *fd)
{
    if (*fd != -1)
        (void)close(*fd);
}

static bool read_head(const struct mse_tree *tree, size_t index, uint8_t head[static HEAD_SIZE],
                      size_t *len, struct mse_error *err)
{
    const char *path = mse_tree_at(tree, index)->path;
    MSE_CLEANUP(fd_cleanup) int fd = -1;

    *len = 0;
    if (!mse_tree_open(tree, index, &fd, err))
        return false;
    while (*len < HEAD_SIZE) {
        ssize_t n = read(fd, head + *len, HEAD_SIZE - *len);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return mse_fail_text(err, MSE_ERR_IO, path, "cannot read: %s", strerrordesc_np(errno));
        if (n == 0)
            return true;
        *len += (size_t)n;
    }
    return true;
}

bool mse_secret_look(const struct mse_tree *tree, size_t index, const char **what,
                     struct mse_error *err)
{
    const struct mse_tree_entry *entry = mse_tree_at(tree, index);
    uint8_t head[HEAD_SIZE];
    size_t len;

    *what = NULL;
    if (entry == NULL)
        return mse_fail(err, MSE_ERR_USAGE, 0, "number of an entry in the tree");
    if (entry->type == MSE_TREE_LINK) /* what it leads to is an entry of its own, or not there */
        return true;
    *what = look_at_name(entry->path);
    if (*what != NULL)
        return true;
    if (!read_head(tree, index, head, &len, err))
        return false;
    *what = look_at_head((struct mse_bytes){ head, len });
    return true;
}
