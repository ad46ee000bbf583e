/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that can make a verdict positive, from a complete list of passed checks only. */
#ifndef MSE_VERDICT_VERDICT_H
#define MSE_VERDICT_VERDICT_H

#include "appraisal/checks.h"

/*
 * FAIL if a check failed or did not run, UNKNOWN if one could not be made, INCOMPLETE if one that
 * may be left out was, PASS otherwise. NOT_APPLICABLE counts only for checks that some kind of
 * evidence or input does not have.
 */
enum mse_verdict mse_verdict_of(const struct mse_checks *checks);
/* PASS or INCOMPLETE: what may be acted upon. */
bool mse_verdict_is_positive(enum mse_verdict verdict);

/* Strict: what was left out counts as failed, except where the verdict's word does not depend on
 * it. */
void mse_verdict_refuse_waived(struct mse_checks *checks);

#endif
