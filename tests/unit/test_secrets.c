/* SPDX-License-Identifier: Apache-2.0 */
/* Files that look like secrets, and such that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "package/secrets.h"
#include "temp_tree.h"

/* What the one file of the tree looks like; "" for nothing. */
static const char *look(void)
{
    struct mse_error err = { 0 };
    struct mse_tree *tree = NULL;
    const char *what = "unset";

    assert_true(mse_tree_read(work_dir, NULL, &tree, &err));
    assert_int_equal(mse_tree_count(tree), 1);
    if (!mse_secret_look(tree, 0, &what, &err))
        fail_msg("%s: %s", err.field, err.text);
    mse_tree_free(tree);
    return what != NULL ? what : "";
}

static void names_tell(void **state)
{
    static const struct {
        const char *path;
        const char *want;
    } cases[] = {
        { ".env", "environment file" },
        { "a/.env", "environment file" },
        { ".ENV", "environment file" },
        { ".env.production", "environment file" },
        { "prod.env", "environment file" },
        { ".env.example", "" },
        { "env", "" },
        { "environment.py", "" },
        { ".environment", "" },
        { "secrets.json", "file of secrets" },
        { "config/Secrets.json", "file of secrets" },
        { "secrets_to_seal.json", "file of secrets" },
        { "secrets.py", "" },
        { "not-secrets.json", "" },
        { "secrets.json.py", "" },
        { "id_rsa", "private key" },
        { "keys/id_ed25519", "private key" },
        { "id_ed25519.pub", "" },
        { "server.key", "private key" },
        { "server.crt", "" },
        { "key.py", "" },
        { "store.p12", "private key" },
        { "home/.aws/credentials", "credentials" },
        { ".aws/credentials", "credentials" },
        { "x.aws/credentials", "" },
        { "credentials", "" },
        { ".netrc", "credentials" },
        { "main.py", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *slash;
        char path[100];

        temp_put(cases[i].path, "");
        if (strcmp(look(), cases[i].want) != 0)
            fail_msg("%s looks like \"%s\"", cases[i].path, look());
        assert_int_equal(unlink(in_work(cases[i].path)), 0);
        (void)snprintf(path, sizeof(path), "%s", cases[i].path);
        while ((slash = strrchr(path, '/')) != NULL) {
            *slash = '\0';
            assert_int_equal(rmdir(in_work(path)), 0);
        }
    }
}

#define HEX63 "123456789abcdef0123456789abcdef0123456789ABCDEF0123456789abcdef"
#define HEX64 "0" HEX63

static void contents_tell(void **state)
{
    static const struct {
        const char *content;
        const char *want;
    } cases[] = {
        { "-----BEGIN PRIVATE KEY-----\nMC4C\n", "private key" },
        { "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "private key" },
        { "-----BEGIN RSA PRIVATE KEY-----\r\n", "private key" },
        { "-----BEGIN EC PRIVATE KEY-----\n", "private key" },
        { "-----BEGIN OPENSSH PRIVATE KEY-----\n", "private key" },
        { "-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "private key" },
        { "# comment\n\n  -----BEGIN PRIVATE KEY-----\n", "private key" },
        { "{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMII", "private key" },
        { "untrusted comment: minisign encrypted secret key\nRWRT", "private key" },
        { "untrusted comment: minisign unencrypted secret key\nRWQA", "private key" },
        { "untrusted comment: minisign public key 1\n", "" },
        { "[secret]\ncode_secret_key = \"00ff\"\n", "code key" },
        { HEX64, "code key" },
        { HEX64 "\n", "code key" },
        { HEX64 "\r\n", "code key" },
        { HEX64 "\n\n", "" },
        { HEX64 "0", "" },
        { HEX64 "  app.py\n", "" },
        { "g" HEX63, "" },
        { HEX63, "" },
        { "-----BEGIN PUBLIC KEY-----\n", "" },
        { "-----BEGIN CERTIFICATE-----\n", "" },
        { "-----BEGIN PRIVATE KEY----", "" },
        { "BEGIN PRIVATE KEY\n", "" },
        { "", "" },
        { "print()\n", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        temp_put("file", cases[i].content);
        if (strcmp(look(), cases[i].want) != 0)
            fail_msg("\"%s\" looks like \"%s\"", cases[i].content, look());
    }
    temp_put(".env.example", "-----BEGIN PRIVATE KEY-----\n");
    assert_int_equal(unlink(in_work("file")), 0);
    assert_string_equal(look(), "private key");
}

static void put_at(size_t at, const char *mark, size_t size)
{
    char *content = calloc(1, size);

    assert_non_null(content);
    memset(content, ' ', size);
    memcpy(content + at, mark, strlen(mark));
    temp_put_bytes("file", content, size);
    free(content);
}

static void the_first_and_the_last_4_kib_count(void **state)
{
    static const char mark[] = "-----BEGIN PRIVATE KEY-----";
    const size_t len = sizeof(mark) - 1, large = 20000;

    (void)state;
    put_at(4096 - len, mark, large);
    assert_string_equal(look(), "private key");
    put_at(4096 - len + 1, mark, large);
    assert_string_equal(look(), "");
    put_at(large - 4096 - 1, mark, large);
    assert_string_equal(look(), "");
    put_at(large - 4096, mark, large);
    assert_string_equal(look(), "private key");
    put_at(large - len, mark, large);
    assert_string_equal(look(), "private key");
    /* Nothing between the two parts of a file that is not longer than they are. */
    put_at(4096 - 1, mark, 8192);
    assert_string_equal(look(), "private key");
}

/* The key is followed by the nonces of all files. */
static void a_context_is_read_to_its_end(void **state)
{
    static const char start[] = "version = \"3.0\"\n", key[] = "code_secret_key = \"";
    const size_t size = 100000;
    char *content = malloc(size);

    (void)state;
    assert_non_null(content);
    for (size_t at = 8100; at < 8200; at++) { /* across every boundary of a buffer too */
        memset(content, ' ', size);
        memcpy(content, start, sizeof(start) - 1);
        memcpy(content + at, key, sizeof(key) - 1);
        temp_put_bytes("file", content, size);
        assert_string_equal(look(), "code key");
    }
    memset(content, ' ', sizeof(start));
    temp_put_bytes("file", content, size);
    assert_string_equal(look(), "");
    free(content);
}

static void a_link_holds_nothing(void **state)
{
    (void)state;
    temp_link(".env", "-----BEGIN PRIVATE KEY-----");
    assert_string_equal(look(), "");
}

static void a_file_that_changed_is_an_error(void **state)
{
    struct mse_error err = { 0 };
    struct mse_tree *tree = NULL;
    const char *what = "unset";

    (void)state;
    temp_put("file", "a");
    assert_true(mse_tree_read(work_dir, NULL, &tree, &err));
    temp_put("file", "ab");
    assert_false(mse_secret_look(tree, 0, &what, &err));
    assert_null(what);
    assert_int_equal(err.code, MSE_ERR_IO);
    assert_string_equal(err.field, "file");
    err = (struct mse_error){ 0 };
    assert_false(mse_secret_look(tree, 1, &what, &err));
    assert_int_equal(err.code, MSE_ERR_USAGE);
    mse_tree_free(tree);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, work_make, work_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_tell),
        TEST(contents_tell),
        TEST(the_first_and_the_last_4_kib_count),
        TEST(a_context_is_read_to_its_end),
        TEST(a_link_holds_nothing),
        TEST(a_file_that_changed_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
