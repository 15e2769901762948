/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/cell.h"

#include <errno.h>
#include <string.h>

#include "test.h"

static void test_parse(void)
{
    brl_cell cell = 0xAA;

    REQUIRE(brl_cell_parse("125", &cell) == 0 && cell == 0x13);
    REQUIRE(brl_cell_parse("521", &cell) == 0 && cell == 0x13);
    REQUIRE(brl_cell_parse("123456", &cell) == 0 && cell == 0x3F);
    REQUIRE(brl_cell_parse("", &cell) == 0 && cell == 0);
    cell = 0x11;
    REQUIRE(brl_cell_parse("0", &cell) == 0 && cell == 0);
    cell = 0x11;
    const char *const bad[] = {"7", "01", "11", "1-2", "12 ", "00", "a", "-1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        REQUIRE(brl_cell_parse(bad[i], &cell) == -EINVAL && cell == 0x11);
}

static void test_forms(void)
{
    char text[7], utf8[4];

    for (unsigned i = 0; i < 64; i++) {
        brl_cell cell = (brl_cell) i, back = 0xFF;
        brl_cell_format(cell, text);
        REQUIRE(brl_cell_parse(text, &back) == 0 && back == cell);
        brl_cell_utf8(cell, utf8);
        REQUIRE(strlen(utf8) == 3);
        REQUIRE((unsigned char) utf8[0] == 0xE2 && ((unsigned char) utf8[1] & 0xFC) == 0xA0);
        REQUIRE((((unsigned char) utf8[1] & 3u) << 6 | ((unsigned char) utf8[2] & 0x3Fu)) == i);
    }
    brl_cell_utf8(0x13, utf8);
    REQUIRE(strcmp(utf8, "⠓") == 0);
    brl_cell_format(0, text);
    REQUIRE(strcmp(text, "0") == 0);
}

/* The letters, the digits and the signs as the North American table lists them. */
static void test_ascii(void)
{
    static const struct {
        const char *dots;
        char c;
    } table[] = {
        {"", ' '},      {"1", 'A'},     {"12", 'B'},    {"14", 'C'},     {"145", 'D'},
        {"15", 'E'},    {"124", 'F'},   {"1245", 'G'},  {"125", 'H'},    {"24", 'I'},
        {"245", 'J'},   {"13", 'K'},    {"123", 'L'},   {"134", 'M'},    {"1345", 'N'},
        {"135", 'O'},   {"1234", 'P'},  {"12345", 'Q'}, {"1235", 'R'},   {"234", 'S'},
        {"2345", 'T'},  {"136", 'U'},   {"1236", 'V'},  {"2456", 'W'},   {"1346", 'X'},
        {"13456", 'Y'}, {"1356", 'Z'},  {"2", '1'},     {"23", '2'},     {"25", '3'},
        {"256", '4'},   {"26", '5'},    {"235", '6'},   {"2356", '7'},   {"236", '8'},
        {"35", '9'},    {"356", '0'},   {"3456", '#'},  {"123456", '='}, {"36", '-'},
        {"3", '\''},    {"6", ','},     {"46", '.'},    {"34", '/'},     {"345", '>'},
        {"126", '<'},   {"45", '^'},    {"456", '_'},   {"56", ';'},     {"5", '"'},
        {"4", '@'},     {"146", '%'},   {"16", '*'},    {"346", '+'},    {"12346", '&'},
        {"2346", '!'},  {"23456", ')'}, {"12356", '('}, {"1256", '\\'},  {"246", '['},
        {"12456", ']'}, {"156", ':'},   {"1456", '?'},  {"1246", '$'},
    };
    uint64_t seen = 0;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        brl_cell cell;
        REQUIRE(brl_cell_parse(table[i].dots, &cell) == 0);
        REQUIRE(brl_cell_ascii(cell) == table[i].c);
        seen |= UINT64_C(1) << cell;
    }
    REQUIRE(seen == UINT64_MAX); /* all 64 cells were named above */
}

static void test_turns(void)
{
    REQUIRE(brl_cell_mirror(0x13) == 0x1A); /* 125 -> 245 */
    REQUIRE(brl_cell_turn(0x13) == 0x32);   /* 125 -> 652 */
    for (unsigned i = 0; i < 64; i++) {
        brl_cell cell = (brl_cell) i;
        REQUIRE(brl_cell_mirror(brl_cell_mirror(cell)) == cell);
        REQUIRE(brl_cell_turn(brl_cell_turn(cell)) == cell);
        REQUIRE(brl_cell_mirror(cell) < 64 && brl_cell_turn(cell) < 64);
        REQUIRE(__builtin_popcount(brl_cell_turn(cell)) == __builtin_popcount(i));
    }
    for (unsigned dot = 0; dot < 3; dot++) {
        REQUIRE(brl_cell_mirror((brl_cell) (1u << dot)) == 1u << (dot + 3));
        REQUIRE(brl_cell_turn((brl_cell) (1u << dot)) == 1u << (5 - dot));
    }
}

int main(void)
{
    test_parse();
    test_forms();
    test_ascii();
    test_turns();
    return 0;
}
