/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/book/book.h"

#include <dirent.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

void book_names_done(struct book_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->list[i]);
    free(names->list);
    free(names->folder);
    *names = (struct book_names){0};
}

static int add(struct book_names *names, char *name /* taken */)
{
    char **more = name ? reallocarray(names->list, names->n + 1, sizeof(*more)) : NULL;

    if (!more) {
        free(name);
        return -ENOMEM;
    }
    names->list = more;
    names->list[names->n++] = name;
    return 0;
}

static bool is_picture(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".tif", ".tiff",
                                          ".pnm", ".pgm", ".ppm",  ".pbm"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && dot > name && i < ELEMENTSOF(endings); i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

static int by_number(const void *a, const void *b)
{
    return strverscmp(*(char *const *) a, *(char *const *) b);
}

static void sort(struct book_names *names, size_t first)
{
    if (names->n > first)
        qsort(names->list + first, names->n - first, sizeof(*names->list), by_number);
}

static int add_folder(struct book_names *names, const char *path, struct fail *fail)
{
    const size_t first = names->n;
    const char *slash = *path && path[strlen(path) - 1] == '/' ? "" : "/";
    DIR *d = opendir(path);
    int r = 0;

    if (!d)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open the folder '%s': %m", path);
    for (struct dirent *e; r == 0 && (e = readdir(d));) {
        char *name = NULL;
        if (!is_picture(e->d_name) || e->d_name[0] == '.')
            continue;
        if (asprintf(&name, "%s%s%s", path, slash, e->d_name) < 0)
            name = NULL;
        r = add(names, name);
    }
    closedir(d);
    if (r == 0 && names->n == first)
        r = fail_set(fail, FAIL_INPUT, -ENODATA, "the folder '%s' holds no picture of a page",
                     path);
    sort(names, first);
    return r;
}

/* The last part of a path, for a title. */
static char *folder_name(const char *path)
{
    CLEANUP_FREE char *real = realpath(path, NULL);
    const char *slash = real ? strrchr(real, '/') : NULL;

    return slash && slash[1] ? strdup(slash + 1) : NULL;
}

/* As a shell lists `*`: by bytes, or as the user's language sorts. */
static bool is_globbed(const struct book_names *names)
{
    locale_t locale = newlocale(LC_COLLATE_MASK, "", (locale_t) 0);
    bool bytes = true, language = locale != (locale_t) 0;

    for (size_t i = 1; i < names->n; i++) {
        const char *a = names->list[i - 1], *b = names->list[i];
        bytes = bytes && strcmp(a, b) <= 0;
        language = language && strcoll_l(a, b, locale) <= 0;
    }
    if (locale != (locale_t) 0)
        freelocale(locale);
    return bytes || language;
}

static void sort_globbed(struct book_names *names)
{
    bool in_order = true;

    for (size_t i = 1; i < names->n; i++)
        in_order = in_order && strverscmp(names->list[i - 1], names->list[i]) <= 0;
    if (in_order || !is_globbed(names))
        return;
    sort(names, 0);
    names->sorted = true;
}

int book_names_list(int n_words, char **words, struct book_names *ret, struct fail *fail)
{
    CLEANUP(book_names_done) struct book_names names = {0};
    bool folders = false;
    struct stat st;
    int r = 0;

    for (int i = 0; r == 0 && i < n_words; i++) {
        const bool is_folder = stat(words[i], &st) == 0 && S_ISDIR(st.st_mode);
        folders = folders || is_folder;
        r = is_folder ? add_folder(&names, words[i], fail) : add(&names, strdup(words[i]));
    }
    if (r < 0)
        return r;
    if (!folders)
        sort_globbed(&names);
    else if (n_words == 1)
        names.folder = folder_name(words[0]);
    *ret = names;
    names = (struct book_names){0};
    return 0;
}
