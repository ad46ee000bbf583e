/* SPDX-License-Identifier: Apache-2.0 */
/* Packages from the host: what is taken is the very tree that was asked for, and lies there as
 * that; what is refused leaves nothing, and nothing is ever written outside. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "enclave/code.h"
#include "measure/tree.h"
#include "package/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mse_code_limits limits = { 64, 1U << 20 };
static const uint8_t key[32] = "seeds are sealed with this key..";

/* outer holds nothing but "code", which the package is opened into. */
static char outer[64], code[80];

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void make_dirs(void)
{
    if (outer[0] != '\0')
        return;
    (void)snprintf(outer, sizeof(outer), "%s/mse-fuzz-code-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    require(mkdtemp(outer) != NULL);
    (void)snprintf(code, sizeof(code), "%s/code", outer);
    require(mkdir(code, 0755) == 0);
}

static void remove_dirs(void)
{
    if (outer[0] != '\0') {
        (void)rmdir(code);
        (void)rmdir(outer);
    }
}

static unsigned count(const char *path)
{
    DIR *d = opendir(path);
    unsigned found = 0;

    require(d != NULL);
    while (readdir(d) != NULL)
        found++;
    (void)closedir(d);
    return found - 2;
}

/* ---- the digest that this package would have, if it were a good one ---- */

static void add(EVP_MD_CTX *tree, char type, const char *path, const uint8_t *content, size_t len)
{
    const size_t path_len = strlen(path);
    const uint8_t head[5] = { (uint8_t)type, (uint8_t)path_len, (uint8_t)(path_len >> 8) };
    uint8_t hash[32];

    require(EVP_Digest(content, len, hash, NULL, EVP_sha256(), NULL) == 1);
    EVP_DigestUpdate(tree, head, sizeof(head));
    EVP_DigestUpdate(tree, path, path_len);
    EVP_DigestUpdate(tree, hash, sizeof(hash));
}

static void add_sealed(EVP_MD_CTX *tree, char type, char *path, const uint8_t *box, size_t len)
{
    const size_t path_len = strlen(path);
    uint8_t *plain = malloc(len + 1);

    require(plain != NULL);
    if (path_len > 4 && len >= 40 &&
        crypto_secretbox_open_easy(plain, box + 24, len - 24, box, key) == 0) {
        path[path_len - 4] = '\0';
        add(tree, type, path, plain, len - 40);
    }
    free(plain);
}

static void digest_of(const uint8_t *data, size_t size, bool sealed, uint8_t out[32])
{
    EVP_MD_CTX *tree = EVP_MD_CTX_new();
    struct mse_error err = { 0 };
    struct mse_tar_header h;
    bool is_directory;
    size_t used;

    require(tree != NULL && EVP_DigestInit_ex(tree, EVP_sha256(), NULL) == 1);
    EVP_DigestUpdate(tree, "mse-tree-v1\n", 12);
    while (mse_tar_header_read((struct mse_bytes){ data, size }, false, &h, &is_directory, &used,
                               &err) &&
           used > 0 && h.size <= size - used) {
        const char type = h.type == MSE_TAR_LINK ? 'l' : h.type == MSE_TAR_FILE ? 'f' : 'x';
        const size_t padding = mse_tar_padding(h.size);

        if (type == 'l')
            add(tree, type, h.path, (const uint8_t *)h.target, strlen(h.target));
        else if (sealed)
            add_sealed(tree, type, h.path, data + used, (size_t)h.size);
        else
            add(tree, type, h.path, data + used, (size_t)h.size);
        data += used + h.size;
        size -= used + (size_t)h.size;
        if (size < padding)
            break;
        data += padding;
        size -= padding;
    }
    EVP_DigestFinal_ex(tree, out, NULL);
    EVP_MD_CTX_free(tree);
}

/* ---- one package ---- */

/* A changed header with its old checksum would go no further. */
static void repair(uint8_t *block)
{
    unsigned sum = 0;
    char text[8];

    if (memcmp(block + 257, "ustar", 5) != 0)
        return;
    memset(block + 148, ' ', 8);
    for (unsigned i = 0; i < MSE_TAR_BLOCK; i++)
        sum += block[i];
    (void)snprintf(text, sizeof(text), "%06o", sum & 0777777);
    memcpy(block + 148, text, 7);
}

static void check_tree(const uint8_t want[32])
{
    struct mse_error err = { 0 };
    struct mse_tree *tree = NULL;
    uint8_t got[32];

    require(mse_tree_read(code, NULL, &tree, &err) && mse_tree_hash(tree, 1, &err) &&
            mse_tree_digest(tree, got, &err));
    require(memcmp(got, want, sizeof(got)) == 0);
    mse_tree_free(tree);
}

static void check(const uint8_t *data, size_t size, bool sealed)
{
    struct mse_error err = { 0 };
    uint8_t tree[32];
    int package = memfd_create("package", MFD_CLOEXEC);
    int dir = open(code, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    require(package != -1 && dir != -1);
    require(size == 0 || pwrite(package, data, size, 0) == (ssize_t)size);
    digest_of(data, size, sealed, tree);
    if (mse_code_open(package, dir, sealed ? key : NULL, &limits, tree, &err)) {
        check_tree(tree);
        require(mse_code_clear(dir, &err));
    } else
        require(err.code != MSE_ERR_NONE);
    require(count(code) == 0 && count(outer) == 1);
    (void)close(package);
    (void)close(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL || size == 0) {
        free(copy);
        return 0;
    }
    if (outer[0] == '\0')
        require(sodium_init() >= 0 && atexit(remove_dirs) == 0);
    make_dirs();
    memcpy(copy, data + 1, size - 1);
    for (size_t at = 0; at + MSE_TAR_BLOCK < size; at += MSE_TAR_BLOCK)
        repair(copy + at);
    check(copy, size - 1, (data[0] & 1) != 0);
    free(copy);
    return 0;
}
