/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints of PyTorch: the files that PyTorch itself wrote (tests/data/import) give their
 * values, and what is broken or hostile gives words, and nothing that a file names is done.
 */
#include "import/source.h"

#include <errno.h>
#include <sys/stat.h>

#include "import-make.h"

static const char *folder;

static struct import_source *open_data(const char *name)
{
    struct import_source *s = NULL;
    struct fail fail = {0};
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (import_source_open(path, &s, &fail) < 0)
        fprintf(stderr, "%s\n", fail.text);
    REQUIRE(s);
    return s;
}

static void require_values(const struct import_source *s, const char *name, enum nn_dtype dtype,
                           unsigned rank, const size_t *shape, const float *wanted)
{
    const struct import_tensor *t = import_source_find(s, "%s", name);
    float got[16];

    if (!import_is(t, rank, shape) || t->dtype != dtype)
        fprintf(stderr, "%s: %s\n", import_source_path(s), name);
    REQUIRE(import_is(t, rank, shape) && t->dtype == dtype && t->n <= ELEMENTSOF(got));
    import_floats(t, 0, t->n, got);
    for (size_t i = 0; i < t->n; i++)
        REQUIRE(got[i] == wanted[i]);
}

#define VALUES(...) ((const float[]){__VA_ARGS__})

/* make.py's state(). */
static void require_state(const struct import_source *s)
{
    const struct import_tensor *t;

    REQUIRE(import_source_n(s) == 15);
    require_values(s, "f32", NN_F32, NN_SHAPE(2, 3), VALUES(0, 1, 2, 3, 4, 5));
    require_values(s, "transposed", NN_F32, NN_SHAPE(4, 3),
                   VALUES(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11));
    require_values(s, "sliced", NN_F32, NN_SHAPE(2, 2), VALUES(5, 6, 9, 10));
    require_values(s, "f16", NN_F16, NN_SHAPE(4), VALUES(0, 1, 2, 3));
    require_values(s, "bf16", NN_BF16, NN_SHAPE(4), VALUES(0, 1, 2, 3));
    require_values(s, "f64", NN_F64, NN_SHAPE(4), VALUES(0, 1, 2, 3));
    require_values(s, "i64", NN_I64, NN_SHAPE(4), VALUES(-2, -1, 0, 1));
    require_values(s, "i32", NN_I32, NN_SHAPE(4), VALUES(-2, -1, 0, 1));
    require_values(s, "i16", NN_I16, NN_SHAPE(4), VALUES(-2, -1, 0, 1));
    require_values(s, "i8", NN_I8, NN_SHAPE(4), VALUES(-2, -1, 0, 1));
    require_values(s, "u8", NN_U8, NN_SHAPE(4), VALUES(0, 1, 2, 3));
    require_values(s, "bool", NN_BOOL, NN_SHAPE(4), VALUES(0, 0, 1, 1));
    require_values(s, "scalar", NN_F32, 0, NULL, VALUES(2.5));
    require_values(s, "none", NN_F32, NN_SHAPE(0, 4), NULL);
    require_values(s, "parameter", NN_F32, NN_SHAPE(3), VALUES(0, 0.25, 0.5));
    /* the storage's own bytes, by pieces, of a view with gaps */
    float piece[2];
    t = import_source_find(s, "transposed");
    REQUIRE(!t->is_contiguous && import_source_find(s, "f32")->is_contiguous);
    import_read(t, 4, 2, piece);
    REQUIRE(piece[0] == 5 && piece[1] == 9);
    import_forget(t);
    import_read(t, 11, 1, piece);
    REQUIRE(piece[0] == 11);
    REQUIRE(!import_source_find(s, "f3") && !import_source_find(s, "exp_avg"));
}

static void test_written_by_pytorch(void)
{
    static const char *const names[] = {"zip.pt", "zip4.pt", "zip5.pt", "old.pt"};
    int64_t epoch = 0;

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        CLEANUP(import_source_closep) struct import_source *s = open_data(names[i]);
        require_state(s);
        REQUIRE(strcmp(import_source_section(s), "state_dict") == 0);
        REQUIRE(strcmp(import_source_text(s, "name"), "tiny") == 0);
        REQUIRE(!import_source_text(s, "epoch") && !import_source_text(s, "nothing"));
        REQUIRE(import_source_int(s, "step", &epoch) && epoch == 70000);
        REQUIRE(import_source_int(s, "epoch", &epoch) && epoch == 3);
        REQUIRE(!import_source_int(s, "name", &epoch));
        REQUIRE(!*import_source_strangers(s) && import_source_verify(s, NULL, NULL) == 0);
        REQUIRE(strcmp(import_source_format(s), i == 3 ? "PyTorch before 1.6" : "PyTorch") == 0);
        REQUIRE(strcmp(import_source_folder(s), folder) == 0 && !import_source_config(s));
    }
    CLEANUP(import_source_closep) struct import_source *g = open_data("g_00000001");
    require_state(g);
    REQUIRE(strcmp(import_source_section(g), "generator") == 0);
    CLEANUP(import_source_closep) struct import_source *bare = open_data("bare.bin");
    REQUIRE(import_source_n(bare) == 2 && !*import_source_section(bare));
    REQUIRE(import_is(import_source_find(bare, "weight"), NN_SHAPE(2, 3)));
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void require_refused_path(const char *path, const char *words)
{
    struct import_source *const canary = (struct import_source *) 1, *s = canary;
    struct fail fail = {0};
    int r = import_source_open(path, &s, &fail);

    if (r >= 0 || !strstr(fail.text, words))
        fprintf(stderr, "wanted '%s', got %d '%s'\n", words, r, fail.text);
    REQUIRE(r < 0 && s == canary && fail.kind == (r == -ENOENT ? FAIL_OPEN : FAIL_INPUT));
    REQUIRE(strstr(fail.text, words));
}

static void require_refused(struct bytes *b /* taken */, const char *words)
{
    char path[64];
    int fd = put_file(b, path);

    require_refused_path(path, words);
    close(fd);
    done(b);
}

static void test_other_files(void)
{
    static const struct {
        const char *begin, *words;
    } files[] = {
        {"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"},
        {"<!DOCTYPE html>", "web page"},
        {"\x1f\x8b\x08", "gunzip"},
        {"PK\3\4 is all", "cut off"},
        {"\x89PNG", "neither a checkpoint"},
        {"\x80\2}q\0.", "neither a checkpoint"},
    };
    static const char *const data[][2] = {{"object.pt", "'torch.nn.modules.linear.Linear'"},
                                          {"script.pt", "TorchScript"},
                                          {"", "no model.safetensors"},
                                          {"nothing", "cannot open"}};
    char path[4096], tar[512] = "storages/";

    for (size_t i = 0; i < ELEMENTSOF(files); i++) {
        struct bytes b = {0};
        put_text(&b, files[i].begin);
        require_refused(&b, files[i].words);
    }
    struct bytes b = {0};
    memcpy(tar + 257, "ustar", 5);
    put(&b, tar, sizeof(tar));
    require_refused(&b, "tar file");
    for (size_t i = 0; i < ELEMENTSOF(data); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, data[i][0]);
        require_refused_path(path, data[i][1]);
    }
}

static void test_zip_lies(void)
{
    static const struct {
        struct zip_lie lie;
        const char *words;
    } cases[] = {
        {{.flags = 1}, "encrypted"},
        {{.method = 8}, "'x/data.pkl' in it is compressed"},
        {{.size_add = 1}, "two sizes"},
        {{.size_add = 1, .is_64 = true}, "overlap"},
        {{.size_add = 0x7fffffff}, "behind the data"},
        {{.size_add = 0x7fffffff, .is_64 = true}, "behind the data"},
        {{.place_of_next = 1}, "contradicts the directory"},
        {{.local_name = "x/data.pkx"}, "contradicts the directory"},
        {{.n_add = 1}, "too short for"},
        {{.n_add = 1, .is_64 = true}, "ends too early"},
        {{.n_add = 0xfff0, .is_64 = true}, "too short for"},
    };
    const struct zip_part parts[] = {{"x/data.pkl", "\x80\2}.", 4}, {"x/version", "3\n", 2}};
    const struct zip_part twice[] = {{"x/data.pkl", "\x80\2}.", 4}, {"x/data.pkl", "\x80\2}.", 4}};
    const struct zip_part big[] = {{"x/data.pkl", "\x80\2}.", 4}, {"x/byteorder", "big", 3}};
    const struct zip_part other[] = {{"readme.txt", "hello", 5}};

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct bytes z = make_zip(parts, 2, cases[i].lie);
        require_refused(&z, cases[i].words);
    }
    struct bytes z = make_zip(twice, 2, (struct zip_lie){0});
    require_refused(&z, "there twice");
    z = make_zip(big, 2, (struct zip_lie){0});
    require_refused(&z, "big-endian");
    z = make_zip(other, 1, (struct zip_lie){0});
    require_refused(&z, "not one of PyTorch's");
    for (unsigned is_64 = 0; is_64 < 2; is_64++) { /* both forms are right as they are */
        z = make_zip(parts, 2, (struct zip_lie){.is_64 = is_64});
        require_refused(&z, "no dictionary of weights");
    }
}

/* ---- pickles -----------------------------------------------------------------------------------
 */

#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n"
#define STORAGE(type, key, n)                                                                      \
    "(X\7\0\0\0storagectorch\n" type "\nX\1\0\0\0" key "X\3\0\0\0cpuK" n "tQ"
#define HOOKS                                                                                      \
    "\x89"                                                                                         \
    "ccollections\nOrderedDict\n)R"
/* {"w": tensor of storage "0" (n values), offset, shape [s], stride [t]} */
#define TENSOR(type, n, offset, s, t)                                                              \
    "\x80\2}X\1\0\0\0w" REBUILD "(" STORAGE(type, "0", n) "K" offset "K" s "\x85K" t "\x85" HOOKS  \
                                                          "tRs."

static struct bytes of_pickle(const char *program, size_t n, size_t n_data)
{
    struct bytes p = {0};

    put(&p, program, n);
    struct bytes z = make_checkpoint(&p, n_data);
    done(&p);
    return z;
}
#define CHECKPOINT(program, n_data) of_pickle(program, sizeof(program) - 1, n_data)
#define REFUSED(words, n_data, program)                                                            \
    do {                                                                                           \
        struct bytes z_ = CHECKPOINT(program, n_data);                                             \
        require_refused(&z_, words);                                                               \
    } while (0)

static void test_tensors(void)
{
    CLEANUP(import_source_closep) struct import_source *s = NULL;
    struct bytes z = CHECKPOINT(TENSOR("FloatStorage", "\4", "\1", "\3", "\1"), 16);
    char path[64];
    int fd = put_file(&z, path);

    REQUIRE(import_source_open(path, &s, NULL) == 0 && import_source_n(s) == 1);
    REQUIRE(import_is(import_source_find(s, "w"), NN_SHAPE(3)));
    close(fd);
    done(&z);
    REFUSED("should hold 4 values", 15, TENSOR("FloatStorage", "\4", "\0", "\4", "\1"));
    REFUSED("should hold 4 values", 17, TENSOR("FloatStorage", "\4", "\0", "\4", "\1"));
    REFUSED("beyond its storage", 16, TENSOR("FloatStorage", "\4", "\0", "\5", "\1"));
    REFUSED("beyond its storage", 16, TENSOR("FloatStorage", "\4", "\1", "\4", "\1"));
    REFUSED("beyond its storage", 16, TENSOR("FloatStorage", "\4", "\0", "\3", "\2"));
    REFUSED("beyond its storage", 16, TENSOR("FloatStorage", "\4", "\0", "\x64", "\0"));
    REFUSED("'torch.ComplexFloatStorage'", 16,
            TENSOR("ComplexFloatStorage", "\4", "\0", "\1", "\1"));
    REFUSED("impossible shape", 16,
            "\x80\2}X\1\0\0\0w" REBUILD
            "(" STORAGE("FloatStorage", "0", "\4") "K\0"
                                                   "K\4\x85K\1K\1\x86" HOOKS "tRs.");
    REFUSED("impossible shape", 16, /* -1 */
            "\x80\2}X\1\0\0\0w" REBUILD
            "(" STORAGE("FloatStorage", "0", "\4") "K\0"
                                                   "J\xff\xff\xff\xff\x85K\1\x85" HOOKS "tRs.");
    REFUSED("beyond its storage", 16, /* 2^62 x 2^62 x 2^62 */
            "\x80\2}X\1\0\0\0w" REBUILD
            "(" STORAGE("FloatStorage", "0",
                        "\4") "K\0"
                              "\x8a\x08\0\0\0\0\0\0\0\x40q\1h\1h\1\x87h\1h\1h\1\x87" HOOKS "tRs.");
    REFUSED("storage '1' is missing", 16,
            "\x80\2}X\1\0\0\0w" REBUILD
            "(" STORAGE("FloatStorage", "1", "\4") "K\0"
                                                   "K\4\x85K\1\x85" HOOKS "tRs.");
    REFUSED("two sizes", 16,
            "\x80\2(" STORAGE("FloatStorage", "0", "\4") STORAGE("HalfStorage", "0", "\4") "t.");
    REFUSED("lies nowhere", 16, "\x80\2}X\1\0\0\0w" REBUILD "(K\1K\0K\4\x85K\1\x85" HOOKS "tRs.");
    REFUSED("too few values", 16, "\x80\2}X\1\0\0\0w" REBUILD ")Rs.");
    REFUSED("there twice", 16, /* the same name twice, which Python never writes */
            "\x80\2}(X\1\0\0\0w" REBUILD
            "(" STORAGE("FloatStorage", "0", "\4") "K\0"
                                                   "K\4\x85K\1\x85" HOOKS "tRq\1X\1\0\0\0wh\1u.");
}

static void test_damaged_pickles(void)
{
    REFUSED("cut off", 0, "\x80\2}");
    REFUSED("cut off", 0, "");
    REFUSED("protocol 0", 0, "\x80\0}.");
    REFUSED("protocol 6", 0, "\x80\6}.");
    REFUSED("damaged at byte 2", 0, "\x80\2.");
    REFUSED("damaged", 0, "\x80\2}}.");
    REFUSED("damaged", 0, "\x80\2(.");
    REFUSED("damaged", 0, "\x80\2(0t.");
    REFUSED("damaged at byte 3", 0, "\x80\2}h\5.");
    REFUSED("damaged", 0, "\x80\2h\0.");
    REFUSED("damaged", 0, "\x80\2q\0.");
    REFUSED("damaged", 0, "\x80\2\x85.");
    REFUSED("damaged", 0, "\x80\2K\1(\x85.");
    REFUSED("damaged", 0, "\x80\2}K\1u.");
    REFUSED("damaged", 0, "\x80\2}(K\1u.");
    REFUSED("damaged", 0, "\x80\2K\1K\2a.");
    REFUSED("damaged", 0, "\x80\2R.");
    REFUSED("damaged", 0, "\x80\2K\1\x93.");
    REFUSED("damaged", 0, "\x80\2cos.");
    REFUSED("damaged", 0, "\x80\2X\xff\xff\xff\xffw.");
    REFUSED("damaged", 0, "\x80\2\x8d\xff\xff\xff\xff\xff\xff\xff\xffw.");
    REFUSED("damaged", 0, "\x80\2\x8b\xff\xff\xff\xff.");
    REFUSED("damaged", 0, "\x80\2I1\n."); /* orders of protocol 0 and others that are not known */
    REFUSED("damaged", 0, "\x80\2\x82\1.");
    REFUSED("damaged", 0, "\x80\2(ios\nsystem\n.");
    REFUSED("more than is given", 0, "\x80\2}r\xff\xff\xff\xff.");
    REFUSED("no dictionary of weights", 0, "\x80\2}(X\1\0\0\0aK\1X\1\0\0\0bK\2u.");
    REFUSED("has: a, b", 0, "\x80\2}(X\1\0\0\0aK\1X\1\0\0\0bK\2u.");
    /* values inside themselves: a list, a dictionary, a tuple's list */
    REFUSED("no dictionary", 0, "\x80\2]q\0h\0a.");
    REFUSED("no dictionary", 0, "\x80\2}q\0X\1\0\0\0ah\0s.");
    REFUSED("no dictionary", 0,
            "\x80\2]q\0h\0\x85"
            "a.");
}

/* A million values on the stack, as many marks, and lists in lists. */
static void test_bombs(void)
{
    static const char *const again[] = {"N", "(", "]", "2", "\x85", "]\x94", "N(t1"};

    for (size_t i = 0; i < ELEMENTSOF(again); i++) {
        struct bytes p = {0};
        put_text(&p, "\x80\2N");
        for (size_t n = 0; n < 3000000; n++)
            put_text(&p, again[i]);
        put_text(&p, ".");
        struct bytes z = make_checkpoint(&p, 0);
        done(&p);
        require_refused(&z, "'");
    }
}

/* Calls of all forms: nothing is called, the names are told, and the tensors beside them are read.
 */
static void test_nothing_is_called(void)
{
    static const char *const calls[] = {
        "cos\nsystem\n(X%c%c%c%c%s"
        "tR",
        "cposix\nsystem\n(X%c%c%c%c%s"
        "t\x81",
        "\x8c\2os\x8c\6system\x93(X%c%c%c%c%s"
        "tR",
        "cbuiltins\neval\n(X%c%c%c%c%s"
        "tR",
        "csubprocess\nPopen\n(X%c%c%c%c%s"
        "t}\x92",
        "ctorch.hub\nload\n(X%c%c%c%c%s"
        "tR",
    };
    static const char *const names[] = {"os.system",     "posix.system",     "os.system",
                                        "builtins.eval", "subprocess.Popen", "torch.hub.load"};
    char touched[64], order[128];
    struct stat st;

    snprintf(touched, sizeof(touched), "/tmp/brailled-import-%d", (int) getpid());
    snprintf(order, sizeof(order), "touch %s", touched);
    for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
        static const char tensor[] =
            "X\1\0\0\0w" REBUILD "(" STORAGE("FloatStorage", "0", "\4") "K\0K\4\x85K\1\x85" HOOKS
                                                                        "tRsX\4\0\0\0evil";
        char call[256];
        struct bytes p = {0};
        CLEANUP(import_source_closep) struct import_source *s = NULL;
        struct fail fail = {0};
        char path[64];

        /* the text's length has zeros in it: written apart */
        const char *at = strstr(calls[i], "%c%c%c%c%s");
        put_text(&p, "\x80\4}X\5\0\0\0"), p.n = 3;
        put(&p, tensor, sizeof(tensor) - 1);
        memcpy(call, calls[i], (size_t) (at - calls[i]));
        put(&p, call, (size_t) (at - calls[i]));
        put_number(&p, strlen(order), 4), put_text(&p, order), put_text(&p, at + 10);
        put_text(&p, "}bs."); /* with a state for it */
        struct bytes z = make_checkpoint(&p, 16);
        int fd = put_file(&z, path);
        if (import_source_open(path, &s, &fail) == 0)
            REQUIRE(false && "a value of the state that is not known must be refused");
        REQUIRE(fail.kind == FAIL_INPUT && strstr(fail.text, names[i]));
        close(fd);
        done(&z);
        done(&p);
    }
    REQUIRE(stat(touched, &st) < 0 && errno == ENOENT);
}

/* Beside the state it is only named. */
static void test_strangers(void)
{
    CLEANUP(import_source_closep) struct import_source *s = NULL;
    struct bytes z =
        CHECKPOINT("\x80\2}(X\5\0\0\0model}X\1\0\0\0w" REBUILD
                   "(" STORAGE("FloatStorage", "0",
                               "\4") "K\0K\4\x85K\1\x85" HOOKS
                                     "tRsX\4\0\0\0argscargparse\nNamespace\n)\x81}X\1\0\0\0aK\1sb"
                                     "X\4\0\0\0evilcos\nsystem\nX\1\0\0\0x\x85Ru.",
                   16);
    char path[64];
    int fd = put_file(&z, path);

    REQUIRE(import_source_open(path, &s, NULL) == 0 && import_source_n(s) == 1);
    REQUIRE(strcmp(import_source_section(s), "model") == 0);
    const char *const *names = import_source_strangers(s);
    REQUIRE(strcmp(names[0], "argparse.Namespace") == 0 && strcmp(names[1], "os.system") == 0);
    REQUIRE(!names[2]);
    close(fd);
    done(&z);
}

static void test_checksum(void)
{
    CLEANUP(import_source_closep) struct import_source *s = NULL;
    struct bytes b = {0};
    struct fail fail = {0};
    uint8_t block[8192];
    char path[4096];
    volatile int cancel = 1;

    snprintf(path, sizeof(path), "%s/zip.pt", folder);
    FILE *f = fopen(path, "re");
    REQUIRE(f);
    const size_t n = fread(block, 1, sizeof(block), f);
    fclose(f);
    put(&b, block, n);
    const float five = 5; /* the last value of the tensor "f32", as the file has it */
    uint8_t *at = memmem(b.data, b.n, &five, 4);
    REQUIRE(at);
    at[3] ^= 1;
    int fd = put_file(&b, path);
    REQUIRE(import_source_open(path, &s, NULL) == 0);
    REQUIRE(import_source_verify(s, &cancel, NULL) == -ECANCELED);
    REQUIRE(import_source_verify(s, NULL, &fail) == -EBADMSG && strstr(fail.text, "checksum"));
    close(fd);
    done(&b);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2);
    folder = argv[1];
    test_written_by_pytorch();
    test_other_files();
    test_zip_lies();
    test_tensors();
    test_damaged_pickles();
    test_bombs();
    test_nothing_is_called();
    test_strangers();
    test_checksum();
    return 0;
}
