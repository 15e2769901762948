/* SPDX-License-Identifier: Apache-2.0 */

#include "audio/ogg_opus.h"

#include <errno.h>
#include <math.h>
#include <opusenc.h>
#include <stdio.h>
#include <string.h>

/* Speech of 16 kHz, or near it, at what RFC 6716 2.1.1 calls the sweet spot of wideband and a bit
 * above it. */
enum { BIT_RATE = 32000, SERIAL = 1, MAX_TITLE = 1000 };

struct audio_opus {
    OggOpusComments *comments;
    OggOpusEnc *enc;
    audio_bytes_fn bytes;
    void *userdata;
};

static int on_bytes(void *userdata, const unsigned char *data, opus_int32 size)
{
    struct audio_opus *o = userdata;
    return o->bytes(o->userdata, data, (size_t) size) < 0;
}

static int on_close(void *userdata)
{
    return 0;
}

static int error_of(int code)
{
    return code == OPE_OK ? 0 : code == OPE_ALLOC_FAIL ? -ENOMEM : -EIO;
}

/* A comment is one line; the length of a title is nobody's but the book's. */
static int add_comment(struct audio_opus *o, const char *tag, const char *value)
{
    char line[MAX_TITLE];
    size_t n = 0;

    for (const char *s = value; *s && n + 1 < sizeof(line); s++)
        line[n++] = (unsigned char) *s < ' ' ? ' ' : *s;
    while (n > 0 && value[n] && ((unsigned char) value[n] & 0xC0) == 0x80)
        n--; /* cut between two characters */
    line[n] = 0;
    return error_of(ope_comments_add(o->comments, tag, line));
}

/* As ogmtools and after them the field have it: CHAPTER001=00:00:00.000, CHAPTER001NAME=... */
static int add_chapter(struct audio_opus *o, size_t number, const struct audio_chapter *c)
{
    const unsigned long long ms = (unsigned long long) llround(1000 * c->start_s);
    char tag[48], time[48];

    snprintf(tag, sizeof(tag), "CHAPTER%03zu", number);
    snprintf(time, sizeof(time), "%02llu:%02llu:%02llu.%03llu", ms / 3600000, ms / 60000 % 60,
             ms / 1000 % 60, ms % 1000);
    int r = add_comment(o, tag, time);
    snprintf(tag, sizeof(tag), "CHAPTER%03zuNAME", number);
    return r < 0 ? r : add_comment(o, tag, c->title);
}

static int add_tags(struct audio_opus *o, const struct audio_tags *tags)
{
    int r = tags && tags->title ? add_comment(o, "TITLE", tags->title) : 0;

    for (size_t i = 0; tags && r == 0 && i < tags->n_chapters; i++)
        r = add_chapter(o, i + 1, &tags->chapters[i]);
    return r;
}

static int open_encoder(struct audio_opus *o, unsigned rate_hz)
{
    static const OpusEncCallbacks callbacks = {on_bytes, on_close};
    int code = OPE_OK;

    o->enc =
        ope_encoder_create_callbacks(&callbacks, o, o->comments, (opus_int32) rate_hz, 1, 0, &code);
    if (!o->enc)
        return error_of(code);
    code = ope_encoder_ctl(o->enc, OPUS_SET_BITRATE(BIT_RATE));
    if (code == OPE_OK)
        code = ope_encoder_ctl(o->enc, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    if (code == OPE_OK) /* not by chance: the same sound is the same file */
        code = ope_encoder_ctl(o->enc, OPE_SET_SERIALNO(SERIAL));
    if (code == OPE_OK)
        code = ope_encoder_flush_header(o->enc);
    return error_of(code);
}

int audio_opus_new(unsigned rate_hz, const struct audio_tags *tags, audio_bytes_fn bytes,
                   void *userdata, struct audio_opus **ret, struct fail *fail)
{
    /* libopusenc brings other rates than Opus has to 48 kHz */
    if (rate_hz < 8000 || rate_hz > 48000)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "Opus has 8 to 48 kHz, not %u Hz; choose .flac or .wav", rate_hz);
    struct audio_opus *o = calloc(1, sizeof(*o));
    if (!o)
        return -ENOMEM;
    o->bytes = bytes;
    o->userdata = userdata;
    o->comments = ope_comments_create();
    int r = o->comments ? add_tags(o, tags) : -ENOMEM;
    if (r == 0)
        r = open_encoder(o, rate_hz);
    if (r < 0)
        audio_opus_free(o);
    else
        *ret = o;
    return r;
}

int audio_opus_write(struct audio_opus *o, const int16_t *samples, size_t n)
{
    return error_of(ope_encoder_write(o->enc, samples, (int) n));
}

int audio_opus_end(struct audio_opus *o)
{
    return error_of(ope_encoder_drain(o->enc));
}

struct audio_opus *audio_opus_free(struct audio_opus *o)
{
    if (o) {
        if (o->enc)
            ope_encoder_destroy(o->enc);
        if (o->comments)
            ope_comments_destroy(o->comments);
        free(o);
    }
    return NULL;
}
