/* SPDX-License-Identifier: Apache-2.0
 *
 * The bank of the paper's BIT crops. Where two texts share their cells the first of this order
 * stays: numbers, punctuation as the table lists it (？ before 〈), syllables in their usual
 * spelling (mo, not me; e, not o). eng is left out: alone its cell is the number sign.
 */

#include "lang/lang.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lang/tables.h"

#define N_NUMBERS 2000
#define N_SLOTS 16384 /* of the set of sequences; several times what the bank holds */

struct bank {
    struct lang_bit *bits;
    size_t n;
    uint64_t *seen; ///< packed cells, 0 for a free slot
};

/* Cells cannot be blank here, so a sequence of up to ten is one number. */
static bool is_new(struct bank *b, const struct lang_bit *bit)
{
    uint64_t packed = 0;

    for (unsigned i = 0; i < bit->n_cells; i++)
        packed = packed << 6 | bit->cells[i];
    size_t slot = (packed * UINT64_C(0x9E3779B97F4A7C15)) >> 50;
    while (b->seen[slot] != 0 && b->seen[slot] != packed)
        slot = (slot + 1) % N_SLOTS;
    if (b->seen[slot] == packed)
        return false;
    b->seen[slot] = packed;
    return true;
}

static void add(struct bank *b, const struct lang_bit *bit)
{
    if (is_new(b, bit))
        b->bits[b->n++] = *bit;
}

static void add_numbers(struct bank *b)
{
    for (unsigned number = 0; number < N_NUMBERS; number++) {
        struct lang_bit bit = {.cells = {0x3C}, .n_cells = 1};
        snprintf(bit.text, sizeof(bit.text), "%u", number);
        for (const char *p = bit.text; *p; p++)
            bit.cells[bit.n_cells++] = lang_digit_cells[*p - '0'];
        add(b, &bit);
    }
}

static void add_signs(struct bank *b)
{
    for (size_t s = 0; s < lang_n_signs; s++) {
        struct lang_bit bit = {.n_cells = lang_signs[s].n_cells};
        snprintf(bit.text, sizeof(bit.text), "%s", lang_signs[s].text);
        memcpy(bit.cells, lang_signs[s].cells, bit.n_cells);
        add(b, &bit);
    }
}

static void add_syllables(struct bank *b)
{
    for (size_t i = 0; i < lang_n_bases; i++) {
        const struct lang_base *base = &lang_bases[i];
        if (base->usual != i || (base->n_cells == 1 && base->cells[0] == 0x3C))
            continue;
        for (unsigned tone = 0; tone <= 4; tone++) {
            struct lang_bit bit = {.n_cells = base->n_cells};
            memcpy(bit.cells, base->cells, base->n_cells);
            if (tone > 0) {
                bit.cells[bit.n_cells++] = lang_tone_cells[tone];
                snprintf(bit.text, sizeof(bit.text), "%s%u", base->text, tone);
            } else {
                snprintf(bit.text, sizeof(bit.text), "%s", base->text);
            }
            add(b, &bit);
        }
    }
}

int lang_bit_bank(struct lang_bit **ret, size_t *ret_n)
{
    struct bank b = {0};

    b.bits = calloc(N_NUMBERS + lang_n_signs + 5 * lang_n_bases, sizeof(*b.bits));
    b.seen = calloc(N_SLOTS, sizeof(*b.seen));
    if (!b.bits || !b.seen) {
        free(b.bits);
        free(b.seen);
        return -ENOMEM;
    }
    add_numbers(&b);
    add_signs(&b);
    add_syllables(&b);
    free(b.seen);
    *ret = b.bits;
    *ret_n = b.n;
    return 0;
}
