/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/familycard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "braille/check.h"
#include "braille/cut.h"
#include "manifest/manifest.h"
#include "tools/dataset/jsonl.h"

/* ---- counts ---- */

static int count_set(const char *dir, uint64_t n[FAMILY_N_TYPES], struct fail *fail)
{
    CLEANUP(manifest_closep) struct manifest_reader *reader = NULL;
    struct manifest_record record;

    memset(n, 0, FAMILY_N_TYPES * sizeof(*n));
    int r = manifest_open(dir, &reader, fail);
    while (r >= 0 && (r = manifest_next(reader, &record, fail)) == 1) {
        for (unsigned t = 0; t < FAMILY_N_TYPES; t++)
            if (record.type && strcmp(record.type, family_types[t]) == 0)
                n[t]++;
        manifest_record_done(&record);
    }
    return r;
}

int family_count(char *const dirs[FAMILY_N_SETS], struct family_found *ret, struct fail *fail)
{
    int r = 0;

    for (unsigned set = 0; r == 0 && set < FAMILY_N_SETS; set++)
        r = count_set(dirs[set], ret->n[set], fail);
    return r;
}

unsigned family_compare(const struct family_counts *counts, const struct family_found *found,
                        char off[FAMILY_OFF_BYTES])
{
    unsigned n_off = 0;
    size_t at = 0;

    *off = 0;
    for (unsigned set = 0; set < FAMILY_N_SETS; set++) {
        bool first = true;
        for (unsigned t = 0; t < FAMILY_N_TYPES; t++) {
            const uint64_t is = found->n[set][t];
            const uint64_t wanted =
                family_expected(counts, (enum family_set) set, (enum family_type) t);
            if (is == wanted)
                continue;
            at += (size_t) snprintf(off + at, FAMILY_OFF_BYTES - at, "%s%s%s%llu %s too %s",
                                    first ? (n_off ? "; " : "") : ", ",
                                    first ? family_names[set] : "", first ? ": " : "",
                                    (unsigned long long) (is < wanted ? wanted - is : is - wanted),
                                    family_types[t], is < wanted ? "few" : "many");
            first = false;
        }
        n_off += !first;
    }
    return n_off;
}

/* ---- what cleaning did ---- */

/* Counted from BIT/truth.jsonl and BIT/clean.jsonl, which have a line a picture each. */
struct cleaning {
    uint64_t n, n_bad, bad_rejected, good_rejected, n_redrawn;
    bool known; ///< both lists are there and tell of the same pictures
};

static void count_line(struct cleaning *c, const json_t *truth, const json_t *clean)
{
    const char *fault = jsonl_text(truth, "fault"), *verdict = jsonl_text(clean, "verdict");
    const bool bad = fault && strcmp(fault, brl_fault_names[BRL_FAULT_NONE]) != 0;
    const bool rejected = !verdict || strcmp(verdict, brl_verdict_names[BRL_CLEAN]) != 0;

    c->n++;
    c->n_bad += bad;
    c->bad_rejected += bad && rejected;
    c->good_rejected += !bad && rejected;
    c->n_redrawn += (uint64_t) json_integer_value(json_object_get(truth, "redrawn"));
}

static int count_cleaning(const char *bit, struct cleaning *ret, struct fail *fail)
{
    CLEANUP(jsonl_done) struct jsonl truths = {0}, cleans = {0};
    int r, more;

    *ret = (struct cleaning){.known = true};
    if ((r = jsonl_open(&truths, bit, "truth.jsonl", fail)) < 0 ||
        (more = jsonl_open(&cleans, bit, "clean.jsonl", fail)) < 0)
        return r < 0 ? r : more;
    for (ret->known = r == 1 && more == 1; ret->known;) {
        json_t *truth = NULL, *clean = NULL;
        r = jsonl_next(&truths, &truth, fail);
        more = r < 0 ? r : jsonl_next(&cleans, &clean, fail);
        if (r == 1 && more == 1) {
            const char *a = jsonl_text(truth, "id"), *b = jsonl_text(clean, "id");
            ret->known = a && b && strcmp(a, b) == 0;
            count_line(ret, truth, clean);
        }
        json_decref(truth);
        json_decref(clean);
        if (r < 0 || more < 0)
            return r < 0 ? r : more;
        ret->known = ret->known && r == more;
        if (r == 0)
            break;
    }
    return 0;
}

/* ---- the card ---- */

static void write_sets(FILE *f, const struct family_found *found)
{
    fputs("| set | what | number | spell | punctuation | all |\n|---|---|---|---|---|---|\n", f);
    for (unsigned set = 0; set < FAMILY_N_SETS; set++) {
        const uint64_t *n = found->n[set];
        fprintf(f, "| %s | %s | %llu | %llu | %llu | %llu |\n", family_names[set],
                family_about[set], (unsigned long long) n[0], (unsigned long long) n[1],
                (unsigned long long) n[2], (unsigned long long) (n[0] + n[1] + n[2]));
    }
}

static void write_cleaning(FILE *f, const struct cleaning *c)
{
    if (!c->known)
        return;
    fprintf(f,
            "\n## Cleaning\n\nOf %llu pictures of BIT %llu were cut badly on purpose. `clean`, "
            "which does not see which, rejected %llu of these and %llu of the others; what it said "
            "of each is in BIT/clean.jsonl, what was done to each in BIT/truth.jsonl.\n",
            (unsigned long long) c->n, (unsigned long long) c->n_bad,
            (unsigned long long) c->bad_rejected, (unsigned long long) c->good_rejected);
    if (c->n_redrawn > 0)
        fprintf(f,
                "\nThat is no measure of how well cleaning works: %llu drawings were thrown away "
                "and made anew until `clean` judged them as they were meant (`generate "
                "--checked`), so that the counts come out.\n",
                (unsigned long long) c->n_redrawn);
}

static void write_text(FILE *f, const struct family_recipe *recipe,
                       const struct family_found *found, const struct cleaning *cleaning)
{
    char off[FAMILY_OFF_BYTES];

    fputs("# The BIT family\n\nPictures of Chinese braille and their texts, drawn and not scanned, "
          "made as the paper on BIT describes its sets: numbers, toned syllables and punctuation "
          "marks; cleaned by the rule of dot distances; a twin of each, turned or on other "
          "paper.\n\n",
          f);
    write_sets(f, found);
    if (family_compare(recipe->counts, found, off) == 0)
        fputs("\nThese are the counts that were asked for, exactly.\n", f);
    else
        fprintf(f, "\nNot the counts that were asked for: %s.\n", off);
    fputs("\nEvery set has a split, four fifths for training and one for the test, type by type, "
          "exactly so in BIT and BIT-DC; a picture and its twins lie on one side, the same in "
          "every set. Each folder has a card of its own; report.html shows samples, distances and "
          "what cleaning rejected; `sha256sum -c SHA256SUMS` checks every file.\n",
          f);
    write_cleaning(f, cleaning);
    fputs("\n## Licence\n\nCC0 1.0, pictures and labels: tables of facts, and noise from a seed. "
          "Nobody who trains on them owes a notice.\n"
          "\n## Limits\n\nNothing here was ever printed or scanned: dots, paper and light are "
          "fitted to scans of Chinese books at 200 dpi. Photographs, bent pages and handwriting on "
          "a slate are not in it. All labels are about equally frequent, not as they are in texts. "
          "Try on real pages what you train on this.\n"
          "\n## How it was made\n\n| option | value |\n|---|---|\n| command | build |\n",
          f);
    fprintf(f, "| version | %s |\n| seed | %llu |\n| code | %s |\n| scale | %g |\n",
            BRAILLED_VERSION, (unsigned long long) recipe->seed, recipe->code, recipe->scale);
}

int family_write_card(const char *out, const char *bit, const struct family_recipe *recipe,
                      const struct family_found *found, struct fail *fail)
{
    CLEANUP(file_out_done) struct file_out file = FILE_OUT_INIT;
    CLEANUP_FREE char *path = manifest_path(out, FAMILY_CARD_NAME), *text = NULL;
    struct cleaning cleaning;
    size_t size = 0;

    if (!path)
        return -ENOMEM;
    int r = count_cleaning(bit, &cleaning, fail);
    FILE *f = r == 0 ? open_memstream(&text, &size) : NULL;
    if (!f)
        return r < 0 ? r : -ENOMEM;
    write_text(f, recipe, found, &cleaning);
    const bool failed = ferror(f);
    if (fclose(f) != 0 || failed)
        return -ENOMEM;
    r = file_out_open(&file, path, fail);
    if (r == 0)
        r = file_out_write(&file, text, size, fail);
    return r < 0 ? r : file_out_commit(&file, fail);
}
