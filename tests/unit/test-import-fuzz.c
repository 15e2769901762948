/* SPDX-License-Identifier: Apache-2.0
 *
 * Damaged checkpoints: bytes of good files are changed, cut out and repeated, and whatever comes of
 * it is opened, read to its last value, and imported as every model that is known. Every answer is
 * right but a crash, a leak or a value from outside the file (the sanitizers' run sees those).
 * argv: rounds, seed, files; beside NAME.pt may lie NAME.json and NAME.txt, its configuration and
 * vocabulary.
 */
#include "import/import.h"

#include <stdlib.h>

#include "base/random.h"

#include "import-make.h"

#define FILE_MAX 65536

static struct random lot;

static uint64_t draw(uint64_t below)
{
    return random_below(&lot, below);
}

static size_t load(const char *path, uint8_t *to)
{
    FILE *f = fopen(path, "re");

    REQUIRE(f);
    const size_t n = fread(to, 1, FILE_MAX, f);
    REQUIRE(n > 16 && n < FILE_MAX);
    fclose(f);
    return n;
}

/* A change of the kinds that find their way past a first check. */
static size_t change(uint8_t *b, size_t n)
{
    static const uint32_t edges[] = {0,      1,          0x7f,       0x80,      0xff,
                                     0xffff, 0x7fffffff, 0x80000000, 0xffffffff};
    const size_t at = draw(2) ? draw(n) : draw(n / 4 + 1), room = n - at;
    uint32_t v;

    switch (draw(6)) {
    case 0:
        b[at] ^= (uint8_t) (1u << draw(8));
        return n;
    case 1:
        b[at] = (uint8_t) draw(256);
        return n;
    case 2:
        v = edges[draw(ELEMENTSOF(edges))];
        memcpy(b + at, &v, MIN(room, sizeof(v)));
        return n;
    case 3: /* repeat a piece elsewhere */
        memmove(b + draw(n - MIN(room, 32u) + 1), b + at, MIN(room, 1 + draw(32)));
        return n;
    case 4: /* cut a piece out */
        v = (uint32_t) (1 + draw(MIN(room, 64u)));
        memmove(b + at, b + at + MIN(v, room), room - MIN(v, room));
        return MAX(n - MIN(v, room), (size_t) 1);
    default:
        return draw(20) ? n : MAX(at, (size_t) 1);
    }
}

/* Read all values, so that a view that reaches too far is seen. */
static double look(const struct import_source *s)
{
    double sum = 0;

    for (size_t i = 0; i < import_source_n(s); i++) {
        const struct import_tensor *t = import_source_at(s, i);
        float piece[64];
        for (size_t at = 0; at < t->n; at += MIN(t->n - at, ELEMENTSOF(piece))) {
            import_floats(t, at, MIN(t->n - at, ELEMENTSOF(piece)), piece);
            sum += piece[0] == 0;
        }
    }
    return sum + (import_source_text(s, "name") != NULL) +
           (import_source_verify(s, NULL, NULL) < 0);
}

/* As every model; of a whole one the file is written, to nowhere. */
static unsigned import_all(const struct import_source *s)
{
    const struct import_options options = {0};
    unsigned n = 0;

    for (size_t i = 0; import_maps[i]; i++) {
        struct fail fail = {0};
        struct import_plan p;
        uint64_t bytes;
        const char *unused;
        import_plan_init(&p, s, &fail);
        import_maps[i]->plan(&p, s, &options);
        if (p.r == 0 && import_write(&p, "/dev/null", NULL, &bytes, &fail) == 0)
            n++;
        else
            REQUIRE(fail.kind != FAIL_NONE && fail.text[0]);
        REQUIRE(import_plan_unused(&p, &unused) <= import_source_n(s));
        import_plan_done(&p);
    }
    return n;
}

/* `to` in `folder` becomes a copy of the file that has `path`'s name with another ending. */
static void lay_beside(const char *path, const char *ending, const char *folder, const char *to)
{
    static uint8_t b[FILE_MAX];
    char name[4096];
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');

    snprintf(name, sizeof(name), "%.*s%s",
             dot && (!slash || dot > slash) ? (int) (dot - path) : (int) strlen(path), path,
             ending);
    FILE *f = fopen(name, "re");
    const size_t n = f ? fread(b, 1, sizeof(b), f) : 0;
    if (f)
        fclose(f);
    snprintf(name, sizeof(name), "%s/%s", folder, to);
    unlink(name);
    if (n == 0)
        return;
    f = fopen(name, "we");
    REQUIRE(f && fwrite(b, 1, n, f) == n && fclose(f) == 0);
}

static struct {
    unsigned opened, refused, imported;
} count;

static void fuzz(int fd, const char *path, const uint8_t *whole, size_t size)
{
    static uint8_t b[FILE_MAX];
    CLEANUP(import_source_closep) struct import_source *s = NULL;
    struct fail fail = {0};
    size_t n = size;

    memcpy(b, whole, size);
    for (uint64_t changes = 1 + draw(3); changes > 0; changes--)
        n = change(b, n);
    REQUIRE(ftruncate(fd, (off_t) n) == 0 && pwrite(fd, b, n, 0) == (ssize_t) n);
    if (import_source_open(path, &s, &fail) == 0) {
        REQUIRE(look(s) >= 0);
        count.imported += import_all(s);
        count.opened++;
    } else {
        REQUIRE(!s && fail.kind == FAIL_INPUT && fail.text[0]);
        count.refused++;
    }
}

int main(int argc, char **argv)
{
    static uint8_t whole[FILE_MAX];
    char folder[] = "/tmp/brailled-fuzz-XXXXXX", path[64], link[64];
    int fd = memfd_create("import", MFD_CLOEXEC);

    REQUIRE(argc > 3 && fd >= 0 && mkdtemp(folder));
    const unsigned n_rounds = (unsigned) atoi(argv[1]);
    lot.state = strtoull(argv[2], NULL, 10);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    snprintf(path, sizeof(path), "%s/x.pt", folder);
    REQUIRE(symlink(link, path) == 0);
    for (int i = 3; i < argc; i++) {
        const size_t size = load(argv[i], whole);
        lay_beside(argv[i], ".json", folder, "config.json");
        lay_beside(argv[i], ".txt", folder, "vocab.txt");
        for (unsigned k = 0; k < n_rounds; k++)
            fuzz(fd, path, whole, size);
    }
    lay_beside("", "", folder, "config.json");
    lay_beside("", "", folder, "vocab.txt");
    REQUIRE(unlink(path) == 0 && rmdir(folder) == 0);
    printf("%u opened, %u imported, %u refused\n", count.opened, count.imported, count.refused);
    REQUIRE(count.imported > n_rounds / 4 && count.refused > n_rounds); /* all ways were gone */
    close(fd);
    return 0;
}
