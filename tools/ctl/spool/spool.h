/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder whose pages become sound. Each page is moved through these places, all on one file
 * system, so that a crash or a power cut at any moment neither loses a page nor does it twice:
 *
 *     DIR/page.png                      dropped
 *     OUT/.work/page.png/page           taken: nobody else has it any more
 *     OUT/.work/page.png/out-page.opus  its results, complete and on the disk
 *     OUT/done/page.png                 this rename decides that it was done (or failed/: given up)
 *     OUT/page.opus, OUT/page.txt       the results appear under their names, each once
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fail.h"

/* ---- inbox.c: what was dropped, and whether it is all there ---- */

struct inbox_file {
    char name[NAME_MAX + 1];
    struct stat st;
    uint64_t since_usec; ///< unchanged since
    bool ready;          ///< nobody writes to it any more
    bool skip;           ///< cannot be taken; it stays where it is
};
struct inbox {
    const char *path;        ///< borrowed
    int fd;                  ///< the folder
    int notify_fd;           ///< inotify; -1: looked at every now and then instead
    struct stat not ;        ///< a folder in it that is not looked at: that of the results
    struct inbox_file *list; ///< in the order of their names, p2 before p10; owned
    size_t n;
};
#define INBOX_INIT                                                                                 \
    {                                                                                              \
        .fd = -1, .notify_fd = -1                                                                  \
    }

/** FAIL_OPEN when it is missing or no folder. `not_path`: see above, it must exist. */
int inbox_open(struct inbox *b, const char *path, const char *not_path, struct fail *fail);
/** Look again. Hidden files and backups (page.png~) are nobody's pages and are not listed. */
int inbox_scan(struct inbox *b, struct fail *fail);
/** The first page that is ready; NULL: none. */
struct inbox_file *inbox_first(struct inbox *b);
/** Whether a file is there that is not ready yet: someone still writes to it. */
bool inbox_is_filling(const struct inbox *b);
/** A file with the ending of an unfinished download that nobody has touched for long. */
bool inbox_is_abandoned(const struct inbox_file *f);
/** Until something happens in the folder, a signal comes, or so long. */
void inbox_wait(struct inbox *b, int timeout_ms);
void inbox_done(struct inbox *b);

/* ---- item.c: one page on its way ---- */

struct item {
    char name[NAME_MAX + 1]; ///< as it was dropped
    char *folder;            ///< OUT/.work/NAME, owned
    char *page;              ///< the picture there, owned
    const char *out;         ///< borrowed
    unsigned tries;          ///< begun so far, also by processes that did not end well
};
enum { ITEM_TRIES = 3 }; ///< then a page that fails for no known reason is given up

/** Make OUT and its folders; *ret_lock (owned) keeps other processes off: FAIL_OPEN, -EBUSY. */
int item_prepare_folders(const char *out, int *ret_lock, struct fail *fail);
/** Take a page. 0: it is gone; 1: taken; FAIL_USAGE: it lies on another file system. */
int item_take(struct item *i, const struct inbox *b, const char *name, const char *out,
              struct fail *fail);
/** What a process before this one left: 1: a page, in *i; 0: nothing any more. Results that only
 * lacked their names get them. */
int item_resume(struct item *i, const char *out, struct fail *fail);
/** Count a try, on the disk, and begin without results; and take the count back. */
int item_begin(struct item *i, struct fail *fail);
void item_not_begun(struct item *i);
/** Where a result of this ending is to be made: the page's name with it, not yet in use in OUT.
 * *ret owned. All endings of a page get the same name. */
int item_result_path(const struct item *i, bool good, const char *ending, char **ret,
                     struct fail *fail);
/** The page goes to done/ or failed/, its results appear. `ret_name` (NAME_MAX + 1 bytes, may be
 * NULL): their name without an ending. */
int item_publish(struct item *i, bool good, char *ret_name, struct fail *fail);
void item_done(struct item *i);
