/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral files of any kind: what was read, written as a bundle, reads back to the same. */
#include <stdlib.h>

#include "endorsement/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_round_trip(const struct mse_collateral *set)
{
    struct mse_writer first = { 0 };
    struct mse_writer second = { 0 };
    struct mse_collateral *again = NULL;
    struct mse_error err = { 0 };

    check(mse_bundle_write(set, &first, &err));
    check(mse_bundle_guess(mse_writer_bytes(&first)) == MSE_BUNDLE_MSE);
    check(mse_collateral_new(&again, &err));
    check(mse_bundle_read(mse_writer_bytes(&first), "", again, &err));
    check(again->count == set->count);
    check(mse_bundle_write(again, &second, &err));
    check(mse_bytes_equal(mse_writer_bytes(&first), mse_writer_bytes(&second)));
    mse_collateral_free(again);
    mse_writer_cleanup(&first);
    mse_writer_cleanup(&second);
}

/* Names of sources are cut to their room, and may be cut inside a character: not for comparing. */
static void drop_names(struct mse_collateral *set)
{
    for (size_t i = 0; i < set->count; i++)
        set->items[i]->name[0] = '\0';
}

/* What no writer of bundles has: empty items, and certificates or CRLs that are not DER. */
static bool is_whole(const struct mse_item *item)
{
    bool x509 = item->kind == MSE_ITEM_CERT || item->kind == MSE_ITEM_CRL;

    return item->bytes.len > 130 &&
           (!x509 || (item->bytes.data[0] == 0x30 && item->bytes.data[1] > 0x80 &&
                      item->bytes.data[1] <= 0x84));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_bytes file = { data, size };
    struct mse_collateral *set = NULL;
    struct mse_error err = { 0 };
    bool whole = true;
    char *pem = NULL;

    check(mse_collateral_new(&set, &err));
    if (mse_bundle_read(file, "input", set, &err)) {
        check(err.code == MSE_ERR_NONE);
        check(mse_bundle_guess(file) != MSE_BUNDLE_UNKNOWN);
        for (size_t i = 0; i < set->count; i++)
            whole = whole && is_whole(set->items[i]);
        drop_names(set);
        if (whole)
            check_round_trip(set);
    } else {
        check(err.code != MSE_ERR_NONE);
    }
    mse_collateral_free(set);
    err = (struct mse_error){ 0 };
    check(mse_bundle_evidence_certificate(file, &pem, &err) == (pem != NULL));
    free(pem);
    return 0;
}
