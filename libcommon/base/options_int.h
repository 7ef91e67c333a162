/* SPDX-License-Identifier: Apache-2.0
 * The two halves of the command line, for each other. */
#ifndef RDB_OPTIONS_INT_H
#define RDB_OPTIONS_INT_H

#include "base/rdb_options.h"

#include <stdio.h>

#define OPTION_NAMES_MAX 128

void options_print_help(const rdb_program *program, FILE *out);
void options_print_man(const rdb_program *program, FILE *out);
bool options_print_completion(const rdb_program *program, const char *shell, FILE *out); /* false: no such shell */

#endif
