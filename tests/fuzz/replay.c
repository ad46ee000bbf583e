/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files it is given, so that seeds and old crashes run everywhere. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(const char *path)
{
    FILE *in = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t len = 0;
    size_t got;

    if (in == NULL) {
        perror(path);
        return 1;
    }
    for (;;) {
        uint8_t *more = realloc(data, len + 65536);

        if (more == NULL)
            abort();
        data = more;
        got = fread(data + len, 1, 65536, in);
        len += got;
        if (got < 65536)
            break;
    }
    fclose(in);
    /* The block ends where the input does, so that a sanitizer sees an over-read. */
    if (len > 0) {
        uint8_t *exact = realloc(data, len);

        data = exact != NULL ? exact : data;
    }
    (void)LLVMFuzzerTestOneInput(data, len);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0;

    for (int i = 1; i < argc; i++)
        failed |= run(argv[i]);
    printf("%d inputs\n", argc - 1);
    return failed;
}
