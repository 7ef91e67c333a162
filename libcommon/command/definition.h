/* SPDX-License-Identifier: Apache-2.0
 * Values of the options that aggregates, operators and their kin are defined by. Room-internal. */
#ifndef RDB_COMMAND_DEFINITION_H
#define RDB_COMMAND_DEFINITION_H

#include "command/command_int.h"

/* A name with its schema; 42601 where the option says no name. */
RDB_CHECKED bool definition_names(rdb_command_context *context, const rdb_ast_option *option, rdb_ast_names *names, rdb_error *err);
/* Whatever it is, as a text. */
RDB_CHECKED bool definition_text(rdb_command_context *context, const rdb_ast_option *option, const char **text, rdb_error *err);
RDB_CHECKED bool definition_type(rdb_command_context *context, const rdb_ast_option *option, const rdb_type **type, bool *is_setof, rdb_error *err);
bool definition_is_polymorphic(uint32_t type_oid);
/* 42P13 `what` where the polymorphic type (others are fine) does not follow from one of the arguments' types. */
RDB_CHECKED bool definition_check_follows(const rdb_type *type, const uint32_t *types, uint32_t count, const char *what, rdb_error *err);
/* For messages. */
const char *definition_type_text(rdb_command_context *context, const rdb_type *type);
const char *definition_name_text(rdb_command_context *context, const rdb_ast_names *names);
/* 42501 unless the role may call the function. */
RDB_CHECKED bool definition_check_function(rdb_command_context *context, const rdb_function *function, rdb_error *err);
/* A type that is only a shell, or (may_make) is not there at all and becomes one; NULL: neither. */
RDB_CHECKED bool command_find_or_make_shell(rdb_command_context *context, const rdb_ast_type *written, bool may_make, const rdb_type **type, rdb_error *err);
/* The schema that the new object goes to. */
RDB_CHECKED bool definition_place(rdb_command_context *context, const rdb_ast_names *name, uint32_t *namespace_oid, rdb_error *err);

/* base_type.c, aggregate.c, operator.c */
RDB_CHECKED bool command_create_base_type(rdb_command_context *context, const rdb_ast_define *statement, rdb_error *err);
RDB_CHECKED bool command_create_aggregate(rdb_command_context *context, const rdb_ast_define *statement, rdb_error *err);
RDB_CHECKED bool command_create_operator(rdb_command_context *context, const rdb_ast_define *statement, rdb_error *err);

#endif
