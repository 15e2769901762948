/* SPDX-License-Identifier: Apache-2.0
 *
 * Pinyin -> the phones that a voice was trained on: ours, as models/recipes/phones.py has them, or
 * those of ming024's AISHELL3 models.
 */

#include "lang/lang.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lang/tables.h"
#include "lang/words.h"

static void put(struct lang_phone **p, const char *name, uint8_t tone, uint8_t position)
{
    struct lang_phone *phone = (*p)++;

    snprintf(phone->name, sizeof(phone->name), "%s", name);
    phone->tone = tone;
    phone->position = position;
}

/* ； sounds like ，, and ！ like 。: the corpus has too few of them to learn from. */
static const char *pause_phone(const char *sign)
{
    if (strcmp(sign, "；") == 0)
        return "，";
    return strcmp(sign, "！") == 0 ? "。" : sign;
}

static void put_word(struct lang_phone **p, const struct lang_piece *word)
{
    for (size_t i = 0; i < word->n; i++) {
        const struct lang_base *base = &lang_bases[word->items[i].base];
        uint8_t tone = word->items[i].tone ? word->items[i].tone : 5, position = i == 0 ? 1 : 2;
        if (base->initial[0])
            put(p, base->initial, 0, position);
        put(p, base->final, tone, position);
    }
}

/* ---- tones in the phones -------------------------------------------------------------------- */

/* A syllable without an initial begins with y or w in that lexicon, which keeps the whole final
 * behind it: yong is y iong. It has weng and yo as wen and you; their finals are none of its
 * phones, so they are said as the letters say. */
static void toned_parts(const struct lang_base *base, const char **ret_initial,
                        const char **ret_final)
{
    const char *initial = base->initial, *final = base->final + 1;

    if (strcmp(final, "ueng") == 0 || strcmp(final, "io") == 0) {
        initial = final[0] == 'u' ? "w" : "y";
        final++;
        if (final[0] == 'e')
            final = "eng";
    } else if (strcmp(final, "ih") == 0) {
        final = strchr("zcs", initial[0]) && !initial[1] ? "ii" : "iii";
    } else if (initial[0] && strcmp(base->text + strlen(initial), "o") == 0) {
        final = "o"; /* of bo and lo; ours is that of duo */
    } else if (!initial[0]) {
        initial = final[0] == 'u' ? "w" : final[0] == 'i' || final[0] == 'v' ? "y" : "";
    }
    *ret_initial = initial;
    *ret_final = final;
}

static void put_toned(struct lang_phone **p, const char *name, unsigned tone)
{
    char full[sizeof((*p)->name)];

    snprintf(full, sizeof(full), tone ? "@%s%u" : "@%s", name, tone);
    put(p, full, 0, 0);
}

static void put_word_toned(struct lang_phone **p, const struct lang_piece *word)
{
    for (size_t i = 0; i < word->n; i++) {
        const struct lang_base *base = &lang_bases[word->items[i].base];
        const char *initial, *final;
        const unsigned tone = word->items[i].tone ? word->items[i].tone : 5;
        if (i > 0 && tone == 5 && strcmp(base->text, "er") == 0) {
            put_toned(p, "rr", 0); /* hua1er5 is one syllable there */
            continue;
        }
        toned_parts(base, &initial, &final);
        if (initial[0])
            put_toned(p, initial, 0);
        put_toned(p, final, tone);
    }
}

/* A pause between two words; those models were trained without silence at the ends. */
static size_t put_toned_pieces(struct lang_phone *out, const struct lang_pieces *pieces)
{
    struct lang_phone *p = out;
    bool waits = false;

    for (size_t i = 0; i < pieces->n; i++) {
        const struct lang_piece *piece = &pieces->items[i];
        if (piece->kind == LANG_PIECE_PAUSE)
            waits = p > out;
        if (piece->kind != LANG_PIECE_WORD)
            continue;
        if (waits)
            put_toned(&p, "sp", 0);
        waits = false;
        put_word_toned(&p, piece);
    }
    if (p == out)
        put_toned(&p, "sp", 0);
    return (size_t) (p - out);
}

static size_t put_pieces(struct lang_phone *out, const struct lang_pieces *pieces)
{
    struct lang_phone *p = out;

    put(&p, "sil", 0, 0);
    for (size_t i = 0; i < pieces->n; i++) {
        if (pieces->items[i].kind == LANG_PIECE_PAUSE)
            put(&p, pause_phone(pieces->items[i].sign), 0, 0);
        else if (pieces->items[i].kind == LANG_PIECE_WORD)
            put_word(&p, &pieces->items[i]);
    }
    put(&p, "sil", 0, 0);
    return (size_t) (p - out);
}

static int make_phones(const char *pinyin,
                       size_t (*put_all)(struct lang_phone *out, const struct lang_pieces *pieces),
                       struct lang_phone **ret, size_t *ret_n, struct fail *fail)
{
    struct lang_pieces pieces;
    size_t n = 2;
    int r = lang_pieces_read(pinyin, &pieces, fail);

    if (r < 0)
        return r;
    for (size_t i = 0; i < pieces.n; i++)
        n += pieces.items[i].kind == LANG_PIECE_WORD ? 2 * pieces.items[i].n : 1;
    struct lang_phone *phones = calloc(n, sizeof(*phones));
    if (phones) {
        *ret_n = put_all(phones, &pieces);
        *ret = phones;
    } else {
        r = fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory for the phones");
    }
    lang_pieces_done(&pieces);
    return r;
}

int lang_phones(const char *pinyin, struct lang_phone **ret, size_t *ret_n, struct fail *fail)
{
    return make_phones(pinyin, put_pieces, ret, ret_n, fail);
}

int lang_phones_toned(const char *pinyin, struct lang_phone **ret, size_t *ret_n, struct fail *fail)
{
    return make_phones(pinyin, put_toned_pieces, ret, ret_n, fail);
}
