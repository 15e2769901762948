/* SPDX-License-Identifier: Apache-2.0
 *
 * A part of SSML 1.1 -> a script. The document comes from anywhere: no document type is taken, so
 * there are no entities but XML's own five, and depth and size are bounded.
 */

#include "lang/ssml.h"

#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "lang/script.h"

enum {
    MAX_DEPTH = 64,
    MAX_BYTES = 64 << 20,
};

enum element {
    ELEMENT_TEXT, ///< its text is spoken, nothing else
    ELEMENT_SENTENCE,
    ELEMENT_PARAGRAPH,
    ELEMENT_PROSODY,
    ELEMENT_SAY_AS,
    ELEMENT_INSTEAD, ///< what it says was said; its text is not
};

struct frame {
    enum element element;
    struct lang_manner manner; ///< of before it
    enum lang_say_as as;       ///< likewise
    bool silent;               ///< likewise
    bool has_contour;
};

struct ssml {
    XML_Parser parser;
    struct lang_script *s;
    struct fail *fail;
    struct frame frames[MAX_DEPTH];
    size_t depth;
    enum lang_say_as as;
    bool silent;            ///< inside something that was said in another way
    struct lang_char *text; ///< that waits to be said
    size_t n, room;
    int r;
};

static void stop(struct ssml *x, int r, const char *what)
{
    if (x->r < 0)
        return;
    x->r = r;
    if (r == -EINVAL)
        fail_set(x->fail, FAIL_INPUT, r, "line %lu of the SSML: %s",
                 (unsigned long) XML_GetCurrentLineNumber(x->parser), what);
    XML_StopParser(x->parser, XML_FALSE);
}

static void stop_value(struct ssml *x, const char *name, const char *value, const char *advice)
{
    char text[256];

    snprintf(text, sizeof(text), "%s=\"%.60s\" is not understood; write %s", name, value, advice);
    stop(x, -EINVAL, text);
}

static void unsaid(struct ssml *x, const char *format, const char *a, const char *b)
{
    char name[128];

    const int n = snprintf(name, sizeof(name), format, a, b);
    lang_script_unsaid(x->s, name, MIN((size_t) n, sizeof(name) - 1));
}

static const char *attribute(const char **attributes, const char *name)
{
    for (; *attributes; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return NULL;
}

/* ---- text ---- */

/* Line breaks of the document are blanks, and nothing between two Hanzi. */
static size_t join_lines(struct lang_char *text, size_t n)
{
    size_t out = 0;

    for (size_t i = 0; i < n;) {
        size_t blank = 0;
        bool line = false;
        while (i + blank < n && strchr(" \t\n", (int) MIN(text[i + blank].c, 0x7Fu)) &&
               text[i + blank].c != 0)
            line |= text[i + blank++].c == '\n';
        if (blank == 0) {
            text[out++] = text[i++];
            continue;
        }
        const bool hanzi =
            out > 0 && text[out - 1].c >= 0x2E80 && i + blank < n && text[i + blank].c >= 0x2E80;
        if (!line || !hanzi) {
            text[out] = text[i];
            text[out++].c = ' ';
        }
        i += blank;
    }
    return out;
}

/* Say what waits. */
static void flush(struct ssml *x)
{
    if (x->n > 0)
        lang_text_say(x->s, x->text, join_lines(x->text, x->n), x->as);
    x->n = 0;
}

static void add_char(struct ssml *x, uint32_t c, size_t offset, size_t n_bytes)
{
    if (x->n == x->room) {
        const size_t room = x->room * 2 + 256;
        struct lang_char *text = reallocarray(x->text, room, sizeof(*text));
        if (!text) {
            stop(x, -ENOMEM, NULL);
            return;
        }
        x->text = text;
        x->room = room;
    }
    x->text[x->n++] = (struct lang_char){c, (uint32_t) n_bytes, offset};
}

/* Characters, of which those of an entity share its place. */
static void add_text(struct ssml *x, const char *text, size_t n, size_t offset, size_t n_bytes)
{
    const bool same = n == n_bytes;
    uint32_t c;

    for (size_t at = 0, length; at < n && x->r == 0; at += length) {
        length = lang_utf8_read(text + at, &c);
        if (length == 0 || at + length > n) {
            stop(x, -EINVAL, "its text is no UTF-8; convert it, as with iconv -f GBK");
            return;
        }
        add_char(x, c, same ? offset + at : offset, same ? length : n_bytes);
    }
}

static void on_text(void *userdata, const char *text, int n)
{
    struct ssml *x = userdata;

    if (!x->silent && x->r == 0)
        add_text(x, text, (size_t) n, (size_t) XML_GetCurrentByteIndex(x->parser),
                 (size_t) XML_GetCurrentByteCount(x->parser));
}

/* ---- elements ---- */

static void check_lang(struct ssml *x, const char *element, const char **attributes)
{
    const char *lang = attribute(attributes, "xml:lang");

    if (lang && strncmp(lang, "zh", 2) != 0 && strncmp(lang, "cmn", 3) != 0)
        unsaid(x, "<%s xml:lang=%s>", element, lang);
}

static void set_factor(struct ssml *x, const char **attributes, const char *name,
                       enum lang_ssml_value (*read)(const char *, double *), const char *advice,
                       double *factor, double least, double most)
{
    const char *text = attribute(attributes, name);
    double v = 1;

    if (!text)
        return;
    const enum lang_ssml_value kind = read(text, &v);
    if (kind == LANG_SSML_WRONG)
        stop_value(x, name, text, advice);
    else if (kind == LANG_SSML_UNSAID)
        unsaid(x, "%s=%s", name, text);
    else
        *factor = MIN(MAX(*factor * v, least), most);
}

static bool begin_contour(struct ssml *x, const char *text)
{
    struct lang_script *s = x->s;
    struct lang_contour contour = {.first = s->pieces.n, .end = s->pieces.n};
    const enum lang_ssml_value kind = lang_ssml_contour(text, contour.points, &contour.n);

    if (kind == LANG_SSML_WRONG) {
        stop_value(x, "contour", text, "up to 8 points in order, as in (0%,+10%) (100%,-2st)");
        return false;
    }
    if (kind == LANG_SSML_UNSAID) {
        unsaid(x, "%s=%s", "contour", text);
        return false;
    }
    struct lang_contour *contours = reallocarray(s->contours, s->n_contours + 1, sizeof(*contours));
    if (!contours) {
        stop(x, -ENOMEM, NULL);
        return false;
    }
    s->contours = contours;
    contours[s->n_contours++] = contour;
    s->manner.contour = (unsigned) s->n_contours;
    return true;
}

static void begin_prosody(struct ssml *x, struct frame *f, const char **attributes)
{
    struct lang_manner *m = &x->s->manner;
    const char *contour = attribute(attributes, "contour");

    f->element = ELEMENT_PROSODY;
    set_factor(x, attributes, "rate", lang_ssml_rate, "80%, +20%, slow, medium, fast", &m->rate,
               0.25, 4);
    set_factor(x, attributes, "pitch", lang_ssml_pitch, "+10%, -2st, low, medium, high", &m->pitch,
               0.5, 2);
    set_factor(x, attributes, "volume", lang_ssml_volume, "+6dB, 50%, soft, medium, loud",
               &m->volume, 0, 4);
    for (const char **a = attributes; *a; a += 2)
        if (strcmp(*a, "range") == 0 || strcmp(*a, "duration") == 0)
            unsaid(x, "<prosody %s=%s>", a[0], a[1]);
    lang_script_flush(x->s);
    if (contour && x->r == 0)
        f->has_contour = begin_contour(x, contour);
    lang_script_cut(x->s);
}

static void begin_say_as(struct ssml *x, struct frame *f, const char **attributes)
{
    static const struct {
        const char *text;
        enum lang_say_as as;
    } kinds[] = {
        {"cardinal", LANG_SAY_CARDINAL},
        {"number", LANG_SAY_CARDINAL},
        {"ordinal", LANG_SAY_ORDINAL},
        {"digits", LANG_SAY_DIGITS},
        {"telephone", LANG_SAY_TELEPHONE},
        {"characters", LANG_SAY_CHARACTERS},
        {"spell-out", LANG_SAY_CHARACTERS},
        {"verbatim", LANG_SAY_CHARACTERS},
        {"date", LANG_SAY_DATE},
        {"time", LANG_SAY_TIME},
        {"fraction", LANG_SAY_FRACTION},
        {"unit", LANG_SAY_UNIT},
    };
    const char *kind = attribute(attributes, "interpret-as");

    f->element = ELEMENT_SAY_AS;
    if (!kind) {
        stop(x, -EINVAL, "<say-as> needs interpret-as, as in interpret-as=\"digits\"");
        return;
    }
    for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
        if (strcmp(kinds[i].text, kind) == 0) {
            x->as = kinds[i].as;
            return;
        }
    unsaid(x, "<say-as interpret-as=%s>%s", kind, "");
}

static void begin_phoneme(struct ssml *x, struct frame *f, const char **attributes, size_t offset,
                          size_t n_bytes)
{
    const char *alphabet = attribute(attributes, "alphabet"), *ph = attribute(attributes, "ph");
    struct lang_pieces pieces;
    struct fail fail = {0};

    if (!ph) {
        stop(x, -EINVAL, "<phoneme> needs ph, as in ph=\"ni3 hao3\"");
        return;
    }
    if (!alphabet || (strcmp(alphabet, "x-pinyin") != 0 && strcmp(alphabet, "pinyin") != 0)) {
        unsaid(x, "<phoneme alphabet=%s>%s", alphabet ? alphabet : "ipa", "");
        return;
    }
    if (lang_pieces_read(ph, &pieces, &fail) < 0) {
        stop(x, -EINVAL, fail.text);
        return;
    }
    lang_pieces_done(&pieces);
    lang_script_say(x->s, ph, offset, n_bytes, LANG_WORD_PLAIN, 0);
    f->element = ELEMENT_INSTEAD;
    x->silent = true;
}

static void begin_sub(struct ssml *x, struct frame *f, const char **attributes, size_t offset,
                      size_t n_bytes)
{
    const char *alias = attribute(attributes, "alias");

    if (!alias) {
        stop(x, -EINVAL, "<sub> needs alias, the text that is said instead");
        return;
    }
    f->element = ELEMENT_INSTEAD;
    x->silent = true;
    /* all of it stands for the element */
    for (size_t at = 0, length; alias[at] && x->r == 0; at += length) {
        uint32_t c;
        length = lang_utf8_read(alias + at, &c);
        if (length == 0)
            stop(x, -EINVAL, "its text is no UTF-8; convert it, as with iconv -f GBK");
        else
            add_char(x, c, offset, n_bytes);
    }
}

static void say_break(struct ssml *x, const char **attributes)
{
    const char *time = attribute(attributes, "time"), *strength = attribute(attributes, "strength");
    double pause_s = 0;

    if (lang_ssml_strength(strength ? strength : "medium", &pause_s) != LANG_SSML_GOOD)
        stop_value(x, "strength", strength, "none, weak, medium or strong");
    else if (time && lang_ssml_time(time, &pause_s) != LANG_SSML_GOOD)
        stop_value(x, "time", time, "up to 60s, as in 500ms");
    else
        lang_script_break(x->s, pause_s);
}

static void say_mark(struct ssml *x, const char **attributes)
{
    const char *name = attribute(attributes, "name");

    if (name)
        lang_script_mark(x->s, name);
    else
        stop(x, -EINVAL, "<mark> needs a name");
}

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

/* Elements that are not spoken but act. */
static void begin_element(struct ssml *x, struct frame *f, const char *name,
                          const char **attributes)
{
    static const char *const texts[] = {"speak", "lang", "token", "w", NULL};
    static const char *const notes[] = {"metadata", "meta", "desc", NULL};
    const size_t offset = (size_t) XML_GetCurrentByteIndex(x->parser);
    const size_t n_bytes = (size_t) XML_GetCurrentByteCount(x->parser);

    if (strcmp(name, "p") == 0) {
        f->element = ELEMENT_PARAGRAPH;
        lang_script_paragraph(x->s);
    } else if (strcmp(name, "s") == 0) {
        f->element = ELEMENT_SENTENCE;
    } else if (strcmp(name, "prosody") == 0) {
        begin_prosody(x, f, attributes);
    } else if (strcmp(name, "say-as") == 0) {
        begin_say_as(x, f, attributes);
    } else if (strcmp(name, "phoneme") == 0) {
        begin_phoneme(x, f, attributes, offset, n_bytes);
    } else if (strcmp(name, "sub") == 0) {
        begin_sub(x, f, attributes, offset, n_bytes);
    } else if (strcmp(name, "break") == 0) {
        say_break(x, attributes);
    } else if (strcmp(name, "mark") == 0) {
        say_mark(x, attributes);
    } else if (is_one_of(name, notes)) {
        f->element = ELEMENT_INSTEAD;
        x->silent = true;
    } else if (!is_one_of(name, texts)) {
        unsaid(x, "<%.60s>%s", name, "");
    }
}

static void on_begin(void *userdata, const char *name, const char **attributes)
{
    struct ssml *x = userdata;

    if (x->r < 0)
        return;
    if (x->depth == 0 && strcmp(name, "speak") != 0) {
        stop(x, -EINVAL, "it begins with another element; SSML begins with <speak>");
        return;
    }
    if (x->depth == MAX_DEPTH) {
        stop(x, -EINVAL, "more than 64 elements lie in each other; write it flatter");
        return;
    }
    struct frame *f = &x->frames[x->depth++];
    *f = (struct frame){ELEMENT_TEXT, x->s->manner, x->as, x->silent, false};
    if (x->silent)
        return;
    check_lang(x, name, attributes);
    if (strcmp(name, "lang") != 0)
        flush(x);
    begin_element(x, f, name, attributes);
}

static void on_end(void *userdata, const char *name)
{
    struct ssml *x = userdata;

    if (x->r < 0)
        return;
    struct frame *f = &x->frames[--x->depth];
    if (f->silent)
        return;
    if (strcmp(name, "lang") != 0)
        flush(x);
    const size_t here = (size_t) XML_GetCurrentByteIndex(x->parser);
    if (f->element == ELEMENT_SENTENCE || f->element == ELEMENT_PARAGRAPH) {
        lang_script_pause(x->s, "。", true, here, 0);
        lang_script_flush(x->s);
    }
    if (f->has_contour)
        x->s->contours[x->s->manner.contour - 1].end = x->s->pieces.n;
    x->s->manner = f->manner;
    x->as = f->as;
    x->silent = f->silent;
    if (f->element == ELEMENT_PROSODY)
        lang_script_cut(x->s);
}

static void on_doctype(void *userdata, const char *name, const char *system, const char *public,
                       int internal)
{
    stop(userdata, -EINVAL, "a document type is not taken; leave out <!DOCTYPE …>");
}

int lang_ssml_say(struct lang_script *s, const char *xml, struct fail *fail)
{
    struct ssml x = {.s = s, .fail = fail};
    const size_t n = strlen(xml);

    if (n > MAX_BYTES)
        return fail_set(fail, FAIL_INPUT, -EINVAL, "the SSML is longer than 64 MiB; cut it");
    x.parser = XML_ParserCreate("UTF-8");
    if (!x.parser)
        return -ENOMEM;
    XML_SetUserData(x.parser, &x);
    XML_SetElementHandler(x.parser, on_begin, on_end);
    XML_SetCharacterDataHandler(x.parser, on_text);
    XML_SetStartDoctypeDeclHandler(x.parser, on_doctype);
    if (XML_Parse(x.parser, xml, (int) n, XML_TRUE) != XML_STATUS_OK && x.r == 0) {
        const enum XML_Error error = XML_GetErrorCode(x.parser);
        if (error == XML_ERROR_NO_MEMORY)
            x.r = -ENOMEM;
        else
            stop(&x, -EINVAL, XML_ErrorString(error));
    }
    XML_ParserFree(x.parser);
    free(x.text);
    return x.r;
}
