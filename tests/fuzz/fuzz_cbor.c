/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR: an item of the subset has one form, so writing what was read gives the same bytes. */
#include <stdlib.h>

#include "base/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void copy_string(struct mse_reader *r, struct mse_writer *w, unsigned major)
{
    struct mse_bytes v = major == 2 ? mse_cbor_read_bytes(r, "x") : mse_cbor_read_text(r, "x");

    mse_cbor_write_head(w, major, v.len);
    mse_write_bytes(w, v.data, v.len);
}

/* Reads one item piece by piece and writes it again. mse_cbor_skip() took it before. */
static void copy_item(struct mse_reader *r, struct mse_writer *w, unsigned depth)
{
    const uint8_t *start = r->at;
    int major = mse_cbor_next_major(r);
    uint64_t n = 0;

    require(depth <= MSE_CBOR_DEPTH && major >= 0);
    switch (major) {
    case 0:
        mse_cbor_write_head(w, 0, mse_cbor_read_unsigned(r, "x"));
        return;
    case 2:
    case 3:
        copy_string(r, w, (unsigned)major);
        return;
    case 4:
        n = mse_cbor_read_array(r, "x");
        mse_cbor_write_head(w, 4, n);
        break;
    case 5:
        n = mse_cbor_read_map(r, "x");
        mse_cbor_write_head(w, 5, n);
        n *= 2;
        break;
    case 6:
        mse_cbor_write_head(w, 6, mse_cbor_read_tag(r, "x"));
        n = 1;
        break;
    default:
        mse_cbor_skip(r, "x");
        mse_write_bytes(w, start, (size_t)(r->at - start));
        return;
    }
    require(n <= mse_reader_left(r));
    for (uint64_t i = 0; i < n; i++)
        copy_item(r, w, depth + 1);
}

/* No reader reads past the end or moves after a failure, whatever it is asked for. */
static void read_as_anything(struct mse_bytes in)
{
    for (unsigned kind = 0; kind < 7; kind++) {
        struct mse_error err = { 0 };
        struct mse_reader r = mse_reader_init(in, &err);
        struct mse_bytes v = { 0 };

        switch (kind) {
        case 0:
            (void)mse_cbor_read_unsigned(&r, "x");
            break;
        case 1:
            (void)mse_cbor_read_unsigned_any(&r, "x");
            break;
        case 2:
            (void)mse_cbor_read_tag(&r, "x");
            break;
        case 3:
            v = mse_cbor_read_bytes(&r, "x");
            break;
        case 4:
            v = mse_cbor_read_text(&r, "x");
            break;
        case 5:
            require(mse_cbor_read_array(&r, "x") <= in.len);
            break;
        default:
            require(mse_cbor_read_map(&r, "x") <= in.len / 2);
            break;
        }
        require(mse_reader_offset(&r) <= in.len && err.offset <= in.len);
        require(v.len == 0 || (v.data > in.data && v.data + v.len == r.at));
        require(mse_read_ok(&r) || v.len == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mse_error err = { 0 };
    struct mse_reader r = mse_reader_init((struct mse_bytes){ data, size }, &err);
    struct mse_writer w = { 0 };
    size_t len;

    read_as_anything((struct mse_bytes){ data, size });
    mse_cbor_skip(&r, "x");
    if (!mse_read_ok(&r)) {
        require(err.offset <= size);
        return 0;
    }
    len = mse_reader_offset(&r);
    require(len > 0 && len <= size);
    r = mse_reader_init((struct mse_bytes){ data, len }, &err);
    copy_item(&r, &w, 0);
    require(mse_read_done(&r, "x") && mse_writer_ok(&w));
    require(mse_bytes_equal(mse_writer_bytes(&w), (struct mse_bytes){ data, len }));
    mse_writer_cleanup(&w);
    return 0;
}
