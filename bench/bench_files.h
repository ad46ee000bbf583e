/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of files in a temporary directory, and the least that hashing them can take. */
#ifndef MSE_BENCH_FILES_H
#define MSE_BENCH_FILES_H

#include <stddef.h>

struct bench_files {
    char root[64];
    size_t directories, files;
    size_t bytes; /* of all files together, about */
};

/* Made at once, with sizes from small to large; ends the program where that fails. */
void bench_files_make(struct bench_files *set);
void bench_files_remove(const struct bench_files *set);
/* Wall time of opening, reading and hashing all of them on all cores. */
double bench_files_floor(const struct bench_files *set);
double bench_wall_clock(void);

#endif
