/* SPDX-License-Identifier: Apache-2.0
 *
 * FastSpeech2 (Ren et al. 2020, arXiv 2006.04558): phones -> log-mel, with duration, pitch (by
 * phone or by frame) and energy predictors. models/recipes/fastspeech2.py trains it and is the
 * reference of the golden test. One thread at a time.
 *
 * Files whose configuration says "arrangement": "ming024" hold what that code trains, under its
 * tensor names (models/recipes/fastspeech2_ming024.py is the reference; docs/models.md has the
 * keys): tones in the phones, pitch and energy sorted into bins, a postnet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "nn/nn.h"

struct fs2;

/** One phone as the front end gives it (lang/lang.h). */
struct fs2_phone {
    uint16_t id;      ///< from fs2_phone_id()
    uint8_t tone;     ///< 1-5 on finals, 0 elsewhere
    uint8_t position; ///< 1 in a word's first syllable, 2 in the others, 0 for pauses
};

/** A point of a contour. */
struct fs2_point {
    double at;     ///< 0 .. 1 of the speech
    double factor; ///< on F0, 0.25 .. 4
};

struct fs2_params {
    double rate;                     ///< speaking rate, 0.5 .. 4.0; durations are divided by it
    double pitch;                    ///< factor on F0, 0.5 .. 2.0
    double energy;                   ///< factor on the predicted energy's deviation, 0 .. 2
    unsigned voice;                  ///< index of fs2_voices()
    const struct fs2_point *contour; ///< [n_contour] rising in `at`, linear between, level outside;
    size_t n_contour;                ///< on top of `pitch`; borrowed
    bool details;                    ///< keep what is made on the way, too (bins only)
};
#define fs2_params(...) (&(struct fs2_params){.rate = 1, .pitch = 1, .energy = 1, __VA_ARGS__})

struct fs2_speech {
    unsigned n_mels, n_frames; ///< frames of `hop` samples
    float *mel;                ///< [n_mels][n_frames], natural log, owned
    double *f0_hz;             ///< [n_frames], 0 = unvoiced, owned; zeros when pitch is by phone
    unsigned *durations;       ///< [n_phones] frames, owned
    /** With params->details and bins, else NULL; owned. The mel before the postnet, and what the
     * predictors said, in deviations from the corpus's mean: [n_phones] or [n_frames]. */
    float *mel_before, *pitch, *energy;
};
void fs2_speech_done(struct fs2_speech *s);

int fs2_new(struct nn *nn, const char *path, struct fs2 **ret, struct fail *fail);
struct fs2 *fs2_free(struct fs2 *fs2);
DEFINE_CLEANUP(struct fs2 *, fs2_free);
unsigned fs2_rate_hz(const struct fs2 *fs2); ///< sampling rate, e.g. 16000
unsigned fs2_hop(const struct fs2 *fs2);     ///< samples a frame, e.g. 256
unsigned fs2_n_mels(const struct fs2 *fs2);  ///< bands, e.g. 80
double fs2_top_hz(const struct fs2 *fs2);    ///< where they end, e.g. 8000
/** Whether its phones are those of lang_phones_toned(): "@ang4" and no silence at the ends, in
 * place of those of lang_phones(). */
bool fs2_wants_tones_in_phones(const struct fs2 *fs2);
/** Who speaks: the file's metadata "voices"; files that have none hold "xiaobei". */
struct fs2_voice {
    char *name, *gender, *title; ///< UTF-8; gender "female", "male" or "" where it is not known
};
/** *ret_n (>= 1) voices; borrowed. */
const struct fs2_voice *fs2_voices(const struct fs2 *fs2, size_t *ret_n);
/** Id of a phone name ("zh", "_ang", "sil", "，"; "@zh", "@ang4"), or -ENOENT. */
int fs2_phone_id(const struct fs2 *fs2, const char *name);

/** n phones (1 .. 1000) -> mel and F0. -E2BIG when the result would exceed 4,000 frames. */
int fs2_speak(struct fs2 *fs2, const struct fs2_phone *phones, size_t n,
              const struct fs2_params *params, struct fs2_speech *ret, const volatile int *cancel,
              struct fail *fail);
