/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the newest release seen for an owner and app: an older one is refused. */
#ifndef MSE_RELEASE_ROLLBACK_H
#define MSE_RELEASE_ROLLBACK_H

#include "release/release.h"

/*
 * directory: kept by the caller ("$XDG_STATE_HOME/mse/releases"); made when something is stored.
 * One file per owner and app, written atomically, safe with parallel processes. A lower serial is
 * MSE_ERR_VALUE "older than one already seen", the same serial with other bytes MSE_ERR_MISMATCH.
 * A release that lists a DNS name of another remembered app of the owner, and begins before that
 * one, is MSE_ERR_VALUE too: a new app name does not make old releases good again.
 * A memory that cannot be read is an error, never "nothing seen".
 */
MSE_MUST_CHECK bool mse_rollback_check(const char *directory,
                                       const struct mse_minisign_public *owner,
                                       const struct mse_release *release, struct mse_error *err);
/* Remembers it, with its bytes and signature, so that --release may be left out the next time. */
MSE_MUST_CHECK bool mse_rollback_store(const char *directory,
                                       const struct mse_minisign_public *owner,
                                       const struct mse_release *release, struct mse_bytes file,
                                       struct mse_bytes signature_file, struct mse_error *err);
/*
 * The newest remembered release of this owner (by not_before, then serial) that lists name: its
 * bytes and its signature file are appended to the writers. *found false if there is none.
 */
MSE_MUST_CHECK bool mse_rollback_find(const char *directory,
                                      const struct mse_minisign_public *owner, const char *name,
                                      bool *found, struct mse_writer *file,
                                      struct mse_writer *signature_file, struct mse_error *err);

#endif
