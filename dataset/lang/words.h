/* SPDX-License-Identifier: Apache-2.0
 *
 * Pinyin text cut into words, and words into syllables. Private to lang.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

struct lang_syllable {
    uint16_t base;  ///< index into lang_bases
    uint8_t tone;   ///< 1-5; 0: none written
    uint8_t other;  ///< where none is written: the only tone, besides 5, that can be meant; 0: any
    uint8_t sandhi; ///< enum lang_sandhi_kind
};

/** What is known of a yi1 or bu4, or of a third tone. */
enum lang_sandhi_kind {
    LANG_SANDHI_BY_SOUND, ///< nothing: how its word sounds must tell
    LANG_SANDHI_MEASURES, ///< it is one or not
    LANG_SANDHI_NONE,     ///< it is another word, or counts, and keeps its tone
    LANG_SANDHI_HALF,     ///< a third tone that stays one
};

enum lang_piece_kind { LANG_PIECE_WORD, LANG_PIECE_PAUSE, LANG_PIECE_SILENT };

/** A word of syllables, a pause, or a sign that is not spoken. */
struct lang_piece {
    enum lang_piece_kind kind;
    char sign[8];                ///< of a pause or silent sign: its full-width form, UTF-8
    const char *text;            ///< where it stands in the input, borrowed
    size_t n_text;               ///< bytes
    struct lang_syllable *items; ///< owned; of a word
    size_t n;
    uint8_t tag; ///< its class in the lexicon; 0: not asked
};

struct lang_pieces {
    struct lang_piece *items; ///< owned
    size_t n, room;
};
void lang_pieces_done(struct lang_pieces *p);
/** *piece is copied, what it owns taken. -ENOMEM: nothing is taken. */
int lang_pieces_add(struct lang_pieces *p, const struct lang_piece *piece);

/** Cut pinyin. Half-width punctuation becomes full-width; u-umlaut and "u:" are v; upper case is
 * accepted. What is no syllable: FAIL_INPUT, -EINVAL, the word named. *ret is empty on failure. */
int lang_pieces_read(const char *pinyin, struct lang_pieces *ret, struct fail *fail);

/** Tone sandhi in place, lang_sandhi() says by which rules. */
void lang_pieces_sandhi(struct lang_pieces *p);

/** A sentence, or as much of one as is spoken at once. */
struct lang_sentence {
    char *pinyin;            ///< owned
    const char *begin, *end; ///< where the words that it says stand in the pieces' text, borrowed
    size_t n_syllables;      ///< at least 1
};
void lang_sentences_free(struct lang_sentence *sentences, size_t n);

/** Cut n pieces as lang_sentences() does. *ret: owned, never NULL, may be empty. -ENOMEM. */
int lang_pieces_cut(const struct lang_piece *pieces, size_t n, unsigned max_syllables,
                    struct lang_sentence **ret, size_t *ret_n);

/** "zhong1" of a syllable; no digit where tone is 0. */
void lang_syllable_format(struct lang_syllable s, char out[10]);

/** Would two syllables written together be read in another way? Then an apostrophe parts them. */
bool lang_needs_apostrophe(struct lang_syllable before, struct lang_syllable after);
