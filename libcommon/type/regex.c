/* SPDX-License-Identifier: Apache-2.0
 * The bridge to Tcl's regular expressions: texts become UTF-16, matches become slices of the text. */
#include "type/regex.h"
#include "type/text_int.h"
#include <pthread.h>
#include <stdio.h>
#include <tcl8.6/tcl.h>

static pthread_once_t tcl_once = PTHREAD_ONCE_INIT;
static void start_tcl(void)
{
    Tcl_FindExecutable(NULL); /* sets up encodings and the allocator; no interpreter is made */
}

/* The message of a pattern that does not compile; only an interpreter keeps it. */
static bool compile_error(rdb_call *call, Tcl_Obj *pattern, int flags)
{
    Tcl_Interp *interp = Tcl_CreateInterp();
    Tcl_GetRegExpFromObj(interp, pattern, flags);
    const char *message = Tcl_GetStringResult(interp), *reason = strstr(message, "pattern: ");
    rdb_error_set(call->err, RDB_INVALID_REGULAR_EXPRESSION, "invalid regular expression: %s", reason != NULL ? reason + 9 : message);
    Tcl_DeleteInterp(interp);
    return false;
}

/* The engine compiles a pattern by recursion, in time that grows with the nesting, and faster than the square of the number of
 * repetitions and of alternatives in groups; nothing can stop it. So there are limits: a second of work at the most. */
#define PATTERN_BYTES_MAX 100000u
#define PATTERN_DEPTH_MAX 500u
#define PATTERN_WORK_MAX 600u
#define PATTERN_WORK_KEPT 100u /* what takes more than this is not kept by the engine */
#define GROUP_ALTERNATIVES_COUNTED 8u
static bool is_too_complex(rdb_bytes pattern, type_regex_flags flags, uint32_t *work)
{
    uint8_t alternatives[PATTERN_DEPTH_MAX + 1] = {0};
    uint32_t depth = 0;
    bool in_class = false, has_empty_group = false, refers_back = false;
    *work = 0;
    if (flags.literal)
        return false;
    for (uint32_t i = 0; i < pattern.length; i++) {
        bool escaped = pattern.data[i] == '\\' && i + 1 < pattern.length;
        i += escaped;
        uint8_t c = pattern.data[i];
        bool is_sign = escaped == flags.basic;
        refers_back = refers_back || (escaped && !in_class && c >= '1' && c <= '9');
        has_empty_group = has_empty_group || (!in_class && c == '(' && i + 1 < pattern.length && pattern.data[i + 1] == ')');
        if (in_class) {
            in_class = c != ']' || escaped;
        } else if (c == '[' && !escaped) {
            in_class = i + 1 < pattern.length && pattern.data[i + 1] != ']';
        } else if (c == '*' && !escaped) {
            ++*work;
        } else if (is_sign && c == '(') {
            if (++depth > PATTERN_DEPTH_MAX)
                return true;
            alternatives[depth] = 0;
        } else if (is_sign && c == ')' && depth > 0) {
            depth--;
        } else if (is_sign && (c == '?' || c == '+' || c == '{')) {
            *work += i > 0 && pattern.data[i - 1] != '('; /* not the sign of a group's kind */
        } else if (is_sign && c == '|' && depth > 0 && alternatives[depth] < GROUP_ALTERNATIVES_COUNTED) {
            alternatives[depth]++;
            ++*work;
        }
    }
    if (has_empty_group && refers_back) /* the engine may look for what a reference to nothing matches for ever */
        return true;
    return pattern.length > PATTERN_BYTES_MAX || *work > PATTERN_WORK_MAX;
}

/* The engine keeps the last thirty patterns of each thread: small ones take the place of large ones. */
static void forget_large(void)
{
    enum { KEPT_BY_TCL = 30 };
    for (int i = 0; i < KEPT_BY_TCL; i++) {
        char text[16];
        snprintf(text, sizeof text, "forget%d", i);
        Tcl_Obj *object = Tcl_NewStringObj(text, -1);
        Tcl_IncrRefCount(object);
        (void)Tcl_GetRegExpFromObj(NULL, object, TCL_REG_ADVANCED);
        Tcl_DecrRefCount(object);
    }
}

bool type_regex_open(rdb_call *call, type_regex *regex, rdb_bytes pattern, type_regex_flags flags)
{
    memset(regex, 0, sizeof *regex);
    uint32_t work = 0;
    if (is_too_complex(pattern, flags, &work))
        return rdb_error_set(call->err, RDB_INVALID_REGULAR_EXPRESSION, "invalid regular expression: regular expression is too complex");
    pthread_once(&tcl_once, start_tcl);
    int tcl_flags = flags.literal ? TCL_REG_QUOTE : flags.basic ? TCL_REG_BASIC : TCL_REG_ADVANCED;
    tcl_flags |= flags.ignore_case ? TCL_REG_NOCASE : 0;
    tcl_flags |= flags.newline_stop ? TCL_REG_NLSTOP : 0;
    tcl_flags |= flags.newline_anchor ? TCL_REG_NLANCH : 0;
    tcl_flags |= flags.expanded ? TCL_REG_EXPANDED : 0;
    Tcl_Obj *object = Tcl_NewStringObj((const char *)pattern.data, (int)pattern.length);
    Tcl_IncrRefCount(object);
    regex->pattern_object = object;
    Tcl_RegExp compiled = Tcl_GetRegExpFromObj(NULL, object, tcl_flags);
    if (compiled == NULL && (type_find_bytes(pattern.data, pattern.length, (const uint8_t *)"(?<=", 4) != NULL || type_find_bytes(pattern.data, pattern.length, (const uint8_t *)"(?<!", 4) != NULL))
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "lookbehind constraints in regular expressions are not supported");
    if (compiled == NULL)
        return compile_error(call, object, tcl_flags);
    regex->compiled = compiled;
    regex->is_large = work > PATTERN_WORK_KEPT;
    Tcl_RegExpInfo info;
    Tcl_RegExpGetInfo(compiled, &info);
    regex->group_count = (uint32_t)RDB_MIN(info.nsubs, TYPE_REGEX_GROUPS_MAX);
    return true;
}

bool type_regex_set_text(rdb_call *call, type_regex *regex, rdb_bytes text)
{
    if (regex->text_object != NULL)
        Tcl_DecrRefCount((Tcl_Obj *)regex->text_object);
    regex->text_object = NULL;
    uint16_t *units = type_alloc(call, sizeof *units * ((size_t)text.length + 1));
    uint32_t *offsets = units == NULL ? NULL : type_alloc(call, sizeof *offsets * ((size_t)text.length + 1));
    if (offsets == NULL)
        return false;
    uint32_t count = 0;
    for (const uint8_t *at = text.data, *end = at + text.length; at < end;) {
        uint32_t length, c = type_utf8_decode(at, end, &length);
        offsets[count] = (uint32_t)(at - text.data);
        if (c >= 0x10000) { /* a surrogate pair; its second half ends where the character ends */
            units[count++] = (uint16_t)(0xd7c0 + (c >> 10));
            offsets[count] = (uint32_t)(at - text.data) + length;
            units[count++] = (uint16_t)(0xdc00 | (c & 0x3ff));
        } else {
            units[count++] = (uint16_t)c;
        }
        at += length;
    }
    offsets[count] = text.length;
    _Static_assert(sizeof(Tcl_UniChar) == sizeof(uint16_t), "Tcl 8.6 has 16-bit characters");
    Tcl_Obj *object = Tcl_NewUnicodeObj((const Tcl_UniChar *)units, (int)count);
    Tcl_IncrRefCount(object);
    regex->text_object = object;
    regex->text = text;
    regex->offsets = offsets;
    regex->unit_count = count;
    return true;
}

bool type_regex_find(rdb_call *call, type_regex *regex, uint32_t from_unit, type_regex_match *match, bool *found)
{
    int groups = (int)regex->group_count + 1;
    if (!rdb_cancel_check(call->cancel, call->err))
        return false;
    int answer = Tcl_RegExpExecObj(NULL, (Tcl_RegExp)regex->compiled, (Tcl_Obj *)regex->text_object, (int)from_unit, groups,
                                   from_unit > 0 ? TCL_REG_NOTBOL : 0);
    if (answer < 0)
        return rdb_error_set(call->err, RDB_INVALID_REGULAR_EXPRESSION, "regular expression failed");
    *found = answer > 0;
    if (!*found || match == NULL)
        return true;
    Tcl_RegExpInfo info;
    Tcl_RegExpGetInfo((Tcl_RegExp)regex->compiled, &info);
    for (int i = 0; i < groups; i++) {
        long start = info.matches[i].start, end = info.matches[i].end;
        match->groups[i] = (rdb_slice){.data = NULL, .length = 0};
        if (start < 0)
            continue;
        uint32_t first = regex->offsets[(uint32_t)start + from_unit], last = regex->offsets[(uint32_t)end + from_unit];
        match->groups[i] = (rdb_slice){.data = regex->text.data + first, .length = last - first};
        if (i == 0) {
            match->start_unit = (uint32_t)start + from_unit;
            match->end_unit = (uint32_t)end + from_unit;
        }
    }
    return true;
}

void type_regex_close(type_regex *regex)
{
    if (regex->text_object != NULL)
        Tcl_DecrRefCount((Tcl_Obj *)regex->text_object);
    if (regex->pattern_object != NULL)
        Tcl_DecrRefCount((Tcl_Obj *)regex->pattern_object);
    if (regex->is_large)
        forget_large();
    memset(regex, 0, sizeof *regex);
}

bool type_regex_parse_flags(rdb_call *call, rdb_bytes text, type_regex_flags *flags)
{
    for (uint32_t i = 0; i < text.length; i++) {
        switch (text.data[i]) {
        case 'g':
            flags->global = true;
            break;
        case 'b':
            flags->basic = true;
            flags->literal = false;
            break;
        case 'c':
            flags->ignore_case = false;
            break;
        case 'e':
            flags->basic = flags->literal = false;
            break;
        case 'i':
            flags->ignore_case = true;
            break;
        case 'm':
        case 'n':
            flags->newline_stop = flags->newline_anchor = true;
            break;
        case 'p':
            flags->newline_stop = true;
            flags->newline_anchor = false;
            break;
        case 'q':
            flags->literal = true;
            break;
        case 's':
            flags->newline_stop = flags->newline_anchor = false;
            break;
        case 't':
            flags->expanded = false;
            break;
        case 'w':
            flags->newline_stop = false;
            flags->newline_anchor = true;
            break;
        case 'x':
            flags->expanded = true;
            break;
        default:
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid regular expression option: \"%.*s\"",
                                 (int)RDB_MIN(rdb_utf8_length(text.data[i]), text.length - i), (const char *)text.data + i);
        }
    }
    return true;
}
