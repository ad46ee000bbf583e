/* SPDX-License-Identifier: Apache-2.0 */
/* Judges an attested certificate from files: docs/library.md explains it. */
#include <mse/mse.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FILE_MAX (1U << 20)

/* A whole file of less than 1 MiB; data is NULL if it cannot be read. */
static struct mse_bytes read_file(const char *path, uint8_t *room)
{
    FILE *file = fopen(path, "rb");
    struct mse_bytes bytes = { NULL, 0 };
    size_t len;

    if (file == NULL)
        return bytes;
    len = fread(room, 1, FILE_MAX, file);
    if (ferror(file) == 0 && len < FILE_MAX)
        bytes = (struct mse_bytes){ room, len };
    (void)fclose(file);
    return bytes;
}

/* [verify] */
static bool verify(struct mse_bytes certificate, struct mse_bytes bundle, const char *fingerprint,
                   const char *name, struct mse_bytes simulation_roots, enum mse_verdict *verdict,
                   struct mse_error *err)
{
    struct mse_verifier_options options = { .simulation_roots = simulation_roots };
    struct mse_request request = { .certificate = certificate, .name = name, .at = time(NULL) };
    struct mse_verifier *verifier = NULL;
    struct mse_collateral *collateral = NULL;
    struct mse_policy *policy = NULL;
    struct mse_report *report = NULL;
    char *text = NULL;
    bool ok = mse_verifier_new(&options, &verifier, err) && mse_collateral_new(&collateral, err) &&
              mse_collateral_add(collateral, bundle, "bundle", err) &&
              mse_collateral_prepare(collateral, verifier, err) && mse_policy_new(&policy, err) &&
              mse_policy_set(policy, "fingerprint", fingerprint, err) &&
              mse_verify(verifier, collateral, policy, &request, &report, err) &&
              mse_report_write_text(report, false, &text, err);

    *verdict = ok ? mse_report_verdict(report) : MSE_VERDICT_FAIL;
    (void)fputs(ok ? text : "", stdout);
    free(text);
    mse_report_free(report);
    mse_policy_free(policy);
    mse_collateral_free(collateral);
    mse_verifier_free(verifier);
    return ok;
}
/* [verify] */

int main(int argc, char **argv)
{
    static uint8_t room[3][FILE_MAX];
    struct mse_bytes files[3] = { { NULL, 0 } };
    enum mse_verdict verdict = MSE_VERDICT_FAIL;
    struct mse_error err = { MSE_ERR_NONE, 0, "", "" };
    char line[640];

    if (argc != 5 && argc != 6) {
        (void)fputs("usage: verify_file CERTIFICATE BUNDLE FINGERPRINT NAME [SIMULATION_ROOT]\n",
                    stderr);
        return 2;
    }
    for (int i = 0; i < (argc == 6 ? 3 : 2); i++) {
        const char *path = argv[i == 2 ? 5 : 1 + i];

        files[i] = read_file(path, room[i]);
        if (files[i].len == 0) {
            (void)fprintf(stderr, "%s cannot be read, or is empty\n", path);
            return 4;
        }
    }
    if (!verify(files[0], files[1], argv[3], argv[4], files[2], &verdict, &err)) {
        (void)fprintf(stderr, "%s\n", mse_error_describe(&err, line, sizeof(line)));
        return 2;
    }
    return verdict == MSE_VERDICT_PASS || verdict == MSE_VERDICT_INCOMPLETE ? 0
           : verdict == MSE_VERDICT_UNKNOWN                                 ? 3
                                                                            : 1;
}
