/* SPDX-License-Identifier: Apache-2.0 */

#include "import/vocab.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define VOCAB_BYTES_MAX ((size_t) 16 << 20)
#define CHINESE_PIECES 21128 /* of bert-base-chinese and all RoBERTa-wwm that came of it */

/* The lines of `text`, which is changed; NULL: one is no UTF-8, or no memory. */
static json_t *read_lines(char *text, size_t size)
{
    json_t *list = json_array();
    char *end;

    for (char *line = text; line < text + size; line = end + 1) {
        end = memchr(line, '\n', (size_t) (text + size - line));
        if (!end)
            end = text + size;
        size_t n = (size_t) (end - line);
        if (n > 0 && line[n - 1] == '\r')
            n--;
        if (json_array_append_new(list, json_stringn(line, n)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool is_at(const json_t *list, size_t i, const char *piece)
{
    const char *is = json_string_value(json_array_get(list, i));

    return is && strcmp(is, piece) == 0;
}

static bool has(const json_t *list, const char *piece)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (is_at(list, i, piece))
            return true;
    return false;
}

static void check(struct import_plan *p, const json_t *list, size_t n, const char *path)
{
    static const struct {
        const char *piece;
        size_t at;
    } chinese[] = {{"[PAD]", 0}, {"[UNK]", 100}, {"[CLS]", 101}, {"[SEP]", 102}, {"[MASK]", 103}};

    if (json_array_size(list) != n) {
        import_refuse(p,
                      "the vocabulary '%s' has %zu lines, the model %zu pieces; name the right "
                      "one with --vocab FILE",
                      path, json_array_size(list), n);
        return;
    }
    for (size_t i = 0; i < ELEMENTSOF(chinese); i++) {
        if (n == CHINESE_PIECES && !is_at(list, chinese[i].at, chinese[i].piece))
            import_refuse(p,
                          "the vocabulary '%s' does not have %s on line %zu, as those of Chinese "
                          "BERT do; name the right one with --vocab FILE",
                          path, chinese[i].piece, chinese[i].at + 1);
        if (!has(list, chinese[i].piece))
            import_refuse(p, "the vocabulary '%s' has no %s; name the right one with --vocab FILE",
                          path, chinese[i].piece);
    }
    if (!is_at(list, 0, "[PAD]"))
        import_refuse(p,
                      "the vocabulary '%s' does not begin with [PAD]; name the right one with "
                      "--vocab FILE",
                      path);
}

/* {"model": {"vocab": {PIECE: NUMBER}}} of tokenizer.json, which newer folders have alone; NULL: it
 * is none, or its numbers are not 0 .. n - 1. */
static json_t *read_tokenizer(const uint8_t *text, size_t size)
{
    CLEANUP(json_decrefp)
    json_t *root = json_loadb((const char *) text, size, JSON_REJECT_DUPLICATES, NULL);
    json_t *pieces, *number, *list = json_array();
    const char *piece;
    size_t n = 0;

    pieces = json_object_get(json_object_get(root, "model"), "vocab");
    for (size_t i = 0; i < json_object_size(pieces); i++)
        json_array_append_new(list, json_null());
    json_object_foreach(pieces, piece, number)
    {
        const json_int_t at = json_is_integer(number) ? json_integer_value(number) : -1;
        if (at < 0 || !json_is_null(json_array_get(list, (size_t) MAX(at, (json_int_t) 0))))
            break;
        n += json_array_set_new(list, (size_t) at, json_string(piece)) == 0;
    }
    if (n > 0 && n == json_object_size(pieces))
        return list;
    json_decref(list);
    return NULL;
}

/* What lies beside the checkpoint, or was named; its path, owned by the caller, NULL: none. */
static char *find_vocab(const struct import_plan *p, const struct import_options *options)
{
    static const char *const names[] = {"vocab.txt", "tokenizer.json"};
    char *path = NULL;

    if (options->vocab)
        return strdup(options->vocab);
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        if (asprintf(&path, "%s/%s", import_source_folder(p->source), names[i]) < 0)
            return NULL;
        if (access(path, F_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static bool ends_with(const char *path, const char *end)
{
    const size_t n = strlen(path), m = strlen(end);

    return n >= m && strcmp(path + n - m, end) == 0;
}

void import_vocab(struct import_plan *p, const struct import_options *options, size_t n)
{
    CLEANUP_FREE char *path = NULL;
    CLEANUP_FREE uint8_t *text = NULL;
    size_t size;
    json_t *list;

    if (p->r < 0)
        return;
    if (!(path = find_vocab(p, options))) {
        import_refuse(p,
                      "its vocabulary is missing: vocab.txt of bert-base-chinese (%d lines; it "
                      "comes with cn_clip and with every Hugging Face folder of the model); put "
                      "it beside the checkpoint or name it with --vocab FILE",
                      CHINESE_PIECES);
        return;
    }
    if ((p->r = file_read(path, VOCAB_BYTES_MAX, &text, &size, p->fail)) < 0)
        return;
    const bool is_json = ends_with(path, ".json");
    list = is_json ? read_tokenizer(text, size) : read_lines((char *) text, size);
    if (!list && is_json)
        import_refuse(p, "'%s' holds no vocabulary; name vocab.txt with --vocab FILE", path);
    else if (!list)
        import_refuse(p, "the vocabulary '%s' is not UTF-8; name another with --vocab FILE", path);
    else
        check(p, list, n, path);
    import_config(p, "vocab", list ? list : json_null());
}
