/* SPDX-License-Identifier: Apache-2.0
 * The bridge to toml++, the one file that is compiled with exceptions: without them the library goes on after an error and asserts
 * what the error left behind; and what it asserts of a file is an error of the file. Its nodes are copied into the arena and forgotten; the walk
 * recurses as deep as the text nests, which the library itself limits (256). */
#include <stdexcept>
[[noreturn]] __attribute__((noinline)) static void toml_is_broken()
{
    throw std::invalid_argument("this is not valid TOML");
}
#define TOML_EXCEPTIONS 1
#define TOML_ASSERT(condition) ((condition) ? static_cast<void>(0) : toml_is_broken())
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 1
#define TOML_ENABLE_WINDOWS_COMPAT 0
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>
#include <string_view>

/* The headers of this room are C11: what they need of it, said in C++; what they include stands before, as C++. */
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>
#define _Noreturn [[noreturn]]
extern "C" {
#include "base/rdb_toml.h"
}

namespace {

char *copy_text(rdb_arena *arena, std::string_view text)
{
    return rdb_arena_strndup(arena, text.data(), text.size());
}

rdb_toml_value *copy_node(rdb_arena *arena, const toml::node &node)
{
    auto *value = static_cast<rdb_toml_value *>(rdb_arena_zalloc(arena, sizeof(rdb_toml_value)));
    value->line = static_cast<uint32_t>(node.source().begin.line);
    rdb_toml_value **tail = &value->first;
    if (const toml::table *table = node.as_table()) {
        value->kind = RDB_TOML_TABLE;
        for (auto &&[key, child] : *table) {
            *tail = copy_node(arena, child);
            (*tail)->key = copy_text(arena, std::string_view(key));
            tail = &(*tail)->next;
        }
    } else if (const toml::array *array = node.as_array()) {
        value->kind = RDB_TOML_ARRAY;
        for (auto &&child : *array) {
            *tail = copy_node(arena, child);
            tail = &(*tail)->next;
        }
    } else if (auto text = node.as_string()) {
        value->kind = RDB_TOML_STRING;
        value->text = copy_text(arena, text->get());
    } else if (auto integer = node.as_integer()) {
        value->kind = RDB_TOML_INTEGER;
        value->integer = integer->get();
        value->real = static_cast<double>(integer->get());
    } else if (auto real = node.as_floating_point()) {
        value->kind = RDB_TOML_FLOAT;
        value->real = real->get();
    } else if (auto boolean = node.as_boolean()) {
        value->kind = RDB_TOML_BOOLEAN;
        value->integer = boolean->get();
    } else {
        std::ostringstream told;
        node.visit([&told](auto &&typed) { told << typed; });
        value->kind = RDB_TOML_TIME;
        value->text = copy_text(arena, told.str());
    }
    return value;
}

/* Where a byte outside ASCII stands that belongs to no string and no comment; the length where none does. TOML allows none there, and the
 * library does not always come through one alive. A text that is broken before is cut differently here than by the library, which then
 * stops at what broke it. */
size_t find_stray_byte(std::string_view text)
{
    static constexpr std::string_view BYTE_ORDER_MARK = "\xEF\xBB\xBF";
    size_t at = text.substr(0, BYTE_ORDER_MARK.size()) == BYTE_ORDER_MARK ? BYTE_ORDER_MARK.size() : 0;
    while (at < text.size()) {
        const char c = text[at];
        if (static_cast<unsigned char>(c) >= 0x80)
            return at;
        if (c == '#') {
            at = std::min(text.find('\n', at), text.size());
        } else if (c == '"' || c == '\'') {
            const char triple[] = {c, c, c};
            const std::string_view fence(triple, sizeof triple);
            const bool is_long = text.substr(at, fence.size()) == fence;
            const std::string_view end = is_long ? fence : fence.substr(0, 1);
            at += end.size();
            while (at < text.size() && text.substr(at, end.size()) != end && (is_long || text[at] != '\n'))
                at += c == '"' && text[at] == '\\' ? 2 : 1;
            at += end.size();
            for (int more = 0; is_long && more < 2 && at < text.size() && text[at] == c; more++) /* quotes just before the fence */
                at++;
        } else {
            at++;
        }
    }
    return text.size();
}

unsigned line_of(std::string_view text, size_t offset)
{
    return 1 + static_cast<unsigned>(std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(offset), '\n'));
}

} // namespace

extern "C" bool rdb_toml_parse(rdb_arena *arena, const char *name, const char *text, size_t length,
                               rdb_toml_value **root, rdb_error *err)
{
    *root = nullptr;
    size_t bad_offset = 0;
    const std::string_view whole(text, length);
    if (!rdb_utf8_validate(text, length, &bad_offset)) /* told with its line */
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%s, line %u: the text is not valid UTF-8", name, line_of(whole, bad_offset));
    const size_t stray = find_stray_byte(whole);
    if (stray < length)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%s, line %u: characters outside ASCII are for strings and comments only", name,
                             line_of(whole, stray));
    try {
        toml::table result = toml::parse(whole, std::string_view(name));
        *root = copy_node(arena, result);
    } catch (const toml::parse_error &failure) {
        std::string_view what = failure.description();
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%s, line %u: %.*s", name, static_cast<unsigned>(failure.source().begin.line),
                             static_cast<int>(what.size()), what.data());
    } catch (const std::exception &failure) {
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%s: %s", name, failure.what());
    }
    return rdb_arena_check(arena, err);
}

extern "C" const rdb_toml_value *rdb_toml_get(const rdb_toml_value *table, const char *key)
{
    for (const rdb_toml_value *at = table->first; at != nullptr; at = at->next)
        if (at->key != nullptr && std::string_view(at->key) == key)
            return at;
    return nullptr;
}
