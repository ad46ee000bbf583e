/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded DER reading (X.690): definite lengths in their shortest form, low tag numbers only.
 *
 * Why our own: d2i_X509 costs two to four signature checks; a verification reads a dozen fields.
 */
#ifndef MSE_CRYPTO_DER_H
#define MSE_CRYPTO_DER_H

#include "base/bytes.h"

#define MSE_DER_BOOLEAN 0x01
#define MSE_DER_INTEGER 0x02
#define MSE_DER_BIT_STRING 0x03
#define MSE_DER_OCTET_STRING 0x04
#define MSE_DER_NULL 0x05
#define MSE_DER_OID 0x06
#define MSE_DER_ENUMERATED 0x0a
#define MSE_DER_UTF8 0x0c
#define MSE_DER_PRINTABLE 0x13
#define MSE_DER_IA5 0x16
#define MSE_DER_UTC_TIME 0x17
#define MSE_DER_GENERALIZED_TIME 0x18
#define MSE_DER_SEQUENCE 0x30
#define MSE_DER_SET 0x31
#define MSE_DER_CONTEXT(n) (0x80 | (n))             /* primitive */
#define MSE_DER_CONTEXT_CONSTRUCTED(n) (0xa0 | (n)) /* constructed */

/* True if the next element has this tag (false at the end or after a failure). */
bool mse_der_next_is(const struct mse_reader *r, uint8_t tag);
/* Content of the next element, which must have this tag; empty after a failure. */
struct mse_bytes mse_der_read(struct mse_reader *r, uint8_t tag, const char *field);
/* The same with tag and length octets included. */
struct mse_bytes mse_der_read_whole(struct mse_reader *r, uint8_t tag, const char *field);
/* Any element: its tag and content; *whole may be NULL. */
struct mse_bytes mse_der_read_any(struct mse_reader *r, uint8_t *tag, struct mse_bytes *whole,
                                  const char *field);
/* Reader over the content of the next element. */
struct mse_reader mse_der_enter(struct mse_reader *r, uint8_t tag, const char *field);
/* Reader over a view that lies inside r's input: offsets stay those of the whole input. */
struct mse_reader mse_der_over(const struct mse_reader *r, struct mse_bytes content);
/* A non-negative INTEGER that fits in 64 bits. */
uint64_t mse_der_read_unsigned(struct mse_reader *r, const char *field);
/* Content octets of a non-negative INTEGER without its leading zero (a serial number). */
struct mse_bytes mse_der_read_big(struct mse_reader *r, const char *field);
/*
 * CertificateSerialNumber (RFC 5280, 4.1.2.2): 20 octets at most, its sign octet stripped. Issuers
 * that forget that octet make negative numbers; their octets are kept as they are, so that
 * certificate and CRL still name the same number.
 */
struct mse_bytes mse_der_read_serial(struct mse_reader *r, const char *field);
bool mse_der_read_boolean(struct mse_reader *r, const char *field);
/* BOOLEAN DEFAULT FALSE that is there: only TRUE is encoded (X.690, 11.5). */
bool mse_der_read_true(struct mse_reader *r, const char *field);
/* BIT STRING without unused bits. */
struct mse_bytes mse_der_read_bits(struct mse_reader *r, const char *field);
/* UTCTime or GeneralizedTime as RFC 5280, 4.1.2.5 has them. */
int64_t mse_der_read_time(struct mse_reader *r, const char *field);

#endif
