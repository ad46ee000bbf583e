/* SPDX-License-Identifier: Apache-2.0 */
/* Judging certificates by the revocation lists of their issuer (RFC 5280, 6.3). */
#ifndef MSE_APPRAISAL_REVOCATION_H
#define MSE_APPRAISAL_REVOCATION_H

#include "appraisal/window.h"

/* Whose list is asked for: that of a CA of the chain, or else of a pinned root. */
struct mse_crl_issuer {
    const struct mse_cert *ca; /* NULL: the root */
    const struct mse_key *ca_key;
    const struct mse_root *root;
    const char *name; /* for people */
};

/* A certificate of that issuer. */
struct mse_crl_subject {
    const struct mse_cert *cert; /* NULL: left out */
    const char *name;
};

struct mse_revocation {
    const struct mse_roots *roots;
    const struct mse_collateral *collateral; /* may be NULL */
    /* A list that came with the evidence, DER: one more beside those of the set. Empty: none. */
    struct mse_bytes brought;
    int64_t at;
    struct mse_checks *checks;
    struct mse_window *window;
};

/*
 * REVOCATION fails if a subject is on any genuine list of the issuer, whatever the dates of that
 * list, or if the only list is not genuine; it is unknown if there is no list or none in date. It
 * is never passed here: the caller does that once all lists were asked.
 */
void mse_revocation_judge(const struct mse_revocation *revocation,
                          const struct mse_crl_issuer *issuer,
                          const struct mse_crl_subject *subjects, size_t count);

#endif
