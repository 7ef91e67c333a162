/* SPDX-License-Identifier: Apache-2.0
 * Steps over arrays, rows and domains. */
#include "expr/program_int.h"

static bool refuse(rdb_program *program, const rdb_selection *selection, const char *what)
{
    program->bad_row = selection->count ? rdb_selected(selection, 0) : 0;
    return rdb_error_set(program->err, RDB_FEATURE_NOT_SUPPORTED, "%s is not supported", what);
}

bool program_run_array_op(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    (void)step;
    return refuse(program, selection, "op ANY/ALL over an array value");
}

bool program_run_array(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    (void)step;
    return refuse(program, selection, "the ARRAY constructor");
}

bool program_run_subscript(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    (void)step;
    return refuse(program, selection, "subscripting");
}

bool program_run_array_coerce(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    (void)step;
    return refuse(program, selection, "conversion between array types");
}

bool program_run_row(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    (void)step;
    return refuse(program, selection, "the ROW constructor");
}

bool program_run_field(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    (void)step;
    return refuse(program, selection, "selecting a field of a row value");
}

bool program_row_null_test(const rdb_type *type, rdb_datum value, bool is_not, rdb_arena *arena, bool *answer, rdb_error *err)
{
    (void)value, (void)is_not, (void)arena;
    *answer = false;
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "IS NULL of a value of type \"%s\" is not supported", type->name);
}

bool program_run_domain_check(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    (void)step;
    return refuse(program, selection, "conversion to a domain");
}
