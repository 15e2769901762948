/* SPDX-License-Identifier: Apache-2.0 */

#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/evp.h>

static EVP_MD_CTX *context_free(EVP_MD_CTX *ctx)
{
    EVP_MD_CTX_free(ctx);
    return NULL;
}
DEFINE_CLEANUP(EVP_MD_CTX *, context_free);

static int start(EVP_MD_CTX **ret)
{
    CLEANUP(context_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
        return -ENOMEM;
    *ret = TAKE_PTR(ctx);
    return 0;
}

static int finish(EVP_MD_CTX *ctx, char ret[HASH_TEXT])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (EVP_DigestFinal_ex(ctx, digest, &n) != 1 || n != 32)
        return -ENOMEM;
    for (unsigned i = 0; i < 32; i++)
        snprintf(ret + 2 * i, 3, "%02x", digest[i]);
    return 0;
}

int hash_sha256(const void *data, size_t size, char ret[HASH_TEXT])
{
    CLEANUP(context_freep) EVP_MD_CTX *ctx = NULL;

    int r = start(&ctx);
    if (r < 0)
        return r;
    if (EVP_DigestUpdate(ctx, data, size) != 1)
        return -ENOMEM;
    return finish(ctx, ret);
}

int hash_sha256_file(const char *path, char ret[HASH_TEXT], struct fail *fail)
{
    CLEANUP(context_freep) EVP_MD_CTX *ctx = NULL;
    uint8_t part[65536];
    ssize_t n;

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", path);
    int r = start(&ctx);
    while (r == 0 && (n = read(fd, part, sizeof(part))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = fail_set(fail, FAIL_IO, -errno, "cannot read '%s': %m", path);
        else if (EVP_DigestUpdate(ctx, part, (size_t) n) != 1)
            r = -ENOMEM;
    }
    close(fd);
    return r < 0 ? r : finish(ctx, ret);
}
