/* SPDX-License-Identifier: Apache-2.0
 *
 * The forward pass. The device computes the networks; durations, voicing and the index of the
 * length regulator are decided on the host between three submits (two when pitch is by phone).
 */
#include "fastspeech2/fs2_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the model ------------------------------------------------------------------------------ */

int fs2_new(struct nn *nn, const char *path, struct fs2 **ret, struct fail *fail)
{
    CLEANUP(fs2_freep) struct fs2 *m = calloc(1, sizeof(*m));
    int r;

    if (!m)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory for the acoustic model");
    m->nn = nn;
    if ((r = fs2_load(m, path, fail)) < 0)
        return fail_set(fail, FAIL_OTHER, r, "cannot load '%s': %m", path);
    *ret = TAKE_PTR(m);
    return 0;
}

static void free_blocks(struct fs2_block *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        nn_weight_free(b[i].qkv);
        nn_weight_free(b[i].out);
        nn_weight_free(b[i].norm1);
        nn_weight_free(b[i].conv1);
        nn_weight_free(b[i].conv2);
        nn_weight_free(b[i].norm2);
    }
}

static void free_predictor(struct fs2_predictor *p)
{
    nn_weight_free(p->conv1);
    nn_weight_free(p->norm1);
    nn_weight_free(p->conv2);
    nn_weight_free(p->norm2);
    nn_weight_free(p->linear);
}

struct fs2 *fs2_free(struct fs2 *m)
{
    if (!m)
        return NULL;
    free_blocks(m->encoder, FS2_MAX_LAYERS);
    free_blocks(m->decoder, FS2_MAX_LAYERS);
    free_predictor(&m->duration);
    free_predictor(&m->pitch);
    free_predictor(&m->energy);
    nn_weight_free(m->phone);
    nn_weight_free(m->tone);
    nn_weight_free(m->position);
    nn_weight_free(m->angles);
    nn_weight_free(m->speakers);
    nn_weight_free(m->variance);
    nn_weight_free(m->place);
    nn_weight_free(m->mel);
    for (unsigned i = 0; m->phones && i < m->n_phones; i++)
        free(m->phones[i]);
    free(m->phones);
    for (unsigned i = 0; m->voices && i < m->n_voices; i++) {
        free(m->voices[i].name);
        free(m->voices[i].gender);
        free(m->voices[i].title);
    }
    free(m->voices);
    for (unsigned i = 0; i < ELEMENTSOF(m->binned); i++) {
        free_predictor(&m->binned[i].predictor);
        nn_weight_free(m->binned[i].table);
        free(m->binned[i].bounds);
    }
    for (unsigned i = 0; i < ELEMENTSOF(m->postnet); i++)
        nn_weight_free(m->postnet[i]);
    free(m);
    return NULL;
}

unsigned fs2_rate_hz(const struct fs2 *m)
{
    return m->rate_hz;
}

unsigned fs2_hop(const struct fs2 *m)
{
    return m->hop;
}

unsigned fs2_n_mels(const struct fs2 *m)
{
    return m->n_mels;
}

double fs2_top_hz(const struct fs2 *m)
{
    return m->top_hz;
}

bool fs2_wants_tones_in_phones(const struct fs2 *m)
{
    return m->has_bins;
}

int fs2_phone_id(const struct fs2 *m, const char *name)
{
    for (unsigned i = 0; i < m->n_phones; i++)
        if (strcmp(m->phones[i], name) == 0)
            return (int) i;
    return -ENOENT;
}

const struct fs2_voice *fs2_voices(const struct fs2 *m, size_t *ret_n)
{
    *ret_n = m->n_voices;
    return m->voices;
}

void fs2_speech_done(struct fs2_speech *s)
{
    free(s->mel);
    free(s->mel_before);
    free(s->pitch);
    free(s->energy);
    free(s->f0_hz);
    free(s->durations);
    *s = (struct fs2_speech){0};
}

/* ---- the network ---------------------------------------------------------------------------- */

static int record_encoder(const struct fs2 *m, struct nn_run *run, const struct fs2_phone *phones,
                          unsigned n, unsigned voice, struct nn_tensor **ret)
{
    CLEANUP_FREE uint32_t *ids = malloc(4 * (size_t) n * sizeof(*ids));
    uint32_t *tones = ids + n, *positions = ids + 2 * (size_t) n, *voices = ids + 3 * (size_t) n;
    struct nn_tensor *x;
    int r;

    if (!ids)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        ids[i] = phones[i].id;
        tones[i] = phones[i].tone;
        positions[i] = phones[i].position;
        voices[i] = voice;
    }
    if ((r = nn_tensor(run, m->hidden, n, fs2_margin(m), &x)) < 0 ||
        (r = nn_embedding(run, m->phone, ids, n, false, x)) < 0 ||
        (r = nn_embedding(run, m->tone, tones, n, true, x)) < 0 ||
        (r = nn_embedding(run, m->position, positions, n, true, x)) < 0 ||
        (r = fs2_record_angles(m, run, x)) < 0)
        return r;
    for (unsigned i = 0; i < m->n_encoder; i++)
        if ((r = fs2_record_block(m, run, &m->encoder[i], x)) < 0)
            return r;
    if (m->speakers && (r = nn_embedding(run, m->speakers, voices, n, true, x)) < 0)
        return r;
    *ret = x;
    return 0;
}

/* ---- one sentence --------------------------------------------------------------------------- */

static int record_variances(struct fs2_pass *p)
{
    int r = fs2_record_predictor(p->run, &p->m->pitch, p->x, 2, &p->pitch);

    return r < 0 ? r : fs2_record_predictor(p->run, &p->m->energy, p->x, 1, &p->energy);
}

/* Hz of a standardised log F0. A wild prediction stops at half the sampling rate, above which no
 * vocoder can speak; what is not a number stays so, and is refused there. */
static double f0_hz_of(const struct fs2 *m, float v)
{
    const double hz = exp(m->pitch_mean + m->pitch_scale * v), most = m->rate_hz / 2;

    return hz > most ? most : hz;
}

/* Log F0 (0 where unvoiced), voicing and energy, changed as the caller wishes, go back through the
 * variance convolution into x; F0 by frame is also an output. */
static int apply_variances(struct fs2_pass *p)
{
    const struct fs2 *m = p->m;
    const size_t n = p->x->length;
    CLEANUP_FREE float *v = malloc(3 * n * sizeof(*v));
    struct nn_tensor *t;
    int r;

    if (!v)
        return -ENOMEM;
    if ((r = nn_tensor_read(p->pitch, v)) < 0 || (r = nn_tensor_read(p->energy, v + 2 * n)) < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        const double factor =
            p->params->pitch * fs2_contour_at(p->params, ((double) i + 0.5) / (double) n);
        const bool voiced = v[n + i] > 0;
        v[i] = voiced ? v[i] + (float) (log(factor) / m->pitch_scale) : 0;
        v[n + i] = voiced;
        v[2 * n + i] *= (float) p->params->energy;
        if (!m->by_phone)
            p->s.f0_hz[i] = voiced ? f0_hz_of(m, v[i]) : 0;
    }
    nn_tensor_done(p->run, p->pitch);
    nn_tensor_done(p->run, p->energy);
    if ((r = nn_tensor(p->run, 3, (unsigned) n, m->variance_taps / 2, &t)) < 0 ||
        (r = nn_tensor_write(t, v)) < 0)
        return r;
    return nn_conv1d(p->run, m->variance, t, p->x, nn_conv_params(.residual = p->x));
}

/* Durations in frames from the predicted logarithms, as the reference rounds them. */
static int decide_durations(struct fs2_pass *p, struct nn_tensor *log_durations, unsigned n)
{
    CLEANUP_FREE float *log_d = malloc(n * sizeof(*log_d));
    int r;

    p->s.durations = malloc(n * sizeof(*p->s.durations));
    if (!log_d || !p->s.durations)
        return -ENOMEM;
    if ((r = nn_tensor_read(log_durations, log_d)) < 0)
        return r;
    for (unsigned i = 0; i < n && r == 0; i++)
        r = fs2_add_duration(p, i, fmaxf(rintf((expf(log_d[i]) - 1) / (float) p->params->rate), 1));
    return r;
}

/* Length regulation: each phone's row for its frames, plus where in the phone a frame stands. */
static int expand(struct fs2_pass *p, unsigned n_phones)
{
    const struct fs2 *m = p->m;
    const unsigned n = p->s.n_frames;
    CLEANUP_FREE uint32_t *index = malloc(n * sizeof(*index));
    CLEANUP_FREE float *place = malloc(3 * (size_t) n * sizeof(*place));
    struct nn_tensor *where, *y;
    int r;

    if (!index || !place)
        return -ENOMEM;
    for (unsigned i = 0, t = 0; i < n_phones; i++)
        for (unsigned k = 0, d = p->s.durations[i]; k < d; k++, t++) {
            const float part = (float) k / (float) d;
            index[t] = i;
            place[t] = part;
            place[n + t] = 1 - part;
            place[2 * (size_t) n + t] = (float) d / (float) m->max_duration_scale;
        }
    if ((r = nn_tensor(p->run, 3, n, 0, &where)) < 0 || (r = nn_tensor_write(where, place)) < 0 ||
        (r = nn_tensor(p->run, m->hidden, n, fs2_margin(m), &y)) < 0 ||
        (r = nn_gather(p->run, p->x, index, n, y)) < 0 ||
        (r = nn_linear(p->run, m->place, where, y, nn_conv_params(.residual = y))) < 0)
        return r;
    nn_tensor_done(p->run, p->x);
    p->x = y;
    return 0;
}

/* x [hidden][frames] -> s.mel */
static int decode(struct fs2_pass *p)
{
    const struct fs2 *m = p->m;
    struct nn_tensor *mel;
    int r;

    if ((r = fs2_record_angles(m, p->run, p->x)) < 0)
        return r;
    for (unsigned i = 0; i < m->n_decoder; i++)
        if ((r = fs2_record_block(m, p->run, &m->decoder[i], p->x)) < 0)
            return r;
    if ((r = nn_tensor(p->run, m->n_mels, p->s.n_frames, 0, &mel)) < 0 ||
        (r = nn_linear(p->run, m->mel, p->x, mel, nn_conv_params())) < 0 ||
        (r = nn_run_wait(p->run, p->cancel, p->fail)) < 0)
        return r;
    return nn_tensor_read(mel, p->s.mel);
}

static int run_pass(struct fs2_pass *p, const struct fs2_phone *phones, unsigned n)
{
    const struct fs2 *m = p->m;
    struct nn_tensor *log_durations;
    int r;

    if ((r = record_encoder(m, p->run, phones, n, p->params->voice, &p->x)) < 0 ||
        (r = fs2_record_predictor(p->run, &m->duration, p->x, 1, &log_durations)) < 0 ||
        (m->by_phone && (r = record_variances(p)) < 0) ||
        (r = nn_run_wait(p->run, p->cancel, p->fail)) < 0 ||
        (r = decide_durations(p, log_durations, n)) < 0)
        return r;
    if ((r = fs2_make_room(p)) < 0 || (m->by_phone && (r = apply_variances(p)) < 0))
        return r;
    if ((r = expand(p, n)) < 0)
        return r;
    if (!m->by_phone &&
        ((r = record_variances(p)) < 0 || (r = nn_run_wait(p->run, p->cancel, p->fail)) < 0 ||
         (r = apply_variances(p)) < 0))
        return r;
    return decode(p);
}

static int check(const struct fs2 *m, const struct fs2_phone *phones, size_t n,
                 const struct fs2_params *params, struct fail *fail)
{
    if (n < 1 || n > FS2_MAX_PHONES)
        return fail_set(fail, FAIL_INPUT, -EINVAL,
                        "a sentence of %zu phones; 1 to %d can be spoken", n, FS2_MAX_PHONES);
    if (!(params->rate >= 0.5 && params->rate <= 4) ||
        !(params->pitch >= 0.5 && params->pitch <= 2) ||
        !(params->energy >= 0 && params->energy <= 2))
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "rate %g, pitch %g or energy %g is out of range; use rate 0.5 to 4, pitch "
                        "0.5 to 2, energy 0 to 2",
                        params->rate, params->pitch, params->energy);
    for (size_t i = 0; i < params->n_contour; i++)
        if (!(params->contour[i].factor >= 0.25 && params->contour[i].factor <= 4) ||
            !(params->contour[i].at >= (i ? params->contour[i - 1].at : 0)) ||
            !(params->contour[i].at <= 1))
            return fail_set(fail, FAIL_USAGE, -EINVAL,
                            "point %zu of the pitch contour (%g at %g) is out of range or order; "
                            "use factors from 0.25 to 4, rising from 0 to 1",
                            i + 1, params->contour[i].factor, params->contour[i].at);
    if (params->voice >= m->n_voices)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "there is no voice %u; the file holds %u",
                        params->voice, m->n_voices);
    for (size_t i = 0; i < n; i++)
        if (phones[i].id >= m->n_phones || phones[i].tone >= m->n_tones ||
            phones[i].position >= m->n_positions)
            return fail_set(fail, FAIL_INPUT, -EINVAL,
                            "phone %zu (id %u, tone %u, position %u) is none of this voice's", i,
                            phones[i].id, phones[i].tone, phones[i].position);
    return 0;
}

int fs2_speak(struct fs2 *m, const struct fs2_phone *phones, size_t n,
              const struct fs2_params *params, struct fs2_speech *ret, const volatile int *cancel,
              struct fail *fail)
{
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    struct fs2_pass p = {.m = m, .params = params, .cancel = cancel, .fail = fail};
    int r;

    if ((r = check(m, phones, n, params, fail)) < 0)
        return r;
    if ((r = nn_run_new(m->nn, &run)) == 0) {
        p.run = run;
        r = m->has_bins ? fs2_bins_speak(&p, phones, (unsigned) n)
                        : run_pass(&p, phones, (unsigned) n);
    }
    if (r < 0) {
        fs2_speech_done(&p.s);
        return fail_set(fail, FAIL_OTHER, r, "cannot compute the speech: %m");
    }
    *ret = p.s;
    return 0;
}
