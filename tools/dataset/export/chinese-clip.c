/* SPDX-License-Identifier: Apache-2.0
 *
 * What OFA-Sys/Chinese-CLIP is trained on (its README, "Data Preprocessing"): SPLIT_imgs.tsv of
 * "number<TAB>base64 of the picture's file" and SPLIT_texts.jsonl of {"text_id", "text",
 * "image_ids"}, splits train, valid and test. Pictures with one text share its line, as retrieval
 * is scored by it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "tools/dataset/export/export.h"

/* All that is kept of a picture. */
struct pair {
    uint64_t hash;  ///< of the text
    uint32_t image; ///< number of the record
    uint32_t split;
};

struct clip {
    const struct export_options *o;
    const char *dir;
    FILE *images[EXPORT_N_SPLITS];
    struct pair *pairs; ///< owned
    size_t n, room;
};

static const char *const split_names[EXPORT_N_SPLITS] = {"train", "valid", "test"};

static int open_clip(const struct export_options *o, const char *dir, void **ret, struct fail *fail)
{
    struct clip *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->o = o;
    s->dir = dir;
    *ret = s;
    return 0;
}

static void write_base64(FILE *f, const uint8_t *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < n; i += 3) {
        const unsigned long v = (unsigned long) p[i] << 16 |
                                (i + 1 < n ? (unsigned long) p[i + 1] << 8 : 0) |
                                (i + 2 < n ? p[i + 2] : 0);
        putc_unlocked(digits[v >> 18], f);
        putc_unlocked(digits[v >> 12 & 63], f);
        putc_unlocked(i + 1 < n ? digits[v >> 6 & 63] : '=', f);
        putc_unlocked(i + 2 < n ? digits[v & 63] : '=', f);
    }
}

/* The first 64 bits of its SHA-256: texts of strangers must not collide on purpose. */
static int hash_text(const char *text, uint64_t *ret)
{
    char sum[HASH_TEXT];
    int r = hash_sha256(text, strlen(text), sum);
    sum[16] = 0;
    *ret = r < 0 ? 0 : strtoull(sum, NULL, 16);
    return r;
}

static int add_clip(void *state, struct export_item *item, struct fail *fail)
{
    struct clip *s = state;
    const enum export_split split = export_split_of(&item->record);

    if (!item->record.text || !item->record.text[0]) {
        fail_set(&item->why, FAIL_INPUT, -ENODATA, "it has no text");
        return EXPORT_SKIP;
    }
    if (item->number > UINT32_MAX)
        return fail_set(fail, FAIL_INPUT, -E2BIG, "the set has too many pictures");
    if (s->n == s->room) {
        const size_t room = MAX(s->room * 2, (size_t) 1024);
        void *more = realloc(s->pairs, room * sizeof(*s->pairs));
        if (!more)
            return -ENOMEM;
        s->pairs = more;
        s->room = room;
    }
    struct pair pair = {.image = (uint32_t) item->number, .split = split};
    int r = hash_text(item->record.text, &pair.hash);
    if (r == 0 && !s->images[split]) {
        char name[32];
        snprintf(name, sizeof(name), "%s_imgs.tsv", split_names[split]);
        r = export_create(s->dir, name, &s->images[split], fail);
    }
    if (r < 0)
        return r;
    s->pairs[s->n++] = pair;
    FILE *f = s->images[split];
    fprintf(f, "%zu\t", item->number);
    write_base64(f, item->bytes, item->n_bytes);
    putc('\n', f);
    return ferror(f)
               ? fail_set(fail, FAIL_IO, errno ? -errno : -EIO, "cannot write to '%s': %m", s->dir)
               : 0;
}

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->split != y->split)
        return x->split < y->split ? -1 : 1;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->image < y->image ? -1 : x->image > y->image;
}

static bool same_text(const struct pair *x, const struct pair *y)
{
    return x->split == y->split && x->hash == y->hash;
}

/* Where a text's pictures begin in the sorted pairs. */
struct lead {
    uint32_t image; ///< its first, from which the text is read again
    uint32_t at;
};

static int compare_leads(const void *a, const void *b)
{
    const struct lead *x = a, *y = b;
    return x->image < y->image ? -1 : x->image > y->image;
}

static int write_text(FILE *f, const struct clip *s, const struct lead *lead, const char *text)
{
    const struct pair *first = &s->pairs[lead->at], *end = s->pairs + s->n;

    json_t *string = json_string(text);
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    json_decref(string);
    if (!quoted)
        return -ENOMEM;
    fprintf(f, "{\"text_id\": %u, \"text\": %s, \"image_ids\": [", lead->image, quoted);
    for (const struct pair *p = first; p < end && same_text(p, first); p++)
        fprintf(f, "%s%u", p > first ? ", " : "", p->image);
    fputs("]}\n", f);
    free(quoted);
    return 0;
}

/* The texts once more from the manifest: each is written where it comes first. */
static int write_texts(struct clip *s, const struct lead *leads, size_t n_leads,
                       FILE *texts[EXPORT_N_SPLITS], struct fail *fail)
{
    CLEANUP(manifest_closep) struct manifest_reader *reader = NULL;
    size_t k = 0;

    int r = manifest_open(s->o->in, &reader, fail);
    for (size_t number = 1; r >= 0 && k < n_leads; number++) {
        struct manifest_record record;
        uint64_t hash;
        r = manifest_next(reader, &record, fail);
        if (r <= 0)
            break;
        if (number == leads[k].image) {
            const struct pair *pair = &s->pairs[leads[k].at];
            r = record.text ? hash_text(record.text, &hash) : -ESTALE;
            if (r == 0 && hash != pair->hash)
                r = -ESTALE;
            if (r == 0)
                r = write_text(texts[pair->split], s, &leads[k++], record.text);
        }
        manifest_record_done(&record);
    }
    if (r >= 0 && k < n_leads)
        r = -ESTALE;
    return r == -ESTALE ? fail_set(fail, FAIL_INPUT, r, "'%s' changes while it is read", s->o->in)
                        : MIN(r, 0);
}

static int finish_texts(struct clip *s, struct fail *fail)
{
    CLEANUP_FREE struct lead *leads = malloc((s->n + 1) * sizeof(*leads));
    FILE *texts[EXPORT_N_SPLITS] = {NULL};
    size_t n = 0;
    int r = 0;

    if (!leads)
        return -ENOMEM;
    if (s->n > 0)
        qsort(s->pairs, s->n, sizeof(*s->pairs), compare_pairs);
    for (size_t i = 0; i < s->n; i++)
        if (i == 0 || !same_text(&s->pairs[i], &s->pairs[i - 1]))
            leads[n++] = (struct lead){.image = s->pairs[i].image, .at = (uint32_t) i};
    if (n > 0)
        qsort(leads, n, sizeof(*leads), compare_leads);
    for (unsigned k = 0; k < EXPORT_N_SPLITS && r == 0; k++) {
        char name[32];
        snprintf(name, sizeof(name), "%s_texts.jsonl", split_names[k]);
        if (s->images[k])
            r = export_create(s->dir, name, &texts[k], fail);
    }
    if (r == 0)
        r = write_texts(s, leads, n, texts, fail);
    for (unsigned k = 0; k < EXPORT_N_SPLITS; k++)
        r = export_close(&texts[k], s->dir, r, fail);
    return r;
}

static int finish_clip(void *state, struct fail *fail)
{
    struct clip *s = state;

    int r = finish_texts(s, fail);
    for (unsigned k = 0; k < EXPORT_N_SPLITS; k++)
        r = export_close(&s->images[k], s->dir, r, fail);
    return r;
}

static void done_clip(void *state)
{
    struct clip *s = state;

    for (unsigned k = 0; k < EXPORT_N_SPLITS; k++)
        if (s->images[k])
            fclose(s->images[k]);
    free(s->pairs);
    free(s);
}

const struct export_format export_chinese_clip = {
    .name = "chinese-clip",
    .open = open_clip,
    .add = add_clip,
    .finish = finish_clip,
    .done = done_clip,
};
