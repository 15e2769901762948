/* SPDX-License-Identifier: Apache-2.0
 *
 * A page from one frame, or of old scanners from three: red, green, blue. What a driver says about
 * sizes is checked before it is believed; 16 bits become 8, and a page whose length is not known
 * grows while it comes.
 */

#include "tools/ctl/scan/scan.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
    BLOCK_BYTES = 64 * 1024,
    MAX_LINE_BYTES = 1 << 24,
    WARMING_UP = 12, ///< SANE_STATUS_WARMING_UP of a later standard; drivers use it already
    RETRY_MS = 200,
    BUSY_S = 3,                   ///< a lamp, or the driver's own last scan
    IDLE_MS = 5,                  ///< nothing there yet
    MAX_SPARE = 64 * BLOCK_BYTES, ///< behind the lines that were announced; then it will not end
};

/* A page that grows. */
struct page {
    struct image *img; ///< owned; its data has room for `room` lines
    size_t room;
    unsigned n_lines; ///< there, of all frames the fewest
};

/* One frame of it. */
struct frame {
    SANE_Parameters p;
    unsigned n_chan, first_chan; ///< of the page's channels it fills
    size_t need;                 ///< bytes of a line that count
    uint8_t *line;               ///< [bytes_per_line], owned
    size_t have;                 ///< bytes of it
    size_t row, spare;
};

static void pause_ms(unsigned ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

/* ---- what the driver says ---- */

static int check_format(struct scanner *s, struct frame *f, struct fail *fail)
{
    switch (f->p.format) {
    case SANE_FRAME_GRAY:
        f->n_chan = 1;
        break;
    case SANE_FRAME_RGB:
        f->n_chan = 3;
        break;
    case SANE_FRAME_RED:
    case SANE_FRAME_GREEN:
    case SANE_FRAME_BLUE:
        f->n_chan = 1;
        f->first_chan = f->p.format - SANE_FRAME_RED;
        break;
    default: /* JPEG, infrared: nobody asked for them */
        return scan_fail(s, SCAN_REFUSED, fail);
    }
    if (f->p.depth == 1)
        return scan_fail(s, SCAN_BLACK_AND_WHITE, fail);
    return f->p.depth == 8 || f->p.depth == 16 ? 0 : scan_fail(s, SCAN_REFUSED, fail);
}

static int check_size(struct scanner *s, struct frame *f, struct fail *fail)
{
    const SANE_Parameters *p = &f->p;

    if (p->pixels_per_line < 1 || p->bytes_per_line < 1 || p->lines == 0)
        return scan_fail(s, SCAN_NO_PICTURE, fail);
    if (p->pixels_per_line > 65535 || p->lines > 65535 || p->bytes_per_line > MAX_LINE_BYTES ||
        (p->lines > 0 && (size_t) p->pixels_per_line * (size_t) p->lines > IMAGE_MAX_PIXELS))
        return scan_fail(s, SCAN_TOO_LARGE, fail);
    f->need = (size_t) p->pixels_per_line * f->n_chan * (size_t) p->depth / 8;
    return f->need <= (size_t) p->bytes_per_line ? 0 : scan_fail(s, SCAN_REFUSED, fail);
}

static int grow(struct scanner *s, struct page *page, size_t room, struct fail *fail)
{
    const size_t width = page->img->width;

    room = MIN(room, MIN((size_t) 65535, IMAGE_MAX_PIXELS / width));
    if (room <= page->room)
        return scan_fail(s, SCAN_TOO_LARGE, fail);
    uint8_t *more = reallocarray(page->img->data, room, page->img->stride);
    if (!more)
        return scan_fail(s, SCAN_NO_MEMORY, fail);
    memset(more + page->room * page->img->stride, 0, (room - page->room) * page->img->stride);
    page->img->data = more;
    page->room = room;
    return 0;
}

/* Room for the frame: of the first one the page's form follows, the others have to fit it. */
static int fit(struct scanner *s, struct page *page, const struct frame *f, struct fail *fail)
{
    const unsigned width = (unsigned) f->p.pixels_per_line;
    const bool alone = f->p.format == SANE_FRAME_GRAY || f->p.format == SANE_FRAME_RGB;

    if (page->img)
        return alone || page->img->n_chan != 3 || page->img->width != width
                   ? scan_fail(s, SCAN_REFUSED, fail)
                   : 0;
    page->img = calloc(1, sizeof(*page->img));
    if (!page->img)
        return scan_fail(s, SCAN_NO_MEMORY, fail);
    page->img->width = width;
    page->img->n_chan = alone ? f->n_chan : 3;
    page->img->stride = (size_t) width * page->img->n_chan;
    page->img->dpi = s->dpi;
    page->n_lines = 65535;
    return grow(s, page, f->p.lines > 0 ? (size_t) f->p.lines : 1024, fail);
}

/* ---- lines ---- */

static void put_line(const struct page *page, const struct frame *f)
{
    const size_t n = (size_t) f->p.pixels_per_line * f->n_chan;
    const size_t step = page->img->n_chan / f->n_chan;
    uint8_t *to = page->img->data + f->row * page->img->stride + f->first_chan;
    const uint16_t *wide = (const uint16_t *) (const void *) f->line; /* the machine's order */

    if (f->p.depth == 16)
        for (size_t i = 0; i < n; i++)
            to[i * step] = (uint8_t) (wide[i] >> 8);
    else if (step == 1)
        memcpy(to, f->line, n);
    else
        for (size_t i = 0; i < n; i++)
            to[i * step] = f->line[i];
}

static int take_line(struct scanner *s, struct page *page, struct frame *f, struct fail *fail)
{
    f->have = 0;
    if (f->p.lines > 0 && f->row >= (size_t) f->p.lines) {
        f->spare += (size_t) f->p.bytes_per_line;
        return f->spare > MAX_SPARE ? scan_fail(s, SCAN_TOO_LARGE, fail) : 0;
    }
    if (f->row >= page->room) {
        int r = grow(s, page, 2 * page->room, fail);
        if (r < 0)
            return r;
    }
    put_line(page, f);
    f->row++;
    return 0;
}

/* Blocks end anywhere in a line. */
static int take_bytes(struct scanner *s, struct page *page, struct frame *f, const uint8_t *data,
                      size_t n, struct fail *fail)
{
    const size_t whole = (size_t) f->p.bytes_per_line;
    int r = 0;

    while (n > 0 && r == 0) {
        const size_t m = MIN(n, whole - f->have);
        memcpy(f->line + f->have, data, m);
        f->have += m;
        data += m;
        n -= m;
        if (f->have == whole)
            r = take_line(s, page, f, fail);
    }
    return r;
}

static void tell(const struct scanner *s, const struct frame *f)
{
    if (f->p.lines > 0)
        ctl_progress(s->ctl, "scanning: %zu %%", 100 * f->row / (size_t) f->p.lines);
    else
        ctl_progress(s->ctl, "scanning: %zu lines", f->row);
}

static int read_frame(struct scanner *s, struct page *page, struct frame *f,
                      struct scan_guard *guard, struct fail *fail)
{
    CLEANUP_FREE uint8_t *block = malloc(BLOCK_BYTES);
    SANE_Status status = block ? SANE_STATUS_GOOD : SANE_STATUS_NO_MEM;
    int r = 0;

    while (r == 0 && status == SANE_STATUS_GOOD) {
        SANE_Int n = 0;
        if (ctl_cancelled)
            return ctl_interrupted(fail);
        status = s->api->read(s->handle, block, BLOCK_BYTES, &n);
        if (scan_guard_fired(guard))
            return scan_fail(s, SCAN_SILENT, fail);
        if (status != SANE_STATUS_GOOD || n <= 0) {
            if (status == SANE_STATUS_GOOD)
                pause_ms(IDLE_MS);
            continue;
        }
        scan_guard_touch(guard);
        if (s->times.data_usec == 0)
            s->times.data_usec = ctl_now_usec();
        r = take_bytes(s, page, f, block, (size_t) MIN(n, BLOCK_BYTES), fail);
        tell(s, f);
    }
    if (r < 0)
        return r;
    if (ctl_cancelled)
        return ctl_interrupted(fail);
    return status == SANE_STATUS_EOF ? 0 : scan_fail(s, scan_problem_of(status), fail);
}

/* ---- the page ---- */

/* What is not ready yet is asked again. */
static int start(struct scanner *s, struct scan_guard *guard, struct fail *fail)
{
    const uint64_t begin_usec = ctl_now_usec();
    SANE_Status status;

    for (;;) {
        status = s->api->start(s->handle);
        s->started = s->started || status == SANE_STATUS_GOOD;
        if (ctl_cancelled)
            return ctl_interrupted(fail);
        if (scan_guard_fired(guard))
            return scan_fail(s, SCAN_SILENT, fail);
        const bool warming = (int) status == WARMING_UP;
        const double waited_s = ctl_ms_since(begin_usec) / 1000;
        if (!warming && (status != SANE_STATUS_DEVICE_BUSY || waited_s > BUSY_S))
            break;
        ctl_progress(s->ctl, "the scanner warms up: %.0f s", waited_s);
        pause_ms(RETRY_MS);
    }
    return status == SANE_STATUS_GOOD ? 0 : scan_fail(s, scan_problem_of(status), fail);
}

static int one_frame(struct scanner *s, struct page *page, struct scan_guard *guard, bool *ret_last,
                     struct fail *fail)
{
    struct frame f = {0};

    int r = start(s, guard, fail);
    if (r < 0)
        return r;
    scan_guard_touch(guard);
    if (s->times.started_usec == 0)
        s->times.started_usec = ctl_now_usec();
    SANE_Status status = s->api->get_parameters(s->handle, &f.p);
    if (status != SANE_STATUS_GOOD)
        return scan_fail(s, scan_problem_of(status), fail);
    *ret_last = f.p.last_frame || f.p.format == SANE_FRAME_GRAY || f.p.format == SANE_FRAME_RGB;
    r = check_format(s, &f, fail);
    if (r == 0)
        r = check_size(s, &f, fail);
    if (r == 0)
        r = fit(s, page, &f, fail);
    if (r < 0)
        return r;
    f.line = malloc((size_t) f.p.bytes_per_line);
    r = f.line ? read_frame(s, page, &f, guard, fail) : scan_fail(s, SCAN_NO_MEMORY, fail);
    free(f.line);
    page->n_lines = (unsigned) MIN((size_t) page->n_lines, f.row);
    if (r == 0 && f.p.lines > 0 && f.row < (size_t) f.p.lines)
        ctl_say_line(s->ctl, "the scanner ended early: %zu of %d lines", f.row, f.p.lines);
    return r;
}

static int all_frames(struct scanner *s, struct page *page, struct scan_guard *guard,
                      struct fail *fail)
{
    bool last = false;
    int r = 0;

    for (int i = 0; i < 3 && r == 0 && !last; i++)
        r = one_frame(s, page, guard, &last, fail);
    if (r == 0 && page->n_lines == 0)
        r = scan_fail(s, SCAN_NO_PICTURE, fail);
    return r;
}

int scan_page(struct scanner *s, struct image **ret, struct fail *fail)
{
    struct scan_guard *guard = NULL;
    struct page page = {0};

    s->problem = SCAN_FINE;
    s->times = (struct scan_times){.start_usec = ctl_now_usec()};
    int r = scan_guard_new(s, true, &guard);
    if (r == 0)
        r = all_frames(s, &page, guard, fail);
    scan_guard_free(guard);
    ctl_progress_clear();
    s->times.end_usec = ctl_now_usec();
    if (r < 0) {
        image_free(page.img);
        return r;
    }
    page.img->height = page.n_lines;
    *ret = page.img;
    return 0;
}

void scan_end(struct scanner *s)
{
    struct scan_guard *guard = NULL;

    if (!s->started)
        return;
    s->started = false;
    const int r = scan_guard_new(s, false, &guard); /* without one it goes unwatched */
    s->api->cancel(s->handle);
    if (r == 0)
        scan_guard_free(guard);
}
