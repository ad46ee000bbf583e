/* SPDX-License-Identifier: Apache-2.0 */
/* Reaching an instance: options, stored operator, handshake. */
#include "cli/peer_args.h"

#include <mse/tls.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "cli/config.h"
#include "client/attest_client.h"
#include "client/collect.h"
#include "client/tls_attach.h"
#include "verdict/policy.h"
#include "verdict/report.h"

#define DEFAULT_TIMEOUT_S 30
#define MAX_TIMEOUT_S 3600

void peer_args_init(struct peer_args *p, struct cli *cli, struct verify_args *v)
{
    *p = (struct peer_args){ .cli = cli, .v = v };
}

void peer_args_add_rows(struct peer_args *p)
{
    const struct option_row rows[] = {
        { "--operator", "NAME", "expect this stored operator", OPTION_TEXT, &p->operator_name, NULL,
          false },
        { "--name", "NAME", "name the certificate must be for, if not DOMAIN", OPTION_TEXT,
          &p->name, NULL, false },
        { "--connect", "HOST:PORT", "connect there, with DOMAIN as the name", OPTION_TEXT,
          &p->connect, NULL, false },
        { "--timeout", "SECONDS",
          "for the exchange with the service (default 30); vendors have their own", OPTION_TEXT,
          &p->timeout, NULL, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        verify_args_add_row(p->v, rows[i]);
}

static bool read_timeout(struct peer_args *p, struct mse_error *err)
{
    unsigned long v = DEFAULT_TIMEOUT_S;
    char *end = NULL;

    if (p->timeout != NULL) {
        v = strtoul(p->timeout, &end, 10);
        if (p->timeout[0] < '0' || p->timeout[0] > '9' || *end != '\0' || v == 0 ||
            v > MAX_TIMEOUT_S)
            return mse_fail_text(err, MSE_ERR_USAGE, "--timeout", "wants 1 to %d seconds",
                                 MAX_TIMEOUT_S);
    }
    p->timeout_ms = (unsigned)v * 1000;
    return true;
}

bool peer_args_check(struct peer_args *p, const char *domain, struct mse_error *err)
{
    if (!mse_target_parse(domain, "443", &p->target, err) || !read_timeout(p, err))
        return false;
    if (p->connect != NULL && !mse_target_parse(p->connect, p->target.port, &p->connect_to, err))
        return mse_fail_in(err, "--connect");
    if (p->name != NULL && !mse_target_parse(p->name, "443", &p->named, err))
        return mse_fail_in(err, "--name");
    if (p->name == NULL)
        p->named = p->target;
    if (p->connect == NULL)
        p->connect_to = p->target;
    p->use_proxy = p->cli->https_proxy[0] != '\0' &&
                   !mse_no_proxy_has(p->cli->no_proxy, p->connect_to.host);
    return !p->use_proxy || mse_proxy_parse(p->cli->https_proxy, &p->proxy, err);
}

/* ---- operator ---- */

static bool expect_operator(struct mse_policy *policy, const struct operator_entry *entry,
                            bool runtimes, struct mse_error *err)
{
    char hex[65], number[24];
    bool ok;

    mse_hex_write(entry->mrsigner, 32, hex);
    ok = mse_policy_set(policy, "mrsigner", hex, err);
    mse_hex_write(entry->instance_key, 32, hex);
    ok = ok && mse_policy_set(policy, "instance_key", hex, err);
    for (size_t i = 0; ok && runtimes && i < entry->runtime_key_count; i++)
        ok = mse_policy_set(policy, "runtime_key", entry->runtime_keys[i], err);
    (void)snprintf(number, sizeof(number), "%lld", (long long)entry->isv_prod_id);
    if (policy->isv_prod_id == MSE_NOT_SET)
        ok = ok && mse_policy_set(policy, "isv_prod_id", number, err);
    (void)snprintf(number, sizeof(number), "%lld", (long long)entry->min_isv_svn);
    if (policy->min_isv_svn == MSE_NOT_SET)
        ok = ok && mse_policy_set(policy, "min_isv_svn", number, err);
    return ok;
}

/* Several are stored and none is named: who runs it is open, but others say what code it is. */
static bool may_be_open(const struct peer_args *p, const struct mse_error *err)
{
    const struct mse_policy *policy = p->v->policy;

    return p->operator_name == NULL && err->code == MSE_ERR_DUPLICATE &&
           (policy->fingerprint.count > 0 || policy->owner_key.count > 0);
}

bool peer_args_operator(struct peer_args *p, bool runtimes, struct mse_error *err)
{
    struct mse_policy *policy = p->v->policy;
    struct operator_entry entry;
    bool found = false;

    if (p->operator_name == NULL && (policy->mrsigner.count > 0 || policy->instance_key.count > 0))
        return true;
    if (!config_operator(p->cli, p->operator_name, &found, &entry, err)) {
        if (may_be_open(p, err)) {
            cli_note(p->cli, "note: no operator is expected: %s", err->text);
            *err = (struct mse_error){ 0 };
            return true;
        }
        if (err->code == MSE_ERR_MISSING || err->code == MSE_ERR_DUPLICATE)
            err->code = MSE_ERR_USAGE;
        return false;
    }
    return !found || expect_operator(policy, &entry, runtimes, err);
}

bool peer_args_demand_code(struct peer_args *p, const char *command, struct mse_error *err)
{
    struct mse_policy *policy = p->v->policy;

    if (policy->fingerprint.count == 0 && policy->owner_key.count == 0 &&
        policy->td[MSE_TD_MRTD].count == 0 && policy->snp[MSE_SNP_MEASUREMENT].count == 0)
        return mse_fail_text(err, MSE_ERR_USAGE, command,
                             "secrets are for code that was checked: give --code with --context, "
                             "--fingerprint or --release");
    policy->require_fingerprint = true;
    return true;
}

/* ---- handshake ---- */

static int64_t judge_at(void *arg)
{
    return ((const struct peer_args *)arg)->v->at;
}

/* Called when the files at hand do not suffice: in the handshake without evidence. */
static struct mse_collateral *more_for_both(void *arg, struct mse_bytes certificate,
                                            struct mse_bytes evidence)
{
    struct peer_args *p = arg;
    struct mse_collateral *set = NULL;
    struct mse_sources sources;
    struct mse_error err = { 0 };

    if (!verify_args_collateral(p->v, &set, &err) ||
        !verify_args_sources(p->cli, p->v, true, &sources, &err)) {
        p->fetch_error = err;
        mse_collateral_free(set);
        return NULL;
    }
    p->fetched = true;
    /* What was got before a failure may already do. */
    if (!mse_collect_for_certificate(&sources, certificate, p->v->early, set, &err) ||
        (evidence.len > 0 && !mse_collect_for_evidence(&sources, evidence, p->v->early, set, &err)))
        p->fetch_error = err;
    return set;
}

static struct mse_collateral *more_collateral(void *arg, struct mse_bytes certificate)
{
    return more_for_both(arg, certificate, (struct mse_bytes){ NULL, 0 });
}

static bool attach(const struct peer_args *p, const struct mse_tls_options *options, SSL_CTX *ctx,
                   struct mse_error *err)
{
    static const uint8_t http[] = "\x08http/1.1";
    static const uint8_t any[] = "\x02h2\x08http/1.1";
    struct mse_bytes none = { NULL, 0 };

    switch (p->fresh) {
    case PEER_CERTIFICATE:
        return mse_tls_client_attach(ctx, options, err) &&
               (SSL_CTX_set_alpn_protos(ctx, http, sizeof(http) - 1) == 0 || mse_fail_memory(err));
    case PEER_FRESH: /* nothing else is said: whatever the peer speaks will do */
        return mse_tls_attach_fresh(ctx, options, (struct mse_bytes){ any, sizeof(any) - 1 },
                                    more_for_both, err);
    case PEER_CONNECTION:
        return mse_tls_attach_fresh(ctx, options, none, more_for_both, err);
    }
    return mse_fail_memory(err);
}

static bool make_context(struct peer_args *p, SSL_CTX **out, struct mse_error *err)
{
    struct mse_tls_options options = {
        .verifier = p->v->verifier,
        .collateral = p->v->collateral,
        .policy = p->v->policy,
        .name = p->named.host,
        .now = judge_at,
        .more = more_collateral,
        .arg = p,
    };

    *out = SSL_CTX_new(TLS_client_method());
    if (*out == NULL)
        return mse_fail_memory(err);
    return mse_collateral_prepare(p->v->collateral, p->v->verifier, err) &&
           attach(p, &options, *out, err);
}

static void drop_connection(struct peer *peer)
{
    SSL_free(peer->ssl);
    if (peer->fd != -1)
        (void)close(peer->fd);
    peer->ssl = NULL;
    peer->fd = -1;
}

static bool ask_fresh(const struct peer_args *p, const struct mse_deadline *deadline, SSL *ssl,
                      struct mse_error *err)
{
    struct mse_bytes inner = { NULL, 0 };
    struct mse_attest_answer answer;
    bool ok;

    if (p->fresh == PEER_CONNECTION)
        inner = MSE_CSTR_BYTES(p->protocol);
    if (!mse_attest_ask(ssl, inner, deadline, &answer, err))
        return false;
    answer.fresh.level = p->fresh == PEER_CONNECTION ? MSE_LEVEL_CONNECTION : MSE_LEVEL_FRESH;
    ok = mse_tls_judge_fresh(ssl, &answer.fresh, err);
    mse_attest_answer_cleanup(&answer);
    return ok;
}

/* *silent: there is no verdict, and another try may give one. */
static bool attempt(struct peer_args *p, const struct mse_deadline *deadline, struct peer *peer,
                    bool *silent, struct mse_error *err)
{
    const char *sni = p->named.is_address ? NULL : p->named.host;
    bool shaken;

    *silent = false;
    if (!mse_tcp_connect(&p->connect_to, p->use_proxy ? &p->proxy : NULL, deadline, &peer->fd, err))
        return false;
    shaken = mse_tls_connect_keep(peer->ctx, peer->fd, sni, deadline, &peer->ssl, err);
    if (shaken && mse_tls_wants_fresh(peer->ssl))
        shaken = ask_fresh(p, deadline, peer->ssl, err);
    *silent = !shaken && err->code != MSE_ERR_BINDING;
    if (peer->ssl != NULL && mse_tls_report(peer->ssl) != NULL) {
        *silent = false;
        return true;
    }
    return mse_fail_text(err, MSE_ERR_TLS, "handshake", "the peer proved nothing in it");
}

bool peer_open(struct peer_args *p, struct mse_deadline *deadline, struct peer *out,
               struct mse_error *err)
{
    bool silent;

    *out = (struct peer){ .fd = -1 };
    *deadline = mse_deadline_in(p->timeout_ms);
    if (!make_context(p, &out->ctx, err))
        return false;
    if (attempt(p, deadline, out, &silent, err))
        return true;
    /* The peer may not have waited while the vendors were asked. Their answers are cached now. */
    if (!silent || !p->fetched)
        return false;
    drop_connection(out);
    *err = (struct mse_error){ 0 };
    *deadline = mse_deadline_in(p->timeout_ms);
    return attempt(p, deadline, out, &silent, err);
}

void peer_close(struct peer *peer)
{
    drop_connection(peer);
    SSL_CTX_free(peer->ctx);
    peer->ctx = NULL;
}

enum exit_code peer_refuse(const struct peer_args *p, const struct mse_report *report,
                           const char *not_done)
{
    struct mse_error err = { 0 };
    char line[1024];
    char *text = NULL;

    if (p->v->json ? mse_report_write_json(report, &text, &err)
                   : p->v->verbose && mse_report_write_text(report, true, &text, &err))
        (void)fputs(text, p->v->json ? p->cli->out : p->cli->err);
    free(text);
    cli_note(p->cli, "Verification: %s, %s",
             mse_report_verdict(report) == MSE_VERDICT_UNKNOWN ? "not possible" : "failed",
             not_done);
    print_refusal(p->cli, report);
    if (p->fetch_error.code != MSE_ERR_NONE)
        cli_note(p->cli, "  collateral: %s",
                 mse_error_describe(&p->fetch_error, line, sizeof(line)));
    return verdict_code(mse_report_verdict(report));
}
