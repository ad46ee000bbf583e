/* SPDX-License-Identifier: Apache-2.0 */
/* The time in which a judgement holds: intersection of the windows of all it rests on. */
#ifndef MSE_APPRAISAL_WINDOW_H
#define MSE_APPRAISAL_WINDOW_H

#include "appraisal/appraisal.h"

#define MSE_WINDOW_TEXT_SIZE 48

struct mse_window {
    int64_t from, until; /* both inclusive */
    bool any;            /* something was added */
};

void mse_window_add(struct mse_window *window, int64_t from, int64_t until);
/* Sets validity and age. The youngest statement is the one that starts last, which is where the
 * intersection starts. If nothing was relied on, the judgement holds at this instant only. */
void mse_window_export(const struct mse_window *window, int64_t at, struct mse_appraisal *out);
/* MSE_ERR_NONE if at lies inside, else MSE_ERR_NOT_YET_VALID or MSE_ERR_EXPIRED. */
enum mse_err_code mse_window_judge(int64_t from, int64_t until, int64_t at);
/* "not valid before ..." or "not valid after ..." for these codes; returns text. */
const char *mse_window_text(enum mse_err_code code, int64_t from, int64_t until,
                            char text[MSE_WINDOW_TEXT_SIZE]);

#endif
