/* SPDX-License-Identifier: Apache-2.0 */
/* Manifest templates; expected texts are what Jinja makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exact.h"
#include "measure/manifest.h"

static const char *get(const void *context, const char *name)
{
    const char *const *pairs = context;

    for (; *pairs != NULL; pairs += 2) {
        if (strcmp(pairs[0], name) == 0)
            return pairs[1];
    }
    return NULL;
}

static const char *const process[] = { "HOME", "/root", "EMPTY", "", "keys", "x", NULL };
static const struct mse_template_variable variables[] = {
    { "log_level", "error" }, { "twice", "first" },    { "empty", "" },
    { "twice", "last" },      { "tricky", "{{ x }}" }, { "python", "text" },
};
static const struct mse_template_environment environment = {
    .variables = variables,
    .variable_count = sizeof(variables) / sizeof(variables[0]),
    .libos = "/g/libsysdb.so",
    .pkglibdir = "/g",
    .runtimedir = "/g/runtime/glibc",
    .env = get,
    .env_context = process,
};

static bool render(const struct mse_template_environment *with, struct mse_bytes in, char **out,
                   struct mse_error *err)
{
    struct mse_bytes copy = exact_copy(in, in.len);
    struct mse_writer w = { 0 };
    bool ok;

    *err = (struct mse_error){ 0 };
    mse_write_text(&w, "before ");
    ok = mse_template_render(copy, with, &w, err);
    exact_free(copy);
    if (!ok)
        assert_int_equal(w.len, strlen("before ")); /* nothing was added */
    *out = mse_writer_take_text(&w);
    assert_non_null(*out);
    return ok;
}

/* clang-format off */
static const struct { const char *in; const char *want; } rendered[] = {
    { "", "" },
    { "a = 1\n", "a = 1\n" },
    { "no end", "no end" },
    { "{{ log_level }}", "error" },
    { "{{log_level}}", "error" },
    { "{{\n\tlog_level\r\n}}", "error" },
    { "a{{ log_level }}b{{ empty }}c\n", "aerrorbc\n" },
    { "{{ twice }}", "last" },
    { "{{ tricky }}", "{{ x }}" },
    { "{{ gramine.libos }} {{ gramine . pkglibdir }}", "/g/libsysdb.so /g" },
    { "{{ gramine.runtimedir() }}{{ gramine.runtimedir( ) }}",
      "/g/runtime/glibc/g/runtime/glibc" },
    { "{{ env.HOME }} {{ env['HOME'] }} {{ env[ \"HOME\" ] }}", "/root /root /root" },
    { "{{ env.get('HOME', '/x') }}", "/root" },
    { "{{ env.get(\"NONE\", '/usr/local') }}", "/usr/local" },
    { "{{ env.get('NONE', '') }}|{{ env.get('EMPTY', 'x') }}", "|" },
    { "{{ env.get('HOME') }} {{ env.get( 'NONE' , 'it\"s' ) }}", "/root it\"s" },
    { "{{ env['keys'] }}", "x" },
    { "a{# comment {{ x }} {% y %} \n #}b{##}c", "abc" },
    { "a{# one #} # two #}", "a # two #}" },
    { "a\r\nb\rc\n\rd\r", "a\nb\nc\n\nd\n" },
    { "a = { b = { c = 1 }}\n", "a = { b = { c = 1 }}\n" },
    { "{ { }} %} #} }{", "{ { }} %} #} }{" },
    { "{{ log_level }}}", "error}" },
    { "\xc3\xa9{{ log_level }}\xf0\x9f\x98\x80", "\xc3\xa9" "error\xf0\x9f\x98\x80" },
};
static const struct { const char *in; enum mse_err_code code; const char *place; } refused[] = {
    { "a\n {{ missing }}", MSE_ERR_MISSING, "line 2, column 5:" },
    { "{{ env.NONE }}", MSE_ERR_MISSING, "line 1, column 4:" },
    { "{{ env['NONE'] }}", MSE_ERR_MISSING, "line 1, column 4:" },
    { "{{ env.get('NONE') }}", MSE_ERR_MISSING, "line 1, column 4:" },
    { "\r\n\r{% if x %}", MSE_ERR_UNSUPPORTED, "line 3, column 1:" },
    { "\xc3\xa9{% raw %}", MSE_ERR_UNSUPPORTED, "line 1, column 2:" },
    { "{{ x", MSE_ERR_UNSUPPORTED, "line 1, column 5:" },
    { "{{", MSE_ERR_UNSUPPORTED, "line 1, column 3:" },
    { "{{ }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ log_level }", MSE_ERR_UNSUPPORTED, "line 1, column 14:" },
    { "{{ log_level | upper }}", MSE_ERR_UNSUPPORTED, "line 1, column 14:" },
    { "{{ log_level + 'x' }}", MSE_ERR_UNSUPPORTED, "line 1, column 14:" },
    { "{{ 'text' }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ 1 }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ true }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ None }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{- log_level }}", MSE_ERR_UNSUPPORTED, "line 1, column 3:" },
    { "{{+ log_level }}", MSE_ERR_UNSUPPORTED, "line 1, column 3:" },
    { "{{ log_level -}}", MSE_ERR_UNSUPPORTED, "line 1, column 14:" },
    { "{#- x #}", MSE_ERR_UNSUPPORTED, "line 1, column 3:" },
    { "{# x -#}", MSE_ERR_UNSUPPORTED, "line 1, column 6:" },
    { "{#+#}", MSE_ERR_UNSUPPORTED, "line 1, column 3:" },
    { "a {# x", MSE_ERR_FORMAT, "line 1, column 3:" },
    { "{#}", MSE_ERR_FORMAT, "line 1, column 1:" },
    { "{{ gramine.libos() }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ gramine.runtimedir }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ gramine.runtimedir('musl') }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ gramine.other }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ gramine }}", MSE_ERR_MISSING, "line 1, column 4:" },
    { "{{ gramine['libos'] }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ python.stdlib }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" }, /* python is a variable */
    { "{{ log_level.x }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ env.keys }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ env._x }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ env.pop('HOME') }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ env.get() }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
    { "{{ env.get('A', 'B', 'C') }}", MSE_ERR_UNSUPPORTED, "line 1, column 21:" },
    { "{{ env.get('A' 'B') }}", MSE_ERR_UNSUPPORTED, "line 1, column 16:" },
    { "{{ env.get(HOME) }}", MSE_ERR_UNSUPPORTED, "line 1, column 12:" },
    { "{{ env.get('a\\n', '') }}", MSE_ERR_UNSUPPORTED, "line 1, column 14:" },
    { "{{ env.get('a\n', '') }}", MSE_ERR_UNSUPPORTED, "line 1, column 14:" },
    { "{{ env.get('a", MSE_ERR_UNSUPPORTED, "line 1, column 14:" },
    { "{{ env['HOME' }}", MSE_ERR_UNSUPPORTED, "line 1, column 15:" },
    { "{{ ldd('/bin/sh') }}", MSE_ERR_UNSUPPORTED, "line 1, column 7:" },
    { "{{ a.b.c }}", MSE_ERR_UNSUPPORTED, "line 1, column 7:" },
    { "{{ \xc3\xa9 }}", MSE_ERR_UNSUPPORTED, "line 1, column 4:" },
};
/* clang-format on */

static void known_forms_are_replaced(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rendered) / sizeof(rendered[0]); i++) {
        struct mse_error err;
        char *out;

        if (!render(&environment, MSE_CSTR_BYTES(rendered[i].in), &out, &err))
            fail_msg("%s: %s", rendered[i].in, err.text);
        assert_string_equal(out + strlen("before "), rendered[i].want);
        free(out);
    }
}

static void everything_else_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct mse_error err;
        char *out;

        if (render(&environment, MSE_CSTR_BYTES(refused[i].in), &out, &err))
            fail_msg("%s: gave %s", refused[i].in, out);
        if (err.code != refused[i].code ||
            strncmp(err.text, refused[i].place, strlen(refused[i].place)) != 0)
            fail_msg("%s: %d, %s", refused[i].in, (int)err.code, err.text);
        free(out);
    }
}

static void what_was_not_given_is_missing_only_where_it_is_used(void **state)
{
    static const char *const uses[] = {
        "{{ gramine.libos }}", "{{ gramine.pkglibdir }}", "{{ gramine.runtimedir() }}",
        "{{ python.stdlib }}", "{{ env.HOME }}",          "{{ log_level }}",
    };
    static const struct mse_template_environment nothing = { 0 };
    struct mse_error err;
    char *out;

    (void)state;
    assert_true(render(&nothing, MSE_CSTR_BYTES("a = 1{# {{ gramine.libos }} #}"), &out, &err));
    assert_string_equal(out, "before a = 1");
    free(out);
    for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
        assert_false(render(&nothing, MSE_CSTR_BYTES(uses[i]), &out, &err));
        assert_int_equal(err.code, MSE_ERR_MISSING);
        free(out);
    }
}

/* A cut inside of braces is refused; elsewhere it is a shorter text. */
static void every_prefix_is_rendered_or_refused(void **state)
{
    static const char whole[] = "a = '{{ log_level }}' {# c #}\r\n"
                                "b = '{{ env.get('NONE', 'x') }}{{ gramine.runtimedir() }}'\r";

    (void)state;
    for (size_t n = 0; n < sizeof(whole); n++) {
        struct mse_error err;
        char *out;
        bool ok = render(&environment, (struct mse_bytes){ (const uint8_t *)whole, n }, &out, &err);

        assert_int_equal(ok, err.code == MSE_ERR_NONE);
        free(out);
    }
}

static void names_of_128_characters_are_too_long(void **state)
{
    char text[256];
    char name[129];
    struct mse_error err;
    char *out;

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[128] = '\0';
    (void)snprintf(text, sizeof(text), "{{ %s }}", name);
    assert_false(render(&environment, MSE_CSTR_BYTES(text), &out, &err));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    free(out);
    (void)snprintf(text, sizeof(text), "{{ env['%s'] }}", name);
    assert_false(render(&environment, MSE_CSTR_BYTES(text), &out, &err));
    assert_int_equal(err.code, MSE_ERR_UNSUPPORTED);
    free(out);
    name[127] = '\0';
    (void)snprintf(text, sizeof(text), "{{ %s }}", name);
    assert_false(render(&environment, MSE_CSTR_BYTES(text), &out, &err));
    assert_int_equal(err.code, MSE_ERR_MISSING);
    free(out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_forms_are_replaced),
        cmocka_unit_test(everything_else_is_refused_with_its_place),
        cmocka_unit_test(what_was_not_given_is_missing_only_where_it_is_used),
        cmocka_unit_test(every_prefix_is_rendered_or_refused),
        cmocka_unit_test(names_of_128_characters_are_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
