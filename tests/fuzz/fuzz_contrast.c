/* SPDX-License-Identifier: Apache-2.0 */
/* Contrast's Protocol Buffers. */
#include "fuzz_profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_profile("contrast", data, size);
}
