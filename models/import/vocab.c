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

void import_vocab(struct import_plan *p, const struct import_options *options, size_t n)
{
    CLEANUP_FREE char *beside = NULL;
    CLEANUP_FREE uint8_t *text = NULL;
    const char *path = options->vocab;
    size_t size;

    if (p->r < 0)
        return;
    if (!path) {
        if (asprintf(&beside, "%s/vocab.txt", import_source_folder(p->source)) < 0) {
            p->r = -ENOMEM;
            return;
        }
        path = beside;
        if (access(path, F_OK) < 0) {
            import_refuse(p,
                          "its vocabulary is missing: vocab.txt of bert-base-chinese (%d lines; "
                          "it comes with cn_clip and with every Hugging Face folder of the "
                          "model); put it beside the checkpoint or name it with --vocab FILE",
                          CHINESE_PIECES);
            return;
        }
    }
    if ((p->r = file_read(path, VOCAB_BYTES_MAX, &text, &size, p->fail)) < 0)
        return;
    json_t *list = read_lines((char *) text, size);
    if (!list)
        import_refuse(p, "the vocabulary '%s' is not UTF-8; name another with --vocab FILE", path);
    else
        check(p, list, n, path);
    import_config(p, "vocab", list ? list : json_null());
}
