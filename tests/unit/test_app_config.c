/* SPDX-License-Identifier: Apache-2.0 */
/* mse.toml: each limit and the value beside it, places of errors, the nearest key, paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "exact.h"
#include "package/app_config.h"
#include "package/app_paths.h"

#define FILE_NAME "dir/mse.toml"
#define NOW 1767225600 /* 2026-01-01T00:00:00Z */

/* before, count times fill, after: a value of any length. */
struct value {
    const char *before, *fill;
    unsigned count;
    const char *after;
};
#define V(text)                                                                                    \
    {                                                                                              \
        (text), "", 0, ""                                                                          \
    }
#define TEXT(fill, count)                                                                          \
    {                                                                                              \
        "\"", (fill), (count), "\""                                                                \
    }

/* clang-format off */
static const struct {
    const char *table, *key;
    struct value value;
    enum mse_err_code want;
} limits[] = {
    { "", "name", TEXT("x", 0), MSE_ERR_VALUE },
    { "", "name", TEXT(" ", 3), MSE_ERR_VALUE }, /* trimmed */
    { "", "name", TEXT("x", 1), MSE_ERR_NONE },
    { "", "name", TEXT("x", 255), MSE_ERR_NONE },
    { "", "name", TEXT("x", 256), MSE_ERR_VALUE },
    { "", "name", TEXT("\xc3\xa9", 255), MSE_ERR_NONE }, /* characters, not bytes */
    { "", "name", TEXT("\xc3\xa9", 256), MSE_ERR_VALUE },
    { "", "name", V("\"a\\nb\""), MSE_ERR_VALUE },
    { "", "name", V("\"a\\u001bb\""), MSE_ERR_VALUE },
    { "", "name", V("7"), MSE_ERR_VALUE },
    { "", "name", V("[\"a\"]"), MSE_ERR_VALUE },
    { "", "python_application", V("\"app:app\""), MSE_ERR_NONE },
    { "", "python_application", V("\"app\""), MSE_ERR_VALUE },
    { "", "python_application", V("\"app:\""), MSE_ERR_VALUE },
    { "", "python_application", V("\":app\""), MSE_ERR_VALUE },
    { "", "python_application", V("\"a:b:c\""), MSE_ERR_VALUE },
    { "", "python_application", V("\"a b:c\""), MSE_ERR_VALUE },
    { "", "python_application", { "\"a:", "x", 253, "\"" }, MSE_ERR_NONE },
    { "", "python_application", { "\"a:", "x", 254, "\"" }, MSE_ERR_VALUE },
    { "", "healthcheck_endpoint", V("\"/\""), MSE_ERR_NONE },
    { "", "healthcheck_endpoint", V("\"\""), MSE_ERR_VALUE },
    { "", "healthcheck_endpoint", V("\"health\""), MSE_ERR_VALUE },
    { "", "healthcheck_endpoint", V("\"/a?b=c\""), MSE_ERR_VALUE },
    { "", "healthcheck_endpoint", V("\"/a#b\""), MSE_ERR_VALUE },
    { "", "healthcheck_endpoint", V("\"/a b\""), MSE_ERR_VALUE },
    { "", "healthcheck_endpoint", V("\"/\xc3\xa9\""), MSE_ERR_VALUE },
    { "", "healthcheck_endpoint", { "\"/", "x", 2047, "\"" }, MSE_ERR_NONE },
    { "", "healthcheck_endpoint", { "\"/", "x", 2048, "\"" }, MSE_ERR_VALUE },
    { "", "memory", V("32"), MSE_ERR_VALUE },
    { "", "memory", V("64"), MSE_ERR_NONE },
    { "", "memory", V("65"), MSE_ERR_VALUE },
    { "", "memory", V("1048576"), MSE_ERR_NONE },
    { "", "memory", V("2097152"), MSE_ERR_VALUE },
    { "", "memory", V("-64"), MSE_ERR_VALUE },
    { "", "memory", V("0"), MSE_ERR_VALUE },
    { "", "memory", V("4294967360"), MSE_ERR_VALUE }, /* 2^32 + 64 */
    { "", "memory", V("64.0"), MSE_ERR_VALUE },
    { "", "memory", V("\"64\""), MSE_ERR_VALUE },
    { "", "threads", V("0"), MSE_ERR_VALUE },
    { "", "threads", V("1"), MSE_ERR_NONE },
    { "", "threads", V("4096"), MSE_ERR_NONE },
    { "", "threads", V("4097"), MSE_ERR_VALUE },
    { "", "threads", V("-1"), MSE_ERR_VALUE },
    { "", "threads", V("true"), MSE_ERR_VALUE },
    { "", "tests_cmd", V("\"pytest\""), MSE_ERR_NONE },
    { "", "tests_cmd", V("\"\""), MSE_ERR_VALUE },
    { "", "tests_cmd", TEXT("x", 4092), MSE_ERR_NONE },
    { "", "tests_cmd", TEXT("x", 4093), MSE_ERR_VALUE },
    { "", "tests_requirements", V("[]"), MSE_ERR_NONE },
    { "", "tests_requirements", V("\"pytest\""), MSE_ERR_VALUE },
    { "", "tests_requirements", V("[1]"), MSE_ERR_VALUE },
    { "", "tests_requirements", { "[", "\"x\",", 256, "]" }, MSE_ERR_NONE },
    { "", "tests_requirements", { "[", "\"x\",", 257, "]" }, MSE_ERR_VALUE },
    { "cloud", "code", V("\"src\""), MSE_ERR_NONE },
    { "cloud", "code", V("\"\""), MSE_ERR_VALUE },
    { "cloud", "code", TEXT("x", 4092), MSE_ERR_NONE },
    { "cloud", "code", TEXT("x", 4093), MSE_ERR_VALUE },
    { "cloud", "tests", V("\"tests\""), MSE_ERR_NONE },
    { "cloud", "tests", V("\"\""), MSE_ERR_VALUE },
    { "cloud", "docker", V("\"image:1\""), MSE_ERR_NONE },
    { "cloud", "docker", V("\"\""), MSE_ERR_VALUE },
    { "cloud", "project", TEXT("x", 1), MSE_ERR_NONE },
    { "cloud", "project", TEXT("x", 0), MSE_ERR_VALUE },
    { "cloud", "project", TEXT("x", 255), MSE_ERR_NONE },
    { "cloud", "project", TEXT("x", 256), MSE_ERR_VALUE },
    { "cloud", "hardware", TEXT("x", 0), MSE_ERR_VALUE },
    { "cloud", "hardware", TEXT("x", 1), MSE_ERR_NONE },
    { "cloud", "hardware", TEXT("x", 16), MSE_ERR_NONE },
    { "cloud", "hardware", TEXT("x", 17), MSE_ERR_VALUE },
    { "cloud", "secrets", V("\"secrets.json\""), MSE_ERR_NONE },
    { "cloud", "secrets", V("{}"), MSE_ERR_VALUE },
    { "cloud", "dev_mode", V("true"), MSE_ERR_NONE },
    { "cloud", "dev_mode", V("\"true\""), MSE_ERR_VALUE },
    { "cloud", "expiration_date", V("2026-01-01T00:00:00Z"), MSE_ERR_VALUE }, /* is now */
    { "cloud", "expiration_date", V("2026-01-01T00:00:01Z"), MSE_ERR_NONE },
    { "cloud", "expiration_date", V("2026-01-02"), MSE_ERR_VALUE }, /* no time */
    { "cloud", "expiration_date", V("12:00:00"), MSE_ERR_VALUE },
    { "cloud", "expiration_date", V("1798761600"), MSE_ERR_VALUE },
    { "cloud", "expiration_date", V("\"2026-02-29T00:00:00Z\""), MSE_ERR_VALUE },
    { "cloud", "expiration_date", V("\"2026-02-28T00:00:00Z \""), MSE_ERR_VALUE },
    { "cloud", "expiration_date", V("\"2026-02-28T00:00:00+0100\""), MSE_ERR_VALUE },
    { "cloud", "expiration_date", V("\"2026-02-28T00:00:00+24:00\""), MSE_ERR_VALUE },
    { "cloud", "expiration_date", V("\"2026-02-28T00:00:00.Z\""), MSE_ERR_VALUE },
    { "cloud", "expiration_date", V("\"\""), MSE_ERR_VALUE },
    { "cloud", "ssl", V("true"), MSE_ERR_VALUE },
    { "cloud.ssl", "domain_name", TEXT("x", 0), MSE_ERR_VALUE },
    { "cloud.ssl", "domain_name", TEXT("x", 1), MSE_ERR_NONE },
    { "cloud.ssl", "domain_name", TEXT("x", 255), MSE_ERR_NONE },
    { "cloud.ssl", "domain_name", TEXT("x", 256), MSE_ERR_VALUE },
    { "cloud.ssl", "private_key", V("\"../key.pem\""), MSE_ERR_NONE },
    { "cloud.ssl", "private_key", V("\"\""), MSE_ERR_VALUE },
    { "cloud.ssl", "certificate", V("\"cert.pem\""), MSE_ERR_NONE },
    { "cloud.ssl", "certificate", V("1"), MSE_ERR_VALUE },
};

/* What a document has besides the key under test. */
static const struct {
    const char *table, *key, *value;
} others[] = {
    { "", "name", "\"app\"" },
    { "", "python_application", "\"app:app\"" },
    { "", "healthcheck_endpoint", "\"/\"" },
    { "cloud", "code", "\"src\"" },
    { "cloud.ssl", "domain_name", "\"app.example\"" },
    { "cloud.ssl", "private_key", "\"key.pem\"" },
    { "cloud.ssl", "certificate", "\"cert.pem\"" },
};
/* clang-format on */
#define OTHER_COUNT (sizeof(others) / sizeof(others[0]))

static void put_value(struct mse_writer *w, const struct value *v)
{
    mse_write_text(w, v->before);
    for (unsigned i = 0; i < v->count; i++)
        mse_write_text(w, v->fill);
    mse_write_text(w, v->after);
}

/* All others and key = value; value may be NULL: left out. Tables as far as they are needed. */
static struct mse_bytes document(const char *table, const char *key, const struct value *value,
                                 struct mse_writer *w)
{
    static const char *const tables[] = { "", "cloud", "cloud.ssl" };

    for (size_t t = 0; t < 3 && (t == 0 || strncmp(table, tables[t], strlen(tables[t])) == 0);
         t++) {
        if (t > 0)
            mse_write_format(w, "[%s]\n", tables[t]);
        for (size_t i = 0; i < OTHER_COUNT; i++) {
            if (strcmp(others[i].table, tables[t]) == 0 && strcmp(others[i].key, key) != 0)
                mse_write_format(w, "%s = %s\n", others[i].key, others[i].value);
        }
        if (value != NULL && strcmp(table, tables[t]) == 0) {
            mse_write_format(w, "%s = ", key);
            put_value(w, value);
            mse_write_text(w, "\n");
        }
    }
    assert_true(mse_writer_ok(w));
    return mse_writer_bytes(w);
}

struct heard {
    char lines[8][512];
    size_t count;
};

static void hear(void *context, const char *line)
{
    struct heard *heard = context;

    assert_true(heard->count < 8);
    (void)snprintf(heard->lines[heard->count++], sizeof(heard->lines[0]), "%s", line);
}

static bool parse(struct mse_bytes in, struct mse_app_config *out, struct mse_error *err)
{
    return mse_app_config_parse(in, FILE_NAME, NOW, 0, NULL, NULL, out, err);
}

static bool parse_text(const char *text, struct mse_app_config *out, struct mse_error *err)
{
    return parse(MSE_CSTR_BYTES(text), out, err);
}

static void each_limit_is_kept_and_its_neighbour_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct mse_writer w = { 0 };
        struct mse_error err = { 0 };
        struct mse_app_config c;
        bool ok = parse(document(limits[i].table, limits[i].key, &limits[i].value, &w), &c, &err);

        if (err.code != limits[i].want || ok != (limits[i].want == MSE_ERR_NONE))
            fail_msg("row %zu, %s: %s %s %s", i, limits[i].key, mse_err_name(err.code), err.field,
                     err.text);
        if (!ok) {
            assert_non_null(strstr(err.text, limits[i].key));
            assert_memory_equal(err.field, FILE_NAME ":", strlen(FILE_NAME ":"));
            assert_null(c.name);
        }
        mse_app_config_cleanup(&c);
        mse_writer_cleanup(&w);
    }
}

static void a_required_key_that_is_missing_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < OTHER_COUNT; i++) {
        struct mse_writer w = { 0 };
        struct mse_error err = { 0 };
        struct mse_app_config c;

        assert_false(parse(document(others[i].table, others[i].key, NULL, &w), &c, &err));
        assert_int_equal(err.code, MSE_ERR_MISSING);
        assert_non_null(strstr(err.text, others[i].key));
        mse_writer_cleanup(&w);
    }
}

#define BASE "name = \"app\"\nhealthcheck_endpoint = \"/\"\n"

static const struct {
    const char *text;
    enum mse_err_code want;
} commands[] = {
    { BASE "command = [\"./run\"]\n", MSE_ERR_NONE },
    { BASE "command = [\"sh\", \"\", \" x \"]\n", MSE_ERR_NONE },
    { BASE "command = []\n", MSE_ERR_VALUE },
    { BASE "command = [\"\"]\n", MSE_ERR_VALUE },
    { BASE "command = [\"a\\nb\"]\n", MSE_ERR_VALUE },
    { BASE "command = [\"a\", 1]\n", MSE_ERR_VALUE },
    { BASE "command = \"./run\"\n", MSE_ERR_VALUE },
    { BASE "command = [\"./run\"]\npython_application = \"a:b\"\n", MSE_ERR_VALUE },
    { BASE, MSE_ERR_MISSING },
};

static void exactly_one_of_application_and_command_is_given(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_app_config c;

        (void)!parse_text(commands[i].text, &c, &err);
        if (err.code != commands[i].want)
            fail_msg("row %zu: %s", i, mse_err_name(err.code));
        mse_app_config_cleanup(&c);
    }
}

static void a_command_has_256_words_of_4092_bytes_at_most(void **state)
{
    static const struct {
        unsigned words, bytes;
        enum mse_err_code want;
    } rows[] = {
        { 256, 1, MSE_ERR_NONE },
        { 257, 1, MSE_ERR_VALUE },
        { 1, 4092, MSE_ERR_NONE },
        { 1, 4093, MSE_ERR_VALUE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct value word = TEXT("x", rows[i].bytes);
        struct mse_writer w = { 0 };
        struct mse_error err = { 0 };
        struct mse_app_config c;

        mse_write_text(&w, BASE "command = [");
        for (unsigned k = 0; k < rows[i].words; k++) {
            put_value(&w, &word);
            mse_write_text(&w, ",");
        }
        mse_write_text(&w, "]\n");
        (void)!parse(mse_writer_bytes(&w), &c, &err);
        assert_int_equal(err.code, rows[i].want);
        assert_int_equal(c.command_count, rows[i].want == MSE_ERR_NONE ? rows[i].words : 0);
        mse_app_config_cleanup(&c);
        mse_writer_cleanup(&w);
    }
}

static void values_arrive_and_defaults_are_filled_in(void **state)
{
    struct mse_error err = { 0 };
    struct mse_app_config c;

    (void)state;
    assert_true(parse_text("name = \"  my app \"\n"
                           "healthcheck_endpoint = \"/health\"\n"
                           "command = [\"python3\", \"-u\", \"app.py\"]\n"
                           "tests_cmd = \"pytest\"\n"
                           "tests_requirements = [\"pytest==7\", \"requests\"]\n"
                           "[cloud]\ncode = \"src\"\ntests = \"/abs/tests\"\n"
                           "docker = \"d\"\nproject = \"p\"\nhardware = \"h\"\n"
                           "secrets = \"secrets.json\"\ndev_mode = true\n"
                           "[cloud.ssl]\ndomain_name = \"a.example\"\nprivate_key = \"k.pem\"\n"
                           "certificate = \"../c.pem\"\n",
                           &c, &err));
    assert_string_equal(c.name, "my app");
    assert_string_equal(c.health, "/health");
    assert_null(c.python);
    assert_int_equal(c.command_count, 3);
    assert_string_equal(c.command[2], "app.py");
    assert_int_equal(c.memory, 1024);
    assert_int_equal(c.threads, 64);
    assert_int_equal(c.tests_requirement_count, 2);
    assert_string_equal(c.tests_requirements[1], "requests");
    assert_true(c.has_cloud);
    assert_string_equal(c.code, "dir/src");
    assert_string_equal(c.tests, "/abs/tests");
    assert_string_equal(c.secrets, "dir/secrets.json");
    assert_false(c.has_expiration);
    assert_false(c.dev_mode); /* not from a file */
    assert_true(c.has_ssl);
    assert_string_equal(c.ssl_private_key, "dir/k.pem");
    assert_string_equal(c.ssl_certificate, "dir/../c.pem");
    mse_app_config_cleanup(&c);
    assert_null(c.name);
    assert_null(c.command[0]);
}

/* Seconds of datetime.timestamp() in Python. Local time is one hour and a half east of UTC. */
static const struct {
    const char *value;
    int64_t want;
} instants[] = {
    { "2026-06-01T12:00:00Z", 1780315200 },
    { "2026-06-01T12:00:00", 1780309800 },
    { "2026-06-01 12:00:00", 1780309800 },
    { "2026-06-01T12:00:00.999", 1780309800 },
    { "2026-06-01T12:00:00+02:00", 1780308000 },
    { "2026-06-01T12:00:00-07:30", 1780342200 },
    { "\"2026-06-01T12:00:00Z\"", 1780315200 },
    { "\"2026-06-01t12:00:00z\"", 1780315200 },
    { "\"2026-06-01 12:00:00.25-07:30\"", 1780342200 },
    { "\"2026-06-01T12:00:00\"", 1780309800 },
};

static void an_instant_without_a_zone_is_local(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++) {
        const struct value value = V(instants[i].value);
        struct mse_writer w = { 0 };
        struct mse_error err = { 0 };
        struct mse_app_config c;

        assert_true(mse_app_config_parse(document("cloud", "expiration_date", &value, &w),
                                         FILE_NAME, NOW, 5400, NULL, NULL, &c, &err));
        assert_true(c.has_expiration);
        assert_int_equal(c.expiration, instants[i].want);
        mse_app_config_cleanup(&c);
        mse_writer_cleanup(&w);
    }
}

#define APP BASE "python_application = \"a:b\"\n"

static const struct {
    const char *text, *place;
    enum mse_err_code want;
} places[] = {
    { "name = 7\n", "dir/mse.toml:1:1", MSE_ERR_VALUE },
    { "\n\n  name = 7\n", "dir/mse.toml:3:3", MSE_ERR_VALUE },
    { BASE "command = [\"a\",\n  7]\n", "dir/mse.toml:4:3", MSE_ERR_VALUE },
    { APP "x = ?\n", "dir/mse.toml:4:5", MSE_ERR_FORMAT },
    { APP "x = \"\xc3\xa9\" ?\n", "dir/mse.toml:4:9", MSE_ERR_FORMAT },
    { "name = \"a\"\nname = \"b\"\n", "dir/mse.toml:2:1", MSE_ERR_DUPLICATE },
    { APP "[cloud]\nproject = \"p\"\n", "dir/mse.toml:4:2", MSE_ERR_MISSING },
    { APP "cloud = 1\n", "dir/mse.toml:4:1", MSE_ERR_VALUE },
    { "", "dir/mse.toml:1:1", MSE_ERR_MISSING },
};

static void errors_have_file_line_and_column(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct mse_error err = { 0 };
        struct mse_app_config c;

        assert_false(parse_text(places[i].text, &c, &err));
        assert_int_equal(err.code, places[i].want);
        assert_string_equal(err.field, places[i].place);
        assert_null(strstr(err.text, "column"));
    }
}

static void a_long_file_name_loses_its_beginning(void **state)
{
    struct mse_error err = { 0 };
    struct mse_app_config c;
    char name[400];

    (void)state;
    memset(name, 'd', sizeof(name));
    memcpy(name + sizeof(name) - 10, "/mse.toml", 10);
    assert_false(
        mse_app_config_parse(MSE_CSTR_BYTES("\nname = 7\n"), name, NOW, 0, NULL, NULL, &c, &err));
    assert_memory_equal(err.field, "...dd", 5);
    assert_string_equal(err.field + strlen(err.field) - 13, "/mse.toml:2:1");
}

static const struct {
    const char *text, *want;
} unknown[] = {
    { "nmae = \"x\"\n", "dir/mse.toml:4:1: unknown key \"nmae\": is \"name\" meant?" },
    { "  Threads = 1\n", "dir/mse.toml:4:3: unknown key \"Threads\": is \"threads\" meant?" },
    { "health_endpoint = 1\n",
      "dir/mse.toml:4:1: unknown key \"health_endpoint\": is \"healthcheck_endpoint\" meant?" },
    { "version = 1\n", "dir/mse.toml:4:1: unknown key \"version\"" },
    { "\"\\u001b[31m\" = 1\n", "dir/mse.toml:4:1: unknown key \"\\x1b[31m\"" },
    { "docker = \"x\"\n",
      "dir/mse.toml:4:1: unknown key \"docker\" here: \"docker\" belongs into [cloud]" },
    { "[cloud]\ncode = \"s\"\nmemory = 64\n",
      "dir/mse.toml:6:1: unknown key \"memory\" here: \"memory\" belongs before the first table" },
    { "[clout]\n", "dir/mse.toml:4:2: unknown key \"clout\": is \"cloud\" meant?" },
    { "[cloud]\ncode = \"s\"\nhard_ware = 1\n",
      "dir/mse.toml:6:1: unknown key \"hard_ware\": is \"hardware\" meant?" },
    { "[cloud]\ncode = \"s\"\ndev_mode = false\n",
      "dir/mse.toml:6:1: \"dev_mode\" is ignored in a file" },
};

static void an_unknown_key_warns_with_the_nearest_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        struct mse_writer w = { 0 };
        struct mse_error err = { 0 };
        struct mse_app_config c;
        struct heard heard = { 0 };

        mse_write_text(&w, APP);
        mse_write_text(&w, unknown[i].text);
        assert_true(
            mse_app_config_parse(mse_writer_bytes(&w), FILE_NAME, NOW, 0, hear, &heard, &c, &err));
        assert_int_equal(heard.count, 1);
        assert_string_equal(heard.lines[0], unknown[i].want);
        mse_app_config_cleanup(&c);
        mse_writer_cleanup(&w);
    }
}

static const struct {
    const char *code, *secrets;
    bool inside;
} secrets[] = {
    { "src", "secrets.json", false },
    { "src", "src/secrets.json", true },
    { "src", "./src//a/../secrets.json", true },
    { "src", "src/../secrets.json", false },
    { "src", "src2/secrets.json", false },
    { "src/", "src/x", true },
    { "src", "src", true },
    { ".", "secrets.json", true },
    { ".", "../secrets.json", false },
    { "..", "secrets.json", true },
    { "..", "../secrets.json", true },
    { "..", "../../secrets.json", false },
    { "../src", "../src/x", true },
    { "../src", "../secrets.json", false },
    { "../src", "secrets.json", false }, /* whose directory may be called src, or not */
    { "/a/src", "/a/src/x", true },
    { "/a/src", "/a/src/../x", false },
    { "/a/src", "/../a/src/x", true },
    { "/", "/x", true },
    { "/a/src", "x", false },
};

static void secrets_inside_of_the_code_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        for (unsigned is_key = 0; is_key < 2; is_key++) {
            struct mse_writer w = { 0 };
            struct mse_error err = { 0 };
            struct mse_app_config c;

            mse_write_format(&w, APP "[cloud]\ncode = \"%s\"\n", secrets[i].code);
            if (is_key)
                mse_write_text(&w, "[cloud.ssl]\ndomain_name = \"d\"\ncertificate = \"src/c\"\n");
            mse_write_format(&w, "%s = \"%s\"\n", is_key ? "private_key" : "secrets",
                             secrets[i].secrets);
            if (parse(mse_writer_bytes(&w), &c, &err) == secrets[i].inside)
                fail_msg("%s, %s", secrets[i].code, secrets[i].secrets);
            if (secrets[i].inside) {
                assert_string_equal(err.field, is_key ? "dir/mse.toml:9:1" : "dir/mse.toml:6:1");
                assert_int_equal(err.code, MSE_ERR_VALUE);
            }
            mse_app_config_cleanup(&c);
            mse_writer_cleanup(&w);
        }
    }
}

static void paths_are_joined_to_the_directory_of_the_file(void **state)
{
    static const struct {
        const char *file, *path, *want;
    } rows[] = {
        { "mse.toml", "src", "src" },     { "a/mse.toml", "src", "a/src" },
        { "/mse.toml", "src", "/src" },   { "/a/b/mse.toml", "../src", "/a/b/../src" },
        { "a/mse.toml", "/src", "/src" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *joined = mse_app_path_join(rows[i].file, rows[i].path);

        assert_string_equal(joined, rows[i].want);
        free(joined);
    }
}

/* The text between "```toml" and "```". */
static void the_examples_of_the_manual_are_read_without_a_warning(void **state)
{
    struct mse_error err = { 0 };
    uint8_t *page = NULL;
    size_t len = 0, count = 0;
    char *at;

    (void)state;
    assert_true(mse_file_read(MSE_DOCS "/mse-toml.md", 1U << 20, &page, &len, &err));
    for (at = (char *)page; (at = strstr(at, "```toml\n")) != NULL; count++) {
        struct mse_app_config c;
        struct heard heard = { 0 };
        char *end;

        at += strlen("```toml\n");
        end = strstr(at, "```");
        assert_non_null(end);
        if (!mse_app_config_parse((struct mse_bytes){ (uint8_t *)at, (size_t)(end - at) },
                                  FILE_NAME, NOW, 0, hear, &heard, &c, &err))
            fail_msg("%s: %s", err.field, err.text);
        assert_int_equal(heard.count, 0);
        mse_app_config_cleanup(&c);
        at = end + 3;
    }
    assert_int_equal(count, 2);
    free(page);
}

static void too_large_a_file_is_refused_before_it_is_read(void **state)
{
    uint8_t *data = calloc(1, MSE_APP_CONFIG_MAX_SIZE + 1);
    struct mse_error err = { 0 };
    struct mse_app_config c;

    (void)state;
    assert_non_null(data);
    memset(data, '\n', MSE_APP_CONFIG_MAX_SIZE + 1);
    assert_false(parse((struct mse_bytes){ data, MSE_APP_CONFIG_MAX_SIZE + 1 }, &c, &err));
    assert_int_equal(err.code, MSE_ERR_LIMIT);
    free(data);
}

static void every_prefix_is_read_or_refused_with_a_reason(void **state)
{
    struct mse_writer w = { 0 };
    struct mse_bytes whole = document("cloud.ssl", "none", NULL, &w);

    (void)state;
    for (size_t n = 0; n <= whole.len; n++) {
        struct mse_bytes cut = exact_copy(whole, n);
        struct mse_error err = { 0 };
        struct mse_app_config c;

        if (parse(cut, &c, &err)) {
            assert_non_null(c.name);
        } else {
            assert_int_not_equal(err.code, MSE_ERR_NONE);
            assert_null(c.name);
            assert_true(n < whole.len);
        }
        mse_app_config_cleanup(&c);
        exact_free(cut);
    }
    mse_writer_cleanup(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_limit_is_kept_and_its_neighbour_refused),
        cmocka_unit_test(a_required_key_that_is_missing_is_named),
        cmocka_unit_test(exactly_one_of_application_and_command_is_given),
        cmocka_unit_test(a_command_has_256_words_of_4092_bytes_at_most),
        cmocka_unit_test(values_arrive_and_defaults_are_filled_in),
        cmocka_unit_test(an_instant_without_a_zone_is_local),
        cmocka_unit_test(errors_have_file_line_and_column),
        cmocka_unit_test(a_long_file_name_loses_its_beginning),
        cmocka_unit_test(an_unknown_key_warns_with_the_nearest_one),
        cmocka_unit_test(secrets_inside_of_the_code_are_refused),
        cmocka_unit_test(paths_are_joined_to_the_directory_of_the_file),
        cmocka_unit_test(the_examples_of_the_manual_are_read_without_a_warning),
        cmocka_unit_test(too_large_a_file_is_refused_before_it_is_read),
        cmocka_unit_test(every_prefix_is_read_or_refused_with_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
