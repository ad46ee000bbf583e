/* SPDX-License-Identifier: Apache-2.0 */
/* Reports through configfs-tsm (Linux, Documentation/ABI/testing/configfs-tsm). */
#include "enclave/tee_tsm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enclave/snp_evidence.h"

#define ENTRY_NAME "mse-enclave"
/* Somebody else who writes to our entry does not stop us at once, and not for ever. */
#define MAX_ATTEMPTS 5
#define MAX_PRIVILEGE_LEVEL 3

static int default_control(int fd, unsigned long request, void *argument)
{
    return ioctl(fd, request, argument);
}

/* ---- one report ---- */

/* A decimal number, as the attributes have them. */
static bool read_number(const struct mse_tee_tsm *tsm, const char *name, uint64_t *out,
                        struct mse_error *err)
{
    char text[24];
    size_t len;

    *out = 0;
    if (!mse_tee_file_read_word(tsm->entry, name, text, sizeof(text), err))
        return false;
    len = strlen(text);
    if (len > 20 || strspn(text, "0123456789") != len)
        return mse_fail_text(err, MSE_ERR_FORMAT, name, "'%s' is no number", text);
    *out = strtoull(text, NULL, 10);
    return true;
}

/* An empty table and one that is not there are the same. */
static bool read_aux(const struct mse_tee_tsm *tsm, struct mse_writer *aux, struct mse_error *err)
{
    struct mse_error why = { 0 };

    if (mse_tee_file_read(tsm->entry, "auxblob", MSE_SNP_EVIDENCE_MAX_TABLE, aux, &why) ||
        why.code == MSE_ERR_MISSING)
        return true;
    *err = why;
    return false;
}

static bool exchange(const struct mse_tee_tsm *tsm, const uint8_t report_data[static 64],
                     struct mse_writer *out, struct mse_writer *aux, struct mse_error *err)
{
    return mse_tee_file_write(tsm->entry, "inblob", (struct mse_bytes){ report_data, 64 }, err) &&
           mse_tee_file_read(tsm->entry, "outblob", MSE_TEE_MAX_EVIDENCE, out, err) &&
           (aux == NULL || read_aux(tsm, aux, err));
}

/*
 * True if this attempt is the last, with *ok for how it ended. Every write counts the generation
 * up: one write of ours must be the only one. What failed while others wrote says nothing.
 */
static bool attempt(const struct mse_tee_tsm *tsm, const uint8_t report_data[static 64],
                    struct mse_writer *out, struct mse_writer *aux, bool *ok, struct mse_error *err)
{
    uint64_t before = 0, after = 0;
    struct mse_error why = { 0 };

    *ok = false;
    if (!read_number(tsm, "generation", &before, err))
        return true;
    *ok = exchange(tsm, report_data, out, aux, &why);
    if (!read_number(tsm, "generation", &after, err)) {
        *ok = false;
        return true;
    }
    if (after == before + 1 || (!*ok && after == before)) {
        if (!*ok)
            *err = why;
        return true;
    }
    *ok = false;
    return false;
}

bool mse_tee_tsm_report(struct mse_tee_tsm *tsm, const uint8_t report_data[static 64],
                        struct mse_writer *out, struct mse_writer *aux, struct mse_error *err)
{
    bool ok = false, is_last = false;

    (void)pthread_mutex_lock(&tsm->lock);
    for (unsigned i = 0; i < MAX_ATTEMPTS && !is_last; i++) {
        out->len = 0;
        if (aux != NULL)
            aux->len = 0;
        is_last = attempt(tsm, report_data, out, aux, &ok, err);
    }
    (void)pthread_mutex_unlock(&tsm->lock);
    if (!is_last)
        return mse_fail_text(err, MSE_ERR_IO, tsm->entry,
                             "the generation does not count our writes alone: who else uses it?");
    return ok;
}

/* ---- our entry ---- */

/*
 * One that is there was left behind by a runtime before us; the kernel lets go of it with a plain
 * rmdir(). A directory that holds files of its own was prepared by somebody: it is used as it is.
 */
static bool make_entry(const char *path, struct mse_error *err)
{
    if (mkdir(path, 0700) == 0)
        return true;
    if (errno == EEXIST) {
        if (rmdir(path) == 0)
            return mkdir(path, 0700) == 0 || mse_fail_errno(err, path, "cannot make", errno);
        return errno == ENOTEMPTY || mse_fail_errno(err, path, "cannot remove", errno);
    }
    if (errno == ENOENT || errno == ENOTDIR || errno == ENXIO)
        return mse_fail_text(err, MSE_ERR_MISSING, path, "the kernel has no provider of reports");
    return mse_fail_errno(err, path, "cannot make", errno);
}

static bool find_backend(struct mse_tee_tsm *tsm, struct mse_error *err)
{
    char provider[32];

    if (!mse_tee_file_read_word(tsm->entry, "provider", provider, sizeof(provider), err))
        return false;
    if (strcmp(provider, "tdx_guest") == 0)
        tsm->tee.backend = &mse_tee_tdx_backend;
    else if (strcmp(provider, "sev_guest") == 0)
        tsm->tee.backend = &mse_tee_snp_backend;
    return tsm->tee.backend != NULL ||
           mse_fail_text(err, MSE_ERR_UNSUPPORTED, "provider",
                         "'%s' is neither tdx_guest nor sev_guest", provider);
}

/* Below another piece of privileged software (an SVSM) the guest has no right to level 0. */
static bool set_privilege_level(struct mse_tee_tsm *tsm, struct mse_error *err)
{
    struct mse_error why = { 0 };
    uint64_t floor = 0;
    char digit[2];

    if (!read_number(tsm, "privlevel_floor", &floor, &why)) {
        if (why.code == MSE_ERR_MISSING)
            return true;
        *err = why;
        return false;
    }
    if (floor > MAX_PRIVILEGE_LEVEL)
        return mse_fail_text(err, MSE_ERR_VALUE, "privlevel_floor", "is above %d",
                             MAX_PRIVILEGE_LEVEL);
    tsm->privilege_level = (uint32_t)floor;
    digit[0] = (char)('0' + floor);
    digit[1] = '\n';
    return floor == 0 || mse_tee_file_write(tsm->entry, "privlevel",
                                            (struct mse_bytes){ (const uint8_t *)digit, 2 }, err);
}

static bool open_entry(struct mse_tee_tsm *tsm, const char *root, struct mse_error *err)
{
    char reports[MSE_TEE_MAX_FILE_PATH];
    struct stat st;

    if (strlen(root) >= sizeof(tsm->root))
        return mse_fail_text(err, MSE_ERR_LIMIT, root, "too long a path");
    memcpy(tsm->root, root, strlen(root) + 1);
    if (!mse_tee_file_path(root, "sys/kernel/config/tsm/report", reports, err) ||
        !mse_tee_file_path(reports, ENTRY_NAME, tsm->entry, err))
        return false;
    if (stat(reports, &st) == -1)
        return mse_fail_text(err, MSE_ERR_MISSING, reports, "there is no such directory");
    return make_entry(tsm->entry, err) && find_backend(tsm, err) && set_privilege_level(tsm, err);
}

bool mse_tee_tsm_open(const struct mse_tee_place *place, struct mse_tee **out,
                      struct mse_error *err)
{
    struct mse_tee_tsm *tsm = calloc(1, sizeof(*tsm));

    *out = NULL;
    if (tsm == NULL)
        return mse_fail_memory(err);
    tsm->control = place->control != NULL ? place->control : default_control;
    if (!open_entry(tsm, place->root, err) || pthread_mutex_init(&tsm->lock, NULL) != 0) {
        free(tsm);
        return mse_fail_memory(err); /* or what was wrong before */
    }
    *out = &tsm->tee;
    return true;
}

void mse_tee_tsm_free(struct mse_tee *tee)
{
    struct mse_tee_tsm *tsm = (struct mse_tee_tsm *)tee;

    (void)rmdir(tsm->entry);
    (void)pthread_mutex_destroy(&tsm->lock);
    free(tsm);
}
