/* SPDX-License-Identifier: Apache-2.0 */
/* Options that verifying commands share, and what is made of them. */
#include "cli/verify_args.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/places.h"
#include "endorsement/bundle.h"
#include "verdict/policy.h"
#include "verdict/report.h"

void verify_args_init(struct verify_args *v)
{
    memset(v, 0, sizeof(*v));
}

void verify_args_add_row(struct verify_args *v, struct option_row row)
{
    if (v->row_count < VERIFY_ROWS_MAX)
        v->rows[v->row_count++] = row;
}

void verify_args_add_source_rows(struct verify_args *v)
{
    const struct option_row rows[] = {
        { "--collateral", "FILE", "vendor statements from a file (may be repeated)", OPTION_LIST,
          &v->collateral_files, NULL, false },
        { "--pccs", "URL", "Intel collateral from this service instead of Intel's", OPTION_TEXT,
          &v->pccs, NULL, false },
        { "--pccs-ca", "FILE", "roots for https to that service (PEM) instead of the system's",
          OPTION_TEXT, &v->pccs_ca, NULL, false },
        { "--kds", "URL", "AMD certificates from this service instead of AMD's", OPTION_TEXT,
          &v->kds, NULL, false },
        { "--early", NULL, "also get Intel's early update set, and warn by it", OPTION_FLAG,
          &v->early, NULL, false },
        { "--offline", NULL, "ask no vendor: files and the cache only", OPTION_FLAG, &v->offline,
          NULL, false },
        { "--at", "TIME", "judge at this instant (RFC 3339) instead of now", OPTION_TEXT,
          &v->at_text, NULL, false },
        { "--simulation-root", "FILE", "accept only evidence of the simulated TEE with this root",
          OPTION_TEXT, &v->simulation_root, NULL, false },
        { "--json", NULL, "print JSON instead of text", OPTION_FLAG, &v->json, NULL, false },
        { "--verbose", NULL, "print everything", OPTION_FLAG, &v->verbose, NULL, false },
        { "-v", NULL, "the same", OPTION_FLAG, &v->verbose, NULL, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        verify_args_add_row(v, rows[i]);
}

/* A short word for the help's left column. */
static const char *placeholder(const char *values)
{
    static const struct {
        const char *part, *word;
    } words[] = {
        { "hex", "HEX" },   { "STATUS", "STATUS[@DATE]" },
        { "ucode", "TCB" }, { "duration", "DURATION" },
        { "..", "N" },      { "vcek", "vcek|vlek" },
        { "name", "NAME" },
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(values, words[i].part) != NULL)
            return words[i].word;
    }
    return values;
}

static void add_policy_key(struct verify_args *v, const struct mse_policy_key *key)
{
    char *name = v->names[v->row_count];
    bool flag = strcmp(key->values, "true or false") == 0;

    if (v->row_count >= VERIFY_ROWS_MAX || strlen(key->name) + 3 > sizeof(v->names[0]))
        return;
    (void)snprintf(name, sizeof(v->names[0]), "--%s", key->name);
    for (char *p = name; *p != '\0'; p++) {
        if (*p == '_')
            *p = '-';
    }
    if (strcmp(key->name, "signer_key") == 0) /* the option names a file, the key holds its text */
        verify_args_add_row(v, (struct option_row){ name, "FILE", key->summary, OPTION_LIST,
                                                    &v->signer_keys, NULL, false });
    else
        verify_args_add_row(v, (struct option_row){ name, flag ? NULL : placeholder(key->values),
                                                    key->summary, OPTION_POLICY, &v->pending,
                                                    key->name, false });
}

void verify_args_add_policy_rows(struct verify_args *v)
{
    verify_args_add_row(v, (struct option_row){ "--policy", "FILE",
                                                "what is accepted, TOML or JSON (mse-policy(5))",
                                                OPTION_TEXT, &v->policy_file, NULL, false });
    for (size_t i = 0; mse_policy_key_at(i) != NULL; i++)
        add_policy_key(v, mse_policy_key_at(i));
}

static bool load_policy(struct verify_args *v, struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok = true;

    if (!mse_policy_new(&v->policy, err))
        return false;
    if (v->policy_file != NULL) {
        ok = mse_file_read(v->policy_file, MSE_POLICY_MAX_SIZE, &data, &len, err);
        if (ok &&
            !mse_policy_load(v->policy, (struct mse_bytes){ data, len }, v->policy_file, err)) {
            err->code = MSE_ERR_USAGE; /* whatever is wrong with it: no traffic happens */
            ok = false;
        }
        free(data);
    }
    for (size_t i = 0; ok && i < v->signer_keys.count; i++) {
        data = NULL;
        ok = mse_file_read(v->signer_keys.of[i], 1U << 16, &data, &len, err) &&
             (mse_policy_set(v->policy, "signer_key", (const char *)data, err) ||
              mse_fail_in(err, "%s", v->signer_keys.of[i]));
        free(data);
    }
    for (size_t i = 0; ok && i < v->pending.count; i++) {
        const struct option_row *row = v->pending.of[i].row;

        ok = mse_policy_set(v->policy, row->policy_key, v->pending.of[i].value, err);
        if (!ok) /* the option's name instead of the key's */
            (void)snprintf(err->field, sizeof(err->field), "%s", row->name);
    }
    return ok;
}

static bool load_verifier(struct verify_args *v, struct mse_error *err)
{
    struct mse_verifier_options options = { 0 };
    uint8_t *roots = NULL;
    size_t len = 0;
    bool ok;

    if (v->simulation_root != NULL) {
        if (!mse_file_read(v->simulation_root, 1U << 20, &roots, &len, err))
            return false;
        if (len == 0) {
            free(roots);
            return mse_fail_text(err, MSE_ERR_USAGE, "--simulation-root", "%s is empty",
                                 v->simulation_root);
        }
        options.simulation_roots = (struct mse_bytes){ roots, len };
    }
    ok = mse_verifier_new(&options, &v->verifier, err);
    if (!ok && v->simulation_root != NULL) {
        (void)mse_fail_in(err, "%s", v->simulation_root);
        err->code = MSE_ERR_USAGE;
    }
    free(roots);
    if (ok)
        v->roots = &v->verifier->roots;
    return ok;
}

bool verify_args_collateral(const struct verify_args *v, struct mse_collateral **out,
                            struct mse_error *err)
{
    struct mse_collateral *c = NULL;

    *out = NULL;
    if (!mse_collateral_new(&c, err))
        return false;
    for (size_t i = 0; i < v->collateral_files.count; i++) {
        const char *path = v->collateral_files.of[i];
        uint8_t *data = NULL;
        size_t len = 0;
        bool ok = mse_file_read(path, VERIFY_FILE_MAX, &data, &len, err);

        if (ok && !mse_collateral_add(c, (struct mse_bytes){ data, len }, path, err)) {
            ok = mse_fail_in(err, "%s", path);
            if (err->code != MSE_ERR_MEMORY)
                err->code = MSE_ERR_USAGE; /* the file named is none: nothing was judged */
        }

        free(data);
        if (!ok) {
            mse_collateral_free(c);
            return false;
        }
    }
    *out = c;
    return true;
}

bool verify_args_finish(struct cli *cli, struct verify_args *v, struct mse_error *err)
{
    v->at = cli->now;
    if (v->at_text != NULL && !mse_time_read(v->at_text, strlen(v->at_text), &v->at))
        return mse_fail_text(err, MSE_ERR_USAGE, "--at",
                             "wants a time such as 2026-01-31T12:00:00Z or 2026-01-31");
    return load_policy(v, err) && load_verifier(v, err) &&
           verify_args_collateral(v, &v->collateral, err);
}

void verify_args_cleanup(struct verify_args *v)
{
    mse_collateral_free(v->collateral);
    mse_policy_free(v->policy);
    mse_verifier_free(v->verifier);
    mse_disk_cache_close(v->cache);
    mse_fetch_unload(v->module);
    memset(v, 0, sizeof(*v));
}

bool verify_args_sources(struct cli *cli, struct verify_args *v, bool network,
                         struct mse_sources *out, struct mse_error *err)
{
    char path[4400];
    struct mse_curl_options options = { .ca_file = v->pccs_ca };

    memset(out, 0, sizeof(*out));
    out->pcs_url = v->pccs != NULL ? v->pccs : MSE_PCS_DEFAULT_URL;
    out->kds_url = v->kds != NULL ? v->kds : MSE_KDS_DEFAULT_URL;
    out->roots = v->roots;
    out->at = v->at;
    if (v->cache == NULL && places_cache(cli, path, sizeof(path)) &&
        !mse_disk_cache_open(path, &v->cache, err))
        return false;
    out->cache = v->cache;
    if (!network || v->offline)
        return true;
    if (v->module == NULL) {
        const char *module = NULL;

        /* A program in its build directory uses the module built beside it. */
        (void)snprintf(path, sizeof(path), "%s../fetch/libmse-fetch.so", cli->program_dir);
        if (cli->program_dir[0] != '\0' && access(path, R_OK) == 0)
            module = path;
        if (!mse_fetch_load(module, &options, &v->module, err))
            return false;
    }
    out->fetcher = mse_fetch_module_fetcher(v->module);
    return true;
}

enum exit_code verdict_code(enum mse_verdict verdict)
{
    switch (verdict) {
    case MSE_VERDICT_PASS:
    case MSE_VERDICT_INCOMPLETE:
        return EXIT_YES;
    case MSE_VERDICT_UNKNOWN:
        return EXIT_UNKNOWN;
    case MSE_VERDICT_FAIL:
        break;
    }
    return EXIT_NO;
}

void print_refusal(struct cli *cli, const struct mse_report *report)
{
    /* What could not be told matters only if nothing failed: a failure needs no more collateral. */
    enum mse_outcome shown = mse_report_verdict(report) == MSE_VERDICT_UNKNOWN ? MSE_OUTCOME_UNKNOWN
                                                                               : MSE_OUTCOME_FAILED;

    for (unsigned i = 0; i < MSE_CHECK_COUNT; i++) {
        const struct mse_check_result *c = mse_report_result(report, (enum mse_check)i);

        if (c->outcome != shown)
            continue;
        cli_note(cli, "  %s %s: %s", mse_check_name((enum mse_check)i),
                 mse_outcome_name(c->outcome), c->reason);
        if (c->expected[0] != '\0')
            cli_note(cli, "    expected %s", c->expected);
        if (c->actual[0] != '\0')
            cli_note(cli, "    read     %s", c->actual);
    }
}
