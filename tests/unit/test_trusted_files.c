/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted files: which, in which order, under which URI, whose hash; what is refused. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/encode.h"
#include "crypto/hash.h"
#include "measure/trusted_files.h"

#define HASH_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define HASH_2 "2222222222222222222222222222222222222222222222222222222222222222"
#define LOADER "loader.entrypoint = { uri = \"file:l\", sha256 = \"" HASH_1 "\" }\n"

/* ---- a source without files ---- */

struct node {
    const char *path; /* of an entry: its directory, '/', its name */
    enum mse_node_type type;
    bool is_link;
};

struct fake {
    struct mse_file_source source;
    const struct node *nodes;
    size_t count;
};

static const struct fake *fake_of(const struct mse_file_source *self)
{
    return (const struct fake *)self;
}

static bool fake_look(const struct mse_file_source *self, const char *path,
                      enum mse_node_type *type, bool *is_link, struct mse_error *err)
{
    const struct fake *f = fake_of(self);

    (void)err;
    *type = MSE_NODE_ABSENT;
    *is_link = false;
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->nodes[i].path, path) == 0) {
            *type = f->nodes[i].type;
            *is_link = f->nodes[i].is_link;
        }
    }
    return true;
}

/* A name follows the directory's path and its slash, and has no slash but at the start. */
static bool fake_list(const struct mse_file_source *self, const char *path,
                      bool (*each)(void *context, const char *name, struct mse_error *err),
                      void *context, struct mse_error *err)
{
    const struct fake *f = fake_of(self);
    size_t len = strlen(path);

    for (size_t i = f->count; i > 0; i--) {
        const char *node = f->nodes[i - 1].path;

        if (strncmp(node, path, len) != 0 || node[len] != '/')
            continue;
        if (strchr(node + len + 1, '/') == NULL && !each(context, node + len + 1, err))
            return false;
    }
    return true;
}

/* The hash of a file is that of its path. */
static bool fake_digest(const struct mse_file_source *self, const char *path,
                        uint8_t out[static 32], struct mse_error *err)
{
    enum mse_node_type type;
    bool is_link;

    (void)fake_look(self, path, &type, &is_link, err);
    if (type != MSE_NODE_FILE)
        return mse_fail_text(err, MSE_ERR_MISSING, "", "no file");
    mse_sha256(MSE_CSTR_BYTES(path), out);
    return true;
}

static struct fake fake_source(const struct node *nodes, size_t count)
{
    return (struct fake){ .source = { .look = fake_look, .list = fake_list, .digest = fake_digest },
                          .nodes = nodes,
                          .count = count };
}

/* ---- expanding ---- */

static bool expand_text(const char *text, enum mse_gramine rules,
                        const struct mse_file_source *source, struct mse_manifest *out,
                        struct mse_error *err)
{
    struct mse_error parse = { 0 };

    assert_true(mse_manifest_parse(MSE_CSTR_BYTES(text), rules, out, &parse));
    return mse_trusted_files_expand(out, source, 2, err);
}

/* The URIs, joined by spaces. */
static void expect_uris(const struct mse_manifest *manifest, const char *want)
{
    const struct mse_toml_value *list = mse_toml_member(mse_toml_member(manifest->root, "sgx"),
                                                        "trusted_files");
    struct mse_writer got = { 0 };
    char *text;

    for (size_t i = 0; i < list->count; i++) {
        const struct mse_toml_value *file = list->children[i];

        assert_int_equal(file->count, 2);
        assert_string_equal(file->children[0]->key, "uri");
        assert_string_equal(file->children[1]->key, "sha256");
        assert_int_equal(file->children[1]->text_len, 64);
        mse_write_format(&got, "%s%s", i > 0 ? " " : "", file->children[0]->text);
    }
    text = mse_writer_take_text(&got);
    assert_string_equal(text, want);
    free(text);
}

static void expect_sha256(const struct mse_manifest *manifest, size_t index, const char *want)
{
    const struct mse_toml_value *list = mse_toml_member(mse_toml_member(manifest->root, "sgx"),
                                                        "trusted_files");

    assert_string_equal(list->children[index]->children[1]->text, want);
}

/* list: the elements of the array, as TOML. */
static void expand_list(const char *list, enum mse_gramine rules,
                        const struct mse_file_source *source, struct mse_manifest *out,
                        struct mse_error *err)
{
    char text[2048];

    snprintf(text, sizeof(text), LOADER "sgx.trusted_files = [%s]\n", list);
    (void)!expand_text(text, rules, source, out, err);
}

static void expect_list(const char *list, enum mse_gramine rules,
                        const struct mse_file_source *source, const char *want)
{
    struct mse_manifest manifest = { 0 };
    struct mse_error err = { 0 };

    expand_list(list, rules, source, &manifest, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(err.code, MSE_ERR_NONE);
    expect_uris(&manifest, want);
    mse_manifest_cleanup(&manifest);
}

/* The message names what is wrong, and the manifest stays as it was. */
static void expect_refusal(const char *list, enum mse_gramine rules,
                           const struct mse_file_source *source, enum mse_err_code code,
                           const char *named)
{
    struct mse_manifest manifest = { 0 };
    struct mse_writer before = { 0 };
    struct mse_writer after = { 0 };
    struct mse_error err = { 0 };
    char line[1024];
    char text[2048];

    snprintf(text, sizeof(text), LOADER "sgx.trusted_files = [%s]\n", list);
    assert_true(mse_manifest_parse(MSE_CSTR_BYTES(text), rules, &manifest, &err));
    mse_manifest_write(&manifest, &before);
    assert_false(mse_trusted_files_expand(&manifest, source, 2, &err));
    mse_error_describe(&err, line, sizeof(line));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(line, named));
    mse_manifest_write(&manifest, &after);
    assert_true(mse_bytes_equal(mse_writer_bytes(&before), mse_writer_bytes(&after)));
    mse_writer_cleanup(&before);
    mse_writer_cleanup(&after);
    mse_manifest_cleanup(&manifest);
}

/* ---- order and kinds ---- */

static void directories_are_walked_by_component(void **state)
{
    static const struct node nodes[] = {
        { "d", MSE_NODE_DIRECTORY, false },
        { "d/a", MSE_NODE_DIRECTORY, false },
        { "d/a/x", MSE_NODE_FILE, false },
        { "d/a+b", MSE_NODE_FILE, false },
        { "d/a-b", MSE_NODE_DIRECTORY, false },
        { "d/a-b/z", MSE_NODE_FILE, false },
        { "d/a.txt", MSE_NODE_FILE, false },
        { "d/.hidden", MSE_NODE_FILE, false },
        { "d/B", MSE_NODE_FILE, false },
        { "d/10", MSE_NODE_FILE, false },
        { "d/9", MSE_NODE_FILE, false },
        { "d/void", MSE_NODE_DIRECTORY, false },
        { "d/\xc3\xa9", MSE_NODE_FILE, false },
        { "d/\xef\xbf\xae", MSE_NODE_FILE, false },
        { "d/\xf0\x90\x80\x80", MSE_NODE_FILE, false },
    };
    const struct fake f = fake_source(nodes, sizeof(nodes) / sizeof(nodes[0]));
    const char *want = "file:d/.hidden file:d/10 file:d/9 file:d/B file:d/a/x file:d/a+b "
                       "file:d/a-b/z file:d/a.txt file:d/\xc3\xa9 file:d/\xef\xbf\xae "
                       "file:d/\xf0\x90\x80\x80";

    (void)state;
    expect_list("\"file:d/\"", MSE_GRAMINE_1_9, &f.source, want);
    expect_list("\"file:d/\"", MSE_GRAMINE_1_5, &f.source, want);
}

static void what_gramine_leaves_out_is_left_out(void **state)
{
    static const struct node nodes[] = {
        { "d", MSE_NODE_DIRECTORY, true }, /* of what is listed itself, a link is followed */
        { "d/dangling", MSE_NODE_ABSENT, true },   { "d/fifo", MSE_NODE_OTHER, false },
        { "d/file", MSE_NODE_FILE, false },        { "d/link", MSE_NODE_FILE, true },
        { "d/linkdir", MSE_NODE_DIRECTORY, true }, { "d/linkdir/x", MSE_NODE_FILE, false },
        { "d/linkfifo", MSE_NODE_OTHER, true },    { "d/secret", MSE_NODE_UNREADABLE, false },
    };
    const struct fake f = fake_source(nodes, sizeof(nodes) / sizeof(nodes[0]));

    (void)state;
    expect_list("\"file:d/\"", MSE_GRAMINE_1_9, &f.source, "file:d/file file:d/link");
    expect_list("\"file:d/\"", MSE_GRAMINE_1_5, &f.source, "file:d/file file:d/link");
}

static void uris_have_the_form_that_gramine_gives_them(void **state)
{
    static const struct {
        const char *listed, *path; /* path: under which the source must be asked */
        const char *want_1_9, *want_1_5;
    } cases[] = {
        { "file:d/", "d", "file:d/x", "file:d/x" },
        { "file:./d/", "d", "file:d/x", "file:d/x" },
        { "file:././/d//./", "d", "file:d/x", "file:d/x" },
        { "file:a//d/", "a/d", "file:a/d/x", "file:a/d/x" },
        { "file:/d/", "/d", "file:/d/x", "file:/d/x" },
        { "file://d/", "//d", "file://d/x", "file://d/x" },
        { "file:///d/", "/d", "file:/d/x", "file:/d/x" },
        { "file:////d/", "/d", "file:/d/x", "file:/d/x" },
        { "file:../d/", "../d", "file:../d/x", "file:../d/x" },
        { "file:a/../d/", "a/../d", "file:a/../d/x", "file:a/../d/x" },
        { "file:.d/", ".d", "file:.d/x", "file:.d/x" },
        { "file:..d/", "..d", "file:..d/x", "file:..d/x" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char child[64], quoted[64];
        const struct node nodes[] = { { cases[i].path, MSE_NODE_DIRECTORY, false },
                                      { child, MSE_NODE_FILE, false } };
        const struct fake f = fake_source(nodes, 2);

        snprintf(child, sizeof(child), "%s/x", cases[i].path);
        snprintf(quoted, sizeof(quoted), "\"%s\"", cases[i].listed);
        expect_list(quoted, MSE_GRAMINE_1_9, &f.source, cases[i].want_1_9);
        expect_list(quoted, MSE_GRAMINE_1_5, &f.source, cases[i].want_1_5);
    }
}

static void a_single_file_keeps_its_uri_in_1_9_only(void **state)
{
    static const struct node nodes[] = {
        { "x", MSE_NODE_FILE, false },
        { "./x", MSE_NODE_FILE, false },
        { "a//x", MSE_NODE_FILE, false },
        { "a/x", MSE_NODE_FILE, false },
    };
    const struct fake f = fake_source(nodes, 4);

    (void)state;
    expect_list("\"file:./x\", \"file:x\", \"file:a//x\"", MSE_GRAMINE_1_9, &f.source,
                "file:./x file:x file:a//x");
    expect_list("\"file:./x\", \"file:x\", \"file:a//x\"", MSE_GRAMINE_1_5, &f.source,
                "file:x file:a/x");
    expect_list("\"file:x/\"", MSE_GRAMINE_1_5, &f.source, "file:x");
    expect_list("{ uri = \"file:./q/\", sha256 = \"" HASH_1 "\" }", MSE_GRAMINE_1_5, &f.source,
                "file:q");
}

static void no_files_stay_an_empty_list(void **state)
{
    const struct fake f = fake_source(NULL, 0);
    static const struct node empty[] = { { "d", MSE_NODE_DIRECTORY, false } };
    const struct fake g = fake_source(empty, 1);

    (void)state;
    expect_list("", MSE_GRAMINE_1_9, &f.source, "");
    expect_list("\"file:d/\"", MSE_GRAMINE_1_9, &g.source, "");
}

/* ---- the same URI twice ---- */

#define X_1 "{ uri = \"file:d/x\", sha256 = \"" HASH_1 "\" }"
#define X_2 "{ uri = \"file:d/x\", sha256 = \"" HASH_2 "\" }"

static void the_first_place_counts_and_a_known_hash_wins(void **state)
{
    static const struct node nodes[] = {
        { "d", MSE_NODE_DIRECTORY, false },
        { "d/x", MSE_NODE_FILE, false },
        { "d/y", MSE_NODE_FILE, false },
    };
    static const struct {
        const char *list, *want;
        enum mse_gramine rules;
        size_t at;
        const char *sha256; /* NULL: of the file */
    } cases[] = {
        { "\"file:d/y\", \"file:d/\"", "file:d/y file:d/x", MSE_GRAMINE_1_9, 1, NULL },
        { "\"file:d/\", " X_1, "file:d/x file:d/y", MSE_GRAMINE_1_9, 0, HASH_1 },
        { X_1 ", \"file:d/\"", "file:d/x file:d/y", MSE_GRAMINE_1_9, 0, HASH_1 },
        { "\"file:d/x\", " X_1, "file:d/x", MSE_GRAMINE_1_9, 0, HASH_1 },
        { X_1 ", \"file:d/x\", " X_1, "file:d/x", MSE_GRAMINE_1_9, 0, HASH_1 },
        { X_1 ", \"file:d/\"", "file:d/x file:d/y", MSE_GRAMINE_1_5, 0, HASH_1 },
        { "\"file:d/\", " X_1, "file:d/x file:d/y", MSE_GRAMINE_1_5, 0, NULL },
        { X_1 ", " X_2, "file:d/x", MSE_GRAMINE_1_5, 0, HASH_1 },
    };
    const struct fake f = fake_source(nodes, 3);
    uint8_t digest[32];
    char of_x[65];

    (void)state;
    mse_sha256(MSE_CSTR_BYTES("d/x"), digest);
    mse_hex_write(digest, 32, of_x);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_manifest manifest = { 0 };
        struct mse_error err = { 0 };

        expand_list(cases[i].list, cases[i].rules, &f.source, &manifest, &err);
        assert_int_equal(err.code, MSE_ERR_NONE);
        expect_uris(&manifest, cases[i].want);
        expect_sha256(&manifest, cases[i].at, cases[i].sha256 != NULL ? cases[i].sha256 : of_x);
        mse_manifest_cleanup(&manifest);
    }
    expect_refusal(X_1 ", " X_2, MSE_GRAMINE_1_9, &f.source, MSE_ERR_MISMATCH, "file:d/x");
}

static void a_file_with_a_hash_need_not_exist(void **state)
{
    const struct fake f = fake_source(NULL, 0);

    (void)state;
    expect_list("{ sha256 = \"" HASH_1 "\", uri = \"file:not/there\" }", MSE_GRAMINE_1_9, &f.source,
                "file:not/there");
    expect_list("\"file:d/x\", " X_1, MSE_GRAMINE_1_9, &f.source, "file:d/x");
    expect_list(X_1, MSE_GRAMINE_1_5, &f.source, "file:d/x");
    expect_refusal("\"file:d/x\", " X_1, MSE_GRAMINE_1_5, &f.source, MSE_ERR_MISSING, "file:d/x");
}

/* ---- refusals ---- */

static void entries_that_cannot_be_measured_are_refused(void **state)
{
    static const struct node nodes[] = {
        { "d", MSE_NODE_DIRECTORY, false }, { "f", MSE_NODE_FILE, false },
        { "fifo", MSE_NODE_OTHER, false },  { "no", MSE_NODE_UNREADABLE, false },
        { ".", MSE_NODE_DIRECTORY, false },
    };
    /* clang-format off */
    static const struct {
        const char *list;
        enum mse_err_code code_1_9, code_1_5;
        const char *named;
    } cases[] = {
        { "\"dev:tty\"",              MSE_ERR_UNSUPPORTED, MSE_ERR_UNSUPPORTED, "dev:tty" },
        { "\"FILE:f\"",               MSE_ERR_UNSUPPORTED, MSE_ERR_UNSUPPORTED, "FILE:f" },
        { "\"f\"",                    MSE_ERR_UNSUPPORTED, MSE_ERR_UNSUPPORTED, "sgx.trusted_files" },
        { "\"\"",                     MSE_ERR_UNSUPPORTED, MSE_ERR_UNSUPPORTED, "sgx.trusted_files" },
        { "\"file:\"",                MSE_ERR_VALUE,       MSE_ERR_VALUE,       "file:" },
        { "1",                        MSE_ERR_VALUE,       MSE_ERR_VALUE,       "line 2" },
        { "[]",                       MSE_ERR_VALUE,       MSE_ERR_VALUE,       "line 2" },
        { "{}",                       MSE_ERR_VALUE,       MSE_ERR_VALUE,       "line 2" },
        { "{ uri = 1 }",              MSE_ERR_VALUE,       MSE_ERR_VALUE,       "line 2" },
        { "{ uri = \"file:f\", sha256 = 1 }",     MSE_ERR_VALUE, MSE_ERR_VALUE, "file:f" },
        { "{ uri = \"file:f\", sha256 = \"\" }",  MSE_ERR_VALUE, MSE_ERR_VALUE, "file:f" },
        { "{ uri = \"file:f\", sha256 = \"0g\" }", MSE_ERR_VALUE, MSE_ERR_VALUE, "file:f" },
        { "{ uri = \"file:f\", mode = 1 }", MSE_ERR_UNKNOWN_KEY, MSE_ERR_NONE,  "file:f" },
        { "\"file:d\"",               MSE_ERR_VALUE,       MSE_ERR_VALUE,       "file:d" },
        { "\"file:f/\"",              MSE_ERR_VALUE,       MSE_ERR_NONE,        "file:f/" },
        { "\"file:fifo/\"",           MSE_ERR_VALUE,       MSE_ERR_MISSING,     "file:fifo" },
        { "\"file:no/\"",             MSE_ERR_IO,          MSE_ERR_MISSING,     "file:no" },
        { "\"file:absent/\"",         MSE_ERR_MISSING,     MSE_ERR_MISSING,     "file:absent/" },
        { "\"file:absent\"",          MSE_ERR_MISSING,     MSE_ERR_MISSING,     "file:absent" },
        { "\"file:fifo\"",            MSE_ERR_MISSING,     MSE_ERR_MISSING,     "file:fifo" },
        { "{ uri = \"file:d/\", sha256 = \"" HASH_1 "\" }",
                                      MSE_ERR_VALUE,       MSE_ERR_NONE,        "file:d/" },
    };
    /* clang-format on */
    const struct fake f = fake_source(nodes, sizeof(nodes) / sizeof(nodes[0]));

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_refusal(cases[i].list, MSE_GRAMINE_1_9, &f.source, cases[i].code_1_9,
                       cases[i].named);
        if (cases[i].code_1_5 != MSE_ERR_NONE)
            expect_refusal(cases[i].list, MSE_GRAMINE_1_5, &f.source, cases[i].code_1_5,
                           cases[i].named);
    }
    expect_list("{ uri = \"file:f\", mode = 1 }", MSE_GRAMINE_1_5, &f.source, "file:f");
}

static void names_that_a_manifest_cannot_hold_are_refused(void **state)
{
    static const struct node latin1[] = {
        { "d", MSE_NODE_DIRECTORY, false },
        { "d/\xe9", MSE_NODE_FILE, false },
    };
    static const struct node unused[] = {
        { "d", MSE_NODE_DIRECTORY, false },
        { "d/\xe9", MSE_NODE_OTHER, false },
    };
    static const struct node odd[] = {
        { "d", MSE_NODE_DIRECTORY, false },
        { "d/a\nb\x01\x7f\"\\", MSE_NODE_FILE, false },
    };
    const struct fake f = fake_source(latin1, 2);
    const struct fake g = fake_source(unused, 2);
    const struct fake h = fake_source(odd, 2);

    (void)state;
    expect_refusal("\"file:d/\"", MSE_GRAMINE_1_9, &f.source, MSE_ERR_VALUE, "file:d/\\xe9");
    expect_refusal("\"file:d/\"", MSE_GRAMINE_1_5, &f.source, MSE_ERR_VALUE, "file:d/\\xe9");
    expect_list("\"file:d/\"", MSE_GRAMINE_1_9, &g.source, "");
    expect_list("\"file:d/\"", MSE_GRAMINE_1_9, &h.source, "file:d/a\nb\x01\x7f\"\\");
}

static bool list_given(const struct mse_file_source *self, const char *path,
                       bool (*each)(void *context, const char *name, struct mse_error *err),
                       void *context, struct mse_error *err)
{
    (void)path;
    return each(context, fake_of(self)->nodes[1].path, err);
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
    static const char *const names[] = { "", ".", "..", "a/b", "/", "../x" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct node nodes[] = { { "d", MSE_NODE_DIRECTORY, false },
                                      { names[i], MSE_NODE_FILE, false } };
        struct fake f = fake_source(nodes, 2);

        f.source.list = list_given;
        expect_refusal("\"file:d/\"", MSE_GRAMINE_1_9, &f.source, MSE_ERR_VALUE, "file:d");
    }
}

static bool look_directory(const struct mse_file_source *self, const char *path,
                           enum mse_node_type *type, bool *is_link, struct mse_error *err)
{
    (void)self;
    (void)path;
    (void)err;
    *type = MSE_NODE_DIRECTORY;
    *is_link = false;
    return true;
}

static void directories_without_end_are_refused(void **state)
{
    static char long_name[256];
    const struct node nodes[] = { { "d", MSE_NODE_DIRECTORY, false },
                                  { long_name, MSE_NODE_DIRECTORY, false } };
    struct fake f = fake_source(nodes, 2);

    (void)state;
    f.source.list = list_given;
    f.source.look = look_directory;
    memset(long_name, 'n', 1);
    expect_refusal("\"file:d/\"", MSE_GRAMINE_1_9, &f.source, MSE_ERR_LIMIT, "256 directories");
    memset(long_name, 'n', sizeof(long_name) - 1);
    expect_refusal("\"file:d/\"", MSE_GRAMINE_1_9, &f.source, MSE_ERR_LIMIT, "16384 bytes");
}

static void a_file_that_vanishes_during_the_walk_is_an_error(void **state)
{
    static const struct node nodes[] = { { "d", MSE_NODE_DIRECTORY, false },
                                         { "d/x", MSE_NODE_ABSENT, false } };
    const struct fake f = fake_source(nodes, 2);

    (void)state;
    expect_refusal("\"file:d/\"", MSE_GRAMINE_1_9, &f.source, MSE_ERR_IO, "file:d/x");
}

/* ---- the loader, and what must be there ---- */

static bool open_loader_file(const struct mse_file_source *self, const char *path, int *fd,
                             struct mse_error *err)
{
    (void)self;
    assert_string_equal(path, "l");
    *fd = open("/dev/null", O_RDONLY);
    return *fd != -1 || mse_fail(err, MSE_ERR_IO, 0, "");
}

static void the_hash_of_the_loader_is_filled_in(void **state)
{
    static const struct node nodes[] = { { "l", MSE_NODE_FILE, false } };
    static const char text[] = "loader.entrypoint.uri = \"file:l\"\nsgx.trusted_files = []\n";
    const struct fake f = fake_source(nodes, 1);
    struct fake outside = fake_source(nodes, 1);
    struct mse_manifest manifest = { 0 };
    struct mse_writer out = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    assert_true(expand_text(text, MSE_GRAMINE_1_9, &f.source, &manifest, &err));
    mse_manifest_write(&manifest, &out);
    assert_true(mse_bytes_equal_text(
        mse_writer_bytes(&out), /* sha256sum of the one letter */
        "[loader.entrypoint]\nuri = \"file:l\"\n"
        "sha256 = \"acac86c0e609ca906f632b0e2dacccb2b77d22b0621f20ebece1a4835b93f6f0\"\n"
        "\n[sgx]\ntrusted_files = []\n"));
    mse_writer_cleanup(&out);
    mse_manifest_cleanup(&manifest);
    outside.source.digest = NULL;
    outside.source.open_loader = open_loader_file; /* a device, so it must come this far */
    assert_false(expand_text(text, MSE_GRAMINE_1_9, &outside.source, &manifest, &err));
    assert_int_equal(err.code, MSE_ERR_VALUE);
    assert_string_equal(err.field, "file:l");
    mse_manifest_cleanup(&manifest);
}

static void in_1_5_the_loader_is_left_as_it_is(void **state)
{
    static const char text[] = "sgx.trusted_files = []\nloader.entrypoint = \"file:libsysdb.so\"\n";
    const struct fake f = fake_source(NULL, 0);
    struct mse_manifest manifest = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    assert_true(expand_text(text, MSE_GRAMINE_1_5, &f.source, &manifest, &err));
    mse_manifest_cleanup(&manifest);
}

static void a_manifest_without_what_is_needed_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum mse_err_code code;
        const char *field;
    } cases[] = {
        { "", MSE_ERR_MISSING, "sgx.trusted_files" },
        { "sgx = 1", MSE_ERR_MISSING, "sgx.trusted_files" },
        { "sgx.trusted_files = 1", MSE_ERR_VALUE, "sgx.trusted_files" },
        { "sgx.trusted_files = []", MSE_ERR_MISSING, "loader.entrypoint" },
        { "sgx.trusted_files = []\nloader = 1", MSE_ERR_MISSING, "loader.entrypoint" },
        { "sgx.trusted_files = []\nloader.entrypoint = \"file:l\"", MSE_ERR_VALUE,
          "loader.entrypoint" },
        { "sgx.trusted_files = []\nloader.entrypoint = {}", MSE_ERR_MISSING,
          "loader.entrypoint.uri" },
        { "sgx.trusted_files = []\nloader.entrypoint.uri = 1", MSE_ERR_VALUE,
          "loader.entrypoint.uri" },
        { "sgx.trusted_files = []\nloader.entrypoint.uri = \"dev:l\"", MSE_ERR_UNSUPPORTED,
          "loader.entrypoint.uri" },
        { "sgx.trusted_files = []\nloader.entrypoint.uri = \"file:l\"", MSE_ERR_MISSING, "file:l" },
    };
    const struct fake f = fake_source(NULL, 0);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mse_manifest manifest = { 0 };
        struct mse_error err = { 0 };

        assert_false(expand_text(cases[i].text, MSE_GRAMINE_1_9, &f.source, &manifest, &err));
        assert_int_equal(err.code, cases[i].code);
        assert_string_equal(err.field, cases[i].field);
        mse_manifest_cleanup(&manifest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directories_are_walked_by_component),
        cmocka_unit_test(what_gramine_leaves_out_is_left_out),
        cmocka_unit_test(uris_have_the_form_that_gramine_gives_them),
        cmocka_unit_test(a_single_file_keeps_its_uri_in_1_9_only),
        cmocka_unit_test(no_files_stay_an_empty_list),
        cmocka_unit_test(the_first_place_counts_and_a_known_hash_wins),
        cmocka_unit_test(a_file_with_a_hash_need_not_exist),
        cmocka_unit_test(entries_that_cannot_be_measured_are_refused),
        cmocka_unit_test(names_that_a_manifest_cannot_hold_are_refused),
        cmocka_unit_test(names_that_lead_elsewhere_are_refused),
        cmocka_unit_test(directories_without_end_are_refused),
        cmocka_unit_test(a_file_that_vanishes_during_the_walk_is_an_error),
        cmocka_unit_test(the_hash_of_the_loader_is_filled_in),
        cmocka_unit_test(in_1_5_the_loader_is_left_as_it_is),
        cmocka_unit_test(a_manifest_without_what_is_needed_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
