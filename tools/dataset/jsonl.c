/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/jsonl.h"

#include <errno.h>
#include <stdlib.h>

#include "manifest/manifest.h"

int jsonl_open(struct jsonl *l, const char *dir, const char *name, struct fail *fail)
{
    *l = (struct jsonl){.path = manifest_path(dir, name)};
    if (!l->path)
        return -ENOMEM;
    l->file = fopen(l->path, "re");
    if (l->file)
        return 1;
    int r =
        errno == ENOENT ? 0 : fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", l->path);
    jsonl_done(l);
    return r;
}

int jsonl_next(struct jsonl *l, json_t **ret, struct fail *fail)
{
    json_error_t error;

    if (!l->file)
        return 0;
    errno = 0;
    const ssize_t n = getline(&l->line, &l->room, l->file);
    if (n < 0 && (ferror(l->file) || errno == ENOMEM))
        return fail_set(fail, FAIL_IO, errno ? -errno : -EIO, "cannot read '%s': %m", l->path);
    if (n < 0)
        return 0;
    l->number++;
    json_t *object = (size_t) n > MANIFEST_MAX_LINE
                         ? NULL
                         : json_loadb(l->line, (size_t) n, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s', line %zu, is no JSON object", l->path,
                        l->number);
    }
    *ret = object;
    return 1;
}

void jsonl_done(struct jsonl *l)
{
    if (l->file)
        fclose(l->file);
    free(l->path);
    free(l->line);
    *l = (struct jsonl){0};
}

const char *jsonl_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}
