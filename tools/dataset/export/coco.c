/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO (cocodataset.org, "Data format", object detection): images/ and
 * annotations/instances_SPLIT.json. The 63 categories are the cells, their numbers the bits of the
 * dots. A box goes through the cell's outer dot centres; COCO's pixels begin at their edge, ours at
 * their centre, so half a pixel is added.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/dataset/export/export.h"

struct part {
    FILE *json;  ///< so far the images
    FILE *boxes; ///< the annotations, until they can follow
    size_t n_boxes;
};

struct coco {
    const char *dir;
    struct part parts[EXPORT_N_SPLITS];
};

static const char *const split_names[EXPORT_N_SPLITS] = {"train", "val", "test"};

static int open_coco(const struct export_options *o, const char *dir, void **ret, struct fail *fail)
{
    struct coco *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->dir = dir;
    *ret = s;
    return 0;
}

static int open_part(struct coco *s, enum export_split split, struct fail *fail)
{
    struct part *part = &s->parts[split];
    char name[64];

    snprintf(name, sizeof(name), "annotations/instances_%s.json", split_names[split]);
    int r = export_create(s->dir, name, &part->json, fail);
    if (r < 0)
        return r;
    r = export_scratch(s->dir, &part->boxes, fail);
    if (r < 0)
        return r;
    fputs("{\"info\": {\"description\": \"Chinese braille cells; bbox goes through the outer dot "
          "centres\", \"version\": \"" BRAILLED_VERSION "\"},\n"
          "\"licenses\": [{\"id\": 1, \"name\": \"as the data card says\", \"url\": \"\"}],\n"
          "\"categories\": [",
          part->json);
    for (unsigned cell = 1; cell < 64; cell++) {
        char dots[7];
        brl_cell_format((brl_cell) cell, dots);
        fprintf(part->json, "%s{\"id\": %u, \"name\": \"%s\", \"supercategory\": \"braille cell\"}",
                cell > 1 ? ",\n" : "\n", cell, dots);
    }
    fputs("],\n\"images\": [", part->json);
    return 0;
}

static double thousandths(double v)
{
    return (double) (long long) (v * 1000 + (v < 0 ? -0.5 : 0.5)) / 1000;
}

static void write_boxes(struct part *part, const struct export_item *item)
{
    const struct manifest_record *record = &item->record;

    for (size_t i = 0; i < record->n_cells; i++) {
        const struct manifest_box *b = &record->boxes[i];
        if (record->cells[i] == 0)
            continue;
        const double x = thousandths(b->x + 0.5), y = thousandths(b->y + 0.5);
        const double w = thousandths(b->w), h = thousandths(b->h);
        fprintf(part->boxes,
                "%s\n{\"id\": %zu, \"image_id\": %zu, \"category_id\": %u, \"bbox\": [%.10g, "
                "%.10g, %.10g, %.10g], \"area\": %.10g, \"iscrowd\": 0, \"segmentation\": "
                "[[%.10g, %.10g, %.10g, %.10g, %.10g, %.10g, %.10g, %.10g]]}",
                part->n_boxes ? "," : "", part->n_boxes + 1, item->number, record->cells[i], x, y,
                w, h, w * h, x, y, x + w, y, x + w, y + h, x, y + h);
        part->n_boxes++;
    }
}

static int add_coco(void *state, struct export_item *item, struct fail *fail)
{
    struct coco *s = state;
    const enum export_split split = export_split_of(&item->record);
    struct part *part = &s->parts[split];
    char name[MANIFEST_MAX_NAME + 32];
    const bool first = !part->json;
    int r = 0;

    if (!item->record.cells || !item->record.boxes) {
        fail_set(&item->why, FAIL_INPUT, -ENODATA, "it has no boxes of cells");
        return EXPORT_SKIP;
    }
    if (first)
        r = open_part(s, split, fail);
    snprintf(name, sizeof(name), "images/%s.%s", item->record.id, item->ending);
    if (r == 0)
        r = export_write(s->dir, name, item->bytes, item->n_bytes, fail);
    if (r < 0)
        return r;
    /* ids and endings need no escape in JSON */
    fprintf(
        part->json,
        "%s\n{\"id\": %zu, \"file_name\": \"%s\", \"width\": %u, \"height\": %u, \"license\": 1}",
        first ? "" : ",", item->number, strchr(name, '/') + 1, item->width, item->height);
    write_boxes(part, item);
    if (ferror(part->json) || ferror(part->boxes))
        return fail_set(fail, FAIL_IO, errno ? -errno : -EIO, "cannot write to '%s': %m", s->dir);
    return 0;
}

static int append(FILE *to, FILE *from, const char *dir, struct fail *fail)
{
    char piece[65536];
    size_t n;

    errno = 0;
    if (fflush(from) == 0 && fseek(from, 0, SEEK_SET) == 0)
        while ((n = fread(piece, 1, sizeof(piece), from)) > 0 && fwrite(piece, 1, n, to) == n)
            ;
    return ferror(from) || ferror(to)
               ? fail_set(fail, FAIL_IO, errno ? -errno : -EIO, "cannot write to '%s': %m", dir)
               : 0;
}

static int finish_coco(void *state, struct fail *fail)
{
    struct coco *s = state;
    int r = 0;

    for (unsigned k = 0; k < EXPORT_N_SPLITS && r == 0; k++) {
        struct part *part = &s->parts[k];
        if (!part->json)
            continue;
        fputs("],\n\"annotations\": [", part->json);
        r = append(part->json, part->boxes, s->dir, fail);
        fputs("]}\n", part->json);
        r = export_close(&part->json, s->dir, r, fail);
    }
    return r;
}

static void done_coco(void *state)
{
    struct coco *s = state;

    for (unsigned k = 0; k < EXPORT_N_SPLITS; k++) {
        if (s->parts[k].json)
            fclose(s->parts[k].json);
        if (s->parts[k].boxes)
            fclose(s->parts[k].boxes);
    }
    free(s);
}

const struct export_format export_coco = {
    .name = "coco",
    .open = open_coco,
    .add = add_coco,
    .finish = finish_coco,
    .done = done_coco,
};
