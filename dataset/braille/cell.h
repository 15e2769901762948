/* SPDX-License-Identifier: Apache-2.0
 *
 * Braille cells as numbers: bit i (0-5) is dot i+1. Pure functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint8_t brl_cell; ///< 0 .. 63; 0 is the blank cell

/** "125" -> 0x13; "" or "0" -> 0. -EINVAL on anything else (0 on success). */
int brl_cell_parse(const char *dots, brl_cell *ret);
/** 0x13 -> "125"; the blank cell -> "0". `out` has room for 7 bytes. */
void brl_cell_format(brl_cell cell, char out[7]);
/** U+2800 + cell as UTF-8: 3 bytes and a zero. */
void brl_cell_utf8(brl_cell cell, char out[4]);
/** North American ASCII braille (BRF), upper case. */
char brl_cell_ascii(brl_cell cell);
/** The cell as seen from the other side of the paper: dots 1-4, 2-5, 3-6 swapped. */
brl_cell brl_cell_mirror(brl_cell cell);
/** The cell turned by 180 degrees: dots 1-6, 2-5, 3-4 swapped. */
brl_cell brl_cell_turn(brl_cell cell);
