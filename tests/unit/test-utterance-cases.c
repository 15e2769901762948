/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said for what is written: the files of tests/data/text, each named as an argument. A case
 * begins with "- text: ", "- ssml: " or "- pinyin: " and has "  said: ", and where it fits
 * "  unsaid: ", or "  error: ", a part of the message. "\n" stands for a line end; blanks between
 * syllables do not count.
 */

#include "lang/utterance.h"

#include "lang-util.h"

struct one {
    enum lang_input input;
    char *text, *said, *unsaid, *error; ///< owned; NULL: not in the case
    unsigned line;
};

static void done(struct one *c)
{
    free(c->text);
    free(c->said);
    free(c->unsaid);
    free(c->error);
    *c = (struct one){0};
}

/* All spans, without blanks. */
static char *joined(const struct lang_utterance *u)
{
    char *out = calloc(1, 1);
    size_t n = 0;

    for (size_t i = 0; i < u->n; i++) {
        out = realloc(out, n + strlen(u->spans[i].pinyin) + 1);
        REQUIRE(out);
        for (const char *p = u->spans[i].pinyin; *p; p++)
            if (*p != ' ')
                out[n++] = *p;
        out[n] = 0;
    }
    return out;
}

static void squeeze(char *text)
{
    char *to = text;

    for (const char *p = text; *p; p++)
        if (*p != ' ')
            *to++ = *p;
    *to = 0;
}

/* Whether the case holds; what is wrong is told. */
static bool check(const char *file, struct one *c)
{
    struct lang_utterance u = {0};
    struct fail fail = {0};
    bool good = true;

    REQUIRE(c->error || c->said);
    const int r = lang_utterance(c->text, c->input, false, 32, &u, &fail);
    if (c->error) {
        good = r < 0 && fail.kind == FAIL_INPUT && strstr(fail.text, c->error);
        if (!good)
            fprintf(stderr, "%s:%u: %s: no error of \"%s\" but \"%s\"\n", file, c->line, c->text,
                    c->error, r < 0 ? fail.text : "none");
    } else if (r < 0) {
        good = false;
        fprintf(stderr, "%s:%u: %s: %s\n", file, c->line, c->text, fail.text);
    } else {
        char *said = joined(&u);
        squeeze(c->said);
        good = strcmp(said, c->said) == 0 &&
               strcmp(u.unsaid ? u.unsaid : "", c->unsaid ? c->unsaid : "") == 0;
        if (!good)
            fprintf(stderr, "%s:%u: %s\n  said   %s (%s)\n  should %s (%s)\n", file, c->line,
                    c->text, said, u.unsaid ? u.unsaid : "", c->said, c->unsaid ? c->unsaid : "");
        free(said);
    }
    for (size_t i = 0; i < u.n; i++)
        REQUIRE(u.spans[i].offset + u.spans[i].n_bytes <= strlen(c->text));
    lang_utterance_done(&u);
    return good;
}

/* The value behind "key: ", with its line ends. */
static char *value_of(const char *text)
{
    char *out = strdup(text), *to = out;

    REQUIRE(out);
    for (const char *p = text; *p; p++)
        if (p[0] == '\\' && p[1] == 'n') {
            *to++ = '\n';
            p++;
        } else {
            *to++ = *p;
        }
    *to = 0;
    return out;
}

static bool begins(const char *line, const char *key, const char **ret)
{
    const size_t n = strlen(key);

    *ret = line + n;
    return strncmp(line, key, n) == 0;
}

static void read_line(struct one *c, const char *line, const char *file)
{
    static const char *const inputs[] = {"- pinyin: ", "- text: ", "- ssml: "};
    const char *value;

    for (size_t i = 0; i < 3; i++)
        if (begins(line, inputs[i], &value)) {
            c->input = (enum lang_input) i;
            c->text = value_of(value);
            return;
        }
    if (begins(line, "  said: ", &value))
        c->said = value_of(value);
    else if (begins(line, "  unsaid: ", &value))
        c->unsaid = value_of(value);
    else if (begins(line, "  error: ", &value))
        c->error = value_of(value);
    else
        fprintf(stderr, "%s:%u: no line of a case: %s\n", file, c->line, line);
}

static size_t run(const char *file, size_t *n)
{
    FILE *f = fopen(file, "r");
    char *line = NULL;
    size_t room = 0, n_wrong = 0;
    unsigned at = 0;
    struct one c = {0};

    REQUIRE(f);
    while (getline(&line, &room, f) > 0) {
        line[strcspn(line, "\n")] = 0;
        at++;
        if (line[0] == '#')
            continue;
        if (line[0] == '-' && c.text) {
            n_wrong += !check(file, &c);
            (*n)++;
            done(&c);
        }
        c.line = at;
        read_line(&c, line, file);
    }
    REQUIRE(c.text);
    n_wrong += !check(file, &c);
    (*n)++;
    done(&c);
    free(line);
    fclose(f);
    return n_wrong;
}

int main(int argc, char **argv)
{
    size_t n = 0, n_wrong = 0;

    REQUIRE(argc > 1);
    for (int i = 1; i < argc; i++)
        n_wrong += run(argv[i], &n);
    fprintf(stderr, "%zu of %zu cases are wrong\n", n_wrong, n);
    REQUIRE(n >= 300 && n_wrong == 0);
    return 0;
}
