/* SPDX-License-Identifier: Apache-2.0 */

#include "clip/wordpiece.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/macro.h"

#define MAX_WORD 200      /* characters; a longer word is unknown */
#define MAX_DECOMPOSED 32 /* of one character; Unicode's longest has 4 */

struct piece {
    const char *text; ///< borrowed; without the "##" of a tail
    size_t size;
    uint32_t id;
};

struct pieces {
    struct piece *list; ///< sorted, owned
    size_t n;
};

struct clip_wordpiece {
    struct pieces heads, tails; ///< what begins a word, what goes on in one
    uint32_t pad, unknown, first, last;
    bool curved; ///< it has curved quotation marks
};

/* ---- vocabulary ----------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    const int order = memcmp(x->text, y->text, MIN(x->size, y->size));

    return order ? order : (x->size > y->size) - (x->size < y->size);
}

static bool find(const struct pieces *p, const char *text, size_t size, uint32_t *ret)
{
    const struct piece key = {text, size, 0};
    const struct piece *found = bsearch(&key, p->list, p->n, sizeof(key), compare);

    if (found)
        *ret = found->id;
    return found;
}

static bool sort(struct pieces *p)
{
    qsort(p->list, p->n, sizeof(*p->list), compare);
    for (size_t i = 1; i < p->n; i++)
        if (compare(&p->list[i - 1], &p->list[i]) == 0)
            return false;
    return true;
}

static int read_pieces(struct clip_wordpiece *w, const char *const *pieces, size_t n,
                       const char **ret_why)
{
    uint32_t unused;

    w->heads.list = calloc(n + 1, sizeof(*w->heads.list));
    w->tails.list = calloc(n + 1, sizeof(*w->tails.list));
    if (!w->heads.list || !w->tails.list)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const bool tail = strncmp(pieces[i], "##", 2) == 0 && pieces[i][2];
        struct pieces *to = tail ? &w->tails : &w->heads;
        const char *text = pieces[i] + (tail ? 2 : 0);
        to->list[to->n++] = (struct piece){text, strlen(text), (uint32_t) i};
    }
    *ret_why = "its vocabulary has a piece twice";
    if (!sort(&w->heads) || !sort(&w->tails))
        return -EBADMSG;
    *ret_why = "its vocabulary lacks [PAD], [UNK], [CLS] or [SEP]";
    if (!find(&w->heads, "[PAD]", 5, &w->pad) || !find(&w->heads, "[UNK]", 5, &w->unknown) ||
        !find(&w->heads, "[CLS]", 5, &w->first) || !find(&w->heads, "[SEP]", 5, &w->last))
        return -EBADMSG;
    w->curved = find(&w->heads, "“", strlen("“"), &unused);
    return 0;
}

int clip_wordpiece_new(const char *const *pieces, size_t n, struct clip_wordpiece **ret,
                       const char **ret_why)
{
    struct clip_wordpiece *w = calloc(1, sizeof(*w));
    const int r = w ? read_pieces(w, pieces, n, ret_why) : -ENOMEM;

    if (r < 0) {
        clip_wordpiece_free(w);
        return r;
    }
    *ret = w;
    return 0;
}

struct clip_wordpiece *clip_wordpiece_free(struct clip_wordpiece *w)
{
    if (w) {
        free(w->heads.list);
        free(w->tails.list);
    }
    free(w);
    return NULL;
}

uint32_t clip_wordpiece_pad(const struct clip_wordpiece *w)
{
    return w->pad;
}

/* ---- characters ----------------------------------------------------------------------------- */

static bool is_ideograph(int32_t c)
{
    static const struct {
        int32_t first, last;
    } blocks[] = {{0x4e00, 0x9fff},   {0x3400, 0x4dbf},   {0x20000, 0x2a6df}, {0x2a700, 0x2b73f},
                  {0x2b740, 0x2b81f}, {0x2b820, 0x2ceaf}, {0xf900, 0xfaff},   {0x2f800, 0x2fa1f}};

    for (size_t i = 0; i < ELEMENTSOF(blocks); i++)
        if (c >= blocks[i].first && c <= blocks[i].last)
            return true;
    return false;
}

static bool is_space(int32_t c)
{
    const utf8proc_category_t category = utf8proc_category(c);

    return c == '\t' || c == '\n' || c == '\r' || category == UTF8PROC_CATEGORY_ZS ||
           category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

static bool is_dropped(int32_t c)
{
    const utf8proc_category_t category = utf8proc_category(c);

    return c == 0xfffd || category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF;
}

/* ASCII signs count, too, that Unicode calls symbols. */
static bool is_punctuation(int32_t c)
{
    const utf8proc_category_t category = utf8proc_category(c);

    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
           (c >= 123 && c <= 126) ||
           (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO);
}

/* ---- words ---------------------------------------------------------------------------------- */

/* A text on its way to ids. */
struct pass {
    const struct clip_wordpiece *w;
    uint32_t *ids;
    unsigned n, room; ///< room leaves the last place to [SEP]
    char word[4 * MAX_WORD + 4];
    size_t size;                   ///< of the word, bytes
    unsigned n_chars;              ///< and characters, also where they are more than fit
    uint16_t starts[MAX_WORD + 1]; ///< where each begins
};

static void put(struct pass *p, uint32_t id)
{
    if (p->n < p->room)
        p->ids[p->n++] = id;
}

/* The longest piece that begins at character `from`; 0: there is none, else where it ends. */
static unsigned longest(const struct pass *p, unsigned from, uint32_t *ret)
{
    const struct pieces *pieces = from ? &p->w->tails : &p->w->heads;
    const char *text = p->word + p->starts[from];

    for (unsigned end = p->n_chars; end > from; end--)
        if (find(pieces, text, (size_t) (p->starts[end] - p->starts[from]), ret))
            return end;
    return 0;
}

/* The word in pieces; false: it has none, so it is unknown. */
static bool split(struct pass *p, uint32_t *ids, unsigned *ret_n)
{
    unsigned at = 0;

    *ret_n = 0;
    if (p->n_chars > MAX_WORD)
        return false;
    p->starts[p->n_chars] = (uint16_t) p->size;
    do
        at = longest(p, at, &ids[(*ret_n)++]);
    while (at > 0 && at < p->n_chars);
    return at > 0;
}

static void end_word(struct pass *p)
{
    uint32_t ids[MAX_WORD];
    unsigned n;

    if (p->n_chars == 0)
        return;
    if (!split(p, ids, &n)) {
        ids[0] = p->w->unknown;
        n = 1;
    }
    for (unsigned i = 0; i < n; i++)
        put(p, ids[i]);
    p->size = p->n_chars = 0;
}

static void add_to_word(struct pass *p, int32_t c)
{
    if (p->n_chars < MAX_WORD) {
        p->starts[p->n_chars] = (uint16_t) p->size;
        p->size += (size_t) utf8proc_encode_char(c, (uint8_t *) p->word + p->size);
    }
    p->n_chars++;
}

/* A character after lower-casing and NFD. */
static void take(struct pass *p, int32_t c)
{
    if (utf8proc_category(c) == UTF8PROC_CATEGORY_MN)
        return;
    if (!is_punctuation(c)) {
        add_to_word(p, c);
        return;
    }
    end_word(p);
    add_to_word(p, c);
    end_word(p);
}

/* A character of the text. Two things of Python's are left out: the other small sigma at the end of
 * a word, and the canonical order of those few spacing marks that have one (of music and old
 * Korean). */
static void read_char(struct pass *p, int32_t c)
{
    int32_t parts[MAX_DECOMPOSED];
    const bool alone = is_ideograph(c);
    int unused = 0;

    if (!p->w->curved && (c == 0x201c || c == 0x201d))
        c = '"';
    if (c != '\t' && c != '\n' && c != '\r' && is_dropped(c))
        return;
    if (alone || is_space(c))
        end_word(p);
    if (is_space(c))
        return;
    const ssize_t n = utf8proc_decompose_char(utf8proc_tolower(c), parts, MAX_DECOMPOSED,
                                              UTF8PROC_DECOMPOSE, &unused);
    for (ssize_t i = 0; i < n && i < MAX_DECOMPOSED; i++)
        take(p, parts[i]);
    if (alone)
        end_word(p);
}

int clip_wordpiece_ids(const struct clip_wordpiece *w, const char *text, uint32_t *ids,
                       unsigned room)
{
    struct pass p = {.w = w, .ids = ids, .room = room - 1};
    const uint8_t *at = (const uint8_t *) text;

    put(&p, w->first);
    while (*at) {
        int32_t c;
        const ssize_t n = utf8proc_iterate(at, -1, &c);
        if (n < 1)
            return -EILSEQ;
        at += n;
        if (p.n < p.room)
            read_char(&p, c);
    }
    end_word(&p);
    ids[p.n] = w->last;
    return (int) p.n + 1;
}
