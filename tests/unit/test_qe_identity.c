/* SPDX-License-Identifier: Apache-2.0 */
/* Enclave identities: one as the vendor writes it, then one change at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "endorsement/qe_identity.h"
#include "test_pki.h"

/* The signer and masks are those of Intel's quoting enclaves; misc_select is made up. */
static const char text[] =
    "{\"id\":\"TD_QE\",\"version\":2,\"issueDate\":\"2026-06-30T08:12:19Z\",\"nextUpdate\":"
    "\"2026-07-30T08:12:19Z\",\"tcbEvaluationDataNumber\":19,\"miscselect\":\"01020304\","
    "\"miscselectMask\":\"FFFFFF7F\",\"attributes\":\"11000000000000000000000000000000\","
    "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":"
    "\"DC9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5\",\"isvprodid\":2,"
    "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":"
    "\"UpToDate\"},{\"tcb\":{\"isvsvn\":2},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":"
    "\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-00615\"]}]}";

static bool parse(struct mse_bytes in, struct mse_qe_identity *out, struct mse_error *err)
{
    bool done = mse_qe_identity_parse(in, out, err);

    assert_int_equal(done, err->code == MSE_ERR_NONE);
    if (!done) {
        assert_null(out->json.values);
        assert_int_equal(out->level_count, 0);
        assert_true(mse_is_zero(out->mrsigner, sizeof(out->mrsigner)));
    }
    return done;
}

static void an_identity_is_read(void **state)
{
    struct test_blob blob = test_copy(MSE_CSTR_BYTES(text));
    struct mse_error err = { 0 };
    struct mse_qe_identity q;

    (void)state;
    assert_true(parse(test_bytes(&blob), &q, &err));
    assert_int_equal(q.id, MSE_QE_TDX);
    assert_int_equal(q.issue_date, 1782807139); /* date -d 2026-06-30T08:12:19Z +%s */
    assert_int_equal(q.next_update, 1785399139);
    assert_int_equal(q.tcb_eval, 19);
    assert_int_equal(q.misc_select, 0x04030201); /* bytes as a report has them */
    assert_int_equal(q.misc_select_mask, 0x7fffffff);
    assert_int_equal(q.attributes[0], 0x11);
    assert_int_equal(q.attributes_mask[0], 0xfb);
    assert_int_equal(q.attributes_mask[8], 0);
    assert_int_equal(q.mrsigner[0], 0xdc);
    assert_int_equal(q.mrsigner[31], 0xc5);
    assert_int_equal(q.isv_prod_id, 2);
    assert_int_equal(q.level_count, 2);
    assert_int_equal(q.levels[0].isv_svn, 4);
    assert_int_equal(q.levels[0].status, MSE_TCB_UP_TO_DATE);
    assert_int_equal(q.levels[0].tcb_date, 1747180800);
    assert_int_equal(q.levels[0].advisories, 0);
    assert_int_equal(q.levels[1].isv_svn, 2);
    assert_int_equal(q.levels[1].status, MSE_TCB_OUT_OF_DATE);
    assert_int_equal(q.json.values[q.levels[1].advisories].count, 1);
    mse_qe_identity_cleanup(&q);
    test_blob_free(&blob);
}

static void each_identity_is_told_apart(void **state)
{
    static const struct {
        const char *name;
        enum mse_qe_id id;
    } ids[] = { { "QE", MSE_QE_SGX }, { "TD_QE", MSE_QE_TDX }, { "QVE", MSE_QE_QVE } };

    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char *changed = test_replace(text, "TD_QE", ids[i].name);
        struct mse_error err = { 0 };
        struct mse_qe_identity q;

        assert_true(parse(MSE_CSTR_BYTES(changed), &q, &err));
        assert_int_equal(q.id, ids[i].id);
        mse_qe_identity_cleanup(&q);
        free(changed);
    }
}

static void one_change_at_a_time_is_judged(void **state)
{
    /* clang-format off */
    static const struct {
        const char *from, *to;
        enum mse_err_code want;
        const char *at; /* text in the result where the offset must point; NULL: 0 */
    } changes[] = {
        { "\"isvprodid\":2", "\"isvprodid\":2,\"new\":null", MSE_ERR_NONE, NULL },
        { "DC9E2A7C6F948F17", "dc9e2a7c6f948f17", MSE_ERR_NONE, NULL },
        { "\"TD_QE\"", "\"td_qe\"", MSE_ERR_VALUE, "td_qe" },
        { "\"TD_QE\"", "\"SGX\"", MSE_ERR_VALUE, "SGX" },
        { "\"id\":\"TD_QE\",", "", MSE_ERR_MISSING, NULL },
        { "\"version\":2", "\"version\":1", MSE_ERR_UNSUPPORTED, NULL },
        { "\"version\":2", "\"version\":3", MSE_ERR_UNSUPPORTED, NULL },
        { "2026-06-30T08:12:19Z", "2026-06-30 08:12:19Z", MSE_ERR_VALUE, "2026-06-30 " },
        { "2026-07-30T08:12:19Z", "2026-06-30T08:12:18Z", MSE_ERR_VALUE, NULL },
        { "Number\":19", "Number\":1.9", MSE_ERR_VALUE, "1.9" },
        { "\"01020304\"", "\"1020304\"", MSE_ERR_VALUE, "1020304" },
        { "\"01020304\"", "16909060", MSE_ERR_VALUE, "16909060" },
        { "FFFFFF7F", "FFFFFF7F00", MSE_ERR_VALUE, "FFFFFF7F00" },
        { "\"attributes\":\"11", "\"attributes\":\"1", MSE_ERR_VALUE, "1000000" },
        { "\"attributesMask\":", "\"attributemask\":", MSE_ERR_MISSING, NULL },
        { "0E54A8C5", "0E54A8", MSE_ERR_VALUE, "DC9E2A7C" },
        { "\"mrsigner\":", "\"mrenclave\":", MSE_ERR_MISSING, NULL },
        { "\"isvprodid\":2", "\"isvprodid\":65536", MSE_ERR_VALUE, "65536" },
        { "\"isvprodid\":2,", "", MSE_ERR_MISSING, NULL },
        { "\"tcbLevels\":[", "\"tcbLevels\":[],\"old\":[", MSE_ERR_VALUE, "[],\"old" },
        { "\"tcbLevels\":[", "\"tcbLevels\":null,\"old\":[", MSE_ERR_VALUE, "null,\"old" },
        { "\"isvsvn\":4", "\"isvsvn\":-1", MSE_ERR_VALUE, "-1}" },
        { "\"isvsvn\":4", "\"isvsvn\":65536", MSE_ERR_VALUE, "65536" },
        { "\"tcb\":{\"isvsvn\":4}", "\"tcb\":4", MSE_ERR_VALUE, "4,\"tcbDate" },
        { "\"OutOfDate\"", "\"Outdated\"", MSE_ERR_VALUE, "Outdated" },
        { "2025-05-14T00:00:00Z", "", MSE_ERR_VALUE, "\",\"tcbStatus\":\"UpToDate" },
        { "[\"INTEL-SA-00615\"]", "[[]]", MSE_ERR_VALUE, "[]]}" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char *changed = test_replace(text, changes[i].from, changes[i].to);
        const char *at = changes[i].at != NULL ? strstr(changed, changes[i].at) : changed;
        struct mse_error err = { 0 };
        struct mse_qe_identity q;

        assert_non_null(at);
        if (parse(MSE_CSTR_BYTES(changed), &q, &err))
            mse_qe_identity_cleanup(&q);
        if (err.code != changes[i].want || err.offset != (size_t)(at - changed))
            fail_msg("change %zu (%s): %s at %zu, not %zu, in %s", i, changes[i].to,
                     mse_err_name(err.code), err.offset, (size_t)(at - changed), err.field);
        free(changed);
    }
}

static void levels_have_a_limit(void **state)
{
    const char *levels = strstr(text, "{\"tcb\"");

    (void)state;
    for (size_t n = MSE_QE_MAX_LEVELS; n <= MSE_QE_MAX_LEVELS + 1; n++) {
        bool fits = n <= MSE_QE_MAX_LEVELS;
        struct mse_writer w = { 0 };
        struct mse_error err = { 0 };
        struct mse_qe_identity q;

        mse_write_bytes(&w, text, (size_t)(levels - text));
        for (size_t i = 0; i < n; i++)
            mse_write_format(&w,
                             "%s{\"tcb\":{\"isvsvn\":%zu},\"tcbDate\":\"2025-05-14T00:00:00Z\","
                             "\"tcbStatus\":\"UpToDate\"}",
                             i > 0 ? "," : "", n - i);
        mse_write_text(&w, "]}");
        assert_int_equal(parse(mse_writer_bytes(&w), &q, &err), fits);
        assert_int_equal(err.code, fits ? MSE_ERR_NONE : MSE_ERR_LIMIT);
        mse_qe_identity_cleanup(&q);
        mse_writer_cleanup(&w);
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < strlen(text); n++) {
        struct test_blob cut = test_copy((struct mse_bytes){ (const uint8_t *)text, n });
        struct mse_error err = { 0 };
        struct mse_qe_identity q;

        assert_false(parse(test_bytes(&cut), &q, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        test_blob_free(&cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identity_is_read),
        cmocka_unit_test(each_identity_is_told_apart),
        cmocka_unit_test(one_change_at_a_time_is_judged),
        cmocka_unit_test(levels_have_a_limit),
        cmocka_unit_test(every_prefix_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
