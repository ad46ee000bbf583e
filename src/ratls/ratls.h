/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attested certificates: which evidence a certificate carries and whether it is about its key.
 * One profile is one rule: an OID, a container for the evidence, and what REPORTDATA must be. The
 * OID alone does not decide: several systems share one. All 64 bytes are accounted for.
 */
#ifndef MSE_RATLS_RATLS_H
#define MSE_RATLS_RATLS_H

#include "crypto/cert.h"
#include "evidence/hcl.h"
#include "evidence/quote.h"
#include "evidence/snp.h"

enum mse_evidence_kind { MSE_EVIDENCE_NONE, MSE_EVIDENCE_QUOTE, MSE_EVIDENCE_SNP };

/* How the bytes of REPORTDATA behind the key's digest are accounted for. */
enum mse_tail {
    MSE_TAIL_ZERO,           /* all zero */
    MSE_TAIL_ZERO_OR_X25519, /* MSE: zero, or an X25519 public key, which is then reported */
    MSE_TAIL_X25519,         /* the same, but never zero: that is another profile's rule */
    MSE_TAIL_NONE            /* the digest fills all 64 bytes */
};

/* What a profile reads out of one extension. */
struct mse_attestation {
    enum mse_evidence_kind kind;
    struct mse_bytes evidence;  /* view into the certificate, or into owned */
    enum mse_padding padding;   /* may zero bytes follow a quote */
    struct mse_snp_certs certs; /* certificates that travel with an SNP report */
    uint8_t expected[64];       /* what REPORTDATA must begin with */
    size_t expected_len;
    enum mse_tail tail;
    uint8_t *owned; /* decoded container, where the encoding is not the evidence itself */
};

struct mse_profile {
    const char *name;    /* "mse", "gramine", ... as --profile takes it */
    const char *summary; /* one line for help and documentation */
    /* Content octets of the OIDs that this profile reads, ended by an empty view. */
    const struct mse_bytes *oids;
    /*
     * Reads the payload of an extension with one of these OIDs and computes the expected
     * REPORTDATA from cert's key. False with an error if the payload is not of this profile.
     */
    bool (*open)(const struct mse_cert *cert, const struct mse_extension *extension,
                 struct mse_attestation *out, struct mse_error *err);
    /* Why genuine evidence may yet not fit, for the message; NULL if that cannot be. */
    const char *hint;
};

/* All profiles, ended by NULL; one file each. */
extern const struct mse_profile *const mse_profiles[];
const struct mse_profile *mse_profile_find(const char *name);
/* True if some profile reads this OID. */
bool mse_ratls_knows_oid(struct mse_bytes oid);
/* True if an extension has an OID under which evidence travels, whatever is in it. */
bool mse_ratls_has_evidence(const struct mse_cert *cert);

void mse_attestation_cleanup(struct mse_attestation *a);
/* Parses the evidence inside and compares REPORTDATA: MSE_ERR_BINDING with both values if not. */
MSE_MUST_CHECK bool mse_attestation_check_binding(const struct mse_attestation *a,
                                                  struct mse_error *err);

#define MSE_RATLS_MAX 4
struct mse_ratls {
    struct {
        const struct mse_profile *profile;
        struct mse_attestation attestation;
        char oid[64]; /* dotted text */
        bool is_copy; /* same evidence bytes as another, bound one; judged through that */
    } of[MSE_RATLS_MAX];
    size_t count;    /* at least 1 after success */
    bool has_x25519; /* of the first */
    uint8_t x25519[32];
};

/*
 * Finds every evidence extension that is understood and the profile that binds it to cert's key.
 * Exactly one profile must match each extension (with profile_name: that one; further extensions
 * are still checked). An extension that is understood but bound by no rule fails, unless it
 * repeats, byte for byte, the evidence of one that is bound. Those of profile_name come first,
 * copies last; the caller judges all that are no copies. Errors: MSE_ERR_NO_EVIDENCE,
 * MSE_ERR_BINDING, MSE_ERR_DUPLICATE (same OID twice), MSE_ERR_USAGE (no such profile), format
 * ones.
 */
MSE_MUST_CHECK bool mse_ratls_read(const struct mse_cert *cert, const char *profile_name,
                                   struct mse_ratls *out, struct mse_error *err);
void mse_ratls_cleanup(struct mse_ratls *ratls);

/* SNP report with the certificates that travel with it, as the payload of 1.2.840.113741.1337.7 has
 * them (docs/formats.md, "Certificates beside an SNP report"). Views into payload. */
MSE_MUST_CHECK bool mse_snp_payload_parse(struct mse_bytes payload, struct mse_bytes *report,
                                          struct mse_snp_certs *certs, struct mse_error *err);

/* ---- for profile files --------------------------------------------------------------------- */

/* Digests of the certificate's key in the encodings that profiles use. */
void mse_key_digest_point(const struct mse_cert *cert, uint8_t out[static 32]); /* BIT STRING */
void mse_key_digest_spki(const struct mse_cert *cert, uint8_t out[static 32]);
/* SHA-256 of the PEM form of the SPKI and one NUL; false if out of memory. */
MSE_MUST_CHECK bool mse_key_digest_pem_nul(const struct mse_cert *cert, uint8_t out[static 32],
                                           struct mse_error *err);
/* The PEM form itself, with the NUL counted; owned by the caller. */
MSE_MUST_CHECK bool mse_key_pem_nul(const struct mse_cert *cert, struct mse_writer *out,
                                    struct mse_error *err);
/* Sets a quote as evidence with this digest expected at its front. */
void mse_attestation_set_quote(struct mse_attestation *a, struct mse_bytes quote,
                               enum mse_padding padding, const uint8_t digest[static 32],
                               enum mse_tail tail);

#endif
