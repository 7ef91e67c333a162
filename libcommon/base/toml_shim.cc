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

} // namespace

extern "C" bool rdb_toml_parse(rdb_arena *arena, const char *name, const char *text, size_t length,
                               rdb_toml_value **root, rdb_error *err)
{
    *root = nullptr;
    size_t bad_offset = 0;
    if (!rdb_utf8_validate(text, length, &bad_offset)) { /* told with its line */
        unsigned line = 1;
        for (size_t i = 0; i < bad_offset; i++)
            line += text[i] == '\n';
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%s, line %u: the text is not valid UTF-8", name, line);
    }
    try {
        toml::table result = toml::parse(std::string_view(text, length), std::string_view(name));
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
