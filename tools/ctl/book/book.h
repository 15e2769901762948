/* SPDX-License-Identifier: Apache-2.0
 *
 * Many pages as one book: their order, one text that runs on over them, its sentences with what
 * they are, and their sound, kept on the disk sentence by sentence so that a killed run goes on.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "lang/layout.h"
#include "pipeline/pipeline.h"
#include "tools/ctl/speech.h"

/* ---- order.c ---- */

struct book_names {
    char **list; ///< owned, as each string
    size_t n;
    char *folder; ///< where it was one folder, its name; NULL else; owned
    bool sorted;  ///< put into the order of their numbers, not as they were given
};
void book_names_done(struct book_names *names);
/** Files as they are, folders as the pictures in them. What stands as a shell writes `*.png`
 * (p1 p10 p2) is put into the order of its numbers (p1 p2 p10); any other order stays. FAIL_OPEN,
 * FAIL_INPUT: a folder without pictures. */
int book_names_list(int n_words, char **words, struct book_names *ret, struct fail *fail);

/* ---- text.c ---- */

enum book_kind { BOOK_TEXT, BOOK_PARAGRAPH, BOOK_HEADING };
/** "text", "paragraph", "heading" */
extern const char *const book_kind_names[];

struct book_sentence {
    char *pinyin;        ///< as spoken, not empty; owned
    char *hanzi;         ///< as the lexicon has them; owned
    enum book_kind kind; ///< a paragraph, or a heading, begins with it
    unsigned page;       ///< that it begins on
};
struct book_sentences {
    struct book_sentence *list; ///< owned
    size_t n;
};
void book_sentences_done(struct book_sentences *s);

struct book_text {
    struct lang_book book;
    struct lang_text rest; ///< of the pages so far, what goes on on the next one
    unsigned rest_page;
    enum book_kind rest_kind;
    char *pinyin; ///< of all pages, as printed; a line each side; owned
    size_t n_pinyin;
};
void book_text_done(struct book_text *t);

/** What is kept of a page that was read: {"sides": [{"side", "code", "p", "cells"}], "confidence",
 * "unknown"}; `cells` are lines of Unicode braille, empty ones too. NULL: no memory. */
json_t *book_page_json(const struct pipeline_reading *reading);
/** Is the second side of a page the first one of the next page once more? Then each side was
 * scanned for itself, with the other one's dots in it. Either page may be NULL. */
bool book_page_repeats(const json_t *page, const json_t *next);
/** The sentences that end on this page; with `last` also the one that is left. `number`: the page
 * number that is printed on it, 0: none. FAIL_INPUT: no such page. */
int book_text_add(struct book_text *t, const json_t *page, unsigned index, bool last,
                  struct book_sentences *ret, long *ret_number, struct fail *fail);

/* ---- work.c ---- */

/** A sentence that was spoken. */
struct book_said {
    struct book_sentence s;
    uint64_t start, n; ///< samples; the pause before it is not in them
};

/** What is done of a book: a journal and the samples, beside the output until it is there. */
struct book_work {
    struct journal *journal; ///< {"page": k, ...} and {"say": …} lines; NULL: nothing is kept
    int sound_fd;            ///< 16-bit samples of the machine
    char *journal_path, *sound_path;
    json_t **pages; ///< [n_pages] read already, NULL else; owned
    size_t n_pages;
    struct book_said *said; ///< of this and former runs; owned
    size_t n_said, n_found; ///< n_found of them by former runs
    size_t next;            ///< of `said`: the one that the next sentence should be
    uint64_t n_samples;     ///< on the disk, or streamed
};
#define BOOK_WORK_INIT                                                                             \
    {                                                                                              \
        .sound_fd = -1                                                                             \
    }

/** Open beside `out`, or (NULL) keep nothing. `head` says what the book is made of: of another head
 * nothing is taken over, and *ret_anew (static, else NULL) says why. */
int book_work_open(struct book_work *w, const char *out, const json_t *head, size_t n_pages,
                   const char **ret_anew, struct fail *fail);
int book_work_page(struct book_work *w, size_t k, json_t *page /* taken */, struct fail *fail);
/** Was this sentence spoken by a former run? It counts as said then. */
bool book_work_has(struct book_work *w, const struct book_sentence *s);
/** Samples of the sentence at hand, or of a pause before it (`samples` NULL). */
int book_work_sound(struct book_work *w, const float *samples, size_t n, struct fail *fail);
/** It is whole: it and its sound are on the disk. Its strings are taken. `start`: of its sound. */
int book_work_said(struct book_work *w, struct book_sentence *s, uint64_t start, struct fail *fail);
/** Close; with `remove` the book is done and nothing is left behind. */
void book_work_done(struct book_work *w, bool remove);

/* ---- finish.c ---- */

enum book_chapters {
    BOOK_CHAPTERS_AUTO,
    BOOK_CHAPTERS_PAGES,
    BOOK_CHAPTERS_HEADINGS,
    BOOK_CHAPTERS_NONE
};

struct book_options {
    const char *out, *text, *vtt, *title; ///< out NULL or "-": streamed; the others may be NULL
    enum book_chapters chapters;
    bool keep_going, play;
    int orientation, mirrored; ///< -1: found
    double dpi;
    unsigned code;
    enum pipeline_sides sides;
    struct engine_say_params say;
};

struct book {
    struct ctl *ctl;
    const struct book_options *options;
    struct book_names names;
    struct engine *engine; ///< in this process; opened when something is to be done
    const char *title;     ///< may be NULL
    char *made_title;      ///< where the options have none; owned
    struct book_text text;
    struct book_work work;
    struct speech speech;
    long *numbers; ///< [names.n] printed page numbers, 0: none; owned
    struct book_chapter {
        uint64_t start; ///< sample
        char *title;    ///< owned
    } * chapters;
    size_t n_chapters;
};

/** From what was said to chapters, as the options want them. */
int book_find_chapters(struct book *b);
/** All that was said, as --text has it; owned. NULL: no memory. */
char *book_spoken_text(const struct book *b);
/** The sound with its chapters, the text beside it, cues: all of them appear, or none. */
int book_finish(struct book *b, struct fail *fail);
/** The closing line, and with --json the object. */
int book_report(const struct book *b, struct fail *fail);

/* ---- make.c ---- */

/** Make a book, go on with it, or stream it. */
int book_run(struct ctl *ctl, const struct book_options *options, int n_words, char **words,
             struct fail *fail);
