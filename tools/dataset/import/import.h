/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets of others, taken over: a format lists its items (one becomes one record), and reads
 * them one by one on any thread. What it needs to find an item again is a few bytes.
 */
#pragma once

#include <stdint.h>

#include "braille/page.h"
#include "image/image.h"
#include "lang/encode.h"
#include "manifest/manifest.h"
#include "tools/dataset/common.h"

struct import_format;

struct import_options {
    struct dataset_common common;
    const struct import_format *format;
    const char *out;
    const char *type, *split; ///< NULL: as the format says
    enum lang_code code;
    bool has_code;
    double dpi;    ///< 0: as the pictures say
    double margin; ///< boxes reach beyond the dot centres by this many dot pitches; < 0: as usual
    bool link;     ///< pictures are linked where that can be
};

/** Where an item is; what `path` and `offset` mean is the format's. */
struct import_item {
    const char *root; ///< borrowed from the list: the folder or file that was named
    char *path;       ///< owned; may be NULL
    uint64_t offset;
    uint32_t size, number;
    enum brl_side side;
    uint64_t hash; ///< of its id before a number; two sides of a page have one
    uint64_t key;  ///< of where it comes from
    uint32_t nth;  ///< how many before it have the same hash from elsewhere
};

struct import_list {
    char **roots; ///< owned
    size_t n_roots;
    struct import_item *items; ///< owned
    size_t n, room;
    uint64_t stamp; ///< of the files that import_walk() met: which they are, and as of when
};
void import_list_done(struct import_list *list);
/** Keep a root; *ret lives as long as the list. -ENOMEM. */
int import_add_root(struct import_list *list, const char *root, const char **ret);
/** Append `item` (item.path is taken, also on failure), which gets its id from `name`. -ENOMEM. */
int import_add(struct import_list *list, struct import_item item, const char *name);
/** After the last one: sees which names come more than once. -ENOMEM. */
int import_list_end(struct import_list *list);

/** One item while it is read. All owned. */
struct import_work {
    const struct import_item *item; ///< borrowed
    char *name;                     ///< set by find(), the same as for import_add()
    const char *suffix;             ///< of the id, not of the picture; set by find(); NULL: ""
    char *picture;                  ///< path; set by find()
    char *note;                     ///< of find(), for label(): a line, a path
    json_t *json;                   ///< the same
    uint8_t *bytes;                 ///< of the picture's file
    size_t n_bytes;
    struct manifest_record record;
    bool changed;    ///< the bytes are not those of the file
    bool skip;       ///< no record comes of it
    struct fail why; ///< the reason
};

/** All of these: a negative return with `fail` set. */
struct import_format {
    const char *name, *type, *what;
    double margin; ///< what import_options.margin < 0 means
    /** Append the items of one source, in an order that is the same everywhere. */
    int (*list)(const char *source, struct import_list *list, struct fail *fail);
    /** Fill in name, picture, record.source. A failure skips the item. */
    int (*find)(const struct import_options *o, struct import_work *w, struct fail *fail);
    /** Fill in the label; `img` is the decoded picture. A failure skips the item. */
    int (*label)(const struct import_options *o, struct import_work *w, const struct image *img,
                 struct fail *fail);
};
extern const struct import_format import_dsbi, import_angelina, import_labelme, import_tsv,
    import_brf;

/* ---- files.c ---- */

/** Call `each` for every file at or below `source` whose name ends in one of `endings` (NULL at the
 * end), sorted; `path` is below the root that was kept for it. FAIL_OPEN. */
int import_walk(const char *source, const char *const endings[], struct import_list *list,
                int (*each)(struct import_list *list, const char *root, const char *path,
                            struct fail *fail),
                struct fail *fail);
bool import_ends(const char *text, const char *ending);
/** "ROOT/PATH" without the last `cut` bytes and with `ending`, owned; NULL: not enough memory. */
char *import_join(const char *root, const char *path, size_t cut, const char *ending);
/** The picture STEM.jpg, .png, …; *ret owned, NULL when there is none. -ENOMEM. */
int import_picture(const char *stem, char **ret);
/** "Ordinary Printed Document/OPD+1" -> "Ordinary-Printed-Document+OPD+1": what an id may be, at
 * most 150 bytes, the last of a longer name. */
void import_clean_name(const char *name, char ret[151]);
/** Set record.source from item->path, and name from it without its last `cut` bytes. -ENOMEM. */
int import_set_name(const struct import_options *o, struct import_work *w, size_t cut);

/* ---- boxes.c: labels that are boxes ---- */

#define IMPORT_MAX_BOXES 20000 ///< of one picture

struct import_box {
    double left, top, right, bottom; ///< pixel edges
    brl_cell cell;
};

/** A label: dots "125" or "0", bits "110010", Unicode braille, "~125" or "~125~". -EINVAL. */
int import_parse_dots(const char *text, brl_cell *ret);
/** The letters, signs and digits that Angelina's labels are written with; also "~125". -EINVAL. */
int import_parse_letter(const char *text, brl_cell *ret);
/** Put boxes in reading order and into the record: through the dot centres, margins taken
 * away, with the skew of their lines. -ENOMEM. */
int import_set_boxes(const struct import_options *o, struct import_box *boxes, size_t n,
                     struct manifest_record *record);

/* ---- shared by tsv.c and brf.c ---- */

/** Unicode braille, or groups of dots with spaces between, to cells (owned). FAIL_INPUT. */
int import_parse_cells(const char *text, struct manifest_record *record, struct fail *fail);
