/* SPDX-License-Identifier: Apache-2.0 */
/* The vendors' pinned public keys: content of the BIT STRING of their SubjectPublicKeyInfo. */
#ifndef MSE_ENDORSEMENT_VENDOR_KEYS_H
#define MSE_ENDORSEMENT_VENDOR_KEYS_H

#include <stdint.h>

extern const uint8_t mse_vendor_intel_root[65];
extern const uint8_t mse_vendor_ark_milan[526];
extern const uint8_t mse_vendor_ark_genoa[526];
extern const uint8_t mse_vendor_ark_turin[526];

#endif
