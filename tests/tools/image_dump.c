/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the file system of a container image, for comparison: one line an entry. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "package/image.h"

struct names {
    char **of;
    size_t count;
};

static bool collect(void *context, const char *name, struct mse_error *err)
{
    struct names *names = context;
    char **grown = realloc(names->of, (names->count + 1) * sizeof(char *));

    if (grown == NULL)
        return mse_fail_memory(err);
    names->of = grown;
    names->of[names->count] = strdup(name);
    return names->of[names->count++] != NULL || mse_fail_memory(err);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool dump(const struct mse_image *image, const char *path, struct mse_error *err);

static bool dump_one(const struct mse_image *image, const char *path, struct mse_error *err)
{
    const struct mse_file_source *source = mse_image_source(image);
    const char *target = mse_image_link(image, path);
    enum mse_node_type type = MSE_NODE_ABSENT;
    uint8_t digest[32];
    char hex[65];
    bool is_link = false;

    if (target != NULL) {
        (void)printf("l %s %s\n", target, path);
        return true;
    }
    if (!source->look(source, path, &type, &is_link, err))
        return false;
    if (type == MSE_NODE_DIRECTORY) {
        (void)printf("d - %s\n", path);
        return dump(image, path, err);
    }
    if (type != MSE_NODE_FILE) {
        (void)printf("o - %s\n", path);
        return true;
    }
    if (!source->digest(source, path, digest, err))
        return false;
    mse_hex_write(digest, 32, hex);
    (void)printf("f %s %s\n", hex, path);
    return true;
}

static bool dump(const struct mse_image *image, const char *path, struct mse_error *err)
{
    const struct mse_file_source *source = mse_image_source(image);
    struct names names = { 0 };
    bool ok = source->list(source, path, collect, &names, err);

    qsort(names.of, names.count, sizeof(char *), compare);
    for (size_t i = 0; i < names.count; i++) {
        char below[8192];

        (void)snprintf(below, sizeof(below), "%s/%s", path, names.of[i]);
        ok = ok && dump_one(image, below, err);
        free(names.of[i]);
    }
    free(names.of);
    return ok;
}

int main(int argc, char **argv)
{
    struct mse_image_limits limits = { 1000, 64U << 20, 100 };
    struct mse_image *image = NULL;
    struct mse_error err = { 0 };
    char line[1024];
    bool ok;

    if (argc < 2)
        return 2;
    ok = mse_image_open(argv[1], argc > 2 && argv[2][0] != '\0' ? argv[2] : NULL, &limits, &image,
                        &err);
    if (ok && argc > 3) {
        uint8_t *data = NULL;
        size_t len = 0;

        ok = mse_image_read(image, argv[3], 1U << 20, &data, &len, &err);
        if (ok)
            (void)fwrite(data, 1, len, stdout);
        free(data);
    } else if (ok) {
        ok = dump(image, "", &err);
    }
    mse_image_free(image);
    if (!ok)
        (void)fprintf(stderr, "%s\n", mse_error_describe(&err, line, sizeof(line)));
    return ok ? 0 : 1;
}
