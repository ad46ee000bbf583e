/* SPDX-License-Identifier: Apache-2.0 */
/* Manifest templates: the part of Jinja that manifests use (docs/gramine.md, "Templates"). */
#include <stdio.h>

#include "measure/manifest.h"

#define NAME_MAX_LENGTH 127

struct template_reader {
    const char *data;
    size_t len, at;
    const struct mse_template_environment *environment;
    struct mse_writer *out;
    struct mse_error *err;
};

static int peek(const struct template_reader *r, size_t ahead)
{
    return ahead < r->len - r->at ? (unsigned char)r->data[r->at + ahead] : -1;
}

static bool is_sign(char c)
{
    return c == '-' || c == '+';
}

/* Lines end as Jinja sees them; columns count characters. */
static void place_of(const struct template_reader *r, size_t at, unsigned *line, unsigned *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < at && i < r->len; i++) {
        bool pair = r->data[i] == '\r' && i + 1 < r->len && r->data[i + 1] == '\n';

        if ((r->data[i] == '\n' || r->data[i] == '\r') && !pair) {
            ++*line;
            *column = 1;
        } else if (((unsigned char)r->data[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

static bool fail_at(const struct template_reader *r, enum mse_err_code code, size_t at,
                    const char *what)
{
    unsigned line, column;

    place_of(r, at, &line, &column);
    return mse_fail_text_at(r->err, code, at, "template", "line %u, column %u: %s", line, column,
                            what);
}

static bool fail_form(const struct template_reader *r, size_t at)
{
    return fail_at(r, MSE_ERR_UNSUPPORTED, at,
                   "only a variable, gramine.libos, gramine.pkglibdir, gramine.runtimedir(), "
                   "python.stdlib, env.NAME, env['NAME'] and env.get('NAME', 'DEFAULT') can be "
                   "replaced");
}

/* ---- one expression ---- */

struct expression {
    size_t at;
    char name[NAME_MAX_LENGTH + 1];
    char attribute[NAME_MAX_LENGTH + 1]; /* "": none */
    bool is_call, is_item;
    unsigned argument_count;
    struct mse_bytes arguments[2]; /* of the call; of an item its key */
};

static void skip_space(struct template_reader *r)
{
    while (peek(r, 0) == ' ' || peek(r, 0) == '\t' || peek(r, 0) == '\n' || peek(r, 0) == '\r')
        r->at++;
}

/* Takes this mark, if it comes next. */
static bool take(struct template_reader *r, char mark)
{
    skip_space(r);
    if (peek(r, 0) != mark)
        return false;
    r->at++;
    return true;
}

static bool is_name_character(int c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static bool read_name(struct template_reader *r, char out[NAME_MAX_LENGTH + 1])
{
    size_t n = 0;

    skip_space(r);
    while (is_name_character(peek(r, n), n == 0))
        n++;
    if (n == 0 || n > NAME_MAX_LENGTH)
        return fail_form(r, r->at);
    memcpy(out, r->data + r->at, n);
    out[n] = '\0';
    r->at += n;
    return true;
}

/* 'text' or "text", without escapes and on one line. */
static bool read_text(struct template_reader *r, struct mse_bytes *out)
{
    size_t start;
    int quote;

    skip_space(r);
    quote = peek(r, 0);
    if (quote != '\'' && quote != '"')
        return fail_form(r, r->at);
    start = ++r->at;
    while (peek(r, 0) != quote) {
        if (peek(r, 0) == -1 || peek(r, 0) == '\\' || peek(r, 0) == '\n' || peek(r, 0) == '\r')
            return fail_at(r, MSE_ERR_UNSUPPORTED, r->at,
                           "a text in a template has no escapes and ends on its line");
        r->at++;
    }
    *out = (struct mse_bytes){ (const uint8_t *)r->data + start, r->at - start };
    r->at++;
    return true;
}

static bool read_arguments(struct template_reader *r, struct expression *e)
{
    if (take(r, ')'))
        return true;
    for (;;) {
        if (e->argument_count == 2)
            return fail_form(r, r->at);
        if (!read_text(r, &e->arguments[e->argument_count++]))
            return false;
        if (take(r, ')'))
            return true;
        if (!take(r, ','))
            return fail_form(r, r->at);
    }
}

/* Behind "{{", up to and with "}}". */
static bool read_expression(struct template_reader *r, struct expression *e)
{
    *e = (struct expression){ 0 };
    skip_space(r);
    e->at = r->at;
    if (!read_name(r, e->name))
        return false;
    if (take(r, '[')) {
        e->is_item = true;
        e->argument_count = 1;
        if (!read_text(r, &e->arguments[0]))
            return false;
        if (!take(r, ']'))
            return fail_form(r, r->at);
    } else if (take(r, '.')) {
        if (!read_name(r, e->attribute))
            return false;
        e->is_call = take(r, '(');
        if (e->is_call && !read_arguments(r, e))
            return false;
    }
    skip_space(r);
    if (peek(r, 0) != '}' || peek(r, 1) != '}')
        return fail_form(r, r->at);
    r->at += 2;
    return true;
}

/* ---- its value ---- */

/* Words that are no names to Jinja, or mean something else than a variable. */
static bool is_reserved(const char *name)
{
    static const char *const words[] = { "true",   "false",  "none",   "True",     "False", "None",
                                         "not",    "and",    "or",     "in",       "is",    "if",
                                         "else",   "self",   "super",  "loop",     "range", "dict",
                                         "lipsum", "cycler", "joiner", "namespace" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(name, words[i]) == 0)
            return true;
    }
    return false;
}

/* What env has besides variables: env.keys is a function, whatever the environment holds. */
static bool is_env_method(const char *name)
{
    static const char *const words[] = {
        "clear",  "copy",   "decodekey", "decodevalue", "encodekey", "encodevalue",
        "get",    "items",  "keys",      "pop",         "popitem",   "setdefault",
        "update", "values", "unsetenv",  "putenv",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(name, words[i]) == 0)
            return true;
    }
    return name[0] == '_';
}

static const char *variable(const struct mse_template_environment *environment, const char *name)
{
    for (size_t i = environment->variable_count; i > 0; i--) {
        if (strcmp(environment->variables[i - 1].name, name) == 0)
            return environment->variables[i - 1].value;
    }
    return NULL;
}

static bool put(struct template_reader *r, const struct expression *e, const char *value,
                const char *what)
{
    char message[NAME_MAX_LENGTH + 64];

    if (value != NULL) {
        mse_write_text(r->out, value);
        return true;
    }
    (void)snprintf(message, sizeof(message), "%s is not defined", what);
    return fail_at(r, MSE_ERR_MISSING, e->at, message);
}

static bool put_environment(struct template_reader *r, const struct expression *e,
                            struct mse_bytes name, const struct mse_bytes *otherwise)
{
    char text[NAME_MAX_LENGTH + 1];
    char what[NAME_MAX_LENGTH + 32];
    const char *value = NULL;

    if (name.len > NAME_MAX_LENGTH || memchr(name.data, '\0', name.len) != NULL)
        return fail_form(r, e->at);
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    if (r->environment->env != NULL)
        value = r->environment->env(r->environment->env_context, text);
    if (value == NULL && otherwise != NULL) {
        mse_write_bytes(r->out, otherwise->data, otherwise->len);
        return true;
    }
    (void)snprintf(what, sizeof(what), "environment variable \"%s\"", text);
    return put(r, e, value, what);
}

static bool put_env(struct template_reader *r, const struct expression *e)
{
    if (e->is_item)
        return put_environment(r, e, e->arguments[0], NULL);
    if (e->is_call && strcmp(e->attribute, "get") == 0 && e->argument_count > 0)
        return put_environment(r, e, e->arguments[0],
                               e->argument_count == 2 ? &e->arguments[1] : NULL);
    if (e->is_call || is_env_method(e->attribute))
        return fail_form(r, e->at);
    return put_environment(r, e, MSE_CSTR_BYTES(e->attribute), NULL);
}

static bool put_attribute(struct template_reader *r, const struct expression *e)
{
    const struct mse_template_environment *known = r->environment;
    bool is_value = !e->is_call && !e->is_item;

    if (strcmp(e->name, "env") == 0)
        return put_env(r, e);
    if (strcmp(e->name, "gramine") == 0 && is_value && strcmp(e->attribute, "libos") == 0)
        return put(r, e, known->libos, "gramine.libos");
    if (strcmp(e->name, "gramine") == 0 && is_value && strcmp(e->attribute, "pkglibdir") == 0)
        return put(r, e, known->pkglibdir, "gramine.pkglibdir");
    if (strcmp(e->name, "gramine") == 0 && strcmp(e->attribute, "runtimedir") == 0 && e->is_call &&
        e->argument_count == 0)
        return put(r, e, known->runtimedir, "gramine.runtimedir()");
    if (strcmp(e->name, "python") == 0 && is_value && strcmp(e->attribute, "stdlib") == 0)
        return put(r, e, known->python_stdlib, "python.stdlib");
    return fail_form(r, e->at);
}

static bool render_expression(struct template_reader *r)
{
    struct expression e;
    const char *value;

    if (r->at < r->len && is_sign(r->data[r->at]))
        return fail_at(r, MSE_ERR_UNSUPPORTED, r->at, "white space control is not known here");
    if (!read_expression(r, &e))
        return false;
    if (is_reserved(e.name))
        return fail_form(r, e.at);
    value = variable(r->environment, e.name);
    if (e.attribute[0] == '\0' && !e.is_item)
        return put(r, &e, value, e.name);
    if (value != NULL) /* a text: it has no members, and hides the name it took */
        return fail_form(r, e.at);
    return put_attribute(r, &e);
}

/* ---- the text around ---- */

/* Behind "{#". */
static bool skip_comment(struct template_reader *r)
{
    size_t start = r->at;

    while (r->at < r->len && !(peek(r, 0) == '#' && peek(r, 1) == '}'))
        r->at++;
    if (r->at == r->len)
        return fail_at(r, MSE_ERR_FORMAT, start - 2, "a comment has no end");
    /* "{#-" and "-#}" take away white space around. */
    if (r->at > start && is_sign(r->data[start]))
        return fail_at(r, MSE_ERR_UNSUPPORTED, start, "white space control is not known here");
    if (r->at > start && is_sign(r->data[r->at - 1]))
        return fail_at(r, MSE_ERR_UNSUPPORTED, r->at - 1, "white space control is not known here");
    r->at += 2;
    return true;
}

/* At a brace. */
static bool render_brace(struct template_reader *r)
{
    int next = peek(r, 1);

    if (next == '{' || next == '#') {
        r->at += 2;
        return next == '{' ? render_expression(r) : skip_comment(r);
    }
    if (next == '%')
        return fail_at(r, MSE_ERR_UNSUPPORTED, r->at, "statements are not known here");
    mse_write_u8(r->out, '{');
    r->at++;
    return true;
}

static void copy_text(struct template_reader *r)
{
    size_t start = r->at;

    while (r->at < r->len && r->data[r->at] != '{' && r->data[r->at] != '\r')
        r->at++;
    mse_write_bytes(r->out, r->data + start, r->at - start);
    if (peek(r, 0) != '\r')
        return;
    mse_write_u8(r->out, '\n');
    r->at += peek(r, 1) == '\n' ? 2 : 1;
}

bool mse_template_render(struct mse_bytes in, const struct mse_template_environment *environment,
                         struct mse_writer *out, struct mse_error *err)
{
    struct template_reader r = { .data = (const char *)in.data,
                                 .len = in.len,
                                 .environment = environment,
                                 .out = out,
                                 .err = err };
    size_t before = out->len;
    bool ok = true;

    while (ok && r.at < r.len) {
        copy_text(&r);
        if (peek(&r, 0) == '{')
            ok = render_brace(&r);
    }
    if (ok && !mse_writer_ok(out))
        ok = mse_fail_memory(err);
    if (!ok)
        out->len = before;
    return ok;
}
