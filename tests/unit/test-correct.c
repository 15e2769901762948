/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <string.h>

#include "pipeline/pipeline_internal.h"
#include "test.h"

/* "wo zai chuang qian, yong shou zhi man man", liblouis zhcn-g1 without most tones */
static const char *const line[] = {"135",   "0",   "1356", "246", "0",    "12345", "2456",
                                   "12345", "146", "5",    "0",   "1456", "0",     "156",
                                   "12356", "34",  "0",    "134", "1236", "134",   "1236",
                                   "0",     "145", "15",   "0",   "245",  "24"};

struct made {
    struct pipeline_cells c;
    size_t n;
};

/* Places that are seen as they are, every other cell `gap` away. */
static void make(struct made *m, float gap)
{
    struct brl_page *page = calloc(1, sizeof(*page));
    const size_t n = ELEMENTSOF(line);

    REQUIRE(page);
    *m = (struct made){.n = n};
    page->n_rows = 1;
    page->n_columns = (unsigned) n;
    page->n_slots = n;
    page->slots = calloc(n, sizeof(*page->slots));
    m->c.page = page;
    m->c.top = calloc(n * PIPELINE_TOP, sizeof(*m->c.top));
    m->c.cosine = calloc(n * PIPELINE_TOP, sizeof(*m->c.cosine));
    m->c.score = calloc(n * PIPELINE_TOP, sizeof(*m->c.score));
    m->c.seen = calloc(n, sizeof(*m->c.seen));
    m->c.cell = calloc(n, sizeof(*m->c.cell));
    m->c.p = calloc(n, sizeof(*m->c.p));
    REQUIRE(page->slots && m->c.top && m->c.cosine && m->c.score && m->c.seen && m->c.cell);
    for (size_t i = 0; i < n; i++) {
        brl_cell cell;
        unsigned k = 1;
        REQUIRE(brl_cell_parse(line[i], &cell) == 0);
        page->slots[i].column = (uint16_t) i;
        m->c.seen[i] = true;
        m->c.cell[i] = cell;
        m->c.p[i] = 1;
        m->c.top[i * PIPELINE_TOP] = cell;
        for (unsigned d = 0; d < 6; d++, k++) {
            m->c.top[i * PIPELINE_TOP + k] = cell ^ 1u << d;
            m->c.score[i * PIPELINE_TOP + k] = -gap;
        }
        for (unsigned other = 0; k < PIPELINE_TOP; other++)
            if (__builtin_popcount(other ^ cell) > 1) {
                m->c.top[i * PIPELINE_TOP + k] = other;
                m->c.score[i * PIPELINE_TOP + k++] = -40;
            }
    }
}

/* At this place another cell was seen, and the right one is `gap` behind. */
static void spoil(struct made *m, size_t i, brl_cell seen, float gap)
{
    const brl_cell right = m->c.cell[i];
    for (unsigned k = 0; k < PIPELINE_TOP; k++)
        m->c.score[i * PIPELINE_TOP + k] = m->c.top[i * PIPELINE_TOP + k] == seen    ? 0
                                           : m->c.top[i * PIPELINE_TOP + k] == right ? -gap
                                                                                     : -40;
    m->c.cell[i] = seen;
}

static size_t correct(struct made *m, struct pipeline_change **ret)
{
    size_t n = 0;
    REQUIRE(pipeline_correct(&m->c, LANG_CURRENT, pipeline_correct_params(), ret, &n) == 0);
    return n;
}

static void test_nothing(void)
{
    struct pipeline_change *changes = NULL;
    struct made m;

    make(&m, 12); /* no doubt anywhere */
    REQUIRE(correct(&m, &changes) == 0 && !changes);
    for (size_t i = 0; i < m.n; i++)
        REQUIRE(m.c.p[i] == 1);
    pipeline_cells_done(&m.c);
}

static void test_right(void)
{
    struct pipeline_change *changes = NULL;
    struct made m;
    const size_t at = 14; /* 12356 of shou */
    brl_cell right, seen;

    make(&m, 12);
    right = m.c.cell[at];
    seen = right ^ 1u << 3; /* 123456: no final */
    spoil(&m, at, seen, 0.5f);
    REQUIRE(correct(&m, &changes) == 1);
    REQUIRE(changes[0].column == at && changes[0].row == 0);
    REQUIRE(changes[0].from == seen && changes[0].to == right && m.c.cell[at] == right);
    REQUIRE(changes[0].p > 0.5f && changes[0].p <= 1 && m.c.p[at] == changes[0].p);
    REQUIRE(strcmp(changes[0].is, "shou") == 0 && strcmp(changes[0].was, "shou") != 0);
    free(changes);
    pipeline_cells_done(&m.c);
}

/* What is plain to see is not changed, however odd the text. */
static void test_plain(void)
{
    struct pipeline_change *changes = NULL;
    struct made m;
    const size_t at = 14;

    make(&m, 12);
    const brl_cell seen = m.c.cell[at] ^ 1u << 3;
    spoil(&m, at, seen, 6);
    REQUIRE(correct(&m, &changes) == 0 && m.c.cell[at] == seen);
    /* two dots away is too far, even where it is as likely */
    const brl_cell far = m.c.cell[1] ^ 3;
    m.c.top[PIPELINE_TOP + 7] = far;
    m.c.score[PIPELINE_TOP + 7] = 0.1f;
    REQUIRE(correct(&m, &changes) == 0 && m.c.cell[1] != far);
    pipeline_cells_done(&m.c);
}

/* Where the text says nothing against what was seen, doubt stays doubt. */
static void test_doubt(void)
{
    struct pipeline_change *changes = NULL;
    struct made m;

    make(&m, 0.2f);
    const size_t n = correct(&m, &changes);
    REQUIRE(n <= 3);
    for (size_t i = 0; i < m.n; i++)
        REQUIRE(m.c.p[i] > 0 && m.c.p[i] < 1);
    free(changes);
    pipeline_cells_done(&m.c);
}

/* Cosines and dots to probabilities. */
static void test_rate(void)
{
    const struct clip_calibration cosines = {.temperature = 10}, both = {10, 1, 0};
    struct made m;

    make(&m, 12);
    for (unsigned k = 0; k < PIPELINE_TOP; k++)
        m.c.cosine[k] = k == 0 ? 0.9f : k == 1 ? 0.8f : -40;
    for (size_t i = PIPELINE_TOP; i < m.n * PIPELINE_TOP; i++)
        m.c.cosine[i] = i % PIPELINE_TOP ? -40 : 0.9f;
    pipeline_rate_cells(&cosines, &m.c);
    REQUIRE(m.c.cell[0] == m.c.top[0]);
    REQUIRE(fabsf(m.c.p[0] - 1 / (1 + expf(-1))) < 1e-4f && m.c.p[1] > 0.9999f);
    /* the second cell has a dot more or less, and the detector says so */
    const unsigned dot = (unsigned) __builtin_ctz(m.c.top[0] ^ m.c.top[1]);
    const bool more = m.c.top[1] >> dot & 1;
    m.c.page->slots[0].evidence[dot] = more ? 3 : -3;
    pipeline_rate_cells(&both, &m.c);
    REQUIRE(m.c.cell[0] == m.c.top[1]);
    REQUIRE(fabsf(m.c.p[0] - 1 / (1 + expf(-2))) < 1e-4f);
    /* nobody looked: blank */
    m.c.seen[2] = false;
    m.c.cell[2] = 0;
    pipeline_rate_cells(&cosines, &m.c);
    REQUIRE(m.c.cell[2] == 0);
    pipeline_cells_done(&m.c);
}

int main(void)
{
    test_nothing();
    test_right();
    test_plain();
    test_doubt();
    test_rate();
    return 0;
}
