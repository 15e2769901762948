/* SPDX-License-Identifier: Apache-2.0
 *
 * What XML and HTML share.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Any bytes as text or as an attribute's value: < > & " ' as entities; what is no UTF-8 or no
 * character of XML 1.0 becomes U+FFFD, and so do tabs and line ends of names. */
void markup_text(FILE *f, const char *text);
/** RFC 4648, without line ends. */
void markup_base64(FILE *f, const uint8_t *data, size_t size);
