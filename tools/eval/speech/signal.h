/* SPDX-License-Identifier: Apache-2.0
 *
 * What `braille-eval speech` takes from a sound: pitch, spectral envelope, mel-cepstrum, log-mel;
 * and what it makes of two of them. docs/speech.md has the definitions and their sources.
 *
 * Matrices are row-major, a row a frame. Frames lie EVAL_HOP_S apart, the first at the sound's
 * begin. Thread-safe: no shared state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/read.h"

#define EVAL_HOP_S 0.005
#define EVAL_MAX_SPEECH_S 90 ///< of a sentence: the alignment of two such takes 324 MB

/* ---- fft.c ---- */

/** Transform of 2^k values. In double, because the quiet bands of an envelope lie 120 dB and more
 * under the loud ones; FFTW is GPL and Debian's KISS FFT is built for float only. */
struct eval_fft {
    unsigned n;
    double *cosine, *sine; ///< owned; n / 2
};
int eval_fft_init(struct eval_fft *t, unsigned n); ///< -EINVAL: no power of 2; -ENOMEM
void eval_fft_done(struct eval_fft *t);
/** sum over k of x[k] exp(-2 pi i j k / n), in place. */
void eval_fft_run(const struct eval_fft *t, double *re, double *im);

/* ---- pitch.c ---- */

#define EVAL_F0_MIN_HZ 65.0
#define EVAL_F0_MAX_HZ 600.0

/** Frames of a sound: at 0, EVAL_HOP_S, … while inside it. */
size_t eval_n_frames(const struct audio_samples *s);

/** F0 of each frame in Hz, 0 where unvoiced, by pYIN (Mauch and Dixon, ICASSP 2014).
 * *ret owned, eval_n_frames() of them. -ENOMEM. */
int eval_pitch(const struct audio_samples *s, double **ret);

/* ---- envelope.c ---- */

struct eval_cepstra {
    double *c; ///< [n][order + 1], c0 first; owned
    size_t n;  ///< frames
    unsigned order;
};
void eval_cepstra_done(struct eval_cepstra *c);

/** How a mel-cepstrum is made of a sound. */
struct eval_cepstrum {
    unsigned rate_hz;  ///< the sound is resampled to this
    unsigned fft_size; ///< of the envelope
    unsigned order;
    double alpha;  ///< of the all-pass that bends the frequencies
    bool as_pymcd; ///< the power spectrum stands where an amplitude is wanted, squared plus 1e-8
};
extern const struct eval_cepstrum eval_cepstrum_pymcd; ///< what pymcd 0.2.1 has
extern const struct eval_cepstrum eval_cepstrum_24;    ///< 16 kHz, c1 .. c24, alpha 0.42

/** Mel-cepstra of the envelope that CheapTrick (Morise, Speech Communication 67, 2015) finds with
 * this F0 (Hz a frame, n_f0 of them; frames beyond are unvoiced). -EINVAL, -ENOMEM. */
int eval_cepstra(const struct audio_samples *s, const double *f0_hz, size_t n_f0,
                 const struct eval_cepstrum *how, struct eval_cepstra *ret);

/* ---- align.c ---- */

struct eval_path {
    uint32_t (*at)[2]; ///< frames of the two, from (0, 0) to the last of both; owned
    size_t n;
};
void eval_path_done(struct eval_path *p);

/** The path of the smallest sum of Euclidean distances over c1 and up, in steps (1,0), (0,1),
 * (1,1). Among equal ones the shortest, or with `as_fastdtw` the order of that package: sideways
 * before straight on, which makes paths through silence longer and so the mean distance smaller.
 * -EINVAL: of different order, empty or longer than EVAL_MAX_SPEECH_S; -ENOMEM. */
int eval_align(const struct eval_cepstra *a, const struct eval_cepstra *b, bool as_fastdtw,
               struct eval_path *ret);

/** 10 / ln 10 * sqrt(2) * the mean Euclidean distance along the path, dB; `from` is the first
 * coefficient that counts, 0 or 1. */
double eval_mcd(const struct eval_cepstra *a, const struct eval_cepstra *b,
                const struct eval_path *path, unsigned from);

/** Sums over pairs of frames, which add up over sentences. */
struct eval_f0_sums {
    size_t n;                       ///< pairs voiced in both
    size_t n_all;                   ///< pairs
    size_t n_vuv;                   ///< pairs voiced in one
    double square_hz, square_cents; ///< of differences
    double x, y, xx, yy, xy;        ///< Hz, the reference's and the other's
};
void eval_f0_add(struct eval_f0_sums *sums, const double *a_hz, size_t n_a, const double *b_hz,
                 size_t n_b, const struct eval_path *path);
void eval_f0_join(struct eval_f0_sums *to, const struct eval_f0_sums *sums);
double eval_f0_rmse_hz(const struct eval_f0_sums *s);    ///< NaN of no pairs
double eval_f0_rmse_cents(const struct eval_f0_sums *s); ///< NaN of no pairs
double eval_f0_corr(const struct eval_f0_sums *s);       ///< Pearson's; NaN where one does not vary
double eval_f0_vuv(const struct eval_f0_sums *s);        ///< share of n_vuv; NaN of no pairs

/* ---- mel.c ---- */

/** Log-mel of a sound at 16 kHz: `n_mels` triangles of equal height on the HTK scale from `low` to
 * `high` Hz over magnitudes of a 25 ms Hann window (FFT of 512) every 10 ms, ln(m + 0.01): with 64,
 * 125 and 7500 what VGGish is fed (AudioSet's mel_features.py). *ret [frames][n_mels], owned. The
 * sound must be at 16 kHz: -EINVAL; -ENOMEM. */
int eval_log_mel(const struct audio_samples *s, unsigned n_mels, double low_hz, double high_hz,
                 double **ret, size_t *ret_n);

/** From the first to the last 25 ms that are louder than 1 % of the loudest 25 ms (-40 dB):
 * seconds, 0 of silence. */
double eval_spoken_s(const struct audio_samples *s);
/** Root mean square. */
double eval_rms(const struct audio_samples *s);

/* ---- frechet.c ---- */

/** Rows of numbers: embeddings. */
struct eval_rows {
    double *x; ///< [n][dim]; owned
    size_t n, room;
    unsigned dim; ///< 0: not known yet
};
#define EVAL_MAX_DIM 2048
void eval_rows_done(struct eval_rows *r);
/** -EINVAL: of another dimension; -ENOMEM. */
int eval_rows_add(struct eval_rows *r, const double *row, unsigned dim);

/** Embeddings of a sound at 16 kHz, one each 0.96 s window, 0.48 s apart (a shorter sound: one):
 * mean and deviation over time of the first 16 DCT coefficients of VGGish's log-mel. */
#define EVAL_EMBEDDING "logmel-dct16-0.96s"
int eval_embed(const struct audio_samples *s, struct eval_rows *to);

/** |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of Gaussians fitted to the rows (covariance over
 * n - 1). Not less than 2 rows each, of equal dimension: -EINVAL. -ENOMEM. */
int eval_frechet(const struct eval_rows *a, const struct eval_rows *b, double *ret);

/** Read .npy (float32 or float64, two dimensions, C order) or text (numbers parted by commas or
 * blanks, a row a line), told by content. FAIL_OPEN, FAIL_INPUT, -ENOMEM. */
int eval_rows_load(const char *path, struct eval_rows *ret, struct fail *fail);
