/* SPDX-License-Identifier: Apache-2.0
 *
 * Translated words: a catalogue of msgfmt's in either byte order, which language is taken, "%m",
 * and files that are cut off or damaged.
 */

#include "test.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/random.h"
#include "base/tr.h"

/* Two entries; msgfmt would write "" with the header first. */
static const char *const from[] = {"", "no page '%s': %m"}, *const to[] = {"x", "没有页 '%s'：%m"};

static void put(uint8_t *at, uint32_t v, bool swapped)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t) (v >> 8 * (swapped ? 3 - i : i));
}

static size_t make(uint8_t *out, bool swapped)
{
    const uint32_t head[7] = {0x950412de, 0, 2, 28, 44, 0, 60};
    size_t at = 60;

    for (unsigned i = 0; i < 7; i++)
        put(out + 4 * i, head[i], swapped);
    for (unsigned table = 0; table < 2; table++)
        for (unsigned i = 0; i < 2; i++) {
            const char *text = table ? to[i] : from[i];
            put(out + 28 + 16 * table + 8 * i, (uint32_t) strlen(text), swapped);
            put(out + 32 + 16 * table + 8 * i, (uint32_t) at, swapped);
            memcpy(out + at, text, strlen(text) + 1);
            at += strlen(text) + 1;
        }
    return at;
}

static bool use(const char *path, const uint8_t *data, size_t size)
{
    FILE *f = fopen(path, "w");
    REQUIRE(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
    return tr_use(path, "xx");
}

static void test_catalogue(const char *path)
{
    uint8_t data[512];

    REQUIRE(strcmp(tr("no page '%s': %m"), "no page '%s': %m") == 0);
    for (int swapped = 0; swapped < 2; swapped++) {
        const size_t size = make(data, swapped);
        struct fail fail = {0};
        REQUIRE(use(path, data, size));
        REQUIRE(strcmp(tr_language(), "xx") == 0);
        REQUIRE(strcmp(tr(from[1]), to[1]) == 0);
        REQUIRE(strcmp(tr("another"), "another") == 0 && strcmp(tr(""), "") == 0);
        REQUIRE(fail_set(&fail, FAIL_OPEN, -ENOENT, "no page '%s': %m", "a%mb") == -ENOENT);
        REQUIRE(strcmp(fail.text, "没有页 'a%mb'：No such file or directory") == 0);
    }
}

/* Every cut and many changed bytes: refused, or every answer is a string inside the file. */
static void test_damage(const char *path)
{
    uint8_t good[512], bad[512];
    const size_t size = make(good, false);
    struct random random = {.state = 7};

    for (size_t n = 0; n < size; n++)
        REQUIRE(!use(path, good, n));
    for (unsigned i = 0; i < 600; i++) {
        memcpy(bad, good, size);
        for (unsigned k = 0; k < 1 + i % 3; k++)
            bad[random_next(&random) % size] = (uint8_t) random_next(&random);
        if (use(path, bad, size))
            REQUIRE(strlen(tr(from[1])) < size && strlen(tr("x")) < size);
    }
}

/* The errors that are translated are named as libc names them. */
static void test_errors(void)
{
    for (size_t i = 0; tr_errors[i]; i++) {
        bool found = false;
        for (int e = 1; e < 140 && !found; e++)
            found = strcmp(strerror(e), tr_errors[i]) == 0;
        if (!found)
            fprintf(stderr, "libc has no error '%s'\n", tr_errors[i]);
        REQUIRE(found);
    }
}

/* What the variables choose, of the catalogues in the build folder. */
static void choose(const char *all, const char *lang, const char *language, const char *want)
{
    const pid_t child = fork();
    int status = 0;

    if (child == 0) {
        setenv("LC_ALL", all, 1);
        setenv("LC_MESSAGES", "", 1);
        setenv("LANG", lang, 1);
        setenv("LANGUAGE", language, 1);
        tr_open();
        _exit(strcmp(tr_language(), want) != 0);
    }
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
    if (status != 0)
        fprintf(stderr, "LC_ALL=%s LANG=%s LANGUAGE=%s: not %s\n", all, lang, language, want);
    REQUIRE(status == 0);
}

static void test_choice(void)
{
    choose("", "", "", "");
    choose("", "", "zh_CN", ""); /* as gettext: LANGUAGE counts where there is a locale */
    choose("C", "zh_CN.UTF-8", "zh_CN", "");
    choose("C.UTF-8", "zh_CN.UTF-8", "", "");
    choose("C.UTF-8", "", "zh_CN", "zh_CN");
    choose("", "zh_CN.UTF-8", "", "zh_CN");
    choose("zh_CN.GB18030", "C", "", "zh_CN");
    choose("", "zh_SG.UTF-8", "", "zh_CN");
    choose("", "zh_CN.UTF-8", "en_GB:zh_CN", "");
    choose("", "de_DE.UTF-8", "fr:de:zh", "zh_CN");
    choose("", "de_DE.UTF-8", "", "");
    choose("", "../../../../tmp", "", "");
}

int main(void)
{
    char path[] = "/tmp/test-tr.XXXXXX";
    const int fd = mkstemp(path);

    REQUIRE(fd >= 0);
    close(fd);
    test_choice();
    test_errors();
    test_catalogue(path);
    test_damage(path);
    REQUIRE(tr_columns("a…b") == 3 && tr_columns("盲文 x") == 6);
    unlink(path);
    return 0;
}
