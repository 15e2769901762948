/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "braille/page.h"

#define MM_PER_INCH 25.4
#define TYPICAL_PITCH_MM 2.55 ///< docs/braille.md, part F: 2.34 (US) .. 2.83 (Massage)
/* A resolution that is told is believed between these: photographs say 72, and pages of less than 96
 * have no dots left. */
#define MIN_TOLD_DPI 96
#define MAX_TOLD_DPI 2400

/** A crop of few cells. -ENODATA, -ENOMEM. */
int brl_page_find_crop(const struct image *img, const struct brl_page_params *params,
                       struct brl_page *page);
/** What a file says of its resolution, unless the dots say that this is nonsense. */
double brl_page_dpi(double told_dpi, double pitch_px);
