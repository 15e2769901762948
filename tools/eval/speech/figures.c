/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>

#include "tools/eval/speech/speech.h"

enum { RATE_HZ = 16000, REFERENCE = 0, SPEECH = 1 };

/* What is measured on each of the two. */
struct side {
    struct audio_samples sound; ///< 16 kHz
    double *f0_hz;
    size_t n_f0;
    struct eval_cepstra as_pymcd, c24;
};

static void side_done(struct side *s)
{
    audio_samples_done(&s->sound);
    free(s->f0_hz);
    eval_cepstra_done(&s->as_pymcd);
    eval_cepstra_done(&s->c24);
}

static int analyse(const struct audio_samples *sound, double gain, struct side *s)
{
    int r = audio_resample(sound, RATE_HZ, &s->sound);
    if (r < 0)
        return r;
    for (size_t i = 0; i < s->sound.n; i++)
        s->sound.data[i] = (float) (gain * (double) s->sound.data[i]);
    s->n_f0 = eval_n_frames(&s->sound);
    r = eval_pitch(&s->sound, &s->f0_hz);
    if (r == 0)
        r = eval_cepstra(&s->sound, s->f0_hz, s->n_f0, &eval_cepstrum_pymcd, &s->as_pymcd);
    if (r == 0)
        r = eval_cepstra(&s->sound, s->f0_hz, s->n_f0, &eval_cepstrum_24, &s->c24);
    return r;
}

static int distances(const struct side s[2], struct eval_figures *to)
{
    CLEANUP(eval_path_done) struct eval_path as_pymcd = {0}, path = {0};

    int r = eval_align(&s[REFERENCE].as_pymcd, &s[SPEECH].as_pymcd, true, &as_pymcd);
    if (r == 0)
        r = eval_align(&s[REFERENCE].c24, &s[SPEECH].c24, false, &path);
    if (r < 0)
        return r;
    to->mcd_pymcd = eval_mcd(&s[REFERENCE].as_pymcd, &s[SPEECH].as_pymcd, &as_pymcd, 0);
    to->mcd_24 = eval_mcd(&s[REFERENCE].c24, &s[SPEECH].c24, &path, 1);
    eval_f0_add(&to->f0, s[REFERENCE].f0_hz, s[REFERENCE].n_f0, s[SPEECH].f0_hz, s[SPEECH].n_f0,
                &path);
    return 0;
}

static int draw(const char *id, const struct side s[2], const char *folder, struct fail *fail)
{
    CLEANUP_FREE double *first = NULL, *second = NULL;
    CLEANUP_FREE char *path = NULL;
    double **const mel[2] = {&first, &second};
    struct eval_plot plot = {.title = id};

    int r = asprintf(&path, "%s/%s.png", folder, id) < 0 ? -ENOMEM : 0;
    for (int i = 0; r == 0 && i < 2; i++) {
        r = eval_log_mel(&s[i].sound, EVAL_PLOT_MELS, 20, 8000, mel[i], &plot.n[i]);
        plot.mel[i] = *mel[i];
        plot.f0_hz[i] = s[i].f0_hz;
        plot.n_f0[i] = s[i].n_f0;
    }
    if (r == 0)
        r = eval_plot(&plot, path, fail);
    return r;
}

int eval_compare_speech(const char *id, const struct audio_samples *speech,
                        const struct audio_samples *reference,
                        const struct eval_compare_params *params, struct eval_rows rows[2],
                        struct eval_figures *to, struct fail *fail)
{
    CLEANUP(side_done) struct side reference_side = {0};
    CLEANUP(side_done) struct side speech_side = {0};
    const double level = eval_rms(reference), ours = eval_rms(speech);

    to->reference_s = (double) reference->n / reference->rate_hz / params->rate;
    to->reference_spoken_s = eval_spoken_s(reference) / params->rate;
    if (level < 1e-5 || ours < 1e-5)
        return fail_set(fail, FAIL_INPUT, -ENODATA, "'%s': %s is silent", id,
                        ours < 1e-5 ? "the speech" : "the reference");
    if (to->reference_s * params->rate > EVAL_MAX_SPEECH_S || to->speech_s > EVAL_MAX_SPEECH_S)
        return fail_set(fail, FAIL_INPUT, -EFBIG, "'%s' is longer than %d s; cut it into sentences",
                        id, EVAL_MAX_SPEECH_S);
    to->level_db = 20 * log10(ours / level);
    int r = analyse(reference, 1, &reference_side);
    if (r == 0)
        r = analyse(speech, params->as_is ? 1 : level / ours, &speech_side);
    struct side both[2] = {reference_side, speech_side}; /* borrowed */
    if (r == 0)
        r = distances(both, to);
    for (int i = 0; r == 0 && i < 2; i++)
        r = eval_embed(&both[i].sound, &rows[i]);
    if (r == 0 && params->plots)
        r = draw(id, both, params->plots, fail);
    if (r < 0) {
        errno = -r;
        return fail_set(fail, FAIL_OTHER, r, "'%s': %m", id);
    }
    return 0;
}
