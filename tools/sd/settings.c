/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/sd/settings.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PITCH_OCTAVES 0.5 /* up and down; what a voice can do without breaking */

/* ---- SET ---- */

static int set_number(int *to, const char *value)
{
    char *end;
    const long v = strtol(value, &end, 10);

    if (end == value || *end || v < -100 || v > 100)
        return -EINVAL;
    *to = (int) v;
    return 0;
}

static int set_choice(unsigned *to, const char *value, const char *const *choices)
{
    for (unsigned i = 0; choices[i]; i++)
        if (strcasecmp(value, choices[i]) == 0) {
            *to = i;
            return 0;
        }
    return -EINVAL;
}

/* The server writes NULL for what nobody chose. */
static int set_text(char *to, size_t size, const char *value)
{
    if (strcmp(value, "NULL") == 0)
        value = "";
    if (strlen(value) >= size)
        return -EINVAL;
    strcpy(to, value);
    return 0;
}

int sd_settings_set(struct sd_settings *s, const char *name, const char *value)
{
    static const char *const modes[] = {"none", "some", "most", "all", NULL};
    static const char *const capitals[] = {"none", "spell", "icon", NULL};
    static const char *const switches[] = {"off", "on", NULL};
    unsigned choice = 0;
    int r = 0;

    if (strcmp(name, "rate") == 0)
        return set_number(&s->rate, value);
    if (strcmp(name, "pitch") == 0)
        return set_number(&s->pitch, value);
    if (strcmp(name, "volume") == 0)
        return set_number(&s->volume, value);
    if (strcmp(name, "voice") == 0)
        return set_text(s->type, sizeof(s->type), value);
    if (strcmp(name, "synthesis_voice") == 0)
        return set_text(s->voice, sizeof(s->voice), value);
    if (strcmp(name, "punctuation_mode") == 0) {
        r = set_choice(&choice, value, modes);
        s->punctuation = r == 0 ? (enum sd_punctuation) choice : s->punctuation;
    } else if (strcmp(name, "cap_let_recogn") == 0) {
        r = set_choice(&choice, value, capitals);
        s->capitals = r == 0 ? (enum sd_capitals) choice : s->capitals;
    } else if (strcmp(name, "spelling_mode") == 0) {
        r = set_choice(&choice, value, switches);
        s->spelling = r == 0 ? choice == 1 : s->spelling;
    }
    return r;
}

/* ---- the configuration file ---- */

enum type { TEXT, SWITCH, FACTOR };
struct option {
    const char *name;
    enum type type;
    void *to;
    size_t size;     /* TEXT */
    double min, max; /* FACTOR */
};

static int set_option(const struct option *o, const char *value, char *why, size_t size)
{
    char *end;

    if (o->type == TEXT) {
        if (strlen(value) >= o->size)
            return snprintf(why, size, "the value is too long"), -EINVAL;
        strcpy(o->to, value);
    } else if (o->type == SWITCH) {
        if (strcasecmp(value, "yes") != 0 && strcasecmp(value, "no") != 0)
            return snprintf(why, size, "write yes or no"), -EINVAL;
        *(bool *) o->to = strcasecmp(value, "yes") == 0;
    } else {
        const double v = strtod(value, &end);
        if (end == value || *end || !(v >= o->min && v <= o->max))
            return snprintf(why, size, "write a number from %g to %g", o->min, o->max), -EINVAL;
        *(double *) o->to = v;
    }
    return 0;
}

/* `line` -> name and value, both inside it. Neither: an empty line. */
static void split(char *line, char **name, char **value)
{
    *name = line + strspn(line, " \t");
    *value = *name + strcspn(*name, " \t\r\n");
    if (**name == '#' || *value == *name) {
        **name = '\0';
        return;
    }
    if (**value)
        *(*value)++ = '\0';
    *value += strspn(*value, " \t");
    if (**value == '"') {
        (*value)++;
        (*value)[strcspn(*value, "\"\r\n")] = '\0';
    } else {
        (*value)[strcspn(*value, " \t\r\n#")] = '\0';
    }
}

static int read_line(struct sd_config *c, char *line, char *why, size_t size)
{
    const struct option options[] = {
        {"BrailledVoice", TEXT, c->voice, sizeof(c->voice)},
        {"BrailledDevice", TEXT, c->device, sizeof(c->device)},
        {"BrailledModels", TEXT, c->models, sizeof(c->models)},
        {"BrailledSoundIcons", TEXT, c->icons, sizeof(c->icons)},
        {"BrailledUseDaemon", SWITCH, &c->daemon},
        {"BrailledWarm", SWITCH, &c->warm},
        {"BrailledRate", FACTOR, &c->rate, 0, 0.5, 4},
        {"BrailledPitch", FACTOR, &c->pitch, 0, 0.5, 2},
        {"BrailledVolume", FACTOR, &c->volume, 0, 0, 4},
    };
    char *name, *value;
    size_t used = 0;

    split(line, &name, &value);
    if (!*name || strcmp(name, "Debug") == 0) /* speech-dispatcher's own, in any module's file */
        return 0;
    for (size_t i = 0; i < ELEMENTSOF(options); i++)
        if (strcasecmp(name, options[i].name) == 0)
            return set_option(&options[i], value, why, size);
    used = (size_t) snprintf(why, size, "there is no option '%.40s'; there are:", name);
    for (size_t i = 0; i < ELEMENTSOF(options) && used < size; i++)
        used += (size_t) snprintf(why + used, size - used, " %s", options[i].name);
    return -EINVAL;
}

int sd_config_read(struct sd_config *config, const char *path, struct fail *fail)
{
    char why[400], *line = NULL;
    size_t room = 0;
    unsigned n = 0;
    int r = 0;

    FILE *f = fopen(path, "re");
    if (!f && errno == ENOENT)
        return 0;
    if (!f)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", path);
    while (r == 0 && getline(&line, &room, f) >= 0) {
        n++;
        if (read_line(config, line, why, sizeof(why)) < 0)
            r = fail_set(fail, FAIL_INPUT, -EINVAL, "'%s', line %u: %s", path, n, why);
    }
    free(line);
    fclose(f);
    return r;
}

/* ---- both -> the voice ---- */

static double within(double v, double low, double high)
{
    return fmin(fmax(v, low), high);
}

/* The voice that was named, that the file names, that is of the kind that was asked for, the
 * first. */
static const char *choose(const struct sd_settings *s, const struct sd_config *config,
                          const struct engine_voice *voices, size_t n)
{
    const char *const names[] = {s->voice, config->voice};

    for (size_t k = 0; k < ELEMENTSOF(names); k++)
        for (size_t i = 0; i < n; i++)
            if (strcasecmp(voices[i].name, names[k]) == 0)
                return voices[i].name;
    const bool female = strcasestr(s->type, "female") != NULL;
    const char *gender = female ? "female" : strcasestr(s->type, "male") ? "male" : "";
    for (size_t i = 0; i < n; i++)
        if (strcmp(voices[i].gender, gender) == 0)
            return voices[i].name;
    return n > 0 ? voices[0].name : NULL;
}

struct engine_say_params sd_settings_params(const struct sd_settings *s,
                                            const struct sd_config *config,
                                            const struct engine_voice *voices, size_t n)
{
    const double rate = pow(s->rate < 0 ? 2 : 4, s->rate / 100.0);
    const double pitch = pow(2, PITCH_OCTAVES * s->pitch / 100.0);
    const double volume = (s->volume + 100) / 200.0;

    return (struct engine_say_params){
        .rate = within(rate * config->rate, PIPELINE_RATE_MIN, PIPELINE_RATE_MAX),
        .pitch = within(pitch * config->pitch, PIPELINE_PITCH_MIN, PIPELINE_PITCH_MAX),
        .volume = within(volume * config->volume, 0, PIPELINE_VOLUME_MAX),
        .input = LANG_SSML,
        .voice = choose(s, config, voices, n),
    };
}
