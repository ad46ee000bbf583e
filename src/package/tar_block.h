/* SPDX-License-Identifier: Apache-2.0 */
/* Where the fields of a ustar header are (POSIX.1-2017, pax, "ustar Interchange Format"). */
#ifndef MSE_PACKAGE_TAR_BLOCK_H
#define MSE_PACKAGE_TAR_BLOCK_H

#include "package/tar.h"

struct mse_tar_field {
    unsigned at, len;
};
#define TAR_NAME ((struct mse_tar_field){ 0, 100 })
#define TAR_MODE ((struct mse_tar_field){ 100, 8 })
#define TAR_UID ((struct mse_tar_field){ 108, 8 })
#define TAR_GID ((struct mse_tar_field){ 116, 8 })
#define TAR_SIZE ((struct mse_tar_field){ 124, 12 })
#define TAR_MTIME ((struct mse_tar_field){ 136, 12 })
#define TAR_CHECKSUM ((struct mse_tar_field){ 148, 8 })
#define TAR_TYPE 156
#define TAR_LINKNAME ((struct mse_tar_field){ 157, 100 })
#define TAR_MAGIC ((struct mse_tar_field){ 257, 8 }) /* with the version */
#define TAR_DEVMAJOR ((struct mse_tar_field){ 329, 8 })
#define TAR_DEVMINOR ((struct mse_tar_field){ 337, 8 })
#define TAR_PREFIX ((struct mse_tar_field){ 345, 155 })

#define TAR_USTAR "ustar\00000" /* magic and version of POSIX */
#define TAR_GNU "ustar  "       /* of GNU tar, whose headers have no prefix field */

/* Sum of the bytes, the checksum's own taken as spaces. */
unsigned mse_tar_checksum(const uint8_t block[static MSE_TAR_BLOCK]);
/* Relative, UTF-8, no control characters, parts neither empty nor "." nor "..". */
MSE_MUST_CHECK bool mse_tar_path_check(struct mse_bytes path, struct mse_error *err);
/* What a link may say at all; whether it leaves is for whoever makes it. */
MSE_MUST_CHECK bool mse_tar_target_check(struct mse_bytes target, const char *path,
                                         struct mse_error *err);

#endif
