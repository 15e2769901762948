/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "image/augment.h"
#include "tools/dataset/twin.h"

#include "test.h"

/* A grey picture without any symmetry. */
static struct image *picture(unsigned width, unsigned height)
{
    struct image *img = NULL;

    REQUIRE(image_new(width, height, 1, &img) == 0);
    img->dpi = 200;
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++)
            img->data[y * img->stride + x] = (uint8_t) (100 + (x * 7 + y * 13) % 50);
    return img;
}

static void put_dot(struct image *img, int x, int y)
{
    for (int dy = -3; dy <= 3; dy++)
        for (int dx = -3; dx <= 3; dx++)
            img->data[(size_t) (y + dy) * img->stride + (size_t) (x + dx)] = 255;
}

/* The middle of what is bright in the first channel. */
static void find_dot(const struct image *img, double *ret_x, double *ret_y)
{
    double sum = 0, sx = 0, sy = 0;

    for (unsigned y = 0; y < img->height; y++)
        for (unsigned x = 0; x < img->width; x++) {
            const double v = MAX(img->data[y * img->stride + (size_t) x * img->n_chan] - 170.0, 0);
            sum += v;
            sx += v * x;
            sy += v * y;
        }
    REQUIRE(sum > 0);
    *ret_x = sx / sum;
    *ret_y = sy / sum;
}

static void test_turn_pixels(void)
{
    struct image *img = picture(37, 20), *out = NULL;
    const struct image_augment how = {.turn = true};
    unsigned w, h;
    double m[6];

    REQUIRE(image_augment(img, &how, &out) == 0);
    REQUIRE(out->width == 37 && out->height == 20 && out->n_chan == 1 && out->dpi == 200);
    REQUIRE(image_augment_place(37, 20, &how, &w, &h, m) == 0 && w == 37 && h == 20);
    for (unsigned y = 0; y < 20; y++)
        for (unsigned x = 0; x < 37; x++) {
            const unsigned to_x = (unsigned) lround(m[0] * x + m[1] * y + m[2]);
            const unsigned to_y = (unsigned) lround(m[3] * x + m[4] * y + m[5]);
            REQUIRE(to_x == 36 - x && to_y == 19 - y);
            REQUIRE(out->data[to_y * out->stride + to_x] == img->data[y * img->stride + x]);
        }
    image_free(img);
    image_free(out);
}

/* Wherever a dot is, the map says where it comes to. */
static void test_map(void)
{
    for (int i = 0; i < 24; i++) {
        struct image *img = picture(120, 80), *out = NULL;
        const struct image_augment how = {.turn = i & 1,
                                          .skew_tenths = (i * 37) % 400 - 200,
                                          .scale_percent = i & 2 ? 80 + (unsigned) i * 3 : 0};
        const int x = 15 + (i * 31) % 90, y = 12 + (i * 17) % 55;
        unsigned w, h;
        double m[6], to_x, to_y;
        put_dot(img, x, y);
        REQUIRE(image_augment(img, &how, &out) == 0);
        REQUIRE(image_augment_place(120, 80, &how, &w, &h, m) == 0);
        REQUIRE(out->width == w && out->height == h);
        find_dot(out, &to_x, &to_y);
        REQUIRE(fabs(m[0] * x + m[1] * y + m[2] - to_x) < 0.35);
        REQUIRE(fabs(m[3] * x + m[4] * y + m[5] - to_y) < 0.35);
        image_free(img);
        image_free(out);
    }
}

static void test_colour(void)
{
    static const unsigned papers[] = {0xf3ead6, 0x1f3a5f, 0xffffff, 0x6f8f6c, 0x000000};

    for (unsigned i = 0; i < ELEMENTSOF(papers); i++) {
        struct image *img = NULL, *out = NULL;
        REQUIRE(image_new(64, 64, 1, &img) == 0);
        memset(img->data, 160, 64 * 64);
        for (unsigned k = 0; k < 40; k++) { /* a dot's bright side and its dark one */
            img->data[10 * 64 + k] = 220;
            img->data[12 * 64 + k] = 80;
        }
        const struct image_augment how = {.recolour = true, .paper_rgb = papers[i]};
        REQUIRE(image_augment(img, &how, &out) == 0 && out->n_chan == 3);
        for (unsigned c = 0; c < 3; c++) {
            const double paper = out->data[40 * out->stride + c];
            const double bright = out->data[10 * out->stride + c];
            const double dark = out->data[12 * out->stride + c];
            if (paper < 40)
                continue; /* too few levels to tell */
            REQUIRE(fabs(bright / paper - 220.0 / 160) <
                    0.03); /* nothing was driven beyond white */
            REQUIRE(fabs(dark / paper - 80.0 / 160) < 0.03);
        }
        image_free(img);
        image_free(out);
    }
    for (unsigned i = 0; i < 200; i++)
        REQUIRE(image_draw_paper(i) <= 0xffffff && image_draw_paper(i) == image_draw_paper(i));
}

static void test_ranges(void)
{
    static const struct image_augment wrong[] = {
        {.skew_tenths = 451},  {.scale_percent = 24},  {.scale_percent = 401},
        {.light_percent = 10}, {.slope_percent = 101}, {.shadow_percent = 91},
        {.shadow_reach = 101}, {.blur_tenths = 101},   {.noise_tenths = 501},
        {.jpeg_quality = 101}, {.jpeg_quality = -1},   {.paper_rgb = 0x1000000}};
    struct image *img = picture(8, 8), *out = NULL;
    unsigned w, h;
    double m[6];

    for (unsigned i = 0; i < ELEMENTSOF(wrong); i++)
        REQUIRE(image_augment(img, &wrong[i], &out) == -EINVAL && !out);
    REQUIRE(image_augment_place(65535, 1600, &(struct image_augment){.scale_percent = 400}, &w, &h,
                                m) == -EINVAL);
    image_free(img);
}

static void make_record(struct manifest_record *r, size_t n)
{
    *r = (struct manifest_record){.n_cells = n, .dpi = 200, .width = 300, .height = 100};
    REQUIRE(manifest_set(&r->id, "n1") == 0 && manifest_set(&r->image, "images/n1.png") == 0);
    REQUIRE(manifest_set(&r->text, "248") == 0 && manifest_set(&r->code, "current") == 0);
    r->cells = calloc(n, sizeof(*r->cells));
    r->boxes = calloc(n, sizeof(*r->boxes));
    r->places = calloc(n, sizeof(*r->places));
    REQUIRE(r->cells && r->boxes && r->places);
    for (size_t i = 0; i < n; i++) {
        r->cells[i] = (brl_cell) (1 + i * 5 % 63);
        r->boxes[i] = (struct manifest_box){10 + 40.25 * (double) i, 20.5, 19.7, 39.4};
        r->places[i] = (struct manifest_place){(unsigned) i / 3, (unsigned) i % 3};
    }
}

/* A raised dot of the record must be where the turned record has one, at the turned place. */
static void test_turn_record(void)
{
    const struct twin_plan plan = {.how = {.turn = true}, .augment = "turn-180", .ending = "-t180"};
    const double m[6] = {-1, 0, 299, 0, -1, 99};

    for (size_t n = 1; n <= 7; n++) {
        struct manifest_record from, to, back;
        make_record(&from, n);
        REQUIRE(twin_record(&from, &plan, m, 300, 100, &to) == 0);
        REQUIRE(strcmp(to.id, "n1-t180") == 0 && strcmp(to.image, "images/n1-t180.png") == 0);
        REQUIRE(strcmp(to.parent, "n1") == 0 && strcmp(to.text, "248") == 0 && to.reads);
        REQUIRE(to.n_cells == n && !to.sha256);
        for (size_t i = 0; i < n; i++) {
            const size_t j = n - 1 - i;
            for (unsigned dot = 0; dot < 6; dot++) {
                const unsigned turned = 5 - dot; /* 1-6, 2-5, 3-4 */
                const struct manifest_box *a = &from.boxes[i], *b = &to.boxes[j];
                REQUIRE((from.cells[i] >> dot & 1) == (to.cells[j] >> turned & 1));
                REQUIRE(fabs(299 - (a->x + dot / 3 * a->w) - (b->x + turned / 3 * b->w)) < 1e-9);
                REQUIRE(fabs(99 - (a->y + dot % 3 * a->h / 2) - (b->y + turned % 3 * b->h / 2)) <
                        1e-9);
            }
            REQUIRE(to.places[j].row == (unsigned) (n - 1) / 3 - from.places[i].row);
            REQUIRE(to.places[j].column == MIN(2u, (unsigned) n - 1) - from.places[i].column);
        }
        REQUIRE(twin_record(&to, &plan, m, 300, 100, &back) == 0 && !back.reads);
        REQUIRE(memcmp(back.cells, from.cells, n) == 0);
        for (size_t i = 0; i < n; i++)
            REQUIRE(fabs(back.boxes[i].x - from.boxes[i].x) < 1e-9);
        manifest_record_done(&from);
        manifest_record_done(&to);
        manifest_record_done(&back);
    }
}

/* A number sign turned is none; but dots 2 4 (9 without a sign) turned are themselves. */
static void test_reads(void)
{
    const struct twin_plan plan = {.how = {.turn = true}, .augment = "turn-180", .ending = "-t180"};
    const double m[6] = {-1, 0, 299, 0, -1, 99};
    struct manifest_record from, to;

    make_record(&from, 2);
    from.cells[0] = 0x12; /* 25, and turned 25 again */
    from.cells[1] = 0x12;
    REQUIRE(twin_record(&from, &plan, m, 300, 100, &to) == 0);
    REQUIRE(to.cells[0] == 0x12 && to.reads);
    manifest_record_done(&to);
    free(from.cells); /* cells that are not known read nothing */
    free(from.boxes);
    free(from.places);
    from.cells = NULL;
    from.boxes = NULL;
    from.places = NULL;
    from.n_cells = 0;
    REQUIRE(twin_record(&from, &plan, m, 300, 100, &to) == 0);
    REQUIRE(to.reads && !*to.reads && !to.cells);
    manifest_record_done(&to);
    manifest_record_done(&from);
}

static void test_draw(void)
{
    struct twin_options o = {.kinds = 3, .n = 1, .skew_tenths = 30, .seed = 7};
    struct twin_plan a, b;
    unsigned n_turned = 0;
    char id[16];

    for (unsigned i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "n%04u", i);
        twin_draw(&o, id, 0, &a);
        twin_draw(&o, id, 0, &b);
        REQUIRE(strcmp(a.augment, b.augment) == 0 && strcmp(a.ending, b.ending) == 0);
        REQUIRE(a.how.turn != a.how.recolour);
        n_turned += a.how.turn;
    }
    REQUIRE(n_turned > 440 && n_turned < 560); /* half, four deviations wide */
    o.kinds = (1u << TWIN_N_KINDS) - 1;
    for (unsigned together = 0; together < 2; together++) {
        char endings[TWIN_MAX][96];
        o.together = together;
        for (unsigned k = 0; k < TWIN_MAX; k++) {
            char name[128];
            twin_draw(&o, "s12", k, &a);
            memcpy(endings[k], a.ending, sizeof(a.ending));
            for (unsigned j = 0; j < k; j++)
                REQUIRE(strcmp(endings[j], endings[k]) != 0);
            snprintf(name, sizeof(name), "s12%s", a.ending);
            REQUIRE(manifest_is_id(name) && twin_root_length(name) == 3);
        }
    }
}

static void test_root(void)
{
    static const struct {
        const char *id;
        size_t n;
    } cases[] = {{"n1", 2},
                 {"n1-t180", 2},
                 {"n1-bg-a0b1c2", 2},
                 {"n1-bg-a0b1c", 11},
                 {"n1-t180-bg-a0b1c2-skew-v12", 2},
                 {"n1-v2", 5},
                 {"-t180", 5},
                 {"t180", 4},
                 {"n1-noise-t180-v3", 2},
                 {"a-t180x", 7},
                 {"", 0}};

    for (unsigned i = 0; i < ELEMENTSOF(cases); i++)
        REQUIRE(twin_root_length(cases[i].id) == cases[i].n);
}

int main(void)
{
    test_turn_pixels();
    test_map();
    test_colour();
    test_ranges();
    test_turn_record();
    test_reads();
    test_draw();
    test_root();
    return 0;
}
