/* SPDX-License-Identifier: Apache-2.0 */

#include "manifest/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest/journal.h"
#include "test.h"

static char dir[] = "/tmp/test-manifest-XXXXXX";
static char file[64];

static void write_file(const char *text, size_t size)
{
    FILE *f = fopen(file, "we");
    REQUIRE(f && fwrite(text, 1, size, f) == size && fclose(f) == 0);
}

static size_t read_text(char *out, size_t room)
{
    FILE *f = fopen(file, "re");
    REQUIRE(f);
    const size_t n = fread(out, 1, room - 1, f);
    out[n] = 0;
    fclose(f);
    return n;
}

/* ---- records ---- */

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void fill(struct manifest_record *r)
{
    *r = (struct manifest_record){.dpi = 200, .skew_deg = -0.4, .width = 60, .height = 40};
    REQUIRE(manifest_set(&r->id, "M+1#2") == 0 && manifest_set(&r->image, "images/a b/ü.png") == 0);
    REQUIRE(manifest_set(&r->sha256, SUM) == 0 && manifest_set(&r->type, "spell") == 0);
    REQUIRE(manifest_set(&r->text, "hao4 \"！\"\n\t\\") == 0 && manifest_set(&r->reads, "") == 0);
    REQUIRE(manifest_set(&r->code, "two-cell") == 0 && manifest_set(&r->side, "verso") == 0);
    REQUIRE(manifest_set(&r->source, "dsbi:x") == 0 && manifest_set(&r->parent, "p") == 0);
    REQUIRE(manifest_set(&r->augment, "turn-180+background-#e8d8b0") == 0);
    REQUIRE(manifest_set(&r->split, "val") == 0);
    r->n_cells = 3;
    r->cells = calloc(3, 1);
    r->boxes = calloc(3, sizeof(*r->boxes));
    r->places = calloc(3, sizeof(*r->places));
    REQUIRE(r->cells && r->boxes && r->places);
    r->cells[0] = 0x13;
    r->cells[2] = 0x3f;
    r->boxes[0] = (struct manifest_box){-1.5, 2, 10.1234, 20.0004};
    r->boxes[2] = (struct manifest_box){0.1, 1e5 / 3, 1, 2};
    r->places[2] = (struct manifest_place){4, 31};
}

static void check_same(const struct manifest_record *r)
{
    REQUIRE(!strcmp(r->id, "M+1#2") && !strcmp(r->image, "images/a b/ü.png"));
    REQUIRE(!strcmp(r->sha256, SUM) && !strcmp(r->type, "spell"));
    REQUIRE(!strcmp(r->text, "hao4 \"！\"\n\t\\") && r->reads && !*r->reads);
    REQUIRE(!strcmp(r->code, "two-cell") && !strcmp(r->side, "verso"));
    REQUIRE(!strcmp(r->source, "dsbi:x") && !strcmp(r->parent, "p"));
    REQUIRE(!strcmp(r->augment, "turn-180+background-#e8d8b0") && !strcmp(r->split, "val"));
    REQUIRE(r->dpi == 200 && r->skew_deg == -0.4 && r->width == 60 && r->height == 40);
    REQUIRE(r->n_cells == 3 && r->cells[0] == 0x13 && r->cells[1] == 0 && r->cells[2] == 0x3f);
    REQUIRE(r->boxes[0].x == -1.5 && r->boxes[0].y == 2);
    REQUIRE(r->places[2].row == 4 && r->places[2].column == 31);
}

static char *dump(const struct manifest_record *r)
{
    json_t *json = manifest_record_to_json(r);
    REQUIRE(json);
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(json);
    return text;
}

static void test_record(void)
{
    struct manifest_record r, copy, again;

    fill(&r);
    char *text = dump(&r);
    REQUIRE(!strcmp(text, "{\"id\":\"M+1#2\",\"image\":\"images/a b/ü.png\",\"sha256\":\"" SUM
                          "\",\"type\":\"spell\",\"text\":\"hao4 \\\"！\\\"\\n\\t\\\\\","
                          "\"cells\":[\"125\",\"0\",\"123456\"],"
                          "\"boxes\":[[-1.5,2,10.123,20],[0,0,0,0],[0.1,33333.333,1,2]],"
                          "\"dpi\":200,\"code\":\"two-cell\",\"source\":\"dsbi:x\","
                          "\"parent\":\"p\",\"augment\":\"turn-180+background-#e8d8b0\","
                          "\"split\":\"val\",\"reads\":\"\",\"side\":\"verso\",\"width\":60,"
                          "\"height\":40,\"skew_deg\":-0.4,\"places\":[[0,0],[0,0],[4,31]]}"));
    REQUIRE(manifest_record_copy(&r, &copy) == 0);
    manifest_record_done(&r);
    check_same(&copy);
    json_t *json = json_loads(text, 0, NULL);
    REQUIRE(manifest_record_from_json(json, &again, NULL) == 0);
    check_same(&again);
    char *text2 = dump(&again);
    REQUIRE(!strcmp(text, text2));
    json_decref(json);
    free(text);
    free(text2);
    manifest_record_done(&copy);
    manifest_record_done(&again);
}

/* What is not known is null, and the first thirteen keys are always there. */
static void test_nulls(void)
{
    struct manifest_record r = {.id = strdup("a"), .image = strdup("b")}, again;
    char *text = dump(&r);

    REQUIRE(!strcmp(text, "{\"id\":\"a\",\"image\":\"b\",\"sha256\":null,\"type\":null,"
                          "\"text\":null,\"cells\":null,\"boxes\":null,\"dpi\":null,\"code\":null,"
                          "\"source\":null,\"parent\":null,\"augment\":null,\"split\":null}"));
    json_t *json = json_loads(text, 0, NULL);
    REQUIRE(manifest_record_from_json(json, &again, NULL) == 0);
    REQUIRE(!again.text && !again.cells && !again.boxes && again.n_cells == 0 && again.dpi == 0);
    json_decref(json);
    manifest_record_done(&again);
    /* no cell at all is something else than cells that are not known */
    REQUIRE((r.cells = malloc(1)) != NULL);
    free(text);
    text = dump(&r);
    REQUIRE(strstr(text, "\"cells\":[]"));
    free(text);
    manifest_record_done(&r);
}

static void test_hostile_records(void)
{
    static const char *const bad[] = {
        "{}",
        "{\"id\":\"a\"}",
        "{\"image\":\"a\"}",
        "{\"id\":1,\"image\":\"a\"}",
        "{\"id\":\"\",\"image\":\"a\"}",
        "{\"id\":\".a\",\"image\":\"a\"}",
        "{\"id\":\"a/b\",\"image\":\"a\"}",
        "{\"id\":\"a b\",\"image\":\"a\"}",
        "{\"id\":\"ä\",\"image\":\"a\"}",
        "{\"id\":\"a\",\"image\":\"/etc/passwd\"}",
        "{\"id\":\"a\",\"image\":\"../a\"}",
        "{\"id\":\"a\",\"image\":\"a/../../b\"}",
        "{\"id\":\"a\",\"image\":\"a//b\"}",
        "{\"id\":\"a\",\"image\":\"a/\"}",
        "{\"id\":\"a\",\"image\":\"a/./b\"}",
        "{\"id\":\"a\",\"image\":\"a\\nb\"}",
        "{\"id\":\"a\",\"image\":\"\"}",
        "{\"id\":\"a\",\"image\":\"a\",\"sha256\":\"00\"}",
        "{\"id\":\"a\",\"image\":\"a\",\"type\":\"A b\"}",
        "{\"id\":\"a\",\"image\":\"a\",\"text\":7}",
        "{\"id\":\"a\",\"image\":\"a\",\"code\":\"klingon\"}",
        "{\"id\":\"a\",\"image\":\"a\",\"side\":\"left\"}",
        "{\"id\":\"a\",\"image\":\"a\",\"split\":\"dev\"}",
        "{\"id\":\"a\",\"image\":\"a\",\"parent\":\"../x\"}",
        "{\"id\":\"a\",\"image\":\"a\",\"dpi\":0}",
        "{\"id\":\"a\",\"image\":\"a\",\"dpi\":-1}",
        "{\"id\":\"a\",\"image\":\"a\",\"dpi\":\"200\"}",
        "{\"id\":\"a\",\"image\":\"a\",\"width\":1.5}",
        "{\"id\":\"a\",\"image\":\"a\",\"height\":1e9}",
        "{\"id\":\"a\",\"image\":\"a\",\"skew_deg\":400}",
        "{\"id\":\"a\",\"image\":\"a\",\"cells\":\"125\"}",
        "{\"id\":\"a\",\"image\":\"a\",\"cells\":[125]}",
        "{\"id\":\"a\",\"image\":\"a\",\"cells\":[\"127\"]}",
        "{\"id\":\"a\",\"image\":\"a\",\"boxes\":[[1,2,3,4]]}",
        "{\"id\":\"a\",\"image\":\"a\",\"cells\":[\"1\"],\"boxes\":[]}",
        "{\"id\":\"a\",\"image\":\"a\",\"cells\":[\"1\"],\"boxes\":[[1,2,3]]}",
        "{\"id\":\"a\",\"image\":\"a\",\"cells\":[\"1\"],\"boxes\":[[1,2,-3,4]]}",
        "{\"id\":\"a\",\"image\":\"a\",\"cells\":[\"1\"],\"boxes\":[[1,2,3,1e300]]}",
        "{\"id\":\"a\",\"image\":\"a\",\"cells\":[\"1\"],\"boxes\":[[1,2,3,null]]}",
        "{\"id\":\"a\",\"image\":\"a\",\"cells\":[\"1\"],\"places\":[[1,2.5]]}",
        "{\"id\":\"a\",\"image\":\"a\",\"cells\":[\"1\"],\"places\":[[-1,2]]}",
        "{\"id\":\"a\",\"image\":\"a\",\"cells\":[\"1\"],\"places\":[[1,2],[3,4]]}",
        "[]",
        "7",
    };

    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        struct manifest_record r = {.n_cells = 77};
        struct fail fail = {0};
        json_t *json = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        REQUIRE(json);
        if (manifest_record_from_json(json, &r, &fail) != -EBADMSG)
            printf("taken: %s\n", bad[i]);
        REQUIRE(fail.kind == FAIL_INPUT && fail.text[0] && r.n_cells == 77);
        json_decref(json);
    }
}

/* ---- manifests ---- */

static void test_manifest(void)
{
    struct manifest_writer *w;
    struct manifest_reader *reader;
    struct manifest_record r;
    struct fail fail = {0};
    char id[16];

    REQUIRE(manifest_open(dir, &reader, &fail) == -ENOENT && fail.kind == FAIL_OPEN);
    REQUIRE(manifest_create(dir, MANIFEST_NAME, &w, NULL) == 0);
    for (int i = 0; i < 1000; i++) {
        fill(&r);
        snprintf(id, sizeof(id), "n-%d", i);
        REQUIRE(manifest_set(&r.id, id) == 0 && manifest_add(w, &r, NULL) == 0);
        manifest_record_done(&r);
    }
    REQUIRE(access(file, F_OK) < 0); /* not before it is complete */
    REQUIRE(manifest_commit(w, NULL) == 0);
    manifest_writer_free(w);
    REQUIRE(manifest_open(dir, &reader, NULL) == 0);
    for (int i = 0; i < 1000; i++) {
        REQUIRE(manifest_next(reader, &r, NULL) == 1);
        snprintf(id, sizeof(id), "n-%d", i);
        REQUIRE(!strcmp(r.id, id) && r.n_cells == 3);
        manifest_record_done(&r);
    }
    REQUIRE(manifest_next(reader, &r, NULL) == 0 && manifest_next(reader, &r, NULL) == 0);
    manifest_close(reader);
    /* without a commit the old one stays and nothing else */
    REQUIRE(manifest_create(dir, MANIFEST_NAME, &w, NULL) == 0);
    manifest_writer_free(w);
    REQUIRE(manifest_open(file, &reader, NULL) == 0 && manifest_next(reader, &r, NULL) == 1);
    manifest_record_done(&r);
    manifest_close(reader);
}

static void test_hostile_manifests(void)
{
    static const char good[] = "{\"id\":\"a\",\"image\":\"a\"}\n";
    static const char *const bad[] = {"\n",
                                      "{\"id\":\"a\",\"image\":\"a\"",
                                      "{\"id\":\"a\",\"id\":\"b\",\"image\":\"a\"}\n",
                                      "{\"id\":\"\xff\",\"image\":\"a\"}\n",
                                      "[1]\n",
                                      "{\"id\":\"a\",\"image\":\"a\"} x\n",
                                      "{\"id\":\"a\\u0000b\",\"image\":\"a\"}\n"};
    struct manifest_reader *reader;
    struct manifest_record r;

    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        char text[256];
        struct fail fail = {0};
        snprintf(text, sizeof(text), "%s%s", good, bad[i]);
        write_file(text, strlen(text));
        REQUIRE(manifest_open(dir, &reader, NULL) == 0);
        REQUIRE(manifest_next(reader, &r, &fail) == 1);
        manifest_record_done(&r);
        REQUIRE(manifest_next(reader, &r, &fail) == -EBADMSG && strstr(fail.text, "line 2"));
        manifest_close(reader);
    }
    /* the last line of another's making may have no newline */
    write_file(good, sizeof(good) - 2);
    REQUIRE(manifest_open(dir, &reader, NULL) == 0 && manifest_next(reader, &r, NULL) == 1);
    manifest_record_done(&r);
    manifest_close(reader);
    /* zero bytes, and a line without an end */
    write_file("{\"id\":\"a\",\0\"image\":\"a\"}\n", 24);
    REQUIRE(manifest_open(dir, &reader, NULL) == 0);
    REQUIRE(manifest_next(reader, &r, NULL) == -EBADMSG);
    manifest_close(reader);
    REQUIRE(truncate(file, (off_t) MANIFEST_MAX_LINE + (2 << 20)) == 0);
    struct fail fail = {0};
    REQUIRE(manifest_open(dir, &reader, NULL) == 0);
    write_file("", 0);
    REQUIRE(truncate(file, (off_t) MANIFEST_MAX_LINE + (2 << 20)) == 0);
    REQUIRE(manifest_next(reader, &r, &fail) == -EFBIG && fail.kind == FAIL_INPUT);
    manifest_close(reader);
    unlink(file);
    REQUIRE(mkdir(file, 0700) == 0);
    REQUIRE(manifest_open(dir, &reader, &fail) < 0);
    rmdir(file);
}

static void test_numbers(void)
{
    static const struct {
        double value;
        const char *text;
    } all[] = {{1, "1"},       {-0.0, "0"},        {-0.0004, "0"},
               {0.1, "0.1"},   {1.0 / 3, "0.333"}, {1234567.8915, "1234567.892"},
               {-2.5, "-2.5"}, {0.0005, "0.001"},  {99999.9999, "100000"}};
    for (size_t i = 0; i < ELEMENTSOF(all); i++) {
        json_t *json = manifest_number(all[i].value);
        char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        REQUIRE(!strcmp(text, all[i].text));
        free(text);
        json_decref(json);
    }
}

/* ---- journals ---- */

static int count(void *ctx, const json_t *line, struct fail *fail)
{
    int *n = ctx;
    REQUIRE(json_integer_value(json_object_get(line, "n")) == *n);
    ++*n;
    return 0;
}

static int stop(void *ctx, const json_t *line, struct fail *fail)
{
    return -ECANCELED;
}

static void add(struct journal *j, int n)
{
    json_t *line = json_pack("{s:i}", "n", n);
    REQUIRE(journal_add(j, line, NULL) == 0);
    json_decref(line);
}

static void test_journal(void)
{
    json_t *head = json_pack("{s:s, s:f}", "command", "x", "share", 0.1);
    json_t *other = json_pack("{s:s, s:f}", "command", "x", "share", 0.2);
    struct journal *j, *second;
    struct fail fail = {0};
    int n = 0;

    REQUIRE(journal_open(file, head, false, count, &n, &j, NULL) == 0 && n == 0);
    add(j, 0);
    add(j, 1);
    REQUIRE(journal_sync(j, NULL) == 0);
    add(j, 2);
    /* one at a time */
    REQUIRE(journal_open(file, head, false, NULL, NULL, &second, &fail) == -EBUSY);
    REQUIRE(fail.kind == FAIL_OPEN);
    REQUIRE(journal_replay(j, count, &n, NULL) == 0 && n == 2);
    j = journal_close(j, false); /* the third was not synced */
    n = 0;
    REQUIRE(journal_open(file, head, false, count, &n, &j, NULL) == 0 && n == 2);
    add(j, 2);
    REQUIRE(journal_sync(j, NULL) == 0);
    n = 0;
    REQUIRE(journal_replay(j, count, &n, NULL) == 0 && n == 3);
    journal_close(j, false);
    REQUIRE(journal_open(file, head, false, stop, NULL, &j, NULL) == -ECANCELED);
    fail = (struct fail){0};
    REQUIRE(journal_open(file, other, false, NULL, NULL, &j, &fail) == -EEXIST);
    REQUIRE(fail.kind == FAIL_USAGE);
    n = 0; /* untouched by the refusal */
    REQUIRE(journal_open(file, head, false, count, &n, &j, NULL) == 0 && n == 3);
    journal_close(j, false);
    n = 0;
    REQUIRE(journal_open(file, other, true, count, &n, &j, NULL) == 0 && n == 0);
    journal_close(j, true);
    REQUIRE(access(file, F_OK) < 0);
    json_decref(head);
    json_decref(other);
}

/* Cut at every byte: the lines that are whole stay, and it goes on from there. */
static void test_torn(void)
{
    static const char whole[] = "{\"h\":1}\n{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n";
    json_t *head = json_pack("{s:i}", "h", 1);
    char text[256];

    for (size_t cut = 0; cut < sizeof(whole); cut++) {
        struct journal *j;
        int n = 0, want = 0;
        for (size_t i = 8; i < cut; i++)
            want += whole[i] == '\n';
        write_file(whole, cut);
        REQUIRE(journal_open(file, head, false, count, &n, &j, NULL) == 0 && n == want);
        for (; n < 3; n++)
            add(j, n);
        REQUIRE(journal_sync(j, NULL) == 0);
        journal_close(j, false);
        REQUIRE(read_text(text, sizeof(text)) == strlen(whole) && !strcmp(text, whole));
    }
    json_decref(head);
}

static void test_hostile_journals(void)
{
    static const char middle[] = "{\"h\":1}\n{\"n\":0}\nnoise\n{\"n\":1}\n";
    static const char end[] = "{\"h\":1}\n{\"n\":0}\n\0\0\0\0\n";
    json_t *head = json_pack("{s:i}", "h", 1);
    struct journal *j;
    struct fail fail = {0};
    char text[256];
    int n = 0;

    write_file(middle, sizeof(middle) - 1);
    REQUIRE(journal_open(file, head, false, NULL, NULL, &j, &fail) == -EBADMSG);
    REQUIRE(fail.kind == FAIL_INPUT && strstr(fail.text, "line 3"));
    REQUIRE(read_text(text, sizeof(text)) == sizeof(middle) - 1); /* nothing was cut off */
    /* what a power cut leaves: room for a line whose bytes never came */
    write_file(end, sizeof(end) - 1);
    REQUIRE(journal_open(file, head, false, count, &n, &j, NULL) == 0 && n == 1);
    journal_close(j, false);
    REQUIRE(read_text(text, sizeof(text)) == 16);
    /* a file that is no journal stays as it is, also when it is one torn line */
    write_file("precious", 8);
    REQUIRE(journal_open(file, head, false, NULL, NULL, &j, NULL) == -EEXIST);
    REQUIRE(read_text(text, sizeof(text)) == 8 && !strcmp(text, "precious"));
    unlink(file);
    REQUIRE(journal_open("/nonexistent/x", head, false, NULL, NULL, &j, &(struct fail){0}) ==
            -ENOENT);
    REQUIRE(journal_open("/dev/null", head, false, NULL, NULL, &j, &(struct fail){0}) == -EINVAL);
    json_decref(head);
}

int main(void)
{
    REQUIRE(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/%s", dir, MANIFEST_NAME);
    test_record();
    test_nulls();
    test_hostile_records();
    test_manifest();
    test_hostile_manifests();
    test_numbers();
    unlink(file);
    test_journal();
    test_torn();
    test_hostile_journals();
    unlink(file);
    REQUIRE(rmdir(dir) == 0); /* no temporary file is left */
    return 0;
}
