/* SPDX-License-Identifier: Apache-2.0
 *
 * Damaged checkpoints: bytes of good files are changed, cut out and repeated, and whatever comes of
 * it is opened and read to its last value. Every answer is right but a crash, a leak or a value
 * from outside the file (the sanitizers' run sees those). argv: rounds, seed, files.
 */
#include "import/source.h"

#include <stdlib.h>

#include "base/random.h"

#include "import-make.h"

#define FILE_MAX 16384

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
    const size_t at = draw(n), room = n - at;
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

int main(int argc, char **argv)
{
    static uint8_t whole[FILE_MAX], b[FILE_MAX];
    unsigned n_opened = 0, n_refused = 0;
    char path[64];
    int fd = memfd_create("import", MFD_CLOEXEC);

    REQUIRE(argc > 3 && fd >= 0);
    const unsigned n_rounds = (unsigned) atoi(argv[1]);
    lot.state = strtoull(argv[2], NULL, 10);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    for (int i = 3; i < argc; i++) {
        const size_t size = load(argv[i], whole);
        for (unsigned k = 0; k < n_rounds; k++) {
            struct import_source *s = NULL;
            struct fail fail = {0};
            size_t n = size;
            memcpy(b, whole, size);
            for (uint64_t changes = 1 + draw(4); changes > 0; changes--)
                n = change(b, n);
            REQUIRE(ftruncate(fd, (off_t) n) == 0 && pwrite(fd, b, n, 0) == (ssize_t) n);
            if (import_source_open(path, &s, &fail) == 0) {
                REQUIRE(look(s) >= 0);
                n_opened++;
            } else {
                REQUIRE(!s && fail.kind == FAIL_INPUT && fail.text[0]);
                n_refused++;
            }
            import_source_close(s);
        }
    }
    printf("%u opened, %u refused\n", n_opened, n_refused);
    REQUIRE(n_opened > 0 && n_refused > n_rounds); /* both ways were gone */
    close(fd);
    return 0;
}
