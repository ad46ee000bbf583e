/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller accepts: one table of keys serves policy files, options and documentation. */
#ifndef MSE_VERDICT_POLICY_H
#define MSE_VERDICT_POLICY_H

#include "appraisal/appraisal.h"
#include "crypto/key.h"
#include "release/minisign.h"

#define MSE_POLICY_MAX_SIZE (1U << 20)
#define MSE_POLICY_MAX_VALUES 4096
#define MSE_POLICY_MAX_RUNTIME (32U << 20)

/* Expected values of one length; any of them will do. An empty list compares nothing. */
struct mse_value_list {
    uint8_t *values; /* count * size bytes, owned */
    size_t count;
};

/* A file and its minisign signature file, both owned; empty where not given. */
struct mse_signed_file {
    struct mse_bytes content, signature;
};
void mse_signed_file_cleanup(struct mse_signed_file *file);

enum mse_td_register {
    MSE_TD_MRTD,
    MSE_TD_RTMR0,
    MSE_TD_RTMR1,
    MSE_TD_RTMR2,
    MSE_TD_RTMR3,
    MSE_TD_MRSEAM,
    MSE_TD_MRCONFIGID,
    MSE_TD_MROWNER,
    MSE_TD_MROWNERCONFIG,
    MSE_TD_REGISTER_COUNT
};

enum mse_snp_register {
    MSE_SNP_MEASUREMENT,
    MSE_SNP_HOST_DATA,
    MSE_SNP_ID_KEY_DIGEST,
    MSE_SNP_AUTHOR_KEY_DIGEST,
    MSE_SNP_FAMILY_ID,
    MSE_SNP_IMAGE_ID,
    MSE_SNP_REGISTER_COUNT
};

#define MSE_TCB_STATUS_COUNT (MSE_TCB_REVOKED + 1)
#define MSE_NOT_SET (-1)

/* Minimum security versions, MSE_NOT_SET where none is asked for. */
struct mse_snp_floor {
    int fmc, bl, tee, snp, ucode;
    bool set;
};

struct mse_policy {
    /* who is expected */
    struct mse_value_list fingerprint;    /* 32 */
    struct mse_value_list mrsigner;       /* 32 */
    struct mse_value_list instance_key;   /* 32, Ed25519 */
    struct mse_value_list owner_key;      /* struct mse_minisign_public */
    struct mse_signed_file release;       /* of one of these owners */
    struct mse_value_list runtime_key;    /* struct mse_minisign_public */
    struct mse_value_list runtime_digest; /* 32: accepted without a signature */
    struct mse_signed_file runtime;       /* description that went into the expected fingerprint */
    struct mse_value_list td[MSE_TD_REGISTER_COUNT];   /* 48 */
    struct mse_value_list snp[MSE_SNP_REGISTER_COUNT]; /* 48, 32, 48, 48, 16, 16 */
    int64_t isv_prod_id;                               /* MSE_NOT_SET or 0..65535 */
    int64_t min_isv_svn;
    struct mse_value_list machine;    /* 64: SNP chip ids */
    struct mse_value_list machine_id; /* 16: PPIDs and platform instance ids */
    /* security level */
    bool tcb_allowed[MSE_TCB_STATUS_COUNT];
    int64_t tcb_allowed_until[MSE_TCB_STATUS_COUNT]; /* INT64_MAX: no end */
    int64_t min_tcb_eval;                            /* MSE_NOT_SET: the compiled-in floor */
    struct mse_snp_floor min_reported_tcb, min_committed_tcb, min_launch_tcb;
    /* attributes that are refused unless allowed */
    bool allow_debug, allow_provision_key, allow_einittoken_key, allow_sept_ve, allow_migratable,
        allow_migration_agent, allow_no_instance;
    int64_t max_vmpl;
    int64_t snp_signing_key; /* MSE_NOT_SET: VCEK or VLEK */
    /* how complete it has to be */
    bool require_fingerprint, strict;
    int64_t min_level; /* 1..3; MSE_NOT_SET: none */
    int64_t max_age;   /* seconds; MSE_NOT_SET: none */
    char profile[32];  /* "": found by content */
};

/* One row a key: for mse-policy(5), help and completion. */
struct mse_policy_key {
    const char *name;
    const char *values;
    const char *summary;
    bool is_list;
};
size_t mse_policy_key_count(void);
/* NULL at and behind the end. */
const struct mse_policy_key *mse_policy_key_at(size_t i);

/* The floor for tcbEvaluationDataNumber at this instant (docs/policy.md). */
int64_t mse_policy_tcb_floor(const struct mse_policy *policy, int64_t at);
bool mse_value_list_has(const struct mse_value_list *list, const uint8_t *value, size_t size);

#endif
