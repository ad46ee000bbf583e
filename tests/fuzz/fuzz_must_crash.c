/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Must crash on input that begins with "CRASH": a set-up that does not report it finds nothing
 * else either. It compares byte by byte, so that a fuzzer has to follow coverage to get there.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t word[] = { 'C', 'R', 'A', 'S', 'H' };
    size_t n = 0;

    while (n < sizeof(word) && n < size && data[n] == word[n])
        n++;
    if (n == sizeof(word))
        abort();
    return 0;
}
