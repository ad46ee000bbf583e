/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that may hold known members only. */
#ifndef MSE_ENCLAVE_JSON_MEMBERS_H
#define MSE_ENCLAVE_JSON_MEMBERS_H

#include "base/json.h"

#define MSE_JSON_MAX_KNOWN 16

/*
 * Finds each of the names (at most MSE_JSON_MAX_KNOWN); out[i] is NULL where there is none. A value
 * that is no object is MSE_ERR_FORMAT, a member besides these MSE_ERR_UNKNOWN_KEY with its name.
 */
MSE_MUST_CHECK bool mse_json_members(const struct mse_json *json,
                                     const struct mse_json_value *object, const char *const *names,
                                     size_t count, const struct mse_json_value **out,
                                     struct mse_error *err);

#endif
