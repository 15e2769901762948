/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

/**
 * Read a whole file, pipe or memfd from its current offset.
 *
 * @param fd        borrowed
 * @param name      for messages
 * @param max_size  more bytes than this is FAIL_INPUT, -EFBIG
 * @param ret_data  owned by the caller, free(); one zero byte follows the data
 * @return 0; -EFBIG, -ENOMEM, or the read error (FAIL_IO). Outputs untouched on failure.
 */
int file_read_fd(int fd, const char *name, size_t max_size, uint8_t **ret_data, size_t *ret_size,
                 struct fail *fail);

/** Open `path` ("-" is standard input) and read it whole. FAIL_OPEN when it cannot be opened. */
int file_read(const char *path, size_t max_size, uint8_t **ret_data, size_t *ret_size,
              struct fail *fail);

/** A file that appears under its name only when it is complete: temporary name, fsync, rename. A
 * link is followed and stays. What is there and no file (a device, a pipe) is written directly. */
struct file_out {
    int fd;     ///< write here; read-write and seekable unless written directly; -1 when none
    char *path; ///< the final name, links resolved, owned
    char *tmp;  ///< the temporary name in the same folder, owned; NULL: written directly
};
#define FILE_OUT_INIT                                                                              \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/** Create the temporary file beside `path`. FAIL_CREATE says which folder is missing or closed, or
 * that `path` is a folder. */
int file_out_open(struct file_out *f, const char *path, struct fail *fail);

/** Write all bytes; a full disk is FAIL_IO, -ENOSPC. */
int file_out_write(struct file_out *f, const void *data, size_t size, struct fail *fail);

/** Bring what was written to the disk, without a name yet: of several outputs that belong together,
 * sync all before the first is committed. */
int file_out_sync(struct file_out *f, struct fail *fail);

/** fsync, rename, fsync of the folder. On failure the temporary file is gone. */
int file_out_commit(struct file_out *f, struct fail *fail);

/** Bring the name `path` itself to the disk: fsync of its folder. */
void file_sync_folder(const char *path);

/** Remove the temporary file unless committed. Safe to call on an unopened or committed one. */
void file_out_done(struct file_out *f);
