/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset crop without --unit: the crops that the product itself would cut from pages, with
 * what the truth says of them.
 */

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "braille/dsbi.h"
#include "tools/dataset/dataset.h"

struct crop_options {
    const char *out;
    enum brl_side side;
    struct dataset_crop_size size;
    double dpi;
    int orientation;
    bool truth, quiet;
};

/* How well the slots meet the truth. */
struct tally {
    size_t n_cells, n_met, n_slots;
    double corner_sum, x_sum, y_sum, usec;
};

static void tally_add(struct tally *all, const struct tally *t)
{
    all->n_cells += t->n_cells;
    all->n_met += t->n_met;
    all->n_slots += t->n_slots;
    all->corner_sum += t->corner_sum;
    all->x_sum += t->x_sum;
    all->y_sum += t->y_sum;
    all->usec += t->usec;
}

static void tally_print(const char *name, const struct tally *t)
{
    const double n = t->n_met ? (double) t->n_met : 1;
    fprintf(stderr,
            "%s: %zu slots, %zu cells, %zu met (%.4f), corners off by %.2f px (mean %+.2f, "
            "%+.2f), %.0f ms\n",
            name, t->n_slots, t->n_cells, t->n_met,
            t->n_cells ? (double) t->n_met / (double) t->n_cells : 1, t->corner_sum / n,
            t->x_sum / n, t->y_sum / n, t->usec / 1000);
}

static struct brl_point slot_centre(const struct brl_slot *s)
{
    struct brl_point c = {0, 0};
    for (unsigned d = 0; d < 6; d++) {
        c.x += s->dot[d].x / 6;
        c.y += s->dot[d].y / 6;
    }
    return c;
}

static double distance(struct brl_point a, struct brl_point b)
{
    return hypot(a.x - b.x, a.y - b.y);
}

/* Give each slot the cell of the truth whose box it shares best (IoU > 0.5), if any. */
static void match(const struct brl_page *page, const struct brl_truth *truth,
                  const struct brl_truth_cell **ret, struct tally *t)
{
    const double margin = 0.3 * truth->column_px;

    for (size_t i = 0; i < truth->n_cells; i++) {
        const struct brl_truth_cell *c = &truth->cells[i];
        double best = 0.5;
        size_t at = page->n_slots;
        for (size_t k = 0; k < page->n_slots; k++) {
            const struct brl_slot *s = &page->slots[k];
            const struct brl_point m = slot_centre(s);
            if (fabs(m.x - c->centre.x) > c->width || fabs(m.y - c->centre.y) > c->height)
                continue;
            const double iou =
                brl_box_iou(m, distance(s->dot[0], s->dot[3]), distance(s->dot[0], s->dot[2]),
                            c->centre, c->width, c->height, margin);
            if (iou > best) {
                best = iou;
                at = k;
            }
        }
        if (at == page->n_slots)
            continue;
        const struct brl_slot *s = &page->slots[at];
        const struct brl_point m = slot_centre(s);
        const double dx = m.x - c->centre.x, dy = m.y - c->centre.y;
        const double dw = (distance(s->dot[0], s->dot[3]) - c->width) / 2;
        const double dh = (distance(s->dot[0], s->dot[2]) - c->height) / 2;
        for (int sx = -1; sx <= 1; sx += 2)
            for (int sy = -1; sy <= 1; sy += 2)
                t->corner_sum += hypot(dx + sx * dw, dy + sy * dh) / 4;
        t->x_sum += dx;
        t->y_sum += dy;
        t->n_met++;
        ret[at] = c;
    }
    t->n_cells = truth->n_cells;
}

int dataset_write_crop(const struct dataset_crop_size *size, const char *name,
                       const struct brl_page *page, const struct brl_slot *s, const char *dots,
                       struct file_out *u8, struct file_out *tsv, struct fail *fail)
{
    const size_t n_bytes = (size_t) size->width * size->height;
    CLEANUP_FREE uint8_t *crop = malloc(n_bytes);
    CLEANUP_FREE char *line = NULL;

    if (!crop)
        return -ENOMEM;
    brl_page_crop(page, s, size->width, size->height, size->px_per_pitch, crop);
    const struct brl_point m = slot_centre(s);
    const double w = distance(s->dot[0], s->dot[3]), h = distance(s->dot[0], s->dot[2]);
    const double *e = s->evidence;
    const int n =
        asprintf(&line, "%s\t%u\t%u\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f,%.1f,%.1f,%.1f,%.1f,%.1f\n",
                 name, s->row, s->column, dots, m.x - w / 2, m.y - h / 2, w, h, e[0], e[1], e[2],
                 e[3], e[4], e[5]);
    if (n < 0)
        return -ENOMEM;
    int r = file_out_write(u8, crop, n_bytes, fail);
    return r < 0 ? r : file_out_write(tsv, line, (size_t) n, fail);
}

int dataset_open_crops(const char *out, struct file_out *u8, struct file_out *tsv,
                       struct fail *fail)
{
    static const char head[] = "#page\trow\tcolumn\tdots\tx\ty\tw\th\tevidence\n";
    CLEANUP_FREE char *a = NULL, *b = NULL;

    if (asprintf(&a, "%s.u8", out) < 0 || asprintf(&b, "%s.tsv", out) < 0)
        return -ENOMEM;
    int r = file_out_open(u8, a, fail);
    if (r == 0)
        r = file_out_open(tsv, b, fail);
    return r < 0 ? r : file_out_write(tsv, head, sizeof(head) - 1, fail);
}

int dataset_commit_crops(struct file_out *u8, struct file_out *tsv, struct fail *fail)
{
    int r = file_out_sync(u8, fail); /* both or none: neither has its name before both are whole */
    if (r == 0)
        r = file_out_sync(tsv, fail);
    if (r == 0)
        r = file_out_commit(u8, fail);
    return r < 0 ? r : file_out_commit(tsv, fail);
}

/* "X.jpg" -> "X+recto.txt". */
static char *truth_path(const char *page, enum brl_side side)
{
    const char *dot = strrchr(page, '.'), *slash = strrchr(page, '/');
    const int n = dot && (!slash || dot > slash) ? (int) (dot - page) : (int) strlen(page);
    char *path;
    return asprintf(&path, "%.*s+%s.txt", n, page, side == BRL_VERSO ? "verso" : "recto") < 0
               ? NULL
               : path;
}

static double now_usec(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int crop_page(const struct crop_options *o, const char *path, struct file_out *u8,
                     struct file_out *tsv, struct tally *t, struct fail *fail)
{
    CLEANUP(image_freep) struct image *img = NULL;
    CLEANUP(brl_page_freep) struct brl_page *page = NULL;
    CLEANUP(brl_truth_done) struct brl_truth truth = {0};
    CLEANUP_FREE char *truth_file = NULL;
    CLEANUP_FREE const struct brl_truth_cell **cells = NULL;

    int r = image_load(path, &img, fail);
    if (r < 0)
        return r;
    if (o->truth) {
        truth_file = truth_path(path, o->side);
        r = truth_file ? brl_truth_load(truth_file, o->side, img->width, img->height, &truth, fail)
                       : -ENOMEM;
        if (r < 0 || truth.n_cells == 0)
            return r; /* a side without braille has nothing to teach */
    }
    const double start = now_usec();
    const struct brl_page_params params = {
        .side = o->side, .dpi = o->dpi, .orientation = o->orientation, .light_deg = -1};
    struct fail why = {0};
    r = brl_page_new(img, &params, &page, &why);
    t->usec = now_usec() - start;
    if (r < 0) /* of many pages, which one */
        return fail_set(fail, why.kind, r, "'%.200s': %.250s", path, why.text);
    cells = calloc(page->n_slots, sizeof(*cells));
    if (!cells)
        return -ENOMEM;
    t->n_slots = page->n_slots;
    if (o->truth)
        match(page, &truth, cells, t);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (size_t i = 0; i < page->n_slots && r == 0; i++) {
        char dots[7] = "0";
        if (cells[i])
            brl_cell_format(cells[i]->cell, dots);
        r = dataset_write_crop(&o->size, name, page, &page->slots[i], o->truth ? dots : "-", u8,
                               tsv, fail);
    }
    return r;
}

static int parse_options(int argc, char **argv, struct crop_options *o)
{
    enum { TRUTH = 256, SIDE, WIDTH, HEIGHT, PX, DPI, ORIENTATION };
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"truth", no_argument, NULL, TRUTH},
                                            {"side", required_argument, NULL, SIDE},
                                            {"width", required_argument, NULL, WIDTH},
                                            {"height", required_argument, NULL, HEIGHT},
                                            {"px-per-pitch", required_argument, NULL, PX},
                                            {"dpi", required_argument, NULL, DPI},
                                            {"orientation", required_argument, NULL, ORIENTATION},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    uint64_t degrees = 0;
    double v = 0;

    for (int c; (c = getopt_long(argc, argv, "o:qh", options, NULL)) != -1;) {
        int r = 0;
        switch (c) {
        case 'o':
            o->out = optarg;
            break;
        case TRUTH:
            o->truth = true;
            break;
        case 'q':
            o->quiet = true;
            break;
        case 'h':
            dataset_print_help(stdout, dataset_crop_help);
            return 1;
        case SIDE:
            o->side = strcmp(optarg, "verso") == 0 ? BRL_VERSO : BRL_RECTO;
            r = o->side == BRL_VERSO || strcmp(optarg, "recto") == 0 ? 0 : -EINVAL;
            break;
        case WIDTH:
            r = dataset_parse_number(optarg, 1024, &v);
            o->size.width = (unsigned) v;
            break;
        case HEIGHT:
            r = dataset_parse_number(optarg, 1024, &v);
            o->size.height = (unsigned) v;
            break;
        case PX:
            r = dataset_parse_number(optarg, 256, &o->size.px_per_pitch);
            break;
        case DPI:
            r = dataset_parse_number(optarg, 4800, &o->dpi);
            break;
        case ORIENTATION:
            r = dataset_parse_whole(optarg, 270, &degrees);
            if (degrees % 90)
                r = -EINVAL;
            o->orientation = (int) degrees;
            break;
        default:
            return -EINVAL; /* getopt has said why */
        }
        if (r < 0) {
            log_error("braille-dataset crop: '%s' does not fit its option; see --help", optarg);
            return r;
        }
    }
    if (!o->out || optind == argc || o->size.width == 0 || o->size.height == 0) {
        dataset_print_help(stderr, dataset_crop_help);
        return -EINVAL;
    }
    return 0;
}

int dataset_crop_slots(int argc, char **argv)
{
    struct crop_options o = {.size = DATASET_CROP_SIZE, .orientation = -1};
    CLEANUP(file_out_done) struct file_out u8 = FILE_OUT_INIT, tsv = FILE_OUT_INIT;
    struct tally all = {0};
    struct fail fail = {0};

    int r = parse_options(argc, argv, &o);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    r = dataset_open_crops(o.out, &u8, &tsv, &fail);
    for (int i = optind; i < argc && r == 0; i++) {
        struct tally t = {0};
        r = crop_page(&o, argv[i], &u8, &tsv, &t, &fail);
        tally_add(&all, &t);
        if (r == 0 && !o.quiet)
            tally_print(argv[i], &t);
    }
    if (r == 0)
        r = dataset_commit_crops(&u8, &tsv, &fail);
    if (r < 0) {
        fail_set(&fail, FAIL_OTHER, r, "%m");
        log_error("braille-dataset crop: %s", fail.text);
        return (int) fail.kind;
    }
    if (!o.quiet && argc - optind > 1)
        tally_print("all", &all);
    return 0;
}
