/* SPDX-License-Identifier: Apache-2.0
 *
 * Ordered batches: the same order with any number of threads, failures and ends in the middle,
 * nothing lost; SHA-256 against FIPS 180-4's examples.
 */

#include "test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/batch.h"
#include "base/hash.h"
#include "base/random.h"

struct run {
    unsigned n, next, taken, worked;
    unsigned work_fails_at, take_fails_at, next_fails_at; ///< item; none beyond n
    unsigned freed, most_ahead;
};

struct item {
    unsigned number, square;
};

static int next(void *ctx, void **ret, struct fail *fail)
{
    struct run *run = ctx;

    if (run->next == run->next_fails_at)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "next");
    if (run->next == run->n)
        return 0;
    struct item *item = calloc(1, sizeof(*item));
    REQUIRE(item);
    item->number = run->next++;
    run->most_ahead = MAX(run->most_ahead, run->next - run->freed);
    *ret = item;
    return 1;
}

static int work(void *ctx, void *p, struct fail *fail)
{
    const struct run *run = ctx;
    struct item *item = p;
    struct random rnd = {item->number};

    usleep((useconds_t) random_below(&rnd, 300)); /* later items end before earlier ones */
    if (item->number == run->work_fails_at)
        return fail_set(fail, FAIL_IO, -EIO, "item %u", item->number);
    item->square = item->number * item->number;
    return 0;
}

static int take(void *ctx, void *p, int r, struct fail *fail)
{
    struct run *run = ctx;
    struct item *item = p;

    REQUIRE(item->number == run->freed++); /* in order, every one */
    if (r == 0) {
        REQUIRE(item->square == item->number * item->number);
        REQUIRE(run->taken++ == item->number);
        if (item->number == run->take_fails_at)
            r = fail_set(fail, FAIL_CREATE, -ENOSPC, "take");
    }
    free(item);
    return r < 0 ? r : 0;
}

static int run_batch(struct run *run, unsigned n_jobs, struct fail *fail)
{
    const struct batch batch = {n_jobs, run, next, work, take};
    int r = batch_run(&batch, fail);
    REQUIRE(run->freed == run->next); /* nothing is kept */
    return r;
}

#define NEVER 1000000
#define RUN(...)                                                                                   \
    (&(struct run){.n = 300,                                                                       \
                   .work_fails_at = NEVER,                                                         \
                   .take_fails_at = NEVER,                                                         \
                   .next_fails_at = NEVER,                                                         \
                   __VA_ARGS__})

static void test_order(unsigned n_jobs)
{
    struct run *run = RUN(.n = 300);
    struct fail fail = {0};

    REQUIRE(run_batch(run, n_jobs, &fail) == 0);
    REQUIRE(run->taken == 300);
    REQUIRE(run->most_ahead <= 5 * n_jobs + 1); /* memory does not follow the number of items */
    run = RUN(.n = 0);
    REQUIRE(run_batch(run, n_jobs, &fail) == 0 && run->taken == 0);
}

static void test_failures(unsigned n_jobs)
{
    struct fail fail = {0};
    struct run *run = RUN(.work_fails_at = 77);

    REQUIRE(run_batch(run, n_jobs, &fail) == -EIO);
    REQUIRE(fail.kind == FAIL_IO && strcmp(fail.text, "item 77") == 0);
    REQUIRE(run->taken == 77); /* what came before it counts */
    fail = (struct fail){0};
    run = RUN(.take_fails_at = 50);
    REQUIRE(run_batch(run, n_jobs, &fail) == -ENOSPC && fail.kind == FAIL_CREATE);
    REQUIRE(run->taken == 51);
    fail = (struct fail){0};
    run = RUN(.next_fails_at = 10);
    REQUIRE(run_batch(run, n_jobs, &fail) == -EBADMSG && fail.kind == FAIL_INPUT);
    REQUIRE(run->freed == 10);
}

static void test_hash(void)
{
    char text[HASH_TEXT];

    REQUIRE(hash_sha256("abc", 3, text) == 0);
    REQUIRE(strcmp(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
    REQUIRE(hash_sha256("", 0, text) == 0);
    REQUIRE(strcmp(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0);
    struct fail fail = {0};
    REQUIRE(hash_sha256_file("/nowhere/at/all", text, &fail) == -ENOENT && fail.kind == FAIL_OPEN);
}

/* What files say gets into the words: one line, no orders to a terminal, UTF-8 to the end. */
static void test_words(void)
{
    static const struct {
        const char *said, *want;
    } cases[] = {
        {"a\nb\x1b[31m\x7f", "a?b?[31m?"},
        {"\xe6\x98\xaf \xc3\xbc \xf0\x9f\x98\x80", "\xe6\x98\xaf \xc3\xbc \xf0\x9f\x98\x80"},
        {"\xe6\x98", "??"}, /* cut off */
        {"\xc2\x9b"
         "1m",
         "??1m"},                               /* a control sign of two bytes */
        {"\xc0\x80\xed\xa0\x80\xff", "??????"}, /* longer than needed, a surrogate, none at all */
    };
    char wide[1024];

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct fail fail = {0};
        REQUIRE(fail_set(&fail, FAIL_INPUT, -EBADMSG, "%s", cases[i].said) == -EBADMSG);
        REQUIRE(strcmp(fail.text, cases[i].want) == 0);
    }
    for (size_t i = 0; i + 3 < sizeof(wide); i += 3)
        memcpy(wide + i, "\xe6\x98\xaf", 4);
    struct fail fail = {0};
    fail_set(&fail, FAIL_INPUT, -EBADMSG, "%s", wide);
    REQUIRE(strlen(fail.text) == sizeof(fail.text) - 1);
    REQUIRE(strspn(fail.text, "\xe6\x98\xaf") == 510 && fail.text[510] == '?');
}

int main(void)
{
    test_words();
    for (unsigned n_jobs = 1; n_jobs <= 8; n_jobs *= 2) {
        test_order(n_jobs);
        test_failures(n_jobs);
    }
    REQUIRE(batch_n_processors() >= 1);
    test_hash();
    return 0;
}
