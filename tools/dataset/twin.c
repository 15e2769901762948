/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/twin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/encode.h"
#include "tools/dataset/draw.h"

const char *const twin_kind_names[TWIN_N_KINDS] = {
    "turn", "background", "skew", "scale", "light", "shadow", "blur", "noise", "jpeg"};

/* How each kind is called in an id. */
static const char *const short_names[TWIN_N_KINDS] = {"t180",   "bg",   "skew",  "scale", "light",
                                                      "shadow", "blur", "noise", "jpeg"};

static const char *const edge_names[IMAGE_N_EDGES] = {"left", "right", "top", "bottom"};

/* ---- the lot ---- */

/* The kinds in the order in which this picture's twins take them. */
static unsigned shuffle(const struct twin_options *o, struct random *lot,
                        unsigned order[TWIN_N_KINDS])
{
    unsigned n = 0;

    for (unsigned kind = 0; kind < TWIN_N_KINDS; kind++)
        if (o->kinds & 1u << kind)
            order[n++] = kind;
    for (unsigned i = n; i > 1; i--) {
        const unsigned j = (unsigned) random_below(lot, i), kind = order[j];
        order[j] = order[i - 1];
        order[i - 1] = kind;
    }
    return n;
}

static int not_zero(struct random *lot, int most)
{
    const int v = draw_between(lot, 1, most);
    return random_next(lot) & 1 ? v : -v;
}

static void draw_light(struct image_augment *how, struct random *lot)
{
    how->light_percent = (unsigned) draw_between(lot, 75, 125);
    how->slope_percent = (unsigned) draw_between(lot, 10, 40);
    how->light_edge = (enum image_edge) draw_between(lot, 0, IMAGE_N_EDGES - 1);
}

static void draw_shadow(struct image_augment *how, struct random *lot)
{
    how->shadow_percent = (unsigned) draw_between(lot, 15, 45);
    how->shadow_reach = (unsigned) draw_between(lot, 25, 70);
    how->shadow_edge = (enum image_edge) draw_between(lot, 0, IMAGE_N_EDGES - 1);
}

/* Each kind has its own lots: what is drawn for one does not depend on the others. */
static void draw_kind(const struct twin_options *o, enum twin_kind kind, struct random lot,
                      struct image_augment *how)
{
    switch (kind) {
    case TWIN_TURN:
        how->turn = true;
        break;
    case TWIN_BACKGROUND:
        how->recolour = true;
        how->paper_rgb = image_draw_paper(random_next(&lot));
        break;
    case TWIN_SKEW:
        how->skew_tenths = not_zero(&lot, (int) o->skew_tenths);
        break;
    case TWIN_SCALE:
        how->scale_percent = (unsigned) (100 + not_zero(&lot, 15));
        break;
    case TWIN_LIGHT:
        draw_light(how, &lot);
        break;
    case TWIN_SHADOW:
        draw_shadow(how, &lot);
        break;
    case TWIN_BLUR:
        how->blur_tenths = (unsigned) draw_between(&lot, 6, 16);
        break;
    case TWIN_NOISE:
        how->noise_tenths = (unsigned) draw_between(&lot, 20, 80);
        how->seed = random_next(&lot);
        break;
    case TWIN_JPEG:
        how->jpeg_quality = draw_between(&lot, 30, 80);
        break;
    case TWIN_N_KINDS:
        break;
    }
}

/* ---- its names ---- */

static void say_kind(enum twin_kind kind, const struct image_augment *how, char *out, size_t room)
{
    switch (kind) {
    case TWIN_TURN:
        snprintf(out, room, "turn-180");
        break;
    case TWIN_BACKGROUND:
        snprintf(out, room, "background-#%06x", how->paper_rgb);
        break;
    case TWIN_SKEW:
        snprintf(out, room, "skew-%s-%d.%d", how->skew_tenths < 0 ? "left" : "right",
                 abs(how->skew_tenths) / 10, abs(how->skew_tenths) % 10);
        break;
    case TWIN_SCALE:
        snprintf(out, room, "scale-%u", how->scale_percent);
        break;
    case TWIN_LIGHT:
        snprintf(out, room, "light-%u-%s-%u", how->light_percent, edge_names[how->light_edge],
                 how->slope_percent);
        break;
    case TWIN_SHADOW:
        snprintf(out, room, "shadow-%u-%s-%u", how->shadow_percent, edge_names[how->shadow_edge],
                 how->shadow_reach);
        break;
    case TWIN_BLUR:
        snprintf(out, room, "blur-%u.%u", how->blur_tenths / 10, how->blur_tenths % 10);
        break;
    case TWIN_NOISE:
        snprintf(out, room, "noise-%u.%u", how->noise_tenths / 10, how->noise_tenths % 10);
        break;
    case TWIN_JPEG:
        snprintf(out, room, "jpeg-%d", how->jpeg_quality);
        break;
    case TWIN_N_KINDS:
        break;
    }
}

static void append(char *text, size_t room, const char *more)
{
    const size_t n = strlen(text);
    snprintf(text + n, room - n, "%s", more);
}

static void name_plan(struct twin_plan *plan, unsigned round)
{
    char part[48];

    for (unsigned kind = 0; kind < TWIN_N_KINDS; kind++) {
        if (!(plan->kinds & 1u << kind))
            continue;
        say_kind((enum twin_kind) kind, &plan->how, part, sizeof(part));
        append(plan->augment, sizeof(plan->augment), *plan->augment ? "+" : "");
        append(plan->augment, sizeof(plan->augment), part);
        snprintf(part, sizeof(part), "-%s", short_names[kind]);
        append(plan->ending, sizeof(plan->ending), part);
        snprintf(part, sizeof(part), "-%06x", plan->how.paper_rgb);
        if (kind == TWIN_BACKGROUND)
            append(plan->ending, sizeof(plan->ending), part);
    }
    snprintf(part, sizeof(part), "-v%u", round + 1);
    if (round > 0)
        append(plan->ending, sizeof(plan->ending), part);
}

void twin_draw(const struct twin_options *o, const char *id, unsigned k, struct twin_plan *ret)
{
    struct random lot = draw_of(o->seed, id);
    unsigned order[TWIN_N_KINDS];
    const unsigned n = shuffle(o, &(struct random){random_next(&lot)}, order);
    const unsigned round = o->together ? k : k / n;

    *ret = (struct twin_plan){.kinds = o->together ? o->kinds : 1u << order[k % n]};
    /* a picture has one turn: the next time it comes to it, on other paper */
    if (round > 0 && ret->kinds == 1u << TWIN_TURN)
        ret->kinds |= 1u << TWIN_BACKGROUND;
    const uint64_t base = random_next(&lot) + round;
    for (unsigned kind = 0; kind < TWIN_N_KINDS; kind++) {
        struct random own = {base ^ (uint64_t) (kind + 1) << 56};
        if (ret->kinds & 1u << kind)
            draw_kind(o, (enum twin_kind) kind, (struct random){random_next(&own)}, &ret->how);
    }
    name_plan(ret, round);
}

/* ---- back to the root ---- */

/* Does the id end with "-WORD", perhaps with digits of its own behind? The length without it. */
static size_t without(const char *id, size_t n, const char *word, size_t n_hex)
{
    const size_t k = strlen(word) + 1;
    const size_t all = k + (n_hex ? n_hex + 1 : 0);

    if (n <= all || id[n - all] != '-' || strncmp(id + n - all + 1, word, k - 1) != 0)
        return n;
    if (n_hex && (id[n - n_hex - 1] != '-' || strspn(id + n - n_hex, "0123456789abcdef") < n_hex))
        return n;
    return n - all;
}

static size_t without_round(const char *id, size_t n)
{
    size_t k = n;
    while (k > 0 && id[k - 1] >= '0' && id[k - 1] <= '9')
        k--;
    return k < n && k > 2 && id[k - 1] == 'v' && id[k - 2] == '-' ? k - 2 : n;
}

size_t twin_root_length(const char *id)
{
    size_t root = strlen(id);

    for (;;) {
        const size_t n = without_round(id, root);
        size_t shorter = n;
        for (unsigned kind = 0; kind < TWIN_N_KINDS && shorter == n; kind++)
            shorter = without(id, n, short_names[kind], kind == TWIN_BACKGROUND ? 6 : 0);
        if (shorter == n) /* a round without a kind before it is the picture's own name */
            return root;
        root = shorter;
    }
}

/* ---- records ---- */

static void turn_cells(struct manifest_record *r)
{
    for (size_t i = 0, j = r->n_cells; i < j--; i++) {
        const brl_cell cell = r->cells[i];
        r->cells[i] = brl_cell_turn(r->cells[j]);
        r->cells[j] = brl_cell_turn(cell); /* the middle one: the same value twice */
        if (r->boxes) {
            const struct manifest_box box = r->boxes[i];
            r->boxes[i] = r->boxes[j];
            r->boxes[j] = box;
        }
        if (r->places) {
            const struct manifest_place place = r->places[i];
            r->places[i] = r->places[j];
            r->places[j] = place;
        }
    }
}

/* The last line is the first one then, and its last cell the line's first. */
static void turn_places(struct manifest_record *r)
{
    unsigned row = 0, column = 0;

    for (size_t i = 0; r->places && i < r->n_cells; i++) {
        row = MAX(row, r->places[i].row);
        column = MAX(column, r->places[i].column);
    }
    for (size_t i = 0; r->places && i < r->n_cells; i++)
        r->places[i] =
            (struct manifest_place){row - r->places[i].row, column - r->places[i].column};
}

/* What the turned picture reads; one that was turned before lies as it should again. */
static int turn_reading(struct manifest_record *r)
{
    char text[16] = "";
    enum lang_code code;

    if (r->reads)
        return manifest_set(&r->reads, NULL);
    if (r->code && r->cells && lang_code_parse(r->code, &code) == 0)
        lang_read_label(code, r->cells, r->n_cells, text);
    return manifest_set(&r->reads, text);
}

/* A box keeps lying along its lines: only its middle moves, and its size scales. */
static void move_boxes(struct manifest_record *r, const double m[6], double scale)
{
    for (size_t i = 0; r->boxes && i < r->n_cells; i++) {
        struct manifest_box *b = &r->boxes[i];
        const double x = b->x + b->w / 2, y = b->y + b->h / 2;
        b->w *= scale;
        b->h *= scale;
        b->x = m[0] * x + m[1] * y + m[2] - b->w / 2;
        b->y = m[3] * x + m[4] * y + m[5] - b->h / 2;
    }
}

static int set_names(struct manifest_record *r, const struct manifest_record *from,
                     const struct twin_plan *plan)
{
    const char *slash = strrchr(from->image, '/');
    CLEANUP_FREE char *id = NULL, *image = NULL;

    if (asprintf(&id, "%s%s", from->id, plan->ending) < 0) {
        id = NULL;
        return -ENOMEM;
    }
    const int folder = slash ? (int) (slash - from->image) + 1 : 0;
    if (asprintf(&image, "%.*s%s.png", folder, from->image, id) < 0) {
        image = NULL;
        return -ENOMEM;
    }
    free(r->id);
    free(r->image);
    r->id = TAKE_PTR(id);
    r->image = TAKE_PTR(image);
    int err = manifest_set(&r->parent, from->id);
    if (err == 0)
        err = manifest_set(&r->augment, plan->augment);
    return err < 0 ? err : manifest_set(&r->sha256, NULL);
}

int twin_record(const struct manifest_record *from, const struct twin_plan *plan,
                const double map[6], unsigned width, unsigned height, struct manifest_record *ret)
{
    const double scale = plan->how.scale_percent ? plan->how.scale_percent / 100.0 : 1;
    struct manifest_record r;

    int err = manifest_record_copy(from, &r);
    if (err < 0)
        return err;
    err = set_names(&r, from, plan);
    if (err == 0 && plan->how.turn) {
        turn_cells(&r);
        turn_places(&r);
        err = turn_reading(&r);
    }
    if (err < 0) {
        manifest_record_done(&r);
        return err;
    }
    move_boxes(&r, map, scale);
    r.dpi *= scale;
    r.skew_deg += plan->how.skew_tenths / 10.0;
    r.width = width;
    r.height = height;
    *ret = r;
    return 0;
}
