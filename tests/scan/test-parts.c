/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of scanning that need no scanner: tones, areas, and scanners that another user may use.
 */

#include "lang/utterance.h"
#include "tools/ctl/scan/session.h"
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* How much of a frequency is in the samples; 1: nothing else is. */
static double share_of(const float *x, size_t n, double hz)
{
    double re = 0, im = 0, all = 0;

    for (size_t i = 0; i < n; i++) {
        const double a = 2 * M_PI * hz * (double) i / ENGINE_RATE_HZ;
        re += (double) x[i] * cos(a);
        im += (double) x[i] * sin(a);
        all += (double) x[i] * (double) x[i];
    }
    return 2 * (re * re + im * im) / ((double) n * all);
}

static void test_tones(void)
{
    for (enum tone t = 0; t < TONE_N; t++) {
        CLEANUP_FREE float *loud = NULL, *soft = NULL;
        size_t n = 0, m = 0;
        float most = 0;
        REQUIRE(tone_make(t, 1, &loud, &n) == 0 && tone_make(t, 0.5, &soft, &m) == 0 && n == m);
        REQUIRE(n >= ENGINE_RATE_HZ / 50 && n < ENGINE_RATE_HZ / 2);
        for (size_t i = 0; i < n; i++) {
            most = MAX(most, fabsf(loud[i]));
            REQUIRE(fabsf(loud[i] - 2 * soft[i]) < 1e-6f);
        }
        /* heard, not frightening, and without a click at either end */
        REQUIRE(most > 0.05f && most < 0.3f && fabsf(loud[0]) < 0.01f &&
                fabsf(loud[n - 1]) < 0.01f);
    }
    CLEANUP_FREE float *press = NULL;
    size_t n = 0;
    REQUIRE(tone_make(TONE_PRESS, 1, &press, &n) == 0);
    REQUIRE(share_of(press, n / 2, 880) > 0.7 && share_of(press + n / 2, n / 2, 1320) > 0.7);
    REQUIRE(share_of(press, n / 2, 1320) < 0.1);
}

static void test_area(void)
{
    static const char *const wrong[] = {"",           "A9",         "10,10",      "0,0,5,100",
                                        "0,0,50,50x", "-1,0,50,50", "0,0,nan,50", "0,0,inf,50"};
    struct scan_settings s = {0};
    struct fail fail = {0};

    REQUIRE(scan_parse_area("a4", &s, &fail) == 0 && s.has_area && s.w == 210 && s.h == 297);
    REQUIRE(scan_parse_area("1.5,2,100,50", &s, &fail) == 0 && s.x == 1.5 && s.y == 2 &&
            s.w == 100 && s.h == 50);
    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        fail = (struct fail){0};
        REQUIRE(scan_parse_area(wrong[i], &s, &fail) == -EINVAL && fail.kind == FAIL_USAGE);
    }
}

static void test_words(void)
{
    for (size_t i = 0; i < SCAN_N_PROBLEMS; i++) {
        const struct scan_words *w = &scan_words[i];
        REQUIRE(w->name && w->text && w->hanzi && strstr(w->text, "%s") == w->text);
        REQUIRE((w->kind == FAIL_NONE) == (w->r == 0) && (i == SCAN_FINE || *w->hanzi));
        for (size_t k = 0; k < i; k++)
            REQUIRE(strcmp(w->name, scan_words[k].name) != 0);
        struct lang_utterance said = {0};
        struct fail fail = {0};
        REQUIRE(lang_utterance(w->hanzi, LANG_TEXT, false, 100, &said, &fail) == 0);
        REQUIRE(!said.unsaid && (said.n > 0 || i == SCAN_FINE)); /* each can be said, and whole */
        lang_utterance_done(&said);
    }
    for (int status = -1; status < 20; status++)
        REQUIRE((scan_problem_of((SANE_Status) status) == SCAN_FINE) == (status == 0));
}

/* ---- a machine with a USB scanner, as sysfs and udev show it ---- */

static char root[] = "/tmp/test-scan.XXXXXX";

static void write_file(const char *name, const char *text, mode_t mode)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", root, name);
    for (char *at = strchr(path + strlen(root) + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        REQUIRE(mkdir(path, 0755) == 0 || errno == EEXIST);
        *at = '/';
    }
    unlink(path); /* the one before may not be written to */
    FILE *f = fopen(path, "w");
    REQUIRE(f && fputs(text, f) >= 0 && fclose(f) == 0);
    REQUIRE(chmod(path, mode) == 0);
}

/* Root may open everything: as somebody else, in a process of its own. */
static bool find(char *ret, size_t size)
{
    int fd[2], status = 0;

    REQUIRE(pipe(fd) == 0);
    const pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        char name[64] = "";
        if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(2);
        const bool found = scan_find_denied(root, name, sizeof(name));
        _exit(write(fd[1], name, sizeof(name)) == (ssize_t) sizeof(name) ? found : 2);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) < 2);
    REQUIRE(read(fd[0], ret, MIN(size, 64)) > 0);
    close(fd[0]);
    close(fd[1]);
    return WEXITSTATUS(status) == 1;
}

static void test_denied(void)
{
    char name[64] = "";

    REQUIRE(mkdtemp(root) && chmod(root, 0755) == 0);
    REQUIRE(!find(name, sizeof(name)));
    write_file("sys/bus/usb/devices/1-1/dev", "189:5\n", 0644);
    write_file("sys/bus/usb/devices/1-1/busnum", "1\n", 0644);
    write_file("sys/bus/usb/devices/1-1/devnum", "6\n", 0644);
    write_file("sys/bus/usb/devices/1-1:1.0/modalias", "x\n", 0644);
    write_file("dev/bus/usb/001/006", "", 0000);
    write_file("run/udev/data/c189:5", "E:ID_MODEL=Mouse\n", 0644);
    REQUIRE(!find(name, sizeof(name))); /* no scanner */
    write_file("run/udev/data/c189:5", "E:ID_MODEL=LiDE_220\nE:libsane_matched=yes\n", 0644);
    REQUIRE(find(name, sizeof(name)) && strcmp(name, "LiDE_220") == 0);
    write_file("dev/bus/usb/001/006", "", 0666);
    REQUIRE(!find(name, sizeof(name))); /* may be used */
    write_file("sys/bus/usb/devices/1-1/dev", "nonsense\n", 0644);
    REQUIRE(!find(name, sizeof(name)));
}

static void remove_all(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    REQUIRE(system(command) == 0);
}

int main(void)
{
    test_tones();
    test_area();
    test_words();
    test_denied();
    remove_all();
    return 0;
}
