/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libgit2 reads and matches some rules otherwise than git (gitignore(5) and git's own behaviour):
 * white space, a backslash at the end of a line, and "**" behind a name ("dir/a**", which git lets
 * match slashes there). Each rule is taken apart as git does and put in words that both understand.
 */
#include "package/ignore_rules.h"

#include "measure/ignore.h"

struct rule {
    const uint8_t *text; /* without '!', trailing '/', and a leading '/' */
    size_t len;
    size_t literal; /* bytes before the first wildcard: git matches these apart */
    bool is_negative, only_directories, is_anchored;
    unsigned line;
};

enum token { TOKEN_TEXT, TOKEN_STARS, TOKEN_NEVER };

static bool fail_line(const struct rule *rule, enum mse_err_code code, const char *what,
                      struct mse_error *err)
{
    return mse_fail_text(err, code, MSE_IGNORE_FILE, "line %u: %s", rule->line, what);
}

/* ---- taking apart ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A class such as "[:alpha:]" at p: its length; 0 where the bracket is one of the set's members. */
static size_t class_length(const uint8_t *p, size_t len, bool *never)
{
    const uint8_t *end;

    if (len < 2 || p[1] != ':')
        return 0;
    end = memchr(p + 2, ']', len - 2);
    *never = end == NULL;
    if (end == NULL || end == p + 2 || end[-1] != ':')
        return 0;
    return (size_t)(end - p) + 1;
}

/* A set such as "[a-z]" at p: its length, 0 if it has no end and so matches nothing. */
static size_t set_length(const uint8_t *p, size_t len)
{
    size_t i = len > 1 && (p[1] == '!' || p[1] == '^') ? 2 : 1;
    bool may_be_range = false; /* the member before can begin one */
    bool never = false;
    size_t skip;

    /* The first member may be the closing bracket itself. */
    for (bool first = true; i < len && (first || p[i] != ']'); first = false) {
        if (p[i] == '-' && may_be_range && i + 1 < len && p[i + 1] != ']') {
            i += p[i + 1] == '\\' ? 3 : 2;
            may_be_range = false;
        } else if (p[i] == '\\') {
            i += 2;
            may_be_range = true;
        } else if (p[i] == '[' && (skip = class_length(p + i, len - i, &never)) > 0) {
            i += skip;
            may_be_range = false;
        } else if (never) {
            return 0;
        } else {
            i++;
            may_be_range = true;
        }
    }
    return i < len ? i + 1 : 0;
}

static size_t star_count(const uint8_t *p, size_t len)
{
    size_t n = 0;

    while (n < len && p[n] == '*')
        n++;
    return n;
}

/* What begins at p, and its length. */
static enum token next_token(const uint8_t *p, size_t len, size_t *used)
{
    *used = 1;
    if (*p == '*') {
        *used = star_count(p, len);
        return TOKEN_STARS;
    }
    if (*p == '\\')
        *used = len > 1 ? 2 : 0;
    else if (*p == '[')
        *used = set_length(p, len);
    return *used > 0 ? TOKEN_TEXT : TOKEN_NEVER;
}

static bool can_match(const struct rule *rule)
{
    size_t used;

    for (size_t i = 0; i < rule->len; i += used) {
        if (next_token(rule->text + i, rule->len - i, &used) == TOKEN_NEVER)
            return false;
    }
    return rule->len > 0;
}

/* Spaces at the end of a line count only behind a backslash. */
static size_t trimmed_length(const uint8_t *line, size_t len)
{
    size_t end = 0;

    for (size_t i = 0; i < len; i++) {
        if (line[i] == ' ')
            continue;
        if (line[i] == '\\' && ++i == len)
            return len;
        end = i + 1;
    }
    return end;
}

static struct rule read_rule(const uint8_t *text, size_t len, unsigned line)
{
    struct rule rule = { .line = line };

    if (len > 0 && text[0] == '!') {
        rule.is_negative = true;
        text++;
        len--;
    }
    if (len > 0 && text[len - 1] == '/') {
        rule.only_directories = true;
        len--;
    }
    rule.is_anchored = len > 0 && memchr(text, '/', len) != NULL;
    if (len > 0 && text[0] == '/') {
        text++;
        len--;
    }
    rule.text = text;
    rule.len = len;
    while (rule.literal < len && strchr("*?[\\", text[rule.literal]) == NULL)
        rule.literal++;
    return rule;
}

/* ---- putting together ---- */

/* libgit2 takes white space for the end of a rule, and "\r" too where it is the last byte. */
static void put_text(struct mse_writer *out, const uint8_t *p, size_t len)
{
    bool is_escaped = false;

    if (p[len - 1] == '\r' && len <= 2) {
        mse_write_text(out, "[\r]");
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (is_space(p[i]) && !is_escaped)
            mse_write_u8(out, '\\');
        mse_write_u8(out, p[i]);
        is_escaped = p[i] == '\\' && !is_escaped;
    }
}

static bool is_end_or_slash(const struct rule *rule, size_t at)
{
    return at == rule->len || rule->text[at] == '/';
}

/* Two asterisks or more at this place stand for any number of directories. */
static bool is_double(const struct rule *rule, size_t at)
{
    size_t stars = star_count(rule->text + at, rule->len - at);

    return rule->is_anchored && stars > 1 && is_end_or_slash(rule, at + stars) &&
           (at == 0 || rule->text[at - 1] == '/' || at == rule->literal);
}

/* Behind the asterisks at this place, and further ones that say the same again. */
static size_t skip_stars(const struct rule *rule, size_t at)
{
    bool joins = is_double(rule, at);

    at += star_count(rule->text + at, rule->len - at);
    while (joins && at + 1 < rule->len && is_double(rule, at + 1))
        at += 1 + star_count(rule->text + at + 1, rule->len - at - 1);
    return at;
}

/* How long a rule may take: *slow counts those whose time grows faster than with the path. */
static bool check_stars(const struct rule *rule, unsigned *slow, struct mse_error *err)
{
    unsigned runs = 0, doubles = 0;
    size_t used;

    for (size_t at = 0; at < rule->len; at += used) {
        if (next_token(rule->text + at, rule->len - at, &used) != TOKEN_STARS)
            continue;
        runs++;
        doubles += used > 1;
        used = skip_stars(rule, at) - at;
    }
    if (runs > MSE_IGNORE_MAX_STARS)
        return fail_line(rule, MSE_ERR_LIMIT, "more than 8 asterisks in one rule", err);
    if (doubles > MSE_IGNORE_MAX_DOUBLE)
        return fail_line(rule, MSE_ERR_LIMIT, "more than two \"**\" in one rule", err);
    if (doubles > 0 && runs > MSE_IGNORE_MAX_DEEP_STARS)
        return fail_line(rule, MSE_ERR_LIMIT, "\"**\" and more than two other asterisks", err);
    if (doubles > 0 && runs > 1 && ++*slow > MSE_IGNORE_MAX_SLOW)
        return fail_line(rule, MSE_ERR_LIMIT, "more than 64 rules with \"**\" and another asterisk",
                         err);
    return true;
}

static bool put_stars(const struct rule *rule, size_t *at, struct mse_writer *out,
                      struct mse_error *err)
{
    size_t stars = star_count(rule->text + *at, rule->len - *at);
    const uint8_t *behind = rule->text + *at + stars;

    if (rule->is_anchored && stars > 1 && rule->len - *at - stars > 1 && behind[0] == '\\' &&
        behind[1] == '/')
        return fail_line(rule, MSE_ERR_UNSUPPORTED,
                         "two asterisks before an escaped slash; write \"**/\"", err);
    mse_write_text(out, is_double(rule, *at) ? "**" : "*");
    *at = skip_stars(rule, *at);
    return true;
}

static bool put_from(const struct rule *rule, size_t at, struct mse_writer *out,
                     struct mse_error *err)
{
    while (at < rule->len) {
        size_t used;

        if (next_token(rule->text + at, rule->len - at, &used) == TOKEN_STARS) {
            if (!put_stars(rule, &at, out, err))
                return false;
        } else {
            put_text(out, rule->text + at, used);
            at += used;
        }
    }
    mse_write_text(out, rule->only_directories ? "/\n" : "\n");
    return true;
}

static void put_literal(const struct rule *rule, struct mse_writer *out)
{
    mse_write_text(out, rule->is_negative ? "!" : "");
    mse_write_text(out, rule->is_anchored ? "/" : "");
    for (size_t i = 0; i < rule->literal; i++)
        put_text(out, rule->text + i, 1);
}

/*
 * "a**" and "a**" before a slash: git matches "a" first and then the asterisks as if the rule began
 * with them. That is "a*" and, deeper, "a" and the rest, "a*" and any directories and the rest.
 */
static bool put_split(const struct rule *rule, struct mse_writer *out, struct mse_error *err)
{
    size_t behind = skip_stars(rule, rule->literal);

    put_literal(rule, out);
    if (behind == rule->len)
        mse_write_text(out, "*");
    if (!put_from(rule, behind < rule->len ? behind + 1 : behind, out, err))
        return false;
    put_literal(rule, out);
    mse_write_text(out, "*/**");
    return put_from(rule, behind, out, err);
}

static bool put_rule(const struct rule *rule, struct mse_writer *out, struct mse_error *err)
{
    size_t at = rule->literal;

    if (at > 0 && at < rule->len && rule->text[at - 1] != '/' && is_double(rule, at))
        return put_split(rule, out, err);
    put_literal(rule, out);
    return put_from(rule, at, out, err);
}

/* ---- lines ---- */

struct counts {
    unsigned rules, slow;
};

static bool put_line(const uint8_t *line, size_t len, unsigned number, struct counts *counts,
                     struct mse_writer *out, struct mse_error *err)
{
    struct rule rule;

    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (len == 0 || line[0] == '#')
        return true;
    rule = read_rule(line, trimmed_length(line, len), number);
    if (memchr(line, '\0', len) != NULL)
        return fail_line(&rule, MSE_ERR_VALUE, "a NUL", err);
    if (!can_match(&rule))
        return true;
    if (++counts->rules > MSE_IGNORE_MAX_RULES)
        return fail_line(&rule, MSE_ERR_LIMIT, "more than 4096 rules", err);
    return check_stars(&rule, &counts->slow, err) && put_rule(&rule, out, err);
}

bool mse_ignore_rules_write(struct mse_bytes rules, struct mse_writer *out, struct mse_error *err)
{
    static const char mark[] = "\xef\xbb\xbf"; /* byte order mark */
    const uint8_t *at = rules.data;
    const uint8_t *end = rules.len > 0 ? at + rules.len : at;
    unsigned number = 0;
    struct counts counts = { 0 };

    if (rules.len > MSE_IGNORE_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, MSE_IGNORE_FILE, "more than %u bytes",
                             MSE_IGNORE_MAX_SIZE);
    if (rules.len >= 3 && memcmp(at, mark, 3) == 0)
        at += 3;
    while (at < end) {
        const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));

        if (stop == NULL)
            stop = end;
        if (!put_line(at, (size_t)(stop - at), ++number, &counts, out, err))
            return false;
        at = stop < end ? stop + 1 : end;
    }
    return mse_writer_ok(out) || mse_fail_memory(err);
}
