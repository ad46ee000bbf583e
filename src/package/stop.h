/* SPDX-License-Identifier: Apache-2.0 */
/* Long work asks now and then whether it shall end. */
#ifndef MSE_PACKAGE_STOP_H
#define MSE_PACKAGE_STOP_H

#include "base/error.h"

/* Called from several threads. True ends the work with MSE_ERR_IO, and nothing of it is left. */
struct mse_stop {
    bool (*is_asked)(const struct mse_stop *self);
    /* Returns when fd can be read, or it is asked to stop; NULL: reading does not take long. */
    void (*wait)(const struct mse_stop *self, int fd);
};

/* stop may be NULL. */
MSE_MUST_CHECK static inline bool mse_stop_check(const struct mse_stop *stop, struct mse_error *err)
{
    return stop == NULL || !stop->is_asked(stop) ||
           mse_fail_text(err, MSE_ERR_IO, "interrupted", "nothing was written");
}

/* Before a read that may wait for ever. */
MSE_MUST_CHECK static inline bool mse_stop_wait(const struct mse_stop *stop, int fd,
                                                struct mse_error *err)
{
    if (stop != NULL && stop->wait != NULL)
        stop->wait(stop, fd);
    return mse_stop_check(stop, err);
}

#endif
