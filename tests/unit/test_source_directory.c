/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted files of real directories: links, FIFOs, what may not be read or vanishes, a chroot. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "measure/trusted_files.h"

#define NOBODY 65534
/* sha256sum of "1" and of "2" */
#define SHA_1 "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
#define SHA_2 "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35"

static char root[] = "/tmp/mse-test-source-XXXXXX";

/* ---- trees ---- */

/* The last four stay valid. */
static const char *in_root(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    return path;
}

static void add_dir(const char *name)
{
    assert_int_equal(mkdir(in_root(name), 0755), 0);
}

static void add_file(const char *name, const char *content)
{
    FILE *out = fopen(in_root(name), "wb");

    assert_non_null(out);
    assert_int_not_equal(fputs(content, out), EOF);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(in_root(name), 0644), 0);
}

static void add_link(const char *name, const char *target)
{
    assert_int_equal(symlink(target, in_root(name)), 0);
}

static int make_root(void **state)
{
    (void)state;
    memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
    return mkdtemp(root) == NULL || chmod(root, 0755) != 0 ? -1 : 0;
}

static int remove_root(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "chmod -R u+rwX %s && rm -r %s", root, root);
    return system(command);
}

/* ---- expanding ---- */

/* "URI HASH\n" for each; only the first two digits of a hash. */
static char *uris_of(const struct mse_manifest *manifest)
{
    const struct mse_toml_value *list = mse_toml_member(mse_toml_member(manifest->root, "sgx"),
                                                        "trusted_files");
    struct mse_writer out = { 0 };

    for (size_t i = 0; i < list->count; i++)
        mse_write_format(&out, "%s%s %.2s", i > 0 ? ", " : "", list->children[i]->children[0]->text,
                         list->children[i]->children[1]->text);
    return mse_writer_take_text(&out);
}

static bool expand(const struct mse_file_source *source, const char *list, enum mse_gramine rules,
                   struct mse_manifest *manifest, struct mse_error *err)
{
    char text[2048];

    snprintf(text, sizeof(text),
             "loader.entrypoint = { uri = \"file:l\", sha256 = \"%s\" }\n"
             "sgx.trusted_files = [%s]\n",
             SHA_1, list);
    assert_true(mse_manifest_parse(MSE_CSTR_BYTES(text), rules, manifest, err));
    return mse_trusted_files_expand(manifest, source, 0, err);
}

static void expect_from(const struct mse_file_source *source, const char *list,
                        enum mse_gramine rules, const char *want)
{
    struct mse_manifest manifest = { 0 };
    struct mse_error err = { 0 };
    char *got;

    (void)expand(source, list, rules, &manifest, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(err.code, MSE_ERR_NONE);
    got = uris_of(&manifest);
    assert_string_equal(got, want);
    free(got);
    mse_manifest_cleanup(&manifest);
}

static void refuse_from(const struct mse_file_source *source, const char *list,
                        enum mse_err_code code, const char *field)
{
    struct mse_manifest manifest = { 0 };
    struct mse_error err = { 0 };

    assert_false(expand(source, list, MSE_GRAMINE_1_9, &manifest, &err));
    assert_int_equal(err.code, code);
    assert_string_equal(err.field, field);
    mse_manifest_cleanup(&manifest);
}

static void open_source(const char *chroot, struct mse_directory_source *source)
{
    struct mse_error err = { 0 };

    assert_true(mse_directory_source_open(root, chroot, source, &err));
}

static void expect(const char *list, const char *want)
{
    struct mse_directory_source source;

    open_source(NULL, &source);
    expect_from(&source.source, list, MSE_GRAMINE_1_9, want);
    expect_from(&source.source, list, MSE_GRAMINE_1_5, want);
    mse_directory_source_close(&source);
}

static void refuse(const char *list, enum mse_err_code code, const char *field)
{
    struct mse_directory_source source;

    open_source(NULL, &source);
    refuse_from(&source.source, list, code, field);
    mse_directory_source_close(&source);
}

/* ---- a directory ---- */

static void links_are_followed_to_files_but_not_into_directories(void **state)
{
    char list[128], want[256];

    (void)state;
    add_dir("d");
    add_dir("d/sub");
    add_file("d/sub/file", "1");
    add_file("d/.hidden", "2");
    add_link("d/absolute", in_root("d/.hidden"));
    add_link("d/chain", "link");
    add_link("d/dangling", "nowhere");
    add_link("d/into-file", "link/x");
    add_link("d/link", "sub/file");
    add_link("d/linkdir", "sub");
    add_link("d/loop1", "loop2");
    add_link("d/loop2", "loop1");
    add_link("d/self", "self");
    add_link("d/up", ".");
    add_link("e", "d");
    assert_int_equal(mkfifo(in_root("d/fifo"), 0644), 0);
    add_link("d/linkfifo", "fifo");
    add_link("d/linkdevice", "/dev/null");
    expect("\"file:d/\"", "file:d/.hidden d4, file:d/absolute d4, file:d/chain 6b, "
                          "file:d/link 6b, file:d/sub/file 6b");
    expect("\"file:e/\"", "file:e/.hidden d4, file:e/absolute d4, file:e/chain 6b, "
                          "file:e/link 6b, file:e/sub/file 6b");
    expect("\"file:d/linkdir/\", \"file:d/link\"", "file:d/linkdir/file 6b, file:d/link 6b");
    snprintf(list, sizeof(list), "\"file:%s/\"", in_root("d/sub"));
    snprintf(want, sizeof(want), "file:%s/file 6b", in_root("d/sub"));
    expect(list, want);
    refuse("\"file:d/fifo\"", MSE_ERR_VALUE, "file:d/fifo");
    refuse("\"file:d/linkdevice\"", MSE_ERR_VALUE, "file:d/linkdevice");
    refuse("\"file:d/self\"", MSE_ERR_IO, "file:d/self");
    refuse("\"file:d/dangling\"", MSE_ERR_MISSING, "file:d/dangling");
    refuse("\"file:d/sub/file/x\"", MSE_ERR_IO, "file:d/sub/file/x");
}

static void the_directory_itself_can_be_measured(void **state)
{
    (void)state;
    add_file("one", "1");
    add_dir("sub");
    add_file("sub/two", "2");
    expect("\"file:./\"", "file:one 6b, file:sub/two d4");
    expect("\"file:sub/../\"", "file:sub/../one 6b, file:sub/../sub/two d4");
}

static void a_name_that_is_not_utf8_is_refused_with_its_path(void **state)
{
    (void)state;
    add_dir("d");
    add_file("d/caf\xe9", "1");
    refuse("\"file:d/\"", MSE_ERR_VALUE, "file:d/caf\xe9");
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    add_file("there", "1");
    refuse("\"file:there\", \"file:not/there\"", MSE_ERR_MISSING, "file:not/there");
    refuse("\"file:not/\"", MSE_ERR_MISSING, "file:not/");
    refuse("\"file:there\", \"file:b\", \"file:a\"", MSE_ERR_MISSING, "file:b");
}

/* ---- what may not be read ---- */

static void what_may_not_be_read_is_left_out_of_a_directory(void **state)
{
    bool is_root = geteuid() == 0;

    (void)state;
    add_dir("d");
    add_file("d/open", "1");
    add_file("d/secret", "2");
    add_dir("d/closed");
    add_file("d/closed/file", "1");
    add_link("d/to-secret", "secret");
    assert_int_equal(chmod(in_root("d/secret"), 0), 0);
    assert_int_equal(chmod(in_root("d/closed"), 0), 0);
    if (is_root)
        assert_int_equal(seteuid(NOBODY), 0);
    expect("\"file:d/\"", "file:d/open 6b");
    refuse("\"file:d/secret\"", MSE_ERR_IO, "file:d/secret");
    refuse("\"file:d/\", \"file:d/secret\"", MSE_ERR_IO, "file:d/secret");
    refuse("\"file:d/closed/\"", MSE_ERR_IO, "file:d/closed/");
    /* Left out of the directory, so that its place is where it is listed. */
    expect("\"file:d/\", { uri = \"file:d/secret\", sha256 = \"" SHA_2 "\" }",
           "file:d/open 6b, file:d/secret d4");
    expect("{ uri = \"file:d/secret\", sha256 = \"" SHA_2 "\" }, \"file:d/\"",
           "file:d/secret d4, file:d/open 6b");
    if (is_root)
        assert_int_equal(seteuid(0), 0);
}

static void a_listed_file_after_its_directory_keeps_the_first_place(void **state)
{
    (void)state;
    add_dir("d");
    add_file("d/a", "1");
    add_file("d/b", "1");
    expect("\"file:d/\", \"file:d/a\"", "file:d/a 6b, file:d/b 6b");
}

/* ---- what changes meanwhile ---- */

/* Takes the file away after the walk and before it is opened. */
static bool open_vanished(const struct mse_file_source *self, const char *path, int *fd,
                          struct mse_error *err)
{
    const struct mse_directory_source *d = (const struct mse_directory_source *)self;
    struct mse_directory_source plain;
    struct mse_error ignored = { 0 };

    if (strcmp(path, "d/vanishes") == 0)
        assert_int_equal(unlinkat(d->root_fd, path, 0), 0);
    if (strcmp(path, "d/replaced") == 0) {
        assert_int_equal(unlinkat(d->root_fd, path, 0), 0);
        assert_int_equal(mkfifoat(d->root_fd, path, 0644), 0);
    }
    assert_true(mse_directory_source_open(root, NULL, &plain, &ignored));
    (void)!plain.source.open(&plain.source, path, fd, err);
    mse_directory_source_close(&plain);
    return *fd != -1;
}

static void a_file_that_vanishes_or_is_replaced_is_named(void **state)
{
    struct mse_directory_source source;

    (void)state;
    add_dir("d");
    add_file("d/stays", "1");
    add_file("d/vanishes", "1");
    open_source(NULL, &source);
    source.source.open = open_vanished;
    refuse_from(&source.source, "\"file:d/\"", MSE_ERR_MISSING, "file:d/vanishes");
    add_file("d/replaced", "1");
    refuse_from(&source.source, "\"file:d/\"", MSE_ERR_VALUE, "file:d/replaced");
    mse_directory_source_close(&source);
}

/* ---- a chroot ---- */

static void make_chroot(struct mse_directory_source *source)
{
    add_file("l", "2");
    add_dir("r");
    add_dir("r/usr");
    add_dir("r/usr/lib");
    add_dir("r/etc");
    add_file("r/usr/lib/a", "1");
    add_file("r/etc/only-inside", "2");
    add_link("r/lib", "usr/lib");
    add_link("r/out", "../../../usr/lib"); /* stays below the new root */
    add_link("r/abs", "/lib");
    add_link("r/usr/file", "/etc/only-inside");
    add_link("r/round", "round2");
    add_link("r/round2", "/round");
    open_source(in_root("r"), source);
}

static void links_of_a_chroot_lead_into_it(void **state)
{
    struct mse_directory_source source;

    (void)state;
    make_chroot(&source);
    expect_from(&source.source, "\"file:/lib/\"", MSE_GRAMINE_1_9, "file:/usr/lib/a 6b");
    expect_from(&source.source, "\"file:/out/\"", MSE_GRAMINE_1_9, "file:/usr/lib/a 6b");
    expect_from(&source.source, "\"file:/abs//./\"", MSE_GRAMINE_1_9, "file:/usr/lib/a 6b");
    expect_from(&source.source, "\"file:/etc/../../lib/\"", MSE_GRAMINE_1_9, "file:/usr/lib/a 6b");
    expect_from(&source.source, "\"file:/lib/\", \"file:/usr//lib/\", \"file:/usr/lib/a\"",
                MSE_GRAMINE_1_9, "file:/usr/lib/a 6b");
    expect_from(&source.source, "\"file:/lib/a\", \"file:/usr/file\"", MSE_GRAMINE_1_9,
                "file:/lib/a 6b, file:/usr/file d4");
    expect_from(&source.source, "{ uri = \"file:/no\", sha256 = \"" SHA_1 "\" }", MSE_GRAMINE_1_9,
                "file:/no 6b");
    refuse_from(&source.source, "\"file:/abs\"", MSE_ERR_VALUE, "file:/abs");
    refuse_from(&source.source, "\"file:/round\"", MSE_ERR_IO, "file:/round");
    refuse_from(&source.source, "\"file:/lib/b\"", MSE_ERR_MISSING, "file:/lib/b");
    refuse_from(&source.source, "\"file:/no/b\"", MSE_ERR_MISSING, "file:/no/b");
    refuse_from(&source.source, "\"file:/lib/a/b\"", MSE_ERR_IO, "file:/lib/a/b");
    refuse_from(&source.source, "\"file:/lib/a/../a\"", MSE_ERR_IO, "file:/lib/a/../a");
    refuse_from(&source.source, "\"file:lib/a\"", MSE_ERR_VALUE, "file:lib/a");
    refuse_from(&source.source, "\"file:lib/\"", MSE_ERR_VALUE, "file:lib/");
    refuse_from(&source.source, "\"file://lib/a\"", MSE_ERR_VALUE, "file://lib/a");
    mse_directory_source_close(&source);
}

/* The surprise of 1.9: the host's kernel says what a link in a directory is. */
static void links_in_a_directory_of_a_chroot_are_tested_on_the_host(void **state)
{
    struct mse_directory_source source;
    char inside[512];

    (void)state;
    make_chroot(&source);
    add_link("r/usr/lib/b", "../../etc/only-inside");
    add_link("r/usr/lib/c", "/etc/only-inside"); /* no such file on the host: left out */
    expect_from(&source.source, "\"file:/lib/\"", MSE_GRAMINE_1_9,
                "file:/usr/lib/a 6b, file:/usr/lib/b d4");
    add_link("r/usr/lib/d", in_root("l")); /* a file of the host, but not within the chroot */
    refuse_from(&source.source, "\"file:/lib/\"", MSE_ERR_MISSING, "file:/usr/lib/d");
    /* With one there too, that is what is measured. */
    snprintf(inside, sizeof(inside), "mkdir -p %s/r%s && printf 1 > %s/r%s/l", root, root, root,
             root);
    assert_int_equal(system(inside), 0);
    expect_from(&source.source, "\"file:/lib/\"", MSE_GRAMINE_1_9,
                "file:/usr/lib/a 6b, file:/usr/lib/b d4, file:/usr/lib/d 6b");
    mse_directory_source_close(&source);
}

static void the_loader_is_read_outside_of_the_chroot(void **state)
{
    static const char text[] = "loader.entrypoint.uri = \"file:l\"\nsgx.trusted_files = []\n";
    struct mse_directory_source source;
    struct mse_manifest manifest = { 0 };
    struct mse_error err = { 0 };
    const struct mse_toml_value *entrypoint;

    (void)state;
    make_chroot(&source);
    assert_true(mse_manifest_parse(MSE_CSTR_BYTES(text), MSE_GRAMINE_1_9, &manifest, &err));
    assert_true(mse_trusted_files_expand(&manifest, &source.source, 0, &err));
    entrypoint = mse_toml_member(mse_toml_member(manifest.root, "loader"), "entrypoint");
    assert_string_equal(mse_toml_member(entrypoint, "sha256")->text, SHA_2);
    mse_manifest_cleanup(&manifest);
    mse_directory_source_close(&source);
}

static void gramine_1_5_has_no_chroot(void **state)
{
    struct mse_directory_source source;
    struct mse_manifest manifest = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    make_chroot(&source);
    assert_false(expand(&source.source, "", MSE_GRAMINE_1_5, &manifest, &err));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    mse_manifest_cleanup(&manifest);
    mse_directory_source_close(&source);
}

/* ---- the source ---- */

static void a_root_that_is_no_directory_is_refused(void **state)
{
    struct mse_directory_source source = { 0 };
    struct mse_error err = { 0 };

    (void)state;
    mse_directory_source_close(&source); /* never opened: no descriptor 0 is closed */
    assert_int_not_equal(fcntl(0, F_GETFD), -1);
    add_file("f", "1");
    assert_false(mse_directory_source_open(in_root("no"), NULL, &source, &err));
    assert_int_equal(err.code, MSE_ERR_MISSING);
    assert_string_equal(err.field, in_root("no"));
    err = (struct mse_error){ 0 };
    assert_false(mse_directory_source_open(root, in_root("f"), &source, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
    mse_directory_source_close(&source);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TREE(links_are_followed_to_files_but_not_into_directories),
        IN_TREE(the_directory_itself_can_be_measured),
        IN_TREE(a_name_that_is_not_utf8_is_refused_with_its_path),
        IN_TREE(what_is_missing_is_named),
        IN_TREE(what_may_not_be_read_is_left_out_of_a_directory),
        IN_TREE(a_listed_file_after_its_directory_keeps_the_first_place),
        IN_TREE(a_file_that_vanishes_or_is_replaced_is_named),
        IN_TREE(links_of_a_chroot_lead_into_it),
        IN_TREE(links_in_a_directory_of_a_chroot_are_tested_on_the_host),
        IN_TREE(the_loader_is_read_outside_of_the_chroot),
        IN_TREE(gramine_1_5_has_no_chroot),
        IN_TREE(a_root_that_is_no_directory_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
