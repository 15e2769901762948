/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/sd/names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macro.h"

/* Sorted by code point. Levels: what is no punctuation of a sentence is named first (some), then
 * what stands in pairs or between words (most), then the marks that are heard as pauses (all). */
static const struct sd_mark marks[] = {
    {'\t', SD_ALL, "制表符"},
    {'\n', SD_ALL, "换行"},
    {' ', SD_ALL, "空格"},
    {'!', SD_ALL, "叹号"},
    {'"', SD_MOST, "双引号"},
    {'#', SD_SOME, "井号"},
    {'$', SD_SOME, "美元符号"},
    {'%', SD_SOME, "百分号"},
    {'&', SD_SOME, "和号"},
    {'\'', SD_MOST, "单引号"},
    {'(', SD_MOST, "左括号"},
    {')', SD_MOST, "右括号"},
    {'*', SD_SOME, "星号"},
    {'+', SD_SOME, "加号"},
    {',', SD_ALL, "逗号"},
    {'-', SD_MOST, "横线"},
    {'.', SD_ALL, "点"},
    {'/', SD_SOME, "斜线"},
    {':', SD_MOST, "冒号"},
    {';', SD_MOST, "分号"},
    {'<', SD_SOME, "小于号"},
    {'=', SD_SOME, "等号"},
    {'>', SD_SOME, "大于号"},
    {'?', SD_ALL, "问号"},
    {'@', SD_SOME, "艾特"},
    {'[', SD_MOST, "左方括号"},
    {'\\', SD_SOME, "反斜线"},
    {']', SD_MOST, "右方括号"},
    {'^', SD_SOME, "脱字符"},
    {'_', SD_SOME, "下划线"},
    {'`', SD_SOME, "反引号"},
    {'{', SD_SOME, "左花括号"},
    {'|', SD_SOME, "竖线"},
    {'}', SD_SOME, "右花括号"},
    {'~', SD_SOME, "波浪号"},
    {0xA0, SD_ALL, "不换行空格"},
    {0xA2, SD_SOME, "美分符号"},
    {0xA3, SD_SOME, "英镑符号"},
    {0xA5, SD_SOME, "人民币符号"},
    {0xA7, SD_SOME, "章节号"},
    {0xA9, SD_SOME, "版权符号"},
    {0xAB, SD_MOST, "左双尖括号"},
    {0xAC, SD_SOME, "非号"},
    {0xAE, SD_SOME, "注册商标"},
    {0xB0, SD_SOME, "度"},
    {0xB1, SD_SOME, "正负号"},
    {0xB2, SD_SOME, "上标二"},
    {0xB3, SD_SOME, "上标三"},
    {0xB6, SD_SOME, "段落号"},
    {0xB7, SD_ALL, "间隔号"},
    {0xB9, SD_SOME, "上标一"},
    {0xBB, SD_MOST, "右双尖括号"},
    {0xD7, SD_SOME, "乘号"},
    {0xF7, SD_SOME, "除号"},
    {0x2010, SD_MOST, "连字符"},
    {0x2013, SD_MOST, "连接号"},
    {0x2014, SD_MOST, "破折号"},
    {0x2015, SD_MOST, "横线"},
    {0x2016, SD_SOME, "双竖线"},
    {0x2018, SD_MOST, "左单引号"},
    {0x2019, SD_MOST, "右单引号"},
    {0x201C, SD_MOST, "左双引号"},
    {0x201D, SD_MOST, "右双引号"},
    {0x2020, SD_SOME, "剑号"},
    {0x2022, SD_SOME, "项目符号"},
    {0x2026, SD_ALL, "省略号"},
    {0x2030, SD_SOME, "千分号"},
    {0x203B, SD_SOME, "参考号"},
    {0x20AC, SD_SOME, "欧元符号"},
    {0x2103, SD_SOME, "摄氏度"},
    {0x2116, SD_SOME, "编号"},
    {0x2122, SD_SOME, "商标符号"},
    {0x2190, SD_SOME, "左箭头"},
    {0x2191, SD_SOME, "上箭头"},
    {0x2192, SD_SOME, "右箭头"},
    {0x2193, SD_SOME, "下箭头"},
    {0x21D2, SD_SOME, "推出"},
    {0x2212, SD_SOME, "减号"},
    {0x221A, SD_SOME, "根号"},
    {0x221E, SD_SOME, "无穷大"},
    {0x2220, SD_SOME, "角"},
    {0x2234, SD_SOME, "所以"},
    {0x2235, SD_SOME, "因为"},
    {0x2248, SD_SOME, "约等号"},
    {0x2260, SD_SOME, "不等号"},
    {0x2264, SD_SOME, "小于等于号"},
    {0x2265, SD_SOME, "大于等于号"},
    {0x25A0, SD_SOME, "实心方块"},
    {0x25A1, SD_SOME, "空心方块"},
    {0x25B2, SD_SOME, "实心三角"},
    {0x25B3, SD_SOME, "空心三角"},
    {0x25BA, SD_SOME, "右三角"},
    {0x25BC, SD_SOME, "下三角"},
    {0x25C6, SD_SOME, "实心菱形"},
    {0x25C7, SD_SOME, "空心菱形"},
    {0x25CB, SD_SOME, "空心圆"},
    {0x25CF, SD_SOME, "实心圆"},
    {0x2605, SD_SOME, "实心五角星"},
    {0x2606, SD_SOME, "空心五角星"},
    {0x2640, SD_SOME, "女性符号"},
    {0x2642, SD_SOME, "男性符号"},
    {0x2713, SD_SOME, "对勾"},
    {0x2714, SD_SOME, "对勾"},
    {0x2717, SD_SOME, "叉号"},
    {0x2718, SD_SOME, "叉号"},
    {0x3000, SD_ALL, "全角空格"},
    {0x3001, SD_ALL, "顿号"},
    {0x3002, SD_ALL, "句号"},
    {0x3003, SD_SOME, "同上符号"},
    {0x3008, SD_MOST, "左单书名号"},
    {0x3009, SD_MOST, "右单书名号"},
    {0x300A, SD_MOST, "左书名号"},
    {0x300B, SD_MOST, "右书名号"},
    {0x300C, SD_MOST, "左直角引号"},
    {0x300D, SD_MOST, "右直角引号"},
    {0x300E, SD_MOST, "左双直角引号"},
    {0x300F, SD_MOST, "右双直角引号"},
    {0x3010, SD_MOST, "左方头括号"},
    {0x3011, SD_MOST, "右方头括号"},
    {0x3014, SD_MOST, "左六角括号"},
    {0x3015, SD_MOST, "右六角括号"},
    {0x3016, SD_MOST, "左空方头括号"},
    {0x3017, SD_MOST, "右空方头括号"},
};

static int compare(const void *key, const void *entry)
{
    const uint32_t a = *(const uint32_t *) key, b = ((const struct sd_mark *) entry)->c;

    return a < b ? -1 : a > b;
}

const struct sd_mark *sd_mark_find(uint32_t c)
{
    if (c == 0xFFE5)
        c = 0xA5;
    else if (c >= 0xFF01 && c <= 0xFF5E)
        c -= 0xFF01 - '!';
    return bsearch(&c, marks, ELEMENTSOF(marks), sizeof(*marks), compare);
}

struct pair {
    const char *name, *words;
};

/* SSIP's names of keys and those of X, which Orca and yasr send. */
static const struct pair keys[] = {
    {"alt", "交替"},
    {"altgr", "右交替"},
    {"apps", "菜单键"},
    {"backspace", "退格"},
    {"backtab", "反向制表"},
    {"begin", "起始"},
    {"break", "中断"},
    {"caps", "大写锁定"},
    {"caps-lock", "大写锁定"},
    {"capslock", "大写锁定"},
    {"control", "控制"},
    {"ctrl", "控制"},
    {"delete", "删除"},
    {"double-quote", "双引号"},
    {"down", "下"},
    {"end", "行尾"},
    {"enter", "回车"},
    {"esc", "退出"},
    {"escape", "退出"},
    {"home", "行首"},
    {"hyper", "超级"},
    {"insert", "插入"},
    {"kp", "小键盘"},
    {"left", "左"},
    {"menu", "菜单键"},
    {"meta", "元"},
    {"next", "下翻页"},
    {"num-lock", "数字锁定"},
    {"numlock", "数字锁定"},
    {"page-down", "下翻页"},
    {"page-up", "上翻页"},
    {"pagedown", "下翻页"},
    {"pageup", "上翻页"},
    {"pause", "暂停"},
    {"print", "打印屏幕"},
    {"prior", "上翻页"},
    {"return", "回车"},
    {"right", "右"},
    {"scroll-lock", "滚动锁定"},
    {"scrolllock", "滚动锁定"},
    {"shift", "上档"},
    {"space", "空格"},
    {"super", "徽标"},
    {"tab", "制表"},
    {"underscore", "下划线"},
    {"up", "上"},
    {"windows", "徽标"},
    {"window", "徽标"},
    /* of the number pad, behind kp and in X's spelling */
    {"add", "加"},
    {"subtract", "减"},
    {"multiply", "乘"},
    {"divide", "除"},
    {"decimal", "点"},
    {"separator", "分隔"},
    {"equal", "等于"},
    /* X's names of marks */
    {"ampersand", "和号"},
    {"apostrophe", "单引号"},
    {"asciicircum", "脱字符"},
    {"asciitilde", "波浪号"},
    {"asterisk", "星号"},
    {"at", "艾特"},
    {"backslash", "反斜线"},
    {"bar", "竖线"},
    {"braceleft", "左花括号"},
    {"braceright", "右花括号"},
    {"bracketleft", "左方括号"},
    {"bracketright", "右方括号"},
    {"colon", "冒号"},
    {"comma", "逗号"},
    {"dollar", "美元符号"},
    {"exclam", "叹号"},
    {"grave", "反引号"},
    {"greater", "大于号"},
    {"less", "小于号"},
    {"minus", "减号"},
    {"numbersign", "井号"},
    {"parenleft", "左括号"},
    {"parenright", "右括号"},
    {"percent", "百分号"},
    {"period", "点"},
    {"plus", "加号"},
    {"question", "问号"},
    {"quotedbl", "双引号"},
    {"semicolon", "分号"},
    {"slash", "斜线"},
};

/* The names of SSIP. */
static const struct pair icons[] = {
    {"capital", "大写"},     {"end", "结束"},      {"finish", "完成"},
    {"message", "消息"},     {"new-line", "新行"}, {"beginning-of-line", "行首"},
    {"end-of-line", "行尾"}, {"empty-text", "空"}, {"prompt", "提示"},
    {"start", "开始"},       {"warning", "警告"},  {"error", "错误"},
};

static const char *find(const struct pair *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(list[i].name, name) == 0)
            return list[i].words;
    return NULL;
}

const char *sd_key_find(const char *name)
{
    return find(keys, ELEMENTSOF(keys), name);
}

const char *sd_icon_find(const char *name)
{
    return find(icons, ELEMENTSOF(icons), name);
}
