/* SPDX-License-Identifier: Apache-2.0
 *
 * What a Chinese-CLIP makes of pictures and texts, for models/recipes/chinese_clip.py, which
 * compares it with PyTorch.
 *
 *   clip-embed WEIGHTS PICTURE... -- TEXT...
 *
 * Prints {"image": [[...]], "text": [[...]]} and, on standard error, the device, what each picture
 * and text took (the first with compiling its programs) and the most memory so far: of the process
 * (VmHWM, which counts the mapped file's pages) and of its own (RssAnon, looked at every 5 ms; on a
 * CPU device the device's memory is in it).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clip/clip.h"
#include "image/image.h"

#include "bench.h"

static atomic_size_t peak_anonymous_kb;
static atomic_bool stop_looking;

/* A line of /proc/self/status, kB. */
static size_t status_kb(const char *key)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[256];
    size_t kb = 0;

    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, key, strlen(key)) == 0)
            kb = strtoul(line + strlen(key), NULL, 10);
    if (f)
        fclose(f);
    return kb;
}

static void *look(void *unused)
{
    while (!stop_looking) {
        const size_t kb = status_kb("RssAnon:");
        if (kb > peak_anonymous_kb)
            peak_anonymous_kb = kb;
        usleep(5000);
    }
    return NULL;
}

/* When something began: by the clock, and seconds of all processors used until then. */
struct begin {
    double clock_ms, cpu_s;
};

static struct begin now(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (struct begin){bench_now_ms(),
                          (double) (u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                              (double) (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6};
}

static void report(const char *what, struct begin begin)
{
    const struct begin end = now();

    fprintf(stderr,
            "%s: %.2f s, %.2f s of processors; most memory so far: %zu MiB, of its own %zu MiB\n",
            what, (end.clock_ms - begin.clock_ms) / 1e3, end.cpu_s - begin.cpu_s,
            status_kb("VmHWM:") >> 10, (size_t) peak_anonymous_kb >> 10);
}

static void print(const float *v, unsigned n, bool first)
{
    printf("%s[", first ? "" : ", ");
    for (unsigned i = 0; i < n; i++)
        printf("%s%.9g", i ? ", " : "", v[i]);
    printf("]");
}

static void embed_picture(struct clip *clip, const char *path, float *out, struct fail *fail)
{
    const struct clip_info *info = clip_info(clip);
    CLEANUP(image_freep) struct image *img = NULL, *rgb = NULL, *fit = NULL;

    bench_must(image_load(path, &img, fail), fail);
    bench_must(image_stretch(img, info->width, info->height, &fit), fail);
    bench_must(image_to_rgb(fit, &rgb), fail);
    const struct begin start = now();
    bench_must(clip_image(clip, rgb->data, 1, out, NULL, fail), fail);
    report(path, start);
}

int main(int argc, char **argv)
{
    CLEANUP(vkc_context_freep) struct vkc_context *ctx = NULL;
    struct clip *clip = NULL;
    struct nn *nn = NULL;
    struct fail fail = {0};
    pthread_t looker;
    int i = 2;

    if (argc < 3) {
        fprintf(stderr, "usage: clip-embed WEIGHTS PICTURE... -- TEXT...\n");
        return 64;
    }
    pthread_create(&looker, NULL, look, NULL);
    const struct begin start = now();
    bench_must(
        vkc_context_new(vkc_context_params(.device = getenv("BRAILLED_DEVICE")), &ctx, &fail),
        &fail);
    fprintf(stderr, "device: %s\n", vkc_context_info(ctx)->name);
    bench_must(nn_new(ctx, &nn), &fail);
    bench_must(clip_new(nn, argv[1], &clip, &fail), &fail);
    report("open", start);
    CLEANUP_FREE float *out = calloc(clip_info(clip)->embed, sizeof(*out));
    printf("{\"image\": [");
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        embed_picture(clip, argv[i], out, &fail);
        print(out, clip_info(clip)->embed, i == 2);
    }
    printf("], \"text\": [");
    for (const int first = ++i; i < argc; i++) {
        const struct begin begin = now();
        bench_must(clip_text(clip, (const char *const *) &argv[i], 1, out, &fail), &fail);
        report("text", begin);
        print(out, clip_info(clip)->embed, i == first);
    }
    printf("]}\n");
    clip_free(clip);
    nn_free(nn);
    stop_looking = true;
    pthread_join(looker, NULL);
    return 0;
}
