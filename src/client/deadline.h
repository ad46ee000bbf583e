/* SPDX-License-Identifier: Apache-2.0 */
/* One deadline for a whole exchange, on the monotonic clock: waits share what is left of it. */
#ifndef MSE_CLIENT_DEADLINE_H
#define MSE_CLIENT_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct mse_deadline {
    int64_t at_ms;
};

struct mse_deadline mse_deadline_in(unsigned timeout_ms);
/* Ends after a part of what is left: 1/shares of it. */
struct mse_deadline mse_deadline_share(const struct mse_deadline *deadline, unsigned shares);
/* For poll(): milliseconds left, 0 if it has passed. */
int mse_deadline_left(const struct mse_deadline *deadline);

#endif
