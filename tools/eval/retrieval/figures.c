/* SPDX-License-Identifier: Apache-2.0
 *
 * From the order in which pictures find texts and texts pictures to shares that are right.
 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/macro.h"
#include "tools/eval.h"
#include "tools/eval/retrieval/retrieval.h"

#define WARMTH                                                                                     \
    0.07 /* of the vote by similarity: exp(cos / 0.07) (Wu et al. 2018, Caron et al. 2021) */

struct find {
    const struct eval_set *set;
    const struct eval_table *pictures, *texts;
    const struct eval_find_params *params;
    size_t *query; ///< pictures of the split
    size_t *text;  ///< texts of the gallery
    size_t *place; ///< of each text in the gallery
    size_t *asked; ///< texts that have a picture in the split
    size_t *bank;  ///< pictures of the train split
    size_t *root;  ///< of each picture: what it was made from in the end
    size_t n_queries, n_texts, n_asked, n_bank, k;
    size_t *rank, *best; ///< of each query: of its own text, from 0; the text that came first
    double *own;         ///< cosine of each query and its own text
    size_t *text_rank;   ///< of each text asked: of the first of its pictures
    struct eval_neighbour *near_text; ///< [query][k]
    size_t *n_near_text;
    bool (*right)[EVAL_N_BANKS][EVAL_N_VOTES][EVAL_MAX_KS]; ///< of each query
};

static void find_done(struct find *f)
{
    free(f->query);
    free(f->text);
    free(f->place);
    free(f->asked);
    free(f->bank);
    free(f->root);
    free(f->rank);
    free(f->best);
    free(f->own);
    free(f->text_rank);
    free(f->near_text);
    free(f->n_near_text);
    free(f->right);
}

void eval_figures_of_set_done(struct eval_figures_of_set *f)
{
    free(f->groups);
    *f = (struct eval_figures_of_set){0};
}

/* ---- who is asked, and about what ---- */

static size_t root_of(const struct eval_set *s, size_t picture)
{
    /* a set of which pictures are each other's parents ends too */
    for (size_t steps = 0; steps < 64 && s->pictures[picture].parent != EVAL_NOWHERE; steps++)
        picture = s->pictures[picture].parent;
    return picture;
}

static int choose(struct find *f)
{
    const struct eval_set *s = f->set;
    const size_t n = s->n + 1, m = s->texts.n + 1;

    f->query = calloc(n, sizeof(*f->query));
    f->bank = calloc(n, sizeof(*f->bank));
    f->root = calloc(n, sizeof(*f->root));
    f->text = calloc(m, sizeof(*f->text));
    f->place = calloc(m, sizeof(*f->place));
    f->asked = calloc(m, sizeof(*f->asked));
    if (!f->query || !f->bank || !f->root || !f->text || !f->place || !f->asked)
        return -ENOMEM;
    for (size_t i = 0; i < s->n; i++) {
        f->root[i] = root_of(s, i);
        if (s->pictures[i].in_split)
            f->query[f->n_queries++] = i;
        if (s->pictures[i].in_train && f->params->knn)
            f->bank[f->n_bank++] = i;
    }
    for (size_t i = 0; i < s->texts.n; i++) {
        f->place[i] = f->n_texts;
        if (s->facts[i].in_split)
            f->asked[f->n_asked++] = i;
        if (s->facts[i].in_split || f->params->all)
            f->text[f->n_texts++] = i;
    }
    for (size_t i = 0; i < f->params->ks.n; i++)
        f->k = MAX(f->k, (size_t) f->params->ks.k[i]);
    return 0;
}

static int make_room(struct find *f)
{
    const size_t n = f->n_queries + 1;

    f->rank = calloc(n, sizeof(*f->rank));
    f->best = calloc(n, sizeof(*f->best));
    f->own = calloc(n, sizeof(*f->own));
    f->text_rank = calloc(f->n_asked + 1, sizeof(*f->text_rank));
    f->near_text = calloc(n, MAX(f->k, (size_t) 1) * sizeof(*f->near_text));
    f->n_near_text = calloc(n, sizeof(*f->n_near_text));
    f->right = calloc(n, sizeof(*f->right));
    return f->rank && f->best && f->own && f->text_rank && f->near_text && f->n_near_text &&
                   f->right
               ? 0
               : -ENOMEM;
}

/* Rows of `which` pictures or texts. *ret owned. */
static int rows_of(const struct find *f, bool pictures, const size_t *which, size_t n,
                   struct eval_rows_of *ret, size_t **ret_rows)
{
    size_t *rows = calloc(n + 1, sizeof(*rows));

    if (!rows)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        rows[i] = pictures ? f->set->pictures[which[i]].row : f->set->facts[which[i]].row;
    *ret = (struct eval_rows_of){pictures ? f->pictures : f->texts, rows, n};
    *ret_rows = rows;
    return 0;
}

static int ask(struct find *f, bool pictures_ask, const size_t *asking, size_t n_asking,
               bool among_pictures, const size_t *among, size_t n_among, eval_order_fn fn,
               struct fail *fail)
{
    CLEANUP_FREE size_t *query_rows = NULL, *gallery_rows = NULL;
    struct eval_rows_of queries, gallery;

    int r = rows_of(f, pictures_ask, asking, n_asking, &queries, &query_rows);
    if (r == 0)
        r = rows_of(f, among_pictures, among, n_among, &gallery, &gallery_rows);
    return r == 0 ? eval_order(&queries, &gallery, fn, f, f->params->cancel, fail) : r;
}

/* ---- ranks ---- */

/* Where `at` comes, from 0: larger ones come before it, and equal ones that stand before it. */
static size_t rank_of(const double *dot, size_t n, size_t at)
{
    size_t rank = 0;

    for (size_t i = 0; i < n; i++)
        rank += dot[i] > dot[at] || (dot[i] == dot[at] && i < at);
    return rank;
}

static int on_picture(void *ctx, size_t query, const double *dot)
{
    struct find *f = ctx;
    const size_t own = f->place[f->set->pictures[f->query[query]].text];
    struct eval_neighbour best;

    eval_nearest(dot, f->n_texts, NULL, 1, &best);
    f->best[query] = f->text[best.at];
    f->rank[query] = rank_of(dot, f->n_texts, own);
    f->own[query] = dot[own];
    if (f->k > 0)
        f->n_near_text[query] =
            eval_nearest(dot, f->n_texts, NULL, f->k, f->near_text + query * f->k);
    return 0;
}

static int on_text(void *ctx, size_t query, const double *dot)
{
    struct find *f = ctx;
    size_t first = EVAL_NOWHERE;

    for (size_t i = 0; i < f->n_queries; i++)
        if (f->set->pictures[f->query[i]].text == f->asked[query] &&
            (first == EVAL_NOWHERE || dot[i] > dot[first]))
            first = i;
    f->text_rank[query] = rank_of(dot, f->n_queries, first);
    return 0;
}

/* ---- votes ---- */

struct voter {
    double dot;
    size_t text;
};

struct candidate {
    size_t text, votes;
    double weight;
};

/* Of the first k voters, nearest first. A tie of votes goes to the larger weight, one of both to
 * who was named first. */
static size_t elect(const struct voter *voters, size_t k, enum eval_vote vote)
{
    struct candidate list[EVAL_MAX_K];
    size_t n = 0, best = 0;

    for (size_t i = 0; i < k; i++) {
        size_t at = 0;
        while (at < n && list[at].text != voters[i].text)
            at++;
        if (at == n)
            list[n++] = (struct candidate){.text = voters[i].text};
        list[at].votes++;
        list[at].weight += exp((voters[i].dot - voters[0].dot) / WARMTH);
    }
    for (size_t i = 1; i < n; i++) {
        const bool more = list[i].votes > list[best].votes,
                   same = list[i].votes == list[best].votes;
        const bool heavier = list[i].weight > list[best].weight;
        if (vote == EVAL_VOTE_SIMILARITY ? heavier : more || (same && heavier))
            best = i;
    }
    return list[best].text;
}

static void count_votes(struct find *f, size_t query, const struct voter *voters, size_t n,
                        enum eval_bank bank)
{
    const size_t own = f->set->pictures[f->query[query]].text;

    for (size_t i = 0; i < f->params->ks.n; i++)
        for (enum eval_vote v = 0; v < EVAL_N_VOTES; v++) {
            const size_t k = MIN((size_t) f->params->ks.k[i], n);
            f->right[query][bank][v][i] = k > 0 && elect(voters, k, v) == own;
        }
}

static int on_neighbours(void *ctx, size_t query, const double *dot)
{
    struct find *f = ctx;
    const size_t k = f->k, m = f->n_near_text[query];
    const struct eval_neighbour *texts = f->near_text + query * k;
    CLEANUP_FREE bool *skip = calloc(f->n_bank + 1, sizeof(*skip));
    CLEANUP_FREE struct eval_neighbour *near = calloc(k, sizeof(*near));
    struct voter voters[EVAL_MAX_K];
    size_t n = 0, a = 0, b = 0;

    if (!skip || !near)
        return -ENOMEM;
    for (size_t i = 0; i < f->n_bank; i++)
        skip[i] = f->root[f->bank[i]] == f->root[f->query[query]];
    const size_t found = eval_nearest(dot, f->n_bank, skip, k, near);
    for (size_t i = 0; i < found; i++)
        voters[i] = (struct voter){near[i].dot, f->set->pictures[f->bank[near[i].at]].text};
    count_votes(f, query, voters, found, EVAL_BANK_PICTURES);
    for (; n < k && (a < found || b < m); n++) { /* of equal ones the picture comes first */
        const bool picture = a < found && (b == m || near[a].dot >= texts[b].dot);
        const struct eval_neighbour *next = picture ? &near[a++] : &texts[b++];
        const size_t text = picture ? f->set->pictures[f->bank[next->at]].text : f->text[next->at];
        voters[n] = (struct voter){next->dot, text};
    }
    count_votes(f, query, voters, n, EVAL_BANK_BOTH);
    return 0;
}

/* ---- groups ---- */

static bool is_in(const struct find *f, size_t group, size_t text, size_t type)
{
    const size_t n_types = f->set->types.n;

    return group == 0             ? true
           : group <= n_types     ? type == group - 1
           : group == n_types + 1 ? f->set->facts[text].in_train
                                  : !f->set->facts[text].in_train;
}

static void add_rank(struct eval_ranked *to, size_t rank, const struct eval_ks *ks)
{
    to->n++;
    to->within_1 += rank < 1;
    to->within_5 += rank < 5;
    to->within_10 += rank < 10;
    for (size_t i = 0; i < ks->n; i++)
        to->within[i] += rank < ks->k[i];
}

static int by_size(const void *a, const void *b)
{
    const size_t x = *(const size_t *) a, y = *(const size_t *) b;
    return (x > y) - (x < y);
}

static double median(size_t *ranks, size_t n)
{
    qsort(ranks, n, sizeof(*ranks), by_size);
    return n ? (double) (ranks[(n - 1) / 2] + ranks[n / 2]) / 2 + 1 : NAN;
}

static void fill_group(const struct find *f, size_t group, size_t *ranks, struct eval_group *to)
{
    const struct eval_set *s = f->set;
    size_t n = 0;

    for (size_t i = 0; i < f->n_queries; i++) {
        const struct eval_picture *p = &s->pictures[f->query[i]];
        if (!is_in(f, group, p->text, p->type))
            continue;
        add_rank(&to->image_to_text, f->rank[i], &f->params->ks);
        ranks[n++] = f->rank[i];
        for (size_t b = 0; b < EVAL_N_BANKS; b++)
            for (size_t v = 0; v < EVAL_N_VOTES; v++)
                for (size_t k = 0; k < f->params->ks.n; k++)
                    to->knn[b][v][k] += f->right[i][b][v][k];
    }
    to->image_to_text.median = median(ranks, n);
    n = 0;
    for (size_t i = 0; i < f->n_asked; i++) {
        const size_t text = f->asked[i];
        if (!is_in(f, group, text, s->facts[text].type))
            continue;
        add_rank(&to->text_to_image, f->text_rank[i], &f->params->ks);
        ranks[n++] = f->text_rank[i];
    }
    to->text_to_image.median = median(ranks, n);
    to->n_texts = n;
}

static int fill(const struct find *f, struct eval_figures_of_set *ret)
{
    const size_t n_types = f->params->pairs ? 0 : f->set->types.n;
    const size_t n_groups = f->params->pairs ? 1 : n_types + 3;
    CLEANUP_FREE size_t *ranks = calloc(f->n_queries + f->n_asked + 1, sizeof(*ranks));
    double sum = 0, sum_25 = 0;

    ret->groups = calloc(n_groups, sizeof(*ret->groups));
    if (!ret->groups || !ranks)
        return -ENOMEM;
    for (size_t g = 0; g < n_groups; g++) {
        ret->groups[g].name = g == 0             ? "all"
                              : g <= n_types     ? f->set->types.list[g - 1]
                              : g == n_types + 1 ? "seen"
                                                 : "unseen";
        fill_group(f, g, ranks, &ret->groups[g]);
    }
    for (size_t i = 0; i < f->n_queries; i++) {
        sum += 100 * f->own[i];
        sum_25 += 2.5 * fmax(f->own[i], 0);
    }
    ret->n_groups = n_groups;
    ret->n_types = n_types;
    ret->n_gallery = f->n_texts;
    ret->n_bank = f->n_bank;
    ret->clip_score = sum / (double) f->n_queries;
    ret->clipscore_25 = sum_25 / (double) f->n_queries;
    return 0;
}

static void list_queries(const struct find *f, FILE *to)
{
    const struct eval_set *s = f->set;

    for (size_t i = 0; i < f->n_queries; i++) {
        const struct eval_picture *p = &s->pictures[f->query[i]];
        const char *seen = f->params->pairs ? "-" : s->facts[p->text].in_train ? "seen" : "unseen";
        fprintf(to, "%s\t%s\t%s\t%s\t", s->name, p->id, s->types.list[p->type], seen);
        eval_put_field(to, s->texts.list[p->text]);
        fprintf(to, "\t%zu\t", f->rank[i] + 1);
        eval_put_field(to, s->texts.list[f->best[i]]);
        fprintf(to, "\t%.6f\n", f->own[i]);
    }
}

int eval_find(const struct eval_set *set, const struct eval_table *pictures,
              const struct eval_table *texts, const struct eval_find_params *params,
              struct eval_figures_of_set *ret, struct fail *fail)
{
    CLEANUP(find_done)
    struct find f = {.set = set, .pictures = pictures, .texts = texts, .params = params};

    int r = choose(&f);
    if (r == 0)
        r = make_room(&f);
    if (r == 0)
        r = ask(&f, true, f.query, f.n_queries, false, f.text, f.n_texts, on_picture, fail);
    if (r == 0)
        r = ask(&f, false, f.asked, f.n_asked, true, f.query, f.n_queries, on_text, fail);
    if (r == 0 && params->knn)
        r = ask(&f, true, f.query, f.n_queries, true, f.bank, f.n_bank, on_neighbours, fail);
    if (r == 0)
        r = fill(&f, ret);
    if (r == 0 && params->list)
        list_queries(&f, params->list);
    return r < 0 ? fail_set(fail, FAIL_OTHER, r, "%m") : 0;
}
