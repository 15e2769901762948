/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/scan/scan.h"

#include <errno.h>

#include "base/tr.h"

const struct scan_words scan_words[SCAN_N_PROBLEMS] = {
    [SCAN_FINE] = {"none", FAIL_NONE, 0, N_("%s: all is well"), ""},
    [SCAN_NO_LIBRARY] =
        {"no-sane", FAIL_UNAVAILABLE, -ENOSYS,
         N_("%s: SANE is not installed; install the package libsane1 (sane-backends)"),
         "没有安装扫描程序。请安装扫描程序。"},
    [SCAN_NONE_FOUND] =
        {"no-scanner", FAIL_UNAVAILABLE, -ENODEV,
         N_("%s: no scanner was found; switch it on and plug it in, braillectl scan "
            "--list shows what there is"),
         "没有找到扫描仪。请打开扫描仪，接好电源和数据线。"},
    [SCAN_DENIED] = {"permission", FAIL_UNAVAILABLE, -EACCES,
                     N_("%s: this user may not use the scanner; add the user to the group scanner "
                        "(as root: usermod -aG scanner USER) and log in again"),
                     "没有权限使用扫描仪。请管理员把你加入扫描仪用户组，然后重新登录。"},
    [SCAN_BUSY] =
        {"busy", FAIL_UNAVAILABLE, -EBUSY,
         N_("%s: the scanner is in use; close the other program that scans, then try again"),
         "扫描仪正忙。请关闭别的扫描程序，稍后再试。"},
    [SCAN_GONE] = {"gone", FAIL_IO, -EIO,
                   N_("%s: the scanner does not answer; check its power and its cable"),
                   "扫描仪没有回应。请检查电源和数据线。"},
    [SCAN_SILENT] =
        {"silent", FAIL_IO, -ETIMEDOUT,
         N_("%s: the scanner sends nothing any more; switch it off and on, then try again "
            "(--timeout waits longer)"),
         "扫描仪没有回应。请关掉扫描仪再打开，然后再试。"},
    [SCAN_JAMMED] = {"paper-jam", FAIL_IO, -EIO,
                     N_("%s: paper is jammed; open the feeder, take the sheet out, then try again"),
                     "卡纸了。请打开送纸器，取出纸张，再试一次。"},
    [SCAN_COVER_OPEN] = {"cover-open", FAIL_IO, -EIO,
                         N_("%s: a cover is open; close it, then try again"),
                         "扫描仪的盖子开着。请合上盖子，再试一次。"},
    [SCAN_NO_DOCS] = {"no-paper", FAIL_OPEN, -ENOMEDIUM,
                      N_("%s: there is no paper in the feeder; put some in, then try again"),
                      "没有纸。请放入纸张，再试一次。"},
    [SCAN_BLACK_AND_WHITE] =
        {"black-and-white", FAIL_UNAVAILABLE, -ENOTSUP,
         N_("%s: only black and white is on offer here, in which the dots cannot "
            "be seen; choose a grey or colour mode with --mode or at the scanner"),
         "这样只能扫描黑白图像，看不出盲文。请选择灰度或彩色。"},
    [SCAN_TOO_LARGE] =
        {"too-large", FAIL_INPUT, -EFBIG,
         N_("%s: the picture would be larger than 100 million pixels; choose a lower "
            "--resolution or a smaller --area"),
         "图像太大。请降低分辨率。"},
    [SCAN_NO_PICTURE] = {"no-picture", FAIL_IO, -ENODATA,
                         N_("%s: the scanner gave no picture; try again, or switch it off and on"),
                         "扫描仪没有送来图像。请再试一次。"},
    [SCAN_NO_MEMORY] = {"no-memory", FAIL_OTHER, -ENOMEM,
                        N_("%s: not enough memory; choose a lower --resolution"),
                        "内存不够。请降低分辨率。"},
    [SCAN_REFUSED] =
        {"refused", FAIL_UNAVAILABLE, -EINVAL,
         N_("%s: the scanner does not accept these settings; try another --source, --mode "
            "or --area, scanimage --help shows what it has"),
         "扫描仪不接受这样的设置。"},
    [SCAN_CANCELLED] = {"cancelled", FAIL_INTERRUPTED, -ECANCELED,
                        N_("%s: the scan was cancelled at the scanner"), "扫描取消了。"},
    [SCAN_NO_BUTTON] =
        {"no-button", FAIL_UNAVAILABLE, -ENOENT,
         N_("%s: no button of this scanner can be read; a key of the desktop that calls "
            "braillectl scan --speak does the same"),
         "这台扫描仪的按钮不能用。"},
    [SCAN_NO_BRAILLE] = {"no-braille", FAIL_INPUT, -ENODATA,
                         N_("%s: no braille was found on the page"),
                         "没有找到盲文。请把盲文放好，再试一次。"},
    [SCAN_NOT_READ] = {"not-read", FAIL_OTHER, -EIO, N_("%s: the page could not be read"),
                       "这一页不能读。"},
    [SCAN_BACK] = {"back", FAIL_NONE, 0, N_("%s: the scanner is there again"), "扫描仪可以用了。"},
};

enum scan_problem scan_problem_of(SANE_Status status)
{
    switch (status) {
    case SANE_STATUS_GOOD:
        return SCAN_FINE;
    case SANE_STATUS_CANCELLED:
        return SCAN_CANCELLED;
    case SANE_STATUS_DEVICE_BUSY:
        return SCAN_BUSY;
    case SANE_STATUS_EOF:
        return SCAN_NO_PICTURE;
    case SANE_STATUS_JAMMED:
        return SCAN_JAMMED;
    case SANE_STATUS_NO_DOCS:
        return SCAN_NO_DOCS;
    case SANE_STATUS_COVER_OPEN:
        return SCAN_COVER_OPEN;
    case SANE_STATUS_NO_MEM:
        return SCAN_NO_MEMORY;
    case SANE_STATUS_ACCESS_DENIED:
        return SCAN_DENIED;
    case SANE_STATUS_INVAL:
    case SANE_STATUS_UNSUPPORTED:
        return SCAN_REFUSED;
    default: /* an I/O error, or a status that SANE does not have */
        return SCAN_GONE;
    }
}
