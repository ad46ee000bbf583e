/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that may change without a verdict changing: those that nobody signed and nobody reads. */
#ifndef MSE_CONFORMANCE_REGIONS_H
#define MSE_CONFORMANCE_REGIONS_H

#include "endorsement/collateral.h"
#include "evidence/cert_data.h"
#include "ratls/ratls.h"

/* Which bit of a byte is flipped: each position has its own, so that all bits have their turn. */
static inline uint8_t flipped_bit(size_t offset)
{
    return (uint8_t)(1U << (offset % 8));
}

/* What the evidence at hand needs of a set of collateral. */
struct needed {
    bool intel, tdx, vlek;
    struct mse_bytes brought[8]; /* DER of certificates that the evidence brings, owned */
    size_t brought_count;
};

/* Reads a quote, SNP report or HCL report; with certificate an attested certificate's evidence. */
bool needed_of(struct mse_bytes in, bool certificate, struct needed *out);
void needed_cleanup(struct needed *needed);
/* False for what is about other platforms or enclaves: it is left out of the set. */
bool item_is_needed(const struct mse_item *item, const struct needed *needed);

/*
 * Sets reason[i] for every byte of the evidence or of the item whose change may go unnoticed, from
 * what the formats say. The others stay NULL. items are those of the set that are needed.
 */
void declare_evidence(struct mse_bytes in, bool certificate, const struct mse_item *const *items,
                      size_t count, const char **reason);
void declare_item(const struct mse_item *item, const struct needed *needed, const char **reason);

#endif
