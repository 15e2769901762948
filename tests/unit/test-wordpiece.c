/* SPDX-License-Identifier: Apache-2.0
 *
 * test-wordpiece CASES: BERT's tokeniser against transformers' on texts of every kind
 * (models/recipes/make_wordpiece_cases.py), cut texts, broken ones and broken vocabularies.
 */
#include "test.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "clip/wordpiece.h"

#include "base/macro.h"

static const char *pieces[200000];

static struct clip_wordpiece *load(const json_t *vocab)
{
    struct clip_wordpiece *w = NULL;
    const char *why = "";
    const size_t n = json_array_size(vocab);

    REQUIRE(n > 5 && n < ELEMENTSOF(pieces));
    for (size_t i = 0; i < n; i++)
        pieces[i] = json_string_value(json_array_get(vocab, i));
    if (clip_wordpiece_new(pieces, n, &w, &why) < 0)
        fprintf(stderr, "%s\n", why);
    REQUIRE(w);
    return w;
}

/* The special ids are at the ends; -1 where a text gives other ids than it should. */
static int check(const struct clip_wordpiece *w, const json_t *pair, uint32_t *ids, unsigned room)
{
    const char *text = json_string_value(json_array_get(pair, 0));
    const json_t *want = json_array_get(pair, 1);
    const size_t n = MIN(json_array_size(want), room - 2);
    bool right;

    ids[room] = 12345; /* nothing is written beyond the room */
    const int got = clip_wordpiece_ids(w, text, ids, room);
    right = got == (int) n + 2 && strcmp(pieces[ids[0]], "[CLS]") == 0 &&
            strcmp(pieces[ids[n + 1]], "[SEP]") == 0 && ids[room] == 12345;
    for (size_t i = 0; right && i < n; i++)
        right = ids[i + 1] == (uint32_t) json_integer_value(json_array_get(want, i));
    if (right)
        return 0;
    fprintf(stderr, "'%s': room %u, %d ids where %zu are wanted:", text, room, got, n + 2);
    for (int i = 0; i < got; i++)
        fprintf(stderr, " %s", pieces[ids[i]]);
    fprintf(stderr, "\n");
    return -1;
}

static void test_cases(const char *path)
{
    static uint32_t ids[100001];
    FILE *f = fopen(path, "re");
    size_t n = 0, bad = 0;

    REQUIRE(f);
    json_t *vocab = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL), *pair;
    struct clip_wordpiece *w = load(vocab);
    REQUIRE(strcmp(pieces[clip_wordpiece_pad(w)], "[PAD]") == 0);
    for (; (pair = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)); json_decref(pair), n++)
        bad += check(w, pair, ids, 100000) < 0 || check(w, pair, ids, 12) < 0 ||
               check(w, pair, ids, 2) < 0;
    printf("%zu texts, %zu wrong\n", n, bad);
    REQUIRE(n > 100 && bad == 0);
    clip_wordpiece_free(w);
    json_decref(vocab);
    fclose(f);
}

static void test_broken(void)
{
    static const char *const good[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##a", "\""};
    static const char *const twice[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##a", "##a"};
    static const char *const lacks[] = {"[PAD]", "[UNK]", "[CLS]", "a", "##a", "b", "c"};
    static const char *const broken[] = {
        "a\xff", "\xc3", "a\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a a a a a a a a \x80"};
    struct clip_wordpiece *w = NULL;
    const char *why = NULL;
    uint32_t ids[8];

    REQUIRE(clip_wordpiece_new(twice, 7, &w, &why) == -EBADMSG && !w && strstr(why, "twice"));
    REQUIRE(clip_wordpiece_new(lacks, 7, &w, &why) == -EBADMSG && !w && strstr(why, "[SEP]"));
    REQUIRE(clip_wordpiece_new(good, 7, &w, &why) == 0);
    for (size_t i = 0; i < ELEMENTSOF(broken); i++)
        REQUIRE(clip_wordpiece_ids(w, broken[i], ids, 4) == -EILSEQ);
    REQUIRE(clip_wordpiece_ids(w, "“a”", ids, 8) == 5 && ids[1] == 6 && ids[2] == 4 && ids[3] == 6);
    clip_wordpiece_free(w);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2);
    test_broken();
    test_cases(argv[1]);
    return 0;
}
