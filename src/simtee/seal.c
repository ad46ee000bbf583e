/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing keys and counters of a simulated platform. */
#include "simtee/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "issue/hkdf.h"

#define SECRET_FILE "sealing.key"
#define KEY_INFO "mse-simtee-sealing-key-v1"
#define PLATFORM_INFO "mse-simtee-platform-v1\n"
#define COUNTER_DIGITS 20

static void text_cleanup(char **text)
{
    free(*text);
}

/* ---- sealing key ---- */

static bool read_secret(const char *path, uint8_t out[static MSE_SIM_SECRET_SIZE],
                        struct mse_error *err)
{
    uint8_t *text = NULL;
    size_t len = 0;
    bool ok;

    if (!mse_file_read(path, 2 * MSE_SIM_SECRET_SIZE + 1, &text, &len, err))
        return false;
    ok = (len == 2 * MSE_SIM_SECRET_SIZE + 1 && text[len - 1] == '\n' &&
          mse_hex_read((const char *)text, len - 1, out, MSE_SIM_SECRET_SIZE)) ||
         mse_fail_text(err, MSE_ERR_FORMAT, path, "is not %d hex digits", 2 * MSE_SIM_SECRET_SIZE);
    OPENSSL_cleanse(text, len);
    free(text);
    return ok;
}

static bool make_secret(const char *path, struct mse_error *err)
{
    uint8_t secret[MSE_SIM_SECRET_SIZE];
    char text[2 * MSE_SIM_SECRET_SIZE + 2];
    struct mse_error why = { 0 };
    bool ok = mse_issue_random(secret, sizeof(secret), err);

    if (ok) {
        mse_hex_write(secret, sizeof(secret), text);
        text[sizeof(text) - 2] = '\n';
        text[sizeof(text) - 1] = '\0';
        /* Somebody else may be making it too: the first one counts. */
        ok = mse_file_write(path, MSE_CSTR_BYTES(text), 0600, MSE_FILE_KEEP, &why) ||
             why.code == MSE_ERR_EXISTS;
        if (!ok)
            *err = why;
    }
    OPENSSL_cleanse(secret, sizeof(secret));
    OPENSSL_cleanse(text, sizeof(text));
    return ok;
}

bool mse_sim_secret_load(const char *dir, uint8_t out[static MSE_SIM_SECRET_SIZE],
                         struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *path = mse_sim_store_path(dir, SECRET_FILE);

    memset(out, 0, MSE_SIM_SECRET_SIZE);
    if (path == NULL)
        return mse_fail_memory(err);
    if (access(path, F_OK) == -1 && errno == ENOENT && !make_secret(path, err))
        return false;
    return read_secret(path, out, err);
}

bool mse_sim_sealing_key(const uint8_t secret[static MSE_SIM_SECRET_SIZE],
                         const struct mse_sim_enclave *enclave, uint8_t out[static 32],
                         struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer info = { 0 };

    mse_write_text(&info, KEY_INFO);
    mse_write_bytes(&info, enclave->mrenclave, sizeof(enclave->mrenclave));
    mse_write_u16be(&info, enclave->isv_svn);
    mse_write_u8(&info, enclave->debug ? 1 : 0);
    if (!mse_writer_ok(&info))
        return mse_fail_memory(err);
    return mse_issue_hkdf((struct mse_bytes){ secret, MSE_SIM_SECRET_SIZE },
                          mse_writer_bytes(&info), out, err);
}

bool mse_sim_platform_id(const struct mse_sim_platform *platform, uint8_t out[static 32],
                         struct mse_error *err)
{
    uint8_t input[sizeof(PLATFORM_INFO) - 1 + sizeof(platform->machine.ppid)];

    memcpy(input, PLATFORM_INFO, sizeof(PLATFORM_INFO) - 1);
    memcpy(input + sizeof(PLATFORM_INFO) - 1, platform->machine.ppid,
           sizeof(platform->machine.ppid));
    return mse_issue_sha256(MSE_BYTES(input), out, err);
}

/* ---- counter ---- */

static bool name_counter(const uint8_t mrenclave[static 32], const char *instance,
                         char out[static 80], struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer input = { 0 };
    uint8_t digest[32];
    char hex[65];

    mse_write_bytes(&input, mrenclave, 32);
    mse_write_text(&input, instance);
    if (!mse_writer_ok(&input))
        return mse_fail_memory(err);
    if (!mse_issue_sha256(mse_writer_bytes(&input), digest, err))
        return false;
    mse_hex_write(digest, sizeof(digest), hex);
    (void)snprintf(out, 80, "counter-%s", hex);
    return true;
}

bool mse_sim_counter_open(const char *dir, const uint8_t mrenclave[static 32], const char *instance,
                          struct mse_sim_counter *out, struct mse_error *err)
{
    char name[80];

    *out = (struct mse_sim_counter){ .dir_fd = -1 };
    if (!name_counter(mrenclave, instance, name, err))
        return false;
    out->path = mse_sim_store_path(dir, name);
    if (out->path == NULL)
        return mse_fail_memory(err);
    out->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out->dir_fd != -1)
        return true;
    (void)mse_fail_errno(err, dir, "cannot open", errno);
    mse_sim_counter_close(out);
    return false;
}

void mse_sim_counter_close(struct mse_sim_counter *counter)
{
    if (counter->dir_fd != -1)
        (void)close(counter->dir_fd);
    free(counter->path);
    *counter = (struct mse_sim_counter){ .dir_fd = -1 };
}

static bool parse_counter(const char *path, const char *text, size_t len, uint64_t *out,
                          struct mse_error *err)
{
    uint64_t value = 0;
    bool ok = len >= 2 && len <= COUNTER_DIGITS + 1 && text[len - 1] == '\n';

    for (size_t i = 0; ok && i < len - 1; i++) {
        ok = text[i] >= '0' && text[i] <= '9' &&
             !__builtin_mul_overflow(value, UINT64_C(10), &value) &&
             !__builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value);
    }
    *out = ok ? value : 0;
    return ok || mse_fail_text(err, MSE_ERR_FORMAT, path, "is no number");
}

bool mse_sim_counter_read(const struct mse_sim_counter *counter, uint64_t *out,
                          struct mse_error *err)
{
    uint8_t *text = NULL;
    size_t len = 0;
    bool ok;

    *out = 0;
    if (access(counter->path, F_OK) == -1 && errno == ENOENT)
        return true;
    if (!mse_file_read(counter->path, COUNTER_DIGITS + 1, &text, &len, err))
        return false;
    ok = parse_counter(counter->path, (const char *)text, len, out, err);
    free(text);
    return ok;
}

/*
 * Under the lock, so that one name is enough for what is not the counter yet: a platform that is
 * killed here again and again leaves one file, which the next one overwrites.
 */
static bool replace_counter(const struct mse_sim_counter *counter, const char *next,
                            struct mse_bytes text, struct mse_error *err)
{
    const int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok;

    if (fd == -1)
        return mse_fail_errno(err, next, "cannot create", errno);
    ok = write(fd, text.data, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    ok = close(fd) == 0 && ok && rename(next, counter->path) == 0;
    return (ok && fsync(counter->dir_fd) == 0) ||
           mse_fail_errno(err, counter->path, "cannot write", errno);
}

static bool write_counter(const struct mse_sim_counter *counter, const char *text,
                          struct mse_error *err)
{
    MSE_CLEANUP(text_cleanup) char *next = NULL;

    if (asprintf(&next, "%s.next", counter->path) == -1) {
        next = NULL;
        return mse_fail_memory(err);
    }
    return replace_counter(counter, next, MSE_CSTR_BYTES(text), err);
}

static bool raise_counter(const struct mse_sim_counter *counter, uint64_t to, struct mse_error *err)
{
    char text[COUNTER_DIGITS + 2];
    uint64_t now = 0;

    if (!mse_sim_counter_read(counter, &now, err))
        return false;
    if (to < now)
        return mse_fail_text(err, MSE_ERR_VALUE, "counter",
                             "is %" PRIu64 " and does not go back to %" PRIu64, now, to);
    (void)snprintf(text, sizeof(text), "%" PRIu64 "\n", to);
    return write_counter(counter, text, err);
}

bool mse_sim_counter_advance(const struct mse_sim_counter *counter, uint64_t to,
                             struct mse_error *err)
{
    bool ok;

    if (flock(counter->dir_fd, LOCK_EX) == -1)
        return mse_fail_errno(err, counter->path, "cannot lock", errno);
    ok = raise_counter(counter, to, err);
    (void)flock(counter->dir_fd, LOCK_UN);
    return ok;
}
