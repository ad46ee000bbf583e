/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of real sizes to verify, and the bare signature checks to compare with. */
#ifndef MSE_BENCH_EVIDENCE_H
#define MSE_BENCH_EVIDENCE_H

#include "bench_clock.h"
#include "test_quote_maker.h"

#include "appraisal/appraisal.h"

struct test_intel *bench_intel(bool tdx, unsigned version, size_t levels);
/* A revocation list of the PCK CA with so many entries, none of them the leaf's. */
struct test_blob bench_crl(const struct test_intel *t, size_t entries);
struct test_amd *bench_amd(bool vlek);

/* One check of a signature with keys ready, by the crypto library alone. */
struct bench_job bench_p256(void);
struct bench_job bench_p384(void);
/* Two checks with RSA-4096 (PSS) and one with P-384: what a cold SNP verification needs. */
struct bench_job bench_snp_floor(void);

#endif
