/* SPDX-License-Identifier: Apache-2.0 */

#include "import/beside.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { MAX_BYTES = 1 << 20 };

char *import_beside_text(struct import_plan *p, const char *name)
{
    char path[PATH_MAX];
    struct fail why = {0};
    uint8_t *data = NULL;
    size_t size = 0;

    if (p->r < 0 || (size_t) snprintf(path, sizeof(path), "%s/%s", import_source_folder(p->source),
                                      name) >= sizeof(path))
        return NULL;
    const int r = file_read(path, MAX_BYTES, &data, &size, &why);
    if (r == -ENOENT)
        return NULL;
    if (r < 0) {
        p->r = r;
        if (p->fail)
            *p->fail = why;
        return NULL;
    }
    if (memchr(data, 0, size)) {
        import_refuse(p, "%s beside it is not text", name);
        free(data);
        return NULL;
    }
    return (char *) data;
}

json_t *import_beside_json(struct import_plan *p, const char *name)
{
    CLEANUP_FREE char *text = import_beside_text(p, name);
    json_t *o = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

    if (text && !json_is_object(o)) {
        import_refuse(p, "%s beside it is no JSON object", name);
        json_decref(o);
        return NULL;
    }
    return o;
}

/* The line's value, if it is that of `key`: without spaces, quotes and what follows " #". */
static bool value_of(const char *line, size_t n, const char *key, char *ret, size_t size)
{
    const size_t n_key = strlen(key);

    while (n > 0 && isspace((unsigned char) *line)) {
        line++;
        n--;
    }
    if (n <= n_key || memcmp(line, key, n_key) != 0 || line[n_key] != ':')
        return false;
    line += n_key + 1;
    n -= n_key + 1;
    for (size_t i = 0; i < n; i++)
        if (line[i] == '#' && (i == 0 || isspace((unsigned char) line[i - 1])))
            n = i;
    while (n > 0 && strchr(" \t\r\"'", line[n - 1]))
        n--;
    while (n > 0 && strchr(" \t\"'", *line)) {
        line++;
        n--;
    }
    snprintf(ret, size, "%.*s", (int) n, line);
    return n < size;
}

bool import_yaml_value(const char *yaml, const char *section, const char *key, char *ret,
                       size_t size)
{
    bool inside = section == NULL;
    char nothing[2];

    for (const char *line = yaml; *line;) {
        const size_t n = strcspn(line, "\n");
        if (!inside)
            inside = value_of(line, n, section, nothing, sizeof(nothing)) && !nothing[0];
        else if (value_of(line, n, key, ret, size))
            return ret[0] != 0;
        line += n + (line[n] == '\n');
    }
    return false;
}
