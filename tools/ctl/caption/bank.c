/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/caption/caption.h"

#include "base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_file(const char *path, const char *name, char **ret, struct fail *fail)
{
    uint8_t *data = NULL;
    size_t size = 0;
    int fd = -1;

    int r = ctl_open_input(path, CAPTION_MAX_FILE, &fd, fail);
    if (r < 0)
        return r;
    r = file_read_fd(fd, name, CAPTION_MAX_FILE, &data, &size, fail);
    close(fd);
    if (r < 0)
        return r;
    *ret = (char *) data;
    return memchr(data, 0, size) ? fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is not text", name)
                                 : 0;
}

/* Jansson takes UTF-8 only. */
static bool is_utf8(const char *text)
{
    json_t *s = json_string(text);

    json_decref(s);
    return s != NULL;
}

static char *trim(char *line)
{
    char *end;

    line += strspn(line, " \t\r\v\f");
    end = line + strlen(line);
    while (end > line && strchr(" \t\r\v\f", end[-1]))
        *--end = 0;
    return line;
}

static int add(struct caption_bank *bank, const char *name, char *text, size_t line,
               struct fail *fail)
{
    if (strlen(text) > CAPTION_MAX_TEXT)
        return fail_set(fail, FAIL_INPUT, -EFBIG,
                        "line %zu of '%s' has more than %d bytes; write one sentence a line", line,
                        name, CAPTION_MAX_TEXT);
    if (!is_utf8(text))
        return fail_set(fail, FAIL_INPUT, -EILSEQ, "line %zu of '%s' is not UTF-8", line, name);
    if (bank->n == CAPTION_MAX_SENTENCES)
        return fail_set(fail, FAIL_INPUT, -EFBIG,
                        "'%s' has more than %d sentences; divide it into several files", name,
                        CAPTION_MAX_SENTENCES);
    bank->texts[bank->n] = text;
    bank->lines[bank->n++] = line;
    return 0;
}

static int read_lines(struct caption_bank *bank, const char *name, struct fail *fail)
{
    char *next = bank->data;

    if (strncmp(next, "\xef\xbb\xbf", 3) == 0)
        next += 3;
    for (size_t line = 1; next; line++) {
        char *text = trim(strsep(&next, "\n"));
        int r = *text ? add(bank, name, text, line, fail) : 0;
        if (r < 0)
            return r;
    }
    return bank->n > 0 ? 0
                       : fail_set(fail, FAIL_INPUT, -ENODATA,
                                  "'%s' has no sentences; write one a line", name);
}

int caption_bank_read(const char *path, struct caption_bank *ret, struct fail *fail)
{
    const char *name = strcmp(path, "-") == 0 ? tr("standard input") : path;
    size_t n = 1;

    *ret = (struct caption_bank){0};
    int r = read_file(path, name, &ret->data, fail);
    for (const char *s = ret->data; r >= 0 && (s = strchr(s, '\n')); s++)
        n++;
    n = MIN(n, (size_t) CAPTION_MAX_SENTENCES);
    ret->texts = calloc(n, sizeof(*ret->texts));
    ret->lines = calloc(n, sizeof(*ret->lines));
    if (r >= 0 && (!ret->texts || !ret->lines))
        r = fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'", name);
    if (r >= 0)
        r = read_lines(ret, name, fail);
    if (r < 0)
        caption_bank_done(ret);
    return r;
}

void caption_bank_done(struct caption_bank *bank)
{
    free(bank->data);
    free(bank->texts);
    free(bank->lines);
    *bank = (struct caption_bank){0};
}
