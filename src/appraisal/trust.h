/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was verified before, for the appraisals of this module alone.
 *
 * Only successes are kept, and only what does not depend on time or on collateral that changes:
 * that a chain leads to a pinned root, that a quoting enclave's report vouches for a key. Dates,
 * revocation, identities and TCB levels are judged each time.
 */
#ifndef MSE_APPRAISAL_TRUST_H
#define MSE_APPRAISAL_TRUST_H

#include <stdatomic.h>

#include "appraisal/appraisal.h"

enum mse_trust_kind {
    MSE_TRUST_PCK_CHAIN, /* by the quote's certification data */
    MSE_TRUST_QE_REPORT, /* by chain, QE report, its signature, attestation key, auth data */
    MSE_TRUST_VEK_CHAIN  /* by the certificates that came with the report, or VEK and ASK */
};

/* Leaf, the CA above it, and which pinned root is above that; views lie inside der. */
struct mse_trusted_chain {
    uint8_t *der;
    struct mse_cert leaf, ca;
    enum mse_cert_role ca_role;
    struct mse_key *ca_key;
    uint8_t root_key_digest[32]; /* as in struct mse_roots */
    struct mse_pck pck;          /* Intel */
    struct mse_vek vek;          /* AMD */
};

/* Immutable once made; any number of threads may hold references. */
struct mse_trusted {
    atomic_uint references;
    enum mse_trust_kind kind;
    uint64_t id;                     /* never given twice by one cache; 0: not in a cache */
    struct mse_key *key;             /* of the leaf, or the attestation key */
    struct mse_trusted_chain *chain; /* NULL for a QE report */
    /* What it is looked up by: owned copy, complete. */
    uint64_t hash;
    uint8_t *lookup;
    size_t lookup_len;
};

/* One reference for the caller: mse_trusted_release. with_chain: an empty chain is allocated. */
MSE_MUST_CHECK bool mse_trusted_new(enum mse_trust_kind kind, bool with_chain,
                                    struct mse_trusted **out, struct mse_error *err);
/* Copies the certificates of leaf and CA into the chain, so that it owns all it points to. */
MSE_MUST_CHECK bool mse_trusted_own_certs(struct mse_trusted *trusted, const struct mse_cert *leaf,
                                          const struct mse_cert *ca, struct mse_error *err);
void mse_trusted_release(struct mse_trusted *trusted);
void mse_trusted_cleanup(struct mse_trusted **trusted);

/*
 * A reference to what was verified under these roots by exactly these bytes, or NULL. The parts
 * are compared as one string: at most the last may vary in length, or all delimit themselves.
 */
struct mse_trusted *mse_trust_find(struct mse_trust_cache *cache, const struct mse_roots *roots,
                                   enum mse_trust_kind kind, const struct mse_bytes *parts,
                                   size_t count);
/* Remembers trusted; forgets the one that was not asked for longest. Failing is no harm. */
void mse_trust_keep(struct mse_trust_cache *cache, const struct mse_roots *roots,
                    struct mse_trusted *trusted, const struct mse_bytes *parts, size_t count);

#endif
