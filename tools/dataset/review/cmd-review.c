/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset review: people look through what `clean` was not sure of.
 */

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "tools/dataset/dataset.h"
#include "tools/dataset/review/apply.h"
#include "tools/dataset/review/session.h"

static const char usage[] = N_(
    "usage: braille-dataset review DIR [OPTIONS]\n"
    "       braille-dataset review DIR --apply -o OUT [OPTIONS]\n"
    "       braille-dataset review DIR --summary [--json]\n\n"
    "Look through doubtful pictures of a data set, after 'braille-dataset clean DIR': serves a "
    "page\n"
    "on this machine only and prints its address. It works by keyboard alone and with a screen\n"
    "reader. Each decision is in DIR/review.jsonl before the page says so.\n\n"
    "      --verdict LIST       pictures with these verdicts: over, under, misaligned, mismatch,\n"
    "                           blank, duplicate, broken, clean, unsure (default); commas between\n"
    "      --all                pictures with any verdict\n"
    "      --again              those that are decided already, too\n"
    "      --port N             listen on this port of 127.0.0.1 (any free one)\n"
    "      --reviewer NAME      who decides ($USER)\n"
    "      --open               open the page in the browser (xdg-open; others on this machine "
    "may\n"
    "                           see the address in the list of processes)\n"
    "      --summary            print what was decided and end\n"
    "      --apply              write the data set that results: clean, accepted, relabelled and\n"
    "                           recropped pictures; OUT/skipped.jsonl names the others\n"
    "  -o, --output OUT         with --apply: its folder\n"
    "      --force              with --apply: replace what is there already\n"
    "      --json               the address, counts and results as JSON on standard output\n"
    "  -q, --quiet              no progress\n"
    "  -h, --help               this text\n");

enum { VERDICT = DATASET_OWN, ALL, AGAIN, PORT, REVIEWER, OPEN, SUMMARY, APPLY };

struct options {
    struct dataset_common common;
    const char *dir, *out, *reviewer;
    unsigned verdicts; ///< bit v: see review_verdict_name()
    uint64_t port;
    bool again, open, summary, apply;
};

/* ---- options ---- */

static int parse_verdicts(const char *list, unsigned *ret)
{
    unsigned verdicts = 0, v;

    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',') {
        if (review_parse_verdict(p, strcspn(p, ","), &v) < 0)
            return -EINVAL;
        verdicts |= 1u << v;
    }
    *ret = verdicts;
    return verdicts ? 0 : -EINVAL;
}

/* 1 done, 0 not one of ours, -EINVAL after a message */
static int take_option(int c, struct options *ret)
{
    int r = 0;

    switch (c) {
    case VERDICT:
        r = parse_verdicts(optarg, &ret->verdicts);
        break;
    case ALL:
        ret->verdicts = (1u << REVIEW_N_VERDICTS) - 1;
        break;
    case AGAIN:
        ret->again = true;
        break;
    case PORT:
        r = dataset_parse_whole(optarg, 65535, &ret->port);
        break;
    case REVIEWER:
        ret->reviewer = optarg;
        break;
    case OPEN:
        ret->open = true;
        break;
    case SUMMARY:
        ret->summary = true;
        break;
    case APPLY:
        ret->apply = true;
        break;
    case 'o':
        ret->out = optarg;
        break;
    default:
        return 0;
    }
    if (r < 0)
        log_error("braille-dataset review: '%s' does not fit its option; see --help", optarg);
    return r < 0 ? r : 1;
}

static const char *check_options(const struct options *o, int n_rest)
{
    if (n_rest != 1)
        return N_("name one data set");
    if (o->apply && o->summary)
        return N_("--apply and --summary do not go together");
    if (o->apply && !o->out)
        return N_("--apply needs the folder of the result: -o OUT");
    if (o->out && !o->apply)
        return N_("-o goes with --apply");
    return NULL;
}

/* 1: help was asked for */
static int parse(int argc, char **argv, struct options *ret)
{
    static const struct option options[] = {{"verdict", required_argument, NULL, VERDICT},
                                            {"all", no_argument, NULL, ALL},
                                            {"again", no_argument, NULL, AGAIN},
                                            {"port", required_argument, NULL, PORT},
                                            {"reviewer", required_argument, NULL, REVIEWER},
                                            {"open", no_argument, NULL, OPEN},
                                            {"summary", no_argument, NULL, SUMMARY},
                                            {"apply", no_argument, NULL, APPLY},
                                            {"output", required_argument, NULL, 'o'},
                                            DATASET_COMMON_OPTIONS,
                                            {0}};
    int c;

    while ((c = getopt_long(argc, argv, "o:qh", options, NULL)) >= 0) {
        if (c == 'h')
            return 1;
        int r = take_option(c, ret);
        if (r == 0)
            r = dataset_common_option(c, "review", &ret->common);
        if (r < 0)
            return r;
        if (r == 0) /* getopt has said it */
            return -EINVAL;
    }
    const char *wrong = check_options(ret, argc - optind);
    if (wrong) {
        log_error("braille-dataset review: %s; see --help", tr(wrong));
        return -EINVAL;
    }
    ret->dir = argv[optind];
    return 0;
}

static const char *whoever_is_here(void)
{
    const char *user = getenv("USER");
    const struct passwd *me = user && *user ? NULL : getpwuid(getuid());

    return user && *user ? user : me ? me->pw_name : "unknown";
}

/* ---- the three ways ---- */

static int print_json(json_t *json, struct fail *fail)
{
    const int r = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;

    json_decref(json);
    if (r < 0)
        return -ENOMEM;
    putchar('\n');
    return fflush(stdout) ? fail_set(fail, FAIL_IO, -errno, "cannot write the result: %m") : 0;
}

static json_int_t count(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

static int print_summary(const struct options *o, const struct review *review, struct fail *fail)
{
    json_t *json = review_summary(review);
    const char *name;
    json_t *value;

    if (o->common.json || !json)
        return print_json(json, fail);
    printf("%" JSON_INTEGER_FORMAT " pictures:", count(json, "images"));
    const char *comma = "";
    json_object_foreach(json_object_get(json, "verdicts"), name, value)
    {
        if (json_integer_value(value) > 0) {
            printf("%s %" JSON_INTEGER_FORMAT " %s", comma, json_integer_value(value), name);
            comma = ",";
        }
    }
    if (count(json, "not_judged") > 0)
        printf("%s %" JSON_INTEGER_FORMAT " not judged", comma, count(json, "not_judged"));
    printf("\ndecided: %" JSON_INTEGER_FORMAT " kept (%" JSON_INTEGER_FORMAT
           " with a new label, %" JSON_INTEGER_FORMAT " cut out anew), %" JSON_INTEGER_FORMAT
           " rejected\nunsure and undecided: %" JSON_INTEGER_FORMAT "\n",
           count(json, "kept"), count(json, "relabelled"), count(json, "recropped"),
           count(json, "rejected"), count(json, "unsure_undecided"));
    if (count(json, "for_no_picture") + count(json, "for_another_picture") > 0)
        printf("decisions that do not count, as their pictures are gone or others: "
               "%" JSON_INTEGER_FORMAT "\n",
               count(json, "for_no_picture") + count(json, "for_another_picture"));
    json_decref(json);
    return fflush(stdout) ? fail_set(fail, FAIL_IO, -errno, "cannot write the result: %m") : 0;
}

static int apply(const struct options *o, struct review *review, struct fail *fail)
{
    json_t *json = NULL;

    int r = review_apply(review, o->out, &o->common, &json, fail);
    if (r < 0)
        return r;
    if (o->common.json)
        return print_json(json, fail);
    printf("%s: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " pictures\n", o->out,
           count(json, "kept"), count(json, "images"));
    json_decref(json);
    return 0;
}

/* In a process of its own, twice removed: whoever opens it is not our child to wait for. */
static void open_browser(const char *url)
{
    const pid_t child = fork();

    if (child == 0) {
        if (fork() == 0) {
            dup2(STDERR_FILENO, STDOUT_FILENO);
            execlp("xdg-open", "xdg-open", url, (char *) NULL);
            log_warning("braille-dataset review: cannot run xdg-open; open %s yourself", url);
        }
        _exit(0);
    }
    if (child > 0)
        waitpid(child, NULL, 0);
}

static int tell_address(const struct options *o, const struct http *http, struct fail *fail)
{
    if (o->common.json)
        return print_json(json_pack("{s:s}", "url", http_url(http)), fail);
    printf("%s\n", http_url(http));
    return fflush(stdout) ? fail_set(fail, FAIL_IO, -errno, "cannot write the address: %m") : 0;
}

static int serve(const struct options *o, struct review *review, struct fail *fail)
{
    CLEANUP(session_done) struct session session = {.reviewer = (char *) o->reviewer};
    CLEANUP(http_closep) struct http *http = NULL;

    int r = session_open(&session, review, o->verdicts, o->again, fail);
    if (r == 0)
        r = http_open((uint16_t) o->port, session_answer, &session, &http, fail);
    if (r == 0)
        r = tell_address(o, http, fail);
    if (r < 0)
        return r;
    if (!o->common.quiet)
        fprintf(stderr, "%zu pictures to look at; end with the Done button or Ctrl+C\n",
                session.n_queue);
    if (o->open)
        open_browser(http_url(http));
    r = http_run(http, fail);
    return r < 0 ? r : print_summary(o, review, fail);
}

static int run(const struct options *o, struct fail *fail)
{
    CLEANUP(review_done) struct review review = {0};

    int r = review_open(o->dir, &review, fail);
    if (r < 0)
        return r;
    if (o->summary)
        return print_summary(o, &review, fail);
    return o->apply ? apply(o, &review, fail) : serve(o, &review, fail);
}

int dataset_review(int argc, char **argv)
{
    struct options options = {.verdicts = 1u << BRL_UNSURE, .reviewer = whoever_is_here()};
    struct fail fail = {0};

    int r = parse(argc, argv, &options);
    if (r > 0) {
        fputs(tr(usage), stdout);
        return 0;
    }
    if (r < 0)
        return FAIL_USAGE;
    json_t *name = json_string(options.reviewer); /* it goes into each line: it must be UTF-8 */
    json_decref(name);
    if (!name || strlen(options.reviewer) > 200) {
        log_error("braille-dataset review: the reviewer's name is too long or not UTF-8");
        return FAIL_USAGE;
    }
    dataset_catch_signals();
    return dataset_end("review", run(&options, &fail), &fail);
}
