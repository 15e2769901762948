/* SPDX-License-Identifier: Apache-2.0
 *
 * lang_phones() against what models/recipes/phones.py said (the file named as first argument), and
 * the tones that come back when those sentences lose them.
 */

#include "lang-util.h"

static void require_phones(const char *pinyin, char *expected)
{
    struct lang_phone *phones;
    struct fail fail = {0};
    size_t n, i = 0;

    if (lang_phones(pinyin, &phones, &n, &fail) < 0)
        fprintf(stderr, "%s\n", fail.text);
    REQUIRE(fail.kind == FAIL_NONE);
    for (char *rest = expected, *word; (word = strsep(&rest, " ")); i++) {
        char text[32];
        REQUIRE(i < n);
        snprintf(text, sizeof(text), "%s:%u:%u", phones[i].name, phones[i].tone,
                 phones[i].position);
        if (strcmp(text, word) != 0)
            fprintf(stderr, "%s: %s, not %s\n", pinyin, text, word);
        REQUIRE(strcmp(text, word) == 0);
    }
    REQUIRE(i == n);
    free(phones);
}

/* Pinyin of the file -> tokens as a book without tones would give them. */
static void strip_tones(const char *pinyin, struct lang_text *ret)
{
    ret->tokens = calloc(strlen(pinyin) + 1, sizeof(*ret->tokens));
    ret->n = 0;
    REQUIRE(ret->tokens);
    for (const char *p = pinyin; *p;) {
        struct lang_token *t = &ret->tokens[ret->n++];
        size_t n = strcspn(p, "12345 ");
        if (*p == ' ') {
            t->kind = LANG_SPACE;
            strcpy(t->text, " ");
            p++;
            continue;
        }
        REQUIRE(n < sizeof(t->text));
        memcpy(t->text, p, n);
        t->kind = (unsigned char) *p < 0x80 ? LANG_SYLLABLE : LANG_PUNCT;
        p += n + (p[n] != 0 && p[n] != ' ');
    }
}

static void compare_tones(const char *pinyin, size_t *n_syllables, size_t *n_right)
{
    struct lang_text text;
    char *spoken, *sandhi;
    unsigned n_unknown;

    strip_tones(pinyin, &text);
    REQUIRE(lang_spoken(&text, &spoken, &n_unknown) == 0 && n_unknown == 0);
    REQUIRE(lang_sandhi(spoken, &sandhi, NULL) == 0);
    if (strlen(sandhi) == strlen(pinyin)) /* not where two pauses became one */
        for (size_t i = 0; sandhi[i]; i++)
            if (sandhi[i] >= '1' && sandhi[i] <= '5') {
                REQUIRE(pinyin[i] >= '1' && pinyin[i] <= '5');
                (*n_syllables)++;
                *n_right += sandhi[i] == pinyin[i];
            }
    free(spoken);
    free(sandhi);
    lang_text_done(&text);
}

int main(int argc, char **argv)
{
    char *line = NULL, *fields[2];
    size_t room = 0, n = 0, n_syllables = 0, n_right = 0;

    REQUIRE(argc == 2);
    FILE *f = fopen(argv[1], "r");
    REQUIRE(f);
    for (; next_case(f, &line, &room, fields, 2); n++) {
        require_phones(fields[0], fields[1]);
        compare_tones(fields[0], &n_syllables, &n_right);
    }
    fclose(f);
    free(line);
    REQUIRE(n >= 100);
    printf("%zu sentences; without tones %zu of %zu syllables get theirs back: %.1f %%\n", n,
           n_right, n_syllables, 100. * (double) n_right / (double) n_syllables);
    REQUIRE(n_syllables > 1500);
    REQUIRE(n_right * 100 > n_syllables * 75); /* names and rare words; ordinary text is at 84 % */
    return 0;
}
