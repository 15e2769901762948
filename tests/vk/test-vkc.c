/* SPDX-License-Identifier: Apache-2.0
 *
 * The Vulkan layer: choice of a device, buffers, recorded sequences, failure.
 */
#include "common.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vk/kernels.h"

/* Run `f` in a process of its own: the environment, or a lost device, must not spread. */
static void apart(void (*f)(void))
{
    int status = 0;
    const pid_t pid = fork();

    REQUIRE(pid >= 0);
    if (pid == 0) {
        f();
        _exit(0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid);
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void without_driver(void)
{
    struct vkc_device_info *const canary = (struct vkc_device_info *) 0x1, *infos = canary;
    struct vkc_context *ctx = NULL;
    struct fail fail = {0}, again = {0};
    size_t n = 7;

    setenv("VK_DRIVER_FILES", "/nonexistent", 1);
    setenv("VK_ICD_FILENAMES", "/nonexistent", 1);
    REQUIRE(vkc_devices(&infos, &n, &fail) == -ENODEV);
    REQUIRE(infos == canary && n == 7);
    REQUIRE(fail.kind == FAIL_UNAVAILABLE && strstr(fail.text, "mesa-vulkan-drivers"));
    REQUIRE(vkc_context_new(vkc_context_params(), &ctx, &again) == -ENODEV);
    REQUIRE(!ctx && again.kind == FAIL_UNAVAILABLE && strstr(again.text, "mesa-vulkan-drivers"));
}

static void refuse(const char *device)
{
    struct vkc_context *ctx = NULL;
    struct fail fail = {0};

    REQUIRE(vkc_context_new(vkc_context_params(.device = device), &ctx, &fail) == -ENODEV);
    REQUIRE(!ctx && fail.kind == FAIL_UNAVAILABLE && strstr(fail.text, device));
}

static void accept(const char *device, const char *name)
{
    CLEANUP(vkc_context_freep) struct vkc_context *ctx = NULL;
    struct fail fail = {0};

    REQUIRE(vkc_context_new(vkc_context_params(.device = device), &ctx, &fail) == 0);
    REQUIRE(strcmp(vkc_context_info(ctx)->name, name) == 0);
}

static void test_devices(void)
{
    CLEANUP_FREE struct vkc_device_info *infos = NULL;
    struct fail fail = {0};
    char part[9] = "", *p = part;
    size_t n = 0;

    if (vkc_devices(&infos, &n, &fail) == -ENODEV) {
        printf("skipped: %s\n", fail.text);
        exit(TEST_SKIPPED);
    }
    REQUIRE(n > 0);
    for (size_t i = 0; i < n; i++)
        printf("%zu: %s (%s, %s), subgroups of %u\n", i, infos[i].name, infos[i].driver,
               vkc_device_type_name(infos[i].type), infos[i].subgroup_size);
    REQUIRE(infos[0].usable && infos[0].max_texel_elements >= 65536);
    snprintf(part, sizeof(part), "%.8s", infos[0].name);
    for (; *p; p++) /* any case will do */
        *p = (char) (*p ^ ((*p | 32) >= 'a' && (*p | 32) <= 'z' ? 32 : 0));
    accept(NULL, infos[0].name);
    accept("0", infos[0].name);
    accept(part, infos[0].name);
    refuse("99");
    refuse("no such device");
    REQUIRE(strcmp(vkc_device_type_name(VKC_CPU), "cpu") == 0);
    REQUIRE(strcmp(vkc_device_type_name((enum vkc_device_type) 99), "other") == 0);
}

static struct vkc_context *open_context(bool staging, const char *cache_dir)
{
    struct vkc_context *ctx = NULL;
    struct fail fail = {0};

    REQUIRE(vkc_context_new(
                vkc_context_params(.validation = true, .staging = staging, .cache_dir = cache_dir),
                &ctx, &fail) == 0);
    return ctx;
}

static void close_context(struct vkc_context *ctx)
{
    const char *last = NULL;

    if (vkc_context_n_validation_messages(ctx, &last))
        fprintf(stderr, "%s\n", last);
    REQUIRE(vkc_context_n_validation_messages(ctx, NULL) == 0);
    vkc_context_free(ctx);
}

static void test_buffers(bool staging)
{
    enum { SIZE = 9 << 20 }; /* more than two staging copies */
    struct vkc_context *ctx = open_context(staging, NULL);
    CLEANUP_FREE uint8_t *data = malloc(SIZE), *back = malloc(SIZE);
    struct vkc_buffer *const canary = (struct vkc_buffer *) 0x1, *none = canary;
    struct vkc_buffer *buf = NULL, *host = NULL;

    REQUIRE(data && back);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t) (i * 31 >> 3);
    REQUIRE(vkc_buffer_new(ctx, vkc_buffer_params(.size = 0), &none) == -EINVAL);
    REQUIRE(vkc_buffer_new(ctx, vkc_buffer_params(.size = SIZE_MAX / 2), &none) == -E2BIG);
    REQUIRE(none == canary);
    REQUIRE(vkc_buffer_new(ctx, vkc_buffer_params(.size = SIZE, .view = VKC_F32X4), &buf) == 0);
    REQUIRE(vkc_buffer_new(ctx, vkc_buffer_params(.size = 100, .host = true), &host) == 0);
    REQUIRE(!staging || !vkc_buffer_map(buf));
    REQUIRE(vkc_buffer_map(host));
    memset(back, 1, SIZE);
    REQUIRE(vkc_buffer_read(buf, 0, back, SIZE) == 0);
    for (size_t i = 0; i < SIZE; i++)
        REQUIRE(back[i] == 0);
    REQUIRE(vkc_buffer_write(buf, 0, data, SIZE) == 0);
    REQUIRE(vkc_buffer_write(buf, 1000, data, 12) == 0);
    REQUIRE(vkc_buffer_read(buf, 0, back, SIZE) == 0);
    REQUIRE(memcmp(back + 1000, data, 12) == 0);
    REQUIRE(memcmp(back, data, 1000) == 0 && memcmp(back + 1012, data + 1012, SIZE - 1012) == 0);
    REQUIRE(vkc_buffer_read(buf, SIZE - 4, back, 5) == -EINVAL);
    REQUIRE(vkc_buffer_write(buf, SIZE_MAX, data, 1) == -EINVAL);
    vkc_buffer_unref(buf);
    vkc_buffer_unref(host);
    close_context(ctx);
}

static struct vkc_program *program(struct vkc_context *ctx, uint32_t push_size)
{
    const struct vkc_kernel *k = vkc_kernel(VKC_ELEMENTWISE);
    const uint32_t spec[] = {8, 0};
    struct vkc_program *p = NULL;
    struct fail fail = {0};

    REQUIRE(vkc_program_new(ctx,
                            vkc_program_params(.name = k->name, .spirv = k->spirv,
                                               .spirv_size = k->spirv_size, .bindings = k->bindings,
                                               .push_size = push_size, .spec = spec, .n_spec = 2),
                            &p, &fail) == 0);
    return p;
}

/* y = 2 x, n texels. */
static int doubled(struct vkc_sequence *s, struct vkc_program *p, struct vkc_buffer *x,
                   struct vkc_buffer *y, unsigned n)
{
    const struct vkc_push_elementwise push = {.n_t = (int32_t) n, .a = 2};
    struct vkc_buffer *const bufs[] = {x, y, y};
    const uint32_t groups[] = {(n + 31) / 32, 1, 1};

    return vkc_sequence_dispatch(s, p, bufs, 3, &push, sizeof(push), groups);
}

/* A chain through two buffers, long enough for several submits: each step must see the last. */
static void test_sequence(void)
{
    struct vkc_context *ctx = open_context(false, NULL);
    struct vkc_program *p = program(ctx, sizeof(struct vkc_push_elementwise));
    const uint32_t many[] = {1u << 30, 1, 1}, one_group[] = {1, 1, 1};
    struct vkc_buffer *bufs[3] = {NULL};
    struct vkc_sequence *s = NULL;
    struct fail fail = {0}, cancelled = {0};
    float ones[256], back[256];
    const int cancel = 1;

    for (int i = 0; i < 256; i++)
        ones[i] = 1;
    for (int i = 0; i < 2; i++)
        REQUIRE(vkc_buffer_new(ctx, vkc_buffer_params(.size = sizeof(ones), .view = VKC_F32X4),
                               &bufs[i]) == 0);
    bufs[2] = bufs[0];
    REQUIRE(vkc_buffer_write(bufs[0], 0, ones, sizeof(ones)) == 0);
    REQUIRE(vkc_sequence_new(ctx, &s) == 0);
    REQUIRE(vkc_sequence_dispatch(s, p, bufs, 2, ones, 32, one_group) == -EINVAL);
    REQUIRE(vkc_sequence_dispatch(s, p, bufs, 3, ones, 28, one_group) == -EINVAL);
    REQUIRE(vkc_sequence_dispatch(s, p, bufs, 3, ones, 32, many) == -E2BIG);
    for (int i = 0; i < 60; i++)
        REQUIRE(doubled(s, p, bufs[i % 2], bufs[(i + 1) % 2], 64) == 0);
    p = vkc_program_unref(p); /* the sequence keeps it */
    REQUIRE(vkc_sequence_run(s, 0, &cancel, &cancelled) == -ECANCELED);
    REQUIRE(cancelled.kind == FAIL_INTERRUPTED);
    for (int round = 1; round <= 2; round++) {
        REQUIRE(vkc_sequence_run(s, 0, NULL, &fail) == 0);
        REQUIRE(vkc_buffer_read(bufs[0], 0, back, sizeof(back)) == 0);
        for (int i = 0; i < 256; i++)
            REQUIRE(back[i] == ldexpf(1, 60 * round));
    }
    vkc_sequence_reset(s);
    REQUIRE(vkc_sequence_clear(s, bufs[0], 16, 32) == 0);
    REQUIRE(vkc_sequence_clear(s, bufs[0], 2, 4) == -EINVAL);
    REQUIRE(vkc_sequence_clear(s, bufs[0], 1020, 8) == -EINVAL);
    REQUIRE(vkc_sequence_run(s, 0, NULL, &fail) == 0);
    REQUIRE(vkc_buffer_read(bufs[0], 0, back, sizeof(back)) == 0);
    for (int i = 0; i < 256; i++)
        REQUIRE((back[i] == 0) == (i >= 4 && i < 12));
    vkc_buffer_unref(bufs[0]);
    vkc_buffer_unref(bufs[1]);
    vkc_sequence_free(s);
    close_context(ctx);
}

/* No answer in time: the device is lost, says so once and for all, and nothing crashes. */
static void lose_device(void)
{
    enum { N = 1 << 20 };
    struct vkc_context *ctx = NULL;
    struct vkc_sequence *s = NULL, *late = NULL;
    struct vkc_buffer *buf = NULL, *more = NULL;
    struct vkc_program *p;
    struct fail fail = {0}, again = {0};

    if (vkc_context_new(vkc_context_params(), &ctx, &fail) == -ENODEV)
        return; /* test_devices() says so */
    REQUIRE(ctx);
    p = program(ctx, sizeof(struct vkc_push_elementwise));
    REQUIRE(vkc_buffer_new(ctx, vkc_buffer_params(.size = N * 16, .view = VKC_F32X4), &buf) == 0);
    REQUIRE(vkc_sequence_new(ctx, &s) == 0);
    for (int i = 0; i < 32; i++)
        REQUIRE(doubled(s, p, buf, buf, N) == 0);
    REQUIRE(vkc_sequence_run(s, 1, NULL, &fail) == -EIO);
    REQUIRE(fail.kind == FAIL_UNAVAILABLE && strstr(fail.text, "lost"));
    REQUIRE(vkc_sequence_run(s, 0, NULL, &again) == -EIO && strstr(again.text, "lost"));
    REQUIRE(vkc_buffer_new(ctx, vkc_buffer_params(.size = 16), &more) == -EIO);
    REQUIRE(vkc_buffer_write(buf, 0, "", 1) == -EIO);
    REQUIRE(vkc_sequence_new(ctx, &late) == -EIO);
    vkc_sequence_free(s);
    vkc_buffer_unref(buf);
    vkc_program_unref(p);
    vkc_context_free(ctx);
}

/* A program that declares fewer push constants than its kernel has: the layer must be heard. */
static void test_messages(void)
{
    struct vkc_context *ctx = open_context(false, NULL);
    const char *last = NULL;
    struct vkc_program *p = program(ctx, 4);

    REQUIRE(vkc_context_n_validation_messages(ctx, &last) > 0);
    REQUIRE(last && *last);
    vkc_program_unref(p);
    vkc_context_free(ctx);
}

static void test_program_rejects(void)
{
    struct vkc_context *ctx = open_context(false, NULL);
    const struct vkc_kernel *k = vkc_kernel(VKC_ELEMENTWISE);
    struct vkc_program *p = NULL;
    struct fail fail = {0};

    REQUIRE(vkc_program_new(ctx,
                            vkc_program_params(.name = "x", .spirv = k->spirv,
                                               .spirv_size = k->spirv_size, .bindings = "tq"),
                            &p, &fail) == -EINVAL);
    REQUIRE(!p && fail.kind == FAIL_DEFECT);
    close_context(ctx);
}

static void test_cache(void)
{
    char dir[] = "/tmp/brailled-cache-XXXXXX", command[80];
    CLEANUP_FREE char *name = NULL;
    FILE *list;
    size_t room = 0;

    REQUIRE(mkdtemp(dir));
    for (int round = 0; round < 3; round++) {
        struct vkc_context *ctx = open_context(false, dir);

        vkc_program_unref(program(ctx, sizeof(struct vkc_push_elementwise)));
        close_context(ctx);
        snprintf(command, sizeof(command), "ls -d %s/*", dir);
        list = popen(command, "r");
        REQUIRE(list && getline(&name, &room, list) > 0);
        pclose(list);
        name[strcspn(name, "\n")] = 0;
        REQUIRE(strstr(name, ".cache"));
        if (round == 1) /* a broken file is no reason to fail */
            REQUIRE(truncate(name, 7) == 0);
    }
    REQUIRE(unlink(name) == 0 && rmdir(dir) == 0);
    struct vkc_context *ctx = open_context(false, "/nonexistent/folder");

    close_context(ctx);
}

/* The C structs mirror the push blocks and bindings of the compiled kernels (SPIR-V section 3). */
static void test_kernel_declarations(void)
{
    enum { OP_MEMBER_DECORATE = 72, OP_DECORATE = 71, OP_TYPE_POINTER = 32 };
    enum { OFFSET = 35, BINDING = 33, PUSH_CONSTANT = 9 };

    for (int id = 0; id < VKC_N_KERNELS; id++) {
        const struct vkc_kernel *k = vkc_kernel(id);
        const size_t n = k->spirv_size / 4;
        uint32_t block = 0, size = 0, n_bindings = 0;

        REQUIRE(k->name && k->spirv && k->bindings);
        for (size_t i = 5; i < n; i += k->spirv[i] >> 16)
            if ((k->spirv[i] & 0xffff) == OP_TYPE_POINTER && k->spirv[i + 2] == PUSH_CONSTANT &&
                !block)
                block = k->spirv[i + 3];
        for (size_t i = 5; i < n; i += k->spirv[i] >> 16) {
            const uint32_t *op = &k->spirv[i];

            if ((op[0] & 0xffff) == OP_MEMBER_DECORATE && op[1] == block && op[3] == OFFSET)
                size = MAX(size, op[4] + 4);
            if ((op[0] & 0xffff) == OP_DECORATE && op[2] == BINDING)
                n_bindings = MAX(n_bindings, op[3] + 1);
        }
        if (size != k->push_size || n_bindings != strlen(k->bindings))
            fprintf(stderr, "%s: push %u, bindings %u\n", k->name, size, n_bindings);
        REQUIRE(size == k->push_size);
        REQUIRE(n_bindings == strlen(k->bindings));
    }
}

int main(void)
{
    apart(without_driver);
    apart(lose_device);
    test_devices();
    test_buffers(false);
    test_buffers(true);
    test_sequence();
    test_messages();
    test_program_rejects();
    test_cache();
    test_kernel_declarations();
    return 0;
}
