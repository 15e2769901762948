/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "tools/eval/speech/speech.h"

struct sums {
    size_t n, missing, n_timed;
    struct eval_heard heard;
    struct eval_f0_sums f0;
    double ser_macro, ser_toned_macro, mcd_pymcd, mcd_24, level_db;
    double error_s, error_share, spoken_s, reference_spoken_s;
    double speech_s, total_ms, first_median_ms, first_p95_ms;
};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

static void add_compared(struct sums *s, const struct eval_figures *f)
{
    const double error = fabs(f->spoken_s - f->reference_spoken_s);

    eval_f0_join(&s->f0, &f->f0);
    s->n++;
    s->mcd_pymcd += f->mcd_pymcd;
    s->mcd_24 += f->mcd_24;
    s->level_db += f->level_db;
    s->error_s += error;
    s->error_share += f->reference_spoken_s > 0 ? error / f->reference_spoken_s : 0;
    s->spoken_s += f->spoken_s;
    s->reference_spoken_s += f->reference_spoken_s;
}

static void add_times(struct sums *s, const struct eval_report *r)
{
    CLEANUP_FREE double *first = calloc(r->list->n, sizeof(*first));
    if (!first)
        return;
    for (size_t i = 0; i < r->list->n; i++) {
        const struct eval_figures *f = &r->figures[i];
        if (!(f->times.total_ms > 0))
            continue;
        first[s->n_timed++] = f->times.first_sound_ms;
        s->total_ms += f->times.total_ms;
        s->speech_s += f->speech_s;
    }
    qsort(first, s->n_timed, sizeof(*first), by_value);
    if (s->n_timed > 0) {
        s->first_median_ms = first[s->n_timed / 2];
        s->first_p95_ms = first[(size_t) (0.95 * (double) (s->n_timed - 1) + 0.5)];
    }
}

static double share(double part, double of)
{
    return of > 0 ? part / of : NAN;
}

static struct sums add_up(const struct eval_report *r)
{
    struct sums s = {0};

    for (size_t i = 0; i < r->list->n; i++) {
        const struct eval_figures *f = &r->figures[i];
        s.missing += f->missing;
        s.heard.there += f->heard.there;
        s.heard.wrong += f->heard.wrong;
        s.heard.wrong_toned += f->heard.wrong_toned;
        s.ser_macro += share((double) f->heard.wrong, (double) f->heard.there);
        s.ser_toned_macro += share((double) f->heard.wrong_toned, (double) f->heard.there);
        if (!f->missing && f->mcd_24 == f->mcd_24)
            add_compared(&s, f);
    }
    add_times(&s, r);
    return s;
}

static void put(json_t *o, const char *key, double x)
{
    json_object_set_new(o, key, isfinite(x) ? json_real(x) : json_null());
}

static void put_f0(json_t *o, const struct eval_f0_sums *f0)
{
    put(o, "f0_rmse", eval_f0_rmse_hz(f0));
    put(o, "f0_rmse_cents", eval_f0_rmse_cents(f0));
    put(o, "f0_corr", eval_f0_corr(f0));
    put(o, "f0_vuv", eval_f0_vuv(f0));
}

static json_t *sentence_json(const struct eval_sentence *s, const struct eval_figures *f)
{
    json_t *o = json_object();

    json_object_set_new(o, "id", json_string(s->id));
    json_object_set_new(o, "missing", json_boolean(f->missing));
    json_object_set_new(o, "heard", f->text ? json_string(f->text) : json_null());
    if (f->heard.there > 0) {
        json_object_set_new(o, "syllables", json_integer((json_int_t) f->heard.there));
        json_object_set_new(o, "wrong", json_integer((json_int_t) f->heard.wrong));
        json_object_set_new(o, "wrong_toned", json_integer((json_int_t) f->heard.wrong_toned));
    }
    put(o, "mcd_dtw", f->mcd_pymcd);
    put(o, "mcd_dtw_24", f->mcd_24);
    put_f0(o, &f->f0);
    put(o, "level_db", f->level_db);
    put(o, "speech_s", f->speech_s);
    put(o, "spoken_s", f->spoken_s);
    put(o, "reference_spoken_s", f->reference_spoken_s);
    put(o, "first_sound_ms", f->times.first_sound_ms);
    put(o, "total_ms", f->times.total_ms);
    return o;
}

static json_t *sums_json(const struct eval_report *r, const struct sums *s)
{
    const double n = (double) s->n, there = (double) s->heard.there;
    json_t *o = json_object();

    json_object_set_new(o, "n", json_integer((json_int_t) r->list->n));
    json_object_set_new(o, "missing", json_integer((json_int_t) s->missing));
    json_object_set_new(o, "syllables",
                        r->heard ? json_integer((json_int_t) s->heard.there) : json_null());
    put(o, "ser", share((double) s->heard.wrong, there));
    put(o, "ser_toned", share((double) s->heard.wrong_toned, there));
    put(o, "ser_macro", r->heard ? s->ser_macro / (double) r->list->n : NAN);
    put(o, "ser_toned_macro", r->heard ? s->ser_toned_macro / (double) r->list->n : NAN);
    put(o, "mcd_dtw", share(s->mcd_pymcd, n));
    put(o, "mcd_dtw_24", share(s->mcd_24, n));
    put_f0(o, &s->f0);
    put(o, "duration_error_s", share(s->error_s, n));
    put(o, "duration_error", share(s->error_share, n));
    put(o, "duration_ratio", share(s->spoken_s, s->reference_spoken_s));
    put(o, "level_db", s->n ? s->level_db / n : NAN);
    put(o, "fad", r->fad);
    json_object_set_new(o, "fad_embedding", r->embedding ? json_string(r->embedding) : json_null());
    put(o, "rtf", share(s->total_ms / 1000, s->speech_s));
    put(o, "first_sound_ms", s->n_timed ? s->first_median_ms : NAN);
    put(o, "first_sound_p95_ms", s->n_timed ? s->first_p95_ms : NAN);
    put(o, "memory_mb", s->n_timed ? r->memory_mb : NAN);
    put(o, "rate", r->rate);
    json_object_set_new(o, "device", r->device ? json_string(r->device) : json_null());
    return o;
}

void eval_report_json(FILE *f, const struct eval_report *r, bool sentences)
{
    const struct sums s = add_up(r);
    json_t *o = sums_json(r, &s), *list = json_array();

    for (size_t i = 0; sentences && i < r->list->n; i++)
        json_array_append_new(list, sentence_json(&r->list->items[i], &r->figures[i]));
    if (sentences)
        json_object_set(o, "sentences", list);
    json_dumpf(o, f, JSON_COMPACT | JSON_REAL_PRECISION(9));
    fputc('\n', f);
    json_decref(list);
    json_decref(o);
}

void eval_report_csv(FILE *f, const struct eval_report *r)
{
    static const char *const keys[] = {"id",
                                       "missing",
                                       "syllables",
                                       "wrong",
                                       "wrong_toned",
                                       "mcd_dtw",
                                       "mcd_dtw_24",
                                       "f0_rmse",
                                       "f0_corr",
                                       "f0_vuv",
                                       "level_db",
                                       "spoken_s",
                                       "reference_spoken_s",
                                       "first_sound_ms",
                                       "total_ms",
                                       "heard"};

    for (size_t k = 0; k < ELEMENTSOF(keys); k++)
        fprintf(f, "%s%c", keys[k], k + 1 < ELEMENTSOF(keys) ? ',' : '\n');
    for (size_t i = 0; i < r->list->n; i++) {
        json_t *o = sentence_json(&r->list->items[i], &r->figures[i]);
        for (size_t k = 0; k < ELEMENTSOF(keys); k++) {
            const json_t *x = json_object_get(o, keys[k]);
            if (json_is_string(x)) { /* RFC 4180 */
                fputc('"', f);
                for (const char *c = json_string_value(x); *c; c++)
                    fprintf(f, *c == '"' ? "\"\"" : "%c", *c);
                fputc('"', f);
            } else if (x && !json_is_null(x)) {
                json_dumpf(x, f, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
            }
            fputc(k + 1 < ELEMENTSOF(keys) ? ',' : '\n', f);
        }
        json_decref(o);
    }
}

static void print_sentence(FILE *f, const struct eval_sentence *s, const struct eval_figures *x)
{
    fprintf(f, "%-12s", s->id);
    if (x->missing)
        fputs(" no speech", f);
    else
        fprintf(f, " MCD %5.2f dB, F0 %5.1f Hz %5.3f, %.2f of %.2f s", x->mcd_pymcd,
                eval_f0_rmse_hz(&x->f0), eval_f0_corr(&x->f0), x->spoken_s, x->reference_spoken_s);
    if (x->heard.there > 0)
        fprintf(f, ", wrong %zu and %zu of %zu: %s", x->heard.wrong, x->heard.wrong_toned,
                x->heard.there, x->text ? x->text : "");
    fputc('\n', f);
}

void eval_report_text(FILE *f, const struct eval_report *r, bool sentences)
{
    const struct sums s = add_up(r);
    const double n = (double) s.n, there = (double) s.heard.there;

    for (size_t i = 0; sentences && i < r->list->n; i++)
        print_sentence(f, &r->list->items[i], &r->figures[i]);
    fprintf(f, "sentences: %zu, without speech %zu\n", r->list->n, s.missing);
    if (r->heard)
        fprintf(f, "syllables wrong: %.2f %% without tones, %.2f %% with, of %zu\n",
                100 * share((double) s.heard.wrong, there),
                100 * share((double) s.heard.wrong_toned, there), s.heard.there);
    if (s.n > 0)
        fprintf(f,
                "MCD-DTW: %.2f dB as pymcd, %.2f dB over c1 to c24\n"
                "F0: off by %.1f Hz (%.0f cents) rms, correlation %.3f, voicing differs in "
                "%.1f %%\n"
                "duration: off by %.2f s (%.1f %%), %.3f times the reference's; level %+.1f dB\n",
                s.mcd_pymcd / n, s.mcd_24 / n, eval_f0_rmse_hz(&s.f0), eval_f0_rmse_cents(&s.f0),
                eval_f0_corr(&s.f0), 100 * eval_f0_vuv(&s.f0), s.error_s / n,
                100 * s.error_share / n, share(s.spoken_s, s.reference_spoken_s), s.level_db / n);
    if (isfinite(r->fad))
        fprintf(f, "Frechet distance: %.3f (%s)\n", r->fad, r->embedding);
    if (s.n_timed > 0)
        fprintf(f,
                "on %s: real-time factor %.3f, first sound after %.0f ms (95 %%: %.0f), "
                "at most %.0f MiB\n",
                r->device, share(s.total_ms / 1000, s.speech_s), s.first_median_ms, s.first_p95_ms,
                r->memory_mb);
}
