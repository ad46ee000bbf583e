/* SPDX-License-Identifier: Apache-2.0 */
/* What of a manifest steers the measurement and the signature (docs/gramine.md, "Settings"). */
#include "measure/enclave.h"

/* The smallest enclave: one page more than the lowest heap address could not even hold a thread. */
#define MIN_SIZE (UINT64_C(1) << 16)

/* ---- sizes ---- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* 0x, 0o and 0b as in the source of the tools; a decimal number has no leading zero. */
static unsigned base_of(const char **text)
{
    unsigned base = 10;

    if ((*text)[0] != '0')
        return base;
    if ((*text)[1] == 'x' || (*text)[1] == 'X')
        base = 16;
    else if ((*text)[1] == 'o' || (*text)[1] == 'O')
        base = 8;
    else if ((*text)[1] == 'b' || (*text)[1] == 'B')
        base = 2;
    if (base != 10)
        *text += 2;
    return base;
}

static unsigned shift_of(const char *suffix)
{
    switch (suffix[0]) {
    case 'K':
        return 10;
    case 'M':
        return 20;
    case 'G':
        return 30;
    default:
        return 0;
    }
}

static bool fail_size(struct mse_error *err)
{
    return mse_fail_text(err, MSE_ERR_VALUE, "size",
                         "must be an integer, with K, M or G behind it or nothing");
}

bool mse_manifest_size_read(const char *text, uint64_t *out, struct mse_error *err)
{
    unsigned base, shift, digits = 0;
    bool leading_zero = text[0] == '0';
    uint64_t v = 0;

    *out = 0;
    base = base_of(&text);
    for (; digit_of(*text) < (int)base; text++, digits++) {
        unsigned digit = (unsigned)digit_of(*text);

        if (v > (UINT64_MAX - digit) / base)
            return mse_fail_text(err, MSE_ERR_LIMIT, "size", "needs more than 64 bits");
        v = v * base + digit;
    }
    shift = shift_of(text);
    if (digits == 0 || text[shift != 0 ? 1 : 0] != '\0' ||
        (base == 10 && leading_zero && digits > 1))
        return fail_size(err);
    if (v > UINT64_MAX >> shift)
        return mse_fail_text(err, MSE_ERR_LIMIT, "size", "needs more than 64 bits");
    *out = v << shift;
    return true;
}

/* ---- members of sgx ---- */

/* Reads sgx.KEY; each keeps the default that *out holds if it is absent. */
struct sgx_reader {
    const struct mse_toml_value *sgx; /* NULL: absent */
    struct mse_error *err;
};

static bool fail_member(const struct sgx_reader *r, const struct mse_toml_value *v,
                        const char *table, const char *what)
{
    (void)mse_fail_text(r->err, MSE_ERR_VALUE, v->key, "line %u, column %u: must be %s", v->line,
                        v->column, what);
    return mse_fail_in(r->err, "%s", table);
}

static bool read_flag(const struct sgx_reader *r, const char *key, bool *out)
{
    const struct mse_toml_value *v = mse_toml_member(r->sgx, key);

    if (v == NULL)
        return true;
    if (v->type != MSE_TOML_BOOLEAN)
        return fail_member(r, v, "sgx", "true or false");
    *out = v->boolean;
    return true;
}

static bool read_number(const struct sgx_reader *r, const char *key, int64_t min, int64_t max,
                        const char *what, uint32_t *out)
{
    const struct mse_toml_value *v = mse_toml_member(r->sgx, key);

    if (v == NULL)
        return true;
    if (v->type != MSE_TOML_INTEGER || v->integer < min || v->integer > max)
        return fail_member(r, v, "sgx", what);
    *out = (uint32_t)v->integer;
    return true;
}

/* SGX knows powers of two only; the tools that sign do not insist, the hardware does. */
static bool read_size(const struct sgx_reader *r, uint64_t *out)
{
    const struct mse_toml_value *v = mse_toml_member(r->sgx, "enclave_size");

    if (v == NULL)
        return true;
    if (v->type != MSE_TOML_STRING)
        return fail_member(r, v, "sgx", "a string");
    if (!mse_manifest_size_read(v->text, out, r->err))
        return mse_fail_in(r->err, "sgx.enclave_size");
    if (*out < MIN_SIZE || *out > MSE_ENCLAVE_MAX_SIZE || (*out & (*out - 1)) != 0)
        return fail_member(r, v, "sgx", "a power of two, from 64K to 65536G");
    return true;
}

/* 1.9: sgx.cpu_features.KEY. Only what AVX, AVX-512 and AMX are for may be left open. */
static bool read_feature(const struct sgx_reader *r, const char *key, bool may_be_open,
                         enum mse_cpu_feature_setting *out)
{
    const struct mse_toml_value *features = mse_toml_member(r->sgx, "cpu_features");
    const struct mse_toml_value *v = mse_toml_member(features, key);

    *out = may_be_open ? MSE_CPU_UNSPECIFIED : MSE_CPU_DISABLED;
    if (features != NULL && features->type != MSE_TOML_TABLE)
        return fail_member(r, features, "sgx", "a table");
    if (v == NULL)
        return true;
    if (v->type == MSE_TOML_STRING && strcmp(v->text, "required") == 0)
        *out = MSE_CPU_REQUIRED;
    else if (v->type == MSE_TOML_STRING && strcmp(v->text, "disabled") == 0)
        *out = MSE_CPU_DISABLED;
    else if (v->type != MSE_TOML_STRING || strcmp(v->text, "unspecified") != 0 || !may_be_open)
        return fail_member(r, v, "sgx.cpu_features",
                           may_be_open ? "\"unspecified\", \"disabled\" or \"required\""
                                       : "\"disabled\" or \"required\"");
    return true;
}

static bool read_features(const struct sgx_reader *r, struct mse_enclave_settings *s)
{
    return read_feature(r, "avx", true, &s->avx) && read_feature(r, "avx512", true, &s->avx512) &&
           read_feature(r, "amx", true, &s->amx) && read_feature(r, "mpx", false, &s->mpx) &&
           read_feature(r, "pkru", false, &s->pkru) && read_flag(r, "use_exinfo", &s->use_exinfo);
}

/* 1.5: sgx.require_KEY. */
static bool read_required(const struct sgx_reader *r, const char *key,
                          enum mse_cpu_feature_setting *out)
{
    bool required = false;

    if (!read_flag(r, key, &required))
        return false;
    *out = required ? MSE_CPU_REQUIRED : MSE_CPU_UNSPECIFIED;
    return true;
}

static bool read_all_required(const struct sgx_reader *r, struct mse_enclave_settings *s)
{
    s->fixed_xfrm_mask = true;
    return read_required(r, "require_avx", &s->avx) &&
           read_required(r, "require_avx512", &s->avx512) &&
           read_required(r, "require_amx", &s->amx) && read_required(r, "require_mpx", &s->mpx) &&
           read_required(r, "require_pkru", &s->pkru) &&
           read_flag(r, "require_exinfo", &s->use_exinfo);
}

static bool read_settings(const struct sgx_reader *r, enum mse_gramine rules,
                          struct mse_enclave_settings *s)
{
    static const char id_range[] = "an integer from 0 to 65535";
    uint32_t prod_id = 0, svn = 0;

    if (!read_flag(r, "edmm_enable", &s->edmm) || !read_flag(r, "debug", &s->debug))
        return false;
    s->size = s->edmm ? UINT64_C(1024) << 30 : UINT64_C(256) << 20;
    s->max_threads = 4;
    if (!read_size(r, &s->size) ||
        !read_number(r, "max_threads", 1, MSE_ENCLAVE_MAX_THREADS, "an integer from 1 to 4096",
                     &s->max_threads) ||
        !read_number(r, "isvprodid", 0, UINT16_MAX, id_range, &prod_id) ||
        !read_number(r, "isvsvn", 0, UINT16_MAX, id_range, &svn))
        return false;
    s->isv_prod_id = (uint16_t)prod_id;
    s->isv_svn = (uint16_t)svn;
    return rules == MSE_GRAMINE_1_9 ? read_features(r, s) : read_all_required(r, s);
}

bool mse_manifest_settings(const struct mse_manifest *manifest, struct mse_enclave_settings *out,
                           struct mse_error *err)
{
    struct sgx_reader r = { mse_toml_member(manifest->root, "sgx"), err };
    struct mse_enclave_settings s = { 0 };

    *out = s;
    if (r.sgx != NULL && r.sgx->type != MSE_TOML_TABLE)
        return mse_fail_text(err, MSE_ERR_VALUE, "sgx", "line %u, column %u: must be a table",
                             r.sgx->line, r.sgx->column);
    if (!read_settings(&r, manifest->rules, &s))
        return false;
    *out = s;
    return true;
}
