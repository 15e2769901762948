/* SPDX-License-Identifier: Apache-2.0
 *
 * What a screen reader sends -> the SSML that the voice gets: marks named, letters spelled, capital
 * letters told, keys in words. Anything may come in: broken SSML, bytes that are no UTF-8.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/sd/settings.h"

enum sd_kind { SD_TEXT, SD_CHAR, SD_KEY, SD_ICON };

/** The name of a mark that stands where a capital letter's sign is to be heard. */
#define SD_CAPITAL_MARK "__brailled_capital"
/** What the server's own marks begin with; it can go on behind them after a pause. */
#define SD_SERVER_MARK "__spd_"

/** *ret: a whole document, owned. -ENOMEM. */
int sd_text_ssml(enum sd_kind kind, const char *data, size_t n, const struct sd_settings *s,
                 char **ret);

/** The text of something that is no good SSML, without what looks like tags. *ret: owned. -ENOMEM.
 */
int sd_text_plain(const char *ssml, char **ret);

/** A long document in parts, each a document, so that the first sound and the end of it need not
 * wait until all of it is understood. Parts end with a sentence where they can. One that holds more
 * than text and marks stays as it is. */
struct sd_parts {
    const char *ssml; ///< borrowed
    size_t at, end;   ///< of what is inside <speak>
    size_t max;       ///< bytes of a part, about
    bool whole;       ///< no parts
};
enum { SD_PART_BYTES = 6000 };
void sd_parts_begin(struct sd_parts *parts, const char *ssml, size_t max);
/** 1: *ret, owned; 0: that was all; -ENOMEM. */
int sd_parts_next(struct sd_parts *parts, char **ret);
