/* SPDX-License-Identifier: Apache-2.0
 *
 * Lavie and Agarwal, "METEOR: an automatic metric for MT evaluation with high levels of correlation
 * with human judgments", WMT 2007, as NLTK 3.10 counts it (nltk/translate/meteor_score.py) with its
 * stages of equal words and equal stems; the third, WordNet's synonyms, knows English alone.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "base/macro.h"
#include "lang/script.h"
#include "tools/eval/text/text.h"

static const double alpha = 0.9, beta = 3, gamma_ = 0.5;

int eval_meteor_init(struct eval_meteor *m, struct fail *fail)
{
    *m = (struct eval_meteor){.locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0)};
    if (!m->locale)
        return fail_set(fail, FAIL_UNAVAILABLE, -ENOENT,
                        "the locale C.UTF-8 is missing; it is part of Debian's libc-bin");
    return 0;
}

void eval_meteor_done(struct eval_meteor *m)
{
    eval_words_done(&m->forms);
    free(m->lower);
    free(m->stem);
    if (m->locale)
        freelocale(m->locale);
    *m = (struct eval_meteor){0};
}

/* ---- forms ---- */

static int add_form(struct eval_meteor *m, const uint32_t *c, size_t n, uint32_t *ret)
{
    CLEANUP_FREE char *text = eval_chars_utf8(&(struct eval_chars){(uint32_t *) c, n});
    size_t id;

    if (!text)
        return -ENOMEM;
    int r = eval_words_add(&m->forms, text, &id);
    if (r == 0)
        *ret = (uint32_t) id;
    return r;
}

static int work_out(struct eval_meteor *m, const char *token)
{
    CLEANUP_FREE uint32_t *c = malloc((2 * strlen(token) + 2) * sizeof(*c));
    size_t n = 0;

    if (!c)
        return -ENOMEM;
    for (uint32_t at; *token; token += lang_utf8_read(token, &at)) {
        lang_utf8_read(token, &at);
        c[n++] = at == 0x130 ? 'i' : (uint32_t) towlower_l((wint_t) at, m->locale);
        if (at == 0x130) /* the one letter whose small form is two characters */
            c[n++] = 0x307;
    }
    int r = add_form(m, c, n, &m->lower[m->n]);
    if (r == 0)
        r = add_form(m, c, eval_porter(c, n), &m->stem[m->n]);
    m->n += r == 0;
    return r;
}

static int learn(struct eval_meteor *m, const struct eval_words *words)
{
    int r = 0;

    if (m->n == words->n)
        return 0;
    uint32_t *lower = reallocarray(m->lower, words->n, sizeof(*lower));
    if (lower)
        m->lower = lower;
    uint32_t *stem = reallocarray(m->stem, words->n, sizeof(*stem));
    if (stem)
        m->stem = stem;
    if (!lower || !stem)
        return -ENOMEM;
    while (r == 0 && m->n < words->n)
        r = work_out(m, words->list[m->n]);
    return r;
}

/* ---- alignment ---- */

struct place {
    uint32_t form;
    size_t at;
};

static int last_first(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->form != y->form)
        return x->form < y->form ? -1 : 1;
    return (x->at < y->at) - (x->at > y->at);
}

/* What has no partner yet, by form, of each form the last one first. */
static size_t waiting(const struct eval_tokens *t, const size_t *partner, const uint32_t *forms,
                      struct place *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++)
        if (partner[i] == SIZE_MAX)
            ret[n++] = (struct place){forms[t->ids[i]], i};
    qsort(ret, n, sizeof(*ret), last_first);
    return n;
}

/* NLTK goes through the words from the last to the first and gives each the last free one of its
 * form: so the k-th from the end goes with the k-th from the end. */
static size_t match(const struct eval_tokens *hyp, const struct eval_tokens *ref,
                    const uint32_t *forms, size_t *of_hyp, size_t *of_ref, struct place *work)
{
    struct place *a = work, *b = work + hyp->n;
    const size_t n_a = waiting(hyp, of_hyp, forms, a), n_b = waiting(ref, of_ref, forms, b);
    size_t n = 0;

    for (size_t i = 0, k = 0; i < n_a && k < n_b;) {
        if (a[i].form == b[k].form) {
            of_hyp[a[i].at] = b[k].at;
            of_ref[b[k++].at] = a[i++].at;
            n++;
        } else if (a[i].form < b[k].form)
            i++;
        else
            k++;
    }
    return n;
}

static size_t count_chunks(const size_t *of_hyp, size_t n)
{
    size_t chunks = 0;

    for (size_t i = 0; i < n; i++)
        chunks += of_hyp[i] != SIZE_MAX &&
                  (i == 0 || of_hyp[i - 1] == SIZE_MAX || of_hyp[i] != of_hyp[i - 1] + 1);
    return chunks;
}

static int score(const struct eval_meteor *m, const struct eval_tokens *hyp,
                 const struct eval_tokens *ref, double *ret)
{
    CLEANUP_FREE size_t *partner = malloc((hyp->n + ref->n + 1) * sizeof(*partner));
    CLEANUP_FREE struct place *work = malloc((hyp->n + ref->n + 1) * sizeof(*work));

    if (!partner || !work)
        return -ENOMEM;
    memset(partner, 0xff, (hyp->n + ref->n) * sizeof(*partner));
    size_t n = match(hyp, ref, m->lower, partner, partner + hyp->n, work);
    n += match(hyp, ref, m->stem, partner, partner + hyp->n, work);
    *ret = 0;
    if (n == 0)
        return 0;
    const double precision = (double) n / (double) hyp->n, recall = (double) n / (double) ref->n;
    const double mean = precision * recall / (alpha * precision + (1 - alpha) * recall);
    const double broken = (double) count_chunks(partner, hyp->n) / (double) n;
    *ret = (1 - gamma_ * pow(broken, beta)) * mean;
    return 0;
}

int eval_meteor_score(struct eval_meteor *m, const struct eval_words *words,
                      const struct eval_tokens *hyp, const struct eval_tokens *refs, size_t n_refs,
                      double *ret)
{
    double best = 0;
    int r = learn(m, words);

    for (size_t i = 0; r == 0 && i < n_refs; i++) {
        double x;
        r = score(m, hyp, &refs[i], &x);
        if (r == 0)
            best = fmax(best, x);
    }
    *ret = best;
    return r;
}
