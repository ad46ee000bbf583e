/* SPDX-License-Identifier: Apache-2.0 */
/* dstack's SCALE attestations and wrapped quotes. */
#include "fuzz_profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_profile("dstack", data, size);
}
