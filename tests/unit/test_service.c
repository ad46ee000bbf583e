/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of vendors' services, made when they are asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "test_service.h"

static void url_encode(const char *in, char *out)
{
    for (; *in != '\0'; in++)
        out += sprintf(out, *in == '\n' || *in == ' ' || *in == '+' ? "%%%02X" : "%c",
                       (unsigned char)*in);
    *out = '\0';
}

static void set_header(struct mse_http_reply *out, const char *name, struct vendor_text pem)
{
    char *value = calloc(1, 3 * pem.len + 1);

    url_encode(pem.data, value);
    vendor_text_free(&pem);
    out->headers = calloc(1, sizeof(out->headers[0]));
    out->headers[0] = (struct mse_http_header){ strdup(name), value };
    out->header_count = 1;
}

static void set_body(struct mse_http_reply *out, struct mse_bytes body)
{
    out->status = 200;
    out->body = malloc(body.len);
    memcpy(out->body, body.data, body.len);
    out->body_len = body.len;
}

bool service_has(const char *text, const char *part)
{
    return part != NULL && strstr(text, part) != NULL;
}

/* The body with another tcbEvaluationDataNumber; body is freed. */
static struct vendor_text with_eval(struct vendor_text body, unsigned eval)
{
    char number[64];
    char *changed;

    if (eval == 0)
        return body;
    (void)snprintf(number, sizeof(number), "\"tcbEvaluationDataNumber\":%u,", eval);
    changed = test_replace(body.data, "\"tcbEvaluationDataNumber\":17,", number);
    vendor_text_free(&body);
    return (struct vendor_text){ changed, strlen(changed) };
}

static void reply_json(const struct service *s, const char *url, struct mse_http_reply *out)
{
    bool tdx = service_has(url, "/tdx/");
    EVP_PKEY *key = service_has(url, s->forged) ? s->intel->stranger.key : s->intel->tcb.key;
    struct vendor_text body;

    if (service_has(url, "/tcb?"))
        body = vendor_reply(
            "tcbInfo", with_eval(vendor_tcb_info_body(tdx, s->fmspc, s->from, s->until), s->eval),
            key);
    else
        body = vendor_reply("enclaveIdentity",
                            with_eval(vendor_qe_identity_body(tdx, s->from, s->until), s->eval),
                            key);
    set_body(out, vendor_bytes(&body));
    vendor_text_free(&body);
    if (!s->no_chain)
        set_header(out,
                   service_has(url, "/tcb?") ? "tcb-info-issuer-chain"
                                             : "sgx-enclave-identity-issuer-chain",
                   vendor_chain(&s->intel->tcb, &s->intel->root));
}

static void reply_crl(const struct service *s, const char *url, struct mse_http_reply *out)
{
    const struct vendor_signer *by = &s->intel->root;
    struct vendor_signer forger = s->intel->stranger;
    struct test_blob crl;
    struct vendor_text hex;

    if (service_has(url, "pckcrl"))
        by = service_has(url, "processor") ? &s->intel->processor : &s->intel->platform;
    if (service_has(url, "/crl"))
        by = &s->amd->ark;
    if (service_has(url, s->forged)) {
        forger.name = by->name;
        by = &forger;
    }
    crl = vendor_crl(by, s->from, s->until);
    hex = vendor_hex(test_bytes(&crl));
    set_body(out, s->hex_root_crl && service_has(url, "rootcacrl") ? vendor_bytes(&hex)
                                                                   : test_bytes(&crl));
    vendor_text_free(&hex);
    test_blob_free(&crl);
    if (service_has(url, "pckcrl") && !s->no_chain)
        set_header(
            out, "sgx-pck-crl-issuer-chain",
            vendor_chain(service_has(url, "processor") ? &s->intel->processor : &s->intel->platform,
                         &s->intel->root));
}

static void reply_amd(const struct service *s, const char *url, struct mse_http_reply *out)
{
    struct vendor_text chain;

    if (service_has(url, "/crl")) {
        reply_crl(s, url, out);
    } else if (service_has(url, "/cert_chain")) {
        chain = vendor_chain(service_has(url, "/vlek/") ? &s->amd->asvk : &s->amd->ask,
                             &s->amd->ark);
        set_body(out, vendor_bytes(&chain));
        vendor_text_free(&chain);
    } else {
        set_body(out, test_bytes(s->vcek != NULL ? &s->vcek->cert : &s->amd->vcek.cert));
    }
}

bool service_get(void *arg, const char *url, size_t cap, struct mse_http_reply *out,
                 struct mse_error *err)
{
    struct service *s = arg;

    *out = (struct mse_http_reply){ 0 };
    assert_int_equal(cap, MSE_FETCH_MAX_BODY);
    assert_true(s->count < SERVICE_MAX_ASKED);
    (void)snprintf(s->asked[s->count++], sizeof(s->asked[0]), "%s", url);
    if (service_has(url, s->down))
        return mse_fail(err, MSE_ERR_TIMEOUT, 0, "connect");
    out->status = 404;
    if (service_has(url, s->not_found))
        return true;
    if (strncmp(url, SERVICE_KDS, strlen(SERVICE_KDS)) == 0)
        reply_amd(s, url, out);
    else if (service_has(url, "crl") || service_has(url, "IntelSGXRootCA.der"))
        reply_crl(s, url, out);
    else
        reply_json(s, url, out);
    return true;
}
