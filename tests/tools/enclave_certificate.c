/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enclave_certificate ROOT INSTANCE NOW -- ARGUMENT...: what the runtime does first, on the TEE
 * that the tree under ROOT plays: opens it, makes the app part of the measurement, makes keys and
 * gets evidence. Prints the certificate; on standard error what kind of TEE it was, or what failed.
 */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "enclave/identity.h"

static bool load_instance(const char *path, int64_t now, struct mse_instance_file *out,
                          struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_file_read(path, MSE_INSTANCE_MAX_SIZE, &data, &len, err) &&
              mse_instance_file_parse((struct mse_bytes){ data, len }, now, out, err);

    free(data);
    return ok;
}

static bool make(struct mse_tee *tee, const struct mse_app_manifest *app, const char *instance,
                 int64_t now, struct mse_error *err)
{
    struct mse_instance_file file = { 0 };
    struct mse_identity identity = { 0 };
    bool ok = load_instance(instance, now, &file, err) && mse_tee_start(tee, app, err) &&
              mse_identity_make(tee, &file, app->cert, now, &identity, err);

    if (ok)
        ok = PEM_write_X509(stdout, identity.cert) == 1;
    mse_identity_cleanup(&identity);
    mse_instance_file_cleanup(&file);
    return ok;
}

int main(int argc, char **argv)
{
    struct mse_tee_place place = { .root = argv[1], .sim_fd = -1 };
    struct mse_app_manifest app;
    struct mse_tee *tee = NULL;
    struct mse_error err = { 0 };
    char text[640];
    bool ok;

    if (argc < 5 || CRYPTO_secure_malloc_init(1 << 16, 64) == 0)
        return 2;
    ok = mse_app_manifest_read((const char *const *)argv + 5, (size_t)argc - 5, &app, &err) &&
         mse_tee_open(&place, &tee, &err);
    if (ok) {
        (void)fprintf(stderr, "%s\n", mse_tee_name(tee));
        ok = make(tee, &app, argv[2], strtoll(argv[3], NULL, 10), &err);
    }
    mse_tee_free(tee);
    if (!ok)
        (void)fprintf(stderr, "%s\n", mse_error_describe(&err, text, sizeof(text)));
    return ok && fflush(stdout) == 0 ? 0 : 1;
}
