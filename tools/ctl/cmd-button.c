/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl button: which buttons a scanner has, and with --watch: scan when one is pressed. One
 * handle is polled and scanned on, so that nothing has to be opened when the finger comes.
 */

#include "tools/ctl/scan/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

enum {
    POLL_MS = 40, ///< and not more than a third of the time where a scanner answers slowly
    BACK_OFF_MS = 500,
    MAX_BACK_OFF_MS = 8000,
    TICK_MS = 50,
};

enum while_speaking { STOP, NEXT, QUEUE };
static const char *const while_speaking_names[] = {
    [STOP] = "stop", [NEXT] = "next", [QUEUE] = "queue", NULL};

static struct scan_setup setup = SCAN_SETUP_INIT;
static struct {
    bool watch;
    const char *button;
    unsigned while_speaking;
} options;

static size_t button_args(struct arg *out)
{
    static const struct arg args[] = {
        {"watch", 'w', ARG_FLAG, NULL, N_("wait for presses, and scan at each"), &options.watch},
        {"button", 'b', ARG_STRING, "NAME",
         N_("this button only (default: any that can be pressed)"), &options.button},
        {"on-press-while-speaking", 0, ARG_CHOICE, "WHAT",
         N_("stop (default): be silent; next: and scan; queue: scan, read it afterwards"),
         &options.while_speaking, .choices = while_speaking_names},
    };
    memcpy(out, args, sizeof(args));
    scan_setup_args(&setup, out + ELEMENTSOF(args));
    return ELEMENTSOF(args) + SCAN_SETUP_N_ARGS;
}

struct watch {
    struct ctl *ctl;
    struct scanner s;
    struct scan_buttons buttons;
    struct tones *tones;
    struct reader *reader; ///< NULL: pictures only
    bool feeder, duplex;
    char title[256];        ///< of the scanner that served last; "": none yet
    enum scan_problem said; ///< of the scanner that is not there; SCAN_FINE: it is
    unsigned back_off_ms;
    unsigned next_number;
};

/* ---- words ---- */

static int print_event(const struct watch *w, const char *name, json_t *more, struct fail *fail)
{
    if (!w->ctl->json) {
        json_decref(more);
        return 0;
    }
    return scan_print_json(json_pack("{so}", name, more), fail);
}

/* On standard error, aloud and as a tone; and the watch goes on. */
static void tell_problem(struct watch *w, enum scan_problem problem, const struct fail *why)
{
    struct fail none = {0};

    ctl_progress_clear();
    fprintf(stderr, "braillectl: %s\n", why->text);
    print_event(w, "error",
                json_pack("{ss si ss}", "name", scan_words[problem].name, "exit", (int) why->kind,
                          "text", why->text),
                &none);
    tones_play(w->tones, TONE_ERROR);
    if (w->reader)
        reader_say(w->reader, problem);
}

static void tell_state(const char *state, const char *about)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s%s%s", state, *about ? ": " : "", about);
}

/* ---- the scanner comes and goes ---- */

static void sleep_ms(unsigned ms)
{
    for (unsigned done = 0; done < ms && !ctl_cancelled; done += TICK_MS) {
        const unsigned part = MIN(ms - done, (unsigned) TICK_MS);
        const struct timespec t = {.tv_nsec = part * 1000000L};
        nanosleep(&t, NULL);
    }
}

static int open_scanner(struct watch *w, struct fail *fail)
{
    w->s.title[0] = w->s.name[0] = 0;
    int r = scan_open(&w->s, setup.scanner, fail);
    if (r == 0)
        r = scan_buttons_find(&w->s, options.button, &w->buttons, fail);
    if (r == 0)
        r = scan_apply(&w->s, &setup.settings, &w->feeder, &w->duplex, fail);
    if (r < 0)
        scan_close(&w->s);
    return r;
}

/* What will not change by waiting ends the watch. */
static bool is_final(int r, const struct fail *why, enum scan_problem problem)
{
    return why->kind == FAIL_USAGE || r == -ENOMEM || problem == SCAN_NO_LIBRARY ||
           problem == SCAN_NO_BUTTON || problem == SCAN_BLACK_AND_WHITE;
}

static void tell_there(struct watch *w)
{
    struct fail none = {0};
    char names[200] = "";

    for (size_t i = 0; i < w->buttons.n; i++) {
        const size_t n = strlen(names);
        snprintf(names + n, sizeof(names) - n, "%s%s", n ? ", " : "", w->buttons.list[i].name);
    }
    ctl_say_line(w->ctl, "waiting for a press on %s: %s", w->s.title, names);
    print_event(
        w, "ready",
        json_pack("{ss so}", "scanner", w->s.name, "buttons", scan_buttons_json(&w->buttons)),
        &none);
    tell_state("waiting for a press", w->s.title);
    if (w->said != SCAN_FINE || !*w->title)
        tones_play(w->tones, TONE_READY);
    if (w->said != SCAN_FINE && w->reader)
        reader_say(w->reader, SCAN_BACK);
    w->said = SCAN_FINE;
    snprintf(w->title, sizeof(w->title), "%s", w->s.title);
    w->back_off_ms = BACK_OFF_MS;
}

/* 1: it is there; 0: try later. */
static int reach_scanner(struct watch *w, struct fail *fail)
{
    struct fail why = {0};

    w->s.problem = SCAN_FINE;
    int r = open_scanner(w, &why);
    if (r == 0) {
        scan_remember(&w->s);
        tell_there(w);
        return 1;
    }
    const enum scan_problem problem = w->s.problem;
    if (is_final(r, &why, problem)) {
        tones_play(w->tones, TONE_ERROR);
        if (w->reader)
            reader_say(w->reader, problem);
        *fail = why;
        return r;
    }
    if (problem != w->said) { /* once, until it is another one */
        if (*w->title && problem == SCAN_NONE_FOUND) {
            snprintf(w->s.title, sizeof(w->s.title), "%s", w->title);
            why = (struct fail){0};
            scan_fail(&w->s, SCAN_GONE, &why);
        }
        tell_problem(w, w->s.problem, &why);
        tell_state("waiting for the scanner", scan_words[problem].name);
        w->said = problem;
    }
    sleep_ms(w->back_off_ms);
    w->back_off_ms = MIN(2 * w->back_off_ms, (unsigned) MAX_BACK_OFF_MS);
    r = ctl_cancelled ? 0 : sane_api_restart(fail);
    return r;
}

/* Away: the next round opens it anew, and only where that fails something is said. */
static int let_go(struct watch *w, const char *why, struct fail *fail)
{
    ctl_say_line(w->ctl, "%s; opening it anew", why);
    scan_close(&w->s);
    return sane_api_restart(fail);
}

/* ---- a press ---- */

static bool pressed_between(void *userdata)
{
    struct watch *w = userdata;
    const struct scan_button *pressed = NULL;
    struct fail none = {0};

    if (ctl_cancelled)
        return true;
    if (options.while_speaking != STOP ||
        scan_buttons_poll(&w->s, &w->buttons, &pressed, &none) <= 0)
        return false;
    if (w->reader)
        reader_stop(w->reader);
    tones_play(w->tones, TONE_STOPPED);
    return true;
}

static int scan_now(struct watch *w, const struct scan_button *button, uint64_t press_usec,
                    struct fail *fail)
{
    struct scan_run run = {
        .ctl = w->ctl,
        .setup = &setup,
        .scanner = &w->s,
        .reader = w->reader,
        .tones = w->tones,
        .pictures = setup.to == SCAN_TO_PICTURE ? setup.output : NULL,
        .feeder = w->feeder,
        .duplex = w->duplex,
        .stop = pressed_between,
        .userdata = w,
        .press_usec = press_usec,
        .next_number = w->next_number,
    };
    struct fail why = {0};

    tones_play(w->tones, TONE_PRESS);
    if (w->reader)
        reader_begin(w->reader, press_usec);
    ctl_progress_restart();
    int r = scan_run(&run, &why);
    w->next_number = run.next_number;
    ctl_say_line(w->ctl, "%s: pages: %u; the scan began %.0f ms behind the press", button->name,
                 run.n_pages, (double) (w->s.times.start_usec - press_usec) / 1000);
    if (w->reader)
        reader_end(w->reader, r < 0 ? 0 : run.n_pages);
    if (ctl_cancelled || r == 0)
        return 0;
    if (w->s.problem == SCAN_FINE) { /* not the scanner's: a full disk, say */
        *fail = why;
        return r;
    }
    tell_problem(w, w->s.problem, &why);
    if (w->s.problem == SCAN_GONE || w->s.problem == SCAN_SILENT)
        return let_go(w, scan_words[w->s.problem].name, fail);
    return 0;
}

static int on_press(struct watch *w, const struct scan_button *button, uint64_t press_usec,
                    struct fail *fail)
{
    const bool busy = w->reader && !reader_is_idle(w->reader);
    const bool reading = w->reader && reader_is_reading(w->reader);
    const bool stops = button->kind == SCAN_BUTTON_STOP;
    struct fail none = {0};

    print_event(w, "press", json_pack("{ss sb}", "button", button->name, "speaking", reading),
                &none);
    if (busy && (stops || !reading || options.while_speaking != QUEUE)) {
        reader_stop(w->reader);
        ctl_say_line(w->ctl, "%s: stopped", button->name);
    }
    if (busy && (stops || (reading && options.while_speaking == STOP)))
        tones_play(w->tones, TONE_STOPPED);
    if (stops || (reading && options.while_speaking == STOP))
        return 0;
    int r = scan_now(w, button, press_usec, fail);
    if (r < 0 || !w->s.open)
        return r;
    /* whatever was pressed meanwhile, out of impatience, does not count */
    if (scan_buttons_reset(&w->s, &w->buttons, &none) < 0 ||
        scan_apply(&w->s, &setup.settings, &w->feeder, &w->duplex, &none) < 0)
        return let_go(w, none.text, fail);
    return 0;
}

static int watch_once(struct watch *w, struct fail *fail)
{
    const struct scan_button *pressed = NULL;
    const uint64_t begin_usec = ctl_now_usec();
    struct fail why = {0};

    int r = scan_buttons_poll(&w->s, &w->buttons, &pressed, &why);
    const double took_ms = ctl_ms_since(begin_usec);
    if (r < 0)
        return let_go(w, why.text, fail);
    if (r > 0)
        return on_press(w, pressed, ctl_now_usec(), fail);
    sleep_ms((unsigned) MIN(1000, MAX((double) POLL_MS, 2 * took_ms)));
    return 0;
}

static int watch(struct watch *w, struct fail *fail)
{
    int r = 0;

    while (r >= 0 && !ctl_cancelled)
        r = w->s.open ? watch_once(w, fail) : reach_scanner(w, fail);
    sd_notify(0, "STOPPING=1");
    if (r < 0 && w->reader && !ctl_cancelled) { /* its last words are heard */
        struct fail none = {0};
        reader_finish(w->reader, &none);
    }
    scan_close(&w->s);
    sane_api_close();
    return r < 0 ? r : 0;
}

static int new_reader(struct watch *w, struct fail *fail)
{
    const struct reader_options o = {
        .speak = setup.speak,
        .print = setup.speak && setup.format != UINT_MAX && !w->ctl->json,
        .format = setup.text_format,
        .keep_going = true,
        .read = scan_setup_read(&setup),
        .say = setup.speech.say,
        .tones = w->tones,
    };

    if (setup.to == SCAN_TO_PICTURE && !setup.speak)
        return 0;
    return reader_new(w->ctl, &o, &w->reader, fail);
}

static int watch_run(struct ctl *ctl, struct fail *fail)
{
    struct watch w = {
        .ctl = ctl,
        .s = {.ctl = ctl, .timeout_s = (unsigned) setup.timeout_s},
        .back_off_ms = BACK_OFF_MS,
        .next_number = setup.to == SCAN_TO_PICTURE ? scan_first_free(setup.output) : 1,
    };

    if (!setup.no_earcons && tones_new(setup.speech.say.volume, &w.tones) < 0)
        return -ENOMEM;
    ctl_catch_signals();
    int r = new_reader(&w, fail);
    w.s.last_words = reader_last_words;
    w.s.userdata = w.reader;
    if (r == 0)
        r = watch(&w, fail);
    reader_free(w.reader);
    tones_free(w.tones);
    return r;
}

/* ---- without --watch: what there is ---- */

static int print_buttons(struct ctl *ctl, struct fail *fail)
{
    struct scanner s = {.ctl = ctl, .timeout_s = (unsigned) setup.timeout_s};
    struct scan_buttons b = {0};

    int r = scan_open(&s, setup.scanner, fail);
    if (r == 0)
        r = scan_buttons_find(&s, options.button, &b, fail);
    if (r == 0 && ctl->json)
        r = ctl_print_json(
            json_pack("{ss so}", "scanner", s.name, "buttons", scan_buttons_json(&b)), fail);
    for (size_t i = 0; r == 0 && !ctl->json && i < b.n; i++)
        printf("%s\t%s\t%s\n", b.list[i].name, b.list[i].kind == SCAN_BUTTON_STOP ? "stop" : "scan",
               b.list[i].title);
    scan_close(&s);
    sane_api_close();
    return r < 0 ? r : ctl_flush(fail);
}

static int check(struct ctl *ctl, int n_words, struct fail *fail)
{
    if (n_words > 0)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "button takes no words; --scanner and --button name things; see --help");
    int r = scan_setup_check(&setup, ctl, fail);
    if (r < 0)
        return r;
    if (setup.to == SCAN_TO_SOUND ||
        (setup.to == SCAN_TO_TEXT && setup.output && strcmp(setup.output, "-") != 0))
        return fail_set(
            fail, FAIL_USAGE, -EINVAL,
            "button writes pictures with -o page-%%03d.png, text to standard output, or "
            "speaks with --speak");
    if (setup.to == SCAN_TO_PICTURE && !scan_is_pattern(setup.output))
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "'%s' would be written over at the next press; write a number into it, as "
                        "in page-%%03d.png",
                        setup.output);
    if (setup.text_format && setup.text_format->end && !setup.speak)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "--format %s has an end, a watch has none; use text, pinyin, hanzi, "
                        "unicode, brf or json",
                        setup.text_format->name);
    return 0;
}

static int button_command(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    int r = check(ctl, n_words, fail);

    if (r < 0)
        return r;
    return options.watch ? watch_run(ctl, fail) : print_buttons(ctl, fail);
}

const struct ctl_command ctl_button = {
    .name = "button",
    .words = "",
    .summary = N_("scan and read when the scanner's button is pressed"),
    .help = N_(
        "Without --watch it lists the buttons that can be read. With --watch it waits, and each\n"
        "press scans a page (of a feeder all pages) and does with it what scan does: --speak\n"
        "reads it aloud, -o page-%03d.png keeps the pictures, else the text is printed.\n"
        "A press while a page is read makes it silent; --on-press-while-speaking changes that. A "
        "button\n"
        "called cancel or stop makes it silent, too. What goes wrong is said aloud in Mandarin "
        "and\n"
        "written to standard error; a scanner that is gone is looked for until it is back.\n"
        "The user service braille-button.service runs \"braillectl button --watch --speak\".\n"
        "A watch ends with 0 by SIGTERM or Ctrl-C.\n"),
    .args = button_args,
    .run = button_command,
};
