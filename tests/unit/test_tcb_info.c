/* SPDX-License-Identifier: Apache-2.0 */
/* TCB infos: one of each TEE as the vendor writes them, then one change at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "endorsement/tcb_info.h"
#include "test_pki.h"

#define C8(a, b, c, d, e, f, g, h)                                                                 \
    "{\"svn\":" #a ",\"category\":\"BIOS\",\"type\":\"Early\"},{\"svn\":" #b "},{\"svn\":" #c      \
    "},{\"svn\":" #d "},{\"svn\":" #e "},{\"svn\":" #f "},{\"svn\":" #g "},{\"svn\":" #h "}"
#define ZEROS8                                                                                     \
    "{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},"         \
    "{\"svn\":0}"
#define HEAD(id)                                                                                   \
    "{\"id\":\"" id "\",\"version\":3,\"issueDate\":\"2025-09-28T05:18:00Z\",\"nextUpdate\":"      \
    "\"2025-10-28T05:18:00Z\",\"fmspc\":\"00A06D080000\",\"pceId\":\"0102\",\"tcbType\":0,"        \
    "\"tcbEvaluationDataNumber\":18,"
#define ZERO48                                                                                     \
    "000000000000000000000000000000000000000000000000"                                             \
    "0000000000000000000000000000000000000000000000ff"

static const char sgx_text[] = HEAD("SGX") //
    "\"tcbLevels\":["
    "{\"tcb\":{\"sgxtcbcomponents\":[" C8(
        3, 255, 2, 2, 4, 1, 0,
        5) "," ZEROS8 "],\"pcesvn\":13},"
           "\"tcbDate\":\"2024-11-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},"
           "{\"tcb\":{\"sgxtcbcomponents\":[" C8(2, 2, 2, 2, 3, 1, 0,
                                                 5) "," ZEROS8 "],\"pcesvn\":5},"
                                                    "\"tcbDate\":\"2018-01-04T00:00:00Z\","
                                                    "\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":"
                                                    "[\"INTEL-SA-00106\",\"INTEL-SA-00115\"]}]}";

static const char tdx_text[] = HEAD("TDX") //
    "\"tdxModule\":{\"mrsigner\":\"" ZERO48 "\",\"attributes\":\"0000000000000001\","
    "\"attributesMask\":\"FFFFFFFFFFFFFFFE\"},"
    "\"tdxModuleIdentities\":["
    "{\"id\":\"TDX_03\",\"mrsigner\":\"" ZERO48 "\",\"attributes\":\"0000000000000002\","
    "\"attributesMask\":\"FFFFFFFFFFFFFFFD\",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":3},"
    "\"tcbDate\":\"2024-11-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]},"
    "{\"id\":\"TDX_01\",\"mrsigner\":\"" ZERO48 "\",\"attributes\":\"0000000000000004\","
    "\"attributesMask\":\"FFFFFFFFFFFFFFFB\",\"tcbLevels\":["
    "{\"tcb\":{\"isvsvn\":6},\"tcbDate\":\"2024-11-14T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},"
    "{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"OutOfDate\","
    "\"advisoryIDs\":[\"INTEL-SA-01036\"]}]}],"
    "\"tcbLevels\":["
    "{\"tcb\":{\"sgxtcbcomponents\":[" C8(
        3, 3, 2, 2, 4, 1, 0,
        5) "," ZEROS8 "],\"pcesvn\":11,"
           "\"tdxtcbcomponents\":[" C8(
               5, 0, 7, 0, 0, 0, 0,
               0) "," ZEROS8 "]},"
                  "\"tcbDate\":\"2024-11-15T00:00:00Z\",\"tcbStatus\":\"SWHardeningNeeded\"}]}";

static bool parse(const char *text, struct mse_tcb_info *info, struct mse_error *err)
{
    /* A block of exactly this size; the JSON keeps views into it, so it lives until the end. */
    static struct test_blob blob;
    bool done;

    test_blob_free(&blob);
    if (text == NULL)
        return false;
    blob = test_copy(MSE_CSTR_BYTES(text));
    done = mse_tcb_info_parse(test_bytes(&blob), info, err);
    assert_int_equal(done, err->code == MSE_ERR_NONE);
    if (!done) {
        assert_null(info->levels);
        assert_null(info->json.values);
        assert_int_equal(info->level_count, 0);
    }
    return done;
}

static void a_tcb_info_of_sgx_is_read(void **state)
{
    static const uint8_t fmspc[] = { 0x00, 0xa0, 0x6d, 0x08, 0x00, 0x00 };
    static const uint8_t first[16] = { 3, 255, 2, 2, 4, 1, 0, 5 };
    static const uint8_t second[16] = { 2, 2, 2, 2, 3, 1, 0, 5 };
    struct mse_error err = { 0 };
    struct mse_tcb_info info;
    const struct mse_json_value *ids;

    (void)state;
    assert_true(parse(sgx_text, &info, &err));
    assert_false(info.is_tdx);
    assert_int_equal(info.issue_date, 1759036680); /* date -d 2025-09-28T05:18:00Z +%s */
    assert_int_equal(info.next_update, 1761628680);
    assert_memory_equal(info.fmspc, fmspc, 6);
    assert_int_equal(info.pce_id[0], 1);
    assert_int_equal(info.pce_id[1], 2);
    assert_int_equal(info.tcb_type, 0);
    assert_int_equal(info.tcb_eval, 18);
    assert_int_equal(info.platform_level_count, 2);
    assert_int_equal(info.level_count, 2);
    assert_false(info.has_tdx_module);
    assert_int_equal(info.module_count, 0);
    assert_memory_equal(info.levels[0].sgx_svn, first, 16);
    assert_int_equal(info.levels[0].pce_svn, 13);
    assert_int_equal(info.levels[0].status, MSE_TCB_UP_TO_DATE);
    assert_int_equal(info.levels[0].tcb_date, 1731456000);
    assert_int_equal(info.levels[0].advisories, 0);
    assert_memory_equal(info.levels[1].sgx_svn, second, 16);
    assert_int_equal(info.levels[1].pce_svn, 5);
    assert_int_equal(info.levels[1].status, MSE_TCB_OUT_OF_DATE);
    ids = &info.json.values[info.levels[1].advisories];
    assert_int_equal(ids->type, MSE_JSON_ARRAY);
    assert_int_equal(ids->count, 2);
    assert_true(mse_bytes_equal_text(mse_json_span(&info.json, ids + 2), "INTEL-SA-00115"));
    assert_true(mse_bytes_equal_text(info.sgx_component_type[0], "Early"));
    assert_int_equal(info.sgx_component_type[1].len, 0);
    mse_tcb_info_cleanup(&info);
    parse(NULL, NULL, NULL);
}

static void a_tcb_info_of_tdx_is_read(void **state)
{
    static const uint8_t tdx[16] = { 5, 0, 7 };
    struct mse_error err = { 0 };
    struct mse_tcb_info info;

    (void)state;
    assert_true(parse(tdx_text, &info, &err));
    assert_true(info.is_tdx);
    assert_int_equal(info.platform_level_count, 1);
    assert_int_equal(info.level_count, 4);
    assert_memory_equal(info.levels[0].tdx_svn, tdx, 16);
    assert_int_equal(info.levels[0].pce_svn, 11);
    assert_int_equal(info.levels[0].status, MSE_TCB_SW_HARDENING_NEEDED);
    assert_true(info.has_tdx_module);
    assert_string_equal(info.module.id, "");
    assert_int_equal(info.module.mrsigner[47], 0xff);
    assert_int_equal(info.module.attributes[7], 1);
    assert_int_equal(info.module.attributes_mask[7], 0xfe);
    assert_int_equal(info.module_count, 2);
    assert_string_equal(info.modules[0].id, "TDX_03");
    assert_int_equal(info.modules[0].attributes[7], 2);
    assert_int_equal(info.modules[0].first_level, 1);
    assert_int_equal(info.modules[0].level_count, 1);
    assert_string_equal(info.modules[1].id, "TDX_01");
    assert_int_equal(info.modules[1].attributes_mask[7], 0xfb);
    assert_int_equal(info.modules[1].first_level, 2);
    assert_int_equal(info.modules[1].level_count, 2);
    assert_int_equal(info.levels[1].isv_svn, 3);
    assert_int_equal(info.levels[2].isv_svn, 6);
    assert_int_equal(info.levels[3].isv_svn, 4);
    assert_int_equal(info.levels[3].status, MSE_TCB_OUT_OF_DATE);
    assert_int_equal(info.json.values[info.levels[3].advisories].count, 1);
    assert_true(mse_bytes_equal_text(info.tdx_component_type[0], "Early"));
    mse_tcb_info_cleanup(&info);
    parse(NULL, NULL, NULL);
}

static const struct change {
    const char *base, *from, *to;
    enum mse_err_code want;
    const char *at; /* text in the result where the offset must point; NULL: 0 */
} changes[] = {
    /* allowed */
    { sgx_text, "\"tcbType\":0,", "\"tcbType\":0,\"newMember\":[{}],", MSE_ERR_NONE, NULL },
    { sgx_text, "\"pcesvn\":13", "\"pcesvn\":13,\"tdxtcbcomponents\":7", MSE_ERR_NONE, NULL },
    { sgx_text, "00A06D080000", "00a06d080000", MSE_ERR_NONE, NULL },
    { sgx_text, "\"id\":\"SGX\",", "\"tdxModule\":7,\"id\":\"SGX\",", MSE_ERR_NONE, NULL },
    { tdx_text, "\"id\":\"TDX\"", "\"id\" : \"TDX\"\n", MSE_ERR_NONE, NULL },
    /* head */
    { sgx_text, "\"id\":\"SGX\",", "", MSE_ERR_MISSING, NULL },
    { sgx_text, "\"id\":\"SGX\"", "\"id\":\"sgx\"", MSE_ERR_VALUE, "sgx\"" },
    { sgx_text, "\"id\":\"SGX\"", "\"id\":\"\\u0053GX\"", MSE_ERR_VALUE, "\\u0053" },
    { sgx_text, "\"id\":\"SGX\"", "\"id\":0", MSE_ERR_VALUE, "0,\"version" },
    { sgx_text, "\"id\":\"SGX\"", "\"id\":\"TDX\"", MSE_ERR_MISSING,
      "{\"sgxtcbcomponents\":[{\"svn\":3," },
    { tdx_text, "\"id\":\"TDX\"", "\"id\":\"QE\"", MSE_ERR_VALUE, "QE\"" },
    { sgx_text, "\"version\":3", "\"version\":2", MSE_ERR_UNSUPPORTED, NULL },
    { sgx_text, "\"version\":3", "\"version\":4", MSE_ERR_UNSUPPORTED, NULL },
    { sgx_text, "\"version\":3", "\"version\":\"3\"", MSE_ERR_VALUE, "3\",\"issue" },
    { sgx_text, "\"version\":3", "\"version\":3.0", MSE_ERR_VALUE, "3.0" },
    { sgx_text, "\"version\":3,", "", MSE_ERR_MISSING, NULL },
    { sgx_text, "\"version\":3", "\"version\":3,\"version\":3", MSE_ERR_DUPLICATE, NULL },
    { sgx_text, "2025-09-28T05:18:00Z", "2025-09-31T05:18:00Z", MSE_ERR_VALUE, "2025-09-31" },
    { sgx_text, "2025-09-28T05:18:00Z", "2025-10-28T05:18:01Z", MSE_ERR_VALUE, NULL },
    { sgx_text, "2025-10-28T05:18:00Z", "1759036680", MSE_ERR_VALUE, "1759036680" },
    { sgx_text, "\"fmspc\":\"00A06D080000\",", "", MSE_ERR_MISSING, NULL },
    { sgx_text, "00A06D080000", "00A06D0800", MSE_ERR_VALUE, "00A06D0800" },
    { sgx_text, "00A06D080000", "00A06D08000000", MSE_ERR_VALUE, "00A06D0800" },
    { sgx_text, "00A06D080000", "00A06D08000G", MSE_ERR_VALUE, "00A06D0800" },
    { sgx_text, "\"0102\"", "\"01\"", MSE_ERR_VALUE, "01\",\"tcbType" },
    { sgx_text, "\"tcbType\":0", "\"tcbType\":1", MSE_ERR_VALUE, "1,\"tcbEval" },
    { sgx_text, "\"tcbType\":0,", "", MSE_ERR_MISSING, NULL },
    { sgx_text, "Number\":18", "Number\":-1", MSE_ERR_VALUE, "-1,\"tcbLevels" },
    { sgx_text, "Number\":18", "Number\":4294967296", MSE_ERR_VALUE, "4294967296" },
    /* levels */
    { sgx_text, "\"tcbLevels\"", "\"tcbLevel\"", MSE_ERR_MISSING, NULL },
    { sgx_text, "\"tcbLevels\":[", "\"tcbLevels\":[],\"old\":[", MSE_ERR_VALUE, "[],\"old" },
    { sgx_text, "\"tcbLevels\":[", "\"tcbLevels\":{},\"old\":[", MSE_ERR_VALUE, "{},\"old" },
    { sgx_text, "\"tcbLevels\":[", "\"tcbLevels\":[7,", MSE_ERR_MISSING, "7,{" },
    { sgx_text, "\"svn\":255", "\"svn\":256", MSE_ERR_VALUE, "256" },
    { sgx_text, "\"svn\":255", "\"svn\":-1", MSE_ERR_VALUE, "-1}" },
    { sgx_text, "\"svn\":255", "\"svn\":\"255\"", MSE_ERR_VALUE, "255\"" },
    { sgx_text, "{\"svn\":255}", "{\"sv\":255}", MSE_ERR_MISSING, "{\"sv\"" },
    { sgx_text, "{\"svn\":255},", "", MSE_ERR_VALUE, "[{\"svn\":3" },
    { sgx_text, "{\"svn\":255},", "{\"svn\":255},{\"svn\":1},", MSE_ERR_VALUE, "[{\"svn\":3" },
    { sgx_text, "\"svn\":3,\"category\":\"BIOS\",\"type\":\"Early\"", "\"svn\":3,\"type\":7",
      MSE_ERR_VALUE, "7},{" },
    { sgx_text, "\"pcesvn\":13", "\"pcesvn\":65536", MSE_ERR_VALUE, "65536" },
    { sgx_text, ",\"pcesvn\":13", "", MSE_ERR_MISSING, "{\"sgxtcbcomponents\":[{\"svn\":3," },
    { sgx_text, "\"UpToDate\"", "\"uptodate\"", MSE_ERR_VALUE, "uptodate" },
    { sgx_text, "\"UpToDate\"", "\"NoMatchingLevel\"", MSE_ERR_VALUE, "NoMatchingLevel" },
    { sgx_text, "\"UpToDate\"", "\"\"", MSE_ERR_VALUE,
      "\"},{\"tcb\":{\"sgxtcbcomponents\":[{\"svn\":2" },
    { sgx_text, ",\"tcbStatus\":\"UpToDate\"", "", MSE_ERR_MISSING,
      "{\"tcb\":{\"sgxtcbcomponents\":[{\"svn\":3," },
    { sgx_text, "2024-11-13T00:00:00Z", "2024-11-13T00:00:00", MSE_ERR_VALUE, "2024-11-13" },
    { sgx_text, "[\"INTEL-SA-00106\",", "[106,", MSE_ERR_VALUE, "106,\"INTEL" },
    { sgx_text, "[\"INTEL-SA-00106\",\"INTEL-SA-00115\"]", "\"INTEL-SA-00106\"", MSE_ERR_VALUE,
      "INTEL-SA-00106" },
    /* modules */
    { tdx_text, "\"tdxModule\":", "\"tdxModules\":", MSE_ERR_MISSING, NULL },
    { tdx_text, "\"tdxModule\":", "\"tdxModule\":[],\"old\":", MSE_ERR_VALUE, "[],\"old" },
    { tdx_text, "\"0000000000000001\"", "\"00000001\"", MSE_ERR_VALUE, "00000001\"" },
    { tdx_text, "\"attributesMask\":\"FFFFFFFFFFFFFFFE\"",
      "\"attributesmask\":\"FFFFFFFFFFFFFFFE\"", MSE_ERR_MISSING,
      "{\"mrsigner\":\"" ZERO48 "\",\"attributes\":\"0000000000000001\"" },
    { tdx_text, "\"TDX_01\"", "\"TDX_03\"", MSE_ERR_DUPLICATE,
      "TDX_03\",\"mrsigner\":\"" ZERO48 "\",\"attributes\":\"0000000000000004\"" },
    { tdx_text, "\"TDX_01\"", "\"\"", MSE_ERR_VALUE,
      "\",\"mrsigner\":\"" ZERO48 "\",\"attributes\":\"0000000000000004\"" },
    { tdx_text, "\"TDX_01\"", "\"TDX_0123456789ab\"", MSE_ERR_VALUE, "TDX_0123456789ab" },
    { tdx_text, "\"isvsvn\":6", "\"isvsvn\":65536", MSE_ERR_VALUE, "65536" },
    { tdx_text, "\"isvsvn\":6", "\"isvsn\":6", MSE_ERR_MISSING, "{\"isvsn\":6" },
    { tdx_text, "\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":{},\"old\":[", MSE_ERR_VALUE,
      "{},\"old" },
    { tdx_text, "\"tdxtcbcomponents\"", "\"tdxcomponents\"", MSE_ERR_MISSING,
      "{\"sgxtcbcomponents\"" },
    { tdx_text, "{\"svn\":7}", "{\"svn\":7,\"svn\":8}", MSE_ERR_DUPLICATE, NULL },
    /* frame */
    { sgx_text, "00115\"]}]}", "00115\"]}]}{}", MSE_ERR_TRAILING, NULL },
    { sgx_text, "00115\"]}]}", "00115\"]}]} ", MSE_ERR_NONE, NULL },
};

static void one_change_at_a_time_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const struct change *c = &changes[i];
        char *text = test_replace(c->base, c->from, c->to);
        const char *at = c->at != NULL ? strstr(text, c->at) : NULL;
        size_t offset = at != NULL ? (size_t)(at - text) : 0;
        struct mse_error err = { 0 };
        struct mse_tcb_info info;

        if (parse(text, &info, &err))
            mse_tcb_info_cleanup(&info);
        /* Duplicates and leftovers are the JSON reader's, which has tests of its own. */
        if (err.code == MSE_ERR_DUPLICATE || err.code == MSE_ERR_TRAILING)
            offset = c->at != NULL ? offset : err.offset;
        if (err.code != c->want || err.offset != offset || (c->at != NULL && at == NULL))
            fail_msg("change %zu (%s): %s at %zu, not %zu, in %s", i, c->to, mse_err_name(err.code),
                     err.offset, offset, err.field);
        if (err.code != MSE_ERR_NONE)
            assert_int_equal(strncmp(err.field, "tcbInfo: ", 9), 0);
        free(text);
    }
    parse(NULL, NULL, NULL);
}

static void a_field_says_which_level_it_is_in(void **state)
{
    char *text = test_replace(sgx_text, "\"pcesvn\":5", "\"pcesvn\":true");
    struct mse_error err = { 0 };
    struct mse_tcb_info info;

    (void)state;
    assert_false(parse(text, &info, &err));
    assert_string_equal(err.field, "tcbInfo: tcbLevels[1]: pcesvn");
    free(text);
    text = test_replace(tdx_text, "\"isvsvn\":4", "\"isvsvn\":null");
    err = (struct mse_error){ 0 };
    assert_false(parse(text, &info, &err));
    assert_string_equal(err.field, "tcbInfo: tdxModuleIdentities[1]: tcbLevels[1]: isvsvn");
    free(text);
    parse(NULL, NULL, NULL);
}

/* n levels in place of the two. */
static char *text_with_levels(size_t n)
{
    const char *level = strstr(sgx_text, "{\"tcb\":");
    const char *end = strstr(level, ",{\"tcb\":");
    struct mse_writer w = { 0 };

    mse_write_bytes(&w, sgx_text, (size_t)(level - sgx_text));
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            mse_write_text(&w, ",");
        mse_write_bytes(&w, level, (size_t)(end - level));
    }
    mse_write_text(&w, "]}");
    return mse_writer_take_text(&w);
}

static void levels_have_a_limit(void **state)
{
    (void)state;
    for (size_t n = MSE_TCB_MAX_LEVELS - 1; n <= MSE_TCB_MAX_LEVELS + 1; n++) {
        char *text = text_with_levels(n);
        bool fits = n <= MSE_TCB_MAX_LEVELS;
        struct mse_error err = { 0 };
        struct mse_tcb_info info;

        assert_int_equal(parse(text, &info, &err), fits);
        assert_int_equal(err.code, fits ? MSE_ERR_NONE : MSE_ERR_LIMIT);
        assert_int_equal(info.level_count, fits ? n : 0);
        mse_tcb_info_cleanup(&info);
        free(text);
    }
    parse(NULL, NULL, NULL);
}

static char *text_with_modules(size_t n)
{
    const char *head = strstr(tdx_text, "\"tdxModuleIdentities\":[");
    const char *levels = strstr(tdx_text, "\"tcbLevels\":[{\"tcb\":{\"sgx");
    struct mse_writer w = { 0 };

    mse_write_bytes(&w, tdx_text, (size_t)(head - tdx_text));
    mse_write_text(&w, "\"tdxModuleIdentities\":[");
    for (size_t i = 0; i < n; i++)
        mse_write_format(&w,
                         "%s{\"id\":\"TDX_%zu\",\"mrsigner\":\"" ZERO48
                         "\",\"attributes\":\"0000000000000000\",\"attributesMask\":"
                         "\"FFFFFFFFFFFFFFFF\",\"tcbLevels\":[]}",
                         i > 0 ? "," : "", i);
    mse_write_text(&w, "],");
    mse_write_text(&w, levels);
    return mse_writer_take_text(&w);
}

static void modules_have_a_limit(void **state)
{
    (void)state;
    for (size_t n = MSE_TCB_MAX_MODULES; n <= MSE_TCB_MAX_MODULES + 1; n++) {
        char *text = text_with_modules(n);
        bool fits = n <= MSE_TCB_MAX_MODULES;
        struct mse_error err = { 0 };
        struct mse_tcb_info info;

        assert_int_equal(parse(text, &info, &err), fits);
        assert_int_equal(err.code, fits ? MSE_ERR_NONE : MSE_ERR_LIMIT);
        mse_tcb_info_cleanup(&info);
        free(text);
    }
    parse(NULL, NULL, NULL);
}

static void every_prefix_is_refused(void **state)
{
    static const char *const texts[] = { sgx_text, tdx_text };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t n = 0; n < strlen(texts[i]); n++) {
            struct test_blob cut = test_copy((struct mse_bytes){ (const uint8_t *)texts[i], n });
            struct mse_error err = { 0 };
            struct mse_tcb_info info;

            assert_false(mse_tcb_info_parse(test_bytes(&cut), &info, &err));
            assert_int_equal(err.code, MSE_ERR_TRUNCATED);
            assert_null(info.levels);
            test_blob_free(&cut);
        }
    }
}

static void status_words_are_the_vendors(void **state)
{
    /* Intel PCS API v4, "Get TCB Info": tcbStatus. */
    static const struct {
        const char *word;
        enum mse_tcb_status status;
    } words[] = {
        { "UpToDate", MSE_TCB_UP_TO_DATE },
        { "SWHardeningNeeded", MSE_TCB_SW_HARDENING_NEEDED },
        { "ConfigurationNeeded", MSE_TCB_CONFIGURATION_NEEDED },
        { "ConfigurationAndSWHardeningNeeded", MSE_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED },
        { "OutOfDate", MSE_TCB_OUT_OF_DATE },
        { "OutOfDateConfigurationNeeded", MSE_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
        { "Revoked", MSE_TCB_REVOKED },
    };
    static const char *const others[] = { "",         "NoMatchingLevel", "Revoked ",
                                          "uptodate", "UpToDat",         "UpToDateX" };
    enum mse_tcb_status status;

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_true(mse_tcb_status_read(MSE_CSTR_BYTES(words[i].word), &status));
        assert_int_equal(status, words[i].status);
        assert_string_equal(mse_tcb_status_name(status), words[i].word);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        status = MSE_TCB_UP_TO_DATE;
        assert_false(mse_tcb_status_read(MSE_CSTR_BYTES(others[i]), &status));
        assert_int_equal(status, MSE_TCB_NO_MATCH);
    }
    assert_string_equal(mse_tcb_status_name(MSE_TCB_NO_MATCH), "NoMatchingLevel");
    assert_string_equal(mse_tcb_status_name((enum mse_tcb_status)99), "NoMatchingLevel");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tcb_info_of_sgx_is_read),
        cmocka_unit_test(a_tcb_info_of_tdx_is_read),
        cmocka_unit_test(one_change_at_a_time_is_judged),
        cmocka_unit_test(a_field_says_which_level_it_is_in),
        cmocka_unit_test(levels_have_a_limit),
        cmocka_unit_test(modules_have_a_limit),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(status_words_are_the_vendors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
