/* SPDX-License-Identifier: Apache-2.0
 *
 * Hugging Face's ImageFolder: train/, validation/ and test/ with the pictures and a metadata.csv,
 * and a README.md that says that all columns are text ("248" is no number).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tools/dataset/export/export.h"

struct imagefolder {
    const struct export_options *o;
    const char *dir;
    FILE *metadata[EXPORT_N_SPLITS];
    size_t n_lost; ///< texts that readers of CSV take for nothing
};

static const char *const split_names[EXPORT_N_SPLITS] = {"train", "validation", "test"};

#define N_COLUMNS 13
static const char *const columns[N_COLUMNS] = {"file_name", "text",   "id",   "type",   "cells",
                                               "reads",     "code",   "side", "source", "parent",
                                               "augment",   "sha256", "dpi"};

static int open_folder(const struct export_options *o, const char *dir, void **ret,
                       struct fail *fail)
{
    struct imagefolder *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->o = o;
    s->dir = dir;
    *ret = s;
    return 0;
}

/* What pandas, and `datasets` with it, reads as a missing value; "nan" is also a syllable. */
static bool is_lost(const char *text)
{
    static const char *const words[] = {"NA",   "N/A",  "n/a",  "NaN",  "nan",  "-nan", "-NaN",
                                        "null", "NULL", "None", "<NA>", "#N/A", "#NA"};
    for (size_t i = 0; text && i < ELEMENTSOF(words); i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

/* RFC 4180; what is not known is an empty field. */
static void write_csv(FILE *f, const char *const values[N_COLUMNS])
{
    for (unsigned i = 0; i < N_COLUMNS; i++) {
        const char *v = values[i] ? values[i] : "";
        const bool quote = v[strcspn(v, "\",\r\n")] || v[0] == ' ';
        fputs(i > 0 ? "," : "", f);
        fputs(quote ? "\"" : "", f);
        for (; *v; v++) {
            if (*v == '"')
                putc('"', f);
            putc(*v, f);
        }
        fputs(quote ? "\"" : "", f);
    }
    putc('\n', f);
}

static int write_json(FILE *f, const char *const values[N_COLUMNS])
{
    json_t *line = json_object();
    int r = line ? 0 : -ENOMEM;

    for (unsigned i = 0; i < N_COLUMNS && r == 0; i++)
        if (json_object_set_new(line, columns[i],
                                values[i] ? json_string(values[i]) : json_null()) < 0)
            r = -ENOMEM;
    if (r == 0 && json_dumpf(line, f, JSON_COMPACT) < 0)
        r = -EIO;
    putc('\n', f);
    json_decref(line);
    return r;
}

static int open_metadata(struct imagefolder *s, enum export_split split, struct fail *fail)
{
    char name[64];

    snprintf(name, sizeof(name), "%s/metadata.%s", split_names[split],
             s->o->jsonl ? "jsonl" : "csv");
    int r = export_create(s->dir, name, &s->metadata[split], fail);
    if (r == 0 && !s->o->jsonl)
        write_csv(s->metadata[split], columns);
    return r;
}

static int add_folder(void *state, struct export_item *item, struct fail *fail)
{
    struct imagefolder *s = state;
    const struct manifest_record *record = &item->record;
    const enum export_split split = export_split_of(record);
    CLEANUP_FREE char *cells = export_cells(record);
    char name[MANIFEST_MAX_NAME + 32], dpi[32] = "";

    int r = cells ? 0 : -ENOMEM;
    if (r == 0 && !s->metadata[split])
        r = open_metadata(s, split, fail);
    snprintf(name, sizeof(name), "%s/%s.%s", split_names[split], record->id, item->ending);
    if (r == 0)
        r = export_write(s->dir, name, item->bytes, item->n_bytes, fail);
    if (r < 0)
        return r;
    snprintf(dpi, sizeof(dpi), "%.10g", record->dpi);
    const char *const values[N_COLUMNS] = {strchr(name, '/') + 1,
                                           record->text,
                                           record->id,
                                           record->type,
                                           record->cells ? cells : NULL,
                                           record->reads,
                                           record->code,
                                           record->side,
                                           record->source,
                                           record->parent,
                                           record->augment,
                                           record->sha256,
                                           record->dpi > 0 ? dpi : NULL};
    if (s->o->jsonl)
        r = write_json(s->metadata[split], values);
    else
        write_csv(s->metadata[split], values);
    s->n_lost += !s->o->jsonl && is_lost(record->text);
    if (r == -ENOMEM)
        return r;
    if (r < 0 || ferror(s->metadata[split]))
        return fail_set(fail, FAIL_IO, errno ? -errno : -EIO, "cannot write to '%s': %m", s->dir);
    return 0;
}

/* `datasets` takes the columns' types from here; by itself it would make numbers of "248". */
static int write_readme(const struct imagefolder *s, struct fail *fail)
{
    FILE *f = NULL;

    int r = export_create(s->dir, "README.md", &f, fail);
    if (r < 0)
        return r;
    fputs("---\nconfigs:\n- config_name: default\n  features:\n  - name: image\n    dtype: image\n",
          f);
    for (unsigned i = 1; i < N_COLUMNS; i++)
        fprintf(f, "  - name: %s\n    dtype: string\n", columns[i]);
    fputs("---\n\n# Chinese braille\n\nPictures and labels of a data set of `braille-dataset`: "
          "`datasets.load_dataset(\"this folder\")`.\n",
          f);
    return export_close(&f, s->dir, 0, fail);
}

static int finish_folder(void *state, struct fail *fail)
{
    struct imagefolder *s = state;

    if (s->n_lost > 0)
        log_warning("braille-dataset export: %zu texts like \"nan\" are read as nothing from CSV; "
                    "--metadata jsonl keeps them",
                    s->n_lost);
    int r = write_readme(s, fail);
    for (unsigned k = 0; k < EXPORT_N_SPLITS; k++)
        r = export_close(&s->metadata[k], s->dir, r, fail);
    return r;
}

static void done_folder(void *state)
{
    struct imagefolder *s = state;

    for (unsigned k = 0; k < EXPORT_N_SPLITS; k++)
        if (s->metadata[k])
            fclose(s->metadata[k]);
    free(s);
}

const struct export_format export_imagefolder = {
    .name = "imagefolder",
    .open = open_folder,
    .add = add_folder,
    .finish = finish_folder,
    .done = done_folder,
};
