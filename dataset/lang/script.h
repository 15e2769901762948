/* SPDX-License-Identifier: Apache-2.0
 *
 * What is to be said, while it is put together: words with their places in the input, pauses,
 * and the marks and manners of SSML between them. Errors are kept: add what you like, then look
 * once at `r`. Private to lang.
 */
#pragma once

#include "lang/buf.h"
#include "lang/utterance.h"
#include "lang/words.h"

/** How it is spoken. */
struct lang_manner {
    double rate, pitch, volume;
    unsigned contour; ///< 1 + index into the script's contours; 0: none
};

/** Where a new span begins. */
struct lang_cut {
    size_t piece; ///< index into the script's pieces
    struct lang_manner manner;
    double pause_s; ///< silence before the piece
    char *mark;     ///< owned
    bool starts_paragraph;
    bool is_apart; ///< no sandhi from before it
};

/** A contour over all the words from one piece to another. */
struct lang_contour {
    size_t first, end; ///< pieces
    struct lang_point points[LANG_CONTOUR_MAX];
    unsigned n;
};

struct lang_script {
    const char *input; ///< borrowed
    struct lang_pieces pieces;
    struct lang_cut *cuts; ///< owned; in order; several may lie at one piece
    size_t n_cuts;
    struct lang_manner manner;     ///< of what comes next
    struct lang_contour *contours; ///< owned
    size_t n_contours;
    char pause[8]; ///< to be said before the next word; "": none
    bool weak;     ///< it stands for a bracket or dash and gives way to a real one
    size_t pause_offset, pause_bytes;
    struct lang_buf unsaid;
    size_t n_unsaid;
    int r; ///< the first failure
};
void lang_script_begin(struct lang_script *s, const char *input);
void lang_script_done(struct lang_script *s);

enum lang_word_flags {
    LANG_WORD_PLAIN = 0,
    LANG_WORD_COUNTS = 1, ///< yi1 keeps its tone
};

/** Words of toned pinyin, all said for one part of the input. `tag`: the class in the lexicon. */
void lang_script_say(struct lang_script *s, const char *pinyin, size_t offset, size_t n_bytes,
                     enum lang_word_flags flags, uint8_t tag);

/** A sign that is heard as a pause before the next word. Of several the strongest stays. */
void lang_script_pause(struct lang_script *s, const char *sign, bool weak, size_t offset,
                       size_t n_bytes);
/** The pause that waits is said now. */
void lang_script_flush(struct lang_script *s);

/** What cannot be said, named once. */
void lang_script_unsaid(struct lang_script *s, const char *name, size_t n);

/** Begin a new span in the manner of now. */
void lang_script_cut(struct lang_script *s);
/** The same behind silence; at a mark; with a paragraph. */
void lang_script_break(struct lang_script *s, double pause_s);
void lang_script_mark(struct lang_script *s, const char *name);
void lang_script_paragraph(struct lang_script *s);

/** Short pauses in clauses of many words without a sign. */
void lang_script_breathe(struct lang_script *s);

/** Sandhi, then spans of at most max_syllables. */
int lang_script_finish(struct lang_script *s, bool no_sandhi, unsigned max_syllables,
                       struct lang_utterance *ret);

/** What is written, in code points. */
struct lang_char {
    uint32_t c;
    uint32_t n_bytes; ///< of the input
    size_t offset;
};

/** UTF-8 -> code points. The character's bytes, 0: it is none. */
size_t lang_utf8_read(const char *text, uint32_t *ret);
size_t lang_utf8_write(uint32_t c, char out[5]);

/** How to read a text; the first as what it looks like, the others as SSML says. */
enum lang_say_as {
    LANG_SAY_PLAIN,
    LANG_SAY_CARDINAL,
    LANG_SAY_ORDINAL,
    LANG_SAY_DIGITS,
    LANG_SAY_TELEPHONE,
    LANG_SAY_CHARACTERS,
    LANG_SAY_DATE,
    LANG_SAY_TIME,
    LANG_SAY_FRACTION,
    LANG_SAY_UNIT,
};

/** Hanzi, numbers, letters and signs -> the script. */
void lang_text_say(struct lang_script *s, const struct lang_char *text, size_t n,
                   enum lang_say_as as);

/** An SSML document -> the script. FAIL_INPUT, -EINVAL. */
int lang_ssml_say(struct lang_script *s, const char *xml, struct fail *fail);
