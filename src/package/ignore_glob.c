/* SPDX-License-Identifier: Apache-2.0 */
/* Ignore rules as shutil.ignore_patterns and fnmatch of Python 3.11 decide them. */
#include "package/ignore_glob.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"

enum kind { STAR, ANY, ONE, SET };

struct range {
    uint32_t low, high;
};
struct element {
    enum kind kind;
    uint32_t c;          /* ONE */
    bool negated;        /* SET */
    size_t first, count; /* SET: ranges of the glob; none: matches nothing, negated everything */
};
struct glob {
    struct element *elements; /* owned */
    struct range *ranges;     /* owned */
    size_t count, range_count;
    size_t shortest; /* characters that a name needs at least */
};
struct mse_ignore_glob {
    struct mse_ignore ignore; /* first: the callback gets its address */
    struct glob globs[MSE_GLOB_MAX_RULES];
    size_t count;
};

/* ---- matching ---- */

static bool in_set(const struct glob *g, const struct element *e, uint32_t c)
{
    for (size_t i = e->first; i < e->first + e->count; i++) {
        if (c >= g->ranges[i].low && c <= g->ranges[i].high)
            return !e->negated;
    }
    return e->negated;
}

static bool fits(const struct glob *g, const struct element *e, uint32_t c)
{
    switch (e->kind) {
    case ONE:
        return e->c == c;
    case SET:
        return in_set(g, e, c);
    case ANY:
        return true;
    case STAR:
        break;
    }
    return false;
}

/* Everything but a star takes one character, so only the last star may have to take more. */
static bool matches(const struct glob *g, const uint32_t *name, size_t len)
{
    size_t e = 0, n = 0, after_star = SIZE_MAX, from = 0;

    if (len < g->shortest)
        return false;
    while (n < len) {
        if (e < g->count && g->elements[e].kind == STAR) {
            after_star = ++e;
            from = n;
        } else if (e < g->count && fits(g, &g->elements[e], name[n])) {
            e++;
            n++;
        } else if (after_star != SIZE_MAX) {
            e = after_star;
            n = ++from;
        } else {
            return false;
        }
    }
    while (e < g->count && g->elements[e].kind == STAR)
        e++;
    return e == g->count;
}

/* text is valid UTF-8; out has room for as many characters as it has bytes. */
static size_t decode(const uint8_t *text, size_t len, uint32_t *out)
{
    static const uint8_t first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    size_t count = 0;

    for (size_t at = 0, size; at < len; at += size) {
        size = mse_utf8_length(text + at, len - at);
        if (size == 0)
            break;
        out[count] = text[at] & first_bits[size];
        for (size_t i = 1; i < size; i++)
            out[count] = out[count] << 6 | (text[at + i] & 0x3f);
        count++;
    }
    return count;
}

static bool is_ignored(const struct mse_ignore *self, const char *path, bool is_directory,
                       bool *ignored, struct mse_error *err)
{
    const struct mse_ignore_glob *glob = (const struct mse_ignore_glob *)(const void *)self;
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const size_t len = strlen(name);
    uint32_t characters[NAME_MAX];
    size_t count;

    (void)is_directory;
    *ignored = false;
    if (len > NAME_MAX)
        return mse_fail_text(err, MSE_ERR_LIMIT, path, "a name of more than %d bytes", NAME_MAX);
    if (!mse_utf8_is_valid((struct mse_bytes){ (const uint8_t *)name, len }))
        return mse_fail_text(err, MSE_ERR_VALUE, path, "the name is not UTF-8");
    count = decode((const uint8_t *)name, len, characters);
    for (size_t i = 0; !*ignored && i < glob->count; i++)
        *ignored = matches(&glob->globs[i], characters, count);
    return true;
}

/* ---- sets ---- */

/* One character of a set; joins: a '-' that makes a range of its two neighbours. */
struct token {
    uint32_t c;
    bool joins;
};

/*
 * Which '-' make ranges: not the first character (behind '!'), not the last one, and none of the
 * two behind another one that does. Returns the number of tokens.
 */
static size_t split_set(const uint32_t *text, size_t len, struct token *tokens)
{
    size_t next = text[0] == '!' ? 2 : 1;

    for (size_t i = 0; i < len; i++) {
        bool joins = text[i] == '-' && i >= next && i + 1 < len;

        tokens[i] = (struct token){ text[i], joins };
        if (joins)
            next = i + 3;
    }
    return len;
}

/* A range that ends before it begins is empty: it goes, with both of its ends. */
static size_t drop_empty_ranges(struct token *tokens, size_t count)
{
    for (size_t i = count; i-- > 1;) {
        if (!tokens[i].joins || tokens[i - 1].c <= tokens[i + 1].c)
            continue;
        memmove(tokens + i - 1, tokens + i + 2, (count - i - 2) * sizeof(*tokens));
        count -= 3;
        i--;
    }
    return count;
}

/* A '!' negates where it is first now, which it need not have been before ranges went. */
static void add_set(struct glob *g, const uint32_t *text, size_t len, struct token *tokens)
{
    struct element *e = &g->elements[g->count++];
    size_t count = drop_empty_ranges(tokens, split_set(text, len, tokens)), at = 0;

    *e = (struct element){ .kind = SET, .first = g->range_count };
    if (count > 0 && tokens[0].c == '!' && !tokens[0].joins) {
        e->negated = true;
        at = 1;
    }
    while (at < count) {
        bool is_range = at + 2 < count && tokens[at + 1].joins;

        g->ranges[g->range_count++] = (struct range){ tokens[at].c,
                                                      tokens[is_range ? at + 2 : at].c };
        at += is_range ? 3 : 1;
    }
    e->count = g->range_count - e->first;
}

/* ---- globs ---- */

/* Where the ']' of a set is that begins at i, behind its '['; len if there is none. */
static size_t set_end(const uint32_t *text, size_t len, size_t i)
{
    if (i < len && text[i] == '!')
        i++;
    if (i < len && text[i] == ']')
        i++;
    while (i < len && text[i] != ']')
        i++;
    return i;
}

static void compile(struct glob *g, const uint32_t *text, size_t len, struct token *tokens)
{
    for (size_t i = 0; i < len; i++) {
        size_t end = text[i] == '[' ? set_end(text, len, i + 1) : len;

        if (text[i] == '*') {
            if (g->count == 0 || g->elements[g->count - 1].kind != STAR)
                g->elements[g->count++] = (struct element){ .kind = STAR };
            continue;
        }
        g->shortest++;
        if (text[i] == '?') {
            g->elements[g->count++] = (struct element){ .kind = ANY };
        } else if (text[i] == '[' && end < len) {
            add_set(g, text + i + 1, end - i - 1, tokens);
            i = end;
        } else {
            g->elements[g->count++] = (struct element){ .kind = ONE, .c = text[i] };
        }
    }
}

/* No glob has more elements or ranges than characters. */
static bool add_glob(struct mse_ignore_glob *out, const uint32_t *text, size_t len,
                     struct token *tokens, struct mse_error *err)
{
    struct glob *g = &out->globs[out->count];

    if (out->count >= MSE_GLOB_MAX_RULES)
        return mse_fail_text(err, MSE_ERR_LIMIT, MSE_IGNORE_FILE, "more than %d rules",
                             MSE_GLOB_MAX_RULES);
    if (len > MSE_GLOB_MAX_RULE)
        return mse_fail_text(err, MSE_ERR_LIMIT, MSE_IGNORE_FILE,
                             "a rule of more than %d characters", MSE_GLOB_MAX_RULE);
    out->count++;
    g->elements = calloc(len, sizeof(*g->elements));
    g->ranges = calloc(len, sizeof(*g->ranges));
    if (g->elements == NULL || g->ranges == NULL)
        return mse_fail_memory(err);
    compile(g, text, len, tokens);
    return true;
}

/* ---- lines ---- */

/* What Python's str.splitlines takes for an end of line. */
static bool ends_line(uint32_t c)
{
    return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
           c == 0x2029;
}

/* What Python's str.strip takes for white space. */
static bool is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_rule(const uint32_t *line, size_t len)
{
    size_t i = 0;

    while (i < len && is_space(line[i]))
        i++;
    return i < len && line[i] != '#';
}

static bool read_lines(struct mse_ignore_glob *out, const uint32_t *text, size_t len,
                       struct token *tokens, struct mse_error *err)
{
    for (size_t start = 0, end; start < len; start = end + 1) {
        end = start;
        while (end < len && !ends_line(text[end]))
            end++;
        if (is_rule(text + start, end - start) &&
            !add_glob(out, text + start, end - start, tokens, err))
            return false;
    }
    return true;
}

static bool read_rules(struct mse_ignore_glob *out, struct mse_bytes rules, struct mse_error *err)
{
    uint32_t *text = calloc(rules.len + 1, sizeof(*text));
    struct token *tokens = calloc(MSE_GLOB_MAX_RULE, sizeof(*tokens));
    bool ok = text != NULL && tokens != NULL;

    ok = ok ? read_lines(out, text, decode(rules.data, rules.len, text), tokens, err)
            : mse_fail_memory(err);
    free(text);
    free(tokens);
    return ok;
}

bool mse_ignore_glob_new(struct mse_bytes rules, struct mse_ignore_glob **out,
                         struct mse_error *err)
{
    struct mse_ignore_glob *glob;

    *out = NULL;
    if (rules.len > MSE_IGNORE_MAX_SIZE)
        return mse_fail_text(err, MSE_ERR_LIMIT, MSE_IGNORE_FILE, "larger than %u bytes",
                             MSE_IGNORE_MAX_SIZE);
    if (!mse_utf8_is_valid(rules))
        return mse_fail_text(err, MSE_ERR_FORMAT, MSE_IGNORE_FILE, "is not UTF-8");
    glob = calloc(1, sizeof(*glob));
    if (glob == NULL)
        return mse_fail_memory(err);
    glob->ignore.is_ignored = is_ignored;
    if (!read_rules(glob, rules, err)) {
        mse_ignore_glob_free(glob);
        return false;
    }
    *out = glob;
    return true;
}

bool mse_ignore_glob_open(const char *directory, struct mse_ignore_glob **out,
                          struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer path = { 0 };
    struct mse_error why = { 0 };
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = true;

    *out = NULL;
    mse_write_format(&path, "%s/%s", directory, MSE_IGNORE_FILE);
    mse_write_u8(&path, 0);
    if (!mse_writer_ok(&path))
        return mse_fail_memory(err);
    if (access((const char *)path.data, F_OK) == 0) /* a dangling link is no file there either */
        ok = mse_file_read((const char *)path.data, MSE_IGNORE_MAX_SIZE, &data, &len, &why) ||
             mse_fail_text(err, why.code, MSE_IGNORE_FILE, "%s", why.text);
    ok = ok && mse_ignore_glob_new((struct mse_bytes){ data, len }, out, err);
    free(data);
    return ok;
}

const struct mse_ignore *mse_ignore_glob_of(const struct mse_ignore_glob *glob)
{
    return &glob->ignore;
}

void mse_ignore_glob_free(struct mse_ignore_glob *glob)
{
    if (glob == NULL)
        return;
    for (size_t i = 0; i < glob->count; i++) {
        free(glob->globs[i].elements);
        free(glob->globs[i].ranges);
    }
    free(glob);
}
