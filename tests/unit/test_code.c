/* SPDX-License-Identifier: Apache-2.0 */
/* Opening of packages: what comes out, what is refused, and that a refusal leaves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <sys/mman.h>

#include "enclave/code.h"
#include "package/package.h"
#include "package/tar.h"
#include "temp_tree.h"

#define CODE "code"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct mse_code_limits wide = { 1000, 1U << 20 };
static const uint8_t key[32] = "a key for the tests, of 32 bytes";

/* ---- packages made here, with libsodium and OpenSSL ---- */

struct item {
    char type; /* as the digest names it: 'f', 'x', 'l'; 0 ends a list */
    const char *path, *content;
    char raw; /* 's': not sealed in a sealed package */
};

static size_t count_of(const struct item *items, size_t most)
{
    size_t count = 0;

    while (count < most && items[count].type != 0)
        count++;
    return count;
}

/* docs/fingerprint.md, "Tree digest", with the items in the order given. */
static void digest_of(const struct item *items, size_t count, uint8_t out[32])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    assert_int_equal(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL), 1);
    EVP_DigestUpdate(ctx, "mse-tree-v1\n", 12);
    for (size_t i = 0; i < count; i++) {
        const size_t len = strlen(items[i].path);
        const uint8_t size[4] = { (uint8_t)len, (uint8_t)(len >> 8) };
        uint8_t hash[32];

        assert_int_equal(
            EVP_Digest(items[i].content, strlen(items[i].content), hash, NULL, EVP_sha256(), NULL),
            1);
        EVP_DigestUpdate(ctx, &items[i].type, 1);
        EVP_DigestUpdate(ctx, size, 4);
        EVP_DigestUpdate(ctx, items[i].path, len);
        EVP_DigestUpdate(ctx, hash, 32);
    }
    EVP_DigestFinal_ex(ctx, out, NULL);
    EVP_MD_CTX_free(ctx);
}

static void put_zeros(struct mse_writer *out, size_t len)
{
    for (; len > 0; len--)
        mse_write_u8(out, 0);
}

static void put_sealed(struct mse_writer *out, const struct item *item)
{
    const size_t len = strlen(item->content);
    uint8_t box[4096], nonce[24];

    assert_true(len + 16 <= sizeof(box));
    randombytes_buf(nonce, sizeof(nonce));
    assert_int_equal(crypto_secretbox_easy(box, (const uint8_t *)item->content, len, nonce, key),
                     0);
    mse_write_bytes(out, nonce, sizeof(nonce));
    mse_write_bytes(out, box, len + 16);
}

static void put_item(struct mse_writer *out, const struct item *item, bool sealed)
{
    struct mse_error err = { 0 };
    struct mse_tar_header h = { 0 };

    sealed = sealed && item->type != 'l' && item->raw == 0;
    h.type = item->type == 'l'   ? MSE_TAR_LINK
             : item->type == 'x' ? MSE_TAR_EXECUTABLE
                                 : MSE_TAR_FILE;
    (void)snprintf(h.path, sizeof(h.path), "%s%s", item->path, sealed ? ".enc" : "");
    if (item->type == 'l')
        (void)snprintf(h.target, sizeof(h.target), "%s", item->content);
    else
        h.size = strlen(item->content) + (sealed ? 40 : 0);
    if (!mse_tar_header_write(&h, out, &err))
        fail_msg("%s: %s", err.field, err.text);
    if (sealed)
        put_sealed(out, item);
    else if (item->type != 'l')
        mse_write_text(out, item->content);
    put_zeros(out, mse_tar_padding(h.size));
}

static void build(const struct item *items, size_t count, bool sealed, struct mse_writer *out)
{
    for (size_t i = 0; i < count; i++)
        put_item(out, &items[i], sealed);
    put_zeros(out, MSE_TAR_END);
}

/* ---- opening ---- */

static int code_dir(void)
{
    int fd;

    (void)mkdir(in_work(CODE), 0755);
    fd = open(in_work(CODE), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd != -1);
    return fd;
}

static bool open_with(struct mse_bytes in, const uint8_t *with,
                      const struct mse_code_limits *limits, const uint8_t tree[32],
                      struct mse_error *err)
{
    int package = memfd_create("package", MFD_CLOEXEC);
    int dir = code_dir();
    bool ok;

    assert_int_equal(pwrite(package, in.data, in.len, 0), (ssize_t)in.len);
    ok = mse_code_open(package, dir, with, limits, tree, err);
    (void)close(package);
    (void)close(dir);
    return ok;
}

static void assert_empty(void)
{
    DIR *d = opendir(in_work(CODE));
    unsigned count = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        count++;
    (void)closedir(d);
    assert_int_equal(count, 2);
}

static void clear(void)
{
    struct mse_error err = { 0 };
    int dir = code_dir();

    assert_true(mse_code_clear(dir, &err));
    (void)close(dir);
    assert_empty();
}

static void assert_content(const char *name, const char *want, mode_t mode)
{
    size_t len;
    char *data = work_get(name, &len);
    struct stat st;

    assert_non_null(data);
    assert_string_equal(data, want);
    free(data);
    assert_int_equal(stat(in_work(name), &st), 0);
    assert_int_equal(st.st_mode, mode);
}

static mode_t mode_of(const char *name)
{
    struct stat st;

    assert_int_equal(lstat(in_work(name), &st), 0);
    return st.st_mode;
}

/* ---- what comes out ---- */

static const struct item good[] = {
    { 'f', "a", "text of a", 0 }, { 'x', "a.b", "#!/bin/sh\n", 0 }, /* sealed it would sort before
                                                                       a.enc */
    { 'f', "d/e/deep", "", 0 },   { 'l', "d/link", "../a", 0 },     { 'f', "d/z", "text of z", 0 },
};

static void check_good(bool sealed)
{
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    char target[16] = "";
    uint8_t tree[32];

    umask(077);
    build(good, COUNT(good), sealed, &w);
    digest_of(good, COUNT(good), tree);
    if (!open_with(mse_writer_bytes(&w), sealed ? key : NULL, &wide, tree, &err))
        fail_msg("%s: %s", err.field, err.text);
    assert_content(CODE "/a", "text of a", S_IFREG | 0644);
    assert_content(CODE "/a.b", "#!/bin/sh\n", S_IFREG | 0755);
    assert_content(CODE "/d/e/deep", "", S_IFREG | 0644);
    assert_content(CODE "/d/z", "text of z", S_IFREG | 0644);
    assert_int_equal(mode_of(CODE "/d"), S_IFDIR | 0755);
    assert_int_equal(mode_of(CODE "/d/e"), S_IFDIR | 0755);
    assert_int_equal(readlink(in_work(CODE "/d/link"), target, sizeof(target)), 4);
    assert_string_equal(target, "../a");
    mse_writer_cleanup(&w);
    clear();
}

static void a_plain_package_comes_out_as_it_was(void **state)
{
    (void)state;
    check_good(false);
}

static void a_sealed_package_comes_out_as_it_was(void **state)
{
    (void)state;
    check_good(true);
}

static void an_empty_tree_is_a_tree(void **state)
{
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    uint8_t tree[32];

    (void)state;
    build(NULL, 0, false, &w);
    digest_of(NULL, 0, tree);
    assert_true(open_with(mse_writer_bytes(&w), NULL, &wide, tree, &err));
    assert_true(open_with(mse_writer_bytes(&w), key, &wide, tree, &err));
    mse_writer_cleanup(&w);
    clear();
}

/* More than one piece, not a whole number of them, in a file and in the buffer. */
static void put_large(const char *name)
{
    const size_t len = 300001;
    uint8_t *data = malloc(len);

    assert_non_null(data);
    randombytes_buf(data, len);
    temp_put_bytes(name, data, len);
    free(data);
}

static void check_written(const uint8_t *with)
{
    struct mse_nonces nonces = { 0 };
    const struct mse_package_options options = { .key = with, .nonces = &nonces };
    struct mse_error err = { 0 };
    struct mse_tree *tree = NULL, *again = NULL;
    uint8_t digest[32];
    uint64_t size;
    int package = memfd_create("package", MFD_CLOEXEC), dir = code_dir();

    assert_true(mse_tree_read(in_work("src"), NULL, &tree, &err));
    assert_true(mse_tree_hash(tree, 1, &err) && mse_tree_digest(tree, digest, &err));
    assert_true(mse_package_write(tree, &options, package, &size, &err));
    assert_int_equal(lseek(package, 0, SEEK_SET), 0);
    if (!mse_code_open(package, dir, with, &wide, digest, &err))
        fail_msg("%s: %s", err.field, err.text);
    /* What lies there is that tree. */
    mse_tree_free(tree);
    assert_true(mse_tree_read(in_work(CODE), NULL, &again, &err));
    assert_true(mse_tree_hash(again, 1, &err));
    memset(digest, 0, sizeof(digest));
    assert_true(mse_tree_digest(again, digest, &err));
    mse_tree_free(again);
    mse_nonces_cleanup(&nonces);
    (void)close(package);
    (void)close(dir);
    clear();
}

static void what_the_package_writer_writes_is_opened(void **state)
{
    (void)state;
    umask(022);
    temp_put("src/a", "text");
    temp_put("src/a+b", "sorts between a and a/");
    temp_put("src/d/\xc3\xa4", "a name beyond ASCII");
    temp_put("src/d.enc", "looks sealed");
    put_large("src/d/large");
    temp_link("src/d/up", "../a");
    check_written(NULL);
    check_written(key);
}

/* ---- what is refused ---- */

static char long_name[300], deep[2 * 129 + 1];

/* clang-format off */
static const struct {
    const char *name;
    struct item items[4];
    bool sealed, without_key, with_key;
    uint64_t entries, bytes; /* 0: wide */
    enum mse_err_code want;
    const char *field;
} refusals[] = {
    { .name = "wrong order", .items = { { 'f', "b", "", 0 }, { 'f', "a", "", 0 } },
      .want = MSE_ERR_VALUE, .field = "a" },
    { .name = "order of the sealed names", .sealed = true,
      .items = { { 'f', "a.b", "", 0 }, { 'f', "a", "", 0 } },
      .want = MSE_ERR_VALUE, .field = "a" },
    { .name = "twice", .items = { { 'f', "a", "", 0 }, { 'f', "a", "", 0 } },
      .want = MSE_ERR_DUPLICATE, .field = "a" },
    { .name = "file and link of one name", .items = { { 'f', "a", "", 0 }, { 'l', "a", "b", 0 } },
      .want = MSE_ERR_DUPLICATE, .field = "a" },
    { .name = "link and sealed file of one name", .sealed = true,
      .items = { { 'l', "a", "b", 0 }, { 'f', "a", "", 0 } },
      .want = MSE_ERR_DUPLICATE, .field = "a" },
    { .name = "below a file", .items = { { 'f', "a", "", 0 }, { 'f', "a/b", "", 0 } },
      .want = MSE_ERR_VALUE, .field = "a/b" },
    { .name = "below a link", .items = { { 'l', "a", ".", 0 }, { 'f', "a/b", "", 0 } },
      .want = MSE_ERR_VALUE, .field = "a/b" },
    { .name = "below a link that leaves", .items = { { 'l', "a", "..", 0 }, { 'f', "a/b", "", 0 } },
      .want = MSE_ERR_VALUE, .field = "a/b" },
    { .name = "link below a link", .items = { { 'l', "a", ".", 0 }, { 'l', "a/b", "c", 0 } },
      .want = MSE_ERR_VALUE, .field = "a/b" },
    { .name = "link that leaves", .items = { { 'l', "d/a", "../../b", 0 } },
      .want = MSE_ERR_VALUE, .field = "d/a" },
    { .name = "link that leaves and comes back", .items = { { 'l', "a", "../code/b", 0 } },
      .want = MSE_ERR_VALUE, .field = "a" },
    { .name = "absolute link", .items = { { 'l', "a", "/etc/passwd", 0 } },
      .want = MSE_ERR_VALUE, .field = "a" },
    { .name = "link to a link before it", .items = { { 'l', "a", "c", 0 }, { 'l', "b", "a", 0 } },
      .want = MSE_ERR_VALUE, .field = "b" },
    { .name = "link through a link behind it",
      .items = { { 'l', "a", "b/c", 0 }, { 'l', "b", "d", 0 } },
      .want = MSE_ERR_VALUE, .field = "a" },
    { .name = "link to itself", .items = { { 'l', "a", "a", 0 } },
      .want = MSE_ERR_VALUE, .field = "a" },
    { .name = "one part too many", .items = { { 'f', deep, "", 0 } },
      .want = MSE_ERR_LIMIT, .field = NULL },
    { .name = "a part that no file system takes", .items = { { 'f', long_name, "", 0 } },
      .want = MSE_ERR_IO, .field = NULL },
    { .name = "not sealed among sealed", .sealed = true,
      .items = { { 'f', "a", "", 0 }, { 'f', "b", "text", 's' } },
      .want = MSE_ERR_VALUE, .field = "b" },
    { .name = "sealed file without a name", .sealed = true, .items = { { 'f', "d/.enc", "text", 's' } },
      .want = MSE_ERR_VALUE, .field = "d/.enc" },
    { .name = "too short for a sealed file", .sealed = true,
      .items = { { 'f', "a.enc", "123456789012345678901234567890123456789", 's' } },
      .want = MSE_ERR_VALUE, .field = "a" },
    { .name = "no sealed file at all", .sealed = true,
      .items = { { 'f', "a.enc", "1234567890123456789012345678901234567890", 's' } },
      .want = MSE_ERR_SIGNATURE, .field = "a" },
    { .name = "plain, with a key", .with_key = true, .items = { { 'f', "a", "text", 0 } },
      .want = MSE_ERR_VALUE, .field = "a" },
    { .name = "sealed, without a key", .sealed = true, .without_key = true,
      .items = { { 'f', "a", "text", 0 } }, .want = MSE_ERR_VALUE, .field = "package.tar" },
    { .name = "too many entries", .entries = 1, .items = { { 'f', "a", "", 0 }, { 'l', "b", "a", 0 } },
      .want = MSE_ERR_LIMIT, .field = "b" },
    { .name = "too many bytes", .bytes = 7, .items = { { 'f', "a", "1234", 0 }, { 'f', "b", "1234", 0 } },
      .want = MSE_ERR_LIMIT, .field = "b" },
    { .name = "too many bytes of links", .bytes = 7,
      .items = { { 'l', "a", "1234", 0 }, { 'l', "b", "1234", 0 } },
      .want = MSE_ERR_LIMIT, .field = "b" },
};
/* clang-format on */

static void make_names(void)
{
    memset(long_name, 'n', 256);
    for (size_t i = 0; i < 129; i++)
        memcpy(deep + 2 * i, i < 128 ? "d/" : "d", i < 128 ? 2 : 1);
}

static void each_refusal_says_why_and_leaves_nothing(void **state)
{
    (void)state;
    make_names();
    for (size_t i = 0; i < COUNT(refusals); i++) {
        const bool sealed = refusals[i].sealed;
        const uint8_t *with = (sealed && !refusals[i].without_key) || refusals[i].with_key ? key
                                                                                           : NULL;
        struct mse_code_limits limits = wide;
        struct mse_error err = { 0 };
        struct mse_writer w = { 0 };
        uint8_t tree[32];
        size_t count = count_of(refusals[i].items, COUNT(refusals[i].items));

        limits.entries = refusals[i].entries != 0 ? refusals[i].entries : limits.entries;
        limits.bytes = refusals[i].bytes != 0 ? refusals[i].bytes : limits.bytes;
        build(refusals[i].items, count, sealed, &w);
        digest_of(refusals[i].items, count, tree);
        if (open_with(mse_writer_bytes(&w), with, &limits, tree, &err))
            fail_msg("taken: %s", refusals[i].name);
        if (err.code != refusals[i].want ||
            (refusals[i].field != NULL && strcmp(err.field, refusals[i].field) != 0))
            fail_msg("%s: %d at %s: %s", refusals[i].name, err.code, err.field, err.text);
        mse_writer_cleanup(&w);
        assert_empty();
    }
}

static void a_wrong_key_is_noticed_at_the_first_file(void **state)
{
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    uint8_t tree[32], wrong[32];

    (void)state;
    memcpy(wrong, key, sizeof(wrong));
    wrong[31] ^= 1;
    build(good, COUNT(good), true, &w);
    digest_of(good, COUNT(good), tree);
    assert_false(open_with(mse_writer_bytes(&w), wrong, &wide, tree, &err));
    assert_int_equal(err.code, MSE_ERR_SIGNATURE);
    assert_string_equal(err.field, "a");
    assert_empty();
    mse_writer_cleanup(&w);
}

static void another_tree_is_refused(void **state)
{
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    uint8_t tree[32];

    (void)state;
    build(good, COUNT(good), true, &w);
    digest_of(good, COUNT(good) - 1, tree);
    assert_false(open_with(mse_writer_bytes(&w), key, &wide, tree, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_string_equal(err.field, "package.tar");
    assert_empty();
    mse_writer_cleanup(&w);
}

static const struct item few[] = {
    { 'x', "a", "text", 0 },
    { 'l', "b", "a", 0 },
};

static void check_each_change(bool sealed)
{
    struct mse_writer w = { 0 };
    uint8_t tree[32];

    build(few, COUNT(few), sealed, &w);
    digest_of(few, COUNT(few), tree);
    for (size_t at = 0; at < w.len; at += 3) { /* all would take long in a sanitizer build */
        struct mse_error err = { 0 };

        w.data[at] ^= 1;
        if (open_with(mse_writer_bytes(&w), sealed ? key : NULL, &wide, tree, &err))
            fail_msg("byte %zu does not matter", at);
        assert_true(err.code != MSE_ERR_NONE);
        w.data[at] ^= 1;
        assert_empty();
    }
    mse_writer_cleanup(&w);
}

static void bytes_all_over_matter(void **state)
{
    (void)state;
    check_each_change(false);
    check_each_change(true);
}

static void each_prefix_is_cut_short(void **state)
{
    struct mse_writer w = { 0 };
    uint8_t tree[32];

    (void)state;
    build(few, COUNT(few), true, &w);
    digest_of(few, COUNT(few), tree);
    for (size_t len = 0; len < w.len; len++) {
        struct mse_error err = { 0 };

        assert_false(open_with((struct mse_bytes){ w.data, len }, key, &wide, tree, &err));
        if (err.code != MSE_ERR_TRUNCATED)
            fail_msg("%zu bytes: %d at %s: %s", len, err.code, err.field, err.text);
        assert_empty();
    }
    mse_writer_cleanup(&w);
}

static void nothing_may_follow_the_end(void **state)
{
    static const uint8_t extra[][2] = { { 0 }, { 1 } };
    uint8_t tree[32];

    (void)state;
    digest_of(good, COUNT(good), tree);
    for (size_t i = 0; i < COUNT(extra); i++) {
        struct mse_error err = { 0 };
        struct mse_writer w = { 0 };

        build(good, COUNT(good), false, &w);
        mse_write_bytes(&w, extra[i], 1);
        assert_false(open_with(mse_writer_bytes(&w), NULL, &wide, tree, &err));
        assert_int_equal(err.code, MSE_ERR_TRAILING);
        assert_empty();
        mse_writer_cleanup(&w);
    }
}

/* ---- the directory ---- */

static void what_is_there_already_stays(void **state)
{
    struct mse_error err = { 0 };
    struct mse_writer w = { 0 };
    uint8_t tree[32];

    (void)state;
    build(good, COUNT(good), false, &w);
    digest_of(good, COUNT(good), tree);
    temp_put(CODE "/mine", "mine");
    assert_false(open_with(mse_writer_bytes(&w), NULL, &wide, tree, &err));
    assert_int_equal(err.code, MSE_ERR_EXISTS);
    assert_content(CODE "/mine", "mine", mode_of(CODE "/mine"));
    assert_int_equal(access(in_work(CODE "/a"), F_OK), -1);
    mse_writer_cleanup(&w);
    clear();
}

static void clearing_follows_no_link(void **state)
{
    (void)state;
    temp_put("outside/file", "stays");
    temp_put(CODE "/d/e/f", "goes");
    temp_link(CODE "/d/out", "../../outside");
    temp_link(CODE "/gone", "nowhere");
    clear();
    assert_content("outside/file", "stays", mode_of("outside/file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_plain_package_comes_out_as_it_was, work_make,
                                        work_remove),
        cmocka_unit_test_setup_teardown(a_sealed_package_comes_out_as_it_was, work_make,
                                        work_remove),
        cmocka_unit_test_setup_teardown(an_empty_tree_is_a_tree, work_make, work_remove),
        cmocka_unit_test_setup_teardown(what_the_package_writer_writes_is_opened, work_make,
                                        work_remove),
        cmocka_unit_test_setup_teardown(each_refusal_says_why_and_leaves_nothing, work_make,
                                        work_remove),
        cmocka_unit_test_setup_teardown(a_wrong_key_is_noticed_at_the_first_file, work_make,
                                        work_remove),
        cmocka_unit_test_setup_teardown(another_tree_is_refused, work_make, work_remove),
        cmocka_unit_test_setup_teardown(bytes_all_over_matter, work_make, work_remove),
        cmocka_unit_test_setup_teardown(each_prefix_is_cut_short, work_make, work_remove),
        cmocka_unit_test_setup_teardown(nothing_may_follow_the_end, work_make, work_remove),
        cmocka_unit_test_setup_teardown(what_is_there_already_stays, work_make, work_remove),
        cmocka_unit_test_setup_teardown(clearing_follows_no_link, work_make, work_remove),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
