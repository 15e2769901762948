/* SPDX-License-Identifier: Apache-2.0 */

#include "lang/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "lang/tables.h"

enum {
    MAX_UNSAID = 32,  ///< that are named
    MAX_CLAUSE = 22,  ///< syllables without a sign; longer ones get a short pause
    LEAST_PHRASE = 6, ///< syllables on each side of such a pause
};

void lang_script_begin(struct lang_script *s, const char *input)
{
    *s = (struct lang_script){.input = input, .manner = {.rate = 1, .pitch = 1, .volume = 1}};
}

void lang_script_done(struct lang_script *s)
{
    for (size_t i = 0; i < s->n_cuts; i++)
        free(s->cuts[i].mark);
    free(s->cuts);
    free(s->contours);
    lang_pieces_done(&s->pieces);
    lang_buf_done(&s->unsaid);
    *s = (struct lang_script){0};
}

/* Take the pieces of `more`, which all stand for the same part of the input. */
static int take_pieces(struct lang_script *s, struct lang_pieces *more, size_t offset,
                       size_t n_bytes, enum lang_word_flags flags, uint8_t tag)
{
    int r = 0;

    for (size_t i = 0; i < more->n && r == 0; i++) {
        struct lang_piece *piece = &more->items[i];
        piece->text = s->input + offset;
        piece->n_text = n_bytes;
        for (size_t k = 0; k < piece->n && flags == LANG_WORD_COUNTS; k++)
            piece->items[k].sandhi = LANG_SANDHI_NONE;
        piece->tag = tag;
        r = lang_pieces_add(&s->pieces, piece);
        if (r == 0)
            piece->items = NULL;
    }
    return r;
}

static void add(struct lang_script *s, const char *pinyin, size_t offset, size_t n_bytes,
                enum lang_word_flags flags, uint8_t tag)
{
    struct lang_pieces more;

    if (s->r < 0)
        return;
    s->r = lang_pieces_read(pinyin, &more, NULL);
    if (s->r < 0)
        return;
    s->r = take_pieces(s, &more, offset, n_bytes, flags, tag);
    lang_pieces_done(&more);
}

void lang_script_flush(struct lang_script *s)
{
    char sign[sizeof(s->pause)];

    if (!s->pause[0])
        return;
    memcpy(sign, s->pause, sizeof(sign));
    s->pause[0] = 0;
    if (s->pieces.n == 0 || s->pieces.items[s->pieces.n - 1].kind == LANG_PIECE_PAUSE)
        return;
    /* it belongs to the words before it, whatever was begun behind them */
    const size_t at = s->pieces.n;
    add(s, sign, s->pause_offset, s->pause_bytes, LANG_WORD_PLAIN, 0);
    for (size_t i = s->n_cuts; i-- > 0 && s->cuts[i].piece == at && s->pieces.n > at;)
        s->cuts[i].piece = s->pieces.n;
}

void lang_script_say(struct lang_script *s, const char *pinyin, size_t offset, size_t n_bytes,
                     enum lang_word_flags flags, uint8_t tag)
{
    lang_script_flush(s);
    add(s, pinyin, offset, n_bytes, flags, tag);
}

/* "？！" is a question; of "：“" and "，——" the first is heard; an end beats a comma. */
static unsigned strength(const char *sign)
{
    static const char *const order[] = {"、", "，", "：", "；", "。", "！", "？"};

    for (unsigned i = 0; i < ELEMENTSOF(order); i++)
        if (strcmp(sign, order[i]) == 0)
            return i + 1;
    return 0;
}

void lang_script_pause(struct lang_script *s, const char *sign, bool weak, size_t offset,
                       size_t n_bytes)
{
    const bool waits = s->pause[0];

    if (waits && weak && !s->weak)
        return;
    if (waits && weak == s->weak && strength(sign) <= strength(s->pause))
        return;
    snprintf(s->pause, sizeof(s->pause), "%s", sign);
    s->weak = weak;
    s->pause_offset = offset;
    s->pause_bytes = n_bytes;
}

void lang_script_unsaid(struct lang_script *s, const char *name, size_t n)
{
    if (s->n_unsaid > MAX_UNSAID)
        return;
    /* named once: between two commas or at an end */
    for (const char *p = s->unsaid.text; p && (p = memmem(p, strlen(p), name, n)); p++)
        if ((p == s->unsaid.text || p[-1] == ' ') && (p[n] == 0 || p[n] == ','))
            return;
    if (s->n_unsaid++ > 0)
        lang_buf_adds(&s->unsaid, ", ");
    if (s->n_unsaid > MAX_UNSAID)
        lang_buf_adds(&s->unsaid, "and more");
    else
        lang_buf_add(&s->unsaid, name, n);
}

static struct lang_cut *new_cut(struct lang_script *s)
{
    struct lang_cut *cuts = NULL;

    lang_script_flush(s);
    if (s->r == 0 && !(cuts = reallocarray(s->cuts, s->n_cuts + 1, sizeof(*cuts))))
        s->r = -ENOMEM;
    if (!cuts)
        return NULL;
    s->cuts = cuts;
    cuts[s->n_cuts] = (struct lang_cut){.piece = s->pieces.n, .manner = s->manner};
    return &cuts[s->n_cuts++];
}

void lang_script_cut(struct lang_script *s)
{
    new_cut(s);
}

void lang_script_break(struct lang_script *s, double pause_s)
{
    struct lang_cut *cut = new_cut(s);

    if (cut) {
        cut->pause_s = pause_s;
        cut->is_apart = true;
    }
}

void lang_script_mark(struct lang_script *s, const char *name)
{
    struct lang_cut *cut = new_cut(s);

    if (cut && !(cut->mark = strdup(name)))
        s->r = -ENOMEM;
}

void lang_script_paragraph(struct lang_script *s)
{
    struct lang_cut *cut = new_cut(s);

    if (cut)
        cut->starts_paragraph = cut->is_apart = true;
}

/* ---- pauses in long clauses ---- */

/* How well a phrase may end between two words; the smaller the better, 0: not there. */
static unsigned seam(const struct lang_piece *before, const struct lang_piece *after)
{
    if (!before->tag || !after->tag || after->tag == lang_class_mood ||
        after->tag == lang_class_place || after->tag == lang_class_of ||
        after->tag == lang_class_perfect || after->tag == lang_class_measure ||
        before->tag == lang_class_number || before->tag == lang_class_pronoun ||
        before->tag == lang_class_adverb || before->tag == lang_class_preposition ||
        before->tag == lang_class_conjunction)
        return 0;
    if (after->tag == lang_class_conjunction)
        return 1;
    if (after->tag == lang_class_preposition)
        return 2;
    if (before->tag == lang_class_perfect || after->tag == lang_class_adverb)
        return 3;
    return before->tag == lang_class_of || after->tag == lang_class_verb ? 5 : 7;
}

/* The best place for a pause in the pieces from `begin` up to `end`, or `end`. */
static size_t best_seam(const struct lang_pieces *p, size_t begin, size_t end, size_t n_syllables)
{
    size_t best = end, best_cost = SIZE_MAX, n = p->items[begin].n;

    for (size_t i = begin + 1; i < end; n += p->items[i++].n) {
        const unsigned worth = seam(&p->items[i - 1], &p->items[i]);
        const size_t off = 2 * n > n_syllables ? 2 * n - n_syllables : n_syllables - 2 * n;
        if (worth > 0 && n >= LEAST_PHRASE && n_syllables - n >= LEAST_PHRASE &&
            off / 2 + worth * 2 < best_cost) {
            best = i;
            best_cost = off / 2 + worth * 2;
        }
    }
    return best;
}

/* Where pauses go: indices of the pieces that they stand before, rising. */
struct seams {
    size_t *at; ///< owned
    size_t n, room;
};

static int add_seam(struct seams *s, size_t at)
{
    if (s->n == s->room) {
        const size_t room = s->room * 2 + 64;
        size_t *more = reallocarray(s->at, room, sizeof(*more));
        if (!more)
            return -ENOMEM;
        s->at = more;
        s->room = room;
    }
    s->at[s->n++] = at;
    return 0;
}

/* Halve a clause until its parts are short enough. */
static int find_seams(const struct lang_pieces *p, size_t begin, size_t end, struct seams *ret)
{
    size_t n_syllables = 0;

    for (size_t i = begin; i < end; i++)
        n_syllables += p->items[i].n;
    const size_t at = n_syllables > MAX_CLAUSE ? best_seam(p, begin, end, n_syllables) : end;
    if (at == end)
        return 0;
    int r = find_seams(p, begin, at, ret);
    if (r == 0)
        r = add_seam(ret, at);
    return r < 0 ? r : find_seams(p, at, end, ret);
}

/* Seams before or at a piece: by so much it moves. */
static size_t n_before(const struct seams *s, size_t piece)
{
    size_t low = 0, high = s->n;

    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (s->at[mid] <= piece)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int insert_pauses(struct lang_script *s, const struct seams *seams)
{
    const size_t n = s->pieces.n + seams->n;
    struct lang_piece *items = reallocarray(s->pieces.items, n, sizeof(*items));

    if (!items)
        return -ENOMEM;
    for (size_t k = seams->n, to = n, from = s->pieces.n; k-- > 0;) {
        while (from > seams->at[k])
            items[--to] = items[--from];
        const struct lang_piece *before = &items[from - 1];
        items[--to] = (struct lang_piece){
            .kind = LANG_PIECE_PAUSE, .sign = "、", .text = before->text + before->n_text};
    }
    s->pieces = (struct lang_pieces){items, n, n};
    for (size_t i = 0; i < s->n_cuts; i++)
        s->cuts[i].piece += n_before(seams, s->cuts[i].piece);
    for (size_t i = 0; i < s->n_contours; i++) {
        s->contours[i].first += n_before(seams, s->contours[i].first);
        s->contours[i].end += n_before(seams, s->contours[i].end);
    }
    return 0;
}

void lang_script_breathe(struct lang_script *s)
{
    const struct lang_pieces *p = &s->pieces;
    struct seams seams = {0};

    for (size_t i = 0, end; i < p->n && s->r == 0; i = end + 1) {
        for (end = i; end < p->n && p->items[end].kind == LANG_PIECE_WORD;)
            end++;
        s->r = find_seams(p, i, end, &seams);
    }
    if (s->r == 0 && seams.n > 0)
        s->r = insert_pauses(s, &seams);
    free(seams.at);
}

/* ---- spans ---- */

/* The part of a contour that lies between two shares of its words. */
static void cut_contour(const struct lang_contour *c, double from, double to,
                        struct lang_span *span)
{
    span->n_contour = 0;
    for (unsigned i = 0; i < c->n; i++) {
        const struct lang_point *p = &c->points[i];
        double at = to > from ? (p->at - from) / (to - from) : 0, factor = p->factor;
        if (at < 0 || at > 1) { /* where the line to its neighbour inside meets the edge */
            const double edge = at < 0 ? from : to;
            const struct lang_point *next = at < 0 ? p + 1 : p - 1;
            const bool has_next = at < 0 ? i + 1 < c->n : i > 0;
            if (has_next && (at < 0 ? next->at <= from : next->at >= to))
                continue;
            if (has_next)
                factor += (next->factor - factor) * (edge - p->at) / (next->at - p->at);
            at = at < 0 ? 0 : 1;
        }
        span->contour[span->n_contour++] = (struct lang_point){at, factor};
    }
}

static size_t count_syllables(const struct lang_pieces *p, size_t from, size_t to)
{
    size_t n = 0;

    for (size_t i = from; i < to; i++)
        n += p->items[i].n;
    return n;
}

static struct lang_span *new_span(struct lang_utterance *u, const struct lang_manner *manner)
{
    struct lang_span *spans = reallocarray(u->spans, u->n + 1, sizeof(*spans));

    if (!spans)
        return NULL;
    u->spans = spans;
    spans[u->n] =
        (struct lang_span){.rate = manner->rate, .pitch = manner->pitch, .volume = manner->volume};
    return &spans[u->n++];
}

/* The words from one cut to the next. */
static int add_spans(const struct lang_script *s, const struct lang_cut *cut, size_t end,
                     unsigned max_syllables, struct lang_utterance *u)
{
    const struct lang_contour *contour =
        cut->manner.contour ? &s->contours[cut->manner.contour - 1] : NULL;
    struct lang_sentence *sentences = NULL;
    size_t n = 0;
    double done = 0, all = 0;
    int r = lang_pieces_cut(s->pieces.items + cut->piece, end - cut->piece, max_syllables,
                            &sentences, &n);

    if (contour) {
        done = (double) count_syllables(&s->pieces, contour->first, cut->piece);
        all = (double) count_syllables(&s->pieces, contour->first, contour->end);
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        struct lang_span *span = new_span(u, &cut->manner);
        if (!span) {
            r = -ENOMEM;
            break;
        }
        const double next = done + (double) sentences[i].n_syllables;
        span->pinyin = TAKE_PTR(sentences[i].pinyin);
        span->offset = (size_t) (sentences[i].begin - s->input);
        span->n_bytes = (size_t) (sentences[i].end - sentences[i].begin);
        if (all > 0)
            cut_contour(contour, done / all, next / all, span);
        done = next;
    }
    lang_sentences_free(sentences, n);
    return r;
}

/* A mark, or silence that no span stands before. */
static int add_silence(struct lang_script *s, struct lang_cut *cut, struct lang_utterance *u)
{
    struct lang_span *span = new_span(u, &cut->manner);

    if (!span || !(span->pinyin = strdup("")))
        return -ENOMEM;
    span->mark = TAKE_PTR(cut->mark);
    span->offset = cut->piece < s->pieces.n ? (size_t) (s->pieces.items[cut->piece].text - s->input)
                                            : strlen(s->input);
    return 0;
}

/* *paragraph: one begins with the next words, which may be behind other cuts. */
static int add_cut(struct lang_script *s, struct lang_cut *cut, size_t end, unsigned max_syllables,
                   bool *paragraph, struct lang_utterance *u)
{
    int r = 0;

    *paragraph |= cut->starts_paragraph;
    if (cut->pause_s > 0 && u->n == 0)
        r = add_silence(s, &(struct lang_cut){.piece = cut->piece, .manner = cut->manner}, u);
    if (r == 0 && cut->pause_s > 0)
        u->spans[u->n - 1].pause_s += cut->pause_s;
    const size_t before = u->n;
    if (r == 0)
        r = add_spans(s, cut, end, max_syllables, u);
    if (r == 0 && u->n == before && cut->mark)
        r = add_silence(s, cut, u);
    if (r == 0 && u->n > before) {
        struct lang_span *first = &u->spans[before];
        if (cut->mark)
            first->mark = TAKE_PTR(cut->mark);
        first->starts_paragraph = *paragraph && first->pinyin[0];
        *paragraph &= !first->pinyin[0];
    }
    return r;
}

/* Where cuts are apart, tones do not act on each other. */
static void apply_sandhi(struct lang_script *s)
{
    size_t begin = 0;

    for (size_t i = 0; i <= s->n_cuts; i++) {
        if (i < s->n_cuts && !s->cuts[i].is_apart)
            continue;
        const size_t end = i < s->n_cuts ? s->cuts[i].piece : s->pieces.n;
        lang_pieces_sandhi(
            &(struct lang_pieces){.items = s->pieces.items + begin, .n = end - begin});
        begin = end;
    }
}

int lang_script_finish(struct lang_script *s, bool no_sandhi, unsigned max_syllables,
                       struct lang_utterance *ret)
{
    struct lang_cut first = {.manner = {.rate = 1, .pitch = 1, .volume = 1}};
    bool paragraph = false;

    lang_script_flush(s);
    if (s->r == 0 && !no_sandhi)
        apply_sandhi(s);
    if (s->r == 0)
        s->r = add_cut(s, &first, s->n_cuts > 0 ? s->cuts[0].piece : s->pieces.n, max_syllables,
                       &paragraph, ret);
    for (size_t i = 0; i < s->n_cuts && s->r == 0; i++)
        s->r = add_cut(s, &s->cuts[i], i + 1 < s->n_cuts ? s->cuts[i + 1].piece : s->pieces.n,
                       max_syllables, &paragraph, ret);
    if (s->r == 0 && s->n_unsaid > 0)
        s->r = lang_buf_take(&s->unsaid, &ret->unsaid);
    return s->r;
}
