/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `braille-eval speech`: the list of sentences, what a recogniser heard, our voice, a
 * sentence's figures and their sums, pictures, reports. docs/speech.md defines the figures.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/fail.h"
#include "pipeline/pipeline.h"
#include "tools/eval.h"
#include "tools/eval/speech/signal.h"

/* ---- list.c ---- */

struct eval_sentence {
    char *id, *hanzi, *pinyin; ///< owned; hanzi or pinyin may be ""
};
struct eval_list {
    struct eval_sentence *items; ///< owned
    size_t n, room;
};
void eval_list_done(struct eval_list *l);
/** TSV `id hanzi pinyin` (pinyin as it is said), no heading; at most `most` lines. FAIL_OPEN,
 * FAIL_INPUT (names the line). */
int eval_list_load(const char *path, size_t most, struct eval_list *ret, struct fail *fail);

/* ---- syllables.c ---- */

struct eval_syllable {
    char name[20]; ///< its phones: "zh_ong"
    unsigned tone; ///< 1-5
};
struct eval_syllables {
    struct eval_syllable *items; ///< owned
    size_t n, room;
};
void eval_syllables_done(struct eval_syllables *s);
/** What a text says, Hanzi (with numbers and letters read out) or toned pinyin, tones as written or
 * as the lexicon has them, before sandhi. Empty text: none. FAIL_INPUT, -ENOMEM. */
int eval_syllables(const char *text, enum lang_input kind, struct eval_syllables *ret,
                   struct fail *fail);
/** Is there a Hanzi in it? UTF-8. */
bool eval_has_hanzi(const char *text);
/** Least number of syllables to change, insert or leave out (Levenshtein). -ENOMEM. */
int eval_distance(const struct eval_syllables *a, const struct eval_syllables *b, bool toned,
                  size_t *ret);

struct eval_heard {
    size_t there, wrong, wrong_toned; ///< syllables
};
/** Compare what was heard with what should have been: by its Hanzi, or, where `text` holds none, by
 * its pinyin. FAIL_INPUT: no UTF-8, no syllables; -ENOMEM. */
int eval_hear(const struct eval_sentence *s, const char *text, struct eval_heard *ret,
              struct fail *fail);

/* ---- command.c ---- */

/** A command line cut into words as a shell does it (quotes, backslash), but for everything else a
 * shell would do. */
struct eval_command {
    char **words; ///< NULL-terminated; owned
    size_t n;
};
void eval_command_done(struct eval_command *c);
/** FAIL_USAGE: empty, an open quote, or, with `needs_wav`, no {wav} in it. */
int eval_command_parse(const char *line, bool needs_wav, struct eval_command *ret,
                       struct fail *fail);
/** Run it with {wav} replaced; its standard output, line ends as blanks, is *ret (owned). It is
 * killed after `timeout_s` without a word of output, or at the end of 1 MiB. FAIL_UNAVAILABLE:
 * cannot be run, failed, hangs; FAIL_INPUT: no UTF-8; FAIL_INTERRUPTED. */
int eval_command_run(const struct eval_command *c, const char *wav, double timeout_s, char **ret,
                     struct fail *fail);
/** Run it once: paths on its standard input, a line each; a line of text each on its standard
 * output, in this order. `timeout_s` counts from the last output. *ret: n strings, each and the
 * array owned. As above; another number of lines: FAIL_UNAVAILABLE. */
int eval_command_batch(const struct eval_command *c, char *const *paths, size_t n, double timeout_s,
                       char ***ret, struct fail *fail);

/* ---- voice.c ---- */

struct eval_voice_params {
    const char *device, *models, *voice; ///< NULL: as of braillectl
    double rate, pitch;
    bool text; ///< speak the Hanzi through the whole front end, not the pinyin as it stands
};
struct eval_spoken {
    double first_sound_ms, total_ms;
};
struct eval_voice;
/** Opens the device and speaks a word, so that what is measured then is no start. */
int eval_voice_new(const struct eval_voice_params *params, struct eval_voice **ret,
                   struct fail *fail);
struct eval_voice *eval_voice_free(struct eval_voice *v);
DEFINE_CLEANUP(struct eval_voice *, eval_voice_free);
const char *eval_voice_device(const struct eval_voice *v); ///< borrowed
/** *ret owned. FAIL_INPUT: the sentence has not what is to be spoken. */
int eval_voice_say(struct eval_voice *v, const struct eval_sentence *s, struct audio_samples *ret,
                   struct eval_spoken *ret_times, struct fail *fail);

/* ---- figures.c ---- */

/** One sentence. Figures that were not measured are NaN. */
struct eval_figures {
    bool missing;                                               ///< there is no speech
    double speech_s, spoken_s, reference_s, reference_spoken_s; ///< spoken: without silent ends
    double mcd_pymcd, mcd_24, level_db;
    struct eval_f0_sums f0;
    struct eval_spoken times;
    struct eval_heard heard;
    char *text; ///< what was heard; owned; NULL: nobody listened
};

struct eval_compare_params {
    double rate;       ///< of the speech; the reference's durations are divided by it
    bool as_is;        ///< the level is not made that of the reference
    const char *plots; ///< folder for pictures, or NULL
};
/** Speech against the reference: fills the figures of distance and duration, adds the embeddings of
 * both to `rows` (reference, speech). FAIL_INPUT: silence, too long; FAIL_CREATE, FAIL_IO: the
 * picture. */
int eval_compare_speech(const char *id, const struct audio_samples *speech,
                        const struct audio_samples *reference,
                        const struct eval_compare_params *params, struct eval_rows rows[2],
                        struct eval_figures *to, struct fail *fail);

/* ---- plot.c ---- */

struct eval_plot {
    const char *title;
    const double *mel[2]; ///< log-mel [n][EVAL_PLOT_MELS], reference and speech
    size_t n[2];          ///< frames of 10 ms
    const double *f0_hz[2];
    size_t n_f0[2]; ///< frames of EVAL_HOP_S
};
#define EVAL_PLOT_MELS 80
/** Draw both, one above the other on the same axes, as PNG. FAIL_CREATE, FAIL_IO, -ENOMEM. */
int eval_plot(const struct eval_plot *p, const char *path, struct fail *fail);

/* ---- report.c ---- */

struct eval_report {
    const struct eval_list *list;
    const struct eval_figures *figures; ///< a sentence each
    double fad;                         ///< NaN: not measured
    const char *embedding;              ///< of the fad, or NULL
    const char *device;                 ///< where our voice ran, or NULL
    double rate;
    double memory_mb; ///< most that our voice took, where it ran
    bool heard;       ///< somebody listened
};
void eval_report_json(FILE *f, const struct eval_report *r, bool sentences);
void eval_report_text(FILE *f, const struct eval_report *r, bool sentences);
void eval_report_csv(FILE *f, const struct eval_report *r);
