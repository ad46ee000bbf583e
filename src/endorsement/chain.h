/* SPDX-License-Identifier: Apache-2.0 */
/* Building and checking the short chains of TEE vendors: leaf, one CA, pinned root. */
#ifndef MSE_ENDORSEMENT_CHAIN_H
#define MSE_ENDORSEMENT_CHAIN_H

#include "endorsement/collateral.h"

/* Role of a certificate by its subject and extensions; says nothing about who signed it. */
enum mse_cert_role mse_cert_role_guess(const struct mse_cert *cert);

/* AMD's product line of an ARK, ASK or ASVK by its subject; MSE_SNP_UNKNOWN for all others. */
enum mse_snp_product mse_cert_product(const struct mse_cert *cert);

/*
 * True if issuer may sign a certificate of this role and did: root -> PCK CAs and TCB signing, PCK
 * CA -> PCK leaf, ARK -> ASK and ASVK of its product, ASK -> VCEK, ASVK -> VLEK. Checks names, CA
 * flag, path length, keyCertSign, the signature algorithm of the vendor, and the signature.
 */
MSE_MUST_CHECK bool mse_chain_check_link(const struct mse_cert *cert, enum mse_cert_role role,
                                         const struct mse_cert *issuer,
                                         enum mse_cert_role issuer_role,
                                         const struct mse_key *issuer_key, struct mse_error *err);
/*
 * The same for a certificate directly below a pinned root whose own certificate is not at hand: the
 * issuer's common name must be the one that the vendor gave that root.
 */
MSE_MUST_CHECK bool mse_chain_check_root_link(const struct mse_cert *cert, enum mse_cert_role role,
                                              const struct mse_root *root, struct mse_error *err);

/* True if the rules let a certificate of issuer_role sign one of role. */
bool mse_chain_may_issue(enum mse_cert_role issuer_role, enum mse_cert_role role);
/* Role of the certificate of a pinned root. */
enum mse_cert_role mse_root_role(const struct mse_root *root);
/* Common name of a pinned root's certificate: "Intel SGX Root CA", "ARK-Milan", ... */
const char *mse_root_common_name(const struct mse_root *root);

#endif
