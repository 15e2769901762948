/* SPDX-License-Identifier: Apache-2.0 */

#include "import/fastspeech2_phones.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"

static const char *const arpabet[] = {
    "AA*", "AE*", "AH*", "AO*", "AW*", "AY*", "B",   "CH",  "D", "DH", "EH*", "ER*", "EY*",
    "F",   "G",   "HH",  "IH*", "IY*", "JH",  "K",   "L",   "M", "N",  "NG",  "OW*", "OY*",
    "P",   "R",   "S",   "SH",  "T",   "TH",  "UH*", "UW*", "V", "W",  "Y",   "Z",   "ZH"};
static const char *const initials[] = {"b", "c", "ch", "d", "f",  "g", "h", "j", "k", "l", "m", "n",
                                       "p", "q", "r",  "s", "sh", "t", "w", "x", "y", "z", "zh"};
static const char *const finals[] = {
    "a",    "ai",  "an",  "ang",  "ao",  "e",   "ei",  "en",   "eng", "er", "i",   "ia", "ian",
    "iang", "iao", "ie",  "ii",   "iii", "in",  "ing", "iong", "iou", "o",  "ong", "ou", "u",
    "ua",   "uai", "uan", "uang", "uei", "uen", "uo",  "v",    "van", "ve", "vn"};
static const char *const rest[] = {"rr", "sp", "spn", "sil"};

static int add(json_t *list, const char *format, const char *name, int n, char last)
{
    char full[16];

    snprintf(full, sizeof(full), format, n, name, last);
    return json_array_append_new(list, json_string(full));
}

static int add_letters(json_t *list)
{
    static const char letters[] = "_-!'(),.:;? "
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    int r = 0;

    for (const char *c = letters; *c && r == 0; c++)
        r = json_array_append_new(list, json_stringn(c, 1));
    return r;
}

/* "AA*" is AA, AA0, AA1, AA2: a vowel and its stress. */
static int add_arpabet(json_t *list)
{
    int r = 0;

    for (size_t i = 0; i < ELEMENTSOF(arpabet) && r == 0; i++) {
        const int n = (int) strlen(arpabet[i]);
        const bool vowel = arpabet[i][n - 1] == '*';
        r = add(list, "@%.*s", arpabet[i], n - vowel, 0);
        for (char stress = '0'; vowel && stress <= '2' && r == 0; stress++)
            r = add(list, "@%.*s%c", arpabet[i], n - 1, stress);
    }
    return r;
}

json_t *import_fastspeech2_phones(void)
{
    json_t *list = json_array();
    int r = list ? add_letters(list) : -1;

    if (r == 0)
        r = add_arpabet(list);
    for (size_t i = 0; i < ELEMENTSOF(initials) && r == 0; i++)
        r = add(list, "@%.*s", initials[i], 8, 0);
    for (size_t i = 0; i < ELEMENTSOF(finals) && r == 0; i++)
        for (char tone = '1'; tone <= '5' && r == 0; tone++)
            r = add(list, "@%.*s%c", finals[i], 8, tone);
    for (size_t i = 0; i < ELEMENTSOF(rest) && r == 0; i++)
        r = add(list, "@%.*s", rest[i], 8, 0);
    if (r == 0)
        r = json_array_append_new(list, json_string("<unused>"));
    if (r == 0)
        return list;
    json_decref(list);
    return NULL;
}
