/* SPDX-License-Identifier: Apache-2.0 */
/* Names every security version below the newest level, and what mends it. */
#include "appraisal/shortfall.h"

#include <stdio.h>

#include "base/encode.h"

/* Room that is kept at the end for the remedies: the longest list of them fits. */
#define REMEDY_ROOM 120

/* One sentence that grows: whole pieces only, so that no number is cut. */
struct sentence {
    char *out;
    size_t size; /* of out, without what is kept */
    size_t len;
    size_t left_out; /* pieces that had no room */
};

__attribute__((format(printf, 2, 3))) static void add(struct sentence *s, const char *format, ...)
{
    char piece[96];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    if (n < 0 || s->len + (size_t)n + 2 >= s->size) {
        s->left_out++;
        return;
    }
    s->len += (size_t)snprintf(s->out + s->len, s->size - s->len, "%s%.*s", s->len > 0 ? ", " : "",
                               n, piece);
}

static bool add_components(struct sentence *s, const char *tee, const uint8_t *have,
                           const uint8_t *need, unsigned from, const struct mse_bytes *types)
{
    bool any = false;

    for (unsigned i = from; i < 16; i++) {
        char type[40];

        if (have[i] >= need[i])
            continue;
        any = true;
        if (types[i].len > 0)
            add(s, "%s component %u (%s) is %u, needs %u", tee, i + 1,
                mse_escape(types[i], type, sizeof(type)), have[i], need[i]);
        else
            add(s, "%s component %u is %u, needs %u", tee, i + 1, have[i], need[i]);
    }
    return any;
}

static bool add_version(struct sentence *s, const char *what, unsigned have, unsigned need)
{
    if (have >= need)
        return false;
    add(s, "%s is %u, needs %u", what, have, need);
    return true;
}

static bool needs_configuration(enum mse_tcb_status status)
{
    return status == MSE_TCB_CONFIGURATION_NEEDED ||
           status == MSE_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED ||
           status == MSE_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

static bool needs_hardening(enum mse_tcb_status status)
{
    return status == MSE_TCB_SW_HARDENING_NEEDED ||
           status == MSE_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;
}

/* What to do, behind what is short. */
struct remedy {
    bool wanted;
    const char *text;
};

static void add_remedies(struct sentence *s, const struct remedy *remedies, size_t count)
{
    const char *before = s->len > 0 ? ": " : "";

    for (size_t i = 0; i < count; i++) {
        size_t left = s->size - s->len;
        int n;

        if (!remedies[i].wanted)
            continue;
        n = snprintf(s->out + s->len, left, "%s%s", before, remedies[i].text);
        if (n < 0 || (size_t)n >= left) {
            s->out[s->len] = '\0';
            return;
        }
        s->len += (size_t)n;
        before = ", ";
    }
}

void mse_shortfall_write(const struct mse_tcb_choice *choice, enum mse_tcb_status status, char *out,
                         size_t size)
{
    const struct mse_tcb_info *info = choice->info;
    struct sentence s = { .out = out, .size = size - REMEDY_ROOM };
    bool platform = false, pce = false, qe = false, module = false;

    out[0] = '\0';
    if (info->platform_level_count > 0) {
        const struct mse_tcb_level *newest = &info->levels[0];

        platform = add_components(&s, "SGX", choice->pck->comp_svn, newest->sgx_svn, 0,
                                  info->sgx_component_type);
        if (choice->td != NULL) {
            unsigned from = choice->module_levels != NULL ? 2 : 0;

            platform |= add_components(&s, "TDX", choice->td->tee_tcb_svn, newest->tdx_svn, from,
                                       info->tdx_component_type);
        }
        pce = add_version(&s, "PCESVN", choice->pck->pce_svn, newest->pce_svn);
    }
    if (choice->identity->level_count > 0)
        qe = add_version(&s, "quoting enclave", choice->qe_isv_svn,
                         choice->identity->levels[0].isv_svn);
    if (choice->module_level_count > 0)
        module = add_version(&s, "TDX module", choice->td->tee_tcb_svn[0],
                             choice->module_levels[0].isv_svn);
    if (s.left_out > 0)
        s.len += (size_t)snprintf(out + s.len, size - s.len, " and %zu more", s.left_out);
    s.size = size;
    add_remedies(&s,
                 (const struct remedy[]){
                     { platform, "BIOS or microcode update" },
                     { pce, "PCE update" },
                     { qe, "QE update" },
                     { module, "TDX module update" },
                     { needs_configuration(status), "configuration (see advisories)" },
                     { needs_hardening(status), "software hardening (see advisories)" },
                 },
                 6);
}
