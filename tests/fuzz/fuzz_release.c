/* SPDX-License-Identifier: Apache-2.0 */
/* Releases, and minisign's keys and signatures: one form each, and only the one signature holds. */
#include <stdlib.h>

#include "release/release.h"

#define DATA "release bytes\n"
#define PUBLIC "RWQBAgMEBQYHCNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
/* minisign made it; the fuzzer cannot make another. */
#define SIGNED                                                                                     \
    "RUQBAgMEBQYHCDo8mGromHjtJrY9dfEBjcCfcGXWk9X65Ws6UU1kgwp9rUno0oJTdAtEI5u7GcBgujmf5p+zzUXxFHEE" \
    "97W7yQ4=\n"                                                                                   \
    "trusted comment: timestamp:1\tfile:data\thashed\n"                                            \
    "NS+YWXegOfq6niUgkzXUBfoVz2FJcHZCmRezcHjtezOs5EO3RfVUZYFGOkZtWk//rAEwUlyNacNw/sME3c4VAw=="

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void try_release(struct mse_bytes in)
{
    struct mse_release release;
    struct mse_writer again = { 0 };
    struct mse_error err = { 0 };

    if (!mse_release_parse(in, &release, &err)) {
        require(err.code != MSE_ERR_NONE && err.offset <= in.len);
        require(mse_is_zero((const uint8_t *)&release, sizeof(release)));
        return;
    }
    require(release.name_count > 0 && release.fingerprint_count > 0);
    require(mse_release_check(&release, release.names[0], release.not_after, &err));
    require(mse_release_write(&release, &again, &err));
    require(mse_bytes_equal(mse_writer_bytes(&again), in));
    mse_writer_cleanup(&again);
    mse_release_cleanup(&release);
}

static void try_public(struct mse_bytes in)
{
    struct mse_minisign_public key, again;
    struct mse_writer file = { 0 };
    struct mse_error err = { 0 };

    if (!mse_minisign_public_read(in, &key, &err)) {
        require(err.code != MSE_ERR_NONE);
        return;
    }
    mse_minisign_public_write(&key, &file);
    require(mse_minisign_public_read(mse_writer_bytes(&file), &again, &err));
    require(memcmp(&key, &again, sizeof(key)) == 0);
    mse_writer_cleanup(&file);
}

/* Encrypted ones would spend their time in scrypt. */
static void try_secret(struct mse_bytes in)
{
    struct mse_minisign_secret *key, *again;
    struct mse_writer file = { 0 };
    struct mse_error err = { 0 };
    bool encrypted;

    if (!mse_minisign_secret_is_encrypted(in, &encrypted, &err) || encrypted ||
        !mse_minisign_secret_read(in, NULL, &key, &err))
        return;
    require(mse_minisign_secret_write(key, NULL, &file, &err));
    require(mse_minisign_secret_read(mse_writer_bytes(&file), NULL, &again, &err));
    mse_writer_cleanup(&file);
    mse_minisign_secret_free(key);
    mse_minisign_secret_free(again);
}

static void try_signature(struct mse_bytes in)
{
    struct mse_bytes want = MSE_CSTR_BYTES(SIGNED), rest;
    struct mse_minisign_public key;
    struct mse_error err = { 0 };
    const uint8_t *end;
    size_t which;

    require(mse_minisign_public_read(MSE_CSTR_BYTES(PUBLIC), &key, &err));
    if (!mse_minisign_verify(&key, 1, MSE_CSTR_BYTES(DATA), in, &which, &err)) {
        require(err.code != MSE_ERR_NONE && err.offset <= in.len);
        return;
    }
    /* All but the first line, and the end of the last. */
    end = memchr(in.data, '\n', in.len);
    require(end != NULL);
    rest = (struct mse_bytes){ end + 1, (size_t)(in.data + in.len - end - 1) };
    if (rest.len == want.len + 1 && rest.data[want.len] == '\n')
        rest.len--;
    require(mse_bytes_equal(rest, want));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_bytes in = { data, size };

    try_release(in);
    try_public(in);
    try_secret(in);
    try_signature(in);
    return 0;
}
