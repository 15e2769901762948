/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/check.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/macro.h"
#include "braille/dotnet.h"
#include "braille/dots.h"
#include "braille/lattice.h"

#define MM_PER_INCH 25.4
#define LEAST_PITCH_MM 2.25 ///< of all printers known, docs/braille.md F
#define MOST_PITCH_MM 2.95
#define MAX_LABEL_CELLS 256
#define MAX_FOUND 512
#define N_LIGHTS 8          ///< directions of an unknown light that are tried
#define LEAST_STRENGTH 0.10 ///< of the strongest: fainter ones are not even looked at
#define BORDER 0.42         ///< a dot of the label nearer to the edge is cut or about to be
#define SAME 0.30           ///< dots nearer to each other are one
#define OWN 0.45            ///< a measured dot nearer to a place belongs to it
#define PARTIAL 0.12        ///< what is nearer to the edge is no dot of a neighbour
#define ON_LATTICE 0.30     ///< how far neighbours' dots lie from the lattice at most
#define MAYBE (-2.0)        ///< logit from which on something may be a dot
/* A label is rarely wrong, so it takes more to miss one of its dots than to see one too many. What
 * is nearer to these borders than UNSURE decides nothing: a person looks. */
#define MISSING (-3.5)
#define EXTRA 0.3
#define UNSURE 0.8

const char *const brl_verdict_names[BRL_N_VERDICTS] = {
    "clean", "over", "under", "misaligned", "mismatch", "blank", "duplicate", "unsure"};

struct found {
    double x, y, strength, logit;
    bool taken;
};

/* One way to look at the crop: a pitch and a light. */
struct look {
    struct brl_dotnet_view view; ///< owned
    struct found found[MAX_FOUND];
    size_t n_found;
    struct lattice lattice;
    double score; ///< mean log-likelihood of the label's places under the classifier
};

struct task {
    const struct image *grey;
    struct lattice_place *want; ///< the label's dots by column, then row; owned
    size_t n_want;
    size_t n_cells;
    const struct brl_check_params *params;
};

static int list_label(const brl_cell *cells, size_t n, struct task *t)
{
    t->want = calloc(n * 6 + 1, sizeof(*t->want));
    if (!t->want)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        for (unsigned d = 0; d < 6; d++) /* dots 1-3 are the left column */
            if (cells[i] >> d & 1)
                t->want[t->n_want++] = (struct lattice_place){(int) (2 * i + d / 3), (int) (d % 3)};
    t->n_cells = n;
    return t->n_want > 0 ? 0 : -EINVAL;
}

/* ---- dots ---- */

static int find_dots(const struct task *t, double pitch, double light_deg, struct look *look)
{
    struct brl_dots dots = {0};

    int r = brl_dots_find_few(t->grey, pitch, light_deg, LEAST_STRENGTH, &dots);
    if (r == 0)
        r = brl_dotnet_open(t->grey, pitch, dots.light_deg, &look->view);
    for (size_t i = 0; r == 0 && i < dots.n && look->n_found < MAX_FOUND; i++) {
        const struct brl_dot *d = &dots.dot[i];
        if (d->dent)
            continue;
        struct found f = {.x = d->x, .y = d->y, .strength = d->strength};
        brl_dotnet_centre(&look->view, &f.x, &f.y);
        f.logit = brl_dotnet_centre(&look->view, &f.x, &f.y);
        look->found[look->n_found++] = f;
    }
    brl_dots_done(&dots);
    return r;
}

static double distance2(const struct found *f, struct brl_point p)
{
    return (f->x - p.x) * (f->x - p.x) + (f->y - p.y) * (f->y - p.y);
}

/* The measured dot of a place: the nearest within `reach` pixels that the classifier takes for one;
 * NULL. */
static struct found *dot_at(struct look *look, struct brl_point p, double reach)
{
    struct found *best = NULL;
    double least = reach * reach;

    for (size_t i = 0; i < look->n_found; i++) {
        const double d2 = distance2(&look->found[i], p);
        if (look->found[i].logit > MAYBE && d2 < least) {
            least = d2;
            best = &look->found[i];
        }
    }
    return best;
}

static bool inside(const struct task *t, struct brl_point p, double margin_px)
{
    return p.x >= margin_px - 0.5 && p.y >= margin_px - 0.5 &&
           p.x <= t->grey->width - 0.5 - margin_px && p.y <= t->grey->height - 0.5 - margin_px;
}

static double rate_place(struct look *look, const struct task *t, struct brl_point p)
{
    const struct found *f = dot_at(look, p, OWN * look->lattice.pitch);
    const double there = brl_dotnet_rate(&look->view, p.x, p.y);
    return f ? fmax(f->logit, there) : there;
}

static int fit(const struct task *t, double least_pitch, double most_pitch, struct look *look)
{
    struct lattice_point points[MAX_FOUND];
    size_t n = 0;

    for (size_t i = 0; i < look->n_found; i++)
        if (look->found[i].logit > 2 * MAYBE)
            points[n++] = (struct lattice_point){look->found[i].x, look->found[i].y,
                                                 1 / (1 + exp(-look->found[i].logit))};
    int r = brl_lattice_fit(
        t->want, t->n_want, points, n,
        &(struct lattice_params){least_pitch, most_pitch, t->grey->width, t->grey->height},
        &look->lattice);
    if (r < 0)
        return r;
    for (size_t k = 0; k < t->n_want; k++) {
        const struct brl_point p = brl_lattice_at(&look->lattice, t->want[k]);
        const double logit = inside(t, p, 0) ? rate_place(look, t, p) : -8;
        look->score += fmin(fmax(logit, -4), 4) / (double) t->n_want;
    }
    return 0;
}

static int look_at(const struct task *t, double least_pitch, double most_pitch, double light_deg,
                   struct look *best)
{
    CLEANUP_FREE struct look *look = calloc(1, sizeof(*look));

    if (!look)
        return -ENOMEM;
    int r = find_dots(t, sqrt(least_pitch * most_pitch), light_deg, look);
    if (r == 0)
        r = fit(t, least_pitch, most_pitch, look);
    if (r < 0 || look->score <= best->score) {
        brl_dotnet_done(&look->view);
        return r == -ENODATA || r == -EINVAL ? 0 : r; /* nothing to see at this size */
    }
    brl_dotnet_done(&best->view);
    *best = *look;
    return 0;
}

/* One pitch, give or take, under the light that is known or each that may be: a bump under the
 * light from one side looks like a dent under that from the other, so the label has to tell. */
static int look_around(const struct task *t, double pitch, double spread, struct look *best)
{
    const double light = t->params->light_deg;
    int r = 0;

    if (light >= 0)
        return look_at(t, pitch / spread, pitch * spread, light, best);
    for (unsigned i = 0; i < N_LIGHTS && r == 0; i++)
        r = look_at(t, pitch / spread, pitch * spread, i * 360.0 / N_LIGHTS, best);
    return r;
}

/* The crop at the pitch it must have, or at every pitch its height allows; then once more at the
 * pitch that was found: dots that are 15 % larger or smaller than expected are told less well. */
static int look_everywhere(const struct task *t, struct look *best)
{
    const double dpi = t->params->dpi > 0 ? t->params->dpi : t->grey->dpi;
    const double usual_mm = sqrt(LEAST_PITCH_MM * MOST_PITCH_MM);
    int r = 0;

    if (dpi > 0)
        r = look_around(t, usual_mm * dpi / MM_PER_INCH, MOST_PITCH_MM / usual_mm, best);
    else
        for (double pitch = t->grey->height / 8.0; pitch < t->grey->height / 2.2 && r == 0;
             pitch *= 1.25)
            r = look_around(t, pitch, 1.15, best);
    if (r < 0 || !isfinite(best->score))
        return r;
    best->score = -INFINITY;
    return look_at(t, best->lattice.pitch / 1.08, best->lattice.pitch * 1.08, best->view.turn_deg,
                   best);
}

/* ---- the verdict ---- */

struct judgement {
    struct look *look;
    const struct task *task;
    struct brl_check *check;
    unsigned n_missing, n_cut, n_extra_inside, n_extra[BRL_N_EDGES], n_off;
    unsigned cut_at[BRL_N_EDGES];
    double against, weakest; ///< largest |logit| that speaks against the label; smallest one for it
};

static void weigh(struct judgement *j, double logit, bool against)
{
    if (against)
        j->against = fmax(j->against, fabs(logit));
    else
        j->weakest = fmin(j->weakest, fabs(logit));
}

static int add_dot(struct brl_check *check, const struct brl_check_dot *dot)
{
    struct brl_check_dot *more = realloc(check->dots, (check->n_dots + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    check->dots = more;
    check->dots[check->n_dots++] = *dot;
    return 0;
}

/* Which edge a place is nearest to, and how near. */
static enum brl_edge nearest_edge(const struct task *t, struct brl_point p, double *ret_px)
{
    const double to[BRL_N_EDGES] = {p.x + 0.5, t->grey->width - 0.5 - p.x, p.y + 0.5,
                                    t->grey->height - 0.5 - p.y};
    enum brl_edge best = BRL_LEFT;

    for (unsigned e = 1; e < BRL_N_EDGES; e++)
        if (to[e] < to[best])
            best = (enum brl_edge) e;
    *ret_px = to[best];
    return best;
}

static int judge_wanted(struct judgement *j)
{
    const double a = j->look->lattice.pitch;
    int r = 0;

    for (size_t k = 0; k < j->task->n_want && r == 0; k++) {
        const struct brl_point p = brl_lattice_at(&j->look->lattice, j->task->want[k]);
        struct found *f = dot_at(j->look, p, OWN * a);
        struct brl_check_dot dot = {.at = p, .wanted = p};
        double to_edge, logit = -8; /* over the border of decision */
        const enum brl_edge edge = nearest_edge(j->task, p, &to_edge);

        if (to_edge < BORDER * a) {
            j->n_cut++;
            j->cut_at[edge]++;
        } else {
            logit = rate_place(j->look, j->task, p) - MISSING;
            weigh(j, logit, logit <= 0);
        }
        if (f) {
            f->taken = true;
            dot.at = (struct brl_point){f->x, f->y};
            dot.strength = f->strength;
            if (hypot(f->x - p.x, f->y - p.y) > j->task->params->eps * a)
                j->n_off++;
        }
        dot.found = logit > 0;
        j->n_missing += to_edge >= BORDER * a && !dot.found;
        r = add_dot(j->check, &dot);
    }
    return r;
}

/* Is the measured dot another sight of a dot of the label? */
static bool is_double(const struct judgement *j, const struct found *f)
{
    for (size_t k = 0; k < j->task->n_want; k++)
        if (distance2(f, brl_lattice_at(&j->look->lattice, j->task->want[k])) <
            OWN * OWN * j->look->lattice.pitch * j->look->lattice.pitch)
            return true;
    return false;
}

/* A dot in the lattice's upright frame, from its first dot. */
static struct brl_point upright(const struct lattice *l, const struct found *f)
{
    const double dx = f->x - l->x0, dy = f->y - l->y0;
    return (struct brl_point){dx + l->turn * dy, dy - l->turn * dx};
}

/* Can the dot belong to this label's line or to one above or below? Lines share their columns, but
 * not their rows. Beyond the label's ends a small error of the cell pitch has added up, so that
 * only rows count there. Everything else is paper, or the other side. */
static bool on_lattice(const struct judgement *j, const struct found *f)
{
    const struct lattice *l = &j->look->lattice;
    const struct brl_point p = upright(l, f);
    const double a = l->pitch, n = (double) j->task->n_cells;
    const double cell = fmin(fmax(floor((p.x + 0.5 * (l->cell - a)) / l->cell), 0), n - 1);
    const double column = fmin(fabs(p.x - cell * l->cell), fabs(p.x - cell * l->cell - a));
    const double row = fabs(p.y - fmin(fmax(round(p.y / a), 0), 2) * a);
    const bool beside = p.x < -OWN * a || p.x > (n - 1) * l->cell + (1 + OWN) * a;
    const bool line = p.y > -0.9 * a && p.y < 2.9 * a;

    return (line ? row < ON_LATTICE * a : true) && (beside || column < ON_LATTICE * a);
}

/* Where a dot lies from the label's block, or -1: within it. */
static int beyond(const struct judgement *j, const struct found *f)
{
    const struct lattice *l = &j->look->lattice;
    const struct brl_point p = upright(l, f);
    const double last = ((double) j->task->n_cells - 1) * l->cell + l->pitch;
    const double out[BRL_N_EDGES] = {-p.x, p.x - last, -p.y, p.y - 2 * l->pitch};
    int best = 0;

    for (int e = 1; e < BRL_N_EDGES; e++)
        if (out[e] > out[best])
            best = e;
    return out[best] > OWN * l->pitch ? best : -1;
}

static bool is_listed(const struct brl_check *check, const struct found *f, double same_px)
{
    for (size_t i = 0; i < check->n_dots; i++)
        if (check->dots[i].found && distance2(f, check->dots[i].at) < same_px * same_px)
            return true;
    return false;
}

static int judge_others(struct judgement *j)
{
    const double a = j->look->lattice.pitch;
    int r = 0;

    for (size_t i = 0; i < j->look->n_found && r == 0; i++) {
        const struct found *f = &j->look->found[i];
        if (f->taken || is_double(j, f) || !on_lattice(j, f) ||
            !inside(j->task, (struct brl_point){f->x, f->y}, PARTIAL * a))
            continue;
        weigh(j, f->logit - EXTRA, f->logit > EXTRA);
        if (f->logit <= EXTRA)
            continue;
        const int edge = beyond(j, f);
        if (edge < 0)
            j->n_extra_inside++;
        else
            j->n_extra[edge]++;
        if (is_listed(j->check, f, SAME * a))
            continue; /* two peaks of one dot */
        r = add_dot(j->check, &(struct brl_check_dot){.at = {f->x, f->y},
                                                      .wanted = {NAN, NAN},
                                                      .strength = f->strength,
                                                      .found = true});
    }
    return r;
}

static int largest(const unsigned n[BRL_N_EDGES])
{
    int best = 0;
    for (int e = 1; e < BRL_N_EDGES; e++)
        if (n[e] > n[best])
            best = e;
    return best;
}

static void decide(struct judgement *j)
{
    struct brl_check *c = j->check;
    const unsigned n_beyond = j->n_extra[0] + j->n_extra[1] + j->n_extra[2] + j->n_extra[3];

    c->edge = -1;
    c->doubt = 1 / (1 + exp(j->n_cut ? 8 : j->against > 0 ? j->against : j->weakest));
    if (j->n_cut > 0) {
        c->verdict = BRL_UNDER;
        c->edge = largest(j->cut_at);
        c->rule = "a dot of the label lies at the border or beyond it";
    } else if (j->against > 0 ? j->against < UNSURE : j->weakest < UNSURE) {
        c->verdict = BRL_UNSURE;
        c->rule = j->against > 0 ? "something may be a dot too many or one that is missing"
                                 : "as the label has it, but one of its dots is faint";
    } else if (n_beyond > 0) {
        c->verdict = BRL_OVER;
        c->edge = largest(j->n_extra);
        c->rule = "there are dots beyond the label's cells";
    } else if (j->n_missing > 0 || j->n_extra_inside > 0) {
        c->verdict = BRL_MISMATCH;
        c->rule = j->n_missing == 0        ? "there is a dot that the label does not have"
                  : j->n_extra_inside == 0 ? "a dot of the label is not there"
                                           : "the dots form another label";
    } else if (j->n_off > 0) {
        c->verdict = BRL_MISALIGNED;
        c->rule = "a dot is further from its place than eps";
    } else {
        c->verdict = BRL_CLEAN;
        c->rule = "every dot of the label is in its place, and no other";
    }
}

/* ---- the paper's distances ---- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

/* Columns of dots as distances from the leftmost: means of dots nearer than half a pitch. */
static size_t to_columns(double *x, size_t n, double pitch)
{
    size_t out = 0;

    qsort(x, n, sizeof(*x), by_value);
    for (size_t i = 0, k; i < n; i = k) {
        double sum = 0;
        for (k = i; k < n && x[k] - x[i] < 0.5 * pitch; k++)
            sum += x[k];
        x[out++] = sum / (double) (k - i);
    }
    const double first = out ? x[0] : 0;
    for (size_t i = 1; i < out; i++)
        x[i - 1] = x[i] - first;
    return out ? out - 1 : 0;
}

static int list_distances(struct judgement *j)
{
    struct brl_check *c = j->check;
    const struct lattice *l = &j->look->lattice;
    size_t n = 0;

    c->expected = calloc(j->task->n_want + 1, sizeof(double));
    c->measured = calloc(c->n_dots + 1, sizeof(double));
    if (!c->expected || !c->measured)
        return -ENOMEM;
    for (size_t k = 0; k < j->task->n_want; k++)
        c->expected[k] =
            (j->task->want[k].column >> 1) * l->cell + (j->task->want[k].column & 1) * l->pitch;
    c->n_expected = to_columns(c->expected, j->task->n_want, l->pitch);
    for (size_t i = 0; i < c->n_dots; i++)
        if (c->dots[i].found)
            c->measured[n++] = c->dots[i].at.x + l->turn * (c->dots[i].at.y - l->y0);
    c->n_measured = to_columns(c->measured, n, l->pitch);
    return 0;
}

static int judge(const struct task *t, struct look *look, struct brl_check *check)
{
    struct judgement j = {.look = look, .task = t, .check = check, .weakest = 30};

    check->pitch_px = look->lattice.pitch;
    check->cell_px = look->lattice.cell;
    check->skew_deg = look->lattice.turn * 180 / M_PI;
    int r = judge_wanted(&j);
    if (r == 0)
        r = judge_others(&j);
    if (r == 0)
        r = list_distances(&j);
    if (r == 0)
        decide(&j);
    return r;
}

static void task_done(struct task *t)
{
    free(t->want);
}

static bool sees_dots(const struct look *look)
{
    for (size_t i = 0; i < look->n_found; i++)
        if (look->found[i].logit > 0)
            return true;
    return false;
}

int brl_check(const struct image *img, const brl_cell *cells, size_t n,
              const struct brl_check_params *params, struct brl_check *ret)
{
    CLEANUP(task_done) struct task t = {.params = params};
    CLEANUP(image_freep) struct image *grey = NULL;
    CLEANUP_FREE struct look *best = calloc(1, sizeof(*best));
    struct brl_check check = {.edge = -1};

    if (!best)
        return -ENOMEM;
    if (n == 0 || n > MAX_LABEL_CELLS)
        return -EINVAL;
    best->score = -INFINITY;
    int r = list_label(cells, n, &t);
    if (r == 0)
        r = image_to_grey(img, &grey);
    t.grey = grey;
    if (r == 0)
        r = look_everywhere(&t, best);
    if (r == 0 && sees_dots(best)) {
        r = judge(&t, best, &check);
    } else if (r == 0) {
        check.verdict = BRL_BLANK;
        check.rule = "no dot is to be seen";
    }
    brl_dotnet_done(&best->view);
    if (r < 0)
        brl_check_done(&check);
    else
        *ret = check;
    return r;
}

void brl_check_done(struct brl_check *check)
{
    free(check->expected);
    free(check->measured);
    free(check->dots);
    *check = (struct brl_check){0};
}
