/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmse: verifies what an attested TLS service runs on, and what it runs.
 *
 * Conventions: functions return true when done; the last argument is a struct mse_error that the
 * caller zeroed, filled in on failure only. Outputs are empty after a failure. Instants are seconds
 * since 1970-01-01T00:00:00Z. Lengths are bytes. The library never prints, exits, reads the clock
 * or the environment. Every object may be used by one thread at a time, except struct mse_verifier
 * and a prepared struct mse_collateral and struct mse_policy, which any number may share.
 */
#ifndef MSE_MSE_H
#define MSE_MSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MSE_API __attribute__((visibility("default")))
#define MSE_CHECKED __attribute__((warn_unused_result))
#else
#define MSE_API
#define MSE_CHECKED
#endif

#define MSE_VERSION "0.1.0"

/* A borrowed view. */
struct mse_bytes {
    const uint8_t *data;
    size_t len;
};

enum mse_err_code {
    MSE_ERR_NONE,
    /* what is wrong with bytes */
    MSE_ERR_TRUNCATED,   /* ends before a field does */
    MSE_ERR_TRAILING,    /* bytes are left over */
    MSE_ERR_FORMAT,      /* not of this format at all */
    MSE_ERR_VALUE,       /* a field has a value that the format forbids */
    MSE_ERR_UNSUPPORTED, /* valid, but not something this version knows */
    MSE_ERR_LIMIT,       /* larger than this program takes */
    MSE_ERR_DUPLICATE,   /* there twice */
    MSE_ERR_MISSING,     /* a field, item or extension is not there */
    MSE_ERR_UNKNOWN_KEY, /* a member that the format does not have */
    /* what is wrong with statements */
    MSE_ERR_SIGNATURE,
    MSE_ERR_CHAIN, /* issuer, role or constraint does not fit */
    MSE_ERR_ROOT,  /* ends in a root that is not pinned */
    MSE_ERR_REVOKED,
    MSE_ERR_EXPIRED,
    MSE_ERR_NOT_YET_VALID,
    MSE_ERR_MISMATCH,  /* read one value, expected another */
    MSE_ERR_BINDING,   /* evidence is not about this key */
    MSE_ERR_TCB,       /* security level not accepted */
    MSE_ERR_POLICY,    /* an attribute that the policy refuses */
    MSE_ERR_SIMULATED, /* simulated evidence without, or genuine evidence with, that mode */
    MSE_ERR_NO_EVIDENCE,
    /* what is wrong with the world */
    MSE_ERR_MEMORY,
    MSE_ERR_CRYPTO, /* the crypto library failed */
    MSE_ERR_IO,
    MSE_ERR_EXISTS,
    MSE_ERR_NETWORK,
    MSE_ERR_TIMEOUT,
    MSE_ERR_TLS,
    MSE_ERR_HTTP,
    MSE_ERR_USAGE
};

struct mse_error {
    enum mse_err_code code;
    size_t offset;   /* in the input at hand; 0 where there is none */
    char field[128]; /* what was looked at, outermost first: "tcb_info: tcbLevels[3]" */
    char text[384];  /* a sentence for people; may be empty */
};

/* Stable lower-case name of a code, such as "truncated". */
MSE_API const char *mse_err_name(enum mse_err_code code);
/* One line for people from all parts of the error, into out; returns out. */
MSE_API const char *mse_error_describe(const struct mse_error *err, char *out, size_t size);

MSE_API const char *mse_version(void);

/* ---- checks and verdict ------------------------------------------------------------------- */

/* Every check a verification can make. Names for people and JSON: mse_check_name(). */
enum mse_check {
    MSE_CHECK_EVIDENCE,    /* evidence is there, well formed and of a known kind */
    MSE_CHECK_CHAIN,       /* its signer chains to a pinned vendor root */
    MSE_CHECK_REVOCATION,  /* nothing on that chain is revoked */
    MSE_CHECK_SIGNATURE,   /* it is signed by that signer (Intel: through the quoting enclave) */
    MSE_CHECK_QE_IDENTITY, /* the quoting enclave is the vendor's (Intel) */
    MSE_CHECK_COLLATERAL,  /* the vendor's statements are genuine, in date, for this platform */
    MSE_CHECK_TCB,         /* the platform's security level is accepted */
    MSE_CHECK_ATTRIBUTES,  /* no debug mode, no keys an app may not have */
    MSE_CHECK_MACHINE,     /* the machine is on the list of allowed ones, if there is a list */
    MSE_CHECK_BINDING,     /* the evidence is about the key of this certificate */
    MSE_CHECK_CERTIFICATE, /* dates, self-signature and extensions of the certificate */
    MSE_CHECK_NAME,        /* the certificate is for the name that was asked for */
    MSE_CHECK_SIGNER,      /* the enclave was signed by the expected signer */
    MSE_CHECK_INSTANCE,    /* the operator states that this instance is that app */
    MSE_CHECK_RELEASE,     /* the owner's release is genuine, in date and for this name */
    MSE_CHECK_RUNTIME,     /* somebody vouches for the runtime around the code */
    MSE_CHECK_FINGERPRINT, /* the code is exactly the expected one */
    MSE_CHECK_AGE,         /* the evidence is not older than allowed */
    MSE_CHECK_LEVEL,       /* how strongly the evidence is tied to the connection */
    MSE_CHECK_COUNT
};

/* Zero is "not run": memory nobody touched is not a pass. */
enum mse_outcome {
    MSE_OUTCOME_NOT_RUN,
    MSE_OUTCOME_FAILED,
    MSE_OUTCOME_UNKNOWN,        /* could not be made: an endorsement is missing or out of date */
    MSE_OUTCOME_WAIVED,         /* left out by the caller */
    MSE_OUTCOME_NOT_APPLICABLE, /* no such check for this kind of evidence or input */
    MSE_OUTCOME_PASSED
};

enum mse_verdict {
    MSE_VERDICT_FAIL,       /* a check failed */
    MSE_VERDICT_UNKNOWN,    /* none failed, but one could not be made */
    MSE_VERDICT_INCOMPLETE, /* all that were made passed; one was left out */
    MSE_VERDICT_PASS
};

MSE_API const char *mse_check_name(enum mse_check check);
MSE_API const char *mse_outcome_name(enum mse_outcome outcome);
MSE_API const char *mse_verdict_name(enum mse_verdict verdict);

/* ---- verifier ----------------------------------------------------------------------------- */

/* Pinned roots and caches of what was verified before. Any number of threads may share one. */
struct mse_verifier;

struct mse_verifier_options {
    /* PEM of the roots of a simulated TEE; empty in production. With it only simulated evidence is
     * accepted, without it none is (docs/formats.md, Simulation). */
    struct mse_bytes simulation_roots;
    /* Platforms whose certificate chain and quoting enclave are remembered; 0 stands for 256. */
    size_t cache_entries;
};

MSE_API MSE_CHECKED bool mse_verifier_new(const struct mse_verifier_options *options,
                                          struct mse_verifier **out, struct mse_error *err);
MSE_API void mse_verifier_free(struct mse_verifier *verifier);

/* ---- collateral --------------------------------------------------------------------------- */

/* A set of vendor statements. Nothing in it is believed before it was authenticated. */
struct mse_collateral;

MSE_API MSE_CHECKED bool mse_collateral_new(struct mse_collateral **out, struct mse_error *err);
/*
 * Adds what a file holds; the content decides: an MSE bundle, a TCB info or QE identity reply, a
 * CRL (DER, PEM, hex), certificates (DER, PEM), evidence.json, dcap-qvl's JSON, an Open Enclave
 * endorsement buffer. name is for messages. The bytes are copied.
 */
MSE_API MSE_CHECKED bool mse_collateral_add(struct mse_collateral *collateral,
                                            struct mse_bytes file, const char *name,
                                            struct mse_error *err);
/*
 * Authenticates every item under the verifier's roots. After it nothing can be added and threads
 * may share the set. An item that does not authenticate is kept aside with its reason and never
 * used; that alone is no failure here.
 */
MSE_API MSE_CHECKED bool mse_collateral_prepare(struct mse_collateral *collateral,
                                                struct mse_verifier *verifier,
                                                struct mse_error *err);
MSE_API void mse_collateral_free(struct mse_collateral *collateral);

/* ---- policy ------------------------------------------------------------------------------- */

/* What the caller accepts. Every key is documented in mse-policy(5). */
struct mse_policy;

MSE_API MSE_CHECKED bool mse_policy_new(struct mse_policy **out, struct mse_error *err);
/* Reads a policy file, TOML or JSON; unknown keys and repeated ones are errors with position. */
MSE_API MSE_CHECKED bool mse_policy_load(struct mse_policy *policy, struct mse_bytes file,
                                         const char *name, struct mse_error *err);
/* One key, with the value as text: a list key takes one more element with each call. */
MSE_API MSE_CHECKED bool mse_policy_set(struct mse_policy *policy, const char *key,
                                        const char *value, struct mse_error *err);
/*
 * The release of an expected owner (policy key owner_key) with its minisign signature file: the
 * fingerprints it lists are the expected ones. It is judged with each verification. Both copied.
 * The library remembers nothing: refusing a release older than one seen before is the caller's.
 */
MSE_API MSE_CHECKED bool mse_policy_add_release(struct mse_policy *policy, struct mse_bytes file,
                                                struct mse_bytes signature, struct mse_error *err);
/*
 * The runtime description that an expected fingerprint was computed with, and its signature file
 * (empty: none). It must be signed by a runtime_key or be named by runtime_digest. Both copied.
 */
MSE_API MSE_CHECKED bool mse_policy_add_runtime(struct mse_policy *policy, struct mse_bytes file,
                                                struct mse_bytes signature, struct mse_error *err);
/* True if the policy names somebody to expect: without that nothing can be verified. */
MSE_API bool mse_policy_expects_somebody(const struct mse_policy *policy);
MSE_API void mse_policy_free(struct mse_policy *policy);

/* ---- verification ------------------------------------------------------------------------- */

enum mse_level {
    MSE_LEVEL_NONE,        /* bare evidence: bound to nothing */
    MSE_LEVEL_CERTIFICATE, /* a genuine enclave made this key at some time */
    MSE_LEVEL_FRESH,       /* the key was in that enclave at a known time */
    MSE_LEVEL_CONNECTION   /* the enclave is the other end of this connection */
};

/*
 * Fresh evidence: the peer's answer to one request of mse-attest/1 (docs/formats.md, "Fresh
 * evidence"). All of it is of one connection, as it was sent and received; whoever fills it in
 * vouches that this connection presented the request's certificate, in a full handshake of TLS 1.3.
 * mse_connect() of mse/connect.h does all of this.
 */
struct mse_fresh {
    struct mse_bytes reply; /* behind its length */
    uint8_t nonce[32];      /* that was sent, random */
    uint8_t exporter[32];   /* RFC 8446, 7.5: label EXPORTER-mse-attest-v1, context nonce */
    /* MSE_LEVEL_CONNECTION only if this same connection then carries the application, else
     * MSE_LEVEL_FRESH. */
    enum mse_level level;
};

struct mse_request {
    /* Exactly one of these two is set. Both are borrowed for the call only. */
    struct mse_bytes certificate; /* X.509, DER or PEM */
    struct mse_bytes evidence; /* SGX or TDX quote, SNP report (alone or with certificates), HCL */
    const char *name;          /* the name or address asked for; NULL: the name check is waived */
    const char *profile;       /* certificate profile that must match; NULL: found by content */
    int64_t at;                /* the instant to judge at */
    /* Only with a certificate; NULL: none. Borrowed likewise. It is appraised like the
     * certificate's evidence and has to be of the same enclave; it stands alone if the certificate
     * has none. */
    const struct mse_fresh *fresh;
};

/* The result: verdict, checks, claims. Owned by the caller; holds no pointer into the request. */
struct mse_report;

/*
 * Judges. Returns true with a report whatever the verdict; false only when no judgement could be
 * made at all (memory, a policy that expects nobody, an unusable request). collateral may be NULL.
 */
MSE_API MSE_CHECKED bool mse_verify(struct mse_verifier *verifier,
                                    const struct mse_collateral *collateral,
                                    const struct mse_policy *policy,
                                    const struct mse_request *request, struct mse_report **out,
                                    struct mse_error *err);
MSE_API void mse_report_free(struct mse_report *report);

MSE_API enum mse_verdict mse_report_verdict(const struct mse_report *report);
MSE_API enum mse_outcome mse_report_outcome(const struct mse_report *report, enum mse_check check);
/* Why: one line for people, valid as long as the report; "" where nothing is to be said. */
MSE_API const char *mse_report_reason(const struct mse_report *report, enum mse_check check);
MSE_API enum mse_err_code mse_report_code(const struct mse_report *report, enum mse_check check);
MSE_API enum mse_level mse_report_level(const struct mse_report *report);
/* The verdict holds from and until these instants (both inclusive) with the same inputs. */
MSE_API int64_t mse_report_holds_from(const struct mse_report *report);
MSE_API int64_t mse_report_holds_until(const struct mse_report *report);
/* Text for people and the JSON of docs/report.md; *out is owned by the caller: free(). */
MSE_API MSE_CHECKED bool mse_report_write_text(const struct mse_report *report, bool verbose,
                                               char **out, struct mse_error *err);
MSE_API MSE_CHECKED bool mse_report_write_json(const struct mse_report *report, char **out,
                                               struct mse_error *err);

#ifdef __cplusplus
}
#endif

#endif
