/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime descriptions: canonical form, walks over a directory, differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/file.h"
#include "exact.h"
#include "measure/runtime.h"
#include "measure/source_root.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define FILE_OF(path, hash) "{\"path\":\"" path "\",\"sha256\":\"" hash "\"}"
#define REST ",\"format\":\"mse-runtime-v1\",\"loader\":" FILE_OF("/l", A64)
#define TAIL ",\"name\":\"n\",\"tee\":\"sim\",\"version\":\"1\"}"
#define GOOD "{\"files\":[" FILE_OF("/a", B64) "," FILE_OF("/l", A64) "]" REST TAIL

static bool parse(const char *json, struct mse_runtime *out, struct mse_error *err)
{
    struct mse_bytes in = exact_copy(MSE_CSTR_BYTES(json), strlen(json));
    bool ok;

    *err = (struct mse_error){ 0 };
    ok = mse_runtime_parse(in, out, err);
    exact_free(in);
    return ok;
}

static void a_description_has_one_form(void **state)
{
    struct mse_runtime runtime;
    struct mse_writer out = { 0 };
    struct mse_error err;
    char hex[65];

    (void)state;
    assert_true(parse(GOOD, &runtime, &err));
    assert_int_equal(runtime.count, 2);
    assert_int_equal(runtime.tee, MSE_RUNTIME_SIM);
    assert_string_equal(runtime.files[0].path, "/a");
    assert_string_equal(runtime.loader.path, "/l");
    mse_hex_write(runtime.sha256, 32, hex);
    assert_string_equal(
        hex,
        "75c09c1e20e571fdb477cc63959c36690da7e2b258cf4fc174aed0721008d3f5"); /* hashlib over the
                                                                                text above */
    assert_true(mse_runtime_write(&runtime, &out, &err));
    assert_true(mse_bytes_equal_text(mse_writer_bytes(&out), GOOD));
    mse_writer_cleanup(&out);
    mse_runtime_cleanup(&runtime);
}

/* clang-format off */
static const struct { const char *name, *json; enum mse_err_code want; } bad[] = {
    { "white space",        "{ \"files\":[]" REST TAIL,                              MSE_ERR_FORMAT },
    { "a newline behind",   GOOD "\n",                                              MSE_ERR_FORMAT },
    { "bytes behind",       GOOD "x",                                               MSE_ERR_TRAILING },
    { "files in disorder",  "{\"files\":[" FILE_OF("/l", A64) "," FILE_OF("/a", B64) "]" REST TAIL, MSE_ERR_FORMAT },
    { "a file twice",       "{\"files\":[" FILE_OF("/a", B64) "," FILE_OF("/a", B64) "]" REST TAIL, MSE_ERR_DUPLICATE },
    { "members in disorder", "{\"format\":\"mse-runtime-v1\",\"files\":[],\"loader\":" FILE_OF("/l", A64) TAIL, MSE_ERR_FORMAT },
    { "a further member",   "{\"files\":[]" REST ",\"more\":1" TAIL,                MSE_ERR_UNKNOWN_KEY },
    { "another member",     "{\"files\":[]" REST ",\"name\":\"n\",\"tee\":\"sim\",\"versiom\":\"1\"}", MSE_ERR_MISSING },
    { "a member twice",     "{\"files\":[]" REST ",\"name\":\"n\"" TAIL,            MSE_ERR_DUPLICATE },
    { "member of a file",   "{\"files\":[{\"mode\":1,\"path\":\"/a\",\"sha256\":\"" B64 "\"}]" REST TAIL, MSE_ERR_UNKNOWN_KEY },
    { "file without hash",  "{\"files\":[{\"path\":\"/a\"}]" REST TAIL,             MSE_ERR_MISSING },
    { "file is a string",   "{\"files\":[\"/a\"]" REST TAIL,                        MSE_ERR_VALUE },
    { "hash in capitals",   "{\"files\":[" FILE_OF("/a", "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB") "]" REST TAIL, MSE_ERR_FORMAT },
    { "hash too short",     "{\"files\":[" FILE_OF("/a", "bb") "]" REST TAIL,       MSE_ERR_VALUE },
    { "relative path",      "{\"files\":[" FILE_OF("a", B64) "]" REST TAIL,         MSE_ERR_VALUE },
    { "empty path",         "{\"files\":[" FILE_OF("", B64) "]" REST TAIL,          MSE_ERR_MISSING },
    { "path of the root",   "{\"files\":[" FILE_OF("/", B64) "]" REST TAIL,         MSE_ERR_VALUE },
    { "slash at the end",   "{\"files\":[" FILE_OF("/a/", B64) "]" REST TAIL,       MSE_ERR_VALUE },
    { "two slashes",        "{\"files\":[" FILE_OF("/a//b", B64) "]" REST TAIL,     MSE_ERR_VALUE },
    { "a dot",              "{\"files\":[" FILE_OF("/a/./b", B64) "]" REST TAIL,    MSE_ERR_VALUE },
    { "two dots",           "{\"files\":[" FILE_OF("/a/..", B64) "]" REST TAIL,     MSE_ERR_VALUE },
    { "control character",  "{\"files\":[" FILE_OF("/a\\n", B64) "]" REST TAIL,     MSE_ERR_VALUE },
    { "delete character",   "{\"files\":[" FILE_OF("/a\x7f", B64) "]" REST TAIL,    MSE_ERR_VALUE },
    { "needless escape",    "{\"files\":[" FILE_OF("/\\u0061", B64) "]" REST TAIL,  MSE_ERR_FORMAT },
    { "escaped slash",      "{\"files\":[" FILE_OF("\\/a", B64) "]" REST TAIL,      MSE_ERR_FORMAT },
    { "loader differs",     "{\"files\":[" FILE_OF("/l", B64) "]" REST TAIL,        MSE_ERR_MISMATCH },
    { "empty name",         "{\"files\":[]" REST ",\"name\":\"\",\"tee\":\"sim\",\"version\":\"1\"}", MSE_ERR_MISSING },
    { "unknown TEE",        "{\"files\":[]" REST ",\"name\":\"n\",\"tee\":\"SIM\",\"version\":\"1\"}", MSE_ERR_VALUE },
    { "version is a number", "{\"files\":[]" REST ",\"name\":\"n\",\"tee\":\"sim\",\"version\":1}", MSE_ERR_VALUE },
    { "another format",     "{\"files\":[],\"format\":\"mse-runtime-v2\",\"loader\":" FILE_OF("/l", A64) TAIL, MSE_ERR_UNSUPPORTED },
    { "an array",           "[]",                                                   MSE_ERR_VALUE },
    { "loader is an array", "{\"files\":[],\"format\":\"mse-runtime-v1\",\"loader\":[]" TAIL, MSE_ERR_VALUE },
};
/* clang-format on */

static void another_form_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct mse_runtime runtime;
        struct mse_error err;

        if (parse(bad[i].json, &runtime, &err) || err.code != bad[i].want)
            fail_msg("%s: %s", bad[i].name, mse_err_name(err.code));
        assert_null(runtime.files);
        assert_null(runtime.name);
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < strlen(GOOD); n++) {
        struct mse_bytes cut = exact_copy(MSE_CSTR_BYTES(GOOD), n);
        struct mse_runtime runtime;
        struct mse_error err = { 0 };

        assert_false(mse_runtime_parse(cut, &runtime, &err));
        assert_int_not_equal(err.code, MSE_ERR_NONE);
        assert_null(runtime.files);
        exact_free(cut);
    }
}

static void names_and_paths_have_limits(void **state)
{
    struct mse_runtime runtime;
    struct mse_writer out = { 0 };
    struct mse_error err;
    char name[MSE_RUNTIME_MAX_NAME + 2], path[MSE_RUNTIME_MAX_PATH + 2];

    (void)state;
    memset(name, 'n', sizeof(name));
    name[MSE_RUNTIME_MAX_NAME + 1] = '\0';
    memset(path, 'p', sizeof(path));
    path[0] = '/';
    path[MSE_RUNTIME_MAX_PATH + 1] = '\0';
    assert_true(parse(GOOD, &runtime, &err));
    free(runtime.name);
    runtime.name = strdup(name);
    assert_false(mse_runtime_write(&runtime, &out, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    runtime.name[MSE_RUNTIME_MAX_NAME] = '\0';
    err = (struct mse_error){ 0 };
    assert_true(mse_runtime_write(&runtime, &out, &err));
    assert_false(mse_runtime_check_path(path, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    path[MSE_RUNTIME_MAX_PATH] = '\0';
    err = (struct mse_error){ 0 };
    assert_true(mse_runtime_check_path(path, &err));
    assert_false(mse_runtime_check_path("/\xff", &err));
    assert_int_equal(err.code, MSE_ERR_FORMAT);
    mse_writer_cleanup(&out);
    mse_runtime_cleanup(&runtime);
}

static void the_first_file_of_a_name_is_found(void **state)
{
    struct mse_runtime runtime;
    struct mse_error err;

    (void)state;
    assert_true(parse("{\"files\":[" FILE_OF("/a/x-l", B64) "," FILE_OF("/b/l", B64) "," FILE_OF(
                          "/c/l", B64) "]" REST TAIL,
                      &runtime, &err));
    assert_string_equal(mse_runtime_find(&runtime, "l")->path, "/b/l");
    assert_null(mse_runtime_find(&runtime, "b"));
    mse_runtime_cleanup(&runtime);
}

/* ---- differences ---- */

static void note_change(void *context, char kind, const char *path)
{
    struct mse_writer *out = context;

    mse_write_format(out, "%c%s ", kind, path);
}

static void differences_come_in_order(void **state)
{
    struct mse_runtime a, b;
    struct mse_writer out = { 0 };
    struct mse_error err;

    (void)state;
    assert_true(parse("{\"files\":[" FILE_OF("/a", B64) "," FILE_OF("/c", B64) "," FILE_OF(
                          "/d", B64) "," FILE_OF("/f", A64) "]" REST TAIL,
                      &a, &err));
    assert_true(parse("{\"files\":[" FILE_OF("/b", B64) "," FILE_OF("/c", A64) "," FILE_OF(
                          "/d", B64) "," FILE_OF("/g", A64) "]" REST TAIL,
                      &b, &err));
    assert_int_equal(mse_runtime_diff(&a, &b, note_change, &out), 5);
    assert_true(mse_bytes_equal_text(mse_writer_bytes(&out), "-/a +/b ~/c -/f +/g "));
    assert_int_equal(mse_runtime_diff(&a, &a, NULL, NULL), 0);
    mse_writer_cleanup(&out);
    mse_runtime_cleanup(&a);
    mse_runtime_cleanup(&b);
}

/* ---- describing a directory ---- */

static char root[] = "/tmp/mse-test-runtime-XXXXXX";

static void put(const char *path, const char *content)
{
    struct mse_error err = { 0 };
    char full[256];

    (void)snprintf(full, sizeof(full), "%s%s", root, path);
    assert_true(mse_file_write(full, MSE_CSTR_BYTES(content), 0644, MSE_FILE_REPLACE, &err));
}

static void make_directory(const char *path)
{
    char full[256];

    (void)snprintf(full, sizeof(full), "%s%s", root, path);
    assert_int_equal(mkdir(full, 0755), 0);
}

static void make_link(const char *target, const char *path)
{
    char full[256];

    (void)snprintf(full, sizeof(full), "%s%s", root, path);
    assert_int_equal(symlink(target, full), 0);
}

/* A merged /usr with links that lead out of the root on the host, round, and nowhere. */
static int make_root(void **state)
{
    char fifo[256];

    (void)state;
    if (mkdtemp(root) == NULL)
        return -1;
    make_directory("/usr");
    make_directory("/usr/bin");
    make_directory("/usr/lib");
    make_directory("/usr/lib/empty");
    put("/usr/bin/mse-enclave", "program");
    put("/usr/bin/python3.11", "python");
    put("/usr/lib/libx.so.1.0", "library");
    put("/hosts", "inside");
    make_link("usr/lib", "/lib");
    make_link("/usr/bin/python3.11", "/usr/bin/python3"); /* absolute: inside the root */
    make_link("libx.so.1.0", "/usr/lib/libx.so.1");
    make_link("../../../../../../hosts", "/usr/lib/up");
    make_link("nowhere", "/usr/lib/dangling");
    make_link("round", "/usr/lib/round");
    (void)snprintf(fifo, sizeof(fifo), "%s/usr/lib/fifo", root);
    return mkfifo(fifo, 0644);
}

static int remove_root(void **state)
{
    char command[128];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command) == 0 ? 0 : -1;
}

static bool describe(const char *loader, const char *const *paths, size_t count,
                     struct mse_runtime *out, struct mse_error *err)
{
    struct mse_root_source source;
    bool ok;

    *err = (struct mse_error){ 0 };
    assert_true(mse_root_source_open(root, &source, err));
    ok = mse_runtime_describe(&source.source, "name", "1", MSE_RUNTIME_SIM, loader, paths, count,
                              out, err);
    mse_root_source_close(&source);
    return ok;
}

/* Hashes: hashlib over the contents that make_root wrote. */
static const struct {
    const char *path, *sha256;
} all_files[] = {
    { "/hosts", "106b086224a4d945eae25f7be3805a931a873270326dd868b0e41f71ee9fff72" },
    { "/usr/bin/mse-enclave", "1310ca2c8932dbd118668bd97442558a3e1f546b5e15c69699dfbd6024f548d8" },
    { "/usr/bin/python3", "11a4a60b518bf24989d481468076e5d5982884626aed9faeb35b8576fcd223e1" },
    { "/usr/bin/python3.11", "11a4a60b518bf24989d481468076e5d5982884626aed9faeb35b8576fcd223e1" },
    { "/usr/lib/libx.so.1", "b718f1354f7247312eca086d9a024afe5fa717ddea5adeddd6f12bcf945b2e8c" },
    { "/usr/lib/libx.so.1.0", "b718f1354f7247312eca086d9a024afe5fa717ddea5adeddd6f12bcf945b2e8c" },
    { "/usr/lib/up", "106b086224a4d945eae25f7be3805a931a873270326dd868b0e41f71ee9fff72" },
};
#define ALL (sizeof(all_files) / sizeof(all_files[0]))

static void all_that_opens_as_a_file_is_listed(void **state)
{
    struct mse_runtime runtime;
    struct mse_error err;
    char hex[65];

    (void)state;
    assert_true(describe("/usr/bin/mse-enclave", NULL, 0, &runtime, &err));
    assert_int_equal(runtime.count, ALL);
    for (size_t i = 0; i < ALL; i++) {
        assert_string_equal(runtime.files[i].path, all_files[i].path);
        mse_hex_write(runtime.files[i].sha256, 32, hex);
        assert_string_equal(hex, all_files[i].sha256);
    }
    assert_memory_equal(runtime.loader.sha256, runtime.files[1].sha256, 32);
    assert_false(mse_is_zero(runtime.sha256, 32));
    mse_runtime_cleanup(&runtime);
}

static void paths_may_overlap_and_lead_through_links(void **state)
{
    static const char *const paths[] = { "/usr/lib/", "/lib", "/usr/lib/libx.so.1" };
    static const char *const want[] = {
        "/lib/libx.so.1",     "/lib/libx.so.1.0",     "/lib/up",
        "/usr/lib/libx.so.1", "/usr/lib/libx.so.1.0", "/usr/lib/up"
    };
    struct mse_runtime runtime;
    struct mse_error err;

    (void)state;
    assert_true(describe("/hosts", paths, 3, &runtime, &err));
    assert_int_equal(runtime.count, sizeof(want) / sizeof(want[0]));
    for (size_t i = 0; i < runtime.count; i++)
        assert_string_equal(runtime.files[i].path, want[i]);
    mse_runtime_cleanup(&runtime);
}

/* clang-format off */
static const struct { const char *name, *loader, *path; enum mse_err_code want; } bad_walks[] = {
    { "no loader",         "/nothing",   "/usr",              MSE_ERR_MISSING },
    { "loader: directory", "/usr",       "/usr",              MSE_ERR_MISSING },
    { "loader: relative",  "hosts",      "/usr",              MSE_ERR_VALUE },
    { "path not there",    "/hosts",     "/nothing",          MSE_ERR_MISSING },
    { "path: FIFO",        "/hosts",     "/usr/lib/fifo",     MSE_ERR_MISSING },
    { "path: dangling",    "/hosts",     "/usr/lib/dangling", MSE_ERR_MISSING },
    { "path: relative",    "/hosts",     "usr",               MSE_ERR_VALUE },
    { "path: empty",       "/hosts",     "",                  MSE_ERR_VALUE },
    { "path: two dots",    "/hosts",     "/usr/../usr",       MSE_ERR_VALUE },
    { "nothing in it",     "/hosts",     "/usr/lib/empty",    MSE_ERR_MISSING },
};
/* clang-format on */

static void a_walk_that_finds_nothing_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_walks) / sizeof(bad_walks[0]); i++) {
        struct mse_runtime runtime;
        struct mse_error err;

        if (describe(bad_walks[i].loader, &bad_walks[i].path, 1, &runtime, &err) ||
            err.code != bad_walks[i].want)
            fail_msg("%s: %s", bad_walks[i].name, mse_err_name(err.code));
        assert_null(runtime.files);
    }
}

static void a_name_that_cannot_be_listed_is_refused(void **state)
{
    static const char *const names[] = { "/a\nb", "/\xff" };
    static const enum mse_err_code want[] = { MSE_ERR_VALUE, MSE_ERR_FORMAT };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct mse_runtime runtime;
        struct mse_error err;
        char full[256];

        put(names[i], "x");
        assert_false(describe("/hosts", NULL, 0, &runtime, &err));
        assert_int_equal(err.code, want[i]);
        assert_non_null(strstr(err.field, names[i]));
        (void)snprintf(full, sizeof(full), "%s%s", root, names[i]);
        assert_int_equal(unlink(full), 0);
    }
}

static void a_root_must_be_a_directory(void **state)
{
    struct mse_root_source source;
    struct mse_error err = { 0 };
    char file[256];

    (void)state;
    (void)snprintf(file, sizeof(file), "%s/hosts", root);
    assert_false(mse_root_source_open(file, &source, &err));
    assert_int_equal(err.code, MSE_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_description_has_one_form),
        cmocka_unit_test(another_form_is_refused),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(names_and_paths_have_limits),
        cmocka_unit_test(the_first_file_of_a_name_is_found),
        cmocka_unit_test(differences_come_in_order),
        cmocka_unit_test(all_that_opens_as_a_file_is_listed),
        cmocka_unit_test(paths_may_overlap_and_lead_through_links),
        cmocka_unit_test(a_walk_that_finds_nothing_is_refused),
        cmocka_unit_test(a_name_that_cannot_be_listed_is_refused),
        cmocka_unit_test(a_root_must_be_a_directory),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
