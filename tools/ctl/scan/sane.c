/* SPDX-License-Identifier: Apache-2.0
 *
 * libsane by dlopen: a reading station without a scanner needs no SANE, and the licence of a
 * driver (most are GPL) never meets ours in one linked program.
 */

#include "tools/ctl/scan/scan.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define LIBRARY "libsane.so.1"

static struct sane_api api;
static bool loaded, begun;

static int load(struct fail *fail)
{
    static const struct {
        const char *name;
        void **to;
    } calls[] = {
#define X(name) {"sane_" #name, (void **) &api.name},
        SANE_CALLS(X)
#undef X
    };
    const char *why = NULL;

    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        why = dlerror();
    for (size_t i = 0; library && !why && i < ELEMENTSOF(calls); i++)
        if (!(*calls[i].to = dlsym(library, calls[i].name)))
            why = dlerror();
    if (why) {
        if (library)
            dlclose(library);
        return fail_set(fail, FAIL_UNAVAILABLE, -ENOSYS,
                        "scanning needs SANE, which cannot be used here (%s); install the package "
                        "libsane1 (sane-backends)",
                        why);
    }
    loaded = true;
    return 0;
}

static int begin(struct fail *fail)
{
    SANE_Int version = 0;
    SANE_Status status = api.init(&version, NULL);

    if (status != SANE_STATUS_GOOD)
        return fail_set(fail, FAIL_UNAVAILABLE, -ENOSYS,
                        "SANE does not begin (status %d); does scanimage -L work?", (int) status);
    begun = true;
    if (SANE_VERSION_MAJOR(version) == SANE_CURRENT_MAJOR)
        return 0;
    sane_api_close();
    return fail_set(fail, FAIL_UNAVAILABLE, -ENOSYS, "this SANE has version %d, not %d",
                    SANE_VERSION_MAJOR(version), SANE_CURRENT_MAJOR);
}

const struct sane_api *sane_api_open(struct fail *fail)
{
    int r = loaded ? 0 : load(fail);

    if (r == 0 && !begun)
        r = begin(fail);
    return r < 0 ? NULL : &api;
}

int sane_api_restart(struct fail *fail)
{
    sane_api_close();
    return sane_api_open(fail) ? 0 : -ENOSYS;
}

void sane_api_close(void)
{
    if (begun)
        api.exit();
    begun = false;
}
