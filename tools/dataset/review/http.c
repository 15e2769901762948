/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/review/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/dataset/common.h"

#define TOKEN_BYTES 16
#define N_CONNECTIONS 64
#define IDLE_S 30 ///< a connection that says nothing is closed

struct http {
    struct MHD_Daemon *daemon;
    int socket; ///< until the daemon has it
    char token[2 * TOKEN_BYTES + 1];
    char url[64 + 2 * TOKEN_BYTES];
    http_handler *handler;
    void *ctx;
    bool finished;
};

/* A request while it comes in. */
struct incoming {
    char *body; ///< owned
    size_t size;
    bool too_large;
    bool last; ///< its answer is the last one
};

/* ---- answers ---- */

void http_json(struct http_answer *answer, unsigned status, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    answer->type = "application/json";
    answer->status = text ? status : MHD_HTTP_INTERNAL_SERVER_ERROR;
    answer->data = text;
    answer->size = text ? strlen(text) : 0;
}

void http_error(struct http_answer *answer, unsigned status, const char *code, const char *text)
{
    http_json(answer, status,
              json_pack("{s:{s:s,s:s}}", "error", "code", code, "text", text ? text : ""));
}

static enum MHD_Result add_headers(struct MHD_Response *response, const char *type)
{
    static const char *const headers[][2] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src "
         "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), microphone=(), geolocation=()"},
    };
    enum MHD_Result ok = MHD_YES;

    for (size_t i = 0; i < ELEMENTSOF(headers) && ok; i++)
        ok = MHD_add_response_header(response, headers[i][0], headers[i][1]);
    return ok && type ? MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) : ok;
}

/* The answer's data is taken. MHD_NO ends the connection: no memory. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, struct http_answer *answer,
                                   bool end)
{
    const enum MHD_ResponseMemoryMode mode =
        answer->constant || !answer->data ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->size, answer->data ? answer->data : (void *) "", mode);

    if (!response) {
        if (!answer->constant)
            free(answer->data);
        return MHD_NO;
    }
    enum MHD_Result ok = add_headers(response, answer->type);
    if (ok && answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        ok = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, POST");
    if (ok && (end || answer->last))
        ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (ok)
        ok = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return ok;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *code,
                              const char *text)
{
    struct http_answer answer = {0};

    http_error(&answer, status, code, text);
    return send_answer(connection, &answer, true);
}

/* ---- who asks ---- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* A name that stands for this machine, whatever the port (it may come through a tunnel). A page
 * that rebinds its own name to 127.0.0.1 still sends that name. */
static bool is_local(const char *host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};

    for (size_t i = 0; host && i < ELEMENTSOF(names); i++) {
        const size_t n = strlen(names[i]);
        if (strncasecmp(host, names[i], n) != 0)
            continue;
        const char *port = host + n;
        if (!*port || (*port == ':' && port[1] && !port[1 + strspn(port + 1, "0123456789")]))
            return true;
    }
    return false;
}

/* Every byte is looked at, so that the time says nothing about how many are right. */
static bool same_token(const struct http *http, const char *url)
{
    const size_t n = 2 * TOKEN_BYTES;
    volatile unsigned char differs = 0;

    if (*url != '/' || strnlen(url, n + 2) < n + 2 || url[n + 1] != '/')
        return false;
    for (size_t i = 0; i < n; i++)
        differs |= (unsigned char) (url[i + 1] ^ http->token[i]);
    return differs == 0;
}

/* What another site may not do with our address, should it know it. */
static bool is_own_page(struct MHD_Connection *connection, bool post)
{
    const char *site = header(connection, "Sec-Fetch-Site");
    const char *mode = header(connection, "Sec-Fetch-Mode");
    const char *origin = header(connection, "Origin");
    const char *host = header(connection, MHD_HTTP_HEADER_HOST);

    if (origin && (strncmp(origin, "http://", 7) != 0 || strcasecmp(origin + 7, host) != 0))
        return false;
    if (!site || strcmp(site, "same-origin") == 0)
        return true;
    /* the address typed in, or followed from a mail */
    return !post && (strcmp(site, "none") == 0 || (mode && strcmp(mode, "navigate") == 0));
}

static bool is_json(struct MHD_Connection *connection)
{
    static const char json[] = "application/json";
    const char *type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);

    return type && strncasecmp(type, json, sizeof json - 1) == 0 &&
           strchr("; \t", type[sizeof json - 1]);
}

/* MHD_NO: refused, *ret says how the connection goes on. */
static enum MHD_Result check(const struct http *http, struct MHD_Connection *connection,
                             const char *url, const char *method, enum MHD_Result *ret)
{
    const bool post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *const forbidden = "This address is not complete: take the one that "
                                  "'braille-dataset review' printed.";

    if (!is_local(header(connection, MHD_HTTP_HEADER_HOST)) || !same_token(http, url) ||
        !is_own_page(connection, post))
        *ret = refuse(connection, MHD_HTTP_FORBIDDEN, "forbidden", forbidden);
    else if (!post && strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
             strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        *ret = refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "method", "Only GET and POST.");
    else if (post && !is_json(connection))
        *ret =
            refuse(connection, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "type", "Only application/json.");
    else if (length && (strlen(length) > 9 || strtoul(length, NULL, 10) > HTTP_MAX_BODY))
        *ret = refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, "too-large", "At most 64 KiB.");
    else
        return MHD_YES;
    return MHD_NO;
}

/* ---- requests ---- */

const char *http_query(const struct http_request *request, const char *key)
{
    const char *value = NULL;
    size_t n = 0;

    if (MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, key, strlen(key),
                                      &value, &n) != MHD_YES ||
        !value || memchr(value, 0, n))
        return NULL;
    json_t *valid = json_stringn(value, n); /* NULL when it is not UTF-8 */
    json_decref(valid);
    return valid ? value : NULL;
}

static bool add_body(struct incoming *in, const char *data, size_t size)
{
    if (size > HTTP_MAX_BODY - in->size)
        return false;
    char *more = realloc(in->body, in->size + size + 1);
    if (!more)
        return false;
    memcpy(more + in->size, data, size);
    in->body = more;
    in->size += size;
    return true;
}

static enum MHD_Result handle(struct http *http, struct MHD_Connection *connection, const char *url,
                              bool post, struct incoming *in)
{
    struct http_answer answer = {.status = MHD_HTTP_OK};
    struct http_request request = {.path = url + 2 * TOKEN_BYTES + 2,
                                   .post = post,
                                   .language = header(connection, MHD_HTTP_HEADER_ACCEPT_LANGUAGE),
                                   .connection = connection};
    json_t *body = NULL;

    if (in->too_large)
        return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, "too-large", "At most 64 KiB.");
    if (post) {
        body = json_loadb(in->body ? in->body : "", in->size, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(body)) {
            json_decref(body);
            return refuse(connection, MHD_HTTP_BAD_REQUEST, "json", "This is no JSON object.");
        }
        request.body = body;
    }
    http->handler(http->ctx, &request, &answer);
    json_decref(body);
    in->last = answer.last;
    return send_answer(connection, &answer, false);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    struct http *http = ctx;
    struct incoming *in = *state;
    enum MHD_Result result = MHD_NO;

    if (!in) { /* the head only */
        if (!check(http, connection, url, method, &result))
            return result;
        *state = calloc(1, sizeof(struct incoming));
        return *state ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
        if (!in->too_large && !add_body(in, data, *size))
            in->too_large = true;
        *size = 0;
        return MHD_YES;
    }
    return handle(http, connection, url, strcmp(method, MHD_HTTP_METHOD_POST) == 0, in);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct http *http = ctx;
    struct incoming *in = *state;

    if (!in)
        return;
    if (in->last)
        http->finished = true;
    free(in->body);
    free(in);
    *state = NULL;
}

/* ---- listening ---- */

static int listen_locally(struct http *http, uint16_t port, struct fail *fail)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    const int yes = 1;

    http->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (http->socket < 0)
        return fail_set(fail, FAIL_OTHER, -errno, "cannot make a socket: %m");
    setsockopt(http->socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(http->socket, (struct sockaddr *) &at, sizeof at) < 0 ||
        listen(http->socket, N_CONNECTIONS) < 0 ||
        getsockname(http->socket, (struct sockaddr *) &at, &n) < 0)
        return fail_set(fail, FAIL_UNAVAILABLE, -errno,
                        "cannot listen on 127.0.0.1 port %u (%m); choose another --port, or none",
                        port);
    snprintf(http->url, sizeof http->url, "http://127.0.0.1:%u/%s/", ntohs(at.sin_port),
             http->token);
    return 0;
}

static int draw_token(struct http *http, struct fail *fail)
{
    unsigned char bytes[TOKEN_BYTES];

    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return fail_set(fail, FAIL_OTHER, errno ? -errno : -EIO, "cannot get random bytes: %m");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(http->token + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

int http_open(uint16_t port, http_handler *handler, void *ctx, struct http **ret, struct fail *fail)
{
    CLEANUP(http_closep) struct http *http = calloc(1, sizeof *http);

    if (!http)
        return -ENOMEM;
    http->socket = -1;
    http->handler = handler;
    http->ctx = ctx;
    int r = draw_token(http, fail);
    if (r == 0)
        r = listen_locally(http, port, fail);
    if (r < 0)
        return r;
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, http->socket,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned) N_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) IDLE_S,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (!http->daemon)
        return fail_set(fail, FAIL_OTHER, -EIO, "cannot start the web server");
    http->socket = -1; /* the daemon closes it */
    *ret = TAKE_PTR(http);
    return 0;
}

const char *http_url(const struct http *http)
{
    return http->url;
}

int http_run(struct http *http, struct fail *fail)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    sigset_t ours, before;

    if (!info)
        return fail_set(fail, FAIL_DEFECT, -EIO, "the web server has no epoll");
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &before); /* they come only while we wait */
    int r = 0;
    while (r == 0 && !http->finished) {
        struct pollfd p = {.fd = info->epoll_fd, .events = POLLIN};
        MHD_UNSIGNED_LONG_LONG ms = 0;
        const bool timed = MHD_get_timeout(http->daemon, &ms) == MHD_YES;
        const struct timespec t = {.tv_sec = (time_t) (ms / 1000),
                                   .tv_nsec = (long) (ms % 1000) * 1000000};
        if (ppoll(&p, 1, timed ? &t : NULL, &before) < 0 && errno != EINTR)
            r = fail_set(fail, FAIL_OTHER, -errno, "cannot wait for requests: %m");
        if (r == 0)
            r = dataset_interrupted(fail);
        if (r == 0 && MHD_run(http->daemon) != MHD_YES)
            r = fail_set(fail, FAIL_OTHER, -EIO, "the web server failed");
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return r;
}

struct http *http_close(struct http *http)
{
    if (!http)
        return NULL;
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    if (http->socket >= 0)
        close(http->socket);
    free(http);
    return NULL;
}
