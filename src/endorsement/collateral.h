/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of vendor statements: added as raw bytes, authenticated once, then read-only.
 * Order inside prepare: certificates, then CRLs, then JSON; signature over the received span first,
 * then only that span is parsed.
 */
#ifndef MSE_ENDORSEMENT_COLLATERAL_H
#define MSE_ENDORSEMENT_COLLATERAL_H

#include "crypto/crl.h"
#include "endorsement/pck.h"
#include "endorsement/qe_identity.h"
#include "endorsement/roots.h"
#include "endorsement/tcb_info.h"
#include "endorsement/vek.h"

#define MSE_COLLATERAL_MAX_ITEMS 4096
#define MSE_COLLATERAL_MAX_BYTES (64U << 20)

enum mse_item_kind { MSE_ITEM_CERT, MSE_ITEM_CRL, MSE_ITEM_TCB_INFO, MSE_ITEM_QE_IDENTITY };

/* What a certificate turned out to be, from its subject, extensions and issuer. */
enum mse_cert_role {
    MSE_ROLE_UNKNOWN,
    MSE_ROLE_INTEL_ROOT,
    MSE_ROLE_PCK_PLATFORM_CA,
    MSE_ROLE_PCK_PROCESSOR_CA,
    MSE_ROLE_TCB_SIGNING,
    MSE_ROLE_PCK_LEAF,
    MSE_ROLE_ARK,
    MSE_ROLE_ASK,
    MSE_ROLE_ASVK,
    MSE_ROLE_VCEK,
    MSE_ROLE_VLEK
};
const char *mse_cert_role_name(enum mse_cert_role role);

struct mse_item {
    enum mse_item_kind kind;
    struct mse_bytes bytes; /* owned copy */
    char name[96];          /* where it came from, for messages */
    bool early;             /* of the vendor's early update set */
    bool authenticated;     /* signature chains to a pinned root; says nothing about dates */
    struct mse_error why_not;
    bool no_issuer; /* why_not: well formed, but its issuer's certificate is not in the set */
    /* Validity window of the item and all that its authentication rests on; pinned roots do not
     * narrow it, their own has no ends. */
    int64_t valid_from, valid_until;
    /* Certificate that signed it; NULL for a root and for what a pinned root signed whose own
     * certificate is not in the set. */
    const struct mse_item *issuer;
    uint8_t root_key_digest[32]; /* of what a pinned root signed: as in struct mse_roots */
    enum mse_cert_role role;     /* certificates, set once authenticated */
    struct mse_cert cert;
    struct mse_key *key; /* of a certificate; owned */
    struct mse_crl crl;
    struct mse_tcb_info tcb_info;
    struct mse_qe_identity qe_identity;
};

struct mse_collateral {
    struct mse_item **items; /* owned, stable addresses */
    size_t count;
    size_t total; /* bytes held */
    bool prepared;
};

/* Raw items, kind known. The bytes are copied; an exact copy of an item already there is skipped.
 */
MSE_MUST_CHECK bool mse_collateral_add_item(struct mse_collateral *collateral,
                                            enum mse_item_kind kind, struct mse_bytes bytes,
                                            const char *name, bool early, struct mse_error *err);
/* Every certificate of a PEM text or concatenated DER; none at all is MSE_ERR_MISSING. */
MSE_MUST_CHECK bool mse_collateral_add_certs(struct mse_collateral *collateral, struct mse_bytes in,
                                             const char *name, struct mse_error *err);
/* CRL in DER, PEM or hex. */
MSE_MUST_CHECK bool mse_collateral_add_crl(struct mse_collateral *collateral, struct mse_bytes in,
                                           const char *name, struct mse_error *err);
MSE_MUST_CHECK bool mse_collateral_authenticate(struct mse_collateral *collateral,
                                                const struct mse_roots *roots,
                                                struct mse_error *err);

/*
 * Look-ups over a prepared set. They return the best authenticated item: valid at that instant if
 * there is one, the highest tcbEvaluationDataNumber among these, then the latest; if none is valid
 * then, the one nearest in time, so that the message can say how far off it is. The early set is
 * looked at only when asked for. NULL if there is none at all.
 */
const struct mse_item *mse_collateral_tcb_info(const struct mse_collateral *collateral, bool tdx,
                                               const uint8_t fmspc[static 6], bool early,
                                               int64_t at);
const struct mse_item *mse_collateral_qe_identity(const struct mse_collateral *collateral,
                                                  enum mse_qe_id id, bool early, int64_t at);
/*
 * True if an authentic item about the same thing (TEE and FMSPC, or identity; early or not), issued
 * by that instant, has a higher tcbEvaluationDataNumber than the chosen one; *known is the highest.
 */
bool mse_collateral_newer_known(const struct mse_collateral *collateral,
                                const struct mse_item *chosen, int64_t at, uint32_t *known);
/* CRL whose issuer is this certificate's subject and whose signature that key made. */
const struct mse_item *mse_collateral_crl(const struct mse_collateral *collateral,
                                          const struct mse_cert *issuer, int64_t at);
/* Certificates by role; after != NULL continues behind it. */
const struct mse_item *mse_collateral_cert(const struct mse_collateral *collateral,
                                           enum mse_cert_role role, const struct mse_item *after);
/* First item of that kind that did not authenticate, or NULL: for messages. */
const struct mse_item *mse_collateral_rejected(const struct mse_collateral *collateral,
                                               enum mse_item_kind kind);

#endif
