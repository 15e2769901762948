/* SPDX-License-Identifier: Apache-2.0
 *
 * A scanner's options: found by name, set to what is nearest to what is wanted. No two drivers
 * offer the same ones, so none is taken for granted.
 */

#include "tools/ctl/scan/scan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_OPTIONS = 4000, MAX_VALUE_BYTES = 1 << 16, MAX_CHOICES = 1000 };

int scan_n_options(const struct scanner *s)
{
    SANE_Int n = 0;

    if (s->api->control_option(s->handle, 0, SANE_ACTION_GET_VALUE, &n, NULL) != SANE_STATUS_GOOD)
        return 0;
    return MAX(0, MIN(n, MAX_OPTIONS));
}

int scan_option(const struct scanner *s, const char *name, const SANE_Option_Descriptor **ret)
{
    const int n = scan_n_options(s);

    for (int i = 1; i < n; i++) {
        const SANE_Option_Descriptor *d = s->api->get_option_descriptor(s->handle, i);
        if (!d || !d->name || d->type == SANE_TYPE_GROUP || strcmp(d->name, name) != 0)
            continue;
        *ret = d;
        return i;
    }
    return 0;
}

static bool can_set(const SANE_Option_Descriptor *d)
{
    return SANE_OPTION_IS_ACTIVE(d->cap) && SANE_OPTION_IS_SETTABLE(d->cap);
}

static bool is_word(const SANE_Option_Descriptor *d)
{
    return d->type == SANE_TYPE_BOOL || d->type == SANE_TYPE_INT || d->type == SANE_TYPE_FIXED;
}

SANE_Status scan_get_word(const struct scanner *s, int option, SANE_Word *ret)
{
    const SANE_Option_Descriptor *d = s->api->get_option_descriptor(s->handle, option);

    if (!d || !is_word(d) || d->size != sizeof(SANE_Word))
        return SANE_STATUS_UNSUPPORTED;
    return s->api->control_option(s->handle, option, SANE_ACTION_GET_VALUE, ret, NULL);
}

SANE_Status scan_get_string(const struct scanner *s, int option, char *ret, size_t size)
{
    const SANE_Option_Descriptor *d = s->api->get_option_descriptor(s->handle, option);

    if (!d || d->type != SANE_TYPE_STRING || d->size < 1 || d->size > MAX_VALUE_BYTES)
        return SANE_STATUS_UNSUPPORTED;
    CLEANUP_FREE char *value = calloc(1, (size_t) d->size + 1);
    if (!value)
        return SANE_STATUS_NO_MEM;
    SANE_Status status =
        s->api->control_option(s->handle, option, SANE_ACTION_GET_VALUE, value, NULL);
    if (status == SANE_STATUS_GOOD)
        snprintf(ret, size, "%s", value);
    return status;
}

static SANE_Status set_word(struct scanner *s, int option, SANE_Word value)
{
    SANE_Int info = 0;
    return s->api->control_option(s->handle, option, SANE_ACTION_SET_VALUE, &value, &info);
}

static SANE_Status set_string(struct scanner *s, int option, const char *text)
{
    const SANE_Option_Descriptor *d = s->api->get_option_descriptor(s->handle, option);
    SANE_Int info = 0;

    if (!d || d->size < 1 || d->size > MAX_VALUE_BYTES || strlen(text) >= (size_t) d->size)
        return SANE_STATUS_INVAL;
    CLEANUP_FREE char *value = calloc(1, (size_t) d->size + 1);
    if (!value)
        return SANE_STATUS_NO_MEM;
    strcpy(value, text);
    return s->api->control_option(s->handle, option, SANE_ACTION_SET_VALUE, value, &info);
}

/* ---- nearest ---- */

static double to_number(const SANE_Option_Descriptor *d, SANE_Word w)
{
    return d->type == SANE_TYPE_FIXED ? SANE_UNFIX(w) : w;
}

static SANE_Word to_word(const SANE_Option_Descriptor *d, double x)
{
    x = d->type == SANE_TYPE_FIXED ? x * (1 << SANE_FIXED_SCALE_SHIFT) : x;
    return (SANE_Word) lrint(MAX(-2147483000.0, MIN(x, 2147483000.0)));
}

static SANE_Word in_range(const SANE_Range *range, SANE_Word w)
{
    int64_t x = MAX((int64_t) range->min, MIN((int64_t) w, (int64_t) range->max));

    if (range->quant > 0)
        x = range->min + (x - range->min + range->quant / 2) / range->quant * range->quant;
    return (SANE_Word) MIN(x, (int64_t) range->max);
}

/* The word that this option can have and that is nearest to x. */
static SANE_Word nearest(const SANE_Option_Descriptor *d, double x)
{
    const SANE_Word *list = d->constraint.word_list;
    SANE_Word best = to_word(d, x);

    if (d->constraint_type == SANE_CONSTRAINT_RANGE && d->constraint.range)
        return in_range(d->constraint.range, best);
    if (d->constraint_type != SANE_CONSTRAINT_WORD_LIST || !list || list[0] < 1)
        return best;
    best = list[1];
    for (SANE_Word i = 2; i <= MIN(list[0], MAX_CHOICES); i++)
        if (fabs(to_number(d, list[i]) - x) < fabs(to_number(d, best) - x))
            best = list[i];
    return best;
}

/* 0 where there is no such option, or it stays as it is. */
static double set_number(struct scanner *s, const char *name, double x)
{
    const SANE_Option_Descriptor *d = NULL;
    const int option = scan_option(s, name, &d);
    SANE_Word now = 0;

    if (!option || !is_word(d) || d->size != sizeof(SANE_Word))
        return 0;
    if (can_set(d))
        set_word(s, option, nearest(d, x));
    d = s->api->get_option_descriptor(s->handle, option);
    if (!d || !SANE_OPTION_IS_ACTIVE(d->cap) || scan_get_word(s, option, &now) != SANE_STATUS_GOOD)
        return 0;
    return to_number(d, now);
}

/* ---- choices ---- */

static const char *const *choices_of(const SANE_Option_Descriptor *d)
{
    return d->type == SANE_TYPE_STRING && d->constraint_type == SANE_CONSTRAINT_STRING_LIST
               ? d->constraint.string_list
               : NULL;
}

static int wrong_choice(const SANE_Option_Descriptor *d, const char *what, const char *wanted,
                        struct fail *fail)
{
    const char *const *choices = choices_of(d);
    char all[300] = "";

    for (size_t i = 0; choices && choices[i] && i < MAX_CHOICES; i++) {
        const size_t n = strlen(all);
        snprintf(all + n, sizeof(all) - n, "%s\"%s\"", n ? ", " : "", choices[i]);
    }
    return fail_set(fail, FAIL_USAGE, -EINVAL, "this scanner has no %s \"%s\"; it has %s", what,
                    wanted, *all ? all : "no list of them");
}

/* Does a choice have one of the words in it, and none of the others? Both lists end with NULL. */
static bool is_like(const char *choice, const char *const *words, const char *const *others)
{
    bool found = false;

    for (size_t i = 0; words[i] && !found; i++)
        found = strcasestr(choice, words[i]) != NULL;
    for (size_t i = 0; others[i] && found; i++)
        found = strcasestr(choice, others[i]) == NULL;
    return found;
}

static const char *find_choice(const char *const *choices, const char *const *words,
                               const char *const *others)
{
    for (size_t i = 0; choices && choices[i] && i < MAX_CHOICES; i++)
        if (is_like(choices[i], words, others))
            return choices[i];
    return NULL;
}

static const char *same_choice(const char *const *choices, const char *wanted)
{
    for (size_t i = 0; choices && choices[i] && i < MAX_CHOICES; i++)
        if (strcasecmp(choices[i], wanted) == 0)
            return choices[i];
    return NULL;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
static const char *const nothing[] = {NULL};

/* ---- where the paper comes from ---- */

static const char *find_source(const char *const *choices, const char *wanted)
{
    const char *found = same_choice(choices, wanted);

    if (!found && strcasecmp(wanted, "duplex") == 0)
        found = find_choice(choices, WORDS("duplex"), nothing);
    if (!found && strcasecmp(wanted, "duplex") == 0) /* whose sides another option chooses */
        found = find_choice(choices, WORDS("adf", "feeder"), WORDS("back"));
    if (!found && strcasecmp(wanted, "adf") == 0)
        found = find_choice(choices, WORDS("adf", "feeder"), WORDS("duplex", "back"));
    if (!found && strcasecmp(wanted, "flatbed") == 0)
        found = find_choice(choices, WORDS("flatbed", "platen", "normal"), nothing);
    return found;
}

/* Of drivers that have the sides apart from the source. */
static bool set_both_sides(struct scanner *s)
{
    const SANE_Option_Descriptor *d = NULL;
    int option = scan_option(s, "adf-mode", &d);

    if (!option)
        option = scan_option(s, "adf_mode", &d);
    if (option && can_set(d)) {
        const char *both = find_choice(choices_of(d), WORDS("duplex"), nothing);
        return both && set_string(s, option, both) == SANE_STATUS_GOOD;
    }
    option = scan_option(s, "duplex", &d);
    return option && can_set(d) && d->type == SANE_TYPE_BOOL &&
           set_word(s, option, SANE_TRUE) == SANE_STATUS_GOOD;
}

static int set_source(struct scanner *s, const char *wanted, struct fail *fail)
{
    const SANE_Option_Descriptor *d = NULL;
    const int option = scan_option(s, "source", &d);
    const bool duplex = strcasecmp(wanted, "duplex") == 0;

    if (!option || !can_set(d)) {
        if (strcasecmp(wanted, "flatbed") == 0 || (duplex && set_both_sides(s)))
            return 0;
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "this scanner takes paper from one place only; leave --source out");
    }
    const char *source = find_source(choices_of(d), wanted);
    if (!source)
        return wrong_choice(d, "source", wanted, fail);
    SANE_Status status = set_string(s, option, source);
    if (status != SANE_STATUS_GOOD)
        return scan_fail(s, scan_problem_of(status), fail);
    if (duplex && !strcasestr(source, "duplex") && !set_both_sides(s))
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "this scanner does not scan both sides; use --source adf and turn the "
                        "stack");
    return 0;
}

static void look_at_source(const struct scanner *s, const char *wanted, bool *ret_feeder,
                           bool *ret_duplex)
{
    const SANE_Option_Descriptor *d = NULL;
    const int option = scan_option(s, "source", &d);
    char now[256] = "";

    if (option)
        scan_get_string(s, option, now, sizeof(now));
    *ret_feeder = is_like(now, WORDS("adf", "feeder", "duplex"), nothing);
    *ret_duplex =
        is_like(now, WORDS("duplex"), nothing) || (wanted && strcasecmp(wanted, "duplex") == 0);
}

/* ---- grey ---- */

/* Grey that is not made of black and white dots; else colour; else there is nothing to choose. */
static const char *find_mode(const char *const *choices)
{
    static const char *const coarse[] = {"lineart", "halftone", "dither", "error", "diffusion",
                                         "binary",  "1 bit",    "1bit",   NULL};
    const char *found = same_choice(choices, "Gray");

    if (!found)
        found = find_choice(choices, WORDS("gray", "grey"), coarse);
    return found ? found : find_choice(choices, WORDS("color", "colour"), coarse);
}

static int set_mode(struct scanner *s, const char *wanted, struct fail *fail)
{
    const SANE_Option_Descriptor *d = NULL;
    const int option = scan_option(s, "mode", &d);

    if (!option || !can_set(d))
        return 0;
    const char *const *choices = choices_of(d);
    const char *mode = wanted ? same_choice(choices, wanted) : find_mode(choices);
    if (!mode && wanted)
        return wrong_choice(d, "mode", wanted, fail);
    if (!mode)
        return choices && choices[0] ? scan_fail(s, SCAN_BLACK_AND_WHITE, fail) : 0;
    SANE_Status status = set_string(s, option, mode);
    return status == SANE_STATUS_GOOD ? 0 : scan_fail(s, scan_problem_of(status), fail);
}

/* ---- what the user names ---- */

static bool parse_bool(const char *text, SANE_Word *ret)
{
    static const char *const words[][4] = {{"no", "false", "off", "0"}, {"yes", "true", "on", "1"}};

    for (SANE_Word i = 0; i < 2; i++)
        for (size_t k = 0; k < 4; k++)
            if (strcasecmp(text, words[i][k]) == 0) {
                *ret = i;
                return true;
            }
    return false;
}

static SANE_Status set_text(struct scanner *s, int option, const SANE_Option_Descriptor *d,
                            const char *text)
{
    SANE_Word word = 0;
    char *end = NULL;

    if (d->type == SANE_TYPE_STRING)
        return set_string(s, option, text);
    if (d->type == SANE_TYPE_BUTTON)
        return s->api->control_option(s->handle, option, SANE_ACTION_SET_VALUE, NULL, NULL);
    if (!is_word(d) || d->size != sizeof(SANE_Word))
        return SANE_STATUS_UNSUPPORTED;
    if (d->type == SANE_TYPE_BOOL)
        return parse_bool(text, &word) ? set_word(s, option, word) : SANE_STATUS_INVAL;
    const double x = strtod(text, &end);
    return end != text && !*end && isfinite(x) ? set_word(s, option, nearest(d, x))
                                               : SANE_STATUS_INVAL;
}

static int set_one(struct scanner *s, char *pair, struct fail *fail)
{
    const SANE_Option_Descriptor *d = NULL;
    char *value = strchr(pair, '=');

    if (value)
        *value++ = 0;
    const int option = scan_option(s, pair, &d);
    if (!option)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "--set: this scanner has no option \"%s\"; scanimage --help lists them",
                        pair);
    if (!can_set(d))
        return fail_set(fail, FAIL_USAGE, -EINVAL, "--set: \"%s\" cannot be set now", pair);
    const SANE_Status status = set_text(s, option, d, value ? value : "yes");
    if (status == SANE_STATUS_INVAL || status == SANE_STATUS_UNSUPPORTED)
        return choices_of(d)
                   ? wrong_choice(d, pair, value ? value : "", fail)
                   : fail_set(fail, FAIL_USAGE, -EINVAL, "--set: \"%s\" is no value of \"%s\"",
                              value ? value : "", pair);
    return status == SANE_STATUS_GOOD ? 0 : scan_fail(s, scan_problem_of(status), fail);
}

static int set_named(struct scanner *s, const char *set, struct fail *fail)
{
    CLEANUP_FREE char *copy = strdup(set);
    int r = copy ? 0 : -ENOMEM;

    for (char *at = copy, *pair; r == 0 && (pair = strsep(&at, ","));)
        if (*pair)
            r = set_one(s, pair, fail);
    return r;
}

/* Did the user set it by name? Then nothing else touches it. */
static bool is_named(const struct scan_settings *settings, const char *name)
{
    const size_t n = strlen(name);

    for (const char *at = settings->set; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, n) == 0 && (at[n] == '=' || at[n] == ',' || !at[n]))
            return true;
    }
    return false;
}

/* ---- where, how fine ---- */

static void set_resolution(struct scanner *s, const struct scan_settings *settings)
{
    const double wanted = settings->dpi > 0 ? settings->dpi : SCAN_DPI;

    s->dpi = is_named(settings, "resolution") ? 0 : set_number(s, "resolution", wanted);
    if (s->dpi <= 0 && is_named(settings, "resolution")) {
        const SANE_Option_Descriptor *d = NULL;
        const int option = scan_option(s, "resolution", &d);
        SANE_Word now = 0;
        if (option && scan_get_word(s, option, &now) == SANE_STATUS_GOOD)
            s->dpi = to_number(d, now);
    }
    if (s->dpi <= 0) {
        s->dpi = set_number(s, "x-resolution", wanted);
        set_number(s, "y-resolution", s->dpi > 0 ? s->dpi : wanted);
    } else {
        set_number(s, "y-resolution", s->dpi);
    }
    if (!(s->dpi >= 1 && s->dpi <= 10000))
        s->dpi = 0;
}

/* Most of it, but no roll of paper that a feeder could take. */
static double far_end(struct scanner *s, const char *name)
{
    const SANE_Option_Descriptor *d = NULL;
    const double dpi = s->dpi > 0 ? s->dpi : SCAN_DPI;

    if (!scan_option(s, name, &d) || d->constraint_type != SANE_CONSTRAINT_RANGE ||
        !d->constraint.range)
        return 0;
    const double max = to_number(d, d->constraint.range->max);
    const double limit = d->unit == SANE_UNIT_PIXEL ? SCAN_MAX_MM / 25.4 * dpi : SCAN_MAX_MM;
    return MIN(max, limit);
}

static double near_end(struct scanner *s, const char *name)
{
    const SANE_Option_Descriptor *d = NULL;

    if (!scan_option(s, name, &d) || d->constraint_type != SANE_CONSTRAINT_RANGE ||
        !d->constraint.range)
        return 0;
    return to_number(d, d->constraint.range->min);
}

static double in_units(const struct scanner *s, const char *name, double mm)
{
    const SANE_Option_Descriptor *d = NULL;
    const double dpi = s->dpi > 0 ? s->dpi : SCAN_DPI;

    return scan_option(s, name, &d) && d->unit == SANE_UNIT_PIXEL ? mm / 25.4 * dpi : mm;
}

/* The far corner is set again once the near one is where it should be: some drivers keep the two
 * apart. */
static void set_area(struct scanner *s, const struct scan_settings *a)
{
    static const char *const paper[] = {"page-width", "page-height"};
    static const char *const near[] = {"tl-x", "tl-y"}, *const far[] = {"br-x", "br-y"};
    const double from[] = {a->x, a->y}, size[] = {a->w, a->h};

    for (size_t i = 0; i < 2; i++) {
        if (!is_named(a, paper[i]))
            set_number(s, paper[i], a->has_area ? from[i] + size[i] : far_end(s, paper[i]));
        for (int pass = 0; pass < 2 && !is_named(a, far[i]); pass++) {
            set_number(s, far[i],
                       a->has_area ? in_units(s, far[i], from[i] + size[i]) : far_end(s, far[i]));
            if (!is_named(a, near[i]))
                set_number(s, near[i],
                           a->has_area ? in_units(s, near[i], from[i]) : near_end(s, near[i]));
        }
    }
}

int scan_apply(struct scanner *s, const struct scan_settings *settings, bool *ret_feeder,
               bool *ret_duplex, struct fail *fail)
{
    int r = settings->set ? set_named(s, settings->set, fail) : 0;

    if (r == 0 && settings->source)
        r = set_source(s, settings->source, fail);
    if (r == 0 && !is_named(settings, "mode"))
        r = set_mode(s, settings->mode, fail);
    if (r < 0)
        return r;
    if (!is_named(settings, "depth"))
        set_number(s, "depth", 8);
    set_resolution(s, settings);
    set_area(s, settings);
    look_at_source(s, settings->source, ret_feeder, ret_duplex);
    return 0;
}

int scan_parse_area(const char *text, struct scan_settings *ret, struct fail *fail)
{
    static const struct {
        const char *name;
        double w, h;
    } papers[] = {{"A3", 297, 420}, {"A4", 210, 297}, {"A5", 148, 210}, {"letter", 215.9, 279.4}};
    char rest;

    ret->has_area = true;
    ret->x = ret->y = 0;
    for (size_t i = 0; i < ELEMENTSOF(papers); i++)
        if (strcasecmp(text, papers[i].name) == 0) {
            ret->w = papers[i].w;
            ret->h = papers[i].h;
            return 0;
        }
    const int n = sscanf(text, "%lf,%lf,%lf,%lf%c", &ret->x, &ret->y, &ret->w, &ret->h, &rest);
    const double all[] = {ret->x, ret->y, ret->w, ret->h};
    bool fine = n == 4 && ret->w >= 10 && ret->h >= 10;
    for (size_t i = 0; i < 4 && fine; i++)
        fine = isfinite(all[i]) && all[i] >= 0 && all[i] <= 10000;
    return fine
               ? 0
               : fail_set(fail, FAIL_USAGE, -EINVAL,
                          "--area '%s': say A3, A4, A5, letter, or X,Y,WIDTH,HEIGHT in millimetres",
                          text);
}
