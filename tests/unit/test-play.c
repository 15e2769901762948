/* SPDX-License-Identifier: Apache-2.0
 *
 * The player, with ALSA's plugins in place of a card: "file" writes down what would be heard.
 */

#include "audio/audio.h"
#include "audio/play.h"
#include "test.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RATE_HZ = 16000, N = 3 * RATE_HZ + 77 };

static float wave[N];
static char folder[] = "/tmp/test-play.XXXXXX";

static void configure(const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/alsa.conf", folder);
    FILE *f = fopen(path, "w");
    REQUIRE(f);
    fprintf(f, text, folder);
    REQUIRE(fclose(f) == 0);
    REQUIRE(setenv("ALSA_CONFIG_PATH", path, 1) == 0);
}

/* A process of its own for each: ALSA reads its configuration once. */
static void in_process(void (*run)(void))
{
    int status = 0;
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        run();
        _exit(0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
}

static void hear_all(void)
{
    CLEANUP(audio_player_freep) struct audio_player *p = NULL;
    static int16_t heard[N + 1], want[N];
    struct fail fail = {0};
    char path[PATH_MAX];

    configure("pcm.!default { type file slave.pcm { type null } file \"%s/heard\" format raw }\n");
    REQUIRE(audio_player_new(RATE_HZ, NULL, &p, &fail) == 0);
    for (size_t i = 0, m; i < N; i += m) {
        m = MIN((size_t) 777, N - i);
        REQUIRE(audio_player_write(p, wave + i, m, &fail) == 0);
    }
    REQUIRE(audio_player_drain(p, &fail) == 0 && fail.kind == FAIL_NONE);
    p = audio_player_free(p);
    snprintf(path, sizeof(path), "%s/heard", folder);
    FILE *f = fopen(path, "r");
    REQUIRE(f && fread(heard, sizeof(*heard), N + 1, f) == N);
    fclose(f);
    audio_to_s16(wave, N, want);
    REQUIRE(memcmp(heard, want, sizeof(want)) == 0);
    REQUIRE(unlink(path) == 0);
}

static void no_card(void)
{
    struct audio_player *const canary = (struct audio_player *) 0x1, *p = canary;
    struct fail fail = {0};

    configure("pcm.!default { type hw card \"%.0snone\" }\n");
    REQUIRE(audio_player_new(RATE_HZ, NULL, &p, &fail) == -ENODEV && p == canary);
    REQUIRE(fail.kind == FAIL_UNAVAILABLE && strstr(fail.text, "-o OUT.wav"));
}

/* More than the queue holds, with the stop set while it plays. */
static void stopped(void)
{
    CLEANUP(audio_player_freep) struct audio_player *p = NULL;
    volatile int cancel = 0;
    struct fail fail = {0};
    int r = 0;

    configure("pcm.!default { type null }%.0s\n");
    REQUIRE(audio_player_new(RATE_HZ, &cancel, &p, &fail) == 0);
    for (size_t i = 0; r == 0; i++) {
        cancel = i == 30;
        r = audio_player_write(p, wave, N, &fail);
    }
    REQUIRE(r == -ECANCELED && fail.kind == FAIL_NONE);
    REQUIRE(audio_player_drain(p, &fail) == -ECANCELED);
}

int main(void)
{
    char path[PATH_MAX];

    REQUIRE(mkdtemp(folder));
    for (size_t i = 0; i < N; i++)
        wave[i] = (float) (i % 1000) / 1000;
    in_process(hear_all);
    in_process(no_card);
    in_process(stopped);
    snprintf(path, sizeof(path), "%s/alsa.conf", folder);
    REQUIRE(unlink(path) == 0 && rmdir(folder) == 0);
    return 0;
}
