/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/args.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/tr.h"

enum { MAX_ARGS = 40, LONG_BASE = 256 };

static int set_number(const struct arg *a, const char *value, struct fail *fail)
{
    char *end = NULL;
    errno = 0;
    double x = strtod(value, &end);

    if (end == value || *end || errno || !isfinite(x) || x < a->min || x > a->max)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "--%s takes a number from %g to %g, not '%s'",
                        a->name, a->min, a->max, value);
    *(double *) a->dest = x;
    return 0;
}

static int set_choice(const struct arg *a, const char *value, struct fail *fail)
{
    char list[200] = "";

    for (unsigned i = 0; a->choices[i]; i++) {
        if (strcmp(a->choices[i], value) == 0) {
            *(unsigned *) a->dest = i;
            return 0;
        }
        size_t at = strlen(list);
        snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", a->choices[i]);
    }
    return fail_set(fail, FAIL_USAGE, -EINVAL, "--%s takes one of %s, not '%s'", a->name, list,
                    value);
}

static int set_value(const struct arg *a, const char *value, struct fail *fail)
{
    switch (a->type) {
    case ARG_FLAG:
        *(bool *) a->dest = true;
        return 0;
    case ARG_STRING:
        *(const char **) a->dest = value;
        return 0;
    case ARG_NUMBER:
        return set_number(a, value, fail);
    case ARG_CHOICE:
        return set_choice(a, value, fail);
    }
    return -EINVAL;
}

/* The two forms getopt_long() wants. */
static void describe(const struct arg *args, size_t n_args, bool stop_at_word, char *letters,
                     struct option *longs)
{
    *letters++ = stop_at_word ? '+' : '-';
    if (!stop_at_word)
        letters--; /* permute: the default */
    *letters++ = ':';
    for (size_t i = 0; i < n_args; i++) {
        int has_value = args[i].type == ARG_FLAG ? no_argument : required_argument;
        longs[i] = (struct option){args[i].name, has_value, NULL, LONG_BASE + (int) i};
        if (args[i].letter) {
            *letters++ = args[i].letter;
            if (has_value)
                *letters++ = ':';
        }
    }
    *letters = 0;
    longs[n_args] = (struct option){0};
}

static const struct arg *find(const struct arg *args, size_t n_args, int c)
{
    if (c >= LONG_BASE)
        return &args[c - LONG_BASE];
    for (size_t i = 0; i < n_args; i++)
        if (args[i].letter == c)
            return &args[i];
    return NULL;
}

int args_parse(const struct arg *args, size_t n_args, int argc, char **argv, bool stop_at_word,
               int *ret_first, struct fail *fail)
{
    struct option longs[MAX_ARGS + 1];
    char letters[2 * MAX_ARGS + 3];

    if (n_args > MAX_ARGS)
        return fail_set(fail, FAIL_DEFECT, -E2BIG, "too many options in a table");
    describe(args, n_args, stop_at_word, letters, longs);
    optind = 0;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        const char short_name[] = {'-', (char) optopt, 0};
        const char *word = optopt > 0 && optopt < LONG_BASE ? short_name : argv[optind - 1];
        if (c == ':')
            return fail_set(fail, FAIL_USAGE, -EINVAL, "'%s' needs a value; see --help", word);
        if (c == '?')
            return fail_set(fail, FAIL_USAGE, -EINVAL, "there is no option '%s'; see --help", word);
        const struct arg *a = find(args, n_args, c);
        int r = a ? set_value(a, optarg, fail) : -EINVAL;
        if (r < 0)
            return r;
    }
    *ret_first = optind;
    return 0;
}

void args_print(const struct arg *args, size_t n_args)
{
    for (size_t i = 0; i < n_args; i++) {
        const char *value = args[i].value ? args[i].value : "";
        char left[128], letter[8] = "    ";
        if (args[i].letter)
            snprintf(letter, sizeof(letter), "-%c, ", args[i].letter);
        snprintf(left, sizeof(left), "%s--%s%s%s", letter, args[i].name, *value ? " " : "", value);
        const size_t columns = tr_columns(left);
        printf("  %s%*s %s\n", left, columns < 28 ? (int) (28 - columns) : 0, "", tr(args[i].help));
    }
}
