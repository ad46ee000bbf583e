/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines. The monotonic clock measures waits only; nothing is judged by it. */
#include "client/deadline.h"

#include <limits.h>
#include <time.h>

static int64_t now_ms(void)
{
    struct timespec ts = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct mse_deadline mse_deadline_in(unsigned timeout_ms)
{
    return (struct mse_deadline){ now_ms() + timeout_ms };
}

int mse_deadline_left(const struct mse_deadline *deadline)
{
    int64_t left = deadline->at_ms - now_ms();

    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

struct mse_deadline mse_deadline_share(const struct mse_deadline *deadline, unsigned shares)
{
    return mse_deadline_in((unsigned)mse_deadline_left(deadline) / (shares > 0 ? shares : 1));
}
