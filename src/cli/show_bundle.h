/* SPDX-License-Identifier: Apache-2.0 */
/* What a collateral file holds and until when, item by item. */
#ifndef MSE_CLI_SHOW_BUNDLE_H
#define MSE_CLI_SHOW_BUNDLE_H

#include "endorsement/collateral.h"
#include "verdict/claims.h"

/* Reads a file of any accepted kind; nothing is authenticated. */
MSE_MUST_CHECK bool show_bundle(const char *name, struct mse_bytes in, struct mse_field_sink *s,
                                struct mse_error *err);
/* The items of a set; with authenticated also whether and why not. at: for the state in time. */
void show_items(const struct mse_collateral *set, bool authenticated, int64_t at,
                struct mse_field_sink *s);

#endif
