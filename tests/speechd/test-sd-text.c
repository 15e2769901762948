/* SPDX-License-Identifier: Apache-2.0
 *
 * What sd_brailled makes of what a screen reader sends: the SSML that the voice gets.
 */

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "../unit/test.h"
#include "lang/utterance.h"
#include "tools/sd/hush.h"
#include "tools/sd/names.h"
#include "tools/sd/text.h"

static const struct sd_settings plain = SD_SETTINGS_INIT;
static const struct sd_settings some = {.punctuation = SD_SOME};
static const struct sd_settings most = {.punctuation = SD_MOST};
static const struct sd_settings all = {.punctuation = SD_ALL};
static const struct sd_settings spelled = {.spelling = true};
static const struct sd_settings capitals = {.capitals = SD_CAPITALS_SPELL};
static const struct sd_settings icons = {.capitals = SD_CAPITALS_ICON};

static const struct {
    enum sd_kind kind;
    const struct sd_settings *s;
    const char *in, *out;
} cases[] = {
    /* marks */
    {SD_TEXT, &plain, "<speak>你好，世界！</speak>", "<speak>你好，世界！</speak>"},
    {SD_TEXT, &plain, "你<好", "<speak>你&lt;好</speak>"},
    {SD_TEXT, &some, "<speak>你好，a@b</speak>", "<speak>你好，a艾特b</speak>"},
    {SD_TEXT, &some, "<speak>《书》_1</speak>", "<speak>《书》下划线1</speak>"},
    {SD_TEXT, &most, "<speak>《书》，好</speak>", "<speak>左书名号书右书名号，好</speak>"},
    {SD_TEXT, &all, "<speak>你好，世界。</speak>", "<speak>你好逗号，世界句号。</speak>"},
    {SD_TEXT, &all, "<speak>a, b.</speak>", "<speak>a逗号, b点.</speak>"},
    {SD_TEXT, &most, "<speak>是——他……</speak>", "<speak>是破折号他……</speak>"},
    {SD_TEXT, &all, "<speak>好……</speak>", "<speak>好省略号…</speak>"},
    {SD_TEXT, &most, "<speak>3.5 12:30 50% -5 $3</speak>", "<speak>3.5 12:30 50% -5 $3</speak>"},
    {SD_TEXT, &most, "<speak>5 % a-b</speak>", "<speak>5 百分号 a横线b</speak>"},
    {SD_TEXT, &all, "<speak>3.5 1:2</speak>", "<speak>3.5 1冒号2</speak>"},
    {SD_TEXT, &some, "<speak>a &lt; b &amp; c</speak>", "<speak>a 小于号 b 和号 c</speak>"},
    {SD_TEXT, &some, "<speak>a &#60; &#x5e;</speak>", "<speak>a 小于号 脱字符</speak>"},
    {SD_TEXT, &plain, "<speak>a & b &gt; &#xD800;&bad; &#0;</speak>",
     "<speak>a &amp; b &gt;  &amp;bad;  </speak>"},
    /* tags stay where they are */
    {SD_TEXT, &all, "<speak>好。<mark name=\"a.b\"/>吗？</speak>",
     "<speak>好句号。<mark name=\"a.b\"/>吗问号？</speak>"},
    {SD_TEXT, &all, "<?xml version=\"1.0\"?><speak>a<b c='>'/>!</speak>",
     "<?xml version=\"1.0\"?><speak>a<b c='>'/>叹号!</speak>"},
    /* blanks between two Hanzi are heard */
    {SD_TEXT, &plain, "<speak>文件 编辑  a 查看\n好</speak>",
     "<speak>文件， 编辑  a 查看\n好</speak>"},
    /* capital letters */
    {SD_TEXT, &capitals, "<speak>Ab CDe f</speak>", "<speak>大写Ab 大写CDe f</speak>"},
    {SD_TEXT, &icons, "<speak>aB</speak>", "<speak>a<mark name=\"" SD_CAPITAL_MARK "\"/>B</speak>"},
    /* spelling: the reading that the word has */
    {SD_TEXT, &spelled, "<speak>银行</speak>",
     "<speak><phoneme alphabet=\"x-pinyin\" ph=\"yin2\">银</phoneme>，<phoneme "
     "alphabet=\"x-pinyin\" ph=\"hang2\">行</phoneme>，</speak>"},
    {SD_TEXT, &spelled, "<speak> aB1。 x </speak>", "<speak>a，B，一，句号，空格，x，</speak>"},
    /* single characters */
    {SD_CHAR, &plain, "A", "<speak>A，</speak>"},
    {SD_CHAR, &capitals, "A", "<speak>大写A，</speak>"},
    {SD_CHAR, &plain, "，", "<speak>逗号，</speak>"},
    {SD_CHAR, &plain, "行", "<speak>行</speak>"},
    {SD_CHAR, &plain, "7", "<speak>七，</speak>"},
    {SD_CHAR, &plain, "space", "<speak>空格，</speak>"},
    {SD_CHAR, &plain, " ", "<speak>空格，</speak>"},
    {SD_CHAR, &plain, "\t", "<speak>制表符，</speak>"},
    {SD_CHAR, &all, "逗号", "<speak>逗号</speak>"},
    {SD_CHAR, &plain, "", "<speak></speak>"},
    {SD_CHAR, &plain, "<", "<speak>小于号，</speak>"},
    /* keys */
    {SD_KEY, &plain, "ctrl_a", "<speak>控制a，</speak>"},
    {SD_KEY, &plain, "shift_KP_Enter", "<speak>上档小键盘回车</speak>"},
    {SD_KEY, &plain, "control_alt_delete", "<speak>控制交替删除</speak>"},
    {SD_KEY, &plain, "Return", "<speak>回车</speak>"},
    {SD_KEY, &plain, "F12", "<speak>F，一，二，</speak>"},
    {SD_KEY, &plain, "kp-add", "<speak>小键盘加</speak>"},
    {SD_KEY, &plain, "kp-kp-kp-5", "<speak>小键盘小键盘小键盘五，</speak>"},
    {SD_KEY, &plain, "_", "<speak>下划线，</speak>"},
    {SD_KEY, &plain, "ctrl__", "<speak>控制下划线，</speak>"},
    {SD_KEY, &plain, "space", "<speak>空格</speak>"},
    {SD_KEY, &plain, "", "<speak></speak>"},
    /* sound icons without a file */
    {SD_ICON, &plain, "capital", "<speak>大写</speak>"},
    {SD_ICON, &plain, "x<y", "<speak>x&lt;y</speak>"},
};

static void test_cases(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        CLEANUP_FREE char *out = NULL;
        REQUIRE(sd_text_ssml(cases[i].kind, cases[i].in, strlen(cases[i].in), cases[i].s, &out) ==
                0);
        if (strcmp(out, cases[i].out) != 0) {
            fprintf(stderr, "%s\n-> %s\nnot %s\n", cases[i].in, out, cases[i].out);
            abort();
        }
    }
}

static void test_plain(void)
{
    CLEANUP_FREE char *text = NULL;

    REQUIRE(sd_text_plain("<speak>你好<b>吗</speak> 3 &lt; 4 <", &text) == 0);
    REQUIRE(strcmp(text, " 你好 吗  3 < 4 <") == 0);
}

static size_t count_parts(const char *ssml, char *ret_all)
{
    struct sd_parts parts;
    size_t n = 0;

    *ret_all = '\0';
    sd_parts_begin(&parts, ssml, SD_PART_BYTES);
    for (;; n++) {
        CLEANUP_FREE char *part = NULL;
        const int r = sd_parts_next(&parts, &part);
        REQUIRE(r >= 0);
        if (r == 0)
            return n;
        const size_t size = strlen(part);
        REQUIRE(strncmp(part, "<speak>", 7) == 0 && strcmp(part + size - 8, "</speak>") == 0);
        strncat(ret_all, part + 7, size - 15);
    }
}

/* Put together again, the parts are the whole; and they end with sentences, never in a tag. */
static void test_parts(void)
{
    static char in[40000], joined[40000];

    REQUIRE(count_parts("<speak>你好</speak>", joined) == 1 && strcmp(joined, "你好") == 0);
    strcpy(in, "<speak>");
    for (unsigned i = 0; i < 500; i++)
        sprintf(in + strlen(in), "你好，世界&amp;。<mark name=\"%u\"/>再见 a. ", i % 2);
    strcat(in, "</speak>");
    const size_t n = count_parts(in, joined);
    REQUIRE(n == 1 + (strlen(in) - 16) / SD_PART_BYTES ||
            n == 2 + (strlen(in) - 16) / SD_PART_BYTES);
    REQUIRE(strlen(joined) == strlen(in) - 15 && strncmp(joined, in + 7, strlen(joined)) == 0);
    /* without any place to cut */
    strcpy(in, "<speak>");
    for (unsigned i = 0; i < 9000; i++)
        strcat(in, "你");
    strcat(in, "</speak>");
    REQUIRE(count_parts(in, joined) > 4 && strncmp(joined, in + 7, strlen(joined)) == 0);
    CLEANUP(lang_utterance_done) struct lang_utterance u = {0};
    REQUIRE(lang_utterance(joined, LANG_TEXT, false, 32, &u, NULL) == 0);
    /* what holds more than text and marks is one */
    memcpy(in + 7, "<p/>你", 7);
    REQUIRE(count_parts(in, joined) == 1);
}

/* Every name can be said. */
static void test_names(void)
{
    for (uint32_t c = 0; c < 0x10000; c++) {
        CLEANUP(lang_utterance_done) struct lang_utterance u = {0};
        const struct sd_mark *mark = sd_mark_find(c);
        if (!mark)
            continue;
        REQUIRE(lang_utterance(mark->name, LANG_TEXT, false, 32, &u, NULL) == 0);
        REQUIRE(u.n == 1 && !u.unsaid && u.spans[0].pinyin[0]);
    }
    for (uint32_t c = '!'; c <= '~'; c++)
        REQUIRE((sd_mark_find(c) != NULL) ==
                !strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", (int) c));
    REQUIRE(sd_mark_find(0xFF0C) == sd_mark_find(','));
}

/* Anything ends in a document that can be spoken, as SSML or as the text in it. */
static void test_noise(void)
{
    static const char *const parts[] = {
        "<",    ">",    "&",  "<speak>", "</speak>", "\"", "'", "&amp",   "\xE4\xBD",    "你",
        "\xC3", "\xFF", "\0", "_",       ".",        "\n", "A", "<mark ", "name=\"a\"/>"};
    uint32_t seed = 7;
    char in[400];

    for (unsigned round = 0; round < 1000; round++) {
        struct sd_settings s = {
            .punctuation = round % 4, .capitals = round % 3, .spelling = round % 5 == 0};
        size_t n = 0;
        while (n < 200 && (seed = seed * 1664525 + 1013904223) >> 24 != 0) {
            const char *part = parts[(seed >> 8) % ELEMENTSOF(parts)];
            const size_t size = *part ? strlen(part) : 1;
            memcpy(in + n, part, size);
            n += size;
        }
        CLEANUP_FREE char *ssml = NULL, *text = NULL;
        CLEANUP(lang_utterance_done) struct lang_utterance u = {0}, v = {0};
        REQUIRE(sd_text_ssml(round % 4, in, n, &s, &ssml) == 0);
        if (lang_utterance(ssml, LANG_SSML, false, 32, &u, NULL) == 0)
            continue;
        REQUIRE(round % 4 == SD_TEXT || round % 4 == SD_CHAR || round % 4 == SD_ICON);
        REQUIRE(sd_text_plain(ssml, &text) == 0);
        REQUIRE(lang_utterance(text, LANG_TEXT, false, 32, &v, NULL) == 0);
    }
}

static void test_settings(void)
{
    const struct engine_voice voices[] = {{"anna", "zh-CN", "female", ""},
                                          {"bo", "zh-CN", "male", ""}};
    struct sd_config config = SD_CONFIG_INIT;
    struct sd_settings s = SD_SETTINGS_INIT;
    struct engine_say_params p;

    p = sd_settings_params(&s, &config, voices, 2);
    REQUIRE(p.rate == 1 && p.pitch == 1 && p.volume == 1 && strcmp(p.voice, "anna") == 0);
    REQUIRE(sd_settings_set(&s, "rate", "100") == 0 && sd_settings_set(&s, "pitch", "-100") == 0);
    REQUIRE(sd_settings_set(&s, "volume", "0") == 0 && sd_settings_set(&s, "voice", "MALE2") == 0);
    p = sd_settings_params(&s, &config, voices, 2);
    REQUIRE(p.rate == 4 && fabs(p.pitch - sqrt(0.5)) < 1e-9 && p.volume == 0.5);
    REQUIRE(strcmp(p.voice, "bo") == 0);
    REQUIRE(sd_settings_set(&s, "rate", "-100") == 0 &&
            sd_settings_set(&s, "voice", "child_female") == 0);
    p = sd_settings_params(&s, &config, voices, 2);
    REQUIRE(p.rate == 0.5 && strcmp(p.voice, "anna") == 0);
    strcpy(config.voice, "bo");
    config.rate = 3;
    p = sd_settings_params(&s, &config, voices, 2);
    REQUIRE(p.rate == 1.5 && strcmp(p.voice, "bo") == 0);
    REQUIRE(sd_settings_set(&s, "synthesis_voice", "Anna") == 0);
    p = sd_settings_params(&s, &config, voices, 2);
    REQUIRE(strcmp(p.voice, "anna") == 0);
    REQUIRE(sd_settings_set(&s, "synthesis_voice", "NULL") == 0 && !s.voice[0]);
    REQUIRE(sd_settings_set(&s, "rate", "101") < 0 && sd_settings_set(&s, "rate", "fast") < 0);
    REQUIRE(sd_settings_set(&s, "punctuation_mode", "lots") < 0 && s.punctuation == SD_NONE);
    REQUIRE(sd_settings_set(&s, "punctuation_mode", "most") == 0 && s.punctuation == SD_MOST);
    REQUIRE(sd_settings_set(&s, "spelling_mode", "on") == 0 && s.spelling);
    REQUIRE(sd_settings_set(&s, "cap_let_recogn", "icon") == 0 && s.capitals == SD_CAPITALS_ICON);
    REQUIRE(sd_settings_set(&s, "language", "zh-CN") == 0);
}

static int read_config(const char *text, struct sd_config *config, struct fail *fail)
{
    char path[] = "/tmp/brailled-sd-XXXXXX";
    const int fd = mkstemp(path);

    REQUIRE(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t) strlen(text));
    close(fd);
    *config = (struct sd_config) SD_CONFIG_INIT;
    const int r = sd_config_read(config, path, fail);
    unlink(path);
    return r;
}

static void test_config(void)
{
    struct sd_config c;
    struct fail fail = {0};

    REQUIRE(read_config("# a comment\n\n BrailledVoice \"yunjian\" # why\nBrailledRate 1.5\n"
                        "BrailledUseDaemon yes\nDebug 1\nBrailledDevice llvm",
                        &c, &fail) == 0);
    REQUIRE(strcmp(c.voice, "yunjian") == 0 && c.rate == 1.5 && c.daemon && c.warm);
    REQUIRE(strcmp(c.device, "llvm") == 0);
    REQUIRE(read_config("\nBrailledRate 9\n", &c, &fail) < 0);
    REQUIRE(strstr(fail.text, "line 2: write a number from 0.5 to 4"));
    fail = (struct fail){0};
    REQUIRE(read_config("Voice x\n", &c, &fail) < 0 && strstr(fail.text, "BrailledVoice"));
    fail = (struct fail){0};
    REQUIRE(read_config("BrailledWarm maybe\n", &c, &fail) < 0 && strstr(fail.text, "yes or no"));
    REQUIRE(sd_config_read(&c, "/nonexistent/brailled.conf", &fail) == 0);
}

struct heard {
    int16_t samples[40000];
    size_t n;
};

static int hear(void *userdata, const int16_t *samples, size_t n)
{
    struct heard *h = userdata;

    REQUIRE(n > 0 && h->n + n <= ELEMENTSOF(h->samples));
    memcpy(h->samples + h->n, samples, n * sizeof(*samples));
    h->n += n;
    return 0;
}

/* Whatever the pieces are: 0.2 s of silence, sound, 0.3 s of silence, sound, 0.3 s of silence. */
static void test_hush(void)
{
    static int16_t in[16000 + 2 * 160 * 10];
    static struct heard h;
    static struct sd_hush hush;
    const size_t n = 3200 + 1600 + 4800 + 1600 + 4800;

    for (size_t i = 0; i < 1600; i++)
        in[3200 + i] = in[9600 + i] = (int16_t) (1000 + i);
    for (size_t piece = 1; piece < 7000; piece = piece * 3 + 1) {
        h.n = 0;
        hush = (struct sd_hush){0};
        for (size_t i = 0; i < n; i += piece)
            REQUIRE(sd_hush_push(&hush, in + i, MIN(piece, n - i), hear, &h) == 0);
        REQUIRE(sd_hush_end(&hush, hear, &h) == 0);
        size_t first = 0;
        while (first < h.n && h.samples[first] == 0)
            first++;
        REQUIRE(first < SD_HUSH_STEP && h.n - first >= 8000 + SD_HUSH_KEEP);
        REQUIRE(h.n - first < 8000 + SD_HUSH_KEEP + SD_HUSH_STEP);
        REQUIRE(memcmp(h.samples + first, in + 3200, (h.n - first) * sizeof(*in)) == 0);
    }
    /* Silence that was asked for stays, but for what may be left out of it. */
    h.n = 0;
    hush = (struct sd_hush){0};
    memset(in, 0, sizeof(in));
    REQUIRE(sd_hush_push(&hush, in, 16000, hear, &h) == 0);
    REQUIRE(sd_hush_end(&hush, hear, &h) == 0);
    REQUIRE(h.n >= 16000 - SD_HUSH_BEFORE - SD_HUSH_AFTER && h.n < 16000);
}

int main(void)
{
    test_cases();
    test_plain();
    test_parts();
    test_names();
    test_noise();
    test_settings();
    test_config();
    test_hush();
    return 0;
}
