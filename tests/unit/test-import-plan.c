/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written of a checkpoint's tensors: copied, turned, cut, put together, freed of weight
 * norm, in types that are kept or become F32; where values lie in the file; and that nothing is
 * left behind where it cannot be finished. argv: zip.pt (tests/data/import/make.py).
 */
#include "import/import.h"

#include <errno.h>
#include <math.h>
#include <sys/stat.h>

#include "import-make.h"

static struct import_source *source;
static char path[] = "/tmp/brailled-plan-XXXXXX";

static void begin(struct import_plan *p, struct fail *fail)
{
    *fail = (struct fail){0};
    import_plan_init(p, source, fail);
}

static const struct import_tensor *get(const char *name)
{
    const struct import_tensor *t = import_source_find(source, "%s", name);

    REQUIRE(t);
    return t;
}

static void require(struct nn_file *f, const char *name, unsigned rank, const size_t *shape,
                    const float *wanted)
{
    const float *got;
    size_t n = 1;

    REQUIRE(nn_file_tensor(f, name, rank, shape, &got, NULL) == 0);
    for (unsigned d = 0; d < rank; d++)
        n *= shape[d];
    for (size_t i = 0; i < n; i++)
        REQUIRE(fabsf(got[i] - wanted[i]) <= 1e-6f * fabsf(wanted[i]));
}
#define VALUES(...) ((const float[]){__VA_ARGS__})

static void test_forms(void)
{
    const struct import_tensor *halves[] = {get("f16"), get("f16")};
    const struct import_tensor *mixed[] = {get("f32"), get("f32"), get("f32")};
    const struct import_tensor *types[] = {get("f16"), get("bf16")};
    CLEANUP(nn_file_closep) struct nn_file *f = NULL;
    struct import_plan p;
    struct fail fail;
    struct nn_raw raw;
    struct stat st;
    uint64_t bytes = 0;

    begin(&p, &fail);
    import_copy(&p, get("f16"), "half.%u", 1u);
    import_copy(&p, get("transposed"), "gaps");
    import_copy(&p, get("f64"), "double");
    import_copy(&p, get("scalar"), "scalar");
    import_copy(&p, get("none"), "none");
    import_turn(&p, get("f32"), "turned");
    import_turn(&p, get("transposed"), "turned back");
    import_slice(&p, get("transposed"), 1, 2, "cut");
    import_rows(&p, halves, 2, "rows");
    import_rows(&p, mixed, 3, "rows three");
    import_rows(&p, types, 2, "rows mixed");
    import_weight_norm(&p, get("f16"), get("transposed"), "norm");
    import_config(&p, "model", json_string("toy"));
    import_metadata(&p, "more", "a \"text\"\n");
    REQUIRE(p.r == 0 && p.n == 12 && import_write(&p, path, NULL, &bytes, &fail) == 0);
    REQUIRE(stat(path, &st) == 0 && (uint64_t) st.st_size == bytes && !fail.text[0]);
    import_plan_done(&p);

    REQUIRE(nn_file_open(path, &f, &fail) == 0 && nn_file_expect_model(f, "toy", NULL) == 0);
    REQUIRE(strcmp(nn_file_metadata(f, "more"), "a \"text\"\n") == 0);
    require(f, "half.1", NN_SHAPE(4), VALUES(0, 1, 2, 3));
    require(f, "gaps", NN_SHAPE(4, 3), VALUES(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11));
    require(f, "double", NN_SHAPE(4), VALUES(0, 1, 2, 3));
    require(f, "scalar", 0, NULL, VALUES(2.5));
    require(f, "none", NN_SHAPE(0, 4), NULL);
    require(f, "turned", NN_SHAPE(3, 2), VALUES(0, 3, 1, 4, 2, 5));
    require(f, "turned back", NN_SHAPE(3, 4), VALUES(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
    require(f, "cut", NN_SHAPE(2, 3), VALUES(1, 5, 9, 2, 6, 10));
    require(f, "rows", NN_SHAPE(8), VALUES(0, 1, 2, 3, 0, 1, 2, 3));
    require(f, "rows three", NN_SHAPE(6, 3),
            VALUES(0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5));
    require(f, "rows mixed", NN_SHAPE(8), VALUES(0, 1, 2, 3, 0, 1, 2, 3));
    const float n1 = sqrtf(107), n2 = sqrtf(140) / 2,
                n3 = sqrtf(179) / 3; /* 1 5 9, 2 6 10, 3 7 11 */
    require(
        f, "norm", NN_SHAPE(4, 3),
        VALUES(0, 0, 0, 1 / n1, 5 / n1, 9 / n1, 2 / n2, 6 / n2, 10 / n2, 3 / n3, 7 / n3, 11 / n3));
    for (size_t i = 0; i < nn_file_n_tensors(f); i++) {
        nn_file_raw(f, i, &raw);
        const bool is_half = !strcmp(raw.name, "half.1") || !strcmp(raw.name, "rows");
        REQUIRE(raw.dtype == (is_half ? NN_F16 : NN_F32));
        REQUIRE((uintptr_t) raw.data % nn_dtype_size(raw.dtype) == 0);
    }
    unlink(path);
}

static void require_no_file(void)
{
    struct stat st;

    REQUIRE(stat(path, &st) < 0 && errno == ENOENT);
}

static void test_failures(void)
{
    const char *unused = NULL;
    struct import_plan p;
    struct fail fail;
    uint64_t bytes;
    volatile int cancel = 1;

    begin(&p, &fail); /* the first failure stands, and nothing is done after it */
    REQUIRE(!import_want(&p, NN_SHAPE(2, 2), "f3%d", 2) && p.r == -EBADMSG);
    REQUIRE(strstr(fail.text, "'f32' has shape [2x3]") && strstr(fail.text, "[2x2]"));
    REQUIRE(!import_want(&p, NN_SHAPE(2, 3), "f32"));
    import_refuse(&p, "something else");
    import_copy(&p, get("f32"), "f32");
    REQUIRE(p.n == 0 && import_write(&p, path, NULL, &bytes, &fail) == -EBADMSG);
    import_plan_done(&p);

    begin(&p, &fail);
    REQUIRE(!import_want(&p, NN_SHAPE(4), "i64") && strstr(fail.text, "I64"));
    import_plan_done(&p);
    begin(&p, &fail);
    REQUIRE(!import_want(&p, 0, NULL, "absent") && strstr(fail.text, "'absent' is missing"));
    import_plan_done(&p);
    begin(&p, &fail);
    import_refuse(&p, "it is %s", "blue");
    REQUIRE(p.r == -ENOTSUP && strstr(fail.text, "cannot be imported: it is blue"));
    import_plan_done(&p);

    begin(&p, &fail);
    import_copy(&p, get("f32"), "same");
    import_copy(&p, get("f16"), "same");
    REQUIRE(import_write(&p, path, NULL, &bytes, &fail) < 0 && fail.kind == FAIL_DEFECT);
    import_plan_done(&p);
    begin(&p, &fail);
    import_copy(&p, get("f32"), "f32");
    REQUIRE(import_plan_unused(&p, &unused) == 14 && strcmp(unused, "bf16") == 0);
    REQUIRE(import_write(&p, path, &cancel, &bytes, &fail) == -ECANCELED);
    REQUIRE(fail.kind == FAIL_INTERRUPTED);
    require_no_file();
    import_plan_done(&p);
}

int main(int argc, char **argv)
{
    struct fail fail = {0};
    int fd = mkstemp(path);

    REQUIRE(argc == 2 && fd >= 0);
    close(fd);
    unlink(path);
    REQUIRE(import_source_open(argv[1], &source, &fail) == 0);
    test_forms();
    require_no_file();
    test_failures();
    import_source_close(source);
    return 0;
}
