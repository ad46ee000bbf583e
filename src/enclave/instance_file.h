/* SPDX-License-Identifier: Apache-2.0 */
/* What the host may say about an instance, and only that (docs/formats.md, "Instance file"). */
#ifndef MSE_ENCLAVE_INSTANCE_FILE_H
#define MSE_ENCLAVE_INSTANCE_FILE_H

#include "base/bytes.h"

#define MSE_INSTANCE_FILE "instance.json"
#define MSE_INSTANCE_MAX_SIZE 4096
#define MSE_INSTANCE_MAX_DAYS 398
#define MSE_INSTANCE_MAX_EDGES 8

/* A range of addresses: IPv4 is mapped into IPv6. */
struct mse_edge {
    uint8_t address[16];
    unsigned prefix; /* bits, 0 to 128 */
};

/* Strings are owned. */
struct mse_instance_file {
    char *name;        /* host name, lower case */
    char *config_name; /* likewise */
    char uuid[37];     /* lower case */
    int64_t not_after;
    char *organization; /* for the certificate's subject, or NULL */
    char *listen;       /* "ADDRESS:PORT", "[ADDRESS]:PORT", numbers only */
    struct mse_edge edges[MSE_INSTANCE_MAX_EDGES]; /* whose PROXY headers are taken */
    size_t edge_count;
    bool proxy_to_app;  /* the app is told the client's address by a PROXY v2 header */
    uint8_t *statement; /* payload of the instance statement's extension (DER), or NULL */
    size_t statement_len;
};
/* Hostile input, strict. now: seconds; not_after is at most 398 days ahead of it. */
MSE_MUST_CHECK bool mse_instance_file_parse(struct mse_bytes in, int64_t now,
                                            struct mse_instance_file *out, struct mse_error *err);
void mse_instance_file_cleanup(struct mse_instance_file *file);
/* True if the address (sockaddr_in or sockaddr_in6) lies in one of the ranges. */
struct sockaddr;
bool mse_instance_file_is_edge(const struct mse_instance_file *file, const struct sockaddr *peer);

#endif
