/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/dotmap.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/batch.h"
#include "base/macro.h"
#include "braille/dotmap_weights.h"
#include "image/cv.h"

#define PX 10.0         ///< pixels a dot pitch
#define STRIDE 4        ///< pixels of the picture from one vote to the next
#define BACKGROUND 15   ///< radius that is lit evenly, pixels
#define SURROUNDINGS 40 ///< radius over which the mean size of levels is taken
#define A 16            ///< outputs of the first layer, 5 x 5, every second pixel
#define B 32            ///< of the second, 3 x 3, every second, and of all after it
#define N_BODY 4
#define N_OUT 6               ///< front: logit, right, down; back: the same
#define MAX_HALO 4            ///< the largest dilation
#define LANE 16               ///< outputs computed together
#define BLOCK 6               ///< places computed together
#define STRIP 8               ///< rows a thread takes at a time
#define MAX_PIXELS (6u << 20) ///< A3 paper takes 2 million
#define LEAST_LOGIT (-3.0f)
#define SAME_DOT (0.4f * (float) PX) ///< votes that point to places so near mean one dot
#define OUTSIDE (-12.0)

/* The inner loops are worth a version for processors with wide registers. */
#if defined(__x86_64__) && defined(__gnu_linux__)
#define WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define WIDE
#endif

/* Rows of places of `chan` values each, with `halo` zero places around. */
struct map {
    unsigned width, height, chan, halo;
    float *data; ///< owned
};

static size_t map_pitch(const struct map *m)
{
    return (size_t) (m->width + 2 * m->halo + 2 * BLOCK) * m->chan; /* blocks read past the end */
}

static float *map_at(const struct map *m, unsigned y, unsigned x)
{
    return m->data + (size_t) (y + m->halo) * map_pitch(m) + (size_t) (x + m->halo) * m->chan;
}

static int map_new(unsigned width, unsigned height, unsigned chan, unsigned halo, struct map *ret)
{
    *ret = (struct map){width, height, chan, halo, NULL};
    ret->data = calloc(map_pitch(ret) * (height + 2 * halo), sizeof(float));
    return ret->data ? 0 : -ENOMEM;
}

static void map_done(struct map *m)
{
    free(m->data);
}

/* One layer: a square filter of `taps` x `taps`. */
struct layer {
    const float *weight; ///< [chan of in][taps][taps][chan of out]
    const float *bias;
    unsigned taps, stride, dilation;
    bool residual; ///< out = in + relu(filter(in)), else relu(filter(in))
};

/* LANE outputs at once: GCC's vectors, as wide as the processor's. */
typedef float lanes __attribute__((vector_size(LANE * sizeof(float)), aligned(4), may_alias));

/* BLOCK places of one row, outputs o0 .. o0 + LANE. */
WIDE static void filter_block(const struct map *in, const struct layer *l, unsigned n_out,
                              unsigned y, unsigned x0, unsigned o0, float sum[BLOCK][LANE])
{
    const unsigned back = l->taps / 2 * l->dilation, step = l->stride * in->chan;
    const size_t pitch = map_pitch(in), next_input = (size_t) l->taps * l->taps * n_out;
    const float *from = map_at(in, y * l->stride, x0 * l->stride) - back * pitch - back * in->chan;
    const lanes bias = *(const lanes *) (l->bias + o0);
    lanes acc[BLOCK] = {bias, bias, bias, bias, bias, bias};

    for (unsigned ky = 0; ky < l->taps; ky++)
        for (unsigned kx = 0; kx < l->taps; kx++) {
            const float *p = from + (size_t) ky * l->dilation * pitch + kx * l->dilation * in->chan;
            const float *w = l->weight + (size_t) (ky * l->taps + kx) * n_out + o0;
            for (unsigned i = 0; i < in->chan; i++, w += next_input) {
                const lanes weight = *(const lanes *) w;
                for (unsigned b = 0; b < BLOCK; b++)
                    acc[b] += p[(size_t) b * step + i] * weight;
            }
        }
    memcpy(sum, acc, sizeof(acc));
}

static void filter_row(const struct map *in, const struct layer *l, struct map *out, unsigned y)
{
    float sum[BLOCK][LANE];

    for (unsigned o0 = 0; o0 < out->chan; o0 += LANE)
        for (unsigned x0 = 0; x0 < out->width; x0 += BLOCK) {
            filter_block(in, l, out->chan, y, x0, o0, sum);
            for (unsigned b = 0; b < BLOCK && x0 + b < out->width; b++) {
                const float *was = l->residual ? map_at(in, y, x0 + b) + o0 : NULL;
                float *to = map_at(out, y, x0 + b) + o0;
                for (unsigned o = 0; o < LANE; o++)
                    to[o] = fmaxf(sum[b][o], 0) + (was ? was[o] : 0);
            }
        }
}

/* A layer is shared out to the threads strip by strip. */
struct layer_job {
    const struct map *in;
    const struct layer *layer;
    struct map *out;
    unsigned next;
    unsigned *strip; ///< [number of strips]: first rows
};

static int next_strip(void *ctx, void **ret_item, struct fail *fail)
{
    struct layer_job *job = ctx;
    (void) fail;
    const unsigned k = job->next++;
    if (k * STRIP >= job->out->height)
        return 0;
    job->strip[k] = k * STRIP;
    *ret_item = &job->strip[k];
    return 1;
}

static int work_strip(void *ctx, void *item, struct fail *fail)
{
    const struct layer_job *job = ctx;
    const unsigned first = *(const unsigned *) item;
    (void) fail;
    for (unsigned y = first; y < MIN(first + STRIP, job->out->height); y++)
        filter_row(job->in, job->layer, job->out, y);
    return 0;
}

static int take_strip(void *ctx, void *item, int r, struct fail *fail)
{
    (void) ctx, (void) item, (void) r, (void) fail;
    return 0;
}

static int run_layer(const struct map *in, const struct layer *layer, struct map *out)
{
    CLEANUP_FREE unsigned *strip = calloc(out->height / STRIP + 1, sizeof(*strip));
    struct layer_job job = {in, layer, out, 0, strip};
    struct fail fail = {0};

    if (!strip)
        return -ENOMEM;
    return batch_run(
        &(struct batch){.ctx = &job, .next = next_strip, .work = work_strip, .take = take_strip},
        &fail);
}

static const struct layer first_layers[] = {
    {brl_dotmap_a_weight, brl_dotmap_a_bias, 5, 2, 1, false},
    {brl_dotmap_b_weight, brl_dotmap_b_bias, 3, 2, 1, false},
};
static const struct layer body_layers[N_BODY] = {
    {brl_dotmap_c_weight, brl_dotmap_c_bias, 3, 1, 1, true},
    {brl_dotmap_d_weight, brl_dotmap_d_bias, 3, 1, 2, true},
    {brl_dotmap_e_weight, brl_dotmap_e_bias, 3, 1, 4, true},
    {brl_dotmap_f_weight, brl_dotmap_f_bias, 3, 1, 1, true},
};

/* The picture at the network's scale, over its background, on a canvas of whole strides. */
static int make_input(const struct image *grey, unsigned width, unsigned height, struct map *ret)
{
    CLEANUP(image_freep) struct image *small = NULL;
    CLEANUP(image_plane_done) struct image_plane plane = {0};
    const unsigned grain = 2 * STRIDE;
    const unsigned w = (width + grain - 1) / grain * grain;
    const unsigned h = (height + grain - 1) / grain * grain;

    int r = image_resize(grey, width, height, &small);
    if (r == 0)
        r = image_level(small, BACKGROUND, SURROUNDINGS, &plane);
    if (r == 0)
        r = map_new(w, h, 1, 2, ret);
    for (unsigned y = 0; y < height && r == 0; y++)
        memcpy(map_at(ret, y, 0), plane.data + (size_t) y * width, width * sizeof(float));
    return r;
}

static int run_body(struct map *features, struct map *spare)
{
    int r = 0;
    for (unsigned k = 0; k < N_BODY && r == 0; k++) {
        r = run_layer(features, &body_layers[k], spare);
        struct map t = *features;
        *features = *spare;
        *spare = t;
    }
    return r;
}

static int keep_votes(const struct map *features, struct brl_spots *ret)
{
    const size_t n = (size_t) features->width * features->height;

    ret->width = features->width;
    ret->height = features->height;
    ret->vote = calloc(2 * n, sizeof(*ret->vote));
    if (!ret->vote)
        return -ENOMEM;
    for (unsigned y = 0; y < features->height; y++)
        for (unsigned x = 0; x < features->width; x++) {
            const float *f = map_at(features, y, x);
            float out[N_OUT];
            memcpy(out, brl_dotmap_head_bias, sizeof(out));
            for (unsigned i = 0; i < B; i++)
                for (unsigned o = 0; o < N_OUT; o++)
                    out[o] += f[i] * brl_dotmap_head_weight[i * N_OUT + o];
            for (unsigned side = 0; side < 2; side++)
                ret->vote[side * n + (size_t) y * ret->width + x] =
                    (struct brl_spot_vote){out[3 * side], out[3 * side + 1], out[3 * side + 2]};
        }
    return 0;
}

static int run_network(const struct image *grey, unsigned width, unsigned height,
                       struct brl_spots *ret)
{
    CLEANUP(map_done) struct map input = {0}, a = {0}, b = {0}, spare = {0};

    int r = make_input(grey, width, height, &input);
    if (r == 0)
        r = map_new(input.width / 2, input.height / 2, A, 1, &a);
    if (r == 0)
        r = run_layer(&input, &first_layers[0], &a);
    if (r == 0)
        r = map_new(a.width / 2, a.height / 2, B, MAX_HALO, &b);
    if (r == 0)
        r = map_new(b.width, b.height, B, MAX_HALO, &spare);
    if (r == 0)
        r = run_layer(&a, &first_layers[1], &b);
    if (r == 0)
        r = run_body(&b, &spare);
    return r == 0 ? keep_votes(&b, ret) : r;
}

static int by_p(const void *a, const void *b)
{
    const struct brl_spot *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? 1 : -1;
    return x->y != y->y ? (x->y > y->y) - (x->y < y->y) : (x->x > y->x) - (x->x < y->x);
}

static const struct brl_spot_vote *vote_at(const struct brl_spots *s, bool dent, unsigned y,
                                           unsigned x)
{
    return s->vote + ((size_t) dent * s->height + y) * s->width + x;
}

/* Does no likelier vote beside this one mean the same dot? Votes for a dot next to it may be. */
static bool is_peak(const struct brl_spots *s, bool dent, unsigned y, unsigned x)
{
    const struct brl_spot_vote *here = vote_at(s, dent, y, x);

    for (unsigned j = y ? y - 1 : 0; j <= MIN(y + 1, s->height - 1); j++)
        for (unsigned i = x ? x - 1 : 0; i <= MIN(x + 1, s->width - 1); i++) {
            const struct brl_spot_vote *v = vote_at(s, dent, j, i);
            const float right = v->right - here->right + (float) STRIDE * ((float) i - (float) x);
            const float down = v->down - here->down + (float) STRIDE * ((float) j - (float) y);
            if (v->logit > here->logit && hypotf(right, down) < SAME_DOT)
                return false;
        }
    return true;
}

/* Is there a likelier spot of that side that means the same dot? Those of a row of votes lie near
 * each other in the list, which still is in the order of the rows. In the network's pixels. */
static bool is_double(const struct brl_spots *s, size_t first, size_t k)
{
    const struct brl_spot *here = &s->spot[k];
    for (size_t i = first; i < s->n; i++) {
        const struct brl_spot *other = &s->spot[i];
        if (other->y > here->y + 4 * STRIDE)
            break;
        if (i != k && other->p > here->p &&
            hypotf(other->x - here->x, other->y - here->y) < SAME_DOT)
            return true;
    }
    return false;
}

/* Peaks of one side, in the network's pixels, ordered by the rows of votes. */
static int add_peaks(struct brl_spots *s, bool dent, size_t *room)
{
    for (unsigned y = 0; y < s->height; y++)
        for (unsigned x = 0; x < s->width; x++) {
            const struct brl_spot_vote *v = vote_at(s, dent, y, x);
            if (v->logit < LEAST_LOGIT || !is_peak(s, dent, y, x))
                continue;
            if (s->n == *room) {
                const size_t more = MAX(*room * 2, (size_t) 4096);
                struct brl_spot *spot = realloc(s->spot, more * sizeof(*spot));
                if (!spot)
                    return -ENOMEM;
                s->spot = spot;
                *room = more;
            }
            s->spot[s->n++] = (struct brl_spot){(float) (STRIDE * x) + 1.5f + v->right,
                                                (float) (STRIDE * y) + 1.5f + v->down,
                                                1 / (1 + expf(-v->logit)), dent};
        }
    return 0;
}

/* Without doubles, from the network's pixels to the picture's. */
static int keep_peaks(struct brl_spots *s, size_t first)
{
    CLEANUP_FREE bool *drop = calloc(s->n - first + 1, sizeof(*drop));
    size_t window = first, n = first;

    if (!drop)
        return -ENOMEM;
    for (size_t k = first; k < s->n; k++) {
        while (s->spot[window].y < s->spot[k].y - 8 * STRIDE)
            window++;
        drop[k - first] = is_double(s, window, k);
    }
    for (size_t k = first; k < s->n; k++)
        if (!drop[k - first]) {
            struct brl_spot spot = s->spot[k];
            spot.x = (float) ((spot.x + 0.5) / s->scale_x - 0.5);
            spot.y = (float) ((spot.y + 0.5) / s->scale_y - 0.5);
            s->spot[n++] = spot;
        }
    s->n = n;
    return 0;
}

int brl_dotmap_find(const struct image *grey, double pitch_px, struct brl_spots *ret)
{
    CLEANUP(brl_spots_done) struct brl_spots s = {0};
    const double w = round(grey->width * PX / pitch_px), h = round(grey->height * PX / pitch_px);
    size_t room = 0;

    if (grey->n_chan != 1 || !(pitch_px >= 3) || !(w >= 1 && h >= 1 && w * h <= MAX_PIXELS))
        return -EINVAL;
    s.scale_x = w / grey->width;
    s.scale_y = h / grey->height;
    int r = run_network(grey, (unsigned) w, (unsigned) h, &s);
    for (int dent = 0; dent < 2 && r == 0; dent++) {
        const size_t first = s.n;
        r = add_peaks(&s, dent, &room);
        if (r == 0)
            r = keep_peaks(&s, first);
    }
    if (r < 0)
        return r;
    if (s.n)
        qsort(s.spot, s.n, sizeof(*s.spot), by_p);
    *ret = s;
    s = (struct brl_spots){0};
    return 0;
}

void brl_spots_done(struct brl_spots *spots)
{
    free(spots->spot);
    free(spots->vote);
}

double brl_dotmap_rate(const struct brl_spots *spots, double x, double y, bool dent)
{
    const double px = (x + 0.5) * spots->scale_x - 0.5, py = (y + 0.5) * spots->scale_y - 0.5;
    const int j0 = (int) floor((px - 1.5) / STRIDE), i0 = (int) floor((py - 1.5) / STRIDE);
    double best = OUTSIDE;

    for (int i = i0 - 1; i <= i0 + 2; i++)
        for (int j = j0 - 1; j <= j0 + 2; j++) {
            if (i < 0 || j < 0 || i >= (int) spots->height || j >= (int) spots->width)
                continue;
            const struct brl_spot_vote *v = vote_at(spots, dent, (unsigned) i, (unsigned) j);
            const double dx = STRIDE * j + 1.5 + v->right - px;
            const double dy = STRIDE * i + 1.5 + v->down - py;
            const double off = fmax(hypot(dx, dy) / PX - 0.15, 0) / 0.08; /* of a dot elsewhere */
            best = fmax(best, v->logit - 0.5 * off * off);
        }
    return best;
}
