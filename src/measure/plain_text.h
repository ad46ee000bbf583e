/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is measured: UTF-8 without control characters, so that it has one written form. */
#ifndef MSE_MEASURE_PLAIN_TEXT_H
#define MSE_MEASURE_PLAIN_TEXT_H

#include "base/bytes.h"

/*
 * At most max bytes of UTF-8, none of them a control character (Unicode category Cc: C0, DEL, C1).
 * NULL is MSE_ERR_MISSING, an empty text is fine. field is for the message.
 */
MSE_MUST_CHECK bool mse_plain_text_check(const char *text, size_t max, const char *field,
                                         struct mse_error *err);

#endif
