/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of the page (review.html and what it loads), compiled in by embed.py.
 */
#pragma once

#include <stddef.h>

struct review_asset {
    const char *name; ///< as in the address; "" is the page itself
    const char *type; ///< of the content
    const unsigned char *data;
    size_t size;
};
extern const struct review_asset review_assets[];
extern const size_t review_n_assets;
