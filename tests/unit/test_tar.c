/* SPDX-License-Identifier: Apache-2.0 */
/* Tar headers: the canonical form, what strict and lenient reading take, and what nobody takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exact.h"
#include "package/tar.h"
#include "tar_build.h"

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define X100 X50 X50
#define X155 X100 X50 "xxxxx"

static struct mse_tar_header header(enum mse_tar_type type, const char *path, const char *target,
                                    uint64_t size)
{
    struct mse_tar_header h = { .type = type, .size = size };

    assert_true(strlen(path) < sizeof(h.path) && strlen(target) < sizeof(h.target));
    memcpy(h.path, path, strlen(path));
    memcpy(h.target, target, strlen(target));
    return h;
}

static bool read_header(struct mse_bytes in, bool lenient, struct mse_tar_header *out, size_t *used,
                        bool *is_directory, struct mse_error *err)
{
    struct mse_bytes copy = exact_copy(in, in.len);
    bool ok = mse_tar_header_read(copy, lenient, out, is_directory, used, err);

    exact_free(copy);
    if (!ok) {
        assert_int_not_equal(err->code, MSE_ERR_NONE);
        assert_int_equal(*used, 0);
        assert_string_equal(out->path, "");
        assert_false(*is_directory);
    }
    return ok;
}

/* ---- writing ---- */

/* As written by GNU tar 1.34 with --format=ustar, owner 0, time 0 and no names. */
static void a_header_is_the_one_that_gnu_tar_writes(void **state)
{
    static const struct {
        size_t at;
        const char *text;
    } fields[] = { { 0, "a" },           { 100, "0000644" },     { 108, "0000000" },
                   { 116, "0000000" },   { 124, "00000000005" }, { 136, "00000000000" },
                   { 148, "007343\0 " }, { 155, " 0" },          { 257, "ustar" },
                   { 263, "00" },        { 329, "0000000" },     { 337, "0000000" } };
    struct mse_tar_header h = header(MSE_TAR_FILE, "a", "", 5);
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    uint8_t want[512] = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        memcpy(want + fields[i].at, fields[i].text, strlen(fields[i].text));
    assert_true(mse_tar_header_write(&h, &w, &err));
    assert_int_equal(w.len, 512);
    assert_memory_equal(w.data, want, 512);
    mse_writer_cleanup(&w);
}

/* blocks: 1 alone, 3 with a pax header and its records. */
/* clang-format off */
static const struct {
    const char *name;
    enum mse_tar_type type;
    const char *path, *target;
    uint64_t size;
    size_t blocks;
} good[] = {
    { "a file", MSE_TAR_FILE, "a", "", 0, 1 },
    { "largest file", MSE_TAR_FILE, "d/a", "", MSE_TAR_MAX_FILE, 1 },
    { "an executable", MSE_TAR_EXECUTABLE, "bin/run.sh", "", 77, 1 },
    { "a link", MSE_TAR_LINK, "d/l", "../a", 0, 1 },
    { "dots that mean nothing", MSE_TAR_FILE, ".a/..b/c..", "", 1, 1 },
    { "name of 100 bytes", MSE_TAR_FILE, X100, "", 1, 1 },
    { "name of 101 bytes without a slash", MSE_TAR_FILE, X100 "x", "", 1, 3 },
    { "prefix of 1", MSE_TAR_FILE, "d/" X100, "", 1, 1 },
    { "prefix of 155", MSE_TAR_FILE, X155 "/" X100, "", 1, 1 },
    { "prefix of 156", MSE_TAR_FILE, X155 "x/" X100, "", 1, 3 },
    { "several places to divide", MSE_TAR_FILE, X50 "/" X50 "/" X50 "/" X10, "", 1, 1 },
    { "not ASCII", MSE_TAR_FILE, "caf\xc3\xa9", "", 1, 3 },
    { "target of 100 bytes", MSE_TAR_LINK, "l", X100, 0, 1 },
    { "target of 101 bytes", MSE_TAR_LINK, "l", X100 "x", 0, 3 },
    { "target not ASCII", MSE_TAR_LINK, "l", "caf\xc3\xa9", 0, 3 },
    { "both too long", MSE_TAR_LINK, X100 "/" X155 "/" X100, X100 "/" X100, 0, 4 },
};
/* clang-format on */

static void what_was_written_is_read_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct mse_tar_header h = header(good[i].type, good[i].path, good[i].target, good[i].size);
        struct mse_error err = { 0 };
        struct mse_writer w = { 0 };

        if (!mse_tar_header_write(&h, &w, &err))
            fail_msg("%s: %s", good[i].name, err.text);
        if (w.len != good[i].blocks * 512)
            fail_msg("%s: %zu bytes", good[i].name, w.len);
        for (int lenient = 0; lenient < 2; lenient++) {
            struct mse_tar_header again;
            bool is_directory;
            size_t used;

            if (!read_header(mse_writer_bytes(&w), lenient, &again, &used, &is_directory, &err))
                fail_msg("%s: %s", good[i].name, err.text);
            assert_int_equal(used, w.len);
            assert_false(is_directory);
            assert_int_equal(again.type, good[i].type);
            assert_string_equal(again.path, good[i].path);
            assert_string_equal(again.target, good[i].target);
            assert_int_equal(again.size, good[i].size);
        }
        mse_writer_cleanup(&w);
    }
}

static void the_longest_path_and_target_are_read_again(void **state)
{
    struct mse_tar_header h = { .type = MSE_TAR_LINK }, again;
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    bool is_directory;
    size_t used;

    (void)state;
    memset(h.path, 'p', MSE_TAR_MAX_PATH);
    memset(h.target, 't', MSE_TAR_MAX_PATH);
    assert_true(mse_tar_header_write(&h, &w, &err));
    assert_true(read_header(mse_writer_bytes(&w), false, &again, &used, &is_directory, &err));
    assert_memory_equal(&again, &h, sizeof(h));
    assert_true(w.len <= MSE_TAR_MAX_HEADER);
    mse_writer_cleanup(&w);
}

/* clang-format off */
static const struct {
    const char *name;
    enum mse_tar_type type;
    const char *path, *target;
    uint64_t size;
    enum mse_err_code want;
} not_written[] = {
    { "no path", MSE_TAR_FILE, "", "", 0, MSE_ERR_VALUE },
    { "absolute", MSE_TAR_FILE, "/a", "", 0, MSE_ERR_VALUE },
    { "goes up", MSE_TAR_FILE, "a/../b", "", 0, MSE_ERR_VALUE },
    { "goes nowhere", MSE_TAR_FILE, "a/./b", "", 0, MSE_ERR_VALUE },
    { "empty part", MSE_TAR_FILE, "a//b", "", 0, MSE_ERR_VALUE },
    { "ends with a slash", MSE_TAR_FILE, "a/", "", 0, MSE_ERR_VALUE },
    { "control character", MSE_TAR_FILE, "a\nb", "", 0, MSE_ERR_VALUE },
    { "control character of two bytes", MSE_TAR_FILE, "a\xc2\x9b", "", 0, MSE_ERR_VALUE },
    { "not UTF-8", MSE_TAR_FILE, "a\xff", "", 0, MSE_ERR_VALUE },
    { "too large", MSE_TAR_FILE, "a", "", MSE_TAR_MAX_FILE + 1, MSE_ERR_LIMIT },
    { "file with a target", MSE_TAR_FILE, "a", "b", 0, MSE_ERR_VALUE },
    { "link without a target", MSE_TAR_LINK, "a", "", 0, MSE_ERR_VALUE },
    { "link with content", MSE_TAR_LINK, "a", "b", 1, MSE_ERR_VALUE },
    { "target with a control character", MSE_TAR_LINK, "a", "b\x7f", 0, MSE_ERR_VALUE },
    { "target not UTF-8", MSE_TAR_LINK, "a", "b\xc3", 0, MSE_ERR_VALUE },
};
/* clang-format on */

static void what_is_no_entry_is_not_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(not_written) / sizeof(not_written[0]); i++) {
        struct mse_tar_header h = header(not_written[i].type, not_written[i].path,
                                         not_written[i].target, not_written[i].size);
        struct mse_error err = { 0 };
        struct mse_writer w = { 0 };

        if (mse_tar_header_write(&h, &w, &err) || err.code != not_written[i].want || w.len != 0)
            fail_msg("%s: %s", not_written[i].name, mse_err_name(err.code));
        mse_writer_cleanup(&w);
    }
}

static void padding_fills_the_last_block(void **state)
{
    (void)state;
    assert_int_equal(mse_tar_padding(0), 0);
    assert_int_equal(mse_tar_padding(1), 511);
    assert_int_equal(mse_tar_padding(511), 1);
    assert_int_equal(mse_tar_padding(512), 0);
    assert_int_equal(mse_tar_padding(513), 511);
    assert_int_equal(mse_tar_padding(MSE_TAR_MAX_FILE), 1);
}

/* ---- strict reading ---- */

static void every_prefix_asks_for_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct mse_tar_header h = header(good[i].type, good[i].path, good[i].target, good[i].size);
        struct mse_error err = { 0 };
        struct mse_writer w = { 0 };

        assert_true(mse_tar_header_write(&h, &w, &err));
        for (size_t n = 0; n < w.len; n++) {
            struct mse_tar_header again;
            bool is_directory;
            size_t used;

            err = (struct mse_error){ 0 };
            assert_false(read_header((struct mse_bytes){ w.data, n }, n % 2 == 0, &again, &used,
                                     &is_directory, &err));
            assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        }
        mse_writer_cleanup(&w);
    }
}

/* With the checksum made right again, so that it is not what refuses. Any other header that is
 * taken must be one that we write ourselves. */
static void strict_reading_takes_nothing_but_what_we_write(void **state)
{
    struct mse_tar_header h = header(MSE_TAR_LINK, "d/" X100 "/caf\xc3\xa9", "../a", 0);
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };

    (void)state;
    assert_true(mse_tar_header_write(&h, &w, &err));
    assert_int_equal(w.len, 3 * 512);
    for (size_t i = 0; i < w.len; i++) {
        struct mse_writer other = { 0 }, again = { 0 };
        struct mse_tar_header got;
        bool is_directory;
        size_t used;

        mse_write_bytes(&other, w.data, w.len);
        other.data[i] ^= 0x10;
        tar_checksum(other.data);
        tar_checksum(other.data + 1024);
        err = (struct mse_error){ 0 };
        if (read_header(mse_writer_bytes(&other), false, &got, &used, &is_directory, &err)) {
            assert_true(mse_tar_header_write(&got, &again, &err));
            assert_int_equal(again.len, used);
            assert_memory_equal(again.data, other.data, used);
        }
        mse_writer_cleanup(&other);
        mse_writer_cleanup(&again);
    }
    mse_writer_cleanup(&w);
}

static void strict_reading_refuses_other_owners_times_and_directories(void **state)
{
    static const struct tar_entry entries[] = {
        { .type = '0', .name = "a" },
        { .type = '5', .name = "d/", .mode = 0755 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_tar_header got;
        bool is_directory;
        uint8_t block[512];
        size_t used;

        tar_block(&entries[i], block);
        assert_false(read_header(MSE_BYTES(block), false, &got, &used, &is_directory, &err));
        assert_int_equal(err.code, MSE_ERR_VALUE);
    }
}

static void two_blocks_of_zeros_are_the_end(void **state)
{
    static const uint8_t zeros[MSE_TAR_END];
    uint8_t other[MSE_TAR_END] = { [700] = 1 };
    struct mse_error err = { 0 };
    struct mse_tar_header got;
    bool is_directory;
    size_t used = 1;

    (void)state;
    assert_true(read_header(MSE_BYTES(zeros), false, &got, &used, &is_directory, &err));
    assert_int_equal(used, 0);
    assert_false(
        read_header((struct mse_bytes){ zeros, 512 }, true, &got, &used, &is_directory, &err));
    assert_int_equal(err.code, MSE_ERR_TRUNCATED);
    err = (struct mse_error){ 0 };
    assert_false(read_header(MSE_BYTES(other), true, &got, &used, &is_directory, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
}

/* ---- lenient reading ---- */

#define PAX(text)                                                                                  \
    {                                                                                              \
        .type = 'x', .name = "PaxHeaders/a", .content = text                                       \
    }
#define GLOBAL(text)                                                                               \
    {                                                                                              \
        .type = 'g', .name = "pax_global_header", .content = text                                  \
    }
#define PLAIN(text)                                                                                \
    {                                                                                              \
        .type = '0', .name = text                                                                  \
    }

/* clang-format off */
static const struct {
    const char *name;
    struct tar_entry entries[3];
    enum mse_tar_type type;
    const char *path, *target;
    uint64_t size;
    bool is_directory;
} foreign[] = {
    { "owner, time and names", { PLAIN("a") }, MSE_TAR_FILE, "a", "", 0, false },
    { "the oldest type", { { .type = '\0', .name = "a" } }, MSE_TAR_FILE, "a", "", 0, false },
    { "contiguous", { { .type = '7', .name = "a" } }, MSE_TAR_FILE, "a", "", 0, false },
    { "set-uid counts for nothing", { { .type = '0', .name = "a", .mode = 04644 } }, MSE_TAR_FILE, "a", "", 0, false },
    { "execution by the owner", { { .type = '0', .name = "a", .mode = 0700 } }, MSE_TAR_EXECUTABLE, "a", "", 0, false },
    { "execution by others only", { { .type = '0', .name = "a", .mode = 0655 } }, MSE_TAR_FILE, "a", "", 0, false },
    { "begins with ./", { PLAIN("././a/b") }, MSE_TAR_FILE, "a/b", "", 0, false },
    { "directory", { { .type = '5', .name = "./d/e/" } }, MSE_TAR_FILE, "d/e", "", 0, true },
    { "the root", { { .type = '5', .name = "./" } }, MSE_TAR_FILE, "", "", 0, true },
    { "the root without a slash", { { .type = '5', .name = "." } }, MSE_TAR_FILE, "", "", 0, true },
    { "prefix", { { .type = '0', .name = "a", .prefix = "d/e" } }, MSE_TAR_FILE, "d/e/a", "", 0, false },
    { "no prefix in GNU's", { { .type = '0', .name = "a", .prefix = "1234", .is_gnu = true } }, MSE_TAR_FILE, "a", "", 0, false },
    { "GNU's long name", { { .type = 'L', .name = "././@LongLink", .content = "d/" X100, .content_len = 103, .is_gnu = true }, PLAIN("d/x") }, MSE_TAR_FILE, "d/" X100, "", 0, false },
    { "GNU's long target", { { .type = 'K', .name = "././@LongLink", .content = "d/" X100, .is_gnu = true }, { .type = '2', .name = "l", .link = "d/x" } }, MSE_TAR_LINK, "l", "d/" X100, 0, false },
    { "pax time", { PAX("27 mtime=1700000000.123456\n20 path=long/of/pax\n"), PLAIN("a") }, MSE_TAR_FILE, "long/of/pax", "", 0, false },
    { "pax size", { PAX("10 size=7\n"), PLAIN("a") }, MSE_TAR_FILE, "a", "", 7, false },
    { "pax target", { PAX("14 linkpath=b\n"), { .type = '2', .name = "l", .link = "x" } }, MSE_TAR_LINK, "l", "b", 0, false },
    { "global comment", { GLOBAL("16 comment=abcd\n"), PAX("10 path=b\n"), PLAIN("a") }, MSE_TAR_FILE, "b", "", 0, false },
    { "charset said", { PAX("38 hdrcharset=ISO-IR 10646 2000 UTF-8\n"), PLAIN("a") }, MSE_TAR_FILE, "a", "", 0, false },
};
/* clang-format on */

static void put_all(const struct tar_entry *entries, struct mse_writer *out)
{
    for (size_t i = 0; i < 3 && entries[i].name != NULL; i++)
        tar_add(out, &entries[i]);
}

static void lenient_reading_takes_what_other_programs_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_writer w = { 0 };
        struct mse_tar_header got;
        bool is_directory;
        size_t used;

        put_all(foreign[i].entries, &w);
        if (!read_header(mse_writer_bytes(&w), true, &got, &used, &is_directory, &err))
            fail_msg("%s: %s %s", foreign[i].name, err.field, err.text);
        assert_int_equal(used, w.len);
        assert_int_equal(is_directory, foreign[i].is_directory);
        assert_int_equal(got.type, foreign[i].type);
        assert_string_equal(got.path, foreign[i].path);
        assert_string_equal(got.target, foreign[i].target);
        assert_int_equal(got.size, foreign[i].size);
        mse_writer_cleanup(&w);
    }
}

/* clang-format off */
static const struct {
    const char *name;
    struct tar_entry entries[3];
    enum mse_err_code want;
} refused[] = {
    { "no name", { { .type = '0', .name = "" } }, MSE_ERR_VALUE },
    { "absolute", { PLAIN("/etc/passwd") }, MSE_ERR_VALUE },
    { "absolute behind ./", { PLAIN(".//etc/passwd") }, MSE_ERR_VALUE },
    { "goes up", { PLAIN("../a") }, MSE_ERR_VALUE },
    { "goes up behind ./", { PLAIN("./../a") }, MSE_ERR_VALUE },
    { "goes up in the middle", { PLAIN("a/../../b") }, MSE_ERR_VALUE },
    { "goes up at the end", { PLAIN("a/..") }, MSE_ERR_VALUE },
    { "the root as a file", { PLAIN(".") }, MSE_ERR_VALUE },
    { "file with a slash behind", { PLAIN("a/") }, MSE_ERR_VALUE },
    { "directory that goes up", { { .type = '5', .name = "../" } }, MSE_ERR_VALUE },
    { "absolute prefix", { { .type = '0', .name = "a", .prefix = "/etc" } }, MSE_ERR_VALUE },
    { "escape sequence", { PLAIN("a\x1b[2Jb") }, MSE_ERR_VALUE },
    { "line break", { PLAIN("a\nb") }, MSE_ERR_VALUE },
    { "not UTF-8", { PLAIN("a\xe9") }, MSE_ERR_VALUE },
    { "absolute by a pax path", { PAX("18 path=/etc/pass\n"), PLAIN("a") }, MSE_ERR_VALUE },
    { "hard link", { { .type = '1', .name = "a", .link = "b" } }, MSE_ERR_UNSUPPORTED },
    { "character device", { { .type = '3', .name = "a" } }, MSE_ERR_UNSUPPORTED },
    { "block device", { { .type = '4', .name = "a" } }, MSE_ERR_UNSUPPORTED },
    { "FIFO", { { .type = '6', .name = "a" } }, MSE_ERR_UNSUPPORTED },
    { "sparse file", { { .type = 'S', .name = "a", .is_gnu = true } }, MSE_ERR_UNSUPPORTED },
    { "volume of many", { { .type = 'M', .name = "a", .is_gnu = true } }, MSE_ERR_UNSUPPORTED },
    { "sparse file of pax", { PAX("22 GNU.sparse.major=1\n"), PLAIN("a") }, MSE_ERR_UNSUPPORTED },
    { "paths in bytes", { PAX("21 hdrcharset=BINARY\n"), PLAIN("a") }, MSE_ERR_UNSUPPORTED },
    { "global path", { GLOBAL("10 path=b\n"), PLAIN("a") }, MSE_ERR_UNSUPPORTED },
    { "global size", { GLOBAL("10 size=1\n"), PLAIN("a") }, MSE_ERR_UNSUPPORTED },
    { "link without target", { { .type = '2', .name = "a" } }, MSE_ERR_VALUE },
    { "link with content", { { .type = '2', .name = "a", .link = "b", .content = "c" } }, MSE_ERR_VALUE },
    { "directory with content", { { .type = '5', .name = "a/", .content = "c" } }, MSE_ERR_VALUE },
    { "pax size beyond the limit", { PAX("19 size=8589934592\n"), PLAIN("a") }, MSE_ERR_LIMIT },
    { "pax size that is no number", { PAX("11 size=-1\n"), PLAIN("a") }, MSE_ERR_LIMIT },
    { "pax length too short", { PAX("4 a=b\n"), PLAIN("a") }, MSE_ERR_FORMAT },
    { "pax length of nothing", { PAX("0 a=b\n"), PLAIN("a") }, MSE_ERR_VALUE },
    { "pax length too long", { PAX("7 a=b\n"), PLAIN("a") }, MSE_ERR_VALUE },
    { "pax length that wraps", { PAX("18446744073709551620 a=b\n"), PLAIN("a") }, MSE_ERR_VALUE },
    { "pax without length", { PAX(" a=b\n"), PLAIN("a") }, MSE_ERR_VALUE },
    { "pax without space", { PAX("6a=b\n"), PLAIN("a") }, MSE_ERR_FORMAT },
    { "pax without key", { PAX("5 =b\n"), PLAIN("a") }, MSE_ERR_FORMAT },
    { "pax without value", { PAX("5 ab\n"), PLAIN("a") }, MSE_ERR_FORMAT },
    { "pax path twice", { PAX("10 path=b\n10 path=b\n"), PLAIN("a") }, MSE_ERR_DUPLICATE },
    { "pax path empty", { PAX("8 path=\n"), PLAIN("a") }, MSE_ERR_VALUE },
    { "pax path with a NUL", { { .type = 'x', .name = "p", .content = "12 path=b\0c\n", .content_len = 12 }, PLAIN("a") }, MSE_ERR_VALUE },
    { "two pax headers", { PAX("6 a=b\n"), PAX("6 a=b\n"), PLAIN("a") }, MSE_ERR_DUPLICATE },
    { "pax path and long name", { PAX("10 path=b\n"), { .type = 'L', .name = "L", .content = "c", .is_gnu = true }, PLAIN("a") }, MSE_ERR_DUPLICATE },
    { "NUL in a long name", { { .type = 'L', .name = "L", .content = "b\0c", .content_len = 3 }, PLAIN("a") }, MSE_ERR_VALUE },
    { "extended header too long", { { .type = 'x', .name = "p", .size = MSE_TAR_MAX_EXTRA + 1 } }, MSE_ERR_LIMIT },
};
/* clang-format on */

static void nobody_takes_what_is_dangerous_or_unclear(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        for (int lenient = 0; lenient < 2; lenient++) {
            struct mse_error err = { 0 };
            struct mse_writer w = { 0 };
            struct mse_tar_header got;
            bool is_directory;
            size_t used;

            put_all(refused[i].entries, &w);
            if (read_header(mse_writer_bytes(&w), lenient, &got, &used, &is_directory, &err))
                fail_msg("%s: taken as %s", refused[i].name, got.path);
            if (err.code != refused[i].want)
                fail_msg("%s: %s (%s: %s)", refused[i].name, mse_err_name(err.code), err.field,
                         err.text);
            mse_writer_cleanup(&w);
        }
    }
}

static void change(struct tar_entry entry, size_t at, uint8_t value, bool repair,
                   enum mse_err_code want)
{
    struct mse_error err = { 0 };
    struct mse_tar_header got;
    bool is_directory;
    uint8_t block[512];
    size_t used;

    tar_block(&entry, block);
    block[at] = value;
    if (repair)
        tar_checksum(block);
    assert_false(read_header(MSE_BYTES(block), true, &got, &used, &is_directory, &err));
    assert_int_equal(err.code, want);
}

static void a_block_that_is_no_header_is_refused(void **state)
{
    const struct tar_entry entry = PLAIN("a");

    (void)state;
    change(entry, 0, 'b', false, MSE_ERR_VALUE);   /* checksum */
    change(entry, 148, 'x', false, MSE_ERR_VALUE); /* no number */
    change(entry, 257, 'U', true, MSE_ERR_FORMAT); /* magic */
    change(entry, 264, '1', true, MSE_ERR_FORMAT); /* version */
    change(entry, 124, 0x80, true, MSE_ERR_LIMIT); /* binary size */
    change(entry, 126, '8', true, MSE_ERR_FORMAT); /* size not octal */
    change(entry, 103, 'x', true, MSE_ERR_FORMAT); /* mode not octal */
}

static void an_extended_header_before_the_end_is_refused(void **state)
{
    const struct tar_entry pax = PAX("6 a=b\n");
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    struct mse_tar_header got;
    bool is_directory;
    size_t used;

    (void)state;
    tar_add(&w, &pax);
    tar_zeros(&w, MSE_TAR_END);
    assert_false(read_header(mse_writer_bytes(&w), true, &got, &used, &is_directory, &err));
    assert_int_equal(err.code, MSE_ERR_FORMAT);
    mse_writer_cleanup(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_the_one_that_gnu_tar_writes),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(the_longest_path_and_target_are_read_again),
        cmocka_unit_test(what_is_no_entry_is_not_written),
        cmocka_unit_test(padding_fills_the_last_block),
        cmocka_unit_test(every_prefix_asks_for_more),
        cmocka_unit_test(strict_reading_takes_nothing_but_what_we_write),
        cmocka_unit_test(strict_reading_refuses_other_owners_times_and_directories),
        cmocka_unit_test(two_blocks_of_zeros_are_the_end),
        cmocka_unit_test(lenient_reading_takes_what_other_programs_write),
        cmocka_unit_test(nobody_takes_what_is_dangerous_or_unclear),
        cmocka_unit_test(a_block_that_is_no_header_is_refused),
        cmocka_unit_test(an_extended_header_before_the_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
