/* SPDX-License-Identifier: Apache-2.0
 *
 * The safetensors reader: right files give their values, every broken or hostile one gives an
 * error in words and leaves the output alone.
 */
#include "nn/weights_file.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

/* An anonymous file with this header and `n` bytes of data; *path names it until close(). */
static int make(const char *header, const void *data, size_t n, char path[64])
{
    uint64_t size = strlen(header);
    int fd = memfd_create("weights", MFD_CLOEXEC);

    REQUIRE(fd >= 0);
    REQUIRE(write(fd, &size, 8) == 8);
    REQUIRE(write(fd, header, size) == (ssize_t) size);
    REQUIRE(n == 0 || write(fd, data, n) == (ssize_t) n);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void require_broken_file(const char *path, const char *words)
{
    struct nn_file *const canary = (struct nn_file *) 1, *f = canary;
    struct fail fail = {0};
    int r = nn_file_open(path, &f, &fail);

    if (r != -EBADMSG || !strstr(fail.text, words))
        fprintf(stderr, "wanted '%s', got %d '%s'\n", words, r, fail.text);
    REQUIRE(r == -EBADMSG && fail.kind == FAIL_UNAVAILABLE);
    REQUIRE(strstr(fail.text, words) && strstr(fail.text, "install it again"));
    REQUIRE(!strchr(fail.text, '\n') && f == canary);
}

static void require_broken(const char *header, size_t n_data, const char *words)
{
    static const uint8_t zeros[256];
    char path[64];
    int fd = make(header, zeros, n_data, path);

    require_broken_file(path, words);
    close(fd);
}

static const char good[] = "{\"__metadata__\":{\"format\":\"pt\",\"brailled\":\"{\\\"model\\\": "
                           "\\\"toy\\\", \\\"width\\\": 7, \\\"scale\\\": 0.5, \\\"list\\\": "
                           "[1, 2, 3]}\"},"
                           "\"b\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[16,24]},"
                           "\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
                           "\"c\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[24,26]},"
                           "\"none\":{\"dtype\":\"F32\",\"shape\":[0,9],\"data_offsets\":[26,26]}"
                           "}   ";
static const struct {
    float a[4];
    uint16_t b[4], c;
} __attribute__((packed)) good_data = {
    {1, -2, 3.5, 1e-30f}, {0x3c00, 0xc100, 0x0001, 0x7bff}, 0x4049 /* 3.140625 */
};

static struct nn_file *open_good(int *fd)
{
    struct fail fail = {0};
    struct nn_file *f = NULL;
    char path[64];

    *fd = make(good, &good_data, sizeof(good_data), path);
    REQUIRE(nn_file_open(path, &f, &fail) == 0);
    return f;
}

static void test_values(void)
{
    int fd;
    CLEANUP(nn_file_closep) struct nn_file *f = open_good(&fd);
    const float *v = NULL;
    struct fail fail = {0};
    size_t shape[8];
    unsigned rank;

    REQUIRE(nn_file_tensor(f, "a", NN_SHAPE(2, 2), &v, &fail) == 0);
    REQUIRE((uintptr_t) v % 4 == 0 && memcmp(v, good_data.a, sizeof(good_data.a)) == 0);
    REQUIRE(nn_file_tensor(f, "b", NN_SHAPE(4), &v, &fail) == 0);
    REQUIRE(v[0] == 1 && v[1] == -2.5 && v[2] == ldexpf(1, -24) && v[3] == 65504);
    REQUIRE(nn_file_tensor(f, "c", 0, NULL, &v, &fail) == 0 && *v == 3.140625f);
    REQUIRE(nn_file_tensor(f, "none", NN_SHAPE(0, 9), &v, &fail) == 0);
    REQUIRE(nn_file_has(f, "a", &rank, shape) && rank == 2 && shape[1] == 2);
    REQUIRE(!nn_file_has(f, "d", NULL, NULL) && !nn_file_has(f, "__metadata__", NULL, NULL));
    REQUIRE(strcmp(nn_file_metadata(f, "format"), "pt") == 0 && !nn_file_metadata(f, "x"));

    const float *const before = v;
    REQUIRE(nn_file_tensor(f, "a", NN_SHAPE(4), &v, &fail) == -EBADMSG && v == before);
    REQUIRE(strstr(fail.text, "'a' has shape [2x2] where its configuration says [4]"));
    fail = (struct fail){0};
    REQUIRE(nn_file_tensor(f, "a", NN_SHAPE(2, 3), &v, &fail) == -EBADMSG);
    fail = (struct fail){0};
    REQUIRE(nn_file_tensor(f, "d", NN_SHAPE(2), &v, &fail) == -EBADMSG);
    REQUIRE(strstr(fail.text, "tensor 'd' is missing"));
    close(fd);
}

static void test_config(void)
{
    int fd;
    CLEANUP(nn_file_closep) struct nn_file *f = open_good(&fd);
    unsigned u = 99, list[3] = {0}, n = 0;
    double d = 99;

    REQUIRE(json_is_object(nn_file_config(f)));
    REQUIRE(nn_file_expect_model(f, "toy", NULL) == 0);
    REQUIRE(nn_file_expect_model(f, "clip", NULL) == -EBADMSG);
    REQUIRE(nn_file_uint(f, NULL, "width", 1, 7, &u, NULL) == 0 && u == 7);
    REQUIRE(nn_file_uint(f, NULL, "width", 1, 6, &u, NULL) == -EBADMSG);
    REQUIRE(nn_file_uint(f, NULL, "width", 8, 9, &u, NULL) == -EBADMSG);
    REQUIRE(nn_file_uint(f, NULL, "scale", 0, 9, &u, NULL) == -EBADMSG);
    REQUIRE(nn_file_uint(f, NULL, "model", 0, 9, &u, NULL) == -EBADMSG && u == 7);
    REQUIRE(nn_file_number(f, NULL, "scale", 0, 1, &d, NULL) == 0 && d == 0.5);
    REQUIRE(nn_file_number(f, NULL, "width", 0, 10, &d, NULL) == 0 && d == 7);
    REQUIRE(nn_file_number(f, NULL, "list", 0, 10, &d, NULL) == -EBADMSG);
    REQUIRE(nn_file_uints(f, NULL, "list", 1, 3, 3, list, &n, NULL) == 0 && n == 3);
    REQUIRE(list[0] == 1 && list[2] == 3);
    REQUIRE(nn_file_uints(f, NULL, "list", 1, 3, 2, list, &n, NULL) == -EBADMSG);
    REQUIRE(nn_file_uints(f, NULL, "list", 1, 2, 3, list, &n, NULL) == -EBADMSG);
    close(fd);
}

/* F32 data that starts at an odd address is copied, not read unaligned. */
static void test_unaligned(void)
{
    const char *header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}  ";
    const float values[2] = {1.5f, -8}, *v = NULL;
    struct nn_file *f = NULL;
    char path[64];

    for (size_t skip = 0; skip < 3; skip++) {
        char cut[128];
        snprintf(cut, sizeof(cut), "%.*s", (int) (strlen(header) - skip), header);
        int fd = make(cut, values, sizeof(values), path);
        REQUIRE(nn_file_open(path, &f, NULL) == 0);
        REQUIRE(nn_file_tensor(f, "a", NN_SHAPE(2), &v, NULL) == 0);
        REQUIRE((uintptr_t) v % 4 == 0 && v[0] == 1.5f && v[1] == -8);
        f = nn_file_close(f);
        close(fd);
    }
}

static void test_missing(void)
{
    struct fail fail = {0};
    struct nn_file *f = NULL;

    REQUIRE(nn_file_open("/nonexistent/clip.safetensors", &f, &fail) == -ENOENT && !f);
    REQUIRE(fail.kind == FAIL_UNAVAILABLE && strstr(fail.text, "--models DIR"));
    require_broken_file("/dev/null", "not a regular file");
    require_broken_file("/", "not a regular file");
}

/* Every shorter file, and one byte too many, is refused. */
static void test_length(void)
{
    char path[64], whole[1024];
    const size_t n = 8 + strlen(good) + sizeof(good_data);
    uint64_t size = strlen(good);

    REQUIRE(n + 1 < sizeof(whole));
    memcpy(whole, &size, 8);
    memcpy(whole + 8, good, size);
    memcpy(whole + 8 + size, &good_data, sizeof(good_data));
    whole[n] = 0;
    for (size_t i = 0; i <= n + 1; i++) {
        if (i == n)
            continue;
        int fd = memfd_create("weights", MFD_CLOEXEC);
        REQUIRE(write(fd, whole, i) == (ssize_t) i);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        require_broken_file(path, "");
        close(fd);
    }
}

static void test_header_size(void)
{
    static const uint64_t sizes[] = {0, 3, 200000000, UINT64_MAX, UINT64_MAX - 7, 1ull << 63};
    char path[64];

    for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
        int fd = make("{}", NULL, 0, path);
        REQUIRE(pwrite(fd, &sizes[i], 8, 0) == 8);
        require_broken_file(path, i == 0 ? "not a safetensors file" : "header would have");
        close(fd);
    }
    require_broken("[]", 0, "not a safetensors file");
    require_broken(" {}", 0, "not a safetensors file");
    require_broken("{} x", 0, "header:");
    require_broken("{\"a\":", 0, "header:");
}

#define T(dtype, shape, offsets)                                                                   \
    "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void test_hostile_tensors(void)
{
    require_broken(T("\"F64\"", "[1]", "[0,8]"), 8, "not F32, F16 or BF16");
    require_broken(T("7", "[1]", "[0,8]"), 8, "not F32, F16 or BF16");
    require_broken(T("\"F32\"", "[1]", "[0,8]"), 8, "another size");
    require_broken(T("\"F32\"", "[3]", "[0,8]"), 8, "another size");
    require_broken(T("\"F32\"", "[-2]", "[0,8]"), 8, "impossible shape");
    require_broken(T("\"F32\"", "[2.0]", "[0,8]"), 8, "impossible shape");
    require_broken(T("\"F32\"", "2", "[0,8]"), 8, "impossible shape");
    require_broken(T("\"F32\"", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), 8, "impossible shape");
    require_broken(T("\"F32\"", "[4294967296,4294967296,2]", "[0,8]"), 8, "impossible shape");
    require_broken(T("\"F32\"", "[4611686018427387904]", "[0,0]"), 0, "another size");
    require_broken(T("\"F32\"", "[99999999999999999999]", "[0,8]"), 8, "header:");
    require_broken(T("\"F32\"", "[2]", "[-8,0]"), 8, "outside the file");
    require_broken(T("\"F32\"", "[2]", "[8,0]"), 8, "outside the file");
    require_broken(T("\"F32\"", "[4]", "[0,16]"), 8, "outside the file");
    require_broken(T("\"F32\"", "[2]", "[9223372036854775800,9223372036854775807]"), 8,
                   "outside the file");
    require_broken(T("\"F32\"", "[2]", "[0,8,8]"), 8, "outside the file");
    require_broken(T("\"F32\"", "[2]", "[\"0\",8]"), 8, "outside the file");
    require_broken(T("\"F32\"", "[1]", "[4,8]"), 8, "follows a hole");
    require_broken(T("\"F32\"", "[1]", "[0,4]"), 8, "4 bytes follow");
    require_broken("{\"a\":1}", 0, "not described");
    require_broken("{\"a\":{\"dtype\":\"F32\",\"shape\":[0]}}", 0, "not described");
    require_broken("{\"a\\nb\":1}", 0, "'a?b'");
}

#define F32X2(name, offsets)                                                                       \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":" offsets "}"

static void test_hostile_tables(void)
{
    require_broken("{" F32X2("a", "[0,8]") "," F32X2("a", "[8,16]") "}", 16, "header:");
    require_broken("{" F32X2("a", "[0,8]") "," F32X2("b", "[0,8]") "}", 8, "overlaps");
    require_broken("{" F32X2("a", "[0,8]") "," F32X2("b", "[4,12]") "}", 12, "overlaps");
    require_broken("{" F32X2("a", "[0,8]") "," F32X2("b", "[12,20]") "}", 20, "hole");
    require_broken("{\"__metadata__\":[]}", 0, "metadata is not an object");
    require_broken("{\"__metadata__\":{\"a\":1}}", 0, "metadata 'a' is not a string");
    require_broken("{\"__metadata__\":{\"brailled\":\"{\\\"w\\\": NaN}\"}}", 0, "configuration:");
    require_broken("{\"__metadata__\":{\"brailled\":\"{\\\"w\\\": 1e999}\"}}", 0, "configuration:");
    require_broken("{\"__metadata__\":{\"brailled\":\"[1]\"}}", 0, "not an object");
    require_broken("{\"__metadata__\":{\"brailled\":\"{\\\"w\\\":1,\\\"w\\\":2}\"}}", 0,
                   "configuration:");
    char deep[4096] = "{\"a\":";
    memset(deep + 5, '[', 4000);
    require_broken(deep, 0, "header:");
}

static void test_no_config_and_bad_values(void)
{
    const float values[2] = {1, NAN}, *v = NULL;
    const uint16_t infinite = 0x7c00;
    struct nn_file *f = NULL;
    struct fail fail = {0};
    char path[64];
    unsigned u;
    int fd = make("{" F32X2("a", "[0,8]") "}", values, 8, path);

    REQUIRE(nn_file_open(path, &f, NULL) == 0 && !nn_file_config(f));
    REQUIRE(nn_file_uint(f, NULL, "width", 0, 9, &u, NULL) == -EBADMSG);
    REQUIRE(nn_file_expect_model(f, "toy", NULL) == -EBADMSG);
    REQUIRE(nn_file_tensor(f, "a", NN_SHAPE(2), &v, &fail) == -EBADMSG && !v);
    REQUIRE(strstr(fail.text, "no number"));
    f = nn_file_close(f);
    close(fd);
    fd = make(T("\"F16\"", "[1]", "[0,2]"), &infinite, 2, path);
    REQUIRE(nn_file_open(path, &f, NULL) == 0);
    REQUIRE(nn_file_tensor(f, "a", NN_SHAPE(1), &v, NULL) == -EBADMSG);
    nn_file_close(f);
    close(fd);
}

int main(void)
{
    test_values();
    test_config();
    test_unaligned();
    test_missing();
    test_length();
    test_header_size();
    test_hostile_tensors();
    test_hostile_tables();
    test_no_config_and_bad_values();
    return 0;
}
