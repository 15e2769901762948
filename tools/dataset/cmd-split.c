/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset split: pictures for training, test and validation, so that nothing that was made
 * from one picture lies on two sides.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tools/dataset/card.h"
#include "tools/dataset/dataset.h"
#include "tools/dataset/draw.h"
#include "tools/dataset/groups.h"

#define MAX_LIKE 16
#define MAX_NAMED 20 ///< leaks that are named one by one

struct split_options {
    struct dataset_common common;
    const char *dir, *like[MAX_LIKE];
    unsigned n_like;
    double test, val;
    bool check;
};

/* The pictures of one group, which go to one side together. */
struct lot {
    uint64_t key;  ///< its place in the queue
    uint32_t root; ///< its first record
    uint32_t size;
};

struct split {
    const struct split_options *o;
    struct groups groups;
    struct groups_sides sides; ///< of the sets that it must agree with
    struct lot *lots;          ///< owned, in the order of the lot
    size_t n_lots;
    uint32_t *next;                          ///< owned, [groups.n]: the group's next record
    size_t total[GROUPS_MAX_TYPES];          ///< pictures
    size_t count[N_SIDES][GROUPS_MAX_TYPES]; ///< of them on each side
    size_t n_leaks, n_without;               ///< groups on two sides; pictures on none
};

/* ---- the lot ---- */

static int by_key(const void *a, const void *b)
{
    const struct lot *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : x->root < y->root ? -1 : 1;
}

/* One lot a group. Its place follows from the picture that the group began with, which twins have
 * in common in every set. */
static int draw_lots(struct split *s)
{
    const struct groups *g = &s->groups;
    CLEANUP_FREE uint64_t *best = malloc((g->n + 1) * sizeof(*best)); /* by root */

    s->lots = calloc(g->n + 1, sizeof(*s->lots));
    if (!best || !s->lots)
        return -ENOMEM;
    memset(best, 0xff, (g->n + 1) * sizeof(*best));
    for (size_t i = 0; i < g->n; i++) {
        const struct groups_item *item = &g->items[i];
        struct random lot = draw_of_hash(s->o->common.seed, item->top);
        const uint64_t key = random_next(&lot);
        if (!item->has_parent_here && key < best[item->root])
            best[item->root] = key;
    }
    for (size_t i = 0; i < g->n; i++) {
        s->total[g->items[i].type]++;
        s->lots[g->items[i].root].size++;
    }
    for (size_t i = 0; i < g->n; i++)
        if (s->lots[i].size > 0)
            s->lots[s->n_lots++] = (struct lot){best[i], (uint32_t) i, s->lots[i].size};
    qsort(s->lots, s->n_lots, sizeof(*s->lots), by_key);
    return 0;
}

/* Each record's next one of its group, the root first; the last one's is itself. */
static int chain_members(struct split *s)
{
    const struct groups *g = &s->groups;

    s->next = calloc(g->n + 1, sizeof(*s->next));
    if (!s->next)
        return -ENOMEM;
    for (size_t i = 0; i < g->n; i++)
        s->next[i] = (uint32_t) i;
    for (size_t i = g->n; i-- > 0;) {
        const uint32_t root = g->items[i].root;
        if (i != root) {
            s->next[i] = s->next[root] == root ? (uint32_t) i : s->next[root];
            s->next[root] = (uint32_t) i;
        }
    }
    return 0;
}

#define FOR_EACH_MEMBER(i, s, root)                                                                \
    for (uint32_t i = (root), last_ = UINT32_MAX; i != last_; last_ = i, i = (s)->next[i])

/* ---- who goes where ---- */

static void put(struct split *s, const struct lot *lot, enum groups_side side)
{
    FOR_EACH_MEMBER(i, s, lot->root)
    {
        s->groups.items[i].side = (uint8_t) side;
        s->count[side][s->groups.items[i].type]++;
    }
}

/* Is there room for all of its pictures, type by type? */
static bool fits(struct split *s, const struct lot *lot, enum groups_side side,
                 const size_t most[GROUPS_MAX_TYPES])
{
    bool fit = true;

    FOR_EACH_MEMBER(i, s, lot->root)
    {
        const unsigned type = s->groups.items[i].type;
        fit = ++s->count[side][type] <= most[type] && fit;
    }
    FOR_EACH_MEMBER(i, s, lot->root)
    s->count[side][s->groups.items[i].type]--;
    return fit;
}

static void fill(struct split *s, enum groups_side side, double share)
{
    size_t most[GROUPS_MAX_TYPES];

    for (unsigned type = 0; type < GROUPS_MAX_TYPES; type++)
        most[type] = (size_t) floor((double) s->total[type] * share + 0.5);
    for (size_t k = 0; k < s->n_lots; k++)
        if (s->groups.items[s->lots[k].root].side == SIDE_NONE && fits(s, &s->lots[k], side, most))
            put(s, &s->lots[k], side);
    for (unsigned type = 0; type < s->groups.n_types; type++)
        if (s->count[side][type] != most[type])
            log_warning("braille-dataset split: %s: %zu of %zu %s pictures: the others lie in "
                        "groups that do not fit, or their side is given",
                        groups_side_names[side], s->count[side][type], most[type],
                        s->groups.types[type]);
}

/* The side that a group has in the other sets; bits of more than one are a leak. */
static unsigned elsewhere(const struct split *s, const struct lot *lot)
{
    unsigned bits = 0;

    FOR_EACH_MEMBER(i, s, lot->root)
    bits |= s->groups.elsewhere[i];
    return bits;
}

static bool more_than_one(unsigned bits)
{
    return bits & (bits - 1);
}

static int assign(struct split *s, struct fail *fail)
{
    for (size_t i = 0; i < s->groups.n; i++)
        s->groups.items[i].side = SIDE_NONE;
    for (size_t k = 0; k < s->n_lots; k++) {
        const unsigned bits = elsewhere(s, &s->lots[k]);
        if (more_than_one(bits))
            return fail_set(fail, FAIL_INPUT, -EBADMSG,
                            "a picture (record %u) has kin on two sides of the --like sets; check "
                            "them with --check",
                            s->lots[k].root + 1);
        if (bits)
            put(s, &s->lots[k], (enum groups_side) __builtin_ctz(bits));
    }
    fill(s, SIDE_TEST, s->o->test);
    if (s->o->val > 0)
        fill(s, SIDE_VAL, s->o->val);
    for (size_t k = 0; k < s->n_lots; k++)
        if (s->groups.items[s->lots[k].root].side == SIDE_NONE)
            put(s, &s->lots[k], SIDE_TRAIN);
    return 0;
}

/* ---- the second pass ---- */

static int write_sides(struct split *s, struct fail *fail)
{
    CLEANUP(manifest_closep) struct manifest_reader *reader = NULL;
    CLEANUP(manifest_writer_freep) struct manifest_writer *writer = NULL;
    struct manifest_record record;
    size_t i = 0;

    int r = manifest_open(s->o->dir, &reader, fail);
    if (r == 0)
        r = manifest_create(s->o->dir, MANIFEST_NAME, &writer, fail);
    while (r >= 0 && (r = manifest_next(reader, &record, fail)) == 1) {
        const struct groups_item *item = i < s->groups.n ? &s->groups.items[i++] : NULL;
        if (!item || draw_hash(record.id) != item->id)
            r = fail_set(fail, FAIL_INPUT, -EAGAIN, "'%s' was changed by somebody else meanwhile",
                         s->o->dir);
        else
            r = manifest_set(&record.split, groups_side_names[item->side]);
        if (r == 0)
            r = manifest_add(writer, &record, fail);
        if (r == 0)
            r = dataset_interrupted(fail);
        manifest_record_done(&record);
    }
    return r < 0 ? r : manifest_commit(writer, fail);
}

/* ---- the card ---- */

#define CARD_HEAD "\n## Split\n"

static void write_section(const struct split *s, FILE *f)
{
    fputs(CARD_HEAD "\nA picture and everything made from it lie on one side.\n\n| split |", f);
    for (unsigned t = 0; t < s->groups.n_types; t++)
        fprintf(f, " %s |", s->groups.types[t]);
    fputs("\n|---|", f);
    for (unsigned t = 0; t < s->groups.n_types; t++)
        fputs("---|", f);
    for (unsigned side = SIDE_TRAIN; side < N_SIDES; side++) {
        if (side == SIDE_VAL && !(s->o->val > 0))
            continue;
        fprintf(f, "\n| %s |", groups_side_names[side]);
        for (unsigned t = 0; t < s->groups.n_types; t++)
            fprintf(f, " %zu |", s->count[side][t]);
    }
    fprintf(f, "\n\nMade by `braille-dataset split`, seed %llu.\n",
            (unsigned long long) s->o->common.seed);
}

/* The set's card gets a section, in the place of an earlier one. A set without a card stays so. */
static int write_card(const struct split *s, struct fail *fail)
{
    CLEANUP(file_out_done) struct file_out out = FILE_OUT_INIT;
    CLEANUP_FREE char *path = manifest_path(s->o->dir, "card.md"), *text = NULL;
    CLEANUP_FREE uint8_t *card = NULL;
    size_t size = 0;

    if (!path)
        return -ENOMEM;
    if (access(path, F_OK) < 0)
        return 0;
    int r = file_read(path, CARD_MAX_BYTES, &card, &size, fail);
    FILE *f = r == 0 ? open_memstream(&text, &size) : NULL;
    if (!f)
        return r < 0 ? r : -ENOMEM;
    char *old = strstr((char *) card, CARD_HEAD);
    if (old)
        *old = 0;
    fputs((char *) card, f);
    write_section(s, f);
    if (fclose(f) != 0)
        return -ENOMEM;
    r = file_out_open(&out, path, fail);
    if (r == 0)
        r = file_out_write(&out, text, size, fail);
    return r < 0 ? r : file_out_commit(&out, fail);
}

/* ---- check ---- */

/* Number the groups on two sides from 1. */
static void find_leaks(struct split *s, uint32_t *leak_of)
{
    for (size_t k = 0; k < s->n_lots; k++) {
        unsigned bits = elsewhere(s, &s->lots[k]);
        FOR_EACH_MEMBER(i, s, s->lots[k].root)
        {
            const struct groups_item *item = &s->groups.items[i];
            if (item->side != SIDE_NONE)
                bits |= 1u << item->side;
            else
                s->n_without++;
            s->count[item->side][item->type]++;
        }
        if (!more_than_one(bits))
            continue;
        s->n_leaks++;
        FOR_EACH_MEMBER(i, s, s->lots[k].root)
        leak_of[i] = (uint32_t) s->n_leaks;
    }
}

/* Only the hashes of the names were kept: read them again. */
static int name_leaks(const struct split *s, const uint32_t *leak_of, struct fail *fail)
{
    CLEANUP(manifest_closep) struct manifest_reader *reader = NULL;
    struct manifest_record record;
    size_t i = 0;

    int r = s->n_leaks ? manifest_open(s->o->dir, &reader, fail) : 0;
    while (reader && r >= 0 && (r = manifest_next(reader, &record, fail)) == 1) {
        if (i < s->groups.n && leak_of[i] && leak_of[i] <= MAX_NAMED)
            fprintf(stderr, tr("leak %u: %s is on the side %s%s%s\n"), leak_of[i], record.id,
                    record.split ? record.split : "(none)", record.parent ? ", made from " : "",
                    record.parent ? record.parent : "");
        i++;
        manifest_record_done(&record);
    }
    if (s->n_leaks > MAX_NAMED)
        fprintf(stderr, tr("and %zu more\n"), s->n_leaks - MAX_NAMED);
    return r;
}

static int check(struct split *s, struct fail *fail)
{
    CLEANUP_FREE uint32_t *leak_of = calloc(s->groups.n + 1, sizeof(*leak_of));

    if (!leak_of)
        return -ENOMEM;
    find_leaks(s, leak_of);
    return name_leaks(s, leak_of, fail);
}

static int verdict(const struct split *s, struct fail *fail)
{
    if (s->n_without == s->groups.n && s->groups.n > 0)
        return fail_set(fail, FAIL_OTHER, -ENODATA, "'%s' has no split yet", s->o->dir);
    if (s->n_leaks > 0)
        return fail_set(fail, FAIL_OTHER, -EBADMSG,
                        "'%s': %zu %s of pictures that belong together on two sides", s->o->dir,
                        s->n_leaks, s->n_leaks == 1 ? "group" : "groups");
    if (s->n_without > 0)
        return fail_set(fail, FAIL_OTHER, -ENODATA, "'%s': %zu pictures are on no side", s->o->dir,
                        s->n_without);
    return 0;
}

/* ---- what came of it ---- */

static json_t *figures(const struct split *s)
{
    json_t *sides = json_object();

    for (unsigned side = SIDE_TRAIN; side < N_SIDES; side++) {
        json_t *types = json_object();
        for (unsigned t = 0; t < s->groups.n_types; t++)
            if (s->count[side][t] > 0)
                json_object_set_new(types, s->groups.types[t],
                                    json_integer((json_int_t) s->count[side][t]));
        if (json_object_size(types) > 0)
            json_object_set(sides, groups_side_names[side], types);
        json_decref(types);
    }
    return json_pack("{s:i, s:i, s:o, s:i, s:i}", "pictures", (int) s->groups.n, "groups",
                     (int) s->n_lots, "sides", sides, "leaks", (int) s->n_leaks, "without",
                     (int) s->n_without);
}

static int tell(const struct split *s)
{
    if (s->o->common.json) {
        json_t *object = figures(s);
        const int r = object ? json_dumpf(object, stdout, JSON_COMPACT) : -1;
        json_decref(object);
        return r < 0 || putchar('\n') < 0 ? -EIO : 0;
    }
    for (unsigned side = SIDE_TRAIN; side < N_SIDES && !s->o->common.quiet; side++)
        for (unsigned t = 0; t < s->groups.n_types; t++)
            if (s->count[side][t] > 0)
                fprintf(stderr, "%s: %zu %s\n", groups_side_names[side], s->count[side][t],
                        s->groups.types[t]);
    return 0;
}

static int load(struct split *s, struct fail *fail)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < s->o->n_like; i++)
        r = groups_sides_add(&s->sides, s->o->like[i], fail);
    if (r == 0)
        r = groups_load(&s->groups, s->o->dir, &s->sides, fail);
    if (r == 0)
        r = chain_members(s);
    if (r == 0)
        r = draw_lots(s);
    for (size_t i = 0; r == 0 && i < s->groups.n && !s->o->check && !s->o->common.force; i++)
        if (s->groups.items[i].side != SIDE_NONE)
            r = fail_set(fail, FAIL_CREATE, -EEXIST,
                         "'%s' has a split already; --check looks for leaks, --force makes it anew",
                         s->o->dir);
    return r;
}

static int split(const struct split_options *o, struct fail *fail)
{
    struct split s = {.o = o};

    int r = load(&s, fail);
    if (r == 0)
        r = o->check ? check(&s, fail) : assign(&s, fail);
    if (r == 0 && !o->check)
        r = write_card(&s, fail);
    if (r == 0 && !o->check)
        r = write_sides(&s, fail);
    if (r == 0)
        r = tell(&s);
    if (r == 0 && o->check)
        r = verdict(&s, fail);
    groups_done(&s.groups);
    groups_sides_done(&s.sides);
    free(s.lots);
    free(s.next);
    return r;
}

/* ---- options ---- */

static const char help[] = N_(
    "usage: braille-dataset split DIR [OPTIONS]\n\n"
    "Put each picture of the set DIR on a side, train, test or val, type by type in the same\n"
    "shares. A picture and everything that was made from it go to one side, and so do a file\n"
    "under two names and what clean.jsonl calls duplicates.\n\n"
    "      --test SHARE         of the pictures for the test (0.2)\n"
    "      --val SHARE          and for validation (0)\n"
    "      --like DIR           what is in that set too, or has kin in it, goes to the side that\n"
    "                           it has there; may be repeated\n"
    "      --check              change nothing; name the leaks of the split that is "
    "there\n");

enum { TEST = DATASET_OWN, VAL, LIKE, CHECK };

static int parse_share(double *ret)
{
    if (strcmp(optarg, "0") == 0) {
        *ret = 0;
        return 0;
    }
    return dataset_parse_number(optarg, 1, ret);
}

static int parse_option(int c, void *ctx)
{
    struct split_options *o = ctx;
    int r = dataset_common_option(c, "split", &o->common);

    if (r != 0)
        return r < 0 ? r : 0;
    switch (c) {
    case TEST:
        r = parse_share(&o->test);
        break;
    case VAL:
        r = parse_share(&o->val);
        break;
    case LIKE:
        if (o->n_like < MAX_LIKE)
            o->like[o->n_like++] = optarg;
        else
            r = -EINVAL;
        break;
    case CHECK:
        o->check = true;
        break;
    default:
        return -EINVAL;
    }
    if (r < 0)
        log_error("braille-dataset split: '%s' does not fit its option; see --help", optarg);
    return r;
}

/* 0, 1: help was printed, or -EINVAL. */
static int parse_all(int argc, char **argv, struct split_options *o)
{
    static const struct option options[] = {{"test", required_argument, NULL, TEST},
                                            {"val", required_argument, NULL, VAL},
                                            {"like", required_argument, NULL, LIKE},
                                            {"check", no_argument, NULL, CHECK},
                                            DATASET_COMMON_OPTIONS,
                                            {0}};

    int r = dataset_parse_options(argc, argv, options, help, parse_option, o);
    if (r != 0)
        return r;
    if (optind != argc - 1) {
        dataset_print_help(stderr, help);
        return -EINVAL;
    }
    if (o->test + o->val > 1) {
        log_error("braille-dataset split: --test and --val are more than all pictures together");
        return -EINVAL;
    }
    o->dir = argv[optind];
    return 0;
}

int dataset_split(int argc, char **argv)
{
    struct split_options o = {.common = DATASET_COMMON, .test = 0.2};
    struct fail fail = {0};

    int r = parse_all(argc, argv, &o);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    dataset_catch_signals();
    return dataset_end("split", split(&o, &fail), &fail);
}
