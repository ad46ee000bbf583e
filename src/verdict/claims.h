/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims as a list of named fields: one walk over each kind of evidence serves text and JSON, here
 * and in mse show.
 */
#ifndef MSE_VERDICT_CLAIMS_H
#define MSE_VERDICT_CLAIMS_H

#include "base/json.h"
#include "evidence/hcl.h"
#include "evidence/quote.h"
#include "evidence/snp.h"
#include "endorsement/pck.h"
#include "endorsement/vek.h"

/* Where fields go; a NULL-named sub-list never occurs. */
struct mse_field_sink {
    void (*open)(struct mse_field_sink *sink, const char *name);
    void (*close)(struct mse_field_sink *sink);
    /* A list of unnamed groups: open_item(number from 1) ... close ... close_list. */
    void (*open_list)(struct mse_field_sink *sink, const char *name);
    void (*open_item)(struct mse_field_sink *sink, size_t number);
    void (*close_list)(struct mse_field_sink *sink);
    void (*hex)(struct mse_field_sink *sink, const char *name, const uint8_t *data, size_t len);
    void (*text)(struct mse_field_sink *sink, const char *name, const char *text);
    void (*number)(struct mse_field_sink *sink, const char *name, uint64_t value);
    void (*flag)(struct mse_field_sink *sink, const char *name, bool value);
    void (*time)(struct mse_field_sink *sink, const char *name, int64_t t);
};

/* Aligned lines for people; values of one repeated byte 0 are shortened unless verbose. */
struct mse_text_sink {
    struct mse_field_sink sink; /* first */
    struct mse_writer *to;
    unsigned depth;
    bool verbose;
};
struct mse_text_sink mse_text_sink_init(struct mse_writer *to, bool verbose);

struct mse_json_sink {
    struct mse_field_sink sink; /* first */
    struct mse_json_writer *to;
};
struct mse_json_sink mse_json_sink_init(struct mse_json_writer *to);

void mse_claims_quote(const struct mse_quote *quote, struct mse_field_sink *sink);
void mse_claims_sgx(const struct mse_sgx_body *body, struct mse_field_sink *sink);
void mse_claims_td(const struct mse_td_body *body, struct mse_field_sink *sink);
void mse_claims_snp(const struct mse_snp_report *report, enum mse_snp_product product,
                    struct mse_field_sink *sink);
void mse_claims_hcl(const struct mse_hcl *hcl, struct mse_field_sink *sink);
void mse_claims_pck(const struct mse_pck *pck, struct mse_field_sink *sink);
void mse_claims_vek(const struct mse_vek *vek, struct mse_field_sink *sink);
void mse_claims_snp_tcb(const char *name, const struct mse_snp_tcb *tcb,
                        struct mse_field_sink *sink);
void mse_claims_certificate(const struct mse_cert *cert, struct mse_field_sink *sink);

#endif
