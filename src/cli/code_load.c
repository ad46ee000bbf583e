/* SPDX-License-Identifier: Apache-2.0 */
/* dlopen of libmse-code.so and the commands in it. */
#include <dlfcn.h>
#include <unistd.h>

#include "cli/code.h"

#ifndef MSE_LIBDIR /* the build sets it */
#define MSE_LIBDIR "/usr/local/lib"
#endif

static bool is_this_version(void *handle)
{
    const char *(*version)(void) = NULL;
    void *symbol = dlsym(handle, "mse_code_version");

    if (symbol == NULL)
        return false;
    /* POSIX gives a function as void *, C has no conversion for it. */
    memcpy(&version, &symbol, sizeof(version));
    return strcmp(version(), MSE_VERSION) == 0;
}

/* The module stays loaded: a command is run once in a process. */
static bool find_symbol(const struct cli *cli, const char *name, void **out, struct mse_error *err)
{
    char path[sizeof(cli->program_dir) + 64];
    void *handle;

    /* A program that was not installed has its module beside it. */
    (void)snprintf(path, sizeof(path), "%slibmse-code.so", cli->program_dir);
    if (cli->program_dir[0] == '\0' || access(path, R_OK) != 0)
        (void)snprintf(path, sizeof(path), "%s", MSE_LIBDIR "/mse/libmse-code.so");
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return mse_fail_text(err, MSE_ERR_IO, "libmse-code", "%s", dlerror());
    if (!is_this_version(handle))
        return mse_fail_text(err, MSE_ERR_IO, "libmse-code", "%s is not of version %s", path,
                             MSE_VERSION);
    *out = dlsym(handle, name);
    return *out != NULL || mse_fail_text(err, MSE_ERR_IO, "libmse-code", "lacks %s", name);
}

static enum exit_code run(const char *name, struct cli *cli, int argc, char **argv)
{
    enum exit_code (*command)(struct cli *, int, char **) = NULL;
    struct mse_error err = { 0 };
    void *symbol = NULL;

    if (!find_symbol(cli, name, &symbol, &err))
        return cli_fail(cli, &err);
    /* POSIX gives a function as void *, C has no conversion for it. */
    memcpy(&command, &symbol, sizeof(command));
    return command(cli, argc, argv);
}

enum exit_code cmd_fingerprint(struct cli *cli, int argc, char **argv)
{
    return run("mse_code_fingerprint", cli, argc, argv);
}

enum exit_code cmd_package(struct cli *cli, int argc, char **argv)
{
    return run("mse_code_package", cli, argc, argv);
}

enum exit_code cmd_unpack(struct cli *cli, int argc, char **argv)
{
    return run("mse_code_unpack", cli, argc, argv);
}

enum exit_code cmd_runtime_describe(struct cli *cli, int argc, char **argv)
{
    return run("mse_code_runtime_describe", cli, argc, argv);
}

enum exit_code cmd_runtime_diff(struct cli *cli, int argc, char **argv)
{
    return run("mse_code_runtime_diff", cli, argc, argv);
}

bool code_context_fingerprint(struct cli *cli, const struct code_fingerprint_request *request,
                              struct code_fingerprint *out, struct mse_error *err)
{
    bool (*compute)(const struct code_fingerprint_request *, struct code_fingerprint *,
                    struct mse_error *) = NULL;
    void *symbol = NULL;

    if (!find_symbol(cli, "mse_code_context_fingerprint", &symbol, err))
        return false;
    memcpy(&compute, &symbol, sizeof(compute));
    return compute(request, out, err);
}

bool code_copy(struct cli *cli, const char *code_dir, const char *to, const struct mse_stop *stop,
               struct mse_error *err)
{
    bool (*copy)(const char *, const char *, const struct mse_stop *, struct mse_error *) = NULL;
    void *symbol = NULL;

    if (!find_symbol(cli, "mse_code_copy", &symbol, err))
        return false;
    memcpy(&copy, &symbol, sizeof(copy));
    return copy(code_dir, to, stop, err);
}

bool code_seal(struct cli *cli, const uint8_t recipient[static 32], struct mse_bytes in,
               struct mse_writer *out, struct mse_error *err)
{
    bool (*seal)(const uint8_t *, struct mse_bytes, struct mse_writer *, struct mse_error *) = NULL;
    void *symbol = NULL;

    if (!find_symbol(cli, "mse_code_seal", &symbol, err))
        return false;
    memcpy(&seal, &symbol, sizeof(seal));
    return seal(recipient, in, out, err);
}

bool code_unseal(struct cli *cli, const uint8_t owner_secret[static 64], struct mse_bytes box,
                 struct mse_writer *out, struct mse_error *err)
{
    bool (*open)(const uint8_t *, struct mse_bytes, struct mse_writer *, struct mse_error *) = NULL;
    void *symbol = NULL;

    if (!find_symbol(cli, "mse_code_unseal", &symbol, err))
        return false;
    memcpy(&open, &symbol, sizeof(open));
    return open(owner_secret, box, out, err);
}
