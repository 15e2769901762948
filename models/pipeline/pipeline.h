/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole way, and the only folder that knows it: page -> cells -> text -> speech. A pipeline
 * owns the Vulkan context and the models; one thread at a time uses it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "braille/cell.h"
#include "braille/page.h"
#include "image/image.h"
#include "lang/encode.h"
#include "lang/layout.h"
#include "lang/utterance.h"
#include "vk/vkc.h"

struct pipeline;

struct pipeline_params {
    const char *device; ///< NULL: the best; index or part of a name
    const char *models; ///< folder of the weights; NULL: pipeline_models_dir()
    bool validation;    ///< validation layer on
};
#define pipeline_params(...) (&(struct pipeline_params){__VA_ARGS__})

/** Opens the device at once, each model at first use. */
int pipeline_new(const struct pipeline_params *params, struct pipeline **ret, struct fail *fail);
struct pipeline *pipeline_free(struct pipeline *p);
DEFINE_CLEANUP(struct pipeline *, pipeline_free);
const struct vkc_device_info *pipeline_device(const struct pipeline *p);
/** Give the device and the models back; the next use opens them again, as they are then. Not while
 * something works, but between its turns (struct pipeline_job). */
void pipeline_close(struct pipeline *p);
/** Where weights are looked for: $BRAILLED_MODELS, the source tree's when run from the build
 * folder, else the installed ones: ../share/brailled/models from the program, so that an installed
 * tree can be moved, or where they were installed to. Static storage. */
const char *pipeline_models_dir(void);
/** A folder of the user's, made if need be, for what can be made again: compiled programs and the
 * like, so that a second start is quicker. "": there is none. */
void pipeline_cache_dir(char *out, size_t size);
struct pipeline_job;
/** Load all models and warm the programs now. `job` may be NULL. */
int pipeline_prepare(struct pipeline *p, const struct pipeline_job *job, struct fail *fail);

enum pipeline_stage {
    PIPELINE_QUEUED = 1,
    PIPELINE_DECODING,
    PIPELINE_FINDING_DOTS,
    PIPELINE_READING_CELLS,
    PIPELINE_TRANSLATING,
    PIPELINE_SPEAKING,
    PIPELINE_DONE,
};

#define PIPELINE_TOP 16 ///< cells that a place is compared with at the end

struct pipeline_cell {
    uint16_t row, column;
    double box[4];   ///< x, y, w, h through the outer dot centres, pixels of the picture as given
    float dot[6][2]; ///< centres (x, y) of dots 1-6, raised or not, in the same pixels
    brl_cell dots;   ///< never blank
    float p;         ///< that it is this cell
    float cosine[PIPELINE_TOP]; ///< of the picture of the place and the text of each cell of
    brl_cell top[PIPELINE_TOP]; ///< these, nearest first
    float evidence[6];          ///< of a raised dot, as struct brl_slot
};

/** A cell that was taken for another one, which is a dot away, because the text is likelier so. */
struct pipeline_change {
    uint16_t row, column;
    double box[4];        ///< as struct pipeline_cell
    brl_cell from, to;    ///< what was seen, what it is taken for; either may be blank
    bool no_text;         ///< what was seen was no text; else an unlikely word
    float p;              ///< that the change is right
    char was[32], is[32]; ///< the syllable, number or sign that it stood and stands in
};

/** A dot of the side that no cell explains, in pixels of the picture as given. */
struct pipeline_stray {
    float x, y, p;
};

struct pipeline_line {
    uint16_t row;
    char *braille;            ///< Unicode braille, blank cells as U+2800; owned
    char *pinyin;             ///< as printed; "" where the side is no text; owned
    float p;                  ///< least certain cell of the line
    enum lang_line_kind kind; ///< page numbers and running heads are not in the text
    bool after_blank;         ///< an empty line, which no row counts, stands above it
    char number[16];          ///< the page number in it, as in struct lang_line
};

/** What some cells together say: a syllable, number, sign. */
struct pipeline_piece {
    uint32_t first, n_cells; ///< in the side's cells
    bool unknown;            ///< no text in this code
    char text[32];           ///< "hao3", "24", "，"; of unknown cells their Unicode braille
};

struct pipeline_times {
    double decode, grid, embed, knn, lang; ///< milliseconds
};

/** One side of the sheet. Rows and columns count from its own first ones. */
struct pipeline_side {
    enum brl_side side;
    double skew_deg;
    struct pipeline_cell *cells; ///< in reading order; owned
    size_t n_cells;
    struct pipeline_cell *blanks; ///< places that were looked at and hold nothing; only where
    size_t n_blanks;              ///< params->blanks asks for them; owned
    struct pipeline_line *lines;  ///< owned
    size_t n_lines;
    struct pipeline_piece *pieces; ///< owned; in reading order
    size_t n_pieces;
    struct pipeline_stray *strays; ///< likeliest first; owned
    size_t n_strays;
    struct pipeline_change *changes; ///< in reading order; owned
    size_t n_changes;
    /** -log likelihood of its text, a raised cell: 1.5 to 3.8 of pages that stand right. */
    double nats;
    bool is_text; ///< it is braille of a Chinese code; else its cells stand without any text
};

struct pipeline_reading {
    unsigned width, height;
    double dpi, skew_deg;
    unsigned orientation;         ///< how far the page is turned clockwise in the picture,
    bool mirrored;                ///< behind being mirrored left to right
    bool crop;                    ///< read as one BIT crop
    char crop_text[16];           ///< and what the bank says it is
    struct pipeline_side side[2]; ///< that hold braille, in reading order: recto, then verso
    unsigned n_sides;             ///< 1 or 2
    enum lang_code code;          ///< that it was read in
    float code_p;                 ///< that it is this one; 1 for crops and where the caller said so
    char *pinyin;                 ///< all as printed; owned
    char *spoken;                 ///< toned pinyin before sandhi; owned
    unsigned n_unknown;           ///< cells that are no text in this code
    float confidence;             ///< mean p
    struct pipeline_times times_ms;
};
void pipeline_reading_done(struct pipeline_reading *r);
/** Cells of all sides. */
size_t pipeline_reading_cells(const struct pipeline_reading *r);
/** Corrections of all sides. */
size_t pipeline_reading_changes(const struct pipeline_reading *r);
/** Is any side text? */
bool pipeline_reading_is_text(const struct pipeline_reading *r);

typedef void (*pipeline_progress_fn)(void *userdata, enum pipeline_stage stage, double fraction);

struct pipeline_job {
    const volatile int *cancel;    ///< set to stop soon; may be NULL
    pipeline_progress_fn progress; ///< may be NULL
    /** Called between sentences and between the steps of a reading, while nothing of the device is
     * held: who shares the pipeline may let another thread work meanwhile. Negative: the work ends
     * with that error. May be NULL. */
    int (*turn)(void *userdata);
    void *userdata;
};

enum pipeline_mode { PIPELINE_AUTO, PIPELINE_PAGE, PIPELINE_CROP };
/** The bumps, the dents (the other side's dots), or both. */
enum pipeline_sides { PIPELINE_RECTO, PIPELINE_VERSO, PIPELINE_BOTH };

struct pipeline_read_params {
    enum pipeline_mode mode;
    enum pipeline_sides sides;
    int orientation; ///< -1: found
    int mirrored;    ///< -1: found; 0 no, 1 yes
    double dpi;      ///< 0: from the file or found
    unsigned code;   ///< 0: found by what the page says; else 1 + enum lang_code
    bool verbatim;   ///< correct nothing
    bool blanks;     ///< tell of blank places, too
};
#define pipeline_read_params(...)                                                                  \
    (&(struct pipeline_read_params){.orientation = -1, .mirrored = -1, __VA_ARGS__})

/** Read a page (or crop). Of both sides one may hold nothing; -ENODATA where no side that was asked
 * for holds braille. */
int pipeline_read(struct pipeline *p, const struct image *img,
                  const struct pipeline_read_params *params, const struct pipeline_job *job,
                  struct pipeline_reading *ret, struct fail *fail);

#define PIPELINE_RATE_MIN 0.5 ///< of struct pipeline_say_params
#define PIPELINE_RATE_MAX 4.0
#define PIPELINE_PITCH_MIN 0.5
#define PIPELINE_PITCH_MAX 2.0
#define PIPELINE_VOLUME_MAX 4.0

/** Silence before a paragraph at rate 1, on top of what the voice leaves around a sentence. */
#define PIPELINE_PARAGRAPH_S 0.4

struct pipeline_say_params {
    double rate, pitch;    ///< factors, 1 = as trained
    double volume;         ///< factor on the level of -23 LUFS; 0 is silence
    double energy;         ///< factor on how far the voice's energy goes up and down
    bool no_sandhi;        ///< speak the tones as they stand
    enum lang_input input; ///< what the text is
    const char *voice;     ///< one of pipeline_voices() or its number from 0; NULL: the first
    unsigned rate_hz;      ///< the sound is brought to this rate, 8000 to 48000; 0: left as it is
};
#define pipeline_say_params(...)                                                                   \
    (&(struct pipeline_say_params){.rate = 1, .pitch = 1, .volume = 1, .energy = 1, __VA_ARGS__})

struct pipeline_chunk {
    size_t index, n;        ///< span of the input (lang/utterance.h), of how many
    const char *pinyin;     ///< what the span says, borrowed
    const char *mark;       ///< name of the mark that stands before the span, or NULL; borrowed
    size_t offset, n_bytes; ///< of the input that the span says
    bool first_of_span;     ///< a span comes in one or more chunks
    double start_s;         ///< of the chunk in the whole sound
    double span_s; ///< about how long the span's speech is, known before all is made; 0: silence
    const float *samples;           ///< -1 .. 1; borrowed
    unsigned rate_hz;               ///< of them: the same for all chunks
    size_t n_samples;               ///< 0 where a span is only a mark
    double acoustic_ms, vocoder_ms; ///< what this chunk took
    const char *unsaid; ///< what of the whole input cannot be said, named, or NULL; borrowed
};
/** Called chunk by chunk in order; a negative return ends the speaking with that error. */
typedef int (*pipeline_sound_fn)(void *userdata, const struct pipeline_chunk *chunk,
                                 struct fail *fail);

/** Of the voice, e.g. 16000 or 22050, once it is loaded; else 0. */
unsigned pipeline_rate_hz(struct pipeline *p);

/** A voice of the weights. Strings are borrowed from the pipeline, until its device is lost. */
struct pipeline_voice {
    const char *name;     ///< "xiaobei"
    const char *language; ///< "zh-CN"
    const char *gender;   ///< "female", "male", "" where nobody knows
    const char *title;    ///< for people
};
/** The voices, the one that speaks unless asked otherwise first. *ret: borrowed as their strings.
 * Loads the voice's weights. */
int pipeline_voices(struct pipeline *p, const struct pipeline_voice **ret, size_t *ret_n,
                    struct fail *fail);

/** Speak `text`, which is what params->input says it is (docs/contracts.md), as it is made. Nothing
 * to say: -ENODATA. */
int pipeline_say(struct pipeline *p, const char *text, const struct pipeline_say_params *params,
                 const struct pipeline_job *job, pipeline_sound_fn sound, void *userdata,
                 struct fail *fail);
