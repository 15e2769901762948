/* SPDX-License-Identifier: Apache-2.0 */

#include "caller.h"

#include "base/macro.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct caller *caller_free(struct caller *c)
{
    if (c) {
        sd_bus_track_unref(c->track);
        free(c->name);
        free(c);
    }
    return NULL;
}
DEFINE_CLEANUP(struct caller *, caller_free);

static uid_t uid_of(sd_bus_message *m)
{
    sd_bus_creds *creds = NULL;
    uid_t uid = UINT32_MAX;

    if (sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds) >= 0)
        sd_bus_creds_get_euid(creds, &uid);
    sd_bus_creds_unref(creds);
    return uid;
}

static int caller_new(sd_bus_message *m, bool by_user, sd_bus_track_handler_t gone, void *userdata,
                      struct caller **ret)
{
    CLEANUP(caller_freep) struct caller *c = calloc(1, sizeof(*c));
    const char *name = sd_bus_message_get_sender(m);

    if (!c || !(c->name = strdup(name ? name : "")))
        return -ENOMEM;
    c->uid = by_user ? uid_of(m) : UINT32_MAX;
    int r = sd_bus_track_new(sd_bus_message_get_bus(m), &c->track, gone, userdata);
    if (r >= 0)
        r = sd_bus_track_add_sender(c->track, m);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(c);
    return 0;
}

static unsigned jobs_of_user(const struct caller *list, uid_t uid)
{
    unsigned n = 0;

    for (const struct caller *c = list; c; c = c->next)
        n += c->uid == uid ? c->n_jobs : 0;
    return n;
}

static int check_places(const struct caller *list, const struct caller *c, struct fail *fail)
{
    if (c->n_jobs >= CALLER_MAX_JOBS)
        return fail_set(fail, FAIL_UNAVAILABLE, -EBUSY,
                        "%u of your pages are waiting already; wait for one of them", c->n_jobs);
    if (c->uid != UINT32_MAX && jobs_of_user(list, c->uid) >= USER_MAX_JOBS)
        return fail_set(fail, FAIL_UNAVAILABLE, -EBUSY,
                        "%d pages of this user are waiting already; wait for one of them",
                        USER_MAX_JOBS);
    return 0;
}

static struct caller *find(struct caller *list, const char *name)
{
    while (list && (!name || strcmp(list->name, name) != 0))
        list = list->next;
    return list;
}

int caller_ref(struct caller **list, sd_bus_message *m, bool by_user, sd_bus_track_handler_t gone,
               void *userdata, struct caller **ret, struct fail *fail)
{
    CLEANUP(caller_freep) struct caller *fresh = NULL;
    struct caller *c = find(*list, sd_bus_message_get_sender(m));

    if (!c) {
        int r = caller_new(m, by_user, gone, userdata, &fresh);
        if (r < 0)
            return fail_set(fail, FAIL_OTHER, r, "cannot follow the caller: %m");
        c = fresh;
    }
    int r = check_places(*list, c, fail);
    if (r < 0)
        return r;
    if (fresh) {
        fresh->next = *list;
        *list = TAKE_PTR(fresh);
    }
    c->n_jobs++;
    *ret = c;
    return 0;
}

void caller_unref(struct caller **list, struct caller *c)
{
    if (!c || --c->n_jobs > 0)
        return;
    for (struct caller **p = list; *p; p = &(*p)->next)
        if (*p == c) {
            *p = c->next;
            break;
        }
    caller_free(c);
}
