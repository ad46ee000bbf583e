/* SPDX-License-Identifier: Apache-2.0 */
/* Hands out a bundle's items under the paths of Intel's Provisioning Certification Service, v4. */
#include "simtee/pcs_server.h"

#include "base/encode.h"

#define V4 "/sgx/certification/v4/"
#define JSON "application/json"
#define PKIX_CRL "application/pkix-crl"

static const struct mse_sim_item *find_kind(const struct mse_sim_pcs *pcs, const char *kind)
{
    for (size_t i = 0; i < pcs->bundle->count; i++) {
        if (strcmp(pcs->bundle->items[i].kind, kind) == 0)
            return &pcs->bundle->items[i];
    }
    return NULL;
}

/* A CRL is known by its issuer. */
static const struct mse_sim_item *find_crl(const struct mse_sim_pcs *pcs, X509 *issuer)
{
    for (size_t i = 0; i < pcs->bundle->count; i++) {
        const struct mse_sim_item *item = &pcs->bundle->items[i];
        const uint8_t *at = item->data;
        X509_CRL *crl;
        bool match;

        if (strcmp(item->kind, "crl") != 0)
            continue;
        crl = d2i_X509_CRL(NULL, &at, (long)item->len);
        match = crl != NULL &&
                X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) == 0;
        X509_CRL_free(crl);
        if (match)
            return item;
    }
    return NULL;
}

/* RFC 3986, 2.1: everything but unreserved characters, as the service does with line ends. */
static void put_url_encoded(struct mse_writer *w, const char *text)
{
    for (; *text != '\0'; text++) {
        char c = *text;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     strchr("-._~", c) != NULL;

        if (plain)
            mse_write_u8(w, (uint8_t)c);
        else
            mse_write_format(w, "%%%02X", (unsigned)(uint8_t)c);
    }
}

static void send_item(const struct mse_sim_item *item, const char *type, const char *chain_header,
                      struct mse_sim_reply *reply)
{
    if (item == NULL) {
        mse_sim_reply_error(reply, 404);
        return;
    }
    reply->status = 200;
    reply->type = type;
    mse_write_bytes(&reply->body, item->data, item->len);
    if (chain_header == NULL)
        return;
    mse_write_format(&reply->headers, "%s: ", chain_header);
    put_url_encoded(&reply->headers, item->chain);
    mse_write_text(&reply->headers, "\r\n");
}

static void send_tcb_info(const struct mse_sim_pcs *pcs, const struct mse_sim_request *request,
                          struct mse_sim_reply *reply)
{
    const struct mse_sim_item *item = find_kind(pcs, "tcb_info");
    struct mse_bytes text;
    uint8_t fmspc[6];

    if (!mse_sim_query_get(request, "fmspc", &text) ||
        !mse_hex_read((const char *)text.data, text.len, fmspc, sizeof(fmspc))) {
        mse_sim_reply_error(reply, 400);
        return;
    }
    if (memcmp(fmspc, pcs->platform->machine.fmspc, sizeof(fmspc)) != 0)
        item = NULL;
    send_item(item, JSON, "TCB-Info-Issuer-Chain", reply);
}

static void send_qe_identity(const struct mse_sim_pcs *pcs, const struct mse_sim_request *request,
                             struct mse_sim_reply *reply)
{
    (void)request;
    send_item(find_kind(pcs, "qe_identity"), JSON, "SGX-Enclave-Identity-Issuer-Chain", reply);
}

static void send_pck_crl(const struct mse_sim_pcs *pcs, const struct mse_sim_request *request,
                         struct mse_sim_reply *reply)
{
    const struct mse_sim_pki *pki = &pcs->platform->pki;
    const struct mse_sim_item *item;
    struct mse_bytes ca, encoding;
    bool platform;

    (void)mse_sim_query_get(request, "ca", &ca);
    (void)mse_sim_query_get(request, "encoding", &encoding);
    platform = mse_bytes_equal_text(ca, "platform");
    if (!platform && !mse_bytes_equal_text(ca, "processor")) {
        mse_sim_reply_error(reply, 400);
        return;
    }
    item = find_crl(pcs, platform ? pki->platform_ca.cert : pki->processor_ca.cert);
    send_item(item, PKIX_CRL, "SGX-PCK-CRL-Issuer-Chain", reply);
    if (item == NULL || mse_bytes_equal_text(encoding, "der"))
        return;
    /* PEM is what the service sends when it is not asked for DER. */
    mse_writer_cleanup(&reply->body);
    reply->body = (struct mse_writer){ 0 };
    reply->type = "application/x-pem-file";
    mse_pem_write(&reply->body, "X509 CRL", (struct mse_bytes){ item->data, item->len });
}

/* Hex, as caches of the service answer; the service itself leaves it to the next one. */
static void send_root_crl(const struct mse_sim_pcs *pcs, const struct mse_sim_request *request,
                          struct mse_sim_reply *reply)
{
    const struct mse_sim_item *item = find_crl(pcs, pcs->platform->pki.root.cert);

    (void)request;
    send_item(item, "text/plain", NULL, reply);
    if (item == NULL)
        return;
    mse_writer_cleanup(&reply->body);
    reply->body = (struct mse_writer){ 0 };
    for (size_t i = 0; i < item->len; i++)
        mse_write_format(&reply->body, "%02x", item->data[i]);
}

static void send_root_crl_der(const struct mse_sim_pcs *pcs, const struct mse_sim_request *request,
                              struct mse_sim_reply *reply)
{
    (void)request;
    send_item(find_crl(pcs, pcs->platform->pki.root.cert), PKIX_CRL, NULL, reply);
}

static const struct {
    const char *path;
    void (*send)(const struct mse_sim_pcs *pcs, const struct mse_sim_request *request,
                 struct mse_sim_reply *reply);
} routes[] = {
    { V4 "tcb", send_tcb_info },
    { V4 "qe/identity", send_qe_identity },
    { V4 "pckcrl", send_pck_crl },
    { V4 "rootcacrl", send_root_crl },
    { "/IntelSGXRootCA.der", send_root_crl_der },
};

static void answer(void *context, const struct mse_sim_request *request,
                   struct mse_sim_reply *reply)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (mse_bytes_equal_text(request->path, routes[i].path)) {
            routes[i].send(context, request, reply);
            return;
        }
    }
    mse_sim_reply_error(reply, 404);
}

struct mse_sim_service mse_sim_pcs_service(struct mse_sim_pcs *pcs)
{
    return (struct mse_sim_service){ .answer = answer, .context = pcs, .methods = "GET" };
}
