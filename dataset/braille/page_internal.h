/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "braille/page.h"

/** A crop of few cells. -ENODATA, -ENOMEM. */
int brl_page_find_crop(const struct image *img, const struct brl_page_params *params,
                       struct brl_page *page);
/** What a file says of its resolution, unless the dots say that this is nonsense. */
double brl_page_dpi(double told_dpi, double pitch_px);
