/* SPDX-License-Identifier: Apache-2.0 */
/* DICE evidence: the CBOR wrapper and its claims. */
#include "fuzz_profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_profile("dice", data, size);
}
