/* SPDX-License-Identifier: Apache-2.0
 *
 * Pinyin -> cells -> what the lexicon reads there, for measure-hanzi.py. A line of standard input
 * is a code's name, a tab and words of pinyin or signs between spaces; its answer is a line of
 * "pinyin/hanzi" for each syllable. What cannot be written in the code is answered by an empty
 * line. Last, on standard error, the syllables and the milliseconds that lang_senses() took.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lang/hanzi.h"

enum { ROOM = 1 << 16 };

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

/* The cells of a line; signs stand at the word before them, opening ones at the word behind. */
static size_t write_cells(enum lang_code code, char *words, uint8_t *cells)
{
    bool open = true;
    size_t n = 0;

    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        const bool sign = (unsigned char) word[0] >= 0x80;
        brl_cell out[LANG_MAX_LABEL_CELLS];
        struct fail fail = {0};
        size_t n_out;
        if (!open && !sign)
            cells[n++] = 0;
        if (n + LANG_MAX_LABEL_CELLS + 1 > ROOM || lang_encode(code, word, out, &n_out, &fail) < 0)
            return 0;
        open = sign && strstr("“‘（《", word);
        memcpy(cells + n, out, n_out);
        n += n_out;
    }
    return n;
}

static void answer(const struct lang_text *text, const struct lang_sense *senses)
{
    for (size_t i = 0; i < text->n; i++)
        if (text->tokens[i].kind == LANG_SYLLABLE)
            printf("%s/%s ", senses[i].pinyin, senses[i].hanzi);
}

int main(void)
{
    static uint8_t cells[ROOM];
    char *line = NULL;
    size_t size = 0, n_syllables = 0;
    double ms = 0;

    while (getline(&line, &size, stdin) > 0) {
        struct lang_text text = {0};
        struct lang_sense *senses = NULL;
        enum lang_code code;
        char *words = strchr(line, '\t');
        line[strcspn(line, "\n")] = 0;
        if (!words)
            return 64;
        *words++ = 0;
        if (lang_code_parse(line, &code) < 0)
            return 64;
        const size_t n = write_cells(code, words, cells);
        if (lang_decode_code(code, cells, n, &text) < 0)
            return 1;
        const double start = now_ms();
        if (lang_senses(&text, &senses) < 0)
            return 1;
        ms += now_ms() - start;
        answer(&text, senses);
        putchar('\n');
        for (size_t i = 0; i < text.n; i++)
            n_syllables += text.tokens[i].kind == LANG_SYLLABLE;
        free(senses);
        lang_text_done(&text);
    }
    free(line);
    fprintf(stderr, "%zu syllables, %.1f ms\n", n_syllables, ms);
    return 0;
}
