/* SPDX-License-Identifier: Apache-2.0 */
/* Reads passwords: file or terminal. */
#include "cli/password.h"

#include <errno.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/file.h"

#define KEY_INTERRUPT 0x03 /* Ctrl-C */
#define KEY_END 0x04       /* Ctrl-D */
#define KEY_BACKSPACE 0x08
#define KEY_KILL 0x15 /* Ctrl-U */
#define KEY_DELETE 0x7f

void password_wipe(struct password *password)
{
    OPENSSL_cleanse(password, sizeof(*password));
}

/* ---- file ---- */

bool password_load(const char *path, struct password *out, struct mse_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0, all;
    bool ok;

    memset(out, 0, sizeof(*out));
    if (!mse_file_read(path, PASSWORD_MAX + 2, &data, &len, err))
        return mse_fail_in(err, "password file");
    all = len;
    if (len > 0 && data[len - 1] == '\n')
        len--;
    if (len > 0 && len < all && data[len - 1] == '\r')
        len--;
    ok = len > 0 && len <= PASSWORD_MAX && memchr(data, '\n', len) == NULL &&
         memchr(data, '\r', len) == NULL && memchr(data, '\0', len) == NULL;
    if (ok)
        memcpy(out->text, data, len);
    OPENSSL_cleanse(data, all);
    free(data);
    return ok ||
           mse_fail_text(err, MSE_ERR_USAGE, path,
                         "does not hold one line of 1 to %d bytes with a password", PASSWORD_MAX);
}

/* ---- terminal ---- */

/* A UTF-8 character is one key press: all of its bytes go. */
static size_t without_last(const char *text, size_t len)
{
    while (len > 0 && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
        len--;
    return len > 0 ? len - 1 : 0;
}

static bool read_key(int fd, unsigned char *key)
{
    ssize_t n;

    do {
        n = read(fd, key, 1);
    } while (n == -1 && errno == EINTR);
    return n == 1;
}

/* The terminal gives key by key: it would otherwise keep the line in its own buffer. */
static bool read_line(int fd, struct password *out, struct mse_error *err)
{
    size_t len = 0;
    unsigned char key = 0;

    while (read_key(fd, &key) && key != '\n' && key != '\r' && key != KEY_END) {
        if (key == KEY_INTERRUPT)
            return mse_fail_text(err, MSE_ERR_USAGE, "password", "interrupted");
        if (key == KEY_DELETE || key == KEY_BACKSPACE)
            len = without_last(out->text, len);
        else if (key == KEY_KILL)
            len = 0;
        else if (key < 0x20)
            continue; /* no other control character can be part of it */
        else if (len == PASSWORD_MAX)
            return mse_fail_text(err, MSE_ERR_USAGE, "password", "longer than %d bytes",
                                 PASSWORD_MAX);
        else
            out->text[len++] = (char)key;
    }
    /* What was taken back is still there. */
    OPENSSL_cleanse(out->text + len, sizeof(out->text) - len);
    return len > 0 || mse_fail_text(err, MSE_ERR_USAGE, "password", "empty");
}

/* Signal keys are read like others meanwhile, so that the terminal is always put back. */
static bool ask_once(struct cli *cli, const char *prompt, struct password *out,
                     struct mse_error *err)
{
    int fd = fileno(cli->in);
    struct termios before, silent;
    bool ok;

    if (tcgetattr(fd, &before) == -1)
        return mse_fail_text(err, MSE_ERR_IO, "terminal", "cannot be asked for a password");
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    if (tcsetattr(fd, TCSAFLUSH, &silent) == -1)
        return mse_fail_text(err, MSE_ERR_IO, "terminal", "cannot be kept from showing a password");
    (void)fprintf(cli->err, "%s: ", prompt);
    (void)fflush(cli->err);
    ok = read_line(fd, out, err);
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    (void)fputc('\n', cli->err);
    return ok;
}

bool password_ask(struct cli *cli, bool is_new, struct password *out, struct mse_error *err)
{
    struct password again = { { 0 } };
    bool ok;

    memset(out, 0, sizeof(*out));
    ok = ask_once(cli, is_new ? "New password for the key" : "Password of the key", out, err);
    if (ok && is_new) {
        ok = ask_once(cli, "The same once more", &again, err) &&
             (CRYPTO_memcmp(again.text, out->text, sizeof(again.text)) == 0 ||
              mse_fail_text(err, MSE_ERR_USAGE, "password", "the two differ"));
    }
    password_wipe(&again);
    if (!ok)
        password_wipe(out);
    return ok;
}
