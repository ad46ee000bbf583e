/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are in an image of Cosmian MSE, and what its start script says. */
#ifndef MSE_PACKAGE_ORIGINAL_IMAGE_H
#define MSE_PACKAGE_ORIGINAL_IMAGE_H

#include "package/image.h"

#define MSE_ORIGINAL_TEMPLATE "python.manifest.template"

/* All owned, absolute, NUL-terminated. */
struct original_image {
    char *directory;  /* where mse-run starts: the manifest's relative paths begin there */
    char *entrypoint; /* the interpreter, links resolved */
    char *stdlib;     /* its standard library */
    char *gramine;    /* Gramine's package directory */
    char *libos, *libpal, *runtimedir;
    char *subject, *app_dir; /* defaults of mse-run; NULL: not known */
};
/* Enters the directory. What has to be there and is not is an error that names it. */
MSE_MUST_CHECK bool original_image_find(struct mse_image *image, struct original_image *out,
                                        struct mse_error *err);
void original_image_cleanup(struct original_image *found);
/* The value of the first line NAME="VALUE" of a script, if it is plain text: no '$', '`', '\\'.
 * NULL if there is none; owned by the caller. */
MSE_MUST_CHECK bool original_script_value(struct mse_bytes script, const char *name, char **out,
                                          struct mse_error *err);

#endif
