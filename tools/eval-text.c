/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-eval text: sentences against what they should be, by BLEU, METEOR and error rates.
 */

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/log.h"
#include "base/macro.h"
#include "base/tr.h"
#include "tools/eval.h"
#include "tools/eval/speech/speech.h"
#include "tools/eval/text/text.h"

#define MAX_REFS 16
#define SACREBLEU "2.6.0"

static const char help[] = N_(
    "usage: braille-eval text FOUND WANTED... [OPTION...]\n\n"
    "FOUND and WANTED have a sentence a line, in the same order; with several WANTED each line "
    "may\n"
    "be as any of them has it. Counts BLEU and METEOR as sacrebleu and NLTK do, and error rates\n"
    "against the first WANTED (docs/retrieval.md).\n\n"
    "      --tokenize NAME      what a word is: zh (each Hanzi), none (what blanks part), 13a, "
    "char;\n"
    "                           zh where WANTED has Hanzi, else none\n"
    "      --syllables          error rates by syllable, of Hanzi or of pinyin with tones\n"
    "      --list FILE          a line a sentence: its figures; - is standard output\n"
    "      --json               one JSON object\n");

struct text {
    const char *paths[1 + MAX_REFS]; ///< found, wanted …
    size_t n_refs;
    const char *list_path;
    int tokenizer; ///< -1: not said
    bool syllables, json;
    bool pinyin; ///< what is wanted has no Hanzi

    struct eval_lines lines[1 + MAX_REFS];
    struct eval_words words;
    struct eval_meteor meteor;
    FILE *list;
};

struct rate { ///< wrong of there; `macro` is the sum over lines of their own rates
    size_t wrong, there, n_lines;
    double macro;
};

struct sums {
    struct eval_bleu bleu;
    double meteor;
    struct rate word, character, syllable, toned;
};

static void text_done(struct text *t)
{
    for (size_t i = 0; i <= MAX_REFS; i++)
        eval_lines_done(&t->lines[i]);
    eval_words_done(&t->words);
    eval_meteor_done(&t->meteor);
}

/* ---- a line ---- */

static void add_rate(struct rate *to, size_t wrong, size_t there)
{
    to->wrong += wrong;
    to->there += there;
    to->n_lines += there > 0;
    to->macro += there > 0 ? (double) wrong / (double) there : 0;
}

static int count_words(const struct eval_tokens *found, const struct eval_tokens *wanted,
                       struct rate *to)
{
    size_t wrong;

    int r = eval_edit(wanted->ids, wanted->n, found->ids, found->n, &wrong);
    if (r == 0)
        add_rate(to, wrong, wanted->n);
    return r;
}

static int count_characters(const struct eval_chars *found, const struct eval_chars *wanted,
                            struct rate *to)
{
    const struct eval_chars a = eval_strip(wanted), b = eval_strip(found);
    size_t wrong;

    int r = eval_edit(a.c, a.n, b.c, b.n, &wrong);
    if (r == 0)
        add_rate(to, wrong, a.n);
    return r;
}

static int count_syllables(const struct text *t, size_t line, struct sums *to, struct fail *fail)
{
    CLEANUP_FREE char *found = eval_chars_utf8(&t->lines[0].lines[line]);
    CLEANUP_FREE char *wanted = eval_chars_utf8(&t->lines[1].lines[line]);
    struct eval_heard heard = {0};
    struct fail inner = {0};
    char empty[1] = "", id[32];

    if (!found || !wanted)
        return -ENOMEM;
    snprintf(id, sizeof(id), "%zu", line + 1);
    const struct eval_sentence s = {id, t->pinyin ? empty : wanted, t->pinyin ? wanted : empty};
    int r = eval_hear(&s, found, &heard, &inner);
    if (r < 0)
        return fail_set(fail, inner.kind, r, "line %zu: %s", line + 1, inner.text);
    add_rate(&to->syllable, heard.wrong, heard.there);
    add_rate(&to->toned, heard.wrong_toned, heard.there);
    return 0;
}

static void list_line(FILE *f, size_t line, double meteor, const struct sums *one)
{
    const struct eval_bleu_score bleu = eval_bleu_score(&one->bleu);

    fprintf(f, "%zu\t%.6f\t%.6f\t%zu\t%zu\t%zu\t%zu\n", line + 1, bleu.score, meteor,
            one->word.wrong, one->word.there, one->character.wrong, one->character.there);
}

static int count_line(struct text *t, size_t line, const struct eval_tokens *found,
                      const struct eval_tokens *wanted, struct sums *to)
{
    struct sums one = {0};
    double meteor = 0;

    int r = eval_bleu_add(&to->bleu, found, wanted, t->n_refs);
    if (r == 0)
        r = eval_meteor_score(&t->meteor, &t->words, found, wanted, t->n_refs, &meteor);
    to->meteor += meteor;
    if (r == 0)
        r = count_words(found, &wanted[0], &one.word);
    if (r == 0)
        r = count_characters(&t->lines[0].lines[line], &t->lines[1].lines[line], &one.character);
    if (r == 0 && t->list)
        r = eval_bleu_add(&one.bleu, found, wanted, t->n_refs);
    if (r < 0)
        return r;
    add_rate(&to->word, one.word.wrong, one.word.there);
    add_rate(&to->character, one.character.wrong, one.character.there);
    if (t->list)
        list_line(t->list, line, meteor, &one);
    return 0;
}

static int add_line(struct text *t, size_t line, struct sums *to, struct fail *fail)
{
    struct eval_tokens tokens[1 + MAX_REFS] = {0};
    int r = 0;

    for (size_t i = 0; r == 0 && i <= t->n_refs; i++)
        r = eval_tokenise(&t->lines[i].lines[line], (enum eval_tokenizer) t->tokenizer, &t->words,
                          &tokens[i]);
    if (r == 0)
        r = count_line(t, line, &tokens[0], tokens + 1, to);
    for (size_t i = 0; i <= t->n_refs; i++)
        eval_tokens_done(&tokens[i]);
    return r == 0 && t->syllables ? count_syllables(t, line, to, fail) : r;
}

/* ---- report ---- */

static double micro(const struct rate *r)
{
    return r->there > 0 ? (double) r->wrong / (double) r->there : NAN;
}

static double macro(const struct rate *r)
{
    return r->n_lines > 0 ? r->macro / (double) r->n_lines : NAN;
}

static void put(json_t *o, const char *key, double x)
{
    json_object_set_new(o, key, isfinite(x) ? json_real(x) : json_null());
}

static void signature(const struct text *t, char *to, size_t size)
{
    snprintf(to, size, "nrefs:%zu|case:mixed|eff:no|tok:%s|smooth:exp|version:" SACREBLEU,
             t->n_refs, eval_tokenizer_names[t->tokenizer]);
}

static void report_json(const struct text *t, const struct sums *s)
{
    const struct eval_bleu_score bleu = eval_bleu_score(&s->bleu);
    json_t *o = json_object(), *precisions = json_array();
    const size_t n = t->lines[0].n;
    char text[128];

    signature(t, text, sizeof(text));
    json_object_set_new(o, "n", json_integer((json_int_t) n));
    put(o, "bleu", bleu.score);
    json_object_set_new(o, "bleu_signature", json_string(text));
    for (size_t i = 0; i < EVAL_BLEU_ORDER; i++)
        json_array_append_new(precisions, json_real(bleu.precisions[i]));
    json_object_set_new(o, "bleu_precisions", precisions);
    put(o, "bleu_bp", bleu.brevity);
    json_object_set_new(o, "found_words", json_integer((json_int_t) s->bleu.hyp_len));
    json_object_set_new(o, "wanted_words", json_integer((json_int_t) s->bleu.ref_len));
    put(o, "meteor", s->meteor / (double) n);
    put(o, "wer", micro(&s->word));
    put(o, "wer_macro", macro(&s->word));
    put(o, "cer", micro(&s->character));
    put(o, "cer_macro", macro(&s->character));
    json_object_set_new(o, "syllables",
                        t->syllables ? json_integer((json_int_t) s->syllable.there) : json_null());
    put(o, "ser", micro(&s->syllable));
    put(o, "ser_toned", micro(&s->toned));
    put(o, "ser_macro", macro(&s->syllable));
    put(o, "ser_toned_macro", macro(&s->toned));
    json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(o);
}

static void report_text(const struct text *t, const struct sums *s)
{
    const struct eval_bleu_score bleu = eval_bleu_score(&s->bleu);
    char text[128];

    signature(t, text, sizeof(text));
    printf(tr("BLEU %.2f (%s), precisions %.1f %.1f %.1f %.1f, brevity %.3f\n"), bleu.score, text,
           bleu.precisions[0], bleu.precisions[1], bleu.precisions[2], bleu.precisions[3],
           bleu.brevity);
    printf(tr("METEOR %.4f, mean of %zu sentences\n"), s->meteor / (double) t->lines[0].n,
           t->lines[0].n);
    printf(tr("words wrong: %.2f %% (mean of the sentences %.2f %%), of %zu\n"),
           100 * micro(&s->word), 100 * macro(&s->word), s->word.there);
    printf(tr("characters wrong: %.2f %% (mean of the sentences %.2f %%), of %zu\n"),
           100 * micro(&s->character), 100 * macro(&s->character), s->character.there);
    if (!t->syllables)
        return;
    printf(tr("syllables wrong: %.2f %% (mean of the sentences %.2f %%), of %zu\n"),
           100 * micro(&s->syllable), 100 * macro(&s->syllable), s->syllable.there);
    printf(tr("with tones: %.2f %% (mean of the sentences %.2f %%)\n"), 100 * micro(&s->toned),
           100 * macro(&s->toned));
}

/* ---- options ---- */

enum option_id { TOKENIZE = 256, SYLLABLES, LIST, JSON };

static const struct option options[] = {{"tokenize", required_argument, NULL, TOKENIZE},
                                        {"syllables", no_argument, NULL, SYLLABLES},
                                        {"list", required_argument, NULL, LIST},
                                        {"json", no_argument, NULL, JSON},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

static int set_tokenizer(struct text *t, const char *name, struct fail *fail)
{
    for (int i = 0; i < EVAL_N_TOKENIZERS; i++)
        if (strcmp(name, eval_tokenizer_names[i]) == 0) {
            t->tokenizer = i;
            return 0;
        }
    return fail_set(fail, FAIL_USAGE, -EINVAL, "--%s takes %s, not '%s'", "tokenize",
                    "zh, none, 13a, char", name);
}

/* @return 1: help was asked for */
static int parse(int argc, char **argv, struct text *t, struct fail *fail)
{
    int r = 0;

    t->tokenizer = -1;
    for (int c; r == 0 && (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(tr(help), stdout);
            return 1;
        }
        t->syllables |= c == SYLLABLES;
        t->json |= c == JSON;
        if (c == LIST)
            t->list_path = optarg;
        else if (c == TOKENIZE)
            r = set_tokenizer(t, optarg, fail);
        else if (c == '?')
            r = fail_set(fail, FAIL_USAGE, -EINVAL, "see braille-eval text --help");
    }
    const int n = argc - optind;
    if (r == 0 && (n < 2 || n > 1 + MAX_REFS))
        r = fail_set(fail, FAIL_USAGE, -EINVAL,
                     "give FOUND and from 1 to %d WANTED; see braille-eval text --help", MAX_REFS);
    if (r == 0 && t->json && t->list_path && strcmp(t->list_path, "-") == 0)
        r = fail_set(fail, FAIL_USAGE, -EINVAL,
                     "--json and --list - both write to standard output");
    for (int i = 0; r == 0 && i < n; i++)
        t->paths[i] = argv[optind + i];
    t->n_refs = (size_t) MAX(n - 1, 0);
    return r;
}

static int load(struct text *t, struct fail *fail)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i <= t->n_refs; i++)
        r = eval_lines_load(t->paths[i], &t->lines[i], fail);
    if (r == 0 && t->lines[0].n == 0)
        r = fail_set(fail, FAIL_INPUT, -ENODATA, "'%s' has no line", t->paths[0]);
    for (size_t i = 1; r == 0 && i <= t->n_refs; i++)
        if (t->lines[i].n != t->lines[0].n)
            r = fail_set(fail, FAIL_INPUT, -EINVAL,
                         "'%s' has %zu lines, '%s' has %zu; each sentence needs its own",
                         t->paths[0], t->lines[0].n, t->paths[i], t->lines[i].n);
    t->pinyin = true;
    for (size_t i = 0; i < t->lines[1].n && t->pinyin; i++)
        t->pinyin = !eval_has_ideograph(&t->lines[1].lines[i]);
    if (t->tokenizer < 0)
        t->tokenizer = t->pinyin ? EVAL_NONE : EVAL_ZH;
    return r;
}

static int run(struct text *t, struct fail *fail)
{
    struct sums sums = {0};

    int r = load(t, fail);
    if (r == 0)
        r = eval_meteor_init(&t->meteor, fail);
    if (r == 0)
        r = eval_open_list(t->list_path, &t->list, fail);
    for (size_t i = 0; r == 0 && i < t->lines[0].n; i++)
        r = eval_cancelled ? fail_set(fail, FAIL_INTERRUPTED, -ECANCELED, "stopped")
                           : add_line(t, i, &sums, fail);
    const bool to_stdout = t->list == stdout;
    const int closed = eval_close_list(t->list_path, &t->list, fail);
    r = r < 0 ? r : closed;
    if (r == 0 && t->json)
        report_json(t, &sums);
    else if (r == 0 && !to_stdout)
        report_text(t, &sums);
    return r;
}

int eval_text_files(int argc, char **argv)
{
    CLEANUP(text_done) struct text t = {0};
    struct fail fail = {0};

    eval_catch_signals();
    int r = parse(argc, argv, &t, &fail);
    if (r == 0)
        r = run(&t, &fail);
    if (r >= 0)
        return 0;
    errno = -r;
    fail_set(&fail, eval_cancelled ? FAIL_INTERRUPTED : FAIL_OTHER, r, "%m");
    log_error("braille-eval text: %s", fail.text);
    return (int) fail.kind;
}
