/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration server's conversation, without sockets: what it answers, what it keeps, what a
 * stranger can make it do. The owner's signatures are OpenSSL's over the text of docs/formats.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/encode.h"
#include "enclave/config_exchange.h"
#include "enclave/config_http.h"
#include "exact.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define ID "01234567-89ab-cdef-0123-456789abcdef"
#define H8 "5a5a5a5a"
#define H64 H8 H8 H8 H8 H8 H8 H8 H8
#define BODY "{\"uuid\":\"" ID "\",\"blind\":\"" H64 "\",\"app_secrets\":[1]}"
#define OTHER_BODY "{\"uuid\":\"" ID "\",\"blind\":\"" H64 "\",\"app_secrets\":[2]}"
#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define EPOCH 41
#define OUT_SIZE (1U << 16)

/* One connection. */
struct line {
    struct mse_config_exchange *exchange;
    char out[OUT_SIZE];
    size_t len;
    bool finished, free_on_write;
    unsigned deadline_ms, deadlines;
};

struct world {
    struct mse_app_manifest app;
    struct mse_instance_file instance;
    struct mse_identity identity;
    EVP_PKEY *owner;
    struct mse_config_exchanges *all;
    /* what is to be decided, and how */
    bool at_once;
    enum mse_err_code verdict;
    unsigned decisions, configured;
    char seen[256];
    struct mse_config_candidate candidate;
    mse_config_decided *decided;
    void *context;
};

static struct world w;

/* ---- the world around it ---- */

static void answer_decision(void)
{
    mse_config_decided *decided = w.decided;
    struct mse_error err = { 0 };

    w.decided = NULL;
    if (w.verdict != MSE_ERR_NONE)
        (void)mse_fail_text(&err, w.verdict, "code/app.py", "does not open with this key");
    decided(w.context, w.verdict != MSE_ERR_NONE ? &err : NULL);
}

static void decide(void *arg, const struct mse_config_candidate *candidate,
                   mse_config_decided *decided, void *context)
{
    assert_ptr_equal(arg, &w);
    w.decisions++;
    w.candidate = *candidate;
    (void)snprintf(w.seen, sizeof(w.seen), "%.*s", (int)candidate->body.len,
                   (const char *)candidate->body.data);
    w.decided = decided;
    w.context = context;
    if (w.at_once)
        answer_decision();
}

static void configured(void *arg)
{
    assert_ptr_equal(arg, &w);
    w.configured++;
}

static int64_t now(void *arg)
{
    assert_ptr_equal(arg, &w);
    return 1782864000;
}

static void write_out(void *context, struct mse_bytes data)
{
    struct line *line = context;

    assert_false(line->finished);
    assert_true(data.len < OUT_SIZE - line->len);
    memcpy(line->out + line->len, data.data, data.len);
    line->len += data.len;
    line->out[line->len] = '\0';
    if (line->free_on_write) { /* the stream is gone inside its own write */
        mse_config_exchange_free(line->exchange);
        line->exchange = NULL;
    }
}

static void finish(void *context)
{
    struct line *line = context;

    assert_false(line->finished);
    line->finished = true;
}

static void deadline(void *context, unsigned ms)
{
    struct line *line = context;

    line->deadline_ms = ms;
    line->deadlines++;
}

static const struct mse_config_exchange_handler handler = { write_out, finish, deadline };

static int open_world(void **state)
{
    static const uint8_t seed[32] = { 9, 8, 7 };
    struct mse_error err = { 0 };
    size_t len = 32;

    (void)state;
    w = (struct world){ .at_once = true };
    w.owner = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
    if (EVP_PKEY_get_raw_public_key(w.owner, w.app.owner, &len) != 1)
        return -1;
    memset(w.identity.cert_sha256, 0xce, 32);
    (void)snprintf(w.instance.uuid, sizeof(w.instance.uuid), "%s", ID);
    return 0 -
           !mse_config_exchanges_new(&(struct mse_config_door_options){ .app = &w.app,
                                                                        .instance = &w.instance,
                                                                        .identity = &w.identity,
                                                                        .next_epoch = EPOCH,
                                                                        .arg = &w,
                                                                        .now = now,
                                                                        .decide = decide,
                                                                        .configured = configured },
                                     &w.all, &err);
}

static int open_bare_world(void **state)
{
    int result = open_world(state);

    w.app.unsigned_config = true;
    return result;
}

static int close_world(void **state)
{
    (void)state;
    if (w.all != NULL)
        assert_int_equal(mse_config_exchanges_held(w.all), 0);
    mse_config_exchanges_free(w.all);
    EVP_PKEY_free(w.owner);
    return 0;
}

static struct line *line_new(void)
{
    struct line *line = calloc(1, sizeof(*line));
    struct mse_error err = { 0 };

    assert_non_null(line);
    assert_true(mse_config_exchange_new(w.all, &handler, line, &line->exchange, &err));
    return line;
}

static void line_free(struct line *line)
{
    mse_config_exchange_free(line->exchange);
    free(line);
}

static void feed(struct line *line, const void *data, size_t len)
{
    struct mse_bytes copy = exact_copy((struct mse_bytes){ data, len }, len);

    mse_config_exchange_data(line->exchange, copy);
    exact_free(copy);
}

static void say(struct line *line, const char *text)
{
    feed(line, text, strlen(text));
}

/* ---- the owner ---- */

/* Value of the last header of this name. */
static void header(const struct line *line, const char *name, char *out, size_t size)
{
    const char *at = NULL;
    const char *next = line->out;

    out[0] = '\0';
    while ((next = strstr(next, name)) != NULL)
        at = next++;
    if (at != NULL)
        (void)snprintf(out, size, "%.*s", (int)strcspn(at + strlen(name), "\r"), at + strlen(name));
}

static void current_nonce(uint8_t out[32])
{
    struct line *line = line_new();
    char text[80];

    say(line, GET);
    header(line, "Mse-Nonce: ", text, sizeof(text));
    assert_true(mse_hex_read(text, 64, out, 32));
    line_free(line);
}

/* docs/formats.md, "Configuration". */
static void sign(const char *body, const uint8_t nonce[32], uint64_t epoch, char out[89])
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    uint8_t text[17 + 32 + 32 + 32 + 8] = "mse-configure-v1\n";
    uint8_t signature[64];
    size_t len = sizeof(signature);

    memcpy(text + 17, nonce, 32);
    memset(text + 49, 0xce, 32);
    assert_int_equal(EVP_DigestInit_ex(c, EVP_sha256(), NULL), 1);
    assert_int_equal(EVP_DigestUpdate(c, "mse-config-v1\n", 14), 1);
    assert_int_equal(EVP_DigestUpdate(c, body, strlen(body)), 1);
    assert_int_equal(EVP_DigestFinal_ex(c, text + 81, NULL), 1);
    for (unsigned i = 0; i < 8; i++)
        text[113 + i] = (uint8_t)(epoch >> (56 - 8 * i));
    EVP_MD_CTX_free(c);
    c = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(c, NULL, NULL, NULL, w.owner), 1);
    assert_int_equal(EVP_DigestSign(c, signature, &len, text, sizeof(text)), 1);
    EVP_MD_CTX_free(c);
    (void)EVP_EncodeBlock((unsigned char *)out, signature, 64);
}

static char *make_post(const char *body, const char *signature, const char *more)
{
    char *text;

    assert_int_not_equal(
        asprintf(&text, "POST /x HTTP/1.1\r\nHost: h\r\n%s%s%s%sContent-Length: %zu\r\n\r\n%s",
                 signature != NULL ? "Mse-Signature: " : "", signature != NULL ? signature : "",
                 signature != NULL ? "\r\n" : "", more, strlen(body), body),
        -1);
    return text;
}

static char *signed_post(const char *body)
{
    uint8_t nonce[32];
    char signature[89];

    current_nonce(nonce);
    sign(body, nonce, EPOCH, signature);
    return make_post(body, signature, "");
}

static unsigned status_of(const struct line *line)
{
    return strncmp(line->out, "HTTP/1.1 ", 9) == 0 ? (unsigned)strtoul(line->out + 9, NULL, 10) : 0;
}

static unsigned statuses(const struct line *line)
{
    unsigned count = 0;

    for (const char *at = line->out; (at = strstr(at, "HTTP/1.1 ")) != NULL; at++)
        count += at[9] >= '1' && at[9] <= '5'; /* not the text of a problem */
    return count;
}

/* A line of its own; the reply stays readable in it. */
static struct line *post(const char *text)
{
    struct line *line = line_new();

    say(line, text);
    return line;
}

/* ---- what is said ---- */

static void whoever_asks_is_told_nonce_and_epoch(void **state)
{
    struct line *line = line_new();
    char text[80];

    (void)state;
    assert_int_equal(line->deadline_ms, MSE_CONFIG_HEAD_MS);
    say(line, GET);
    assert_int_equal(status_of(line), 200);
    header(line, "Mse-Status: ", text, sizeof(text));
    assert_string_equal(text, "Waiting");
    header(line, "Mse-Epoch: ", text, sizeof(text));
    assert_string_equal(text, "41");
    header(line, "Mse-Nonce: ", text, sizeof(text));
    assert_int_equal(strlen(text), 64);
    assert_false(line->finished);
    say(line, "HEAD /any HTTP/1.0\r\n\r\n");
    assert_int_equal(statuses(line), 2);
    assert_string_equal(line->out + line->len - 4, "\r\n\r\n");
    assert_true(line->finished);
    assert_int_equal(line->deadline_ms, MSE_CONFIG_FINISH_MS);
    line_free(line);
}

static void the_owner_configures(void **state)
{
    char *text = signed_post(BODY);
    struct line *line = post(text);
    char word[80];

    (void)state;
    assert_int_equal(status_of(line), 200);
    header(line, "Mse-Status: ", word, sizeof(word));
    assert_string_equal(word, "Configured");
    header(line, "Mse-Epoch: ", word, sizeof(word));
    assert_string_equal(word, "41");
    assert_null(strstr(line->out, "Mse-Nonce"));
    assert_true(line->finished);
    assert_int_equal(w.decisions, 1);
    assert_int_equal(w.configured, 1);
    assert_string_equal(w.seen, BODY);
    line_free(line);
    line = post(GET);
    header(line, "Mse-Status: ", word, sizeof(word));
    assert_string_equal(word, "Configured");
    line_free(line);
    free(text);
}

static void the_candidate_has_all_that_was_sent(void **state)
{
    char *text = signed_post(BODY);
    struct line *line;

    (void)state;
    w.at_once = false;
    line = post(text);
    assert_int_equal(line->len, 0);
    assert_int_equal(line->deadline_ms, 0);
    assert_int_equal(w.candidate.epoch, EPOCH);
    assert_true(w.candidate.has_statement);
    assert_memory_equal(w.candidate.statement, "mse-configure-v1\n", 17);
    assert_int_equal(w.candidate.config->secrets_len, 3);
    assert_memory_equal(w.candidate.config->secrets, "[1]", 3);
    answer_decision();
    assert_int_equal(status_of(line), 200);
    line_free(line);
    free(text);
}

static void a_request_may_arrive_in_any_pieces(void **state)
{
    char *whole = signed_post(BODY);
    size_t len = strlen(whole);

    (void)state;
    free(whole);
    w.verdict = MSE_ERR_SIGNATURE;
    for (size_t cut = 0; cut <= len; cut++) {
        char *text = signed_post(BODY);
        struct line *line = line_new();

        feed(line, text, cut);
        feed(line, text + cut, len - cut);
        assert_int_equal(status_of(line), 422);
        line_free(line);
        free(text);
    }
    assert_int_equal(w.decisions, len + 1);
}

static void a_request_may_arrive_byte_by_byte(void **state)
{
    char *text = signed_post(BODY);
    struct line *line = line_new();
    unsigned deadlines;

    (void)state;
    say(line, GET);
    deadlines = line->deadlines;
    for (const char *p = text; *p != '\0'; p++)
        feed(line, p, 1);
    /* one for the body, one while it was decided, one to go: dripping gains no time */
    assert_int_equal(line->deadlines - deadlines, 3);
    assert_int_equal(statuses(line), 2);
    assert_int_equal(w.configured, 1);
    line_free(line);
    free(text);
}

static void requests_may_follow_each_other_at_once(void **state)
{
    char *text = signed_post(BODY);
    struct line *line = line_new();
    char *all;

    (void)state;
    w.verdict = MSE_ERR_MISMATCH;
    assert_int_not_equal(asprintf(&all, GET "%s" GET GET, text), -1);
    say(line, all);
    assert_int_equal(statuses(line), 4);
    assert_non_null(strstr(line->out, "HTTP/1.1 422"));
    assert_false(line->finished);
    line_free(line);
    free(all);
    free(text);
}

static void what_is_sent_during_a_decision_waits(void **state)
{
    char *text = signed_post(BODY);
    struct line *line;

    (void)state;
    w.at_once = false;
    w.verdict = MSE_ERR_VALUE;
    line = post(text);
    say(line, GET "GET / HT");
    assert_int_equal(line->len, 0);
    answer_decision();
    assert_int_equal(statuses(line), 2);
    say(line, "TP/1.0\r\n\r\n");
    assert_int_equal(statuses(line), 3);
    assert_true(line->finished);
    line_free(line);
    free(text);
}

static void who_sends_too_much_during_a_decision_gets_its_reply_and_no_more(void **state)
{
    char *text = signed_post(BODY);
    struct line *line;
    unsigned i;

    (void)state;
    w.at_once = false;
    w.verdict = MSE_ERR_VALUE;
    line = post(text);
    for (i = 0; i < 1000; i++)
        say(line, GET);
    assert_true(mse_config_exchanges_held(w.all) <= MSE_CONFIG_HEAD_MAX);
    answer_decision();
    assert_int_equal(statuses(line), 1);
    assert_non_null(strstr(line->out, "Connection: close"));
    assert_true(line->finished);
    line_free(line);
    free(text);
}

static void a_client_that_asks_first_is_told_to_go_on(void **state)
{
    struct line *line = line_new();

    (void)state;
    say(line, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_string_equal(line->out, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(line->deadline_ms, MSE_CONFIG_BODY_MS);
    say(line, "{}");
    assert_non_null(strstr(line->out, "HTTP/1.1 401 "));
    line_free(line);
}

/* ---- who is not the owner ---- */

static void every_failure_to_authenticate_looks_the_same(void **state)
{
    uint8_t nonce[32], old[32] = { 1 };
    char good[89], replayed[89], other_epoch[89], other_body[89];
    char *posts[9];
    char *first = NULL;

    (void)state;
    current_nonce(nonce);
    sign(BODY, nonce, EPOCH, good);
    sign(BODY, old, EPOCH, replayed);
    sign(BODY, nonce, EPOCH - 1, other_epoch);
    sign(OTHER_BODY, nonce, EPOCH, other_body);
    posts[0] = make_post(BODY, NULL, "");
    posts[1] = make_post(BODY, "", "");
    posts[2] = make_post(BODY, "AAAA", "");
    posts[3] = make_post(BODY, replayed, "");
    posts[4] = make_post(BODY, other_epoch, "");
    posts[5] = make_post(BODY, other_body, "");
    posts[6] = make_post("not JSON", other_body, "");
    posts[7] = make_post("", other_body, "");
    good[10] = good[10] == 'A' ? 'B' : 'A';
    posts[8] = make_post(BODY, good, "");
    for (size_t i = 0; i < LEN(posts); i++) {
        struct line *line = post(posts[i]);

        assert_int_equal(status_of(line), 401);
        assert_false(line->finished);
        if (first == NULL)
            first = strdup(line->out); /* with the nonce: it is still the same */
        assert_string_equal(line->out, first);
        line_free(line);
        free(posts[i]);
    }
    free(first);
    assert_int_equal(w.decisions, 0);
}

static void a_signature_counts_once(void **state)
{
    char *text = signed_post(BODY);
    struct line *line;

    (void)state;
    w.verdict = MSE_ERR_SIGNATURE;
    line = post(text);
    assert_int_equal(status_of(line), 422);
    line_free(line);
    line = post(text);
    assert_int_equal(status_of(line), 401);
    line_free(line);
    assert_int_equal(w.decisions, 1);
    free(text);
}

static void a_signature_is_used_up_by_a_body_that_is_refused(void **state)
{
    char *text = signed_post("{\"uuid\":\"11234567-89ab-cdef-0123-456789abcdef\"}");
    struct line *line = post(text);
    uint8_t before[32], after[32];
    char told[80];

    (void)state;
    assert_int_equal(status_of(line), 422);
    assert_non_null(strstr(line->out, "\"code\":\"mismatch\""));
    assert_non_null(strstr(line->out, "11234567-89ab-cdef-0123-456789abcdef is another instance"));
    header(line, "Mse-Nonce: ", told, sizeof(told)); /* the next one, so that nobody has to ask */
    assert_true(mse_hex_read(told, 64, before, 32));
    line_free(line);
    line = post(text);
    assert_int_equal(status_of(line), 401);
    line_free(line);
    current_nonce(after);
    assert_memory_equal(before, after, 32);
    assert_int_equal(w.decisions, 0);
    free(text);
}

static void strangers_cannot_change_the_nonce(void **state)
{
    uint8_t before[32], after[32];
    char *text = make_post(BODY, NULL, "");

    (void)state;
    current_nonce(before);
    for (unsigned i = 0; i < 100; i++)
        line_free(post(text));
    current_nonce(after);
    assert_memory_equal(before, after, 32);
    free(text);
}

/* ---- decisions ---- */

static void a_refused_configuration_leaves_the_door_open(void **state)
{
    /* clang-format off */
    static const struct { enum mse_err_code code; unsigned status; } cases[] = {
        { MSE_ERR_SIGNATURE, 422 }, { MSE_ERR_VALUE, 422 }, { MSE_ERR_MISSING, 422 },
        { MSE_ERR_IO, 500 }, { MSE_ERR_MEMORY, 500 }, { MSE_ERR_CRYPTO, 500 },
    };
    /* clang-format on */
    struct line *line;
    char *text;

    (void)state;
    for (size_t i = 0; i < LEN(cases); i++) {
        w.verdict = cases[i].code;
        text = signed_post(BODY);
        line = post(text);
        assert_int_equal(status_of(line), cases[i].status);
        assert_non_null(strstr(line->out, "code/app.py"));
        assert_non_null(strstr(line->out, mse_err_name(cases[i].code)));
        assert_false(line->finished);
        line_free(line);
        free(text);
    }
    assert_int_equal(w.configured, 0);
    w.verdict = MSE_ERR_NONE;
    text = signed_post(OTHER_BODY);
    line = post(text);
    assert_int_equal(status_of(line), 200);
    assert_string_equal(w.seen, OTHER_BODY);
    line_free(line);
    free(text);
}

static void a_second_candidate_is_sent_away(void **state)
{
    char *one = signed_post(BODY);
    char *two;
    struct line *first, *second;

    (void)state;
    w.at_once = false;
    first = post(one);
    two = signed_post(OTHER_BODY);
    second = post(two);
    assert_int_equal(status_of(second), 409);
    assert_non_null(strstr(second->out, "Retry-After: 1"));
    assert_int_equal(w.decisions, 1);
    assert_memory_equal(w.candidate.body.data, BODY, strlen(BODY)); /* still there */
    line_free(second);
    second = post(two);
    assert_int_equal(status_of(second), 401); /* the 409 has used it up */
    line_free(second);
    free(two);
    two = signed_post(OTHER_BODY);
    answer_decision();
    assert_int_equal(status_of(first), 200);
    second = post(two);
    assert_int_equal(status_of(second), 409);
    assert_non_null(strstr(second->out, "configured already"));
    assert_int_equal(w.decisions, 1);
    line_free(second);
    line_free(first);
    free(two);
    free(one);
}

static void who_went_away_has_configured_nevertheless(void **state)
{
    char *text = signed_post(BODY);
    struct line *line;

    (void)state;
    w.at_once = false;
    line = post(text);
    line_free(line);
    assert_memory_equal(w.candidate.body.data, BODY, strlen(BODY));
    answer_decision();
    assert_int_equal(w.configured, 1);
    free(text);
}

static void a_client_may_half_close_and_wait(void **state)
{
    char *text = signed_post(BODY);
    struct line *line;

    (void)state;
    w.at_once = false;
    w.verdict = MSE_ERR_VALUE;
    line = post(text);
    mse_config_exchange_end(line->exchange);
    assert_false(line->finished);
    answer_decision();
    assert_int_equal(status_of(line), 422);
    assert_true(line->finished);
    line_free(line);
    free(text);
}

static void the_server_may_be_freed_while_something_is_decided(void **state)
{
    char *text = signed_post(BODY);
    struct line *line;

    (void)state;
    w.at_once = false;
    line = post(text);
    line_free(line);
    mse_config_exchanges_free(w.all);
    w.all = NULL;
    assert_memory_equal(w.candidate.body.data, BODY, strlen(BODY));
    answer_decision();
    assert_int_equal(w.configured, 0);
    free(text);
}

static void a_connection_may_vanish_inside_any_write(void **state)
{
    char *text = signed_post(BODY);
    struct line *line = line_new();
    char *all;

    (void)state;
    assert_int_not_equal(asprintf(&all, "%s" GET, text), -1);
    line->free_on_write = true;
    say(line, all);
    assert_int_equal(statuses(line), 1);
    assert_int_equal(w.configured, 1);
    line_free(line);
    line = line_new();
    line->free_on_write = true;
    say(line, "nonsense\r\n\r\n" GET);
    assert_int_equal(statuses(line), 1);
    line_free(line);
    free(all);
    free(text);
}

/* ---- strangers ---- */

/* clang-format off */
static const struct { const char *in; unsigned status; } garbage[] = {
    { "\x16\x03\x01\x02",                                                        400 },
    { "GET / HTTP/1.1\r\n\r\n",                                                  400 },
    { "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n",                  501 },
    { "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",                                   501 },
    { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",                                        505 },
    { "POST / HTTP/1.1\r\nHost: h\r\n\r\n",                                      411 },
    { "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n",           413 },
    { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411 },
};
/* clang-format on */

static void what_is_no_request_is_answered_once_and_ended(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(garbage); i++) {
        struct line *line = line_new();

        say(line, garbage[i].in);
        if (status_of(line) != garbage[i].status)
            fail_msg("%s: %s", garbage[i].in, line->out);
        assert_true(line->finished);
        assert_non_null(strstr(line->out, "application/problem+json"));
        say(line, GET);
        assert_int_equal(statuses(line), 1);
        mse_config_exchange_end(line->exchange);
        line_free(line);
    }
}

static void a_head_of_any_length_is_ended_at_8_kib(void **state)
{
    struct line *line = line_new();
    size_t sent = 0;

    (void)state;
    while (!line->finished && sent < 100000) {
        feed(line, "GET /aaaaaaaaaaaaaaa", 20);
        sent += 20;
        assert_true(mse_config_exchanges_held(w.all) <= MSE_CONFIG_HEAD_MAX);
    }
    assert_true(sent <= MSE_CONFIG_HEAD_MAX + 20);
    assert_int_equal(status_of(line), 414);
    line_free(line);
}

static void half_a_request_leaves_nothing(void **state)
{
    char *text = signed_post(BODY);
    size_t len = strlen(text);

    (void)state;
    for (size_t cut = 0; cut < len; cut++) {
        struct line *line = line_new();

        feed(line, text, cut);
        mse_config_exchange_end(line->exchange);
        assert_true(line->finished);
        assert_int_equal(line->len, 0);
        assert_int_equal(mse_config_exchanges_held(w.all), 0);
        line_free(line);
    }
    assert_int_equal(w.decisions, 0);
    free(text);
}

static void idle_connections_hold_nothing(void **state)
{
    enum { COUNT = 1000 };
    struct line **lines = calloc(COUNT, sizeof(struct line *));
    char *text = signed_post(BODY);
    struct line *line;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        lines[i] = line_new();
        if (i % 2 == 0)
            say(lines[i], GET);
    }
    assert_int_equal(mse_config_exchanges_held(w.all), 0);
    line = post(text);
    assert_int_equal(status_of(line), 200);
    line_free(line);
    for (size_t i = 0; i < COUNT; i++)
        line_free(lines[i]);
    free(lines);
    free(text);
}

/* Announces 1 MiB and sends all but one byte of it. */
static struct line *stuffed_line(const char *filling)
{
    struct line *line = line_new();

    say(line, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n");
    feed(line, filling, 1048575);
    return line;
}

static void when_memory_is_used_up_the_oldest_go(void **state)
{
    enum { COUNT = 40 };
    char *filling = calloc(1, 1048576);
    struct line *lines[COUNT];
    struct line *line;
    char *text;
    unsigned gone = 0;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        lines[i] = stuffed_line(filling);
        assert_true(mse_config_exchanges_held(w.all) <= MSE_CONFIG_HELD_MAX);
    }
    for (size_t i = 0; i < COUNT; i++) {
        gone += lines[i]->finished;
        assert_true(!lines[i]->finished || status_of(lines[i]) == 503);
        assert_true(i == 0 || lines[i - 1]->finished || !lines[i]->finished);
    }
    assert_true(gone >= COUNT - 16 && gone < COUNT);
    assert_non_null(strstr(lines[0]->out, "Retry-After: 1"));
    text = signed_post(BODY);
    line = line_new();
    for (const char *p = text; *p != '\0'; p++)
        feed(line, p, 1);
    assert_int_equal(status_of(line), 200);
    line_free(line);
    for (size_t i = 0; i < COUNT; i++)
        line_free(lines[i]);
    free(text);
    free(filling);
}

static void a_decision_outlives_a_flood(void **state)
{
    enum { COUNT = 20 };
    char *filling = calloc(1, 1048576);
    char *text = signed_post(BODY);
    struct line *lines[COUNT];
    struct line *line;

    (void)state;
    w.at_once = false;
    w.verdict = MSE_ERR_VALUE;
    line = post(text);
    say(line, GET); /* the oldest buffer of all */
    for (size_t i = 0; i < COUNT; i++)
        lines[i] = stuffed_line(filling);
    assert_int_equal(line->len, 0);
    answer_decision();
    assert_int_equal(statuses(line), 1);
    assert_int_equal(status_of(line), 422);
    assert_true(line->finished);
    line_free(line);
    for (size_t i = 0; i < COUNT; i++)
        line_free(lines[i]);
    free(text);
    free(filling);
}

/* ---- unsigned=yes ---- */

#define BARE_401 "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"

static void clients_of_the_original_configure_without_signature(void **state)
{
    char *text = make_post("{\"uuid\":\"" ID "\"}", NULL, "");
    struct line *line = post(text);

    (void)state;
    assert_string_equal(line->out,
                        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_false(w.candidate.has_statement);
    assert_int_equal(w.configured, 1);
    line_free(line);
    free(text);
}

static void they_are_told_nothing_but_401(void **state)
{
    static const char *const bodies[] = {
        "",
        "{",
        "{}",
        "{\"uuid\":\"11234567-89ab-cdef-0123-456789abcdef\"}",
        "{\"uuid\":\"" ID "\",\"code_secret_key\":\"00\"}",
        "{\"uuid\":\"" ID "\",\"app_sealed_secrets\":\"AAAA\"}",
    };

    (void)state;
    for (size_t i = 0; i < LEN(bodies); i++) {
        char *text = make_post(bodies[i], NULL, "");
        struct line *line = post(text);

        assert_string_equal(line->out, BARE_401);
        line_free(line);
        free(text);
    }
    assert_int_equal(w.decisions, 0);
}

static void a_failed_decision_is_a_401_too(void **state)
{
    char *text = make_post("{\"uuid\":\"" ID "\"}", NULL, "");
    struct line *line;

    (void)state;
    w.verdict = MSE_ERR_SIGNATURE;
    line = post(text);
    assert_string_equal(line->out, BARE_401);
    line_free(line);
    free(text);
}

static void a_signature_that_is_not_asked_for_has_to_be_right(void **state)
{
    char *text = make_post(BODY, "AAAA", "");
    struct line *line = post(text);

    (void)state;
    assert_string_equal(line->out, BARE_401);
    line_free(line);
    free(text);
    text = signed_post(BODY);
    line = post(text);
    assert_int_equal(status_of(line), 200);
    assert_true(w.candidate.has_statement);
    line_free(line);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
#define BARE(name) cmocka_unit_test_setup_teardown(name, open_bare_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whoever_asks_is_told_nonce_and_epoch),
        TEST(the_owner_configures),
        TEST(the_candidate_has_all_that_was_sent),
        TEST(a_request_may_arrive_in_any_pieces),
        TEST(a_request_may_arrive_byte_by_byte),
        TEST(requests_may_follow_each_other_at_once),
        TEST(what_is_sent_during_a_decision_waits),
        TEST(who_sends_too_much_during_a_decision_gets_its_reply_and_no_more),
        TEST(a_client_that_asks_first_is_told_to_go_on),
        TEST(every_failure_to_authenticate_looks_the_same),
        TEST(a_signature_counts_once),
        TEST(a_signature_is_used_up_by_a_body_that_is_refused),
        TEST(strangers_cannot_change_the_nonce),
        TEST(a_refused_configuration_leaves_the_door_open),
        TEST(a_second_candidate_is_sent_away),
        TEST(who_went_away_has_configured_nevertheless),
        TEST(a_client_may_half_close_and_wait),
        TEST(the_server_may_be_freed_while_something_is_decided),
        TEST(a_connection_may_vanish_inside_any_write),
        TEST(what_is_no_request_is_answered_once_and_ended),
        TEST(a_head_of_any_length_is_ended_at_8_kib),
        TEST(half_a_request_leaves_nothing),
        TEST(idle_connections_hold_nothing),
        TEST(when_memory_is_used_up_the_oldest_go),
        TEST(a_decision_outlives_a_flood),
        BARE(clients_of_the_original_configure_without_signature),
        BARE(they_are_told_nothing_but_401),
        BARE(a_failed_decision_is_a_401_too),
        BARE(a_signature_that_is_not_asked_for_has_to_be_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
