/* SPDX-License-Identifier: Apache-2.0 */
/* Releases: reading, writing, and what every release must be like (docs/formats.md, "Release"). */
#include "release/release.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"
#include "crypto/hash.h"

#define FORMAT 1
#define APP_MAX 64
#define TIME_MAX INT64_C(253402300799)   /* the last second of the year 9999 */
#define TCB_EVAL_MAX INT64_C(4294967295) /* vendors count in 32 bits */
#define SERIAL_MAX                                                                                 \
    INT64_C(9007199254740991) /* RFC 8785, 3.2.2.3: beyond, doubles are not exact                  \
                               */
#define DAY INT64_C(86400)
#define MEMBERS 10

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static const char *const tee_names[] = {
    [MSE_RELEASE_SIM] = "sim",
    [MSE_RELEASE_SGX] = "sgx",
    [MSE_RELEASE_TDX] = "tdx",
    [MSE_RELEASE_SNP] = "snp",
};
#define TEE_COUNT (sizeof(tee_names) / sizeof(tee_names[0]))

const char *mse_release_tee_name(enum mse_release_tee tee)
{
    return tee_names[tee];
}

bool mse_release_tee_read(struct mse_bytes name, enum mse_release_tee *out)
{
    for (size_t i = 0; i < TEE_COUNT; i++) {
        if (mse_bytes_equal_text(name, tee_names[i])) {
            *out = (enum mse_release_tee)i;
            return true;
        }
    }
    return false;
}

void mse_release_cleanup(struct mse_release *release)
{
    for (size_t i = 0; i < release->name_count; i++)
        free(release->names[i]);
    free(release->names);
    free(release->fingerprints);
    free(release->app);
    memset(release, 0, sizeof(*release));
}

/* ---- what a release must be like ---- */

/* It becomes part of file names and messages. */
static bool is_app(const char *app)
{
    size_t len = strlen(app);

    return len > 0 && len <= APP_MAX && strspn(app, LETTERS CAPITALS DIGITS "-_.") == len &&
           strchr("-_.", app[0]) == NULL;
}

/* RFC 1123, 2.1: letters, digits and hyphens within; here in lower case only. */
static bool is_label(const char *label, size_t len)
{
    return len > 0 && len <= 63 && strspn(label, LETTERS DIGITS "-") >= len && label[0] != '-' &&
           label[len - 1] != '-';
}

/* A last label of digits alone would be read as an address by others (RFC 3986, 3.2.2). */
static bool is_dns_name(const char *name)
{
    size_t total = strlen(name);
    const char *last = name;

    if (total == 0 || total > 253)
        return false;
    for (const char *at = name;; at += strcspn(at, ".") + 1) {
        size_t len = strcspn(at, ".");

        if (!is_label(at, len))
            return false;
        last = at;
        if (at[len] == '\0')
            break;
    }
    return strspn(last, DIGITS) < strlen(last);
}

static bool check_names(const struct mse_release *release, struct mse_error *err)
{
    char shown[80];

    if (release->name_count == 0)
        return mse_fail_text(err, MSE_ERR_MISSING, "names", "wants at least one DNS name");
    if (release->name_count > MSE_RELEASE_MAX_NAMES)
        return mse_fail_text(err, MSE_ERR_LIMIT, "names", "more than %d", MSE_RELEASE_MAX_NAMES);
    for (size_t i = 0; i < release->name_count; i++) {
        const char *name = release->names[i];

        (void)mse_escape(MSE_CSTR_BYTES(name), shown, sizeof(shown));
        if (!is_dns_name(name))
            return mse_fail_text(err, MSE_ERR_VALUE, "names",
                                 "\"%s\" is not a DNS name in lower case", shown);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(name, release->names[k]) == 0)
                return mse_fail_text(err, MSE_ERR_DUPLICATE, "names", "%s is there twice", shown);
        }
    }
    return true;
}

static bool check_fingerprints(const struct mse_release *release, struct mse_error *err)
{
    if (release->fingerprint_count == 0)
        return mse_fail_text(err, MSE_ERR_MISSING, "fingerprints", "wants at least one");
    if (release->fingerprint_count > MSE_RELEASE_MAX_FINGERPRINTS)
        return mse_fail_text(err, MSE_ERR_LIMIT, "fingerprints", "more than %d",
                             MSE_RELEASE_MAX_FINGERPRINTS);
    for (size_t i = 0; i < release->fingerprint_count; i++) {
        const struct mse_release_fingerprint *a = &release->fingerprints[i];

        /* What a platform reports that measured nothing. */
        if (mse_is_zero(a->value, sizeof(a->value)))
            return mse_fail_text(err, MSE_ERR_VALUE, "fingerprints", "number %zu is zero", i + 1);
        for (size_t k = 0; k < i; k++) {
            const struct mse_release_fingerprint *b = &release->fingerprints[k];

            if (a->tee == b->tee && memcmp(a->value, b->value, sizeof(a->value)) == 0)
                return mse_fail_text(err, MSE_ERR_DUPLICATE, "fingerprints",
                                     "numbers %zu and %zu are the same", k + 1, i + 1);
        }
    }
    return true;
}

static bool check_time(int64_t at, const char *field, struct mse_error *err)
{
    return (at >= 0 && at <= TIME_MAX) ||
           mse_fail_text(err, MSE_ERR_VALUE, field, "not an instant from 1970 to 9999");
}

static bool check_dates(const struct mse_release *release, struct mse_error *err)
{
    if (!check_time(release->not_before, "not_before", err) ||
        !check_time(release->not_after, "not_after", err))
        return false;
    if (release->not_after < release->not_before)
        return mse_fail_text(err, MSE_ERR_VALUE, "not_after", "is before not_before");
    if (release->not_after - release->not_before > MSE_RELEASE_MAX_DAYS * DAY)
        return mse_fail_text(err, MSE_ERR_VALUE, "not_after", "more than %d days after not_before",
                             MSE_RELEASE_MAX_DAYS);
    return true;
}

/* All that is demanded of a release, whether it was read or is to be written. */
static bool check_form(const struct mse_release *release, struct mse_error *err)
{
    char shown[80];

    if (release->app == NULL || !is_app(release->app))
        return mse_fail_text(err, MSE_ERR_VALUE, "app",
                             "\"%s\" is not 1 to %d letters, digits, '-', '_' and '.', "
                             "beginning with a letter or digit",
                             mse_escape(MSE_CSTR_BYTES(release->app != NULL ? release->app : ""),
                                        shown, sizeof(shown)),
                             APP_MAX);
    if (release->serial < 1 || release->serial > (uint64_t)SERIAL_MAX)
        return mse_fail_text(err, MSE_ERR_VALUE, "serial", "not between 1 and %" PRId64,
                             SERIAL_MAX);
    if (release->min_tcb_eval < 0 || release->min_tcb_eval > TCB_EVAL_MAX)
        return mse_fail_text(err, MSE_ERR_VALUE, "min_tcb_eval", "not between 0 and %" PRId64,
                             TCB_EVAL_MAX);
    return check_fingerprints(release, err) && check_names(release, err) &&
           check_dates(release, err);
}

/* ---- writing ---- */

/* RFC 8785: members sorted, no white space. All text is ASCII without anything to escape. */
static void put(const struct mse_release *release, struct mse_writer *out)
{
    struct mse_json_writer w = mse_json_writer_init(out, 0);

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "app", release->app);
    mse_json_open_array(&w, "fingerprints");
    for (size_t i = 0; i < release->fingerprint_count; i++) {
        mse_json_open_object(&w, NULL);
        mse_json_put_hex(&w, "hex", release->fingerprints[i].value, 32);
        mse_json_put_text(&w, "tee", tee_names[release->fingerprints[i].tee]);
        mse_json_close_object(&w);
    }
    mse_json_close_array(&w);
    mse_json_put_integer(&w, "format", FORMAT);
    mse_json_put_integer(&w, "min_tcb_eval", release->min_tcb_eval);
    mse_json_open_array(&w, "names");
    for (size_t i = 0; i < release->name_count; i++)
        mse_json_put_text(&w, NULL, release->names[i]);
    mse_json_close_array(&w);
    mse_json_put_integer(&w, "not_after", release->not_after);
    mse_json_put_integer(&w, "not_before", release->not_before);
    if (release->has_previous)
        mse_json_put_hex(&w, "previous", release->previous, sizeof(release->previous));
    else
        mse_json_put_null(&w, "previous");
    mse_json_put_hex(&w, "runtime", release->runtime, sizeof(release->runtime));
    mse_json_put_unsigned(&w, "serial", release->serial);
    mse_json_close_object(&w);
}

bool mse_release_write(const struct mse_release *release, struct mse_writer *out,
                       struct mse_error *err)
{
    size_t before = out->len;

    if (!check_form(release, err))
        return mse_fail_in(err, "release");
    put(release, out);
    if (!mse_writer_ok(out))
        return mse_fail_memory(err);
    /* Within the other limits it always fits. */
    return out->len - before <= MSE_RELEASE_MAX_SIZE ||
           mse_fail_text(err, MSE_ERR_LIMIT, "release", "larger than %u bytes",
                         MSE_RELEASE_MAX_SIZE);
}

/* ---- reading ---- */

static bool read_fingerprints(const struct mse_json *json, const struct mse_json_value *root,
                              struct mse_release *out, struct mse_error *err)
{
    const struct mse_json_value *list;

    if (!mse_json_get_array(json, root, "fingerprints", &list, err))
        return false;
    if (list->count > MSE_RELEASE_MAX_FINGERPRINTS)
        return mse_fail_text_at(err, MSE_ERR_LIMIT, list->start, "fingerprints", "more than %d",
                                MSE_RELEASE_MAX_FINGERPRINTS);
    out->fingerprints = calloc(list->count + 1U, sizeof(*out->fingerprints));
    if (out->fingerprints == NULL)
        return mse_fail_memory(err);
    for (const struct mse_json_value *v = mse_json_first(json, list); v != NULL;
         v = mse_json_next(json, list, v)) {
        struct mse_release_fingerprint *f = &out->fingerprints[out->fingerprint_count];
        struct mse_bytes tee;

        if (v->type != MSE_JSON_OBJECT || v->count != 2)
            return mse_fail_text_at(err, MSE_ERR_VALUE, v->start, "fingerprints",
                                    "not an object of \"hex\" and \"tee\"");
        if (!mse_json_get_hex(json, v, "hex", f->value, sizeof(f->value), err) ||
            !mse_json_get_plain(json, v, "tee", &tee, err))
            return false;
        if (!mse_release_tee_read(tee, &f->tee))
            return mse_fail_text_at(err, MSE_ERR_VALUE, (size_t)(tee.data - json->in.data), "tee",
                                    "not one of sim, sgx, tdx, snp");
        out->fingerprint_count++;
    }
    return true;
}

static bool read_names(const struct mse_json *json, const struct mse_json_value *root,
                       struct mse_release *out, struct mse_error *err)
{
    const struct mse_json_value *list;

    if (!mse_json_get_array(json, root, "names", &list, err))
        return false;
    if (list->count > MSE_RELEASE_MAX_NAMES)
        return mse_fail_text_at(err, MSE_ERR_LIMIT, list->start, "names", "more than %d",
                                MSE_RELEASE_MAX_NAMES);
    out->names = calloc(list->count + 1U, sizeof(*out->names));
    if (out->names == NULL)
        return mse_fail_memory(err);
    for (const struct mse_json_value *v = mse_json_first(json, list); v != NULL;
         v = mse_json_next(json, list, v)) {
        if (!mse_json_value_text(json, v, &out->names[out->name_count], err))
            return mse_fail_in(err, "names");
        out->name_count++;
    }
    return true;
}

static bool read_previous(const struct mse_json *json, const struct mse_json_value *root,
                          struct mse_release *out, struct mse_error *err)
{
    const struct mse_json_value *v = mse_json_member(json, root, "previous");

    if (v != NULL && v->type == MSE_JSON_NULL)
        return true;
    out->has_previous = true;
    return mse_json_get_hex(json, root, "previous", out->previous, sizeof(out->previous), err);
}

static bool read_app(const struct mse_json *json, const struct mse_json_value *root,
                     struct mse_release *out, struct mse_error *err)
{
    const struct mse_json_value *v = mse_json_member(json, root, "app");

    if (v == NULL)
        return mse_fail_text_at(err, MSE_ERR_MISSING, root->start, "app", "not there");
    return mse_json_value_text(json, v, &out->app, err) || mse_fail_in(err, "app");
}

static bool read_members(const struct mse_json *json, struct mse_release *out,
                         struct mse_error *err)
{
    const struct mse_json_value *root = &json->values[0];
    int64_t format, serial;

    if (root->type != MSE_JSON_OBJECT)
        return mse_fail_text_at(err, MSE_ERR_FORMAT, root->start, "", "not a JSON object");
    /* The format comes first: another one may have other members. */
    if (!mse_json_get_integer(json, root, "format", INT64_MIN, INT64_MAX, &format, err))
        return false;
    if (format != FORMAT)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "format",
                             "%" PRId64 ", this version knows %d", format, FORMAT);
    if (!read_app(json, root, out, err) || !read_fingerprints(json, root, out, err) ||
        !mse_json_get_integer(json, root, "min_tcb_eval", 0, TCB_EVAL_MAX, &out->min_tcb_eval,
                              err) ||
        !read_names(json, root, out, err) ||
        !mse_json_get_integer(json, root, "not_after", 0, TIME_MAX, &out->not_after, err) ||
        !mse_json_get_integer(json, root, "not_before", 0, TIME_MAX, &out->not_before, err) ||
        !read_previous(json, root, out, err) ||
        !mse_json_get_hex(json, root, "runtime", out->runtime, sizeof(out->runtime), err) ||
        !mse_json_get_integer(json, root, "serial", 1, SERIAL_MAX, &serial, err))
        return false;
    out->serial = (uint64_t)serial;
    /* Ten were found, so that an eleventh is an unknown one. */
    return root->count == MEMBERS ||
           mse_fail_text(err, MSE_ERR_UNKNOWN_KEY, "", "has members besides the %d of a release",
                         MEMBERS);
}

/* One statement has one form: its digest is what others refer to (RFC 8785). */
static bool check_canonical(const struct mse_release *release, struct mse_bytes in,
                            struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer again = { 0 };
    size_t at = 0;

    put(release, &again);
    if (!mse_writer_ok(&again))
        return mse_fail_memory(err);
    if (mse_bytes_equal(mse_writer_bytes(&again), in))
        return true;
    while (at < again.len && at < in.len && again.data[at] == in.data[at])
        at++;
    return mse_fail_text_at(err, MSE_ERR_FORMAT, at, "",
                            "not in canonical form: sorted members, no white space, hex in "
                            "lower case");
}

bool mse_release_parse(struct mse_bytes in, struct mse_release *out, struct mse_error *err)
{
    MSE_CLEANUP(mse_json_cleanup) struct mse_json json = { 0 };

    memset(out, 0, sizeof(*out));
    if (in.len > MSE_RELEASE_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, "release", "larger than %u bytes",
                             MSE_RELEASE_MAX_SIZE);
    if (mse_json_parse(in, &json, err) && read_members(&json, out, err) && check_form(out, err) &&
        check_canonical(out, in, err)) {
        mse_sha256(in, out->sha256);
        return true;
    }
    mse_release_cleanup(out);
    return mse_fail_in(err, "release");
}

bool mse_release_open(const struct mse_minisign_public *owner, struct mse_bytes file,
                      struct mse_bytes signature_file, struct mse_release *out,
                      struct mse_error *err)
{
    size_t which;

    memset(out, 0, sizeof(*out));
    if (file.len > MSE_RELEASE_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, "release", "larger than %u bytes",
                             MSE_RELEASE_MAX_SIZE);
    return mse_minisign_verify(owner, 1, file, signature_file, &which, err) &&
           mse_release_parse(file, out, err);
}

/* ---- does it count ---- */

bool mse_release_lists_name(const struct mse_release *release, const char *name)
{
    size_t len = strlen(name);

    if (len > 1 && name[len - 1] == '.')
        len--;
    for (size_t i = 0; i < release->name_count; i++) {
        if (strlen(release->names[i]) == len && strncasecmp(release->names[i], name, len) == 0)
            return true;
    }
    return false;
}

bool mse_release_check(const struct mse_release *release, const char *name, int64_t at,
                       struct mse_error *err)
{
    char time[MSE_TIME_TEXT_SIZE], shown[260];

    if (at < release->not_before)
        return mse_fail_text(err, MSE_ERR_NOT_YET_VALID, "release", "valid from %s",
                             mse_time_write(release->not_before, time));
    if (at > release->not_after)
        return mse_fail_text(err, MSE_ERR_EXPIRED, "release", "valid until %s: ask for a newer one",
                             mse_time_write(release->not_after, time));
    if (name == NULL || mse_release_lists_name(release, name))
        return true;
    return mse_fail_text(err, MSE_ERR_MISMATCH, "release", "it is not for %s (of %zu names: %s%s)",
                         mse_escape(MSE_CSTR_BYTES(name), shown, sizeof(shown)),
                         release->name_count, release->names[0],
                         release->name_count > 1 ? ", ..." : "");
}
