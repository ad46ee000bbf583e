/* SPDX-License-Identifier: Apache-2.0 */
/* The instance file: what the host may say, and every way of saying it wrongly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "enclave/instance_file.h"
#include "exact.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1767225600) /* 2026-01-01T00:00:00Z */
#define NAME "\"name\":\"app.example\""
#define CONFIG "\"config_name\":\"i1.config.example\""
#define UUID "\"uuid\":\"01234567-89ab-cdef-0123-456789abcdef\""
#define AFTER "\"not_after\":\"2026-07-01T00:00:00Z\""
#define LISTEN "\"listen\":\"0.0.0.0:443\""
#define FOUR NAME "," CONFIG "," UUID "," AFTER
#define GOOD "{" FOUR "," LISTEN "}"
#define WITH(more) ("{" FOUR "," LISTEN "," more "}")
#define EDGES(list) WITH("\"edge\":" list)
#define NINE "\"10.0.0.0/8\","

static const char full[] =
    "{" FOUR ",\"listen\":\"[::1]:0\",\"subject\":\"Soci\xc3\xa9t\xc3\xa9\","
    "\"edge\":[\"10.1.0.0/16\",\"192.0.2.7/32\",\"2001:db8:8000::/33\"],\"proxy_to_app\":true,"
    "\"statement\":\"MAMCAQE=\"}";

static bool parse(const char *text, struct mse_instance_file *out, struct mse_error *err)
{
    struct mse_bytes in = exact_copy(MSE_CSTR_BYTES(text), strlen(text));
    bool ok;

    *err = (struct mse_error){ 0 };
    ok = mse_instance_file_parse(in, NOW, out, err);
    exact_free(in);
    return ok;
}

static void the_five_mandatory_members_are_enough(void **state)
{
    struct mse_instance_file file;
    struct mse_error err;

    (void)state;
    assert_true(parse(GOOD, &file, &err));
    assert_string_equal(file.name, "app.example");
    assert_string_equal(file.config_name, "i1.config.example");
    assert_string_equal(file.uuid, "01234567-89ab-cdef-0123-456789abcdef");
    assert_int_equal(file.not_after, 1782864000); /* date -d 2026-07-01T00:00:00Z +%s */
    assert_string_equal(file.listen, "0.0.0.0:443");
    assert_null(file.organization);
    assert_null(file.statement);
    assert_false(file.proxy_to_app);
    assert_int_equal(file.edge_count, 0);
    mse_instance_file_cleanup(&file);
    assert_null(file.name);
}

static void every_member_is_read(void **state)
{
    static const uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, 0x01 };
    static const uint8_t mapped[16] = { [10] = 0xff, 0xff, 10, 1 };
    struct mse_instance_file file;
    struct mse_error err;

    (void)state;
    assert_true(parse(full, &file, &err));
    assert_string_equal(file.listen, "[::1]:0");
    assert_string_equal(file.organization, "Soci\xc3\xa9t\xc3\xa9");
    assert_true(file.proxy_to_app);
    assert_int_equal(file.statement_len, sizeof(der));
    assert_memory_equal(file.statement, der, sizeof(der));
    assert_int_equal(file.edge_count, 3);
    assert_memory_equal(file.edges[0].address, mapped, 16);
    assert_int_equal(file.edges[0].prefix, 112);
    assert_int_equal(file.edges[1].prefix, 128);
    assert_int_equal(file.edges[2].prefix, 33);
    mse_instance_file_cleanup(&file);
}

static void every_prefix_is_cut_short(void **state)
{
    struct mse_bytes whole = MSE_CSTR_BYTES(full);
    struct mse_instance_file file;

    (void)state;
    for (size_t n = 0; n < whole.len; n++) {
        struct mse_bytes cut = exact_copy(whole, n);
        struct mse_error err = { 0 };

        assert_false(mse_instance_file_parse(cut, NOW, &file, &err));
        assert_int_equal(err.code, MSE_ERR_TRUNCATED);
        assert_null(file.name);
        exact_free(cut);
    }
}

#define X64 "0123456789012345678901234567890123456789012345678901234567890123"

/* clang-format off */
static const struct { const char *name; const char *text; enum mse_err_code want; const char *field; }
cases[] = {
    { "an array",               "[]",                                              MSE_ERR_FORMAT, "json" },
    { "not JSON",               "name = 1",                                        MSE_ERR_FORMAT, "json" },
    { "trailing",               GOOD "x",                                          MSE_ERR_TRAILING, "json" },
    { "unknown",                WITH("\"cert\":\"self\""),                         MSE_ERR_UNKNOWN_KEY, "cert" },
    { "capitals",               WITH("\"Edge\":[]"),                               MSE_ERR_UNKNOWN_KEY, "Edge" },
    { "twice",                  WITH("\"n\\u0061me\":\"x\""),                      MSE_ERR_DUPLICATE, "json" },
    { "no name",                "{" CONFIG "," UUID "," AFTER "," LISTEN "}",      MSE_ERR_MISSING, "name" },
    { "no config_name",         "{" NAME "," UUID "," AFTER "," LISTEN "}",        MSE_ERR_MISSING, "config_name" },
    { "no uuid",                "{" NAME "," CONFIG "," AFTER "," LISTEN "}",      MSE_ERR_MISSING, "uuid" },
    { "no not_after",           "{" NAME "," CONFIG "," UUID "," LISTEN "}",       MSE_ERR_MISSING, "not_after" },
    { "no listen",              "{" FOUR "}",                                      MSE_ERR_MISSING, "listen" },
    { "name is a number",       "{\"name\":1," CONFIG "," UUID "," AFTER "," LISTEN "}", MSE_ERR_VALUE, "name" },
    { "name in capitals",       "{\"name\":\"App.example\"," CONFIG "," UUID "," AFTER "," LISTEN "}", MSE_ERR_VALUE, "name" },
    { "wildcard",               "{\"name\":\"*.example\"," CONFIG "," UUID "," AFTER "," LISTEN "}", MSE_ERR_VALUE, "name" },
    { "NUL in the name",        "{\"name\":\"a\\u0000b\"," CONFIG "," UUID "," AFTER "," LISTEN "}", MSE_ERR_VALUE, "name" },
    { "empty config name",      "{" NAME ",\"config_name\":\"\"," UUID "," AFTER "," LISTEN "}", MSE_ERR_VALUE, "config_name" },
    { "uuid without dashes",    "{" NAME "," CONFIG ",\"uuid\":\"0123456789abcdef0123456789abcdef\"," AFTER "," LISTEN "}", MSE_ERR_VALUE, "uuid" },
    { "uuid in capitals",       "{" NAME "," CONFIG ",\"uuid\":\"01234567-89AB-cdef-0123-456789abcdef\"," AFTER "," LISTEN "}", MSE_ERR_VALUE, "uuid" },
    { "uuid is null",           "{" NAME "," CONFIG ",\"uuid\":null," AFTER "," LISTEN "}", MSE_ERR_VALUE, "uuid" },
    { "over since this second", "{" NAME "," CONFIG "," UUID ",\"not_after\":\"2026-01-01T00:00:00Z\"," LISTEN "}", MSE_ERR_EXPIRED, "not_after" },
    { "398 days and a second",  "{" NAME "," CONFIG "," UUID ",\"not_after\":\"2027-02-03T00:00:01Z\"," LISTEN "}", MSE_ERR_LIMIT, "not_after" },
    { "a number as time",       "{" NAME "," CONFIG "," UUID ",\"not_after\":1798761600," LISTEN "}", MSE_ERR_VALUE, "not_after" },
    { "no such day",            "{" NAME "," CONFIG "," UUID ",\"not_after\":\"2026-02-30T00:00:00Z\"," LISTEN "}", MSE_ERR_VALUE, "not_after" },
    { "empty subject",          WITH("\"subject\":\"\""),                          MSE_ERR_VALUE, "subject" },
    { "subject of 65 bytes",    WITH("\"subject\":\"" X64 "x\""),                  MSE_ERR_VALUE, "subject" },
    { "control in the subject", WITH("\"subject\":\"a\\u001bb\""),                 MSE_ERR_VALUE, "subject" },
    { "subject is an object",   WITH("\"subject\":{}"),                            MSE_ERR_VALUE, "subject" },
    { "listen without port",    "{" FOUR ",\"listen\":\"0.0.0.0\"}",               MSE_ERR_VALUE, "listen" },
    { "listen without address", "{" FOUR ",\"listen\":\":443\"}",                  MSE_ERR_VALUE, "listen" },
    { "listen on a name",       "{" FOUR ",\"listen\":\"localhost:443\"}",         MSE_ERR_VALUE, "listen" },
    { "IPv6 without brackets",  "{" FOUR ",\"listen\":\"::1:443\"}",               MSE_ERR_VALUE, "listen" },
    { "IPv4 in brackets",       "{" FOUR ",\"listen\":\"[127.0.0.1]:443\"}",       MSE_ERR_VALUE, "listen" },
    { "open bracket",           "{" FOUR ",\"listen\":\"[::1:443\"}",              MSE_ERR_VALUE, "listen" },
    { "only a bracket",         "{" FOUR ",\"listen\":\"[:443\"}",                 MSE_ERR_VALUE, "listen" },
    { "port 65536",             "{" FOUR ",\"listen\":\"0.0.0.0:65536\"}",         MSE_ERR_VALUE, "listen" },
    { "port with a zero",       "{" FOUR ",\"listen\":\"0.0.0.0:0443\"}",          MSE_ERR_VALUE, "listen" },
    { "port with a sign",       "{" FOUR ",\"listen\":\"0.0.0.0:+443\"}",          MSE_ERR_VALUE, "listen" },
    { "long address",           "{" FOUR ",\"listen\":\"" X64 ":443\"}",           MSE_ERR_VALUE, "listen" },
    { "edge is a string",       EDGES("\"10.0.0.0/8\""),                           MSE_ERR_VALUE, "edge" },
    { "edge of numbers",        EDGES("[10]"),                                     MSE_ERR_VALUE, "edge" },
    { "edge without prefix",    EDGES("[\"10.0.0.0\"]"),                           MSE_ERR_VALUE, "edge" },
    { "edge with bits behind",  EDGES("[\"10.0.0.1/8\"]"),                         MSE_ERR_VALUE, "edge" },
    { "edge with one bit behind", EDGES("[\"10.128.0.0/8\"]"),                     MSE_ERR_VALUE, "edge" },
    { "edge /33",               EDGES("[\"10.0.0.0/33\"]"),                        MSE_ERR_VALUE, "edge" },
    { "edge /129",              EDGES("[\"::/129\"]"),                             MSE_ERR_VALUE, "edge" },
    { "edge with empty prefix", EDGES("[\"::/\"]"),                                MSE_ERR_VALUE, "edge" },
    { "edge of a name",         EDGES("[\"edge.example/32\"]"),                    MSE_ERR_VALUE, "edge" },
    { "edge of nothing",        EDGES("[\"/8\"]"),                                 MSE_ERR_VALUE, "edge" },
    { "nine edges",             EDGES("[" NINE NINE NINE NINE NINE NINE NINE NINE "\"::/0\"]"), MSE_ERR_LIMIT, "edge" },
    { "proxy_to_app is 1",      WITH("\"proxy_to_app\":1"),                        MSE_ERR_VALUE, "proxy_to_app" },
    { "statement is no base64", WITH("\"statement\":\"MAMCAQE\""),                 MSE_ERR_VALUE, "statement" },
    { "empty statement",        WITH("\"statement\":\"\""),                        MSE_ERR_VALUE, "statement" },
    { "statement with escapes", WITH("\"statement\":\"\\u004dAMCAQE=\""),          MSE_ERR_VALUE, "statement" },
};
/* clang-format on */

static void each_wrong_file_is_refused_for_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(cases); i++) {
        struct mse_instance_file file;
        struct mse_error err;

        if (parse(cases[i].text, &file, &err) || err.code != cases[i].want ||
            strstr(err.field, cases[i].field) == NULL)
            fail_msg("%s: %s %s: %s", cases[i].name, mse_err_name(err.code), err.field, err.text);
        assert_null(file.name);
        assert_null(file.listen);
    }
}

static void the_limits_themselves_are_allowed(void **state)
{
    static const char *const texts[] = {
        "{" NAME "," CONFIG "," UUID ",\"not_after\":\"2027-02-03T00:00:00Z\"," LISTEN "}",
        "{" NAME "," CONFIG "," UUID ",\"not_after\":\"2026-01-01T00:00:01Z\"," LISTEN "}",
        WITH("\"subject\":\"" X64 "\""),
        "{" FOUR ",\"listen\":\"0.0.0.0:65535\"}",
        EDGES("[]"),
        EDGES("[" NINE NINE NINE NINE NINE NINE NINE "\"::/0\"]"),
        EDGES("[\"0.0.0.0/0\"]"),
        "{\"name\":\"192.0.2.7\"," CONFIG "," UUID "," AFTER "," LISTEN "}",
    };

    (void)state;
    for (size_t i = 0; i < LEN(texts); i++) {
        struct mse_instance_file file;
        struct mse_error err;

        if (!parse(texts[i], &file, &err))
            fail_msg("%s: %s %s", texts[i], err.field, err.text);
        mse_instance_file_cleanup(&file);
    }
}

static void a_file_larger_than_4_kib_is_not_read(void **state)
{
    char *text = malloc(MSE_INSTANCE_MAX_SIZE + 2);
    struct mse_instance_file file;
    struct mse_error err;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', MSE_INSTANCE_MAX_SIZE + 1);
    memcpy(text, GOOD, strlen(GOOD));
    text[MSE_INSTANCE_MAX_SIZE] = '\0';
    assert_true(parse(text, &file, &err));
    mse_instance_file_cleanup(&file);
    text[MSE_INSTANCE_MAX_SIZE] = ' ';
    text[MSE_INSTANCE_MAX_SIZE + 1] = '\0';
    assert_false(parse(text, &file, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    free(text);
}

/* clang-format off */ /* expected: Python's ipaddress, IPv4 mapped as RFC 4291, 2.5.5.2 */
static const struct { const char *edge; const char *peer; bool want; } peers[] = {
    { "10.1.0.0/16",          "10.1.255.255",        true },
    { "10.1.0.0/16",          "10.2.0.0",            false },
    { "10.1.0.0/16",          "::ffff:10.1.2.3",     true },
    { "10.1.0.0/16",          "::10.1.2.3",          false },
    { "192.0.2.7/32",         "192.0.2.7",           true },
    { "192.0.2.7/32",         "192.0.2.6",           false },
    { "192.0.2.128/25",       "192.0.2.127",         false },
    { "192.0.2.128/25",       "192.0.2.129",         true },
    { "0.0.0.0/0",            "203.0.113.1",         true },
    { "0.0.0.0/0",            "2001:db8::1",         false },
    { "::/0",                 "203.0.113.1",         true },
    { "::/0",                 "2001:db8::1",         true },
    { "::ffff:10.0.0.0/104",  "10.9.9.9",            true },
    { "2001:db8:8000::/33",   "2001:db8:8000::1",    true },
    { "2001:db8:8000::/33",   "2001:db8:7fff::1",    false },
    { "2001:db8::1/128",      "2001:db8::1",         true },
    { "2001:db8::1/128",      "2001:db8::3",         false },
};
/* clang-format on */

static void a_peer_is_an_edge_if_it_lies_in_a_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(peers); i++) {
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        bool is_v4 = inet_pton(AF_INET, peers[i].peer, &v4.sin_addr) == 1;
        struct mse_instance_file file;
        struct mse_error err;
        char text[1024];

        assert_true(is_v4 || inet_pton(AF_INET6, peers[i].peer, &v6.sin6_addr) == 1);
        (void)snprintf(text, sizeof(text),
                       "{" FOUR "," LISTEN ",\"edge\":[\"198.51.100.0/24\",\"%s\"]}",
                       peers[i].edge);
        assert_true(parse(text, &file, &err));
        if (mse_instance_file_is_edge(&file, is_v4 ? (struct sockaddr *)&v4
                                                   : (struct sockaddr *)&v6) != peers[i].want)
            fail_msg("%s in %s", peers[i].peer, peers[i].edge);
        mse_instance_file_cleanup(&file);
    }
}

static void no_other_address_is_an_edge(void **state)
{
    struct sockaddr local = { .sa_family = AF_UNIX };
    struct mse_instance_file file;
    struct mse_error err;

    (void)state;
    assert_true(parse(EDGES("[\"::/0\"]"), &file, &err));
    assert_false(mse_instance_file_is_edge(&file, &local));
    mse_instance_file_cleanup(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_five_mandatory_members_are_enough),
        cmocka_unit_test(every_member_is_read),
        cmocka_unit_test(every_prefix_is_cut_short),
        cmocka_unit_test(each_wrong_file_is_refused_for_its_reason),
        cmocka_unit_test(the_limits_themselves_are_allowed),
        cmocka_unit_test(a_file_larger_than_4_kib_is_not_read),
        cmocka_unit_test(a_peer_is_an_edge_if_it_lies_in_a_range),
        cmocka_unit_test(no_other_address_is_an_edge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
