/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors as strangers hand them in: looked at before they are used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

/** Loop: may a picture be read from it? A file, memfd, pipe or socket open for reading: 0, else
 * FAIL_INPUT, -EBADF. Pipes and sockets are made non-blocking. */
int input_check_picture(int fd, struct fail *fail);
/** Loop: may sound be streamed into it? The write end of a pipe or a stream socket; it is made
 * non-blocking. Else FAIL_USAGE, -EBADF. */
int input_check_sound(int fd, struct fail *fail);

/** Must it be waited for? A pipe or a socket. */
bool input_is_slow(int fd);
/** Worker: all bytes of a picture; a file from its beginning, whatever its offset. A pipe that
 * has not given all of it within 30 seconds is FAIL_INPUT, -ETIMEDOUT. *ret_data owned. */
int input_read(int fd, const volatile int *cancel, uint8_t **ret_data, size_t *ret_size,
               struct fail *fail);
