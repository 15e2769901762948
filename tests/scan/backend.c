/* SPDX-License-Identifier: Apache-2.0
 *
 * A SANE driver of the tests' own: a scanner with buttons and a feeder, whose page is a PGM file
 * and whose faults are set through a file that both sides map ($BRAILLETEST_STATE, struct state;
 * tests/scan/rig.py knows its layout).
 */

#include <fcntl.h>
#include <sane/sane.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum {
    ODD_FORM = 1,    ///< frames are as form, width, lines and the others say
    ODD_STALL = 2,   ///< no data, and read() comes back
    ODD_BLOCK = 4,   ///< no data, and read() comes back only when the scan is cancelled
    ODD_ENDLESS = 8, ///< the page goes on for ever
    ODD_SHORT = 16,  ///< half of the page, then its end
    ODD_MODES = 32,  ///< black and white only
    ODD_BARE = 64,   ///< no options but the buttons
    ODD_HANG = 128,  ///< no data, and nothing ends that
    ODD_WILD = 256,  ///< options that say nonsense of themselves
};

/* Words of 4 bytes, then of 8, as struct.pack('=24i4q') lays them out. */
struct state {
    int32_t pressed[4]; ///< scan, cancel, copy, button-pressed: taken when they are read
    int32_t open_status, poll_status, start_status, read_status;
    int32_t read_after; ///< lines before read_status, of all pages since it was opened
    int32_t odd;
    int32_t n_docs; ///< in the feeder
    int32_t line_usec;
    int32_t form, depth, width, bytes_per_line, lines, last_frame;
    int32_t n_opens, n_polls, n_starts, n_cancels, n_devices, none;
    int64_t start_ns, first_ns, end_ns, spare;
};

enum {
    O_COUNT,
    O_GROUP,
    O_SOURCE,
    O_MODE,
    O_RESOLUTION,
    O_TL_X,
    O_TL_Y,
    O_BR_X,
    O_BR_Y,
    O_SCAN,
    O_CANCEL,
    O_COVER,
    O_PRESSED,
    O_N
};

static struct state *state;
static uint8_t *page;
static unsigned page_width, page_height;
static int is_open;
static volatile int cancelled;
static struct {
    char source[32], mode[32];
    SANE_Word resolution, corner[4];
    unsigned line, n_lines; ///< of this page, of all since it was opened
    bool scanning;
} now;

static const char *const sources[] = {"Flatbed", "Automatic Document Feeder", "ADF Duplex", NULL};
static const char *const modes[] = {"Lineart", "Halftone", "Gray", "Color", NULL};
static const char *const coarse[] = {"Lineart", "Halftone Gray", NULL};
static const SANE_Word resolutions[] = {4, 75, 150, 200, 600};
static const SANE_Range mm = {0, SANE_FIX(300), 0};
static const int button_of[] = {[O_SCAN] = 0, [O_CANCEL] = 1, [O_COVER] = 2, [O_PRESSED] = 3};

#define CAP_SET (SANE_CAP_SOFT_SELECT | SANE_CAP_SOFT_DETECT)
#define CAP_PRESS (SANE_CAP_HARD_SELECT | SANE_CAP_SOFT_DETECT)
static SANE_Option_Descriptor options[O_N] = {
    [O_COUNT] = {"",
                 "",
                 "",
                 SANE_TYPE_INT,
                 SANE_UNIT_NONE,
                 4,
                 SANE_CAP_SOFT_DETECT,
                 SANE_CONSTRAINT_NONE,
                 {NULL}},
    [O_GROUP] =
        {"group", "Group", "", SANE_TYPE_GROUP, SANE_UNIT_NONE, 0, 0, SANE_CONSTRAINT_NONE, {NULL}},
    [O_SOURCE] = {"source",
                  "Source",
                  "",
                  SANE_TYPE_STRING,
                  SANE_UNIT_NONE,
                  32,
                  CAP_SET,
                  SANE_CONSTRAINT_STRING_LIST,
                  {.string_list = sources}},
    [O_MODE] = {"mode",
                "Mode",
                "",
                SANE_TYPE_STRING,
                SANE_UNIT_NONE,
                32,
                CAP_SET,
                SANE_CONSTRAINT_STRING_LIST,
                {.string_list = modes}},
    [O_RESOLUTION] = {"resolution",
                      "Resolution",
                      "",
                      SANE_TYPE_INT,
                      SANE_UNIT_DPI,
                      4,
                      CAP_SET,
                      SANE_CONSTRAINT_WORD_LIST,
                      {.word_list = resolutions}},
    [O_TL_X] = {"tl-x",
                "",
                "",
                SANE_TYPE_FIXED,
                SANE_UNIT_MM,
                4,
                CAP_SET,
                SANE_CONSTRAINT_RANGE,
                {.range = &mm}},
    [O_TL_Y] = {"tl-y",
                "",
                "",
                SANE_TYPE_FIXED,
                SANE_UNIT_MM,
                4,
                CAP_SET,
                SANE_CONSTRAINT_RANGE,
                {.range = &mm}},
    [O_BR_X] = {"br-x",
                "",
                "",
                SANE_TYPE_FIXED,
                SANE_UNIT_MM,
                4,
                CAP_SET,
                SANE_CONSTRAINT_RANGE,
                {.range = &mm}},
    [O_BR_Y] = {"br-y",
                "",
                "",
                SANE_TYPE_FIXED,
                SANE_UNIT_MM,
                4,
                CAP_SET,
                SANE_CONSTRAINT_RANGE,
                {.range = &mm}},
    [O_SCAN] = {"scan",
                "Scan button",
                "",
                SANE_TYPE_BOOL,
                SANE_UNIT_NONE,
                4,
                CAP_PRESS,
                SANE_CONSTRAINT_NONE,
                {NULL}},
    [O_CANCEL] = {"cancel",
                  "Cancel button",
                  "",
                  SANE_TYPE_BOOL,
                  SANE_UNIT_NONE,
                  4,
                  CAP_PRESS,
                  SANE_CONSTRAINT_NONE,
                  {NULL}},
    [O_COVER] = {"cover-open",
                 "Cover",
                 "",
                 SANE_TYPE_BOOL,
                 SANE_UNIT_NONE,
                 4,
                 CAP_PRESS,
                 SANE_CONSTRAINT_NONE,
                 {NULL}},
    [O_PRESSED] = {"button-pressed",
                   "Which button",
                   "",
                   SANE_TYPE_STRING,
                   SANE_UNIT_NONE,
                   16,
                   SANE_CAP_SOFT_DETECT,
                   SANE_CONSTRAINT_NONE,
                   {NULL}},
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

static int load_page(const char *path)
{
    FILE *f = path ? fopen(path, "r") : NULL;
    unsigned max = 0;
    int ok = f && fscanf(f, "P5 %u %u %u", &page_width, &page_height, &max) == 3 && max == 255 &&
             fgetc(f) != EOF;
    const size_t size = (size_t) page_width * page_height;

    if (ok)
        page = malloc(size);
    ok = ok && page && fread(page, 1, size, f) == size;
    if (f)
        fclose(f);
    return ok;
}

EXPORT SANE_Status sane_brailletest_init(SANE_Int *version, SANE_Auth_Callback callback)
{
    const char *path = getenv("BRAILLETEST_STATE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (version)
        *version = SANE_VERSION_CODE(1, 0, 0);
    if (fd < 0)
        return SANE_STATUS_INVAL;
    void *map = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return SANE_STATUS_NO_MEM;
    state = map;
    return load_page(getenv("BRAILLETEST_PAGE")) ? SANE_STATUS_GOOD : SANE_STATUS_INVAL;
}

EXPORT void sane_brailletest_exit(void)
{
    if (state)
        munmap(state, sizeof(*state));
    state = NULL;
    free(page);
    page = NULL;
}

EXPORT SANE_Status sane_brailletest_get_devices(const SANE_Device ***list, SANE_Bool local)
{
    static const SANE_Device device = {"desk", "Test", "Braille Desk", "flatbed scanner"};
    static const SANE_Device *some[] = {&device, NULL}, *none[] = {NULL};

    *list = state->n_devices > 0 ? some : none;
    return SANE_STATUS_GOOD;
}

EXPORT SANE_Status sane_brailletest_open(SANE_String_Const name, SANE_Handle *handle)
{
    if (state->n_devices < 1 || strcmp(name, "desk") != 0)
        return SANE_STATUS_INVAL;
    state->n_opens++;
    if (state->open_status != SANE_STATUS_GOOD)
        return (SANE_Status) state->open_status;
    if (is_open)
        return SANE_STATUS_DEVICE_BUSY;
    is_open = 1;
    memset(&now, 0, sizeof(now));
    strcpy(now.source, "Flatbed");
    strcpy(now.mode, "Lineart");
    now.resolution = 75;
    now.corner[2] = now.corner[3] = SANE_FIX(10);
    options[O_MODE].constraint.string_list = state->odd & ODD_MODES ? coarse : modes;
    *handle = &now;
    return SANE_STATUS_GOOD;
}

EXPORT void sane_brailletest_close(SANE_Handle handle)
{
    is_open = 0;
}

/* No lists, ranges upside down, sizes that cannot be, no names. */
static const SANE_Option_Descriptor *wild(SANE_Int i)
{
    static const SANE_Range range = {SANE_FIX(100), SANE_FIX(-5), -3};
    static SANE_Option_Descriptor d;

    d = options[i];
    if (i == O_SOURCE)
        d.constraint.string_list = NULL;
    if (i == O_MODE)
        d.size = 0;
    if (i == O_RESOLUTION)
        d.constraint.word_list = NULL;
    if (i >= O_TL_X && i <= O_BR_Y)
        d.constraint.range = i == O_BR_X ? NULL : &range;
    if (i == O_CANCEL)
        d.name = NULL;
    if (i == O_COVER)
        d.size = 1 << 30;
    if (i == O_PRESSED)
        d.size = -1;
    return &d;
}

EXPORT const SANE_Option_Descriptor *sane_brailletest_get_option_descriptor(SANE_Handle h,
                                                                            SANE_Int i)
{
    if (i < 0 || i >= O_N || (state->odd & ODD_BARE && i > O_COUNT && i < O_SCAN))
        return NULL;
    return state->odd & ODD_WILD ? wild(i) : &options[i];
}

static void get(SANE_Int i, void *value)
{
    static const char *const names[] = {"none", "copy"};
    int32_t *pressed = i >= O_SCAN ? &state->pressed[button_of[i]] : NULL;

    if (i == O_COUNT)
        *(SANE_Word *) value = state->odd & ODD_WILD ? 1 << 30 : O_N;
    else if (i == O_SOURCE)
        strcpy(value, now.source);
    else if (i == O_MODE)
        strcpy(value, now.mode);
    else if (i == O_RESOLUTION)
        *(SANE_Word *) value = now.resolution;
    else if (i >= O_TL_X && i <= O_BR_Y)
        *(SANE_Word *) value = now.corner[i - O_TL_X];
    else if (i == O_PRESSED)
        strcpy(value, names[__atomic_exchange_n(pressed, 0, __ATOMIC_SEQ_CST) != 0]);
    else if (i == O_COVER)
        *(SANE_Word *) value = *pressed;
    else if (pressed)
        *(SANE_Word *) value = __atomic_exchange_n(pressed, 0, __ATOMIC_SEQ_CST) != 0;
}

static SANE_Status set(SANE_Int i, const void *value)
{
    if (i == O_SOURCE)
        strncpy(now.source, value, sizeof(now.source) - 1);
    else if (i == O_MODE)
        strncpy(now.mode, value, sizeof(now.mode) - 1);
    else if (i == O_RESOLUTION)
        now.resolution = *(const SANE_Word *) value;
    else if (i >= O_TL_X && i <= O_BR_Y)
        now.corner[i - O_TL_X] = *(const SANE_Word *) value;
    else
        return SANE_STATUS_UNSUPPORTED;
    return SANE_STATUS_GOOD;
}

EXPORT SANE_Status sane_brailletest_control_option(SANE_Handle h, SANE_Int i, SANE_Action action,
                                                   void *value, SANE_Int *info)
{
    if (i < 0 || i >= O_N || i == O_GROUP)
        return SANE_STATUS_INVAL;
    if (i >= O_SCAN) {
        state->n_polls++;
        if (state->poll_status != SANE_STATUS_GOOD)
            return (SANE_Status) state->poll_status;
    }
    if (now.scanning && action == SANE_ACTION_SET_VALUE)
        return SANE_STATUS_DEVICE_BUSY;
    if (action == SANE_ACTION_GET_VALUE) {
        get(i, value);
        return SANE_STATUS_GOOD;
    }
    if (info)
        *info = SANE_INFO_RELOAD_OPTIONS | SANE_INFO_RELOAD_PARAMS;
    return action == SANE_ACTION_SET_VALUE ? set(i, value) : SANE_STATUS_UNSUPPORTED;
}

static void parameters(SANE_Parameters *p)
{
    const bool color = strcmp(now.mode, "Color") == 0;

    *p = (SANE_Parameters){.format = color ? SANE_FRAME_RGB : SANE_FRAME_GRAY,
                           .last_frame = SANE_TRUE,
                           .depth = strcmp(now.mode, "Gray") == 0 || color ? 8 : 1,
                           .pixels_per_line = (SANE_Int) page_width,
                           .bytes_per_line = (SANE_Int) page_width * (color ? 3 : 1),
                           .lines = (SANE_Int) page_height};
    if (state->odd & ODD_FORM)
        *p = (SANE_Parameters){.format = (SANE_Frame) state->form,
                               .last_frame = state->last_frame,
                               .depth = state->depth,
                               .pixels_per_line = state->width,
                               .bytes_per_line = state->bytes_per_line,
                               .lines = state->lines};
}

EXPORT SANE_Status sane_brailletest_get_parameters(SANE_Handle h, SANE_Parameters *p)
{
    parameters(p);
    if (!now.scanning && p->lines > 7)
        p->lines -= 7; /* not exact until the scan has begun */
    return SANE_STATUS_GOOD;
}

EXPORT SANE_Status sane_brailletest_start(SANE_Handle h)
{
    const bool feeder = strcmp(now.source, "Flatbed") != 0;

    state->n_starts++;
    state->start_ns = now_ns();
    state->first_ns = state->end_ns = 0;
    cancelled = 0;
    if (state->start_status != SANE_STATUS_GOOD)
        return (SANE_Status) state->start_status;
    if (feeder && state->n_docs < 1)
        return SANE_STATUS_NO_DOCS;
    state->n_docs -= feeder;
    now.line = 0;
    now.scanning = true;
    return SANE_STATUS_GOOD;
}

static SANE_Status end(void)
{
    now.scanning = false;
    state->end_ns = now_ns();
    return cancelled ? SANE_STATUS_CANCELLED : SANE_STATUS_EOF;
}

/* A line a call, the page's as far as it goes. */
EXPORT SANE_Status sane_brailletest_read(SANE_Handle h, SANE_Byte *data, SANE_Int max, SANE_Int *n)
{
    SANE_Parameters p;

    *n = 0;
    parameters(&p);
    if (!now.scanning || cancelled)
        return end();
    if (state->odd & ODD_STALL)
        return SANE_STATUS_GOOD;
    while ((state->odd & ODD_BLOCK && !cancelled) || state->odd & ODD_HANG)
        usleep(5000);
    if (cancelled)
        return end();
    if (state->read_status != SANE_STATUS_GOOD && (int) now.n_lines >= state->read_after)
        return (SANE_Status) state->read_status;
    const unsigned lines = state->odd & ODD_SHORT ? page_height / 2 : page_height;
    const unsigned last = state->odd & ODD_FORM && p.lines > 0 ? (unsigned) p.lines : lines;
    if (now.line >= last && !(state->odd & ODD_ENDLESS))
        return end();
    if (state->line_usec > 0)
        usleep((useconds_t) state->line_usec);
    if (state->first_ns == 0)
        state->first_ns = now_ns();
    const SANE_Int size = p.bytes_per_line < max ? p.bytes_per_line : max;
    now.n_lines++;
    const uint8_t *line = page + (size_t) (now.line++ % page_height) * page_width;
    if (size > 0) {
        memset(data, 0x80, (size_t) size);
        for (SANE_Int i = 0; i < size; i++)
            if (p.depth == 8 && (unsigned) (i / (p.format == SANE_FRAME_RGB ? 3 : 1)) < page_width)
                data[i] = line[i / (p.format == SANE_FRAME_RGB ? 3 : 1)];
        *n = size;
    }
    return SANE_STATUS_GOOD;
}

EXPORT void sane_brailletest_cancel(SANE_Handle h)
{
    state->n_cancels++;
    now.scanning = false;
    cancelled = 1;
}

EXPORT SANE_Status sane_brailletest_set_io_mode(SANE_Handle h, SANE_Bool non_blocking)
{
    return non_blocking ? SANE_STATUS_UNSUPPORTED : SANE_STATUS_GOOD;
}

EXPORT SANE_Status sane_brailletest_get_select_fd(SANE_Handle h, SANE_Int *fd)
{
    return SANE_STATUS_UNSUPPORTED;
}
