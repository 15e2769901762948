/* SPDX-License-Identifier: Apache-2.0
 *
 * What BIT is made of, and cells -> BIT label. Where two texts share their cells the first of this
 * order stays, as in bank.c: numbers, signs as the table lists them, syllables in their usual
 * spelling. eng is left out in Current and Common Braille: its cell is the number sign.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/code.h"

#define N_NUMBERS 2000
#define NUMBER 0x3C /* dots 3456 */
#define N_TEXT 16

/* ---- reading ---- */

static bool read_number(const brl_cell *cells, size_t n, char out[N_TEXT])
{
    size_t n_text = 0;

    if (n < 2 || n > N_TEXT || cells[0] != NUMBER)
        return false;
    for (size_t i = 1; i < n; i++) {
        unsigned d = 0;
        while (d < 10 && lang_digit_cells[d] != cells[i])
            d++;
        const bool point = cells[i] == 0x04 && i > 1 && i + 1 < n && out[n_text - 1] != '.';
        if (d == 10 && !point)
            return false;
        out[n_text++] = d < 10 ? (char) ('0' + d) : '.';
    }
    out[n_text] = 0;
    return true;
}

static bool read_sign(enum lang_code code, const brl_cell *cells, size_t n, char out[N_TEXT])
{
    size_t n_signs;
    const struct lang_sign *signs = lang_code_signs(code, &n_signs);

    for (size_t s = 0; s < n_signs; s++)
        if (signs[s].n_cells == n && memcmp(signs[s].cells, cells, n) == 0) {
            snprintf(out, N_TEXT, "%s", signs[s].text);
            return true;
        }
    return false;
}

static bool read_short_word(const brl_cell *cells, size_t n, char out[N_TEXT])
{
    for (size_t k = 0; k < lang_n_common_words; k++) {
        const struct lang_common_word *w = &lang_common_words[k];
        if (w->n_cells == n && memcmp(w->cells, cells, n) == 0) {
            snprintf(out, N_TEXT, "%s", w->pinyin);
            return true;
        }
    }
    return false;
}

static bool same_cells(enum lang_code code, uint16_t base, uint8_t tone, const brl_cell *cells,
                       size_t n)
{
    const brl_cell first =
        code == LANG_TWO_CELL ? lang_two_cell[base].first : lang_bases[base].cells[0];
    const struct lang_syllable s = {.base = base, .tone = tone};
    brl_cell own[3];

    return first == cells[0] && lang_write_syllable(code, s, own) == n &&
           memcmp(own, cells, n) == 0;
}

/* Is this spelling the one to read? o shares its cells with e, lue with lve, me with mo. Where they
 * part (o4 and e4 of Common Braille) or a tone has only one of them, both are. */
static bool better(uint16_t base, uint8_t tone, int found)
{
    const uint8_t bit = (uint8_t) (1u << tone);

    if (found < 0)
        return true;
    const bool exists = lang_two_cell[base].tones & bit, had = lang_two_cell[found].tones & bit;
    return exists != had ? exists : lang_bases[base].usual == base;
}

static bool read_syllable(enum lang_code code, const brl_cell *cells, size_t n, char out[N_TEXT])
{
    int found = -1;
    uint8_t found_tone = 0;

    if (n < 1 || n > 3 || (code != LANG_TWO_CELL && n == 1 && cells[0] == NUMBER))
        return false;
    for (uint8_t tone = code == LANG_CURRENT ? 0 : 1; tone <= 5 && found < 0; tone++)
        for (uint16_t base = 0; base < lang_n_bases; base++) {
            /* Current Braille leaves open which tone an unmarked syllable has, Common does not */
            if (tone == 5 && code == LANG_CURRENT)
                break;
            if (tone > 0 && tone < 5 && !(lang_two_cell[base].tones >> tone & 1) &&
                code != LANG_CURRENT)
                continue;
            if (same_cells(code, base, tone, cells, n) && better(base, tone, found)) {
                found = base;
                found_tone = tone;
            }
        }
    if (found < 0)
        return false;
    if (found_tone > 0)
        snprintf(out, N_TEXT, "%s%u", lang_bases[found].text, found_tone);
    else
        snprintf(out, N_TEXT, "%s", lang_bases[found].text);
    return true;
}

void lang_read_label(enum lang_code code, const brl_cell *cells, size_t n, char out[16])
{
    if (read_number(cells, n, out) || read_sign(code, cells, n, out) ||
        (code == LANG_COMMON && read_short_word(cells, n, out)) ||
        read_syllable(code, cells, n, out))
        return;
    out[0] = 0;
}

/* ---- what there is ---- */

/* A label stays when its cells read as itself, so that no two share them. */
static int add(enum lang_code code, enum lang_bit_type type, const char *text,
               struct lang_label *labels, size_t *n)
{
    brl_cell cells[LANG_MAX_LABEL_CELLS];
    char read[N_TEXT];
    size_t n_cells = 0;

    int r = lang_encode(code, text, cells, &n_cells, NULL);
    if (r < 0)
        return r;
    lang_read_label(code, cells, n_cells, read);
    if (strcmp(read, text) != 0)
        return 0;
    labels[*n].type = type;
    snprintf(labels[*n].text, sizeof(labels[*n].text), "%s", text);
    ++*n;
    return 0;
}

/* Neutral tones have cells of their own in Two-Cell Braille; in Common Braille two short words. */
static int add_syllables(enum lang_code code, struct lang_label *labels, size_t *n)
{
    int r = 0;

    for (uint16_t base = 0; base < lang_n_bases; base++)
        for (uint8_t tone = 1; tone <= 5 && r == 0; tone++) {
            char text[N_TEXT];
            snprintf(text, sizeof(text), "%s%u", lang_bases[base].text, tone);
            const bool word = strcmp(text, "de5") == 0 || strcmp(text, "me5") == 0;
            const bool exists = lang_two_cell[base].tones >> tone & 1;
            if (tone < 5 || code == LANG_TWO_CELL ? exists : code == LANG_COMMON && word)
                r = add(code, LANG_BIT_SPELL, text, labels, n);
        }
    return r;
}

int lang_labels(enum lang_code code, struct lang_label **ret, size_t *ret_n)
{
    size_t n_signs, n = 0;
    const struct lang_sign *signs = lang_code_signs(code, &n_signs);
    struct lang_label *labels = calloc(N_NUMBERS + n_signs + 5 * lang_n_bases, sizeof(*labels));
    int r = labels ? 0 : -ENOMEM;

    for (unsigned number = 0; number < N_NUMBERS && r == 0; number++) {
        char text[N_TEXT];
        snprintf(text, sizeof(text), "%u", number);
        r = add(code, LANG_BIT_NUMBER, text, labels, &n);
    }
    if (r == 0)
        r = add_syllables(code, labels, &n);
    for (size_t s = 0; s < n_signs && r == 0; s++)
        r = add(code, LANG_BIT_PUNCTUATION, signs[s].text, labels, &n);
    if (r < 0) {
        free(labels);
        return r;
    }
    *ret = labels;
    *ret_n = n;
    return 0;
}
