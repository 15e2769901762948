/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset render: what its parts share. cells.c draws crops of single cells, sheet.c a page
 * and its truth, text.c pages of running text, cmd-render.c has the options.
 */
#pragma once

#include "braille/render.h"
#include "lang/encode.h"
#include "tools/dataset/dataset.h"

struct render_options {
    const char *out, *page, *verso, *truth;
    const char *text, *verso_text;
    enum lang_code code;
    uint64_t n_columns, n_rows; ///< of a page of text
    size_t n_cells;
    struct dataset_crop_size size;
    struct brl_render_params params;
    bool weather, scan, both_sides, dsbi;
    struct dataset_common common;
};

#define RENDER_MAX_TEXT ((size_t) 1 << 20) ///< bytes of a file of text

/** printf into a string; owned; NULL: no memory. */
char *render_printed(const char *format, ...) PRINTF_FORMAT(1, 2);
/** Nothing is overwritten without --force: FAIL_CREATE -EEXIST. Takes the name; NULL: -ENOMEM. */
int render_check_free(const struct render_options *o, char *path, struct fail *fail);

/** The files of one sheet, as above. `truth` may be NULL. */
int render_check_sheet_free(const struct render_options *o, const char *out, const char *truth,
                            struct fail *fail);
/** Draw one sheet and write what is known of it. `verso` and `truth_path` may be NULL. */
int render_sheet(const struct render_options *o, const struct brl_render_sheet *recto,
                 const struct brl_render_sheet *verso, const struct brl_render_params *params,
                 const char *out, const char *truth_path, struct fail *fail);

int render_cells(const struct render_options *o, struct fail *fail);
int render_page(const struct render_options *o, struct fail *fail);
/** *ret_n: sheets. */
int render_text(const struct render_options *o, size_t *ret_n, struct fail *fail);
