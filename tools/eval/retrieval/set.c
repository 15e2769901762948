/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "manifest/manifest.h"
#include "tools/eval/retrieval/retrieval.h"

void eval_set_done(struct eval_set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->pictures[i].id);
        free(s->pictures[i].path);
        free(s->pictures[i].sha256);
    }
    free(s->pictures);
    free(s->name);
    free(s->facts);
    eval_words_done(&s->texts);
    eval_words_done(&s->types);
    *s = (struct eval_set){0};
}

static struct eval_picture *add_picture(struct eval_set *s)
{
    if (s->n == s->room) {
        const size_t room = MAX(2 * s->room, (size_t) 1024);
        struct eval_picture *pictures = reallocarray(s->pictures, room, sizeof(*pictures));
        if (!pictures)
            return NULL;
        s->pictures = pictures;
        s->room = room;
    }
    s->pictures[s->n] = (struct eval_picture){.parent = EVAL_NOWHERE, .row = EVAL_NOWHERE};
    return &s->pictures[s->n++];
}

/* The ids of parents wait in `parents` until all pictures are known. */
static int add_record(struct eval_set *s, const char *dir, const char *split,
                      struct manifest_record *record, struct eval_words *ids, json_t *parents,
                      struct fail *fail)
{
    size_t id;

    if (!record->text)
        return fail_set(fail, FAIL_INPUT, -EINVAL,
                        "picture '%s' has no text; a label is what must be found", record->id);
    struct eval_picture *p = add_picture(s);
    if (!p)
        return -ENOMEM;
    const char *side = record->split ? record->split : "train";
    p->in_train = strcmp(side, "train") == 0;
    p->in_split = strcmp(split, "all") == 0 || strcmp(side, split) == 0;
    p->id = TAKE_PTR(record->id);
    p->sha256 = TAKE_PTR(record->sha256);
    p->path = manifest_path(dir, record->image);
    if (!p->path)
        return -ENOMEM;
    int r = eval_words_add(ids, p->id, &id);
    if (r == 0 && id != s->n - 1)
        return fail_set(fail, FAIL_INPUT, -EEXIST, "two pictures have the id '%s'", p->id);
    if (r == 0 && record->parent &&
        json_object_set_new(parents, p->id, json_string(record->parent)) < 0)
        r = -ENOMEM;
    if (r == 0)
        r = eval_words_add(&s->texts, record->text, &p->text);
    return r == 0 ? eval_words_add(&s->types, record->type ? record->type : "none", &p->type) : r;
}

static void link_parents(struct eval_set *s, const struct eval_words *ids, const json_t *parents)
{
    for (size_t i = 0; i < s->n; i++) {
        const char *parent = json_string_value(json_object_get(parents, s->pictures[i].id));
        const json_t *at = parent ? json_object_get(ids->index, parent) : NULL;
        if (at)
            s->pictures[i].parent = (size_t) json_integer_value(at);
    }
}

static int read_records(const char *dir, const char *split, struct eval_set *s, struct fail *fail)
{
    CLEANUP(manifest_closep) struct manifest_reader *reader = NULL;
    CLEANUP(eval_words_done) struct eval_words ids = {0};
    json_t *parents = json_object();
    int r = parents ? manifest_open(dir, &reader, fail) : -ENOMEM;

    while (r == 0) {
        struct manifest_record record = {0};
        r = manifest_next(reader, &record, fail);
        if (r != 1)
            break;
        r = add_record(s, dir, split, &record, &ids, parents, fail);
        manifest_record_done(&record);
    }
    if (r == 0)
        link_parents(s, &ids, parents);
    json_decref(parents);
    return r;
}

static int find_facts(struct eval_set *s)
{
    s->facts = calloc(s->texts.n, sizeof(*s->facts));
    if (!s->facts)
        return -ENOMEM;
    for (size_t i = 0; i < s->texts.n; i++)
        s->facts[i] = (struct eval_text_facts){.type = EVAL_NOWHERE, .row = EVAL_NOWHERE};
    for (size_t i = 0; i < s->n; i++) {
        struct eval_text_facts *f = &s->facts[s->pictures[i].text];
        f->in_split |= s->pictures[i].in_split;
        f->in_train |= s->pictures[i].in_train;
        if (f->type == EVAL_NOWHERE)
            f->type = s->pictures[i].type;
    }
    return 0;
}

int eval_set_load(const char *dir, const char *split, struct eval_set *ret, struct fail *fail)
{
    CLEANUP(eval_set_done) struct eval_set s = {0};
    CLEANUP_FREE char *copy = strdup(dir);
    size_t n = 0;

    if (!copy || !(s.name = strdup(basename(copy))))
        return -ENOMEM;
    int r = read_records(dir, split, &s, fail);
    if (r < 0)
        return r;
    for (size_t i = 0; i < s.n; i++)
        n += s.pictures[i].in_split;
    if (n == 0)
        return fail_set(fail, FAIL_INPUT, -ENODATA,
                        "'%s' has no picture in the split '%s'; 'braille-dataset split' makes "
                        "splits, --split chooses one",
                        dir, split);
    if ((r = find_facts(&s)) < 0)
        return r;
    *ret = s;
    s = (struct eval_set){0};
    return 0;
}
