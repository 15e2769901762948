/* SPDX-License-Identifier: Apache-2.0
 *
 * Pinyin -> the phones that the voice was trained on; models/recipes/phones.py does the same.
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

int lang_phones(const char *pinyin, struct lang_phone **ret, size_t *ret_n, struct fail *fail)
{
    struct lang_pieces pieces;
    size_t n = 2;
    int r = lang_pieces_read(pinyin, &pieces, fail);

    if (r < 0)
        return r;
    for (size_t i = 0; i < pieces.n; i++)
        n += pieces.items[i].kind == LANG_PIECE_WORD ? 2 * pieces.items[i].n : 1;
    struct lang_phone *phones = calloc(n, sizeof(*phones)), *p = phones;
    if (!phones) {
        lang_pieces_done(&pieces);
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory for the phones");
    }
    put(&p, "sil", 0, 0);
    for (size_t i = 0; i < pieces.n; i++) {
        if (pieces.items[i].kind == LANG_PIECE_PAUSE)
            put(&p, pause_phone(pieces.items[i].sign), 0, 0);
        else if (pieces.items[i].kind == LANG_PIECE_WORD)
            put_word(&p, &pieces.items[i]);
    }
    put(&p, "sil", 0, 0);
    lang_pieces_done(&pieces);
    *ret = phones;
    *ret_n = (size_t) (p - phones);
    return 0;
}
