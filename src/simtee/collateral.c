/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral of the simulated platform: the signed JSON statements (Intel PCS API, version 4). */
#include "simtee/collateral.h"

#include <ctype.h>

#include "base/encode.h"
#include "base/json.h"
#include "simtee/quote.h"

#define ADVISORY "INTEL-SA-00001"

const char *const mse_sim_tcb_statuses[] = {
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "Revoked",
    NULL,
};

/* Dates of TCB recoveries, as far in the past as a real statement's. */
#define DAY INT64_C(86400)
#define RECENT (60 * DAY)
#define OLD (700 * DAY)
#define OLDEST (2500 * DAY)

/* Intel writes most values in capitals; a reader must take both. */
static void put_upper_hex(struct mse_json_writer *w, const char *key, const uint8_t *data,
                          size_t len)
{
    char text[65];

    mse_hex_write(data, len, text);
    for (char *p = text; *p != '\0'; p++)
        *p = (char)toupper((unsigned char)*p);
    mse_json_put_text(w, key, text);
}

/* tcbDate, tcbStatus and, unless all is well, an advisory: the end of every level. */
static void put_level_end(struct mse_json_writer *w, int64_t tcb_date, const char *status)
{
    mse_json_put_time(w, "tcbDate", tcb_date - tcb_date % DAY);
    mse_json_put_text(w, "tcbStatus", status);
    if (strcmp(status, "UpToDate") != 0) {
        mse_json_open_array(w, "advisoryIDs");
        mse_json_put_text(w, NULL, ADVISORY);
        mse_json_close_array(w);
    }
    mse_json_close_object(w);
}

static void put_component(struct mse_json_writer *w, size_t i, uint8_t svn)
{
    static const struct {
        const char *category, *type;
    } labels[16] = {
        { "BIOS", "Early Microcode Update" },
        { "OS/VMM", "SGX Late Microcode Update" },
        { "OS/VMM", "TXT SINIT" },
        { "BIOS", NULL },
        { "BIOS", NULL },
        { "BIOS", NULL },
        { "OS/VMM", "SEAMLDR ACM" },
    };

    mse_json_open_object(w, NULL);
    mse_json_put_integer(w, "svn", svn);
    if (labels[i].category != NULL)
        mse_json_put_text(w, "category", labels[i].category);
    if (labels[i].type != NULL)
        mse_json_put_text(w, "type", labels[i].type);
    mse_json_close_object(w);
}

static void put_tcb_level(struct mse_json_writer *w, const uint8_t svn[static 16], uint16_t pce_svn,
                          int64_t tcb_date, const char *status)
{
    mse_json_open_object(w, NULL);
    mse_json_open_object(w, "tcb");
    mse_json_open_array(w, "sgxtcbcomponents");
    for (size_t i = 0; i < 16; i++)
        put_component(w, i, svn[i]);
    mse_json_close_array(w);
    mse_json_put_integer(w, "pcesvn", pce_svn);
    mse_json_close_object(w);
    put_level_end(w, tcb_date, status);
}

static bool is_out_of_date(const char *status)
{
    return strncmp(status, "OutOfDate", 9) == 0;
}

/*
 * The machine's own level has the status that was asked for. Behind it is an older one; before it
 * comes a newer one if the machine is out of date, because that is what out of date means.
 */
static void put_tcb_levels(struct mse_json_writer *w, const struct mse_sim_machine *machine,
                           const struct mse_sim_collateral_options *options)
{
    static const uint8_t none[16];
    uint8_t svn[16];

    mse_json_open_array(w, "tcbLevels");
    memcpy(svn, machine->svn, sizeof(svn));
    if (is_out_of_date(options->tcb_status)) {
        svn[0]++;
        svn[1]++;
        put_tcb_level(w, svn, machine->pce_svn, options->issued - RECENT, "UpToDate");
    }
    put_tcb_level(w, machine->svn, machine->pce_svn,
                  options->issued - (is_out_of_date(options->tcb_status) ? OLD : RECENT),
                  options->tcb_status);
    memcpy(svn, machine->svn, sizeof(svn));
    svn[0] = svn[0] > 0 ? (uint8_t)(svn[0] - 1) : 0;
    svn[1] = svn[1] > 0 ? (uint8_t)(svn[1] - 1) : 0;
    put_tcb_level(w, svn, machine->pce_svn, options->issued - 2 * OLD, "OutOfDate");
    put_tcb_level(w, none, 5, options->issued - OLDEST, "OutOfDate");
    mse_json_close_array(w);
}

static void put_isv_level(struct mse_json_writer *w, unsigned isv_svn, int64_t tcb_date,
                          const char *status)
{
    mse_json_open_object(w, NULL);
    mse_json_open_object(w, "tcb");
    mse_json_put_integer(w, "isvsvn", isv_svn);
    mse_json_close_object(w);
    put_level_end(w, tcb_date, status);
}

static void put_qe_levels(struct mse_json_writer *w,
                          const struct mse_sim_collateral_options *options)
{
    bool old = is_out_of_date(options->qe_status);

    mse_json_open_array(w, "tcbLevels");
    if (old)
        put_isv_level(w, MSE_SIM_QE_ISV_SVN + 2, options->issued - RECENT, "UpToDate");
    put_isv_level(w, MSE_SIM_QE_ISV_SVN, options->issued - (old ? OLD : RECENT),
                  options->qe_status);
    put_isv_level(w, MSE_SIM_QE_ISV_SVN - 2, options->issued - 2 * OLD, "OutOfDate");
    put_isv_level(w, 1, options->issued - OLDEST, "OutOfDate");
    mse_json_close_array(w);
}

/* The signature covers exactly the bytes of the inner object. */
static bool put_signed(const char *member, const struct mse_writer *inner, EVP_PKEY *key,
                       struct mse_writer *out, struct mse_error *err)
{
    uint8_t signature[64];
    char hex[129];

    if (!mse_writer_ok(inner))
        return mse_fail_memory(err);
    if (!mse_issue_sign_ecdsa(key, mse_writer_bytes(inner), signature, err))
        return false;
    mse_hex_write(signature, sizeof(signature), hex);
    mse_write_format(out, "{\"%s\":", member);
    mse_write_bytes(out, inner->data, inner->len);
    mse_write_format(out, ",\"signature\":\"%s\"}", hex);
    return mse_writer_ok(out) || mse_fail_memory(err);
}

bool mse_sim_tcb_info_make(const struct mse_sim_platform *platform,
                           const struct mse_sim_collateral_options *options, struct mse_writer *out,
                           struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer inner = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&inner, 0);
    const struct mse_sim_machine *machine = &platform->machine;

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "id", "SGX");
    mse_json_put_integer(&w, "version", 3);
    mse_json_put_time(&w, "issueDate", options->issued);
    mse_json_put_time(&w, "nextUpdate", options->next_update);
    put_upper_hex(&w, "fmspc", machine->fmspc, sizeof(machine->fmspc));
    mse_json_put_text(&w, "pceId", "0000");
    mse_json_put_integer(&w, "tcbType", 0);
    mse_json_put_integer(&w, "tcbEvaluationDataNumber", options->eval);
    put_tcb_levels(&w, machine, options);
    mse_json_close_object(&w);
    return put_signed("tcbInfo", &inner, platform->pki.tcb_signing.key, out, err);
}

bool mse_sim_qe_identity_make(const struct mse_sim_platform *platform,
                              const struct mse_sim_collateral_options *options,
                              struct mse_writer *out, struct mse_error *err)
{
    static const uint8_t attributes[16] = { MSE_SIM_QE_ATTRIBUTES };
    /* All flags but MODE64, nothing of XFRM. */
    static const uint8_t mask[16] = { 0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer inner = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&inner, 0);
    uint8_t mrsigner[32];

    if (!mse_sim_qe_signer(mrsigner, err))
        return false;
    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "id", "QE");
    mse_json_put_integer(&w, "version", 2);
    mse_json_put_time(&w, "issueDate", options->issued);
    mse_json_put_time(&w, "nextUpdate", options->next_update);
    mse_json_put_integer(&w, "tcbEvaluationDataNumber", options->eval);
    mse_json_put_text(&w, "miscselect", "00000000");
    mse_json_put_text(&w, "miscselectMask", "FFFFFFFF");
    put_upper_hex(&w, "attributes", attributes, sizeof(attributes));
    put_upper_hex(&w, "attributesMask", mask, sizeof(mask));
    put_upper_hex(&w, "mrsigner", mrsigner, sizeof(mrsigner));
    mse_json_put_integer(&w, "isvprodid", MSE_SIM_QE_ISV_PROD_ID);
    put_qe_levels(&w, options);
    mse_json_close_object(&w);
    return put_signed("enclaveIdentity", &inner, platform->pki.tcb_signing.key, out, err);
}
