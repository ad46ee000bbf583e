/* SPDX-License-Identifier: Apache-2.0 */
/* SEV-SNP attestation report (AMD SEV-SNP Firmware ABI, 56860, table "ATTESTATION_REPORT"). */
#ifndef MSE_EVIDENCE_SNP_H
#define MSE_EVIDENCE_SNP_H

#include "base/bytes.h"

#define MSE_SNP_REPORT_SIZE 1184
#define MSE_SNP_SIGNED_SIZE 0x2a0
#define MSE_SNP_MAX_CERTS 16
#define MSE_SNP_CERT_TABLE_MAX_SIZE (256U << 10)

#define MSE_SNP_POLICY_SMT (1ULL << 16)
#define MSE_SNP_POLICY_MIGRATE_MA (1ULL << 18)
#define MSE_SNP_POLICY_DEBUG (1ULL << 19)
#define MSE_SNP_POLICY_SINGLE_SOCKET (1ULL << 20)

enum mse_snp_product { MSE_SNP_UNKNOWN, MSE_SNP_MILAN, MSE_SNP_GENOA, MSE_SNP_TURIN };
enum mse_snp_signing_key { MSE_SNP_VCEK = 0, MSE_SNP_VLEK = 1, MSE_SNP_NO_KEY = 7 };

/* Security versions; fmc exists on Turin only (else 0). Byte order differs by product. */
struct mse_snp_tcb {
    uint8_t fmc, bl, tee, snp, ucode;
};

/* Pointers lie inside the input. */
struct mse_snp_report {
    struct mse_bytes raw; /* all 1184 bytes */
    uint32_t version;     /* 2, 3 or 5 */
    uint32_t guest_svn;
    uint64_t policy;
    const uint8_t *family_id; /* 16 */
    const uint8_t *image_id;  /* 16 */
    uint32_t vmpl;
    uint32_t signature_algo;    /* 1: ECDSA P-384 with SHA-384 (the only one read) */
    const uint8_t *current_tcb; /* 8, in the product's byte order: mse_snp_tcb_decode */
    uint64_t platform_info;
    bool author_key_en;
    bool mask_chip_key;
    uint32_t signing_key;             /* enum mse_snp_signing_key, or another value */
    const uint8_t *report_data;       /* 64 */
    const uint8_t *measurement;       /* 48 */
    const uint8_t *host_data;         /* 32 */
    const uint8_t *id_key_digest;     /* 48 */
    const uint8_t *author_key_digest; /* 48 */
    const uint8_t *report_id;         /* 32 */
    const uint8_t *report_id_ma;      /* 32 */
    const uint8_t *reported_tcb;      /* 8 */
    bool has_cpuid;                   /* version 3 and later */
    uint8_t cpuid_family, cpuid_model, cpuid_stepping; /* extended family and model included */
    const uint8_t *chip_id;                            /* 64 */
    const uint8_t *committed_tcb;                      /* 8 */
    uint8_t current_build, current_minor, current_major;
    uint8_t committed_build, committed_minor, committed_major;
    const uint8_t *launch_tcb;                      /* 8 */
    uint64_t launch_mitigation, current_mitigation; /* version 5; else 0 */
    struct mse_bytes signed_part;                   /* first 0x2a0 bytes */
    uint8_t signature[96]; /* r || s, 48 bytes each, big-endian: reversed from the report */
};

/*
 * Exactly 1184 bytes. r or s longer than 48 bytes, a non-zero rest of the signature field, and a
 * version other than 2, 3, 5 are errors. Whether reserved fields are zero is not judged: signed.
 */
MSE_MUST_CHECK bool mse_snp_report_parse(struct mse_bytes in, struct mse_snp_report *out,
                                         struct mse_error *err);
/* MSE_SNP_UNKNOWN has no byte order: all zero. A version 2 report does not name its product. */
struct mse_snp_tcb mse_snp_tcb_decode(const uint8_t raw[static 8], enum mse_snp_product product);
/* From CPUID family and model; MSE_SNP_UNKNOWN for version 2 reports and unknown processors. */
enum mse_snp_product mse_snp_report_product(const struct mse_snp_report *report);
const char *mse_snp_product_name(enum mse_snp_product product);

enum mse_snp_cert_kind {
    MSE_SNP_CERT_OTHER,
    MSE_SNP_CERT_VCEK,
    MSE_SNP_CERT_VLEK,
    MSE_SNP_CERT_ASK, /* or ASVK: one GUID serves both */
    MSE_SNP_CERT_ARK,
    MSE_SNP_CERT_CRL
};
struct mse_snp_cert {
    enum mse_snp_cert_kind kind;
    struct mse_bytes der;
};
struct mse_snp_certs {
    struct mse_snp_cert of[MSE_SNP_MAX_CERTS];
    size_t count;
};

/*
 * The kernel's certificate table of an extended report (Linux sev-guest; GHCB specification):
 * entries {GUID 16, u32 offset, u32 length}, ended by a zero entry. Overlapping or outside entries,
 * a missing end and a GUID seen twice are errors. Bytes that no entry covers must be zero.
 */
MSE_MUST_CHECK bool mse_snp_cert_table_parse(struct mse_bytes in, struct mse_snp_certs *out,
                                             struct mse_error *err);
/* GUID in RFC 4122 byte order to kind. */
enum mse_snp_cert_kind mse_snp_cert_kind_of(const uint8_t guid[static 16]);

#endif
