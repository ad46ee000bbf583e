/* SPDX-License-Identifier: Apache-2.0 */
/* Signature first, then dates, name and content of an owner's release; who vouches for a runtime.
 */
#include "verdict/release_check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/json.h"
#include "crypto/hash.h"

#define KEY_SIZE sizeof(struct mse_minisign_public)

static bool copy_bytes(struct mse_bytes in, struct mse_bytes *out, struct mse_error *err)
{
    uint8_t *copy = malloc(in.len + 1);

    if (copy == NULL)
        return mse_fail_memory(err);
    if (in.len > 0)
        memcpy(copy, in.data, in.len);
    *out = (struct mse_bytes){ copy, in.len };
    return true;
}

void mse_signed_file_cleanup(struct mse_signed_file *file)
{
    free((void *)(uintptr_t)file->content.data);
    free((void *)(uintptr_t)file->signature.data);
    *file = (struct mse_signed_file){ 0 };
}

static bool keep(struct mse_signed_file *to, const char *what, struct mse_bytes content, size_t max,
                 struct mse_bytes signature, struct mse_error *err)
{
    if (to->content.data != NULL)
        return mse_fail_text(err, MSE_ERR_DUPLICATE, what, "is given already");
    if (content.len > max)
        return mse_fail(err, MSE_ERR_LIMIT, content.len, what);
    if (signature.len > MSE_MINISIGN_FILE_MAX)
        return mse_fail(err, MSE_ERR_LIMIT, signature.len, "signature");
    if (copy_bytes(content, &to->content, err) && copy_bytes(signature, &to->signature, err))
        return true;
    mse_signed_file_cleanup(to);
    return false;
}

bool mse_policy_add_release(struct mse_policy *policy, struct mse_bytes file,
                            struct mse_bytes signature, struct mse_error *err)
{
    return keep(&policy->release, "release", file, MSE_RELEASE_MAX_SIZE, signature, err);
}

bool mse_policy_add_runtime(struct mse_policy *policy, struct mse_bytes file,
                            struct mse_bytes signature, struct mse_error *err)
{
    return keep(&policy->runtime, "runtime", file, MSE_POLICY_MAX_RUNTIME, signature, err);
}

static bool open_release(const struct mse_policy *policy, struct mse_release *out,
                         struct mse_release_summary *summary, struct mse_error *err)
{
    struct mse_minisign_public key;
    size_t which = 0;

    /* Of several owners the one that signed it is found first: its error is the one that counts. */
    if (!mse_minisign_verify(
            (const struct mse_minisign_public *)(const void *)policy->owner_key.values,
            policy->owner_key.count, policy->release.content, policy->release.signature, &which,
            err))
        return mse_fail_in(err, "release");
    memcpy(&key, policy->owner_key.values + which * KEY_SIZE, KEY_SIZE);
    if (!mse_release_open(&key, policy->release.content, policy->release.signature, out, err))
        return mse_fail_in(err, "release");
    memcpy(summary->owner, key.key, sizeof(summary->owner));
    return true;
}

bool mse_policy_check_release(const struct mse_policy *policy, const char *name, int64_t at,
                              struct mse_checks *checks, struct mse_release *out,
                              struct mse_release_summary *summary)
{
    struct mse_error err = { 0 };

    *summary = (struct mse_release_summary){ 0 };
    *out = (struct mse_release){ 0 };
    if (policy->owner_key.count == 0) {
        if (policy->release.content.data != NULL)
            return mse_check_fail(checks, MSE_CHECK_RELEASE, MSE_ERR_POLICY,
                                  "a release is given, but no owner's key to check it with");
        checks->of[MSE_CHECK_RELEASE].outcome = MSE_OUTCOME_NOT_APPLICABLE;
        return false;
    }
    if (policy->release.content.data == NULL)
        return mse_check_unknown(checks, MSE_CHECK_RELEASE, MSE_ERR_MISSING,
                                 "an owner is expected, but no release of theirs is at hand");
    if (!open_release(policy, out, summary, &err) || !mse_release_check(out, name, at, &err)) {
        mse_release_cleanup(out);
        return mse_check_fail_error(checks, MSE_CHECK_RELEASE, &err);
    }
    (void)mse_escape(MSE_CSTR_BYTES(out->app), summary->app, sizeof(summary->app));
    summary->serial = out->serial;
    summary->not_before = out->not_before;
    summary->not_after = out->not_after;
    memcpy(summary->sha256, out->sha256, sizeof(summary->sha256));
    mse_check_pass_text(checks, MSE_CHECK_RELEASE, "release %" PRIu64 " of %s", out->serial,
                        summary->app);
    return true;
}

/* A runtime for one kind of TEE proves nothing on another: a simulated one trusts its host. */
static bool runtime_is_for(const struct mse_policy *policy, const char *tee)
{
    struct mse_json json = { 0 };
    struct mse_error err = { 0 };
    struct mse_bytes text;
    bool ok = mse_json_parse(policy->runtime.content, &json, &err) &&
              json.values[0].type == MSE_JSON_OBJECT &&
              mse_json_get_plain(&json, &json.values[0], "tee", &text, &err) &&
              mse_bytes_equal_text(text, tee);

    mse_json_cleanup(&json);
    return ok;
}

static bool runtime_is_signed(const struct mse_policy *policy, size_t *which, struct mse_error *err)
{
    if (policy->runtime_key.count == 0)
        return mse_fail_text(err, MSE_ERR_MISSING, "runtime", "no runtime key is configured");
    if (policy->runtime.signature.len == 0)
        return mse_fail_text(err, MSE_ERR_MISSING, "runtime", "it has no signature file");
    return mse_minisign_verify(
        (const struct mse_minisign_public *)(const void *)policy->runtime_key.values,
        policy->runtime_key.count, policy->runtime.content, policy->runtime.signature, which, err);
}

static void pass_signed(const struct mse_policy *policy, size_t which, struct mse_checks *checks)
{
    struct mse_minisign_public key;
    char text[57];

    memcpy(&key, policy->runtime_key.values + which * KEY_SIZE, KEY_SIZE);
    mse_minisign_public_text(&key, text);
    mse_check_pass_text(checks, MSE_CHECK_RUNTIME, "signed by the runtime key %s", text);
}

/* Not waivable: an owner could otherwise name a runtime that leaks. */
static void check_description(const struct mse_policy *policy, const struct mse_release *release,
                              const char *tee, struct mse_checks *checks)
{
    struct mse_error err = { 0 };
    uint8_t digest[32];
    size_t which = 0;

    mse_sha256(policy->runtime.content, digest);
    if (!runtime_is_for(policy, tee))
        (void)mse_check_fail(checks, MSE_CHECK_RUNTIME, MSE_ERR_MISMATCH,
                             "the runtime that went into the fingerprint is not one for %s", tee);
    else if (release != NULL && memcmp(release->runtime, digest, 32) != 0)
        (void)mse_check_fail_bytes(checks, MSE_CHECK_RUNTIME,
                                   (struct mse_bytes){ release->runtime, 32 }, MSE_BYTES(digest),
                                   "the owner's release names another runtime");
    else if (mse_value_list_has(&policy->runtime_digest, digest, 32))
        mse_check_pass_text(checks, MSE_CHECK_RUNTIME, "named by the caller");
    else if (runtime_is_signed(policy, &which, &err))
        pass_signed(policy, which, checks);
    else
        (void)mse_check_fail_bytes(checks, MSE_CHECK_RUNTIME, (struct mse_bytes){ NULL, 0 },
                                   MSE_BYTES(digest),
                                   "nobody vouches for the runtime that went into the fingerprint, "
                                   "and an owner could name one that leaks: %s",
                                   err.text[0] != '\0' ? err.text : mse_err_name(err.code));
}

void mse_policy_check_runtime(const struct mse_policy *policy, const struct mse_release *release,
                              const char *tee, struct mse_checks *checks)
{
    if (policy->runtime.content.data != NULL)
        check_description(policy, release, tee, checks);
    else if (policy->runtime_digest.count == 0 && policy->runtime_key.count == 0)
        checks->of[MSE_CHECK_RUNTIME].outcome = MSE_OUTCOME_NOT_APPLICABLE;
    else if (release == NULL || policy->runtime_digest.count == 0)
        (void)mse_check_unknown(checks, MSE_CHECK_RUNTIME, MSE_ERR_MISSING,
                                "a runtime is expected, but nothing says which one this is: a "
                                "fingerprint alone does not");
    else if (mse_value_list_has(&policy->runtime_digest, release->runtime, 32))
        mse_check_pass_text(checks, MSE_CHECK_RUNTIME, "as the owner's release says");
    else
        (void)mse_check_fail_bytes(checks, MSE_CHECK_RUNTIME,
                                   (struct mse_bytes){ policy->runtime_digest.values, 32 },
                                   (struct mse_bytes){ release->runtime, 32 },
                                   "the owner's release names another runtime");
}

size_t mse_release_expected(const struct mse_release *release, const struct mse_policy *policy,
                            enum mse_release_tee tee, uint8_t *out)
{
    size_t count = 0;

    for (size_t i = 0; i < release->fingerprint_count && count < MSE_RELEASE_MAX_FINGERPRINTS;
         i++) {
        const uint8_t *value = release->fingerprints[i].value;

        if (release->fingerprints[i].tee != tee ||
            (policy->fingerprint.count > 0 && !mse_value_list_has(&policy->fingerprint, value, 32)))
            continue;
        memcpy(out + 32 * count++, value, 32);
    }
    return count;
}
