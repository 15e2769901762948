/* SPDX-License-Identifier: Apache-2.0
 *
 * A sentence in ming024's arrangement (models/recipes/fastspeech2_ming024.py): encoder + speaker ->
 * durations; pitch, then energy, each predicted, sorted into its boundaries and embedded, by phone
 * or by frame; decoder; postnet. The host decides between submits: three of them where pitch and
 * energy go by phone, as they do in that code's models.
 */
#include "fastspeech2/fs2_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int record_encoder(struct fs2_pass *p, const struct fs2_phone *phones, unsigned n)
{
    const struct fs2 *m = p->m;
    CLEANUP_FREE uint32_t *ids = malloc(2 * (size_t) n * sizeof(*ids));
    uint32_t *voices = ids + n;
    int r;

    if (!ids)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        ids[i] = phones[i].id;
        voices[i] = p->params->voice;
    }
    if ((r = nn_tensor(p->run, m->hidden, n, fs2_margin(m), &p->x)) < 0 ||
        (r = nn_embedding(p->run, m->phone, ids, n, false, p->x)) < 0 ||
        (r = fs2_record_angles(m, p->run, p->x)) < 0)
        return r;
    for (unsigned i = 0; i < m->n_encoder; i++)
        if ((r = fs2_record_block(m, p->run, &m->encoder[i], p->x)) < 0)
            return r;
    return m->speakers ? nn_embedding(p->run, m->speakers, voices, n, true, p->x) : 0;
}

/* What is predicted at a place, in deviations from the corpus's mean, as the caller wishes it:
 * energy is multiplied as that code does, of pitch F0 itself where mean and deviation are known. */
static float changed(const struct fs2_pass *p, bool is_pitch, float v, double at)
{
    if (!is_pitch)
        return v * (float) p->params->energy;
    const double factor = p->params->pitch * fs2_contour_at(p->params, at);
    return v * (float) factor + (float) ((factor - 1) * p->m->binned[0].over_sd);
}

/* How many boundaries are less than v; what is no number is sorted behind all of them. */
static unsigned bin_of(const struct fs2_binned *b, float v)
{
    unsigned low = 0, high = b->n_bounds;

    while (low < high) {
        const unsigned middle = (low + high) / 2;
        if (b->bounds[middle] >= v)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Predict one of the two from x, wait for it, and add its embedding to x. */
static int vary(struct fs2_pass *p, unsigned which, float **ret_predicted)
{
    const struct fs2_binned *b = &p->m->binned[which];
    const unsigned n = p->x->length;
    CLEANUP_FREE float *v = malloc(n * sizeof(*v));
    CLEANUP_FREE uint32_t *bins = malloc(n * sizeof(*bins));
    struct nn_tensor *y;
    int r;

    if (!v || !bins)
        return -ENOMEM;
    if ((r = fs2_record_predictor(p->run, &b->predictor, p->x, 1, &y)) < 0 ||
        (r = nn_run_wait(p->run, p->cancel, p->fail)) < 0 || (r = nn_tensor_read(y, v)) < 0)
        return r;
    nn_tensor_done(p->run, y);
    for (unsigned i = 0; i < n; i++)
        bins[i] = bin_of(b, changed(p, which == 0, v[i], (i + 0.5) / n));
    if (p->params->details)
        *ret_predicted = TAKE_PTR(v);
    return nn_embedding(p->run, b->table, bins, n, true, p->x);
}

static int vary_those(struct fs2_pass *p, bool by_phone)
{
    int r = 0;

    if (p->m->binned[0].by_phone == by_phone)
        r = vary(p, 0, &p->s.pitch);
    if (r == 0 && p->m->binned[1].by_phone == by_phone)
        r = vary(p, 1, &p->s.energy);
    return r;
}

/* That code rounds, multiplies with the control, and cuts off. */
static int decide_durations(struct fs2_pass *p, struct nn_tensor *log_durations, unsigned n)
{
    CLEANUP_FREE float *log_d = malloc(n * sizeof(*log_d));
    const float control = (float) (1 / p->params->rate);
    int r;

    p->s.durations = malloc(n * sizeof(*p->s.durations));
    if (!log_d || !p->s.durations)
        return -ENOMEM;
    if ((r = nn_tensor_read(log_durations, log_d)) < 0)
        return r;
    for (unsigned i = 0; i < n && r == 0; i++)
        r = fs2_add_duration(p, i, floorf(rintf(expf(log_d[i]) - 1) * control));
    if (r == 0 && p->s.n_frames == 0)
        return fail_set(p->fail, FAIL_UNAVAILABLE, -EBADMSG,
                        "this voice gives a sentence of %u phones no time at all; it may not be "
                        "trained to its end",
                        n);
    return r;
}

/* Length regulation: each phone's row for its frames. */
static int expand(struct fs2_pass *p, unsigned n_phones)
{
    const unsigned n = p->s.n_frames;
    CLEANUP_FREE uint32_t *index = malloc(n * sizeof(*index));
    struct nn_tensor *y;
    int r;

    if (!index)
        return -ENOMEM;
    for (unsigned i = 0, t = 0; i < n_phones; i++)
        for (unsigned k = 0; k < p->s.durations[i]; k++)
            index[t++] = i;
    if ((r = nn_tensor(p->run, p->m->hidden, n, fs2_margin(p->m), &y)) < 0 ||
        (r = nn_gather(p->run, p->x, index, n, y)) < 0)
        return r;
    nn_tensor_done(p->run, p->x);
    p->x = y;
    return 0;
}

/* mel + a stack of convolutions over it, tanh between them. *ret: made here. */
static int record_postnet(struct fs2_pass *p, struct nn_tensor *mel, struct nn_tensor **ret)
{
    const struct fs2 *m = p->m;
    struct nn_tensor *x = mel, *y = NULL;
    int r;

    for (unsigned i = 0; i < m->n_postnet; i++) {
        const bool last = i + 1 == m->n_postnet;
        const unsigned width = last ? m->n_mels : m->postnet_width;
        if ((r = nn_tensor(p->run, width, mel->length, m->postnet_taps / 2, &y)) < 0 ||
            (r = nn_conv1d(p->run, m->postnet[i], x, y,
                           last ? nn_conv_params(.residual = mel)
                                : nn_conv_params(.post = NN_TANH))) < 0)
            return r;
        if (x != mel)
            nn_tensor_done(p->run, x);
        x = y;
    }
    *ret = y;
    return 0;
}

/* x [hidden][frames] -> s.mel */
static int decode(struct fs2_pass *p)
{
    const struct fs2 *m = p->m;
    const size_t n_values = (size_t) m->n_mels * p->s.n_frames;
    struct nn_tensor *before, *mel;
    int r;

    if ((r = fs2_record_angles(m, p->run, p->x)) < 0)
        return r;
    for (unsigned i = 0; i < m->n_decoder; i++)
        if ((r = fs2_record_block(m, p->run, &m->decoder[i], p->x)) < 0)
            return r;
    if ((r = nn_tensor(p->run, m->n_mels, p->s.n_frames, m->postnet_taps / 2, &before)) < 0 ||
        (r = nn_linear(p->run, m->mel, p->x, before, nn_conv_params())) < 0 ||
        (r = record_postnet(p, before, &mel)) < 0 ||
        (r = nn_run_wait(p->run, p->cancel, p->fail)) < 0)
        return r;
    if (p->params->details) {
        p->s.mel_before = malloc(n_values * sizeof(*p->s.mel_before));
        r = p->s.mel_before ? nn_tensor_read(before, p->s.mel_before) : -ENOMEM;
    }
    return r < 0 ? r : nn_tensor_read(mel, p->s.mel);
}

int fs2_bins_speak(struct fs2_pass *p, const struct fs2_phone *phones, unsigned n)
{
    struct nn_tensor *log_durations;
    int r;

    if ((r = record_encoder(p, phones, n)) < 0 ||
        (r = fs2_record_predictor(p->run, &p->m->duration, p->x, 1, &log_durations)) < 0 ||
        (r = vary_those(p, true)) < 0 || (r = nn_run_wait(p->run, p->cancel, p->fail)) < 0 ||
        (r = decide_durations(p, log_durations, n)) < 0 || (r = fs2_make_room(p)) < 0 ||
        (r = expand(p, n)) < 0 || (r = vary_those(p, false)) < 0)
        return r;
    return decode(p);
}
