/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/card.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "manifest/manifest.h"

static int add_one(json_t *object, const char *key)
{
    const json_int_t n = json_integer_value(json_object_get(object, key));
    return json_object_set_new(object, key, json_integer(n + 1)) < 0 ? -ENOMEM : 0;
}

static int count_in(json_t *figures, const char *table, const char *key)
{
    json_t *object = json_object_get(figures, table);

    if (!object && json_object_set_new(figures, table, object = json_object()) < 0)
        return -ENOMEM;
    return add_one(object, key);
}

/* "turn-180+background-#e8d8b0" -> "turn+background"; an original is "as it was" */
static void kind_of(const char *augment, char out[64])
{
    size_t n = 0;

    if (!augment)
        augment = "as it was";
    for (bool copy = true; *augment && n < 63; augment++) {
        if (*augment == '+' || *augment == '-')
            copy = *augment == '+';
        if (copy)
            out[n++] = *augment;
    }
    out[n] = 0;
}

static int count(json_t *figures, const char *type, const char *augment, const char *split)
{
    char kind[64];

    kind_of(augment, kind);
    int r = add_one(figures, "pictures");
    if (r == 0)
        r = count_in(figures, "types", type ? type : "none");
    if (r == 0)
        r = count_in(figures, "made", kind);
    if (r == 0 && split)
        r = count_in(figures, "splits", split);
    return r;
}

static int count_line(void *ctx, const json_t *line, struct fail *fail)
{
    const json_t *record = json_object_get(line, "record");

    if (!record)
        return add_one(ctx, "left_out");
    return count(ctx, json_string_value(json_object_get(record, "type")),
                 json_string_value(json_object_get(record, "augment")),
                 json_string_value(json_object_get(record, "split")));
}

int card_begin(struct card *card, struct journal *journal, json_t *how, struct fail *fail)
{
    *card = (struct card){.how = how};
    card->figures = json_pack("{s:i, s:i}", "pictures", 0, "left_out", 0);
    return card->figures ? journal_replay(journal, count_line, card->figures, fail) : -ENOMEM;
}

int card_add(struct card *card, const struct manifest_record *record)
{
    if (!record)
        return add_one(card->figures, "left_out");
    return count(card->figures, record->type, record->augment, record->split);
}

static void write_table(FILE *f, const json_t *figures, const char *name, const char *head)
{
    json_t *table = json_object_get(figures, name), *n;
    const char *key;

    if (!json_object_size(table))
        return;
    fprintf(f, "\n| %s | pictures |\n|---|---|\n", head);
    json_object_foreach(table, key, n)
        fprintf(f, "| %s | %" JSON_INTEGER_FORMAT " |\n", key, json_integer_value(n));
}

static void write_how(FILE *f, json_t *how)
{
    const char *key;
    json_t *value;

    fputs("\n## How it was made\n\n| option | value |\n|---|---|\n", f);
    json_object_foreach(how, key, value)
    {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        const bool string = json_is_string(value);
        if (!json_is_null(value))
            fprintf(f, "| %s | %s |\n", key, string ? json_string_value(value) : text ? text : "");
        free(text);
    }
}

int card_write(struct card *card, const char *title, const char *about)
{
    const json_int_t n = json_integer_value(json_object_get(card->figures, "pictures"));
    const json_int_t out = json_integer_value(json_object_get(card->figures, "left_out"));
    size_t size;
    FILE *f = open_memstream(&card->text, &size);

    if (!f)
        return -ENOMEM;
    fprintf(f, "# %s\n\n%s\n\n%" JSON_INTEGER_FORMAT " pictures", title, about, n);
    if (out > 0)
        fprintf(f, "; %" JSON_INTEGER_FORMAT " left out, listed with the reasons in skipped.jsonl",
                out);
    fputs(".\n", f);
    write_table(f, card->figures, "types", "type");
    write_table(f, card->figures, "made", "how it was made");
    write_table(f, card->figures, "splits", "split");
    write_how(f, card->how);
    const bool failed = ferror(f);
    return fclose(f) != 0 || failed ? -ENOMEM : 0;
}

int card_print(const struct card *card)
{
    return json_dumpf(card->figures, stdout, JSON_COMPACT) < 0 || putchar('\n') < 0 ? -EIO : 0;
}

int card_licence(const char *dir, char **ret, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(dir, "card.md");
    CLEANUP_FREE uint8_t *card = NULL;
    size_t size = 0;
    int r = path ? 0 : -ENOMEM;

    if (r == 0 && access(path, F_OK) == 0)
        r = file_read(path, CARD_MAX_BYTES, &card, &size, fail);
    if (r < 0)
        return r;
    const char *line = card ? strstr((char *) card, "\nLicence") : NULL;
    if (card && !line)
        line = strstr((char *) card, "\n- Licence");
    line = line ? strstr(line, "Licence") : "";
    *ret = strndup(line, strcspn(line, "\n"));
    return *ret ? 0 : -ENOMEM;
}

void card_done(struct card *card)
{
    json_decref(card->figures);
    free(card->text);
    *card = (struct card){0};
}
