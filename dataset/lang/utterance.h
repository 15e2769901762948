/* SPDX-License-Identifier: Apache-2.0
 *
 * What is to be said -> spans, each a sentence or a part of one, as the voice speaks them.
 * Thread-safe: the tables are constant.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/fail.h"

enum lang_input {
    LANG_PINYIN, ///< toned pinyin, as lang_phones() takes it
    LANG_TEXT,   ///< Hanzi mixed with numbers, letters, signs, in UTF-8
    LANG_SSML,   ///< a part of SSML 1.1 (docs/contracts.md says which)
    LANG_N_INPUTS,
};
extern const char *const lang_input_names[LANG_N_INPUTS]; ///< "pinyin", "text", "ssml"

/** A point of a pitch contour. */
struct lang_point {
    double at;     ///< 0 … 1 of the span's speech
    double factor; ///< of the pitch, on top of struct lang_span's
};

enum { LANG_CONTOUR_MAX = 8 };

struct lang_span {
    char *pinyin;               ///< spoken, sandhi applied; "": only silence or a mark; owned
    double rate, pitch, volume; ///< factors on top of the caller's; 1
    struct lang_point contour[LANG_CONTOUR_MAX]; ///< of pitch, linear between; rising in `at`
    unsigned n_contour;
    double pause_s; ///< silence behind it (SSML break); that of punctuation is in the pinyin's
                    ///< signs
    char *mark;     ///< name of the SSML mark at its begin; NULL; owned
    bool starts_paragraph;  ///< longer pause before it
    size_t offset, n_bytes; ///< of the input that it says
};

struct lang_utterance {
    struct lang_span *spans; ///< owned; in the order of the input
    size_t n;
    char *unsaid; ///< what cannot be said, named ("U+1F600 😀, <audio>"), or NULL; owned
};

/** Make `text` ready to be spoken.
 *
 * @param no_sandhi      say the tones as they are written or as the words have them
 * @param max_syllables  of a span; a longer sentence is cut at a sign, else between words
 * @param ret            lang_utterance_done(); no spans where there is nothing to say
 * @return 0; FAIL_INPUT, -EINVAL: no pinyin, no UTF-8, no SSML, said which and where; FAIL_OTHER,
 *         -ENOMEM
 */
int lang_utterance(const char *text, enum lang_input kind, bool no_sandhi, unsigned max_syllables,
                   struct lang_utterance *ret, struct fail *fail);
void lang_utterance_done(struct lang_utterance *u);
