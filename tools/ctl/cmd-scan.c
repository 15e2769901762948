/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl scan: pages from a scanner -> pictures, text, speech or a book.
 */

#include "tools/ctl/book/book.h"
#include "tools/ctl/scan/session.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct scan_setup setup = SCAN_SETUP_INIT;
static bool list;

static size_t scan_args(struct arg *out)
{
    static const struct arg args[] = {
        {"list", 'l', ARG_FLAG, NULL, N_("the scanners that there are"), &list},
    };
    memcpy(out, args, sizeof(args));
    scan_setup_args(&setup, out + ELEMENTSOF(args));
    return ELEMENTSOF(args) + SCAN_SETUP_N_ARGS;
}

/* What there is to read with; NULL where only pictures are wanted. */
static int new_reader(const struct ctl *ctl, struct tones *tones, struct reader **ret,
                      struct fail *fail)
{
    const char *out = setup.output && strcmp(setup.output, "-") != 0 ? setup.output : NULL;
    const struct reader_options options = {
        .speak = setup.speak,
        .print = setup.speak && setup.format != UINT_MAX && !ctl->json,
        .format = setup.text_format,
        .out = out,
        .read = scan_setup_read(&setup),
        .say = setup.speech.say,
        .tones = tones,
    };

    if (setup.to == SCAN_TO_SOUND || (setup.to == SCAN_TO_PICTURE && !setup.speak))
        return 0;
    int r = reader_new(ctl, &options, ret, fail);
    if (r == 0)
        reader_begin(*ret, ctl->start_usec);
    return r;
}

static int scan_all(struct ctl *ctl, struct tones *tones, struct reader *reader,
                    const char *pictures, bool *ret_duplex, unsigned *ret_n, struct fail *fail)
{
    struct scanner s = {.ctl = ctl,
                        .timeout_s = (unsigned) setup.timeout_s,
                        .last_words = reader_last_words,
                        .userdata = reader};
    struct scan_run run = {
        .ctl = ctl,
        .setup = &setup,
        .scanner = &s,
        .reader = reader,
        .tones = tones,
        .pictures = pictures,
        .prompts = isatty(STDIN_FILENO) && setup.max_pages != UINT_MAX,
        .press_usec = ctl->start_usec,
        .next_number = pictures ? scan_first_free(pictures) : 1,
    };

    int r = scan_open(&s, setup.scanner, fail);
    if (r == 0)
        ctl_say_line(ctl, "scanner: %s", s.title);
    if (r == 0)
        r = scan_apply(&s, &setup.settings, &run.feeder, &run.duplex, fail);
    if (r == 0)
        r = scan_run(&run, fail);
    if (r == 0)
        scan_remember(&s);
    if (r < 0 && s.problem != SCAN_FINE && !ctl_cancelled) {
        tones_play(tones, TONE_ERROR);
        if (reader)
            reader_say(reader, s.problem);
    }
    scan_close(&s);
    sane_api_close();
    *ret_duplex = run.duplex;
    *ret_n = run.n_pages;
    return r;
}

/* Pictures, text or speech. What failed in the scan is the program's answer; what the reader could
 * do with the pages before it is done all the same. */
static int scan_live(struct ctl *ctl, struct fail *fail)
{
    CLEANUP(tones_freep) struct tones *tones = NULL;
    CLEANUP(reader_freep) struct reader *reader = NULL;
    struct fail read_fail = {0};
    bool duplex = false;
    unsigned n = 0;

    if (setup.speak && !setup.no_earcons && tones_new(setup.speech.say.volume, &tones) < 0)
        return -ENOMEM;
    tones_play(tones, TONE_PRESS);
    int r = new_reader(ctl, tones, &reader, fail);
    if (r < 0)
        return r;
    r = scan_all(ctl, tones, reader, setup.to == SCAN_TO_PICTURE ? setup.output : NULL, &duplex, &n,
                 fail);
    if (reader && (n > 0 || setup.speak)) {
        reader_end(reader, n);
        int e = reader_finish(reader, &read_fail);
        if (r == 0 && e < 0) {
            *fail = read_fail;
            r = e;
        }
    }
    return r;
}

/* ---- a book: pages in a folder beside it, from which it goes on ---- */

static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);

    for (struct dirent *e; dir && (e = readdir(dir));)
        if (strncmp(e->d_name, "page-", 5) == 0)
            unlinkat(dirfd(dir), e->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(path);
}

static int make_folder(const char *path, struct fail *fail)
{
    if (mkdir(path, 0777) == 0)
        return 0;
    if (errno == EEXIST)
        return fail_set(fail, FAIL_CREATE, -EEXIST,
                        "'%s' holds the pages of an earlier scan; braillectl convert '%s' -o '%s' "
                        "makes the book of them, or remove the folder",
                        path, path, setup.output);
    return fail_set(fail, FAIL_CREATE, -errno, "cannot create '%s': %m", path);
}

static int make_book(struct ctl *ctl, char *folder, bool duplex, struct fail *fail)
{
    const char *slash = strrchr(setup.output, '/'), *name = slash ? slash + 1 : setup.output;
    CLEANUP_FREE char *title = strndup(name, strcspn(name, "."));
    struct engine_read_params read = scan_setup_read(&setup);

    if (!title)
        return -ENOMEM;
    if (setup.side > PIPELINE_BOTH && !duplex) /* the glass sees both sides of a sheet at once */
        read.sides = PIPELINE_BOTH;
    const struct book_options book = {
        .out = setup.output,
        .title = title,
        .chapters = BOOK_CHAPTERS_AUTO,
        .keep_going = true,
        .play = setup.speak,
        .orientation = read.orientation,
        .mirrored = read.mirrored,
        .code = read.code,
        .sides = read.sides,
        .say = setup.speech.say,
    };
    return book_run(ctl, &book, 1, &folder, fail);
}

static int scan_book(struct ctl *ctl, struct fail *fail)
{
    CLEANUP(tones_freep) struct tones *tones = NULL;
    CLEANUP_FREE char *folder = NULL, *pattern = NULL;
    const struct ctl quiet = *ctl;
    struct ctl scanning = quiet;
    bool duplex = false;
    unsigned n = 0;

    if (asprintf(&folder, "%s.pages", setup.output) < 0 ||
        asprintf(&pattern, "%s/page-%%03d.png", folder) < 0)
        return -ENOMEM;
    if (setup.speak && !setup.no_earcons && tones_new(setup.speech.say.volume, &tones) < 0)
        return -ENOMEM;
    int r = make_folder(folder, fail);
    if (r < 0)
        return r;
    scanning.json = false; /* the book's object is the answer */
    r = scan_all(&scanning, tones, NULL, pattern, &duplex, &n, fail);
    tones = tones_free(tones);
    if (r == 0)
        r = make_book(ctl, folder, duplex, fail);
    if (r == 0 || n == 0)
        remove_folder(folder);
    else
        ctl_say_line(ctl, "the pages are kept; braillectl convert '%s' -o '%s' goes on with them",
                     folder, setup.output);
    return r;
}

static int scan_command(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    if (n_words > 0)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "scan takes no words; --scanner names a scanner, -o a file; see --help");
    if (list)
        return scan_list(ctl, fail);
    int r = scan_setup_check(&setup, ctl, fail);
    if (r < 0)
        return r;
    ctl_catch_signals();
    return setup.to == SCAN_TO_SOUND ? scan_book(ctl, fail) : scan_live(ctl, fail);
}

const struct ctl_command ctl_scan = {
    .name = "scan",
    .words = "",
    .summary = N_("pages from a scanner -> pictures, text, speech or a book"),
    .help = N_(
        "Without -o the page is read: its text on standard output, or aloud with --speak while\n"
        "the next one is being scanned. With -o the ending says what is wanted:\n"
        "  page.png, page-%03d.png  pictures (.png .jpg .pgm .ppm); numbers go on behind those\n"
        "                           that are there\n"
        "  book.opus                sound (.wav .flac .ogg .opus), all pages as one book\n"
        "  book.txt                 text (.txt .brl .brf .pef .json .html), as of read\n"
        "A feeder (--source adf, duplex) is scanned until it is empty. From the glass comes one\n"
        "page; with --pages N on a terminal you are asked for the next one.\n"
        "--set sets whatever else the scanner has, as scanimage --help lists it.\n"
        "SANE does the scanning; SANE_DEFAULT_DEVICE is heeded, and the scanner that served last\n"
        "is taken first.\n"),
    .args = scan_args,
    .run = scan_command,
};
