/* SPDX-License-Identifier: Apache-2.0
 *
 * The options that scan and button share, and what they do with them: page after page.
 */

#include "tools/ctl/scan/session.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/tr.h"

enum { MAX_PAGES = 10000 };

void scan_setup_args(struct scan_setup *o, struct arg *out)
{
    const struct arg args[] = {
        {"scanner", 's', ARG_STRING, "NAME",
         N_("as --list names it (default: the last one, or the first)"), &o->scanner},
        {"source", 0, ARG_STRING, "SOURCE",
         N_("flatbed, adf (feeder), duplex, or the scanner's word"), &o->settings.source},
        {"pages", 0, ARG_STRING, "N|all", N_("how many (default: 1; of a feeder all)"),
         &o->pages_text},
        {"resolution", 'r', ARG_NUMBER, "DPI", N_("200 (default) is enough; finer reads no better"),
         &o->settings.dpi, .min = 50, .max = 2400},
        {"area", 0, ARG_STRING, "AREA", N_("A3, A4, A5, letter or X,Y,W,H in mm (default: all)"),
         &o->area},
        {"mode", 0, ARG_STRING, "MODE",
         N_("the scanner's word (default: its grey, else its colour)"), &o->settings.mode},
        {"set", 0, ARG_STRING, "NAME=VALUE,…", N_("other options of the scanner, by its words"),
         &o->settings.set},
        {"timeout", 0, ARG_NUMBER, "S", N_("a scanner that sends nothing for so long is dead (60)"),
         &o->timeout_s, .min = 1, .max = 3600},
        {"speak", 'p', ARG_FLAG, NULL, N_("read it aloud at once"), &o->speak},
        {"no-earcons", 0, ARG_FLAG, NULL, N_("no tones that say how far it is"), &o->no_earcons},
        {"format", 'f', ARG_CHOICE, "FORMAT", N_("of text, as of braillectl read (default: text)"),
         &o->format, .choices = format_names},
        {"output", 'o', ARG_STRING, "OUT", N_("pictures, sound or text, by its ending"),
         &o->output},
        ENGINE_PLACE_ARGS(&o->side, &o->orientation, &o->mirrored),
        ENGINE_CODE_ARG(&o->code),
    };
    struct arg speech[SPEECH_N_ARGS];

    _Static_assert(ELEMENTSOF(args) + SPEECH_N_ARGS - 1 == SCAN_SETUP_N_ARGS, "count the rows");
    memcpy(out, args, sizeof(args));
    speech_args(&o->speech, speech); /* its last row is --play, which is --speak here */
    memcpy(out + ELEMENTSOF(args), speech, (SPEECH_N_ARGS - 1) * sizeof(*speech));
}

/* ---- what comes out ---- */

static bool ends_like(const char *path, const char *const *endings)
{
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && endings[i]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

static int find_output(struct scan_setup *o, const struct ctl *ctl, struct fail *fail)
{
    static const char *const pictures[] = {".png", ".jpg", ".jpeg", ".pgm", ".ppm", NULL};
    static const char *const sounds[] = {".wav", ".flac", ".ogg", ".opus", NULL};
    const char *out = o->output && strcmp(o->output, "-") != 0 ? o->output : NULL;
    const bool named = o->format != UINT_MAX;

    if (out && ends_like(out, pictures))
        o->to = SCAN_TO_PICTURE;
    else if (out && !named && ends_like(out, sounds))
        o->to = SCAN_TO_SOUND;
    else if (out && !named && !format_of_file(out))
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "the ending of '%s' names no picture (.png .jpg .pgm .ppm), sound (.wav "
                        ".flac .ogg .opus) or text (.txt .brl .brf .pef .json .html); --format "
                        "names the form of a text",
                        out);
    if (named)
        o->text_format = format_find(format_names[o->format]);
    else if (o->to == SCAN_TO_TEXT)
        o->text_format = out ? format_of_file(out) : ctl->json ? &format_json : &format_text;
    return 0;
}

static int check_output(struct scan_setup *o, const struct ctl *ctl, struct fail *fail)
{
    const bool plain = o->text_format == &format_text || o->text_format == &format_pinyin;

    if (o->to == SCAN_TO_PICTURE && o->text_format && !(o->speak && plain))
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "'%s' is a picture; --format is of text (with --speak: text or pinyin)",
                        o->output);
    if (o->to == SCAN_TO_TEXT && ctl->json && !o->speak && o->text_format != &format_json)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "--json and --format %s: choose one",
                        o->text_format->name);
    if (o->to == SCAN_TO_TEXT && o->speak && (o->output || (o->format != UINT_MAX && !plain)))
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "with --speak the text may only go to standard output, as text or pinyin; "
                        "save the picture with -o page.png and let braillectl read write the text");
    if (o->text_format && o->text_format->one_page && o->max_pages != 1)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "--format %s holds one page; use --pages 1",
                        o->text_format->name);
    if (o->to == SCAN_TO_PICTURE && !scan_is_pattern(o->output) && o->max_pages != 1 &&
        (o->max_pages != UINT_MAX || o->settings.source))
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "'%s' names one picture; for several write a number into it, as in "
                        "page-%%03d.png, or use --pages 1",
                        o->output);
    return 0;
}

static int parse_pages(struct scan_setup *o, struct fail *fail)
{
    char *end = NULL;

    o->max_pages = UINT_MAX;
    if (!o->pages_text)
        return 0;
    if (strcmp(o->pages_text, "all") == 0) {
        o->max_pages = 0;
        return 0;
    }
    const long n = strtol(o->pages_text, &end, 10);
    if (end == o->pages_text || *end || n < 1 || n > MAX_PAGES)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "--pages '%s': say all or 1 to %d",
                        o->pages_text, MAX_PAGES);
    o->max_pages = (unsigned) n;
    return 0;
}

int scan_setup_check(struct scan_setup *o, const struct ctl *ctl, struct fail *fail)
{
    int r = parse_pages(o, fail);

    if (r == 0 && o->area)
        r = scan_parse_area(o->area, &o->settings, fail);
    if (r == 0)
        r = find_output(o, ctl, fail);
    return r < 0 ? r : check_output(o, ctl, fail);
}

struct engine_read_params scan_setup_read(const struct scan_setup *o)
{
    return (struct engine_read_params){
        .orientation = engine_orientation_of(o->orientation),
        .code = o->code,
        .sides = o->side > PIPELINE_BOTH ? PIPELINE_RECTO : (enum pipeline_sides) o->side,
        .mirrored = engine_mirrored_of(o->mirrored),
    };
}

/* ---- names of pictures ---- */

/* "%d" or "%03d" in the name, once: where it begins, and how wide it is. */
static const char *find_number(const char *pattern, size_t *ret_n, int *ret_width)
{
    const char *at = strchr(pattern, '%');
    size_t n = 1;

    if (!at)
        return NULL;
    while (isdigit((unsigned char) at[n]) && n < 4)
        n++;
    if (at[n] != 'd')
        return NULL;
    *ret_width = atoi(at + 1);
    *ret_n = n + 1;
    return at;
}

bool scan_is_pattern(const char *path)
{
    size_t n;
    int width;

    return find_number(path, &n, &width) != NULL;
}

int scan_page_path(const char *pattern, unsigned number, char **ret)
{
    size_t n = 0;
    int width = 0;
    const char *at = find_number(pattern, &n, &width);
    const int r =
        at ? asprintf(ret, "%.*s%0*u%s", (int) (at - pattern), pattern, width, number, at + n)
           : asprintf(ret, "%s", pattern);

    return r < 0 ? -ENOMEM : 0;
}

unsigned scan_first_free(const char *pattern)
{
    unsigned free_one = 1;

    if (!scan_is_pattern(pattern))
        return 1;
    for (unsigned i = 1, gap = 0; i <= MAX_PAGES && gap < 100; i++, gap++) {
        CLEANUP_FREE char *path = NULL;
        if (scan_page_path(pattern, i, &path) == 0 && access(path, F_OK) == 0) {
            free_one = i + 1;
            gap = 0;
        }
    }
    return free_one;
}

/* ---- page after page ---- */

static double since(const struct scan_run *run, uint64_t usec)
{
    return usec > run->press_usec ? (double) (usec - run->press_usec) / 1000 : 0;
}

static json_t *describe(const struct scan_run *run, const struct image *img, const char *file)
{
    const struct scan_times *t = &run->scanner->times;
    json_t *name = json_string(run->scanner->name);
    json_t *path = file ? json_string(file) : NULL;

    return json_pack("{si so* so* si si sf s{sf sf sf sf}}", "page", (int) run->n_pages, "scanner",
                     name, "file", path, "width", (int) img->width, "height", (int) img->height,
                     "dpi", img->dpi, "ms", "start", since(run, t->start_usec), "started",
                     since(run, t->started_usec), "data", since(run, t->data_usec), "scanned",
                     since(run, t->end_usec));
}

/* A picture that is there already is not written over where the name has a number. */
static int save(struct scan_run *run, const struct image *img, char **ret, struct fail *fail)
{
    int r = scan_page_path(run->pictures, run->next_number, ret);

    if (r == 0)
        r = image_save(img, *ret, fail);
    if (r < 0)
        return r;
    run->next_number++;
    ctl_say_line(run->ctl, "%s: %u x %u pixels", *ret, img->width, img->height);
    return 0;
}

static int take(struct scan_run *run, struct image *img /* taken */, struct fail *fail)
{
    CLEANUP_FREE char *file = NULL;

    run->n_pages++;
    int r = run->pictures ? save(run, img, &file, fail) : 0;
    json_t *about = r == 0 ? describe(run, img, file) : NULL;
    if (r == 0 && run->reader)
        return reader_page(run->reader, img, run->n_pages, about, fail);
    if (r == 0 && run->ctl->json)
        r = scan_print_json(json_incref(about), fail);
    json_decref(about);
    image_free(img);
    return r;
}

/* On the glass the next page has to be laid by hand. 0: the user has had enough. */
static int ask_for_next(struct scan_run *run, struct fail *fail)
{
    char line[16];

    fprintf(stderr, tr("Lay page %u on the glass and press Enter; q and Enter ends: "),
            run->n_pages + 1);
    fflush(stderr);
    const ssize_t n = read(STDIN_FILENO, line, sizeof(line));
    if (ctl_cancelled)
        return ctl_interrupted(fail);
    return n > 0 && line[0] != 'q';
}

static unsigned limit_of(const struct scan_run *run)
{
    if (run->setup->max_pages == UINT_MAX)
        return run->feeder ? MAX_PAGES : 1;
    return run->setup->max_pages ? run->setup->max_pages : MAX_PAGES;
}

/* 1: a page, 0: there are no more. */
static int one_page(struct scan_run *run, struct fail *fail)
{
    struct image *img = NULL;
    struct fail why = {0};

    tones_scanning(run->tones, true);
    int r = scan_page(run->scanner, &img, &why);
    tones_scanning(run->tones, false);
    if (r < 0 && run->scanner->problem == SCAN_NO_DOCS && run->n_pages > 0)
        return 0;
    if (r < 0) {
        *fail = why;
        return r;
    }
    if (!run->feeder)
        tones_play(run->tones, TONE_SCANNED);
    r = take(run, img, fail);
    if (!run->feeder) /* behind the page: it may take as long as the lamp's way home */
        scan_end(run->scanner);
    return r < 0 ? r : 1;
}

int scan_run(struct scan_run *run, struct fail *fail)
{
    const unsigned limit = limit_of(run);
    int r = 1;

    if (run->setup->max_pages == 0 && !run->feeder && !run->prompts)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "--pages all wants a feeder; choose it with --source adf, or say how many "
                        "pages lie on the glass one after the other");
    for (unsigned i = 0; i < limit && r > 0; i++) {
        if (i > 0 && run->stop && run->stop(run->userdata))
            break;
        if (i > 0 && !run->feeder && run->prompts)
            r = ask_for_next(run, fail);
        if (r > 0)
            r = one_page(run, fail);
    }
    scan_end(run->scanner);
    if (run->feeder && run->n_pages > 0 && r >= 0)
        tones_play(run->tones, TONE_SCANNED);
    return r < 0 ? r : 0;
}
