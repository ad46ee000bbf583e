/* SPDX-License-Identifier: Apache-2.0 */
/* The archive of a container image: whatever is accepted has a file system that can be walked. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "package/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool look_at(void *context, const char *name, struct mse_error *err)
{
    const struct mse_file_source *source = context;
    enum mse_node_type type = MSE_NODE_ABSENT;
    uint8_t digest[32];
    bool is_link = false;

    if (name[0] == '\0' || !source->look(source, name, &type, &is_link, err))
        abort();
    if (type == MSE_NODE_FILE && !source->digest(source, name, digest, err))
        abort();
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct mse_image_limits limits = { 1000, 1U << 20, 100 };
    struct mse_image *image = NULL;
    struct mse_error err = { 0 };
    char path[64];
    int fd = memfd_create("image", MFD_CLOEXEC);

    if (fd == -1 || write(fd, data, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (mse_image_open(path, NULL, &limits, &image, &err)) {
        const struct mse_file_source *source = mse_image_source(image);

        if (!source->list(source, "/", look_at, (void *)(uintptr_t)source, &err))
            abort();
    } else if (err.code == MSE_ERR_NONE || image != NULL) {
        abort();
    }
    mse_image_free(image);
    (void)close(fd);
    return 0;
}
