/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a simulated enclave and its platform say to each other: one SOCK_SEQPACKET socket, one
 * request and one reply at a time (docs/formats.md, "Simulated TEE").
 */
#ifndef MSE_ATTEST_SIM_SOCKET_H
#define MSE_ATTEST_SIM_SOCKET_H

#define MSE_SIM_SOCKET_FD 3 /* inherited */
#define MSE_SIM_SOCKET_MAX (64U << 10)

/* Request: u8 operation, then what it takes. Reply: u8 status (0: done), then what it gives, or
 * text that says why not. */
enum mse_sim_operation {
    MSE_SIM_HELLO = 1,       /* - -> mrenclave(32) mrsigner(32) platform id(32) */
    MSE_SIM_QUOTE = 2,       /* report data(64) -> quote */
    MSE_SIM_SEALING_KEY = 3, /* - -> key(32), of this platform and MRENCLAVE */
    MSE_SIM_COUNTER = 4,     /* - -> u64be, of this platform, MRENCLAVE and instance directory */
    MSE_SIM_ADVANCE = 5      /* u64be -> -; refused if it is below the counter */
};

#endif
