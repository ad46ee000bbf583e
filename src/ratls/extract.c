/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the evidence extensions of a certificate and the one profile that binds each to its key. */
#include "ratls/binding.h"

#include <stdio.h>

/* Where several profiles read one OID, the likeliest stands first: refusals name it. */
const struct mse_profile *const mse_profiles[] = {
    &mse_profile_mse,
    &mse_profile_tee_tools,
    &mse_profile_dice,
    &mse_profile_rats_tls,
    &mse_profile_gramine,
    &mse_profile_sgx_sdk,
    &mse_profile_openenclave,
    &mse_profile_ego,
    &mse_profile_dstack,
    &mse_profile_c8s,
    &mse_profile_contrast,
    &mse_profile_constellation,
    NULL,
};

/*
 * 2.23.133.5.4.2, endorsements beside DICE evidence (CCC Interoperable RA-TLS): known, but not
 * evidence, and not read: collateral comes from the verifier's own sources.
 */
static const uint8_t oid_dice_endorsements[] = { 0x67, 0x81, 0x05, 0x05, 0x04, 0x02 };

/* One evidence extension and the profile that fits it best. */
struct slot {
    const struct mse_extension *extension;
    const struct mse_profile *profile;
    struct mse_attestation attestation;
    enum mse_fit fit;
    bool is_copy;
    struct mse_error error; /* why it does not fit */
};

struct slots {
    struct slot of[MSE_RATLS_MAX];
    size_t count;
};

static void slots_cleanup(struct slots *slots)
{
    for (size_t i = 0; i < slots->count; i++)
        mse_attestation_cleanup(&slots->of[i].attestation);
}

const struct mse_profile *mse_profile_find(const char *name)
{
    for (size_t i = 0; mse_profiles[i] != NULL; i++) {
        if (strcmp(mse_profiles[i]->name, name) == 0)
            return mse_profiles[i];
    }
    return NULL;
}

static bool profile_reads(const struct mse_profile *profile, struct mse_bytes oid)
{
    for (size_t i = 0; profile->oids[i].len > 0; i++) {
        if (mse_bytes_equal(profile->oids[i], oid))
            return true;
    }
    return false;
}

static bool is_evidence_oid(struct mse_bytes oid)
{
    for (size_t i = 0; mse_profiles[i] != NULL; i++) {
        if (profile_reads(mse_profiles[i], oid))
            return true;
    }
    return false;
}

bool mse_ratls_knows_oid(struct mse_bytes oid)
{
    return is_evidence_oid(oid) || mse_bytes_equal(oid, MSE_BYTES(oid_dice_endorsements));
}

bool mse_ratls_has_evidence(const struct mse_cert *cert)
{
    for (size_t i = 0; i < cert->extension_count; i++) {
        if (is_evidence_oid(cert->extensions[i].oid))
            return true;
    }
    return false;
}

static void add_hint(struct mse_error *err, const char *hint)
{
    size_t len = strlen(err->text);

    if (hint != NULL)
        snprintf(err->text + len, sizeof(err->text) - len, "; %s", hint);
}

static enum mse_fit try_profile(const struct mse_cert *cert, const struct mse_profile *profile,
                                struct slot *attempt)
{
    attempt->profile = profile;
    if (!profile->open(cert, attempt->extension, &attempt->attestation, &attempt->error)) {
        mse_attestation_cleanup(&attempt->attestation);
        mse_fail_in(&attempt->error, "profile %s", profile->name);
        /* Some profiles carry the key's hash beside the evidence and compare it themselves. */
        return attempt->error.code == MSE_ERR_BINDING ? MSE_FIT_OTHER_KEY : MSE_FIT_UNREADABLE;
    }
    attempt->fit = mse_attestation_compare(&attempt->attestation, profile->name, &attempt->error);
    if (attempt->fit == MSE_FIT_OTHER_KEY)
        add_hint(&attempt->error, profile->hint);
    if (attempt->fit != MSE_FIT_EXACT)
        mse_fail_in(&attempt->error, "profile %s", profile->name);
    return attempt->fit;
}

/* Tries every profile of the OID, or only named if that reads it, and keeps the best fit. */
static bool fill_slot(const struct mse_cert *cert, const struct mse_profile *named,
                      struct slot *best, struct mse_error *err)
{
    bool only_named = named != NULL && profile_reads(named, best->extension->oid);

    for (size_t i = 0; mse_profiles[i] != NULL; i++) {
        const struct mse_profile *profile = mse_profiles[i];
        struct slot attempt = { .extension = best->extension };

        if (only_named ? profile != named : !profile_reads(profile, best->extension->oid))
            continue;
        attempt.fit = try_profile(cert, profile, &attempt);
        if (attempt.fit == MSE_FIT_EXACT && best->fit == MSE_FIT_EXACT) {
            mse_attestation_cleanup(&attempt.attestation);
            return mse_fail_text(err, MSE_ERR_BINDING, "profile",
                                 "profiles %s and %s both match one extension", best->profile->name,
                                 profile->name);
        }
        if (best->profile == NULL || attempt.fit > best->fit) {
            mse_attestation_cleanup(&best->attestation);
            *best = attempt; /* moved */
        } else {
            mse_attestation_cleanup(&attempt.attestation);
        }
    }
    return true;
}

static bool fill_slots(const struct mse_cert *cert, const struct mse_profile *named,
                       struct slots *slots, struct mse_error *err)
{
    for (size_t i = 0; i < cert->extension_count; i++) {
        const struct mse_extension *extension = &cert->extensions[i];

        if (!is_evidence_oid(extension->oid))
            continue;
        for (size_t k = 0; k < slots->count; k++) {
            if (mse_bytes_equal(slots->of[k].extension->oid, extension->oid))
                return mse_fail(err, MSE_ERR_DUPLICATE, 0, "extension");
        }
        if (slots->count == MSE_RATLS_MAX)
            return mse_fail(err, MSE_ERR_LIMIT, 0, "evidence extensions");
        slots->of[slots->count] = (struct slot){ .extension = extension };
        if (!fill_slot(cert, named, &slots->of[slots->count++], err))
            return false;
    }
    return true;
}

/* True if some bound slot has the same evidence bytes. */
static bool repeats_bound(const struct slots *slots, const struct slot *slot)
{
    if (slot->attestation.kind == MSE_EVIDENCE_NONE)
        return false;
    for (size_t i = 0; i < slots->count; i++) {
        const struct slot *other = &slots->of[i];

        if (other->fit == MSE_FIT_EXACT && other->attestation.kind == slot->attestation.kind &&
            mse_bytes_equal(other->attestation.evidence, slot->attestation.evidence))
            return true;
    }
    return false;
}

/* Every slot must be bound, be a copy of a bound one, or turn out not to be evidence. */
static bool settle(struct slots *slots, const struct mse_profile *named, struct mse_error *err)
{
    bool has_named = false;
    size_t bound = 0;

    for (size_t i = 0; i < slots->count; i++) {
        struct slot *slot = &slots->of[i];
        char oid[64];

        if (slot->fit == MSE_FIT_EXACT) {
            bound++;
            has_named = has_named || slot->profile == named;
            continue;
        }
        slot->is_copy = repeats_bound(slots, slot);
        if (slot->is_copy || slot->error.code == MSE_ERR_NO_EVIDENCE)
            continue;
        if (err->code == MSE_ERR_NONE)
            *err = slot->error;
        return mse_fail_in(err, "extension %s",
                           mse_oid_text(slot->extension->oid, oid, sizeof(oid)));
    }
    if (bound == 0)
        return mse_fail_text(err, MSE_ERR_NO_EVIDENCE, "extensions",
                             "the certificate has no extension with evidence that is read here");
    if (named != NULL && !has_named)
        return mse_fail_text(err, MSE_ERR_NO_EVIDENCE, "extensions",
                             "the certificate has evidence, but none of profile %s", named->name);
    return true;
}

static void take_slot(struct mse_ratls *out, struct slot *slot)
{
    size_t n = out->count++;

    out->of[n].profile = slot->profile;
    out->of[n].attestation = slot->attestation;
    slot->attestation = (struct mse_attestation){ 0 }; /* moved */
    out->of[n].is_copy = slot->is_copy;
    mse_oid_text(slot->extension->oid, out->of[n].oid, sizeof(out->of[n].oid));
}

/* The named profile first, copies last; else in the order of the certificate. */
static void take_slots(struct mse_ratls *out, struct slots *slots, const struct mse_profile *named)
{
    for (unsigned pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < slots->count; i++) {
            struct slot *slot = &slots->of[i];
            bool is_named = named != NULL && slot->profile == named;

            if (slot->fit == MSE_FIT_EXACT ? pass == (is_named ? 0U : 1U)
                                           : slot->is_copy && pass == 2)
                take_slot(out, slot);
        }
    }
}

/* MSE: the half behind the digest is the enclave's X25519 key, where it is not zero. */
static bool take_x25519(struct mse_ratls *out, struct mse_error *err)
{
    const struct mse_attestation *first = &out->of[0].attestation;
    uint8_t report_data[64];

    if (first->tail != MSE_TAIL_ZERO_OR_X25519 && first->tail != MSE_TAIL_X25519)
        return true;
    if (!mse_attestation_report_data(first, report_data, err))
        return false;
    out->has_x25519 = !mse_is_zero(report_data + 32, 32);
    memcpy(out->x25519, report_data + 32, 32);
    return true;
}

bool mse_ratls_read(const struct mse_cert *cert, const char *profile_name, struct mse_ratls *out,
                    struct mse_error *err)
{
    MSE_CLEANUP(slots_cleanup) struct slots slots = { 0 };
    const struct mse_profile *named = NULL;

    *out = (struct mse_ratls){ 0 };
    if (profile_name != NULL && (named = mse_profile_find(profile_name)) == NULL)
        return mse_fail_text(err, MSE_ERR_USAGE, "profile", "there is no such profile");
    if (!fill_slots(cert, named, &slots, err) || !settle(&slots, named, err))
        return false;
    take_slots(out, &slots, named);
    if (!take_x25519(out, err)) {
        mse_ratls_cleanup(out);
        return false;
    }
    return true;
}

void mse_ratls_cleanup(struct mse_ratls *ratls)
{
    for (size_t i = 0; i < ratls->count; i++)
        mse_attestation_cleanup(&ratls->of[i].attestation);
    *ratls = (struct mse_ratls){ 0 };
}
