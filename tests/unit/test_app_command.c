/* SPDX-License-Identifier: Apache-2.0 */
/* What is executed for an app, and its environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "measure/app_command.h"

static const struct mse_app_places places = {
    "/home", "/tmp", "/code", "/home/secrets.json", "/home/sealed.json",
};

static void a_command_is_taken_word_for_word(void **state)
{
    struct mse_app_manifest app = { .command = { "./run", "", "a b" }, .command_count = 3 };
    struct mse_app_command command;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_app_command(&app, 80, true, &command, &err));
    assert_int_equal(command.argc, 3);
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(command.argv[i], app.command[i]);
    assert_null(command.argv[3]);
}

static void the_longest_command_fits(void **state)
{
    struct mse_app_manifest app = { .command_count = MSE_APP_MAX_ARGS };
    struct mse_app_command command;
    struct mse_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < MSE_APP_MAX_ARGS; i++)
        app.command[i] = "x";
    assert_true(mse_app_command(&app, 80, true, &command, &err));
    assert_int_equal(command.argc, MSE_APP_MAX_ARGS);
    assert_null(command.argv[MSE_APP_MAX_ARGS]);
}

static void python_is_served_on_the_port(void **state)
{
    struct mse_app_manifest app = { .python = "pkg.mod:app" };
    struct mse_app_command command;
    struct mse_error err = { 0 };

    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        assert_true(mse_app_command(&app, 65535, tls == 1, &command, &err));
        assert_int_equal(command.argc, 7);
        assert_string_equal(command.argv[0], "python3");
        assert_string_equal(command.argv[2], "-c");
        assert_string_equal(command.argv[4], tls == 1 ? "https" : "http");
        assert_string_equal(command.argv[5], "65535");
        assert_string_equal(command.argv[6], "pkg.mod:app");
        assert_null(command.argv[7]);
    }
}

static void the_program_is_the_file_in_the_source(void **state)
{
    struct mse_app_manifest app = { .python = "a:b" };
    struct mse_app_command command;
    struct mse_error err = { 0 };
    static char text[1 << 16];
    FILE *file = fopen(APP_PYTHON_FILE, "rb");
    size_t len;

    (void)state;
    assert_non_null(file);
    len = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    assert_true(len > 1000);
    assert_true(mse_app_command(&app, 80, true, &command, &err));
    assert_string_equal(command.argv[3], text);
}

/* clang-format off */
static const struct { const char *name; struct mse_app_manifest app; unsigned port; } bad[] = {
    { "no port",         { .python = "a:b" },                                  0 },
    { "port too large",  { .python = "a:b" },                                  65536 },
    { "port of a command", { .command = { "x" }, .command_count = 1 },         70000 },
    { "nothing to run",  { .python = NULL },                                   80 },
    { "too many words",  { .command_count = MSE_APP_MAX_ARGS + 1 },            80 },
};
/* clang-format on */

static void what_cannot_be_run_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct mse_app_command command;
        struct mse_error err = { 0 };

        if (mse_app_command(&bad[i].app, bad[i].port, true, &command, &err) ||
            err.code != MSE_ERR_VALUE)
            fail_msg("%s: %s", bad[i].name, mse_err_name(err.code));
        assert_int_equal(command.argc, 0);
        assert_null(command.argv[0]);
    }
}

static void the_environment_is_the_documented_one(void **state)
{
    static const char *const want[] = {
        "PORT=8080",
        "HOME=/home",
        "TMP_PATH=/tmp",
        "MODULE_PATH=/code",
        "SECRETS_PATH=/home/secrets.json",
        "SEALED_SECRETS_PATH=/home/sealed.json",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "LANG=C.UTF-8",
        "PYTHONDONTWRITEBYTECODE=1",
        "PYTHONPATH=/code",
    };
    struct mse_app_manifest python = { .python = "a:b" };
    struct mse_app_manifest other = { .command = { "x" }, .command_count = 1 };
    struct mse_app_environment environment;
    struct mse_error err = { 0 };

    (void)state;
    assert_true(mse_app_environment(&python, 8080, &places, &environment, &err));
    assert_int_equal(environment.count, 10);
    for (size_t i = 0; i < 10; i++)
        assert_string_equal(environment.envp[i], want[i]);
    assert_null(environment.envp[10]);
    mse_app_environment_cleanup(&environment);
    assert_null(environment.envp[0]);
    assert_true(mse_app_environment(&other, 8080, &places, &environment, &err));
    assert_int_equal(environment.count, 9); /* no PYTHONPATH */
    assert_null(environment.envp[9]);
    mse_app_environment_cleanup(&environment);
    assert_false(mse_app_environment(&other, 0, &places, &environment, &err));
    assert_int_equal(environment.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_taken_word_for_word),
        cmocka_unit_test(the_longest_command_fits),
        cmocka_unit_test(python_is_served_on_the_port),
        cmocka_unit_test(the_program_is_the_file_in_the_source),
        cmocka_unit_test(what_cannot_be_run_is_refused),
        cmocka_unit_test(the_environment_is_the_documented_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
