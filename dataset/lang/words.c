/* SPDX-License-Identifier: Apache-2.0 */

#include "lang/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "lang/tables.h"

/* Signs as they may be typed -> as they are printed. Pauses first; the phones know these seven. */
static const struct {
    const char *text, *sign;
    enum lang_piece_kind kind;
} signs[] = {
    {"，", "，", LANG_PIECE_PAUSE},  {"。", "。", LANG_PIECE_PAUSE},
    {"、", "、", LANG_PIECE_PAUSE},  {"；", "；", LANG_PIECE_PAUSE},
    {"：", "：", LANG_PIECE_PAUSE},  {"？", "？", LANG_PIECE_PAUSE},
    {"！", "！", LANG_PIECE_PAUSE},  {",", "，", LANG_PIECE_PAUSE},
    {".", "。", LANG_PIECE_PAUSE},   {";", "；", LANG_PIECE_PAUSE},
    {":", "：", LANG_PIECE_PAUSE},   {"?", "？", LANG_PIECE_PAUSE},
    {"!", "！", LANG_PIECE_PAUSE},   {"“", "“", LANG_PIECE_SILENT},
    {"”", "”", LANG_PIECE_SILENT},   {"‘", "‘", LANG_PIECE_SILENT},
    {"’", "’", LANG_PIECE_SILENT},   {"\"", "”", LANG_PIECE_SILENT},
    {"（", "（", LANG_PIECE_SILENT}, {"）", "）", LANG_PIECE_SILENT},
    {"(", "（", LANG_PIECE_SILENT},  {")", "）", LANG_PIECE_SILENT},
    {"［", "［", LANG_PIECE_SILENT}, {"］", "］", LANG_PIECE_SILENT},
    {"[", "［", LANG_PIECE_SILENT},  {"]", "］", LANG_PIECE_SILENT},
    {"｛", "｛", LANG_PIECE_SILENT}, {"｝", "｝", LANG_PIECE_SILENT},
    {"《", "《", LANG_PIECE_SILENT}, {"》", "》", LANG_PIECE_SILENT},
    {"〈", "〈", LANG_PIECE_SILENT}, {"〉", "〉", LANG_PIECE_SILENT},
    {"…", "…", LANG_PIECE_SILENT},   {"—", "—", LANG_PIECE_SILENT},
    {"·", "·", LANG_PIECE_SILENT},   {"～", "～", LANG_PIECE_SILENT},
    {"－", "－", LANG_PIECE_SILENT}, {"-", "－", LANG_PIECE_SILENT},
};

static int sign_at(const char *p)
{
    for (size_t i = 0; i < ELEMENTSOF(signs); i++)
        if (strncmp(p, signs[i].text, strlen(signs[i].text)) == 0)
            return (int) i;
    return -1;
}

static bool is_space(const char *p)
{
    return *p == ' ' || (*p >= '\t' && *p <= '\r');
}

/* One letter of a word, lower case, umlaut as v. Returns its bytes, 0 if this is no letter. */
static size_t letter_at(const char *p, char *ret)
{
    char c = *p >= 'A' && *p <= 'Z' ? (char) (*p - 'A' + 'a') : *p;

    if (c == 'u' && p[1] == ':' && p[2] && strchr("12345e", p[2])) {
        *ret = 'v';
        return 2;
    }
    if (c >= 'a' && c <= 'z') {
        *ret = c;
        return 1;
    }
    if (strncmp(p, "ü", 2) == 0 || strncmp(p, "Ü", 2) == 0) {
        *ret = 'v';
        return 2;
    }
    return 0;
}

/* The best way to go on from each letter of a run: fewest apostrophes left out, fewest syllables.
 */
struct way {
    uint32_t cost;  ///< UINT32_MAX: the rest is no pinyin
    uint16_t base;  ///< the syllable that begins here
    uint8_t length; ///< its letters
};

static bool vowel_first(const char *text)
{
    return text[0] == 'a' || text[0] == 'e' || text[0] == 'o';
}

static int find_ways(const char *run, size_t n, struct way **ret)
{
    struct way *ways = calloc(n + 1, sizeof(*ways));

    if (!ways)
        return -ENOMEM;
    for (size_t i = n; i-- > 0;) {
        ways[i].cost = UINT32_MAX;
        for (size_t length = MIN(n - i, (size_t) 6); length > 0; length--) {
            if (ways[i + length].cost == UINT32_MAX)
                continue;
            int base = lang_base_find(run + i, length);
            uint32_t cost = ways[i + length].cost + 1 + (i > 0 && vowel_first(run + i) ? 16 : 0);
            if (base >= 0 && cost < ways[i].cost)
                ways[i] = (struct way){cost, (uint16_t) base, (uint8_t) length};
        }
    }
    *ret = ways;
    return ways[0].cost == UINT32_MAX ? -EINVAL : 0;
}

static int add_syllable(struct lang_piece *word, size_t *room, struct lang_syllable s)
{
    if (word->n == *room) {
        size_t more = *room * 2 + 4;
        struct lang_syllable *items = reallocarray(word->items, more, sizeof(*items));
        if (!items)
            return -ENOMEM;
        word->items = items;
        *room = more;
    }
    word->items[word->n++] = s;
    return 0;
}

/* A run of letters without tone between them; the tone behind it is the last syllable's. */
static int add_run(struct lang_piece *word, size_t *room, const char *run, size_t n, uint8_t tone)
{
    CLEANUP_FREE struct way *ways = NULL;

    if (n == 0)
        return -EINVAL;
    int r = find_ways(run, n, &ways);
    for (size_t i = 0; r == 0 && i < n; i += ways[i].length) {
        bool last = i + ways[i].length == n;
        r = add_syllable(word, room, (struct lang_syllable){ways[i].base, last ? tone : 0});
    }
    return r;
}

/* From `p` to the end of the word: syllables with or without tones, apostrophes between them. */
static int read_word(const char *p, struct lang_piece *word)
{
    const char *end = p;
    size_t n = 0, room = 0, length;
    int r = 0;
    char c;

    while (*end && !is_space(end) && (sign_at(end) < 0 || letter_at(end, &c) > 0))
        end += letter_at(end, &c) > 0 ? letter_at(end, &c) : 1;
    word->n_text = (size_t) (end - p);
    CLEANUP_FREE char *run = malloc(word->n_text + 1);
    if (!run)
        return -ENOMEM;
    while (r == 0 && p < end) {
        if ((length = letter_at(p, &c)) > 0) {
            run[n++] = c;
            p += length;
        } else if (*p >= '1' && *p <= '5') {
            r = add_run(word, &room, run, n, (uint8_t) (*p++ - '0'));
            n = 0;
        } else if (*p == '\'') {
            r = n > 0 ? add_run(word, &room, run, n, 0) : 0;
            n = 0;
            p++;
        } else {
            return -EINVAL;
        }
    }
    if (r == 0 && n > 0)
        r = add_run(word, &room, run, n, 0);
    return r == 0 && word->n == 0 ? -EINVAL : r; /* apostrophes alone are no word */
}

int lang_pieces_add(struct lang_pieces *p, const struct lang_piece *piece)
{
    if (p->n == p->room) {
        size_t room = p->room * 2 + 32;
        struct lang_piece *items = reallocarray(p->items, room, sizeof(*items));
        if (!items)
            return -ENOMEM;
        p->items = items;
        p->room = room;
    }
    p->items[p->n++] = *piece;
    return 0;
}

/* The piece at `p`, which is no space. Its end in *ret_end. */
static int read_piece(const char *p, struct lang_piece *piece, struct fail *fail)
{
    char c;
    int sign = letter_at(p, &c) > 0 ? -1 : sign_at(p);

    piece->text = p;
    if (sign >= 0) {
        piece->kind = signs[sign].kind;
        piece->n_text = strlen(signs[sign].text);
        snprintf(piece->sign, sizeof(piece->sign), "%s", signs[sign].sign);
        return 0;
    }
    piece->kind = LANG_PIECE_WORD;
    int r = read_word(p, piece);
    if (r == -EINVAL)
        fail_set(fail, FAIL_INPUT, r,
                 "'%.*s' is no pinyin; write syllables with tones 1-5, as in ni3hao3",
                 (int) MIN(piece->n_text, (size_t) 60), p);
    else if (r < 0)
        fail_set(fail, FAIL_OTHER, r, "not enough memory for the pinyin");
    return r;
}

int lang_pieces_read(const char *pinyin, struct lang_pieces *ret, struct fail *fail)
{
    *ret = (struct lang_pieces){0};
    for (const char *p = pinyin; *p;) {
        if (is_space(p)) {
            p++;
            continue;
        }
        struct lang_piece piece = {0};
        int r = read_piece(p, &piece, fail);
        if (r == 0 && (r = lang_pieces_add(ret, &piece)) < 0)
            fail_set(fail, FAIL_OTHER, r, "not enough memory for the pinyin");
        if (r < 0) {
            free(piece.items);
            lang_pieces_done(ret);
            return r;
        }
        p += piece.n_text;
    }
    return 0;
}

void lang_pieces_done(struct lang_pieces *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->items[i].items);
    free(p->items);
    *p = (struct lang_pieces){0};
}

void lang_syllable_format(struct lang_syllable s, char out[10])
{
    const char *text = lang_bases[s.base].text;

    if (s.tone > 0)
        snprintf(out, 10, "%.7s%c", text, '0' + s.tone);
    else
        snprintf(out, 10, "%.7s", text);
}

bool lang_needs_apostrophe(struct lang_syllable before, struct lang_syllable after)
{
    return before.tone == 0 && vowel_first(lang_bases[after.base].text);
}
