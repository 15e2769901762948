/* SPDX-License-Identifier: Apache-2.0 */

#include "audio/audio.h"
#include "audio/rate.h"
#include "audio/vtt.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <sndfile.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RATE_HZ = 16000, N = 20001 };

static float wave[N];
static char folder[] = "/tmp/test-audio.XXXXXX";

static void in_folder(char out[PATH_MAX], const char *name)
{
    snprintf(out, PATH_MAX, "%s/%s", folder, name);
}

static unsigned n_files(void)
{
    unsigned n = 0;
    DIR *d = opendir(folder);
    REQUIRE(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void write_wave(struct audio_writer *w)
{
    struct fail fail = {0};
    for (size_t i = 0, m; i < N; i += m) {
        m = MIN((size_t) 777, N - i);
        REQUIRE(audio_writer_write(w, wave + i, m, &fail) == 0);
    }
}

/* Read back with libsndfile and return the root mean square difference. */
static double difference(const char *path, int want_format)
{
    static float back[N + 1];
    SF_INFO info = {0};
    SNDFILE *s = sf_open(path, SFM_READ, &info);
    double sum = 0;

    REQUIRE(s);
    REQUIRE(info.format == want_format);
    REQUIRE(info.samplerate == RATE_HZ && info.channels == 1 && info.frames == N);
    REQUIRE(sf_readf_float(s, back, N + 1) == N);
    sf_close(s);
    for (size_t i = 0; i < N; i++)
        sum += (back[i] - wave[i]) * (back[i] - wave[i]);
    return sqrt(sum / N);
}

static void test_round_trip(const char *name, int want_format, double at_most)
{
    CLEANUP(audio_writer_freep) struct audio_writer *w = NULL;
    struct fail fail = {0};
    char path[PATH_MAX];

    in_folder(path, name);
    REQUIRE(audio_writer_new(path, RATE_HZ, &w, &fail) == 0);
    write_wave(w);
    REQUIRE(access(path, F_OK) < 0); /* only under its temporary name so far */
    REQUIRE(audio_writer_commit(w, &fail) == 0);
    REQUIRE(fail.kind == FAIL_NONE);
    REQUIRE(n_files() == 1);
    double d = difference(path, want_format);
    if (d > at_most)
        fprintf(stderr, "%s: difference %g\n", name, d);
    REQUIRE(d <= at_most);
    REQUIRE(unlink(path) == 0);
}

static void test_uncommitted_leaves_nothing(void)
{
    struct audio_writer *w = NULL;
    struct fail fail = {0};
    char path[PATH_MAX];

    in_folder(path, "x.flac");
    REQUIRE(audio_writer_new(path, RATE_HZ, &w, &fail) == 0);
    write_wave(w);
    REQUIRE(n_files() == 1);
    REQUIRE(audio_writer_free(w) == NULL);
    REQUIRE(n_files() == 0);
}

static void test_names(void)
{
    struct audio_writer *const canary = (struct audio_writer *) 0x1, *w = canary;
    static const char *const bad[] = {"x", "x.mp3", "a.wav/x", ".wav.d/x", "", "wav"};
    enum audio_format f;
    char path[PATH_MAX];

    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        struct fail fail = {0};
        REQUIRE(audio_writer_new(bad[i], RATE_HZ, &w, &fail) == -EINVAL);
        REQUIRE(fail.kind == FAIL_USAGE && strstr(fail.text, ".flac"));
    }
    REQUIRE(audio_format_of("a.b/C.OPUS", &f, NULL) == 0 && f == AUDIO_OPUS);
    REQUIRE(audio_format_of("-", &f, NULL) == 0 && f == AUDIO_WAV);

    struct fail fail = {0};
    in_folder(path, "missing/x.wav");
    REQUIRE(audio_writer_new(path, RATE_HZ, &w, &fail) == -ENOENT);
    REQUIRE(fail.kind == FAIL_CREATE);

    fail = (struct fail){0};
    in_folder(path, "x.opus");
    REQUIRE(audio_writer_new(path, 96000, &w, &fail) == -EINVAL); /* no rate of Opus */
    REQUIRE(fail.kind == FAIL_USAGE);
    REQUIRE(w == canary);
    REQUIRE(n_files() == 0);
}

/* A limit on the file's size is how a full disk looks without being root: write() fails midway. */
static void test_disk_full(const char *name)
{
    CLEANUP(audio_writer_freep) struct audio_writer *w = NULL;
    struct rlimit old, tight = {0};
    struct fail fail = {0};
    char path[PATH_MAX];
    int r = 0;

    REQUIRE(getrlimit(RLIMIT_FSIZE, &old) == 0);
    tight = (struct rlimit){.rlim_cur = 2000, .rlim_max = old.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
    in_folder(path, name);
    r = audio_writer_new(path, RATE_HZ, &w, &fail);
    if (r == 0)
        r = audio_writer_write(w, wave, N, &fail);
    if (r == 0)
        r = audio_writer_commit(w, &fail);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &old) == 0);
    REQUIRE(r == -EFBIG);
    REQUIRE(fail.kind == FAIL_IO);
    w = audio_writer_free(w);
    REQUIRE(n_files() == 0);
}

static void test_device_full(void)
{
    CLEANUP(audio_writer_freep) struct audio_writer *w = NULL;
    struct fail fail = {0};
    int fd = open("/dev/full", O_RDWR | O_CLOEXEC);

    REQUIRE(fd >= 0);
    REQUIRE(audio_writer_new_fd(fd, AUDIO_WAV, RATE_HZ, &w, &fail) == -ENOSPC);
    REQUIRE(fail.kind == FAIL_IO && strstr(fail.text, "free some space"));
    REQUIRE(audio_writer_new_fd(fd, AUDIO_RAW, RATE_HZ, &w, &fail) == 0);
    REQUIRE(audio_writer_write(w, wave, N, &fail) == -ENOSPC);
    close(fd);
}

static void test_memfd(void)
{
    CLEANUP(audio_writer_freep) struct audio_writer *w = NULL;
    struct fail fail = {0};
    char path[64];
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    REQUIRE(fd >= 0);
    REQUIRE(audio_writer_new_fd(fd, AUDIO_WAV, RATE_HZ, &w, &fail) == 0);
    write_wave(w);
    REQUIRE(audio_writer_commit(w, &fail) == 0);
    w = audio_writer_free(w);
    REQUIRE(fcntl(fd, F_GETFD) >= 0); /* stays ours */
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    REQUIRE(difference(path, SF_FORMAT_WAV | SF_FORMAT_PCM_16) < 2e-5);
    close(fd);
}

/* Through a pipe: a header that libsndfile reads although its length is not known, and the samples
 * while they come. */
static void test_pipe(void)
{
    CLEANUP(audio_writer_freep) struct audio_writer *w = NULL;
    static int16_t back[N + 22 + 1];
    struct fail fail = {0};
    char path[PATH_MAX];
    int fd[2];

    REQUIRE(pipe2(fd, O_CLOEXEC) == 0);
    REQUIRE(fcntl(fd[1], F_SETPIPE_SZ, 1 << 17) >= 0);
    REQUIRE(audio_writer_new_fd(fd[1], AUDIO_FLAC, RATE_HZ, &w, &fail) == -ESPIPE);
    fail = (struct fail){0};
    REQUIRE(audio_writer_new_fd(fd[1], AUDIO_WAV, RATE_HZ, &w, &fail) == 0);
    write_wave(w);
    ssize_t size = read(fd[0], back, sizeof(back));
    REQUIRE(size == 44 + 2 * N);
    REQUIRE(audio_writer_commit(w, &fail) == 0);
    close(fd[0]);
    REQUIRE(audio_writer_write(w, wave, 1, &fail) == -EPIPE);
    close(fd[1]);

    in_folder(path, "stream.wav");
    int out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(out >= 0 && write(out, back, (size_t) size) == size);
    close(out);
    REQUIRE(difference(path, SF_FORMAT_WAV | SF_FORMAT_PCM_16) < 2e-5);
    REQUIRE(unlink(path) == 0);
}

static size_t read_file(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    ssize_t n = read(fd, out, size);
    REQUIRE(n >= 0);
    close(fd);
    return (size_t) n;
}

/* Is the comment there, with its length before it, as in a Vorbis comment header (RFC 7845 5.2)? */
static bool has_comment(const char *data, size_t size, const char *comment)
{
    const size_t n = strlen(comment);
    const char *at = memmem(data, size, comment, n);

    return at && (uint8_t) at[-4] == (n & 255) && (uint8_t) at[-3] == n >> 8 && !at[-2] && !at[-1];
}

static void test_chapters(void)
{
    static char long_title[4000], data[8192], again[8192];
    const struct audio_chapter chapters[] = {
        {0, "第一章"}, {59.9996, "a\nb"}, {36000 + 61.25, long_title}};
    const struct audio_tags tags = {.title = "书", .chapters = chapters, .n_chapters = 3};
    CLEANUP(audio_writer_freep) struct audio_writer *w = NULL;
    struct fail fail = {0};
    char path[PATH_MAX];

    for (size_t i = 0; i + 3 < sizeof(long_title); i += 3)
        memcpy(long_title + i, "字", 3);
    in_folder(path, "c.opus");
    REQUIRE(audio_writer_new_tagged(path, RATE_HZ, &tags, &w, &fail) == 0);
    write_wave(w);
    REQUIRE(audio_writer_sync(w, &fail) == 0 && access(path, F_OK) < 0);
    REQUIRE(audio_writer_commit(w, &fail) == 0);
    w = audio_writer_free(w);
    REQUIRE(difference(path, SF_FORMAT_OGG | SF_FORMAT_OPUS) < 0.05);
    const size_t n = read_file(path, data, sizeof(data));
    static const char *const want[] = {"TITLE=书",
                                       "CHAPTER001=00:00:00.000",
                                       "CHAPTER001NAME=第一章",
                                       "CHAPTER002=00:01:00.000",
                                       "CHAPTER002NAME=a b",
                                       "CHAPTER003=10:01:01.250"};
    for (size_t i = 0; i < ELEMENTSOF(want); i++)
        REQUIRE(has_comment(data, n, want[i]));
    long_title[999] = 0; /* 333 characters: cut between two of them */
    char *comment = NULL;
    REQUIRE(asprintf(&comment, "CHAPTER003NAME=%s", long_title) > 0);
    REQUIRE(has_comment(data, n, comment));
    free(comment);

    /* the same sound and tags are the same bytes */
    long_title[999] = "字"[0];
    REQUIRE(audio_writer_new_tagged(path, RATE_HZ, &tags, &w, &fail) == 0);
    write_wave(w);
    REQUIRE(audio_writer_commit(w, &fail) == 0);
    REQUIRE(read_file(path, again, sizeof(again)) == n && memcmp(data, again, n) == 0);
    REQUIRE(unlink(path) == 0);
}

static void test_vtt(void)
{
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    REQUIRE(f);
    audio_vtt_begin(f, "a --> b\nc");
    audio_vtt_note(f, "Page 1");
    audio_vtt_cue(f, 1, &(struct audio_cue){0, 1.0005, {"你好 <&>", "ni3hao3"}});
    audio_vtt_cue(f, 2, &(struct audio_cue){2, 2.0001, {"x", "y"}}); /* no time */
    audio_vtt_cue(f, 3, &(struct audio_cue){3661.5, 36000, {NULL, "a\nb"}});
    REQUIRE(fclose(f) == 0);
    REQUIRE(strcmp(text, "WEBVTT a - -> b c\n\nNOTE Page 1\n\n"
                         "1\n00:00:00.000 --> 00:00:01.001\n你好 &lt;&amp;&gt;\nni3hao3\n\n"
                         "3\n01:01:01.500 --> 10:00:00.000\na b\n\n") == 0);
}

static void test_samples(void)
{
    const float in[] = {0, 1, -1, 2, -2, NAN, INFINITY, -INFINITY, 0.5F};
    const int16_t want[] = {0, 32767, -32767, 32767, -32767, 0, 32767, -32767, 16384};
    int16_t out[ELEMENTSOF(in)];

    audio_to_s16(in, ELEMENTSOF(in), out);
    for (size_t i = 0; i < ELEMENTSOF(in); i++)
        REQUIRE(out[i] == want[i]);
    for (int i = -32767; i <= 32767; i++) {
        int16_t a = (int16_t) i, b = 0;
        float f = 0;
        audio_from_s16(&a, 1, &f);
        audio_to_s16(&f, 1, &b);
        REQUIRE(a == b);
    }
}

/* 440 Hz at 22.05 kHz is 440 Hz at 16 kHz, however it is cut; the same rate changes nothing. */
static void test_rate(void)
{
    enum { IN_N = 22050 };
    static const size_t cuts[] = {IN_N, 777, 1};
    static float in[IN_N], out[IN_N], first[IN_N];
    struct audio_rate *none = NULL;
    size_t total = 0;

    for (int i = 0; i < IN_N; i++)
        in[i] = (float) (0.5 * sin(2 * M_PI * 440 * i / 22050));
    for (size_t c = 0; c < ELEMENTSOF(cuts); c++) {
        CLEANUP(audio_rate_freep) struct audio_rate *a = NULL;
        const float *got;
        size_t n_out = 0, n;
        REQUIRE(audio_rate_new(22050, 16000, &a) == 0);
        for (size_t i = 0; i < IN_N; i += cuts[c]) {
            const size_t m = MIN(cuts[c], IN_N - i);
            REQUIRE(audio_rate_push(a, in + i, m, i + m == IN_N, &got, &n) == 0 &&
                    n_out + n <= IN_N);
            memcpy(out + n_out, got, n * sizeof(*got));
            n_out += n;
        }
        REQUIRE(n_out >= 15998 && n_out <= 16002 && (c == 0 || n_out == total));
        total = n_out;
        for (size_t i = 0; i < n_out && c > 0; i++)
            REQUIRE(fabsf(out[i] - first[i]) < 1e-5f);
        memcpy(first, out, sizeof(out));
    }
    for (int i = 1000; i < 15000; i++)
        REQUIRE(fabs((double) out[i] - 0.5 * sin(2 * M_PI * 440 * i / 16000.)) < 1e-3);

    CLEANUP(audio_rate_freep) struct audio_rate *same = NULL;
    const float *got;
    size_t n;
    REQUIRE(audio_rate_new(16000, 16000, &same) == 0);
    REQUIRE(audio_rate_push(same, in, 100, true, &got, &n) == 0 && n == 100 && got == in);
    REQUIRE(audio_rate_push(same, NULL, 0, true, &got, &n) == 0 && n == 0);
    REQUIRE(audio_rate_new(10, 16000, &none) == -EINVAL && !none);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    REQUIRE(mkdtemp(folder));
    for (size_t i = 0; i < N; i++)
        wave[i] = 0.5F * sinf(0.08F * (float) i) * sinf(0.001F * (float) i);

    test_samples();
    test_round_trip("a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 2e-5);
    test_round_trip("a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 2e-5);
    test_round_trip("a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 0.02);
    test_rate();
    test_round_trip("a.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 0.05);
    test_chapters();
    test_vtt();
    test_uncommitted_leaves_nothing();
    test_names();
    test_disk_full("f.wav");
    test_disk_full("f.flac");
    test_disk_full("f.ogg");
    test_disk_full("f.opus");
    test_device_full();
    test_memfd();
    test_pipe();
    REQUIRE(rmdir(folder) == 0);
    return 0;
}
