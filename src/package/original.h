/* SPDX-License-Identifier: Apache-2.0 */
/* The fingerprint that Cosmian MSE's own enclave has, from its image and the code's files. */
#ifndef MSE_PACKAGE_ORIGINAL_H
#define MSE_PACKAGE_ORIGINAL_H

#include "measure/enclave.h"
#include "package/image.h"
#include "package/original_files.h"

/* What an image has in the first is covered by a directory of the host. */
#define MSE_ORIGINAL_INPUT_DIR "/opt/input"
#define MSE_ORIGINAL_APP_DIR "/opt/input/app"

/*
 * What the operator gave mse-run, the image's program that builds and starts the enclave; all of it
 * is measured. Borrowed texts. NULL in subject and app_dir: what the image's mse-run says; in host,
 * port and log_level: "0.0.0.0", "443", "error"; in timeout: none was given.
 */
struct mse_original_settings {
    const char *id;          /* of the app: a UUID */
    const char *application; /* module:variable */
    const char *san;         /* name in the certificate */
    const char *size;        /* as it was typed: "4096M" is not "4G" */
    const char *subject, *host, *port, *timeout, *app_dir, *log_level;
    int64_t expires_at;      /* of the certificate, without an owner's */
    const char *certificate; /* PEM chain that the app presents, or NULL */
};

/* What was found and made; for people, all but mrenclave. */
struct mse_original {
    uint8_t mrenclave[32];
    char *app_dir, *subject;                /* owned */
    char *directory, *entrypoint, *gramine; /* owned; in the image */
    struct mse_writer arguments;    /* content of the file "args": each with a NUL behind it */
    struct mse_writer manifest;     /* rendered, with defaults: python.manifest */
    struct mse_writer manifest_sgx; /* expanded: what is measured */
    struct mse_enclave_settings settings;
    struct mse_enclave_layout layout;
};
/*
 * By the rules of Gramine 1.5. The files are those of the package, with digests; hidden ones are
 * left out. Changes the image: its app directory holds them afterwards. Nothing of the image is
 * executed; of its mse-run two settings are read as text. with_layout: see mse_enclave_measure.
 */
MSE_MUST_CHECK bool mse_original_measure(struct mse_image *image,
                                         const struct mse_original_files *files,
                                         const struct mse_original_settings *settings,
                                         bool with_layout, struct mse_original *out,
                                         struct mse_error *err);
void mse_original_cleanup(struct mse_original *original);

#endif
