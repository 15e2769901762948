/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/cell.h"

#include <errno.h>

int brl_cell_parse(const char *dots, brl_cell *ret)
{
    brl_cell cell = 0;

    if (dots[0] == '0' && dots[1] == 0)
        dots++;
    for (; *dots; dots++) {
        if (*dots < '1' || *dots > '6')
            return -EINVAL;
        brl_cell bit = (brl_cell) (1u << (*dots - '1'));
        if (cell & bit)
            return -EINVAL; /* a dot named twice is a slip of the pen */
        cell |= bit;
    }
    *ret = cell;
    return 0;
}

void brl_cell_format(brl_cell cell, char out[7])
{
    char *p = out;

    for (unsigned dot = 0; dot < 6; dot++)
        if (cell >> dot & 1)
            *p++ = (char) ('1' + dot);
    if (p == out)
        *p++ = '0';
    *p = 0;
}

void brl_cell_utf8(brl_cell cell, char out[4])
{
    unsigned code = 0x2800u + cell;

    out[0] = (char) (0xE0 | code >> 12);
    out[1] = (char) (0x80 | (code >> 6 & 0x3F));
    out[2] = (char) (0x80 | (code & 0x3F));
    out[3] = 0;
}

char brl_cell_ascii(brl_cell cell)
{
    /* in the order of the cells' numbers, as BRF files have used it since the 1960s */
    static const char table[65] =
        " A1B'K2L@CIF/MSP\"E3H9O6R^DJG>NTQ,*5<-U8V.%[$+X!&;:4\\0Z7(_?W]#Y)=";

    return table[cell & 0x3F];
}

brl_cell brl_cell_mirror(brl_cell cell)
{
    return (brl_cell) ((cell & 0x07) << 3 | (cell >> 3 & 0x07));
}

brl_cell brl_cell_turn(brl_cell cell)
{
    brl_cell out = 0;

    for (unsigned dot = 0; dot < 6; dot++)
        if (cell >> dot & 1)
            out |= (brl_cell) (1u << (5 - dot));
    return out;
}
