/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_measure IMAGE DIRECTORY MANIFEST LIBPAL OUTPUT: expands a manifest that is in an image by
 * the rules of Gramine 1.5, as it would be in DIRECTORY of a container, writes it to OUTPUT and
 * prints MRENCLAVE.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/file.h"
#include "measure/enclave.h"
#include "package/image.h"

static bool expand(const struct mse_image *image, const char *name, struct mse_writer *out,
                   struct mse_enclave_settings *settings, struct mse_error *err)
{
    struct mse_manifest manifest = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_image_read(image, name, MSE_TOML_MAX_SIZE, &data, &len, err) &&
              mse_manifest_parse((struct mse_bytes){ data, len }, MSE_GRAMINE_1_5, &manifest,
                                 err) &&
              mse_manifest_add_defaults(&manifest, NULL, err) &&
              mse_trusted_files_expand(&manifest, mse_image_source(image), 1, err) &&
              mse_manifest_settings(&manifest, settings, err);

    if (ok)
        mse_manifest_write(&manifest, out);
    mse_manifest_cleanup(&manifest);
    free(data);
    return ok && mse_writer_ok(out);
}

static bool measure(const struct mse_image *image, const char *libpal, struct mse_bytes manifest,
                    const struct mse_enclave_settings *settings, uint8_t out[static 32],
                    struct mse_error *err)
{
    struct mse_pal pal;
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = mse_image_read(image, libpal, MSE_PAL_MAX_SIZE, &data, &len, err) &&
              mse_pal_parse((struct mse_bytes){ data, len }, &pal, err) &&
              mse_enclave_measure(manifest, &pal, settings, out, NULL, err);

    free(data);
    return ok;
}

int main(int argc, char **argv)
{
    struct mse_enclave_settings settings;
    struct mse_writer manifest = { 0 };
    struct mse_image *image = NULL;
    struct mse_error err = { 0 };
    uint8_t mrenclave[32];
    char line[1024], hex[65];
    bool ok;

    if (argc != 6)
        return 2;
    ok = mse_image_open(argv[1], NULL, NULL, &image, &err) &&
         mse_image_enter(image, argv[2], &err) &&
         expand(image, argv[3], &manifest, &settings, &err) &&
         measure(image, argv[4], mse_writer_bytes(&manifest), &settings, mrenclave, &err) &&
         mse_file_write(argv[5], mse_writer_bytes(&manifest), 0644, MSE_FILE_REPLACE, &err);
    if (ok) {
        mse_hex_write(mrenclave, sizeof(mrenclave), hex);
        (void)puts(hex);
    } else {
        (void)fprintf(stderr, "%s\n", mse_error_describe(&err, line, sizeof(line)));
    }
    mse_writer_cleanup(&manifest);
    mse_image_free(image);
    return ok ? 0 : 1;
}
