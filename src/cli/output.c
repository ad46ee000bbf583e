/* SPDX-License-Identifier: Apache-2.0 */
/* What commands say to people: notes, errors, and the exit status that belongs to each. */
#include <stdarg.h>

#include "base/encode.h"
#include "base/json.h"
#include "cli/cli.h"

enum exit_code cli_code_of(enum mse_err_code code)
{
    switch (code) {
    case MSE_ERR_NONE:
        return EXIT_YES;
    case MSE_ERR_MEMORY:
    case MSE_ERR_CRYPTO:
    case MSE_ERR_IO:
    case MSE_ERR_EXISTS:
        return EXIT_LOCAL;
    case MSE_ERR_NETWORK:
    case MSE_ERR_TIMEOUT:
    case MSE_ERR_TLS:
    case MSE_ERR_HTTP:
        return EXIT_UNKNOWN;
    case MSE_ERR_USAGE:
    case MSE_ERR_UNKNOWN_KEY:
        return EXIT_USAGE;
    case MSE_ERR_TRUNCATED:
    case MSE_ERR_TRAILING:
    case MSE_ERR_FORMAT:
    case MSE_ERR_VALUE:
    case MSE_ERR_UNSUPPORTED:
    case MSE_ERR_LIMIT:
    case MSE_ERR_DUPLICATE:
    case MSE_ERR_MISSING:
    case MSE_ERR_SIGNATURE:
    case MSE_ERR_CHAIN:
    case MSE_ERR_ROOT:
    case MSE_ERR_REVOKED:
    case MSE_ERR_EXPIRED:
    case MSE_ERR_NOT_YET_VALID:
    case MSE_ERR_MISMATCH:
    case MSE_ERR_BINDING:
    case MSE_ERR_TCB:
    case MSE_ERR_POLICY:
    case MSE_ERR_SIMULATED:
    case MSE_ERR_NO_EVIDENCE:
        return EXIT_NO;
    }
    return EXIT_NO;
}

static void print_json_error(struct cli *cli, const struct mse_error *err)
{
    struct mse_writer to = { 0 };
    struct mse_json_writer w = mse_json_writer_init(&to, 2);

    mse_json_open_object(&w, NULL);
    mse_json_put_text(&w, "schema", "mse-error-v1");
    mse_json_put_text(&w, "code", mse_err_name(err->code));
    mse_json_put_bytes_text(&w, "subject", MSE_CSTR_BYTES(err->field));
    mse_json_put_bytes_text(&w, "message", MSE_CSTR_BYTES(err->text));
    mse_json_close_object(&w);
    mse_write_text(&to, "\n");
    if (mse_writer_ok(&to))
        cli_put(cli, &to);
    mse_writer_cleanup(&to);
}

enum exit_code cli_fail(struct cli *cli, const struct mse_error *err)
{
    char line[1024], plain[256];

    /* Of a wrong command line the words say enough; of bytes the class and the place help. */
    if (err->code == MSE_ERR_USAGE && err->field[0] != '\0' && err->text[0] != '\0')
        cli_note(cli, "mse: %s: %s", mse_escape(MSE_CSTR_BYTES(err->field), plain, sizeof(plain)),
                 mse_escape(MSE_CSTR_BYTES(err->text), line, sizeof(line)));
    else
        cli_note(cli, "mse: %s", mse_error_describe(err, line, sizeof(line)));
    if (cli->json_errors != NULL && *cli->json_errors)
        print_json_error(cli, err);
    return cli_code_of(err->code == MSE_ERR_NONE ? MSE_ERR_CRYPTO : err->code);
}

void cli_put(struct cli *cli, const struct mse_writer *text)
{
    if (text->len > 0)
        (void)fwrite(text->data, 1, text->len, cli->out);
}

void cli_note(struct cli *cli, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vfprintf(cli->err, format, args);
    va_end(args);
    (void)fputc('\n', cli->err);
}
