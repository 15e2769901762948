/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <string.h>

#include "base/macro.h"
#include "base/tr.h"
#include "tools/eval/retrieval/retrieval.h"

static const char *const bank_names[EVAL_N_BANKS] = {"pictures", "both"};
static const char *const vote_names[EVAL_N_VOTES] = {"majority", "similarity"};

static double share(size_t part, size_t of)
{
    return of > 0 ? (double) part / (double) of : NAN;
}

/* As upstream counts it: (R@1 + R@5 + R@10) / 3. */
static double mean_r(const struct eval_ranked *r)
{
    return share(r->within_1 + r->within_5 + r->within_10, 3 * r->n);
}

/* As the paper counts it, with k = 1 and 5. */
static double mean_r_1_5(const struct eval_ranked *r)
{
    return share(r->within_1 + r->within_5, 2 * r->n);
}

/* ---- JSON ---- */

static void put(json_t *o, const char *key, double x)
{
    json_object_set_new(o, key, isfinite(x) ? json_real(x) : json_null());
}

static json_t *word_or_null(const char *word)
{
    return word ? json_string(word) : json_null();
}

static void put_count(json_t *o, const char *key, size_t n)
{
    json_object_set_new(o, key, json_integer((json_int_t) n));
}

static void put_ranked(json_t *o, const struct eval_ranked *r, const struct eval_ks *ks)
{
    char key[16];

    put_count(o, "n", r->n);
    put(o, "acc", share(r->within_1, r->n));
    put(o, "r1", share(r->within_1, r->n));
    put(o, "r5", share(r->within_5, r->n));
    put(o, "r10", share(r->within_10, r->n));
    put(o, "mean_r", mean_r(r));
    put(o, "mean_r_1_5", mean_r_1_5(r));
    put(o, "median_rank", r->median);
    if (ks->n == 0)
        return;
    json_t *recall = json_object();
    for (size_t i = 0; i < ks->n; i++) {
        snprintf(key, sizeof(key), "%u", ks->k[i]);
        put(recall, key, share(r->within[i], r->n));
    }
    json_object_set_new(o, "recall", recall);
}

static json_t *ranked(const struct eval_ranked *r, const struct eval_ks *ks)
{
    json_t *o = json_object();

    put_ranked(o, r, ks);
    return o;
}

static json_t *group_json(const struct eval_group *g, const struct eval_ks *ks)
{
    json_t *o = json_object();

    put_count(o, "pictures", g->image_to_text.n);
    put_count(o, "texts", g->n_texts);
    json_object_set_new(o, "image_to_text", ranked(&g->image_to_text, ks));
    json_object_set_new(o, "text_to_image", ranked(&g->text_to_image, ks));
    return o;
}

static json_t *vote_json(const struct eval_figures_of_set *f, size_t bank, size_t vote, size_t k,
                         unsigned of)
{
    json_t *o = json_object(), *types = json_object();

    json_object_set_new(o, "among", json_string(bank_names[bank]));
    json_object_set_new(o, "vote", json_string(vote_names[vote]));
    put_count(o, "k", of);
    for (size_t g = 0; g < f->n_groups; g++) {
        const struct eval_group *group = &f->groups[g];
        const double acc = share(group->knn[bank][vote][k], group->image_to_text.n);
        const bool is_type = g > 0 && g <= f->n_types;
        put(is_type ? types : o, g == 0 ? "acc" : group->name, acc);
    }
    json_object_set_new(o, "types", types);
    return o;
}

static json_t *votes_json(const struct eval_retrieval_report *r)
{
    json_t *list = json_array();

    for (size_t b = 0; b < EVAL_N_BANKS; b++)
        for (size_t v = 0; v < EVAL_N_VOTES; v++)
            for (size_t i = 0; i < r->ks->n; i++)
                json_array_append_new(list, vote_json(r->figures, b, v, i, r->ks->k[i]));
    return list;
}

static json_t *batches_json(const struct eval_batches *b)
{
    json_t *o = json_object(), *back = json_object();

    put_count(o, "size", b->size);
    put_count(o, "n", b->n);
    put(o, "acc", share(b->image_to_text, b->n));
    put(back, "acc", share(b->text_to_image, b->n));
    json_object_set_new(o, "text_to_image", back);
    return o;
}

void eval_retrieval_json(FILE *f, const struct eval_retrieval_report *r)
{
    const struct eval_figures_of_set *x = r->figures;
    json_t *o = json_object(), *types = json_object();

    json_object_set_new(o, "set", json_string(r->set->name));
    json_object_set_new(o, "split", word_or_null(r->split));
    json_object_set_new(o, "gallery", word_or_null(r->gallery));
    put_count(o, "pictures", x->groups[0].image_to_text.n);
    put_count(o, "texts", x->n_gallery);
    put_ranked(o, &x->groups[0].image_to_text, r->ks);
    json_object_set_new(o, "text_to_image", ranked(&x->groups[0].text_to_image, r->ks));
    for (size_t g = 1; g <= x->n_types; g++)
        json_object_set_new(types, x->groups[g].name, group_json(&x->groups[g], r->ks));
    json_object_set_new(o, "types", types);
    for (size_t g = x->n_types + 1; g < x->n_groups; g++)
        json_object_set_new(o, x->groups[g].name, group_json(&x->groups[g], r->ks));
    put_count(o, "train_pictures", x->n_bank);
    json_object_set_new(o, "knn", x->n_bank > 0 ? votes_json(r) : json_null());
    json_object_set_new(o, "batch", r->batches->size ? batches_json(r->batches) : json_null());
    put(o, "clip_score", x->clip_score);
    put(o, "clipscore_2_5", x->clipscore_25);
    json_object_set_new(o, "model", word_or_null(r->model));
    json_object_set_new(o, "device", word_or_null(r->device));
    put(o, "seconds", r->seconds);
    json_dumpf(o, f, JSON_COMPACT | JSON_REAL_PRECISION(10));
    fputc('\n', f);
    json_decref(o);
}

/* ---- words ---- */

static const char *group_title(const char *name)
{
    static const struct {
        const char *name, *title;
    } titles[] = {
        {"all", N_("all")},
        {"number", N_("numbers")},
        {"spell", N_("syllables")},
        {"punctuation", N_("signs")},
        {"seen", N_("texts that training has seen")},
        {"unseen", N_("texts that training has not seen")},
    };

    for (size_t i = 0; i < ELEMENTSOF(titles); i++)
        if (strcmp(name, titles[i].name) == 0)
            return tr(titles[i].title);
    return name;
}

static void write_ranked(FILE *f, const struct eval_group *g, const struct eval_ranked *r)
{
    if (r->n == 0)
        return;
    fprintf(f,
            tr("  %s: ACC and R@1 %.2f %%, R@5 %.2f %%, R@10 %.2f %%, MeanR %.2f %% (of 1 and 5 "
               "alone %.2f %%), median rank %g, of %zu\n"),
            group_title(g->name), 100 * share(r->within_1, r->n), 100 * share(r->within_5, r->n),
            100 * share(r->within_10, r->n), 100 * mean_r(r), 100 * mean_r_1_5(r), r->median, r->n);
}

void eval_retrieval_text(FILE *f, const struct eval_retrieval_report *r)
{
    const struct eval_figures_of_set *x = r->figures;
    static const char *const titles[EVAL_N_BANKS][EVAL_N_VOTES] = {
        {N_("  of the %u nearest training pictures the most: ACC %.2f %%, of unseen texts %.2f "
            "%%\n"),
         N_("  of the %u nearest training pictures by similarity: ACC %.2f %%, of unseen texts "
            "%.2f "
            "%%\n")},
        {N_("  of the %u nearest training pictures and texts the most: ACC %.2f %%, of unseen "
            "texts "
            "%.2f %%\n"),
         N_("  of the %u nearest training pictures and texts by similarity: ACC %.2f %%, of unseen "
            "texts %.2f %%\n")},
    };

    if (r->split)
        fprintf(f, tr("%s, split %s: %zu pictures, %zu texts\n"), r->set->name, r->split,
                x->groups[0].image_to_text.n, x->n_gallery);
    else
        fprintf(f, tr("%zu pairs\n"), x->n_gallery);
    fputs(tr("pictures find texts\n"), f);
    for (size_t g = 0; g < x->n_groups; g++)
        write_ranked(f, &x->groups[g], &x->groups[g].image_to_text);
    fputs(tr("texts find pictures\n"), f);
    for (size_t g = 0; g < x->n_groups; g++)
        write_ranked(f, &x->groups[g], &x->groups[g].text_to_image);
    if (x->n_bank > 0)
        fprintf(f, tr("neighbours vote, %zu training pictures\n"), x->n_bank);
    for (size_t b = 0; x->n_bank > 0 && b < EVAL_N_BANKS; b++)
        for (size_t v = 0; v < EVAL_N_VOTES; v++)
            for (size_t i = 0; i < r->ks->n; i++) {
                const struct eval_group *all = &x->groups[0], *unseen = &x->groups[x->n_groups - 1];
                fprintf(f, tr(titles[b][v]), r->ks->k[i],
                        100 * share(all->knn[b][v][i], all->image_to_text.n),
                        100 * share(unseen->knn[b][v][i], unseen->image_to_text.n));
            }
    if (r->batches->size > 0)
        fprintf(f, tr("in batches of %zu pairs: ACC %.2f %%, texts to pictures %.2f %%, of %zu\n"),
                r->batches->size, 100 * share(r->batches->image_to_text, r->batches->n),
                100 * share(r->batches->text_to_image, r->batches->n), r->batches->n);
    fprintf(f,
            tr("CLIP score %.2f (mean cosine of a picture and its text times 100), CLIPScore "
               "%.4f\n"),
            x->clip_score, x->clipscore_25);
}

/* ---- CSV ---- */

struct csv {
    FILE *f;
    const struct eval_retrieval_report *r;
};

static void quote(FILE *f, const char *word)
{
    if (!strpbrk(word, ",\"\r\n")) {
        fputs(word, f);
        return;
    }
    fputc('"', f);
    for (; *word; word++)
        fprintf(f, *word == '"' ? "\"\"" : "%c", *word);
    fputc('"', f);
}

static void line(const struct csv *c, const char *direction, const char *group, const char *figure,
                 unsigned k, size_t n, double value)
{
    quote(c->f, c->r->set->name);
    fprintf(c->f, ",%s,%s,%s,%s,%s,", c->r->split ? c->r->split : "",
            c->r->gallery ? c->r->gallery : "", direction, group, figure);
    if (k > 0)
        fprintf(c->f, "%u", k);
    fprintf(c->f, ",%zu,", n);
    if (isfinite(value))
        fprintf(c->f, "%.10g", value);
    fputc('\n', c->f);
}

static void ranked_lines(const struct csv *c, const char *direction, const char *group,
                         const struct eval_ranked *x)
{
    const struct eval_ks *ks = c->r->ks;

    line(c, direction, group, "acc", 0, x->n, share(x->within_1, x->n));
    line(c, direction, group, "recall", 1, x->n, share(x->within_1, x->n));
    line(c, direction, group, "recall", 5, x->n, share(x->within_5, x->n));
    line(c, direction, group, "recall", 10, x->n, share(x->within_10, x->n));
    for (size_t i = 0; i < ks->n; i++)
        if (ks->k[i] != 1 && ks->k[i] != 5 && ks->k[i] != 10)
            line(c, direction, group, "recall", ks->k[i], x->n, share(x->within[i], x->n));
    line(c, direction, group, "mean_r", 0, x->n, mean_r(x));
    line(c, direction, group, "mean_r_1_5", 0, x->n, mean_r_1_5(x));
    line(c, direction, group, "median_rank", 0, x->n, x->median);
}

void eval_retrieval_csv(FILE *f, const struct eval_retrieval_report *r, bool first)
{
    const struct csv c = {f, r};
    const struct eval_figures_of_set *x = r->figures;
    char figure[64];

    if (first)
        fputs("set,split,gallery,direction,group,figure,k,n,value\n", f);
    for (size_t g = 0; g < x->n_groups; g++) {
        const struct eval_group *group = &x->groups[g];
        ranked_lines(&c, "image_to_text", group->name, &group->image_to_text);
        ranked_lines(&c, "text_to_image", group->name, &group->text_to_image);
        for (size_t b = 0; x->n_bank > 0 && b < EVAL_N_BANKS; b++)
            for (size_t v = 0; v < EVAL_N_VOTES; v++)
                for (size_t i = 0; i < r->ks->n; i++) {
                    const size_t n = group->image_to_text.n;
                    snprintf(figure, sizeof(figure), "knn_%s_%s", bank_names[b], vote_names[v]);
                    line(&c, "image_to_text", group->name, figure, r->ks->k[i], n,
                         share(group->knn[b][v][i], n));
                }
    }
    if (r->batches->size > 0) {
        const struct eval_batches *b = r->batches;
        const unsigned size = (unsigned) b->size;
        line(&c, "image_to_text", "all", "batch_acc", size, b->n, share(b->image_to_text, b->n));
        line(&c, "text_to_image", "all", "batch_acc", size, b->n, share(b->text_to_image, b->n));
    }
    line(&c, "image_to_text", "all", "clip_score", 0, x->groups[0].image_to_text.n, x->clip_score);
    line(&c, "image_to_text", "all", "clipscore_2_5", 0, x->groups[0].image_to_text.n,
         x->clipscore_25);
}
