/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of SSML's attributes (W3C Speech Synthesis Markup Language 1.1). Private to lang.
 */
#pragma once

#include "lang/utterance.h"

enum lang_ssml_value {
    LANG_SSML_GOOD,
    LANG_SSML_UNSAID, ///< right, but nothing here can do it (Hz)
    LANG_SSML_WRONG,
};

/** Factors, which lie within what a voice can do: rate 0.25 … 4, pitch 0.5 … 2, volume 0 … 4. */
enum lang_ssml_value lang_ssml_rate(const char *text, double *ret);
enum lang_ssml_value lang_ssml_pitch(const char *text, double *ret);
enum lang_ssml_value lang_ssml_volume(const char *text, double *ret);
/** "(0%,+10%) (100%,-2st)" */
enum lang_ssml_value lang_ssml_contour(const char *text, struct lang_point *ret, unsigned *ret_n);
/** "300ms", "1.5s"; at most a minute. Seconds. */
enum lang_ssml_value lang_ssml_time(const char *text, double *ret);
/** "none" … "x-strong" as seconds. */
enum lang_ssml_value lang_ssml_strength(const char *text, double *ret);
