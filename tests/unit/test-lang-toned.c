/* SPDX-License-Identifier: Apache-2.0
 *
 * lang_phones_toned(): every syllable in every tone is made of that lexicon's phones, no two but
 * spellings of one are the same, and what is special about some of them.
 */

#include <errno.h>

#include "lang-util.h"

#include "lang/tables.h"

static const char *const initials[] = {"b", "c", "ch", "d", "f",  "g", "h", "j", "k", "l", "m", "n",
                                       "p", "q", "r",  "s", "sh", "t", "w", "x", "y", "z", "zh"};
static const char *const finals[] = {
    "a",    "ai",  "an",  "ang",  "ao",  "e",   "ei",  "en",   "eng", "er", "i",   "ia", "ian",
    "iang", "iao", "ie",  "ii",   "iii", "in",  "ing", "iong", "iou", "o",  "ong", "ou", "u",
    "ua",   "uai", "uan", "uang", "uei", "uen", "uo",  "v",    "van", "ve", "vn"};

/* The phones of a text, a space between two. */
static void phones_of(const char *pinyin, char *out, size_t size)
{
    struct lang_phone *phones;
    struct fail fail = {0};
    size_t n, used = 0;

    if (lang_phones_toned(pinyin, &phones, &n, &fail) < 0)
        fprintf(stderr, "%s\n", fail.text);
    REQUIRE(fail.kind == FAIL_NONE && n > 0);
    for (size_t i = 0; i < n; i++) {
        REQUIRE(phones[i].tone == 0 && phones[i].position == 0);
        used += (size_t) snprintf(out + used, size - used, "%s%s", i ? " " : "", phones[i].name);
        REQUIRE(used < size);
    }
    free(phones);
}

static bool is_one_of(const char *name, size_t length, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(list[i]) == length && memcmp(list[i], name, length) == 0)
            return true;
    return false;
}

/* "@zh @ong1" or "@a1" */
static void require_phones_of_lexicon(const char *phones, unsigned tone)
{
    const char *space = strchr(phones, ' '), *final = space ? space + 1 : phones;

    REQUIRE(phones[0] == '@' && final[0] == '@' && !strchr(final, ' '));
    REQUIRE(!space ||
            is_one_of(phones + 1, (size_t) (space - phones) - 1, initials, ELEMENTSOF(initials)));
    const size_t n = strlen(final);
    REQUIRE(final[n - 1] == (char) ('0' + tone));
    REQUIRE(is_one_of(final + 1, n - 2, finals, ELEMENTSOF(finals)));
}

static void test_all(void)
{
    static char all[2500][32];
    size_t n = 0;

    REQUIRE(lang_n_bases >= 400 && 5 * lang_n_bases <= ELEMENTSOF(all));
    for (size_t i = 0; i < lang_n_bases; i++)
        for (unsigned tone = 1; tone <= 5; tone++, n++) {
            char pinyin[16];
            snprintf(pinyin, sizeof(pinyin), "%s%u", lang_bases[i].text, tone);
            phones_of(pinyin, all[n], sizeof(all[n]));
            require_phones_of_lexicon(all[n], tone);
            if (strcmp(lang_bases[i].text + 1, "ue") == 0 && strchr("ln", pinyin[0]))
                strcpy(all[n], pinyin); /* lue is lve */
        }
    qsort(all, n, sizeof(all[0]), (int (*)(const void *, const void *)) strcmp);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(all[i - 1], all[i]) == 0)
            fprintf(stderr, "two syllables are %s\n", all[i]);
        REQUIRE(strcmp(all[i - 1], all[i]) != 0);
    }
    printf("%zu syllables\n", n);
}

static void test_cases(void)
{
    static const char *const cases[][2] = {
        {"zhong1guo2", "@zh @ong1 @g @uo2"},
        {"zi4 ci2 si1", "@z @ii4 @c @ii2 @s @ii1"},
        {"zhi1 chi2 shi4 ri4", "@zh @iii1 @ch @iii2 @sh @iii4 @r @iii4"},
        {"yi1 ya2 ye3 you4", "@y @i1 @y @ia2 @y @ie3 @y @iou4"},
        {"yong4 yin1 ying1", "@y @iong4 @y @in1 @y @ing1"},
        {"yu3 yue4 yuan2 yun2", "@y @v3 @y @ve4 @y @van2 @y @vn2"},
        {"ju3 xue2 quan2 jun1", "@j @v3 @x @ve2 @q @van2 @j @vn1"},
        {"lv4 nve4", "@l @v4 @n @ve4"},
        {"wu3 wo3 wei4 wen2", "@w @u3 @w @uo3 @w @uei4 @w @uen2"},
        {"weng1 yo1", "@w @eng1 @y @o1"},
        {"bo1 o2 e4 er4 ang2", "@b @o1 @o2 @e4 @er4 @ang2"},
        {"liu4 gui4 lun2", "@l @iou4 @g @uei4 @l @uen2"},
        {"hua1er5 nv3er2", "@h @ua1 @rr @n @v3 @er2"},
        {"er5", "@er5"},
        {"ma", "@m @a5"},
        {"ni3hao3 ， wo3 。", "@n @i3 @h @ao3 @sp @w @uo3"},
        {"。 ， a1 ， 。 a2 ？ ！", "@a1 @sp @a2"},
        {"“ a1 ” — a2", "@a1 @a2"},
        {"，", "@sp"},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char got[128];
        phones_of(cases[i][0], got, sizeof(got));
        if (strcmp(got, cases[i][1]) != 0)
            fprintf(stderr, "case %zu gives %s\n", i, got);
        REQUIRE(strcmp(got, cases[i][1]) == 0);
    }
}

int main(void)
{
    struct lang_phone *phones = NULL;
    struct fail fail = {0};
    size_t n = 0;

    test_all();
    test_cases();
    REQUIRE(lang_phones_toned("ni3hao3 qqq1", &phones, &n, &fail) == -EINVAL && !phones);
    REQUIRE(fail.kind == FAIL_INPUT && strstr(fail.text, "qqq"));
    return 0;
}
