/* SPDX-License-Identifier: Apache-2.0 */
/* Names given to `mse package`: what is written must be no other file that counts. */
#include <unistd.h>

#include "cli/package_job.h"
#include "cli/same_file.h"

struct named {
    const char *what, *path; /* path NULL: not given */
};

static bool is_file(const struct named *file)
{
    return file->path != NULL && strcmp(file->path, "-") != 0;
}

static bool check_distinct(const struct named *written, const struct named *other,
                           struct mse_error *err)
{
    if (!is_file(written) || !is_file(other) || !cli_same_file(written->path, other->path))
        return true;
    return mse_fail_text(err, MSE_ERR_USAGE, written->path,
                         "would be %s and %s at once: choose another name", written->what,
                         other->what);
}

bool package_check_files(const struct package_job *job, struct mse_error *err)
{
    const bool owner_is_file = job->owner != NULL && access(job->owner, F_OK) == 0;
    const struct named written[] = {
        { "the package (--output)", job->output },
        { "the code key (--key)", job->key_file },
        { "the context (--context)", job->context_file },
    };
    const struct named read[] = {
        { "the app's settings (--path)", job->path != NULL ? job->path : "mse.toml" },
        { "the earlier context (--nonces)", job->nonces_file },
        { "the owner's key (--owner)", owner_is_file ? job->owner : NULL },
        { "the runtime's description (--runtime)", job->runtime_file },
        { "the app's certificate", job->config.ssl_certificate },
        { "the private key of the app's certificate", job->config.ssl_private_key },
    };
    const size_t written_count = sizeof(written) / sizeof(written[0]);

    for (size_t i = 0; i < written_count; i++) {
        for (size_t k = i + 1; k < written_count; k++) {
            if (!check_distinct(&written[i], &written[k], err))
                return false;
        }
        for (size_t k = 0; k < sizeof(read) / sizeof(read[0]); k++) {
            if (!check_distinct(&written[i], &read[k], err))
                return false;
        }
    }
    return true;
}
