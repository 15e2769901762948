/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a result that says what was read.
 */

#include "answer.h"

#include "field.h"
#include "job.h"
#include "options.h"
#include "pipeline/hanzi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char *put_line(char *at, const struct pipeline_line *line, bool brf)
{
    const uint8_t *s = (const uint8_t *) line->braille;

    if (!brf)
        return stpcpy(at, line->braille);
    /* U+2800 + cell is e2 a0+(cell >> 6) 80+(cell & 63); six-dot cells end in the third */
    for (; s[0]; s += 3)
        *at++ = brl_cell_ascii(s[2] & 63);
    *at = 0;
    return at;
}

/* The cells of all lines, a line each, as Unicode braille or as BRF; a form feed stands between the
 * sides. *ret owned. */
static int join_cells(const struct pipeline_reading *reading, bool brf, char **ret)
{
    size_t size = 1;

    for (unsigned k = 0; k < reading->n_sides; k++)
        for (size_t i = 0; i < reading->side[k].n_lines; i++)
            size += strlen(reading->side[k].lines[i].braille) + 1;
    char *out = calloc(1, size), *at = out;
    if (!out)
        return -ENOMEM;
    for (unsigned k = 0; k < reading->n_sides; k++)
        for (size_t i = 0; i < reading->side[k].n_lines; i++) {
            if (at > out)
                *at++ = i > 0 ? '\n' : '\f';
            at = put_line(at, &reading->side[k].lines[i], brf);
        }
    *ret = out;
    return 0;
}

static int add_cells(sd_bus_message *m, const struct job *job)
{
    static const struct {
        const char *key;
        unsigned output;
    } forms[] = {{"cells", OUTPUT_CELLS}, {"brf", OUTPUT_BRF}};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(forms); i++) {
        CLEANUP_FREE char *s = NULL;
        if (!(job->options.outputs & forms[i].output))
            continue;
        r = join_cells(&job->result.reading, forms[i].output == OUTPUT_BRF, &s);
        if (r >= 0)
            r = field_string(m, forms[i].key, s);
    }
    return r;
}

static uint32_t number_of(const struct pipeline_side *side)
{
    return side->side == BRL_VERSO ? 2 : 1;
}

static int add_side_lines(sd_bus_message *m, const struct pipeline_side *side, enum lang_code code)
{
    char **hanzi;

    int r = pipeline_hanzi_lines(side, code, &hanzi);
    if (r < 0)
        return r;
    for (size_t i = 0; r >= 0 && i < side->n_lines; i++) {
        const struct pipeline_line *line = &side->lines[i];
        r = sd_bus_message_append(m, "(uusssd)", number_of(side), (uint32_t) line->row,
                                  line->braille, line->pinyin, hanzi[i], (double) line->p);
    }
    pipeline_hanzi_free(hanzi, side->n_lines);
    return r;
}

static int add_lines(sd_bus_message *m, const struct pipeline_reading *reading)
{
    int r = field_array(m, "lines", "a(uusssd)", "(uusssd)");

    for (unsigned k = 0; r >= 0 && k < reading->n_sides; k++)
        r = add_side_lines(m, &reading->side[k], reading->code);
    return r < 0 ? r : field_end(m);
}

static int add_boxes(sd_bus_message *m, const struct pipeline_reading *reading)
{
    int r = field_array(m, "boxes", "a(uuu(dddd)yd)", "(uuu(dddd)yd)");

    for (unsigned k = 0; k < reading->n_sides; k++)
        for (size_t i = 0; r >= 0 && i < reading->side[k].n_cells; i++) {
            const struct pipeline_cell *c = &reading->side[k].cells[i];
            r = sd_bus_message_append(m, "(uuu(dddd)yd)", number_of(&reading->side[k]),
                                      (uint32_t) c->row, (uint32_t) c->column, c->box[0], c->box[1],
                                      c->box[2], c->box[3], c->dots, (double) c->p);
        }
    return r < 0 ? r : field_end(m);
}

/* Those that hold braille, as the option "sides" has them. */
static uint32_t sides_of(const struct pipeline_reading *reading)
{
    if (reading->n_sides == 2)
        return 3;
    return number_of(&reading->side[0]);
}

int answer_reading(sd_bus_message *m, struct job *job)
{
    const struct pipeline_reading *reading = &job->result.reading;
    char code[32];
    int r = 0;

    if (job->options.outputs & OUTPUT_PINYIN)
        r = field_string(m, "pinyin", reading->pinyin);
    if (r >= 0)
        r = add_cells(m, job);
    if (r >= 0 && job->options.outputs & OUTPUT_LINES)
        r = add_lines(m, reading);
    if (r >= 0 && job->options.outputs & OUTPUT_BOXES)
        r = add_boxes(m, reading);
    snprintf(code, sizeof(code), CODE_PREFIX "%s", lang_code_names[reading->code]);
    if (r >= 0)
        r = field_string(m, "braille-code", code);
    if (r >= 0)
        r = sd_bus_message_append(
            m, "{sv}{sv}{sv}{sv}{sv}{sv}", "braille-code-confidence", "d", (double) reading->code_p,
            "orientation", "u", 1 + reading->orientation / 90, "mirrored", "u",
            1 + reading->mirrored, "sides", "u", sides_of(reading), "confidence", "d",
            (double) reading->confidence, "unknown-cells", "u", reading->n_unknown);
    for (unsigned i = 0; r >= 0 && i < reading->n_sides; i++)
        if (!reading->side[i].is_text)
            r = job_warn(job, "no-text:%s", reading->side[i].side == BRL_VERSO ? "verso" : "recto");
    if (r >= 0 && reading->n_unknown)
        r = job_warn(job, "unknown-cells:%u", reading->n_unknown);
    return r;
}
