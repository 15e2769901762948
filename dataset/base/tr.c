/* SPDX-License-Identifier: Apache-2.0 */

#include "base/tr.h"

#include <byteswap.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define DOMAIN "brailled"
#define MAX_BYTES (16 << 20)

/* What libc says of the errors that users meet; found by its English words. A test compares them
 * with libc's. */
const char *const tr_errors[] = {
    N_("Operation not permitted"),
    N_("No such file or directory"),
    N_("Input/output error"),
    N_("Bad file descriptor"),
    N_("Cannot allocate memory"),
    N_("Permission denied"),
    N_("Device or resource busy"),
    N_("File exists"),
    N_("No such device"),
    N_("No such device or address"),
    N_("Not a directory"),
    N_("Is a directory"),
    N_("Invalid argument"),
    N_("Too many open files"),
    N_("Too many open files in system"),
    N_("File too large"),
    N_("No space left on device"),
    N_("Read-only file system"),
    N_("Broken pipe"),
    N_("File name too long"),
    N_("Directory not empty"),
    N_("Too many levels of symbolic links"),
    N_("Disk quota exceeded"),
    N_("Operation canceled"),
    N_("Operation not supported"),
    N_("Connection refused"),
    N_("Connection timed out"),
    N_("Connection reset by peer"),
    N_("Transport endpoint is not connected"),
    N_("Resource temporarily unavailable"),
    N_("Interrupted system call"),
    N_("Bad message"),
    N_("No data available"),
    NULL,
};

/* A .mo file, "The Format of GNU MO Files" of gettext's manual: two tables of length and offset,
 * the originals in the order of strcmp(). */
static struct catalogue {
    char language[16];
    uint8_t *data; ///< owned, for good; NULL: none
    size_t size;
    bool swapped;
    uint32_t n, originals, translations;
} catalogue;

static uint32_t word_at(const struct catalogue *c, size_t at)
{
    uint32_t v;
    memcpy(&v, c->data + at, sizeof(v));
    return c->swapped ? bswap_32(v) : v;
}

/* Entry `i` of a table; every one was checked when the file was taken. */
static const char *string_at(const struct catalogue *c, uint32_t table, uint32_t i)
{
    return (const char *) c->data + word_at(c, table + 8 * (size_t) i + 4);
}

static bool table_is_sound(const struct catalogue *c, uint32_t table)
{
    if (table > c->size || c->n > (c->size - table) / 8)
        return false;
    for (uint32_t i = 0; i < c->n; i++) {
        const uint64_t length = word_at(c, table + 8 * (size_t) i);
        const uint64_t at = word_at(c, table + 8 * (size_t) i + 4);
        if (at + length >= c->size || c->data[at + length] != 0)
            return false;
    }
    return true;
}

static bool take_header(struct catalogue *c)
{
    enum { HEADER_BYTES = 28 };
    const uint32_t magic = 0x950412de;

    if (c->size < HEADER_BYTES)
        return false;
    c->swapped = word_at(c, 0) == bswap_32(magic);
    if (word_at(c, 0) != magic || word_at(c, 4) >> 16 > 1)
        return false;
    c->n = word_at(c, 8);
    c->originals = word_at(c, 12);
    c->translations = word_at(c, 16);
    return table_is_sound(c, c->originals) && table_is_sound(c, c->translations);
}

/* A program that lies in the build folder uses the catalogue that lies there. */
static const char *catalogue_dir(void)
{
    char exe[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    if (n <= 0)
        return BRAILLED_LOCALE_DIR;
    exe[n] = 0;
    return strncmp(exe, BRAILLED_BUILD_ROOT "/", sizeof(BRAILLED_BUILD_ROOT)) == 0
               ? BRAILLED_BUILD_ROOT "/tools/po"
               : BRAILLED_LOCALE_DIR;
}

bool tr_use(const char *path, const char *language)
{
    struct catalogue c = {0};

    if (access(path, R_OK) < 0 || file_read(path, MAX_BYTES, &c.data, &c.size, NULL) < 0)
        return false;
    if (!take_header(&c)) {
        free(c.data);
        return false;
    }
    snprintf(c.language, sizeof(c.language), "%s", language);
    free(catalogue.data);
    catalogue = c;
    return true;
}

static bool try_language(const char *language)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s/LC_MESSAGES/" DOMAIN ".mo", catalogue_dir(), language);
    return tr_use(path, language);
}

/* "zh_CN.UTF-8@x": zh_CN, then zh. Chinese of other places has this catalogue until it has its own:
 * it is heard the same. True: no other language is to be tried. */
static bool try_locale(const char *name, size_t length)
{
    char language[16];
    const size_t n = MIN(length, strcspn(name, ".@:"));

    if (n == 0 || n >= sizeof(language) || memchr(name, '/', n))
        return false;
    memcpy(language, name, n);
    language[n] = 0;
    if (try_language(language))
        return true;
    language[strcspn(language, "_")] = 0;
    return strcmp(language, "en") == 0 || try_language(language) ||
           (strcmp(language, "zh") == 0 && try_language("zh_CN"));
}

static const char *messages_locale(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return value;
    }
    return "C";
}

void tr_open(void)
{
    const char *locale = messages_locale(), *languages = getenv("LANGUAGE");

    setlocale(LC_CTYPE, "");
    setlocale(LC_MESSAGES, "");
    if (strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0)
        return;
    if (!languages || !*languages)
        languages = locale;
    while (*languages) {
        const size_t n = strcspn(languages, ":");
        if (try_locale(languages, n))
            return;
        languages += n + (languages[n] == ':');
    }
}

const char *tr_language(void)
{
    return catalogue.language;
}

const char *tr(const char *text)
{
    const struct catalogue *c = &catalogue;
    uint32_t from = 0, to = c->n;

    while (*text && from < to) {
        const uint32_t middle = from + (to - from) / 2;
        const int order = strcmp(text, string_at(c, c->originals, middle));
        if (order == 0) {
            const char *said = string_at(c, c->translations, middle);
            return *said ? said : text;
        }
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return text;
}

const char *tr_format(const char *format, char *buffer, size_t size)
{
    const int number = errno;
    const char *from = tr(format);
    size_t n = 0;

    format = from;
    if (!catalogue.data || !strstr(format, "%m"))
        return format;
    while (*from && n + 1 < size) {
        if (from[0] == '%' && from[1] == 'm') {
            for (const char *why = tr(strerror(number)); *why && n + 2 < size; why++) {
                if (*why == '%')
                    buffer[n++] = '%';
                buffer[n++] = *why;
            }
            from += 2;
        } else {
            const bool pair = from[0] == '%' && from[1] && n + 2 < size;
            buffer[n++] = *from++;
            if (pair)
                buffer[n++] = *from++;
        }
    }
    buffer[n] = 0;
    errno = number;
    return *from ? format : buffer;
}

size_t tr_columns(const char *text)
{
    size_t n = 0;

    for (const uint8_t *s = (const uint8_t *) text; *s; s++)
        if ((*s & 0xc0) != 0x80)
            n += *s >= 0xe3 ? 2 : 1;
    return n;
}
