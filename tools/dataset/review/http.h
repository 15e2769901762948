/* SPDX-License-Identifier: Apache-2.0
 *
 * A small web server for one person on this machine: 127.0.0.1 only, a token in the address, one
 * thread. It checks who asks before anything else is looked at; what is asked for is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/fail.h"

#define HTTP_MAX_BODY ((size_t) 64 << 10)

struct http_request {
    const char *path; ///< after the token: "" is the page itself; borrowed, as all of these
    bool post;
    const json_t *body;   ///< of a POST: an object; else NULL
    const char *language; ///< Accept-Language; NULL: not said
    void *connection;
};
/** A value of the query ("?id=…"), decoded, borrowed; NULL: not there, or not UTF-8. */
const char *http_query(const struct http_request *request, const char *key);

struct http_answer {
    unsigned status;  ///< 200 until set
    const char *type; ///< of the content, static
    void *data;       ///< owned unless `constant`
    size_t size;
    bool constant; ///< `data` lives as long as the program
    bool last;     ///< the server ends when this has been sent
};

struct http;
typedef void http_handler(void *ctx, const struct http_request *request,
                          struct http_answer *answer);

/**
 * Listen.
 *
 * @param port  0: any free one
 * @return 0; FAIL_UNAVAILABLE (the port is taken), FAIL_OTHER, -ENOMEM
 */
int http_open(uint16_t port, http_handler *handler, void *ctx, struct http **ret,
              struct fail *fail);
/** "http://127.0.0.1:PORT/TOKEN/" */
const char *http_url(const struct http *http);
/** Answer until an answer was the last (0) or SIGINT or SIGTERM came (FAIL_INTERRUPTED). */
int http_run(struct http *http, struct fail *fail);
struct http *http_close(struct http *http);
DEFINE_CLEANUP(struct http *, http_close);

/** Answer with JSON (taken; NULL: not enough memory). */
void http_json(struct http_answer *answer, unsigned status, json_t *json);
/** Answer {"error": {"code": …, "text": …}}. */
void http_error(struct http_answer *answer, unsigned status, const char *code, const char *text);
