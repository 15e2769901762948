/* SPDX-License-Identifier: Apache-2.0 */

#include "audio/vtt.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static unsigned long long ms_of(double s)
{
    return s > 0 ? (unsigned long long) llround(1000 * s) : 0;
}

static void put_time(FILE *f, unsigned long long ms)
{
    fprintf(f, "%02llu:%02llu:%02llu.%03llu", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
            ms % 1000);
}

/* One line, whatever it was; outside cues there are no escapes, and "-->" must not stand there. */
static void put_line(FILE *f, const char *s, bool in_cue)
{
    for (; *s; s++) {
        if ((unsigned char) *s < ' ')
            fputc(' ', f);
        else if (in_cue && *s == '&')
            fputs("&amp;", f);
        else if (in_cue && *s == '<')
            fputs("&lt;", f);
        else if (in_cue && *s == '>')
            fputs("&gt;", f);
        else if (!in_cue && strncmp(s, "-->", 3) == 0)
            fputs("- ", f);
        else
            fputc(*s, f);
    }
}

void audio_vtt_begin(FILE *f, const char *title)
{
    fputs("WEBVTT", f);
    if (title && *title) {
        fputc(' ', f);
        put_line(f, title, false);
    }
    fputs("\n\n", f);
}

void audio_vtt_note(FILE *f, const char *text)
{
    fputs("NOTE ", f);
    put_line(f, text, false);
    fputs("\n\n", f);
}

void audio_vtt_cue(FILE *f, size_t number, const struct audio_cue *cue)
{
    const unsigned long long start = ms_of(cue->start_s), end = ms_of(cue->end_s);

    if (end <= start)
        return;
    fprintf(f, "%zu\n", number);
    put_time(f, start);
    fputs(" --> ", f);
    put_time(f, end);
    fputc('\n', f);
    for (size_t i = 0; i < 2; i++)
        if (cue->lines[i] && *cue->lines[i]) {
            put_line(f, cue->lines[i], true);
            fputc('\n', f);
        }
    fputc('\n', f);
}
