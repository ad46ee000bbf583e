/* SPDX-License-Identifier: Apache-2.0 */
/* Policy keys: one table row each, read from text; files of TOML or JSON go through the same rows.
 */
#include "verdict/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "crypto/der.h"
#include "crypto/hash.h"
#include "ratls/ratls.h"

struct row {
    struct mse_policy_key key;
    bool (*set)(struct mse_policy *policy, const struct row *row, const char *value,
                struct mse_error *err);
    size_t slot; /* offset of the field in struct mse_policy */
    size_t size; /* of one value of a list; largest integer otherwise */
};

static void *field_of(struct mse_policy *policy, const struct row *row)
{
    return (char *)policy + row->slot;
}

static bool bad_value(struct mse_error *err, const char *want, const char *value)
{
    char shown[96];

    return mse_fail_text(err, MSE_ERR_USAGE, "", "wants %s, not \"%s\"", want,
                         mse_escape(MSE_CSTR_BYTES(value), shown, sizeof(shown)));
}

static bool set_bool(struct mse_policy *policy, const struct row *row, const char *value,
                     struct mse_error *err)
{
    bool *field = field_of(policy, row);

    if (strcmp(value, "true") == 0)
        *field = true;
    else if (strcmp(value, "false") == 0)
        *field = false;
    else
        return bad_value(err, "true or false", value);
    return true;
}

static bool read_unsigned(const char *value, int64_t max, int64_t *out)
{
    int64_t v = 0;

    if (value[0] == '\0' || (value[0] == '0' && value[1] != '\0'))
        return false;
    for (const char *p = value; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || v > (INT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (*p - '0');
    }
    *out = v;
    return v <= max;
}

static bool set_integer(struct mse_policy *policy, const struct row *row, const char *value,
                        struct mse_error *err)
{
    int64_t *field = field_of(policy, row);
    int64_t v = 0;

    if (!read_unsigned(value, (int64_t)row->size, &v) || (row->key.values[0] == '1' && v == 0))
        return bad_value(err, row->key.values, value);
    *field = v;
    return true;
}

static bool list_add(struct mse_value_list *list, const uint8_t *value, size_t size,
                     struct mse_error *err)
{
    uint8_t *grown;

    if (mse_value_list_has(list, value, size))
        return true;
    if (list->count >= MSE_POLICY_MAX_VALUES)
        return mse_fail_text(err, MSE_ERR_LIMIT, "", "more than %d values", MSE_POLICY_MAX_VALUES);
    grown = realloc(list->values, (list->count + 1) * size);
    if (grown == NULL)
        return mse_fail_memory(err);
    memcpy(grown + list->count * size, value, size);
    list->values = grown;
    list->count++;
    return true;
}

static bool set_hex(struct mse_policy *policy, const struct row *row, const char *value,
                    struct mse_error *err)
{
    uint8_t bytes[64];

    if (!mse_hex_read(value, strlen(value), bytes, row->size))
        return bad_value(err, row->key.values, value);
    return list_add(field_of(policy, row), bytes, row->size, err);
}

/* A minisign public key, its base64 line. */
static bool set_minisign(struct mse_policy *policy, const struct row *row, const char *value,
                         struct mse_error *err)
{
    struct mse_minisign_public key;
    struct mse_error inner = { 0 };

    if (strchr(value, '\n') != NULL ||
        !mse_minisign_public_read(MSE_CSTR_BYTES(value), &key, &inner))
        return bad_value(err, row->key.values, value);
    return list_add(field_of(policy, row), (const uint8_t *)&key, sizeof(key), err);
}

/* A machine is a 64-byte chip id (AMD) or a 16-byte PPID or platform instance id (Intel). */
static bool set_machine(struct mse_policy *policy, const struct row *row, const char *value,
                        struct mse_error *err)
{
    uint8_t bytes[64];

    (void)row;
    if (strlen(value) == 128 && mse_hex_read(value, 128, bytes, 64))
        return list_add(&policy->machine, bytes, 64, err);
    if (strlen(value) == 32 && mse_hex_read(value, 32, bytes, 16))
        return list_add(&policy->machine_id, bytes, 16, err);
    return bad_value(err, "128 hex digits (chip id) or 32 (PPID, platform instance)", value);
}

/*
 * MRSIGNER is SHA-256 of the modulus, little-endian, 384 bytes (Intel SDM vol. 3D, SIGSTRUCT).
 * value is the PEM text of an RSA-3072 public key.
 */
static bool set_signer_key(struct mse_policy *policy, const struct row *row, const char *value,
                           struct mse_error *err)
{
    uint8_t der[1024], modulus[384], digest[32];
    size_t at = 0, len = sizeof(der);
    struct mse_error inner = { 0 };
    struct mse_reader r, key, algorithm;
    struct mse_bytes n;

    (void)row;
    if (!mse_pem_next(MSE_CSTR_BYTES(value), &at, "PUBLIC KEY", der, &len, &inner))
        return mse_fail_text(err, MSE_ERR_USAGE, "", "wants a PEM public key (RSA-3072)");
    r = mse_reader_init((struct mse_bytes){ der, len }, &inner);
    key = mse_der_enter(&r, MSE_DER_SEQUENCE, "SubjectPublicKeyInfo");
    algorithm = mse_der_enter(&key, MSE_DER_SEQUENCE, "algorithm");
    (void)mse_read_rest(&algorithm); /* what is below either is an RSA key or fails */
    n = mse_der_read_bits(&key, "subjectPublicKey");
    if (!mse_read_ok(&key))
        return mse_fail_text(err, MSE_ERR_USAGE, "", "is no RSA public key");
    r = mse_reader_init(n, &inner);
    key = mse_der_enter(&r, MSE_DER_SEQUENCE, "RSAPublicKey");
    n = mse_der_read_big(&key, "modulus");
    if (!mse_read_ok(&key) || n.len != sizeof(modulus))
        return mse_fail_text(err, MSE_ERR_USAGE, "", "is no RSA-3072 public key");
    for (size_t i = 0; i < sizeof(modulus); i++)
        modulus[i] = n.data[sizeof(modulus) - 1 - i];
    mse_sha256(MSE_BYTES(modulus), digest);
    return list_add(&policy->mrsigner, digest, sizeof(digest), err);
}

/* "STATUS" or "STATUS@DATE": accepted up to that instant. */
static bool set_allow_tcb(struct mse_policy *policy, const struct row *row, const char *value,
                          struct mse_error *err)
{
    const char *mark = strchr(value, '@');
    struct mse_bytes word = { (const uint8_t *)value,
                              mark != NULL ? (size_t)(mark - value) : strlen(value) };
    enum mse_tcb_status status = MSE_TCB_NO_MATCH;
    int64_t until = INT64_MAX;

    (void)row;
    if (!mse_tcb_status_read(word, &status))
        return bad_value(err, "one of Intel's TCB statuses", value);
    if (status == MSE_TCB_REVOKED)
        return mse_fail_text(err, MSE_ERR_USAGE, "", "Revoked is never accepted");
    if (mark != NULL && !mse_time_read(mark + 1, strlen(mark + 1), &until))
        return bad_value(err, "STATUS@YYYY-MM-DD", value);
    if (mark != NULL && strlen(mark + 1) == strlen("YYYY-MM-DD"))
        until += 86400 - 1; /* a day alone is its last second here */
    policy->tcb_allowed[status] = true;
    policy->tcb_allowed_until[status] = until;
    return true;
}

static bool read_part(struct mse_snp_floor *floor, const char *part, size_t len)
{
    const struct {
        const char *name;
        int *field;
    } parts[] = { { "fmc=", &floor->fmc },
                  { "bl=", &floor->bl },
                  { "tee=", &floor->tee },
                  { "snp=", &floor->snp },
                  { "ucode=", &floor->ucode } };
    char digits[8] = { 0 };
    int64_t v = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t n = strlen(parts[i].name);

        if (len <= n || len - n >= sizeof(digits) || strncmp(part, parts[i].name, n) != 0)
            continue;
        memcpy(digits, part + n, len - n);
        if (*parts[i].field != MSE_NOT_SET || !read_unsigned(digits, 255, &v))
            return false;
        *parts[i].field = (int)v;
        return true;
    }
    return false;
}

/* "bl=4,snp=23,ucode=213" */
static bool set_snp_floor(struct mse_policy *policy, const struct row *row, const char *value,
                          struct mse_error *err)
{
    struct mse_snp_floor floor = { MSE_NOT_SET, MSE_NOT_SET, MSE_NOT_SET,
                                   MSE_NOT_SET, MSE_NOT_SET, true };

    for (const char *p = value;;) {
        size_t len = strcspn(p, ",");

        if (!read_part(&floor, p, len))
            return bad_value(err, "parts of fmc=N,bl=N,tee=N,snp=N,ucode=N", value);
        if (p[len] == '\0')
            break;
        p += len + 1;
    }
    memcpy(field_of(policy, row), &floor, sizeof(floor));
    return true;
}

/* Seconds, or a number with s, m, h or d behind it. */
static bool set_duration(struct mse_policy *policy, const struct row *row, const char *value,
                         struct mse_error *err)
{
    static const struct {
        char suffix;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    char digits[16] = { 0 };
    size_t len = strlen(value);
    int64_t unit = 1, v = 0;

    for (size_t i = 0; len > 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (value[len - 1] == units[i].suffix) {
            unit = units[i].seconds;
            len--;
            break;
        }
    }
    if (len == 0 || len >= sizeof(digits))
        return bad_value(err, "a duration such as 12h or 30d", value);
    memcpy(digits, value, len);
    /* Ten years at most: what comes out is added to instants. */
    if (!read_unsigned(digits, INT64_C(10) * 366 * 86400 / unit, &v))
        return bad_value(err, "a duration such as 12h or 30d, ten years at most", value);
    v *= unit;
    memcpy(field_of(policy, row), &v, sizeof(v));
    return true;
}

static bool set_signing_key(struct mse_policy *policy, const struct row *row, const char *value,
                            struct mse_error *err)
{
    (void)row;
    if (strcmp(value, "vcek") == 0)
        policy->snp_signing_key = MSE_SNP_VCEK;
    else if (strcmp(value, "vlek") == 0)
        policy->snp_signing_key = MSE_SNP_VLEK;
    else
        return bad_value(err, "vcek or vlek", value);
    return true;
}

static bool set_profile(struct mse_policy *policy, const struct row *row, const char *value,
                        struct mse_error *err)
{
    (void)row;
    if (mse_profile_find(value) == NULL || strlen(value) >= sizeof(policy->profile))
        return bad_value(err, "the name of a certificate profile", value);
    memcpy(policy->profile, value, strlen(value) + 1);
    return true;
}

#define MINISIGN(field) set_minisign, offsetof(struct mse_policy, field), 0
#define HEX(field, bytes) set_hex, offsetof(struct mse_policy, field), bytes
#define INTEGER(field, max) set_integer, offsetof(struct mse_policy, field), max
#define BOOL(field) set_bool, offsetof(struct mse_policy, field), 0
#define H32 "64 hex digits"
#define H48 "96 hex digits"
#define H16 "32 hex digits"
/* clang-format off */
static const struct row rows[] = {
    { { "fingerprint", H32, "the code: MRENCLAVE (SGX) or the MSE fingerprint", true }, HEX(fingerprint, 32) },
    { { "mrsigner", H32, "who signed the enclave (SGX)", true }, HEX(mrsigner, 32) },
    { { "signer_key", "PEM text", "who signed the enclave, by the RSA-3072 public key", true }, set_signer_key, 0, 0 },
    { { "isv_prod_id", "0..65535", "product id the signer gave the enclave", false }, INTEGER(isv_prod_id, 65535) },
    { { "min_isv_svn", "0..65535", "lowest security version of the enclave", false }, INTEGER(min_isv_svn, 65535) },
    { { "instance_key", H32, "Ed25519 key that signs the operator's instance statements", true }, HEX(instance_key, 32) },
    { { "owner_key", "minisign public key", "owner whose release lists the accepted fingerprints", true }, MINISIGN(owner_key) },
    { { "runtime_key", "minisign public key", "who may sign runtime descriptions", true }, MINISIGN(runtime_key) },
    { { "runtime_digest", H32, "runtime description accepted without a signature", true }, HEX(runtime_digest, 32) },
    { { "mrtd", H48, "initial contents of a TD", true }, HEX(td[MSE_TD_MRTD], 48) },
    { { "rtmr0", H48, "TD run-time register 0 (firmware)", true }, HEX(td[MSE_TD_RTMR0], 48) },
    { { "rtmr1", H48, "TD run-time register 1 (kernel)", true }, HEX(td[MSE_TD_RTMR1], 48) },
    { { "rtmr2", H48, "TD run-time register 2 (command line, initrd)", true }, HEX(td[MSE_TD_RTMR2], 48) },
    { { "rtmr3", H48, "TD run-time register 3 (application)", true }, HEX(td[MSE_TD_RTMR3], 48) },
    { { "mrseam", H48, "TDX module", true }, HEX(td[MSE_TD_MRSEAM], 48) },
    { { "mrconfigid", H48, "TD configuration id", true }, HEX(td[MSE_TD_MRCONFIGID], 48) },
    { { "mrowner", H48, "TD owner", true }, HEX(td[MSE_TD_MROWNER], 48) },
    { { "mrownerconfig", H48, "TD owner's configuration", true }, HEX(td[MSE_TD_MROWNERCONFIG], 48) },
    { { "measurement", H48, "launch measurement of an SNP guest", true }, HEX(snp[MSE_SNP_MEASUREMENT], 48) },
    { { "host_data", H32, "host data of an SNP guest", true }, HEX(snp[MSE_SNP_HOST_DATA], 32) },
    { { "id_key_digest", H48, "who signed the SNP guest's identity block", true }, HEX(snp[MSE_SNP_ID_KEY_DIGEST], 48) },
    { { "author_key_digest", H48, "who certified that key", true }, HEX(snp[MSE_SNP_AUTHOR_KEY_DIGEST], 48) },
    { { "family_id", H16, "family id of an SNP guest", true }, HEX(snp[MSE_SNP_FAMILY_ID], 16) },
    { { "image_id", H16, "image id of an SNP guest", true }, HEX(snp[MSE_SNP_IMAGE_ID], 16) },
    { { "machine", "128 or 32 hex digits", "allowed machine: SNP chip id, or PPID or platform instance id", true }, set_machine, 0, 0 },
    { { "allow_tcb", "STATUS or STATUS@DATE", "accept one more of Intel's TCB statuses, up to a date", true }, set_allow_tcb, 0, 0 },
    { { "min_tcb_eval", "0..65535", "lowest tcbEvaluationDataNumber of the collateral", false }, INTEGER(min_tcb_eval, 65535) },
    { { "min_reported_tcb", "fmc=N,bl=N,tee=N,snp=N,ucode=N", "lowest reported TCB of an SNP platform", false }, set_snp_floor, offsetof(struct mse_policy, min_reported_tcb), 0 },
    { { "min_committed_tcb", "fmc=N,bl=N,tee=N,snp=N,ucode=N", "lowest committed TCB (no roll-back below it)", false }, set_snp_floor, offsetof(struct mse_policy, min_committed_tcb), 0 },
    { { "min_launch_tcb", "fmc=N,bl=N,tee=N,snp=N,ucode=N", "lowest TCB at the guest's launch", false }, set_snp_floor, offsetof(struct mse_policy, min_launch_tcb), 0 },
    { { "allow_debug", "true or false", "accept a debug enclave or guest: its memory can be read", false }, BOOL(allow_debug) },
    { { "allow_provision_key", "true or false", "accept an enclave that may derive provisioning keys", false }, BOOL(allow_provision_key) },
    { { "allow_einittoken_key", "true or false", "accept an enclave that may make launch tokens", false }, BOOL(allow_einittoken_key) },
    { { "allow_sept_ve", "true or false", "accept a TD whose host may inject #VE on its memory", false }, BOOL(allow_sept_ve) },
    { { "allow_migratable", "true or false", "accept a TD that may be migrated", false }, BOOL(allow_migratable) },
    { { "allow_migration_agent", "true or false", "accept an SNP guest with a migration agent", false }, BOOL(allow_migration_agent) },
    { { "allow_no_instance", "true or false", "accept an instance without the operator's statement, as incomplete", false }, BOOL(allow_no_instance) },
    { { "max_vmpl", "0..3", "highest VMPL that may have asked for the SNP report", false }, INTEGER(max_vmpl, 3) },
    { { "signing_key", "vcek or vlek", "kind of key that must have signed the SNP report", false }, set_signing_key, 0, 0 },
    { { "require_fingerprint", "true or false", "the code must be checked", false }, BOOL(require_fingerprint) },
    { { "strict", "true or false", "no check may be left out", false }, BOOL(strict) },
    { { "min_level", "1..3", "1 certificate, 2 fresh, 3 this connection", false }, INTEGER(min_level, 3) },
    { { "max_age", "duration such as 12h or 30d", "oldest certificate (evidence has no time of its own)", false }, set_duration, offsetof(struct mse_policy, max_age), 0 },
    { { "profile", "name", "certificate profile that must match", false }, set_profile, 0, 0 },
};
/* clang-format on */

size_t mse_policy_key_count(void)
{
    return sizeof(rows) / sizeof(rows[0]);
}

const struct mse_policy_key *mse_policy_key_at(size_t i)
{
    return i < mse_policy_key_count() ? &rows[i].key : NULL;
}

bool mse_value_list_has(const struct mse_value_list *list, const uint8_t *value, size_t size)
{
    for (size_t i = 0; i < list->count; i++) {
        if (memcmp(list->values + i * size, value, size) == 0)
            return true;
    }
    return false;
}

bool mse_policy_new(struct mse_policy **out, struct mse_error *err)
{
    struct mse_policy *p = calloc(1, sizeof(*p));

    *out = NULL;
    if (p == NULL)
        return mse_fail_memory(err);
    p->isv_prod_id = MSE_NOT_SET;
    p->min_isv_svn = MSE_NOT_SET;
    p->min_tcb_eval = MSE_NOT_SET;
    p->snp_signing_key = MSE_NOT_SET;
    p->min_level = MSE_NOT_SET;
    p->max_age = MSE_NOT_SET;
    /* The default of docs/policy.md: hardening advice is for the software inside, which is shown.
     */
    p->tcb_allowed[MSE_TCB_UP_TO_DATE] = true;
    p->tcb_allowed_until[MSE_TCB_UP_TO_DATE] = INT64_MAX;
    p->tcb_allowed[MSE_TCB_SW_HARDENING_NEEDED] = true;
    p->tcb_allowed_until[MSE_TCB_SW_HARDENING_NEEDED] = INT64_MAX;
    *out = p;
    return true;
}

void mse_policy_free(struct mse_policy *policy)
{
    if (policy == NULL)
        return;
    free(policy->fingerprint.values);
    free(policy->mrsigner.values);
    free(policy->instance_key.values);
    free(policy->owner_key.values);
    free(policy->runtime_key.values);
    free(policy->runtime_digest.values);
    mse_signed_file_cleanup(&policy->release);
    mse_signed_file_cleanup(&policy->runtime);
    free(policy->machine.values);
    free(policy->machine_id.values);
    for (size_t i = 0; i < MSE_TD_REGISTER_COUNT; i++)
        free(policy->td[i].values);
    for (size_t i = 0; i < MSE_SNP_REGISTER_COUNT; i++)
        free(policy->snp[i].values);
    free(policy);
}

static const struct row *row_find(const char *name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].key.name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

bool mse_policy_set(struct mse_policy *policy, const char *key, const char *value,
                    struct mse_error *err)
{
    const struct row *row = row_find(key);
    char shown[96];

    if (row == NULL)
        return mse_fail_text(err, MSE_ERR_UNKNOWN_KEY, "policy", "no key is named \"%s\"",
                             mse_escape(MSE_CSTR_BYTES(key), shown, sizeof(shown)));
    if (!row->set(policy, row, value, err))
        return mse_fail_in(err, "%s", row->key.name);
    return true;
}

bool mse_policy_expects_somebody(const struct mse_policy *policy)
{
    /* Each of these alone ties an enclave or guest to somebody; the rest only narrows it down. */
    return policy->fingerprint.count > 0 || policy->mrsigner.count > 0 ||
           policy->owner_key.count > 0 || policy->td[MSE_TD_MRTD].count > 0 ||
           policy->snp[MSE_SNP_MEASUREMENT].count > 0 ||
           policy->snp[MSE_SNP_ID_KEY_DIGEST].count > 0 ||
           policy->snp[MSE_SNP_AUTHOR_KEY_DIGEST].count > 0;
}

int64_t mse_policy_tcb_floor(const struct mse_policy *policy, int64_t at)
{
    /*
     * Numbers that Intel's standard set had already left behind at these dates; a lower one is a
     * replay of old collateral. Lags on purpose: the vendor keeps one number for up to a year.
     */
    static const struct {
        int64_t from;
        int64_t number;
    } floors[] = {
        { 1788220800, 18 }, /* 2026-09-01 */
        { 1767225600, 17 }, /* 2026-01-01 */
        { 1735689600, 16 }, /* 2025-01-01 */
        { 1696118400, 13 }, /* 2023-10-01 */
    };

    if (policy->min_tcb_eval != MSE_NOT_SET)
        return policy->min_tcb_eval;
    for (size_t i = 0; i < sizeof(floors) / sizeof(floors[0]); i++) {
        if (at >= floors[i].from)
            return floors[i].number;
    }
    return 0;
}
