/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest/manifest.h"

static int open_file(struct jsonl *l, struct fail *fail)
{
    struct stat st;

    l->lines.fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (l->lines.fd < 0 && errno == ENOENT)
        return 0;
    if (l->lines.fd < 0 || fstat(l->lines.fd, &st) < 0)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", l->path);
    if (!S_ISREG(st.st_mode))
        return fail_set(fail, FAIL_OPEN, -EINVAL, "'%s' is no regular file", l->path);
    return 1;
}

int jsonl_open(struct jsonl *l, const char *dir, const char *name, struct fail *fail)
{
    *l = (struct jsonl){.path = manifest_path(dir, name)};
    if (!l->path)
        return -ENOMEM;
    l->lines.name = l->path;
    int r = open_file(l, fail);
    if (r <= 0)
        jsonl_done(l);
    return r;
}

int jsonl_next(struct jsonl *l, json_t **ret, struct fail *fail)
{
    json_error_t error;
    char *line;
    size_t size;
    bool whole;

    if (!l->path)
        return 0;
    int r = manifest_lines_next(&l->lines, &line, &size, &whole, fail);
    if (r <= 0)
        return r;
    json_t *object = manifest_parse_line(line, size, &error);
    if (!object)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s', line %zu is no JSON object: %s", l->path,
                        l->lines.number, error.text);
    *ret = object;
    return 1;
}

void jsonl_done(struct jsonl *l)
{
    if (l->path && l->lines.fd >= 0)
        close(l->lines.fd);
    manifest_lines_done(&l->lines);
    free(l->path);
    *l = (struct jsonl){0};
}

const char *jsonl_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}
