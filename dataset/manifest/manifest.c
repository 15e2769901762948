/* SPDX-License-Identifier: Apache-2.0 */

#include "manifest/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "manifest/lines.h"

char *manifest_path(const char *dir, const char *image)
{
    char *path;
    return asprintf(&path, "%s/%s", dir, image) < 0 ? NULL : path;
}

/* ---- reading ---- */

struct manifest_reader {
    char *path; ///< owned
    struct manifest_lines lines;
};

static int open_file(struct manifest_reader *reader, const char *dir, struct fail *fail)
{
    struct stat st;

    if (stat(dir, &st) < 0)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open the data set '%s': %m", dir);
    const bool folder = S_ISDIR(st.st_mode);
    if (!(reader->path = folder ? manifest_path(dir, MANIFEST_NAME) : strdup(dir)))
        return -ENOMEM;
    reader->lines.name = reader->path;
    reader->lines.fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader->lines.fd < 0 && errno == ENOENT)
        return fail_set(fail, FAIL_OPEN, -ENOENT,
                        "'%s' holds no %s: it is no data set, or the run that makes it is not "
                        "finished",
                        dir, MANIFEST_NAME);
    if (reader->lines.fd < 0 || fstat(reader->lines.fd, &st) < 0)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", reader->path);
    if (!S_ISREG(st.st_mode))
        return fail_set(fail, FAIL_OPEN, -EINVAL, "'%s' is no regular file", reader->path);
    return 0;
}

int manifest_open(const char *dir, struct manifest_reader **ret, struct fail *fail)
{
    struct manifest_reader *reader = calloc(1, sizeof(*reader));

    if (!reader)
        return -ENOMEM;
    reader->lines.fd = -1;
    int r = open_file(reader, dir, fail);
    if (r < 0) {
        manifest_close(reader);
        return r;
    }
    *ret = reader;
    return 0;
}

int manifest_next(struct manifest_reader *reader, struct manifest_record *ret, struct fail *fail)
{
    char *line;
    size_t size;
    bool whole;
    json_error_t error;
    struct fail why = {0};

    int r = manifest_lines_next(&reader->lines, &line, &size, &whole, fail);
    if (r <= 0)
        return r;
    json_t *json = manifest_parse_line(line, size, &error);
    if (!json)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s', line %zu is no JSON object: %s",
                        reader->path, reader->lines.number, error.text);
    r = manifest_record_from_json(json, ret, &why);
    json_decref(json);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return fail_set(fail, FAIL_INPUT, r, "'%s', line %zu: %s", reader->path,
                        reader->lines.number, why.text);
    return 1;
}

struct manifest_reader *manifest_close(struct manifest_reader *reader)
{
    if (!reader)
        return NULL;
    if (reader->lines.fd >= 0)
        close(reader->lines.fd);
    manifest_lines_done(&reader->lines);
    free(reader->path);
    free(reader);
    return NULL;
}

/* ---- writing ---- */

struct manifest_writer {
    struct file_out out;
    size_t n;
    char buffer[1 << 16];
};

int manifest_create(const char *dir, const char *name, struct manifest_writer **ret,
                    struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(dir, name);
    struct manifest_writer *writer = calloc(1, sizeof(*writer));

    int r = path && writer ? file_out_open(&writer->out, path, fail) : -ENOMEM;
    if (r < 0) {
        free(writer);
        return r;
    }
    *ret = writer;
    return 0;
}

static int flush(struct manifest_writer *writer, struct fail *fail)
{
    int r = file_out_write(&writer->out, writer->buffer, writer->n, fail);
    writer->n = 0;
    return r;
}

static int write_bytes(struct manifest_writer *writer, const char *data, size_t size,
                       struct fail *fail)
{
    if (size > sizeof(writer->buffer) - writer->n) {
        int r = flush(writer, fail);
        if (r < 0 || size > sizeof(writer->buffer))
            return r < 0 ? r : file_out_write(&writer->out, data, size, fail);
    }
    memcpy(writer->buffer + writer->n, data, size);
    writer->n += size;
    return 0;
}

int manifest_add_json(struct manifest_writer *writer, const json_t *json, struct fail *fail)
{
    CLEANUP_FREE char *text = manifest_dump_line(json);

    if (!text)
        return -ENOMEM;
    const size_t size = strlen(text);
    if (size > MANIFEST_MAX_LINE)
        return fail_set(fail, FAIL_INPUT, -EFBIG,
                        "a record is longer than %zu MiB, the most that is read again",
                        MANIFEST_MAX_LINE >> 20);
    text[size] = '\n';
    return write_bytes(writer, text, size + 1, fail);
}

int manifest_add(struct manifest_writer *writer, const struct manifest_record *record,
                 struct fail *fail)
{
    json_t *json = manifest_record_to_json(record);
    int r = json ? manifest_add_json(writer, json, fail) : -ENOMEM;

    json_decref(json);
    return r;
}

int manifest_commit(struct manifest_writer *writer, struct fail *fail)
{
    int r = flush(writer, fail);
    return r < 0 ? r : file_out_commit(&writer->out, fail);
}

struct manifest_writer *manifest_writer_free(struct manifest_writer *writer)
{
    if (writer)
        file_out_done(&writer->out);
    free(writer);
    return NULL;
}
