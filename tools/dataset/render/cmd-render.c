/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset render: cells or pages that are drawn rather than scanned, with their truth.
 */

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tools/dataset/render/render.h"

static const char help[] = N_(
    "usage: braille-dataset render --cells N [--seed S] -o OUT\n"
    "       braille-dataset render --page TEXT [--verso TEXT] -o PICTURE [OPTIONS]\n"
    "       braille-dataset render --text FILE [--verso-text FILE] -o PICTURE [OPTIONS]\n\n"
    "Draw braille under raking light. The same options and seed give the same bytes.\n\n"
    "      --cells N            N crops of single cells for training, as 'crop' writes them:\n"
    "                           OUT.u8 and OUT.tsv, of all geometries, papers and lights\n"
    "      --page TEXT          a page of the lines of Unicode braille in the file TEXT\n"
    "      --verso TEXT         what is on its other side\n"
    "      --text FILE          pages of Chinese text, translated by liblouis; of several the\n"
    "                           pictures are OUT-1.png, OUT-2.png, …, their truth alike\n"
    "      --verso-text FILE    what is on their other sides\n"
    "      --both-sides         the text goes on on the other side of each sheet\n"
    "      --code NAME          current (default), common or two-cell\n"
    "      --columns N          cells of a line of text (28)\n"
    "      --rows N             lines of a page of text (22)\n"
    "  -o, --output OUT         .png .jpg .pgm for a page\n"
    "      --truth FILE         one line for each cell of the page: side, row, column, dots, box\n"
    "      --dsbi               annotations beside the picture as the DSBI dataset has them\n"
    "      --weather            light, paper, wear and noise drawn from the seed\n"
    "      --scan               the same, and what a scan of a used page has besides\n"
    "      --missing SHARE      of the dots that did not come out (0)\n"
    "      --geometry NAME      us, europe (default), press, press-wide or embosser\n"
    "      --dpi N              200\n"
    "      --paper W,H          size in mm (as the text needs); a4 is 210,297\n"
    "      --margin LEFT,TOP    mm to the first dots (15,15)\n"
    "      --skew DEG           the page lies turned clockwise by it (0)\n"
    "      --light DEG          where the light comes from, clockwise from the top (0)\n"
    "      --grain LEVELS       of the paper (4)\n"
    "      --jpeg QUALITY       what JPEG of this quality does to it\n");

static int parse_pair(const char *text, double most, double *a, double *b)
{
    char *end;
    const double x = strtod(text, &end);
    if (end == text || *end != ',' || !(x > 0 && x <= most))
        return -EINVAL;
    *a = x;
    return dataset_parse_number(end + 1, most, b);
}

static int parse_geometry(const char *name, struct brl_render_params *params)
{
    for (unsigned i = 0; i < BRL_N_GEOMETRIES; i++)
        if (strcmp(name, brl_geometry_names[i]) == 0) {
            brl_render_geometry(params, (enum brl_geometry) i);
            return 0;
        }
    return -EINVAL;
}

static int parse_angle(const char *text, double *ret)
{
    char *end;
    const double v = strtod(text, &end);
    if (end == text || *end || !(fabs(v) <= 360))
        return -EINVAL;
    *ret = v;
    return 0;
}

enum {
    CELLS = 256,
    PAGE,
    VERSO,
    TRUTH,
    DSBI,
    WEATHER,
    GEOMETRY,
    DPI,
    PAPER,
    MARGIN,
    SKEW,
    LIGHT,
    JPEG,
    GRAIN,
    TEXT,
    VERSO_TEXT,
    BOTH_SIDES,
    CODE,
    COLUMNS_OPTION,
    ROWS_OPTION,
    SCAN,
    MISSING,
};

/* What is drawn. 1 taken, 0 another option, or -EINVAL. */
static int parse_what(int c, struct render_options *o)
{
    double v = 0;
    int r = 0;

    switch (c) {
    case 'o':
        o->out = optarg;
        break;
    case CELLS:
        r = dataset_parse_number(optarg, 1e8, &v);
        o->n_cells = (size_t) v;
        break;
    case PAGE:
        o->page = optarg;
        break;
    case VERSO:
        o->verso = optarg;
        break;
    case TEXT:
        o->text = optarg;
        break;
    case VERSO_TEXT:
        o->verso_text = optarg;
        break;
    case BOTH_SIDES:
        o->both_sides = true;
        break;
    case CODE:
        r = lang_code_parse(optarg, &o->code);
        break;
    case COLUMNS_OPTION:
        r = dataset_parse_whole(optarg, 200, &o->n_columns);
        r = r == 0 && o->n_columns < 8 ? -EINVAL : r;
        break;
    case ROWS_OPTION:
        r = dataset_parse_whole(optarg, 200, &o->n_rows);
        r = r == 0 && o->n_rows < 1 ? -EINVAL : r;
        break;
    case TRUTH:
        o->truth = optarg;
        break;
    case DSBI:
        o->dsbi = true;
        break;
    default:
        return 0;
    }
    return r < 0 ? r : 1;
}

/* How it looks. As above. */
static int parse_look(int c, struct render_options *o)
{
    struct brl_render_params *p = &o->params;
    double v = 0;
    int r = 0;

    switch (c) {
    case WEATHER:
        o->weather = true;
        break;
    case SCAN:
        o->scan = true;
        break;
    case MISSING:
        r = dataset_parse_number(optarg, 1, &p->missing);
        break;
    case GEOMETRY:
        r = parse_geometry(optarg, p);
        break;
    case DPI:
        r = dataset_parse_number(optarg, 1200, &p->dpi);
        break;
    case PAPER:
        if (strcmp(optarg, "a4") == 0)
            optarg = "210,297";
        r = parse_pair(optarg, 1000, &p->width_mm, &p->height_mm);
        break;
    case MARGIN:
        r = parse_pair(optarg, 500, &p->left_mm, &p->top_mm);
        break;
    case SKEW:
        r = parse_angle(optarg, &p->skew_deg);
        break;
    case LIGHT:
        r = parse_angle(optarg, &p->light_deg);
        break;
    case GRAIN:
        r = dataset_parse_number(optarg, 60, &p->grain);
        break;
    case JPEG:
        r = dataset_parse_number(optarg, 100, &v);
        p->jpeg_quality = (int) v;
        break;
    default:
        return 0;
    }
    return r < 0 ? r : 1;
}

static int parse_option(int c, void *ctx)
{
    struct render_options *o = ctx;
    int r = dataset_common_option(c, "render", &o->common);
    if (r != 0)
        return r < 0 ? r : 0;
    r = parse_what(c, o);
    if (r == 0)
        r = parse_look(c, o);
    if (r < 0)
        log_error("braille-dataset render: '%s' does not fit its option; see --help", optarg);
    return r > 0 ? 0 : -EINVAL;
}

/* Weather for a page whose cells, light and place stay as they are. */
static void add_weather(struct brl_render_params *p, bool scan)
{
    const struct brl_render_params set = *p;
    if (scan)
        brl_render_scan(p, set.seed);
    else
        brl_render_weather(p, set.seed);
    p->pitch_mm = set.pitch_mm;
    p->cell_mm = set.cell_mm;
    p->line_mm = set.line_mm;
    p->dot_mm = set.dot_mm;
    p->skew_deg = set.skew_deg;
    p->light_deg = set.light_deg;
    p->verso_dx_mm = set.verso_dx_mm;
    p->verso_dy_mm = set.verso_dy_mm;
}

/* 0, 1: help was printed, or -EINVAL. */
static int parse_all(int argc, char **argv, struct render_options *o)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"cells", required_argument, NULL, CELLS},
                                            {"page", required_argument, NULL, PAGE},
                                            {"verso", required_argument, NULL, VERSO},
                                            {"truth", required_argument, NULL, TRUTH},
                                            {"dsbi", no_argument, NULL, DSBI},
                                            {"weather", no_argument, NULL, WEATHER},
                                            {"geometry", required_argument, NULL, GEOMETRY},
                                            {"dpi", required_argument, NULL, DPI},
                                            {"paper", required_argument, NULL, PAPER},
                                            {"margin", required_argument, NULL, MARGIN},
                                            {"skew", required_argument, NULL, SKEW},
                                            {"light", required_argument, NULL, LIGHT},
                                            {"jpeg", required_argument, NULL, JPEG},
                                            {"grain", required_argument, NULL, GRAIN},
                                            {"text", required_argument, NULL, TEXT},
                                            {"verso-text", required_argument, NULL, VERSO_TEXT},
                                            {"both-sides", no_argument, NULL, BOTH_SIDES},
                                            {"code", required_argument, NULL, CODE},
                                            {"columns", required_argument, NULL, COLUMNS_OPTION},
                                            {"rows", required_argument, NULL, ROWS_OPTION},
                                            {"scan", no_argument, NULL, SCAN},
                                            {"missing", required_argument, NULL, MISSING},
                                            DATASET_COMMON_OPTIONS,
                                            {0}};

    return dataset_parse_options(argc, argv, options, help, parse_option, o);
}

static int render(const struct render_options *o, struct fail *fail)
{
    size_t n = o->page ? 1 : o->n_cells;

    int r = o->page   ? render_page(o, fail)
            : o->text ? render_text(o, &n, fail)
                      : render_cells(o, fail);
    if (r == 0 && o->common.json &&
        printf("{\"%s\":%zu}\n", o->n_cells ? "cells" : "pictures", n) < 0)
        r = fail_set(fail, FAIL_IO, -EIO, "cannot write to standard output");
    return r;
}

int dataset_render(int argc, char **argv)
{
    struct render_options o = {.size = DATASET_CROP_SIZE,
                               .n_columns = 28,
                               .n_rows = 22,
                               .params = *brl_render_params(),
                               .common = DATASET_COMMON};
    struct fail fail = {0};

    int r = parse_all(argc, argv, &o);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    const int n_kinds = (o.page != NULL) + (o.text != NULL) + (o.n_cells > 0);
    if (!o.out || optind != argc || n_kinds != 1 || (o.verso && !o.page) ||
        ((o.verso_text || o.both_sides) && !o.text) || (o.verso_text && o.both_sides)) {
        dataset_print_help(stderr, help);
        return FAIL_USAGE;
    }
    o.params.seed = o.common.seed;
    if (o.weather || o.scan) { /* first, and what the command line sets over it */
        o.params = *brl_render_params(.seed = o.params.seed, .dpi = o.params.dpi);
        add_weather(&o.params, o.scan);
        parse_all(argc, argv, &o); /* went well before */
    }
    dataset_catch_signals();
    return dataset_end("render", render(&o, &fail), &fail);
}
