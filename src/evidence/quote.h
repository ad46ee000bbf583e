/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intel ECDSA quotes: version 3 (SGX), 4 (SGX or TD 1.0), 5 (body types 1, 2, 3).
 * Intel SGX ECDSA Quote Library Reference, appendix A; Intel TDX DCAP Quoting Library API, A.3-A.4.
 */
#ifndef MSE_EVIDENCE_QUOTE_H
#define MSE_EVIDENCE_QUOTE_H

#include "evidence/cert_data.h"
#include "evidence/sgx.h"
#include "evidence/tdx.h"

#define MSE_QUOTE_HEADER_SIZE 48
#define MSE_QUOTE_MAX_SIZE (64U << 10)
#define MSE_TEE_TYPE_SGX 0x00U
#define MSE_TEE_TYPE_TDX 0x81U

extern const uint8_t mse_qe_vendor_intel[16];
/* "mse-simulatedtee": evidence of mse-simtee; refused under vendor roots whatever its signature. */
extern const uint8_t mse_qe_vendor_simulated[16];

enum mse_quote_body { MSE_QUOTE_BODY_SGX = 1, MSE_QUOTE_BODY_TD10 = 2, MSE_QUOTE_BODY_TD15 = 3 };

/* Views and pointers lie inside the input. */
struct mse_quote {
    uint16_t version;      /* 3, 4 or 5 */
    uint16_t att_key_type; /* 2: ECDSA P-256 (the only one read) */
    uint32_t tee_type;     /* MSE_TEE_TYPE_*; 0 for version 3 */
    uint16_t qe_svn;       /* versions 3 and 4; reserved later */
    uint16_t pce_svn;
    const uint8_t *qe_vendor_id; /* 16 */
    const uint8_t *user_data;    /* 20 */
    enum mse_quote_body body_type;
    struct mse_sgx_body sgx;      /* body_type SGX */
    struct mse_td_body td;        /* body_type TD10, TD15 */
    const uint8_t *report_data;   /* 64, of either */
    struct mse_bytes signed_part; /* what the attestation key signs: header and body */
    const uint8_t *signature;     /* 64, r || s */
    const uint8_t *att_key;       /* 64, X || Y */
    struct mse_sgx_body qe_report;
    const uint8_t *qe_report_signature; /* 64 */
    struct mse_bytes qe_auth_data;
    struct mse_cert_data cert_data; /* innermost: never type 6 */
    size_t len;                     /* of the quote itself: header to end of signature data */
};

enum mse_padding {
    MSE_PADDING_NONE, /* anything behind the quote is MSE_ERR_TRAILING */
    MSE_PADDING_ZERO  /* zero bytes may follow, as buffers of fixed size have them; others not */
};

/*
 * att_key_type other than 2 is MSE_ERR_UNSUPPORTED (EPID, P-384). The vendor id is not judged here.
 * A length field that disagrees with another or with the input is an error with its offset.
 */
MSE_MUST_CHECK bool mse_quote_parse(struct mse_bytes in, enum mse_padding padding,
                                    struct mse_quote *out, struct mse_error *err);

#endif
