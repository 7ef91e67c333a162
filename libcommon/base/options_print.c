/* SPDX-License-Identifier: Apache-2.0
 * What the option table says to people and to shells: --help, the man page's OPTIONS, completions. The order is the
 * table's. */
#include "base/options_int.h"

#include <ctype.h>

static const rdb_option OWN_OPTIONS[] = {
    {.name = "help", .kind = RDB_OPT_FLAG, .help = "print this help and exit"},
    {.name = "version", .kind = RDB_OPT_FLAG, .help = "print the version and exit"},
};

static size_t option_total(const rdb_program *program)
{
    return program->option_count + RDB_COUNT_OF(OWN_OPTIONS);
}

static const rdb_option *option_at(const rdb_program *program, size_t option_no)
{
    return option_no < program->option_count ? &program->options[option_no]
                                             : &OWN_OPTIONS[option_no - program->option_count];
}

static const char *value_name(const rdb_option *option)
{
    return option->value != NULL ? option->value : option->kind == RDB_OPT_COUNT ? "N" : "VALUE";
}

/* "one of a, b, c", the standard, the range: the facts of the table after the help. */
static void print_facts(const rdb_option *option, FILE *out)
{
    const char *before = " (";
    if (option->choices != NULL) {
        fprintf(out, "%sone of ", before);
        for (size_t choice_no = 0; option->choices[choice_no] != NULL; choice_no++)
            fprintf(out, "%s%s", choice_no == 0 ? "" : ", ", option->choices[choice_no]);
        before = "; ";
    }
    if (option->kind == RDB_OPT_COUNT && option->max != 0) {
        fprintf(out, "%s%lld to %lld", before, (long long)option->min, (long long)option->max);
        before = "; ";
    }
    if (option->standard != NULL) {
        fprintf(out, "%sdefault %s", before, option->standard);
        before = "; ";
    }
    if (before[0] == ';')
        fputc(')', out);
}

void options_print_help(const rdb_program *program, FILE *out)
{
    fprintf(out, "%s - %s\n\n", program->name, program->summary);
    if (program->usages != NULL)
        for (size_t usage_no = 0; program->usages[usage_no] != NULL; usage_no++)
            fprintf(out, "%s %s %s\n", usage_no == 0 ? "Usage:" : "      ", program->name, program->usages[usage_no]);
    else
        fprintf(out, "Usage: %s [OPTION]...%s%s\n", program->name, program->operands != NULL ? " " : "",
                program->operands != NULL ? program->operands : "");
    fputs("\nOptions:\n", out);
    for (size_t option_no = 0; option_no < option_total(program); option_no++) {
        const rdb_option *option = option_at(program, option_no);
        if (option->hidden)
            continue;
        int width = option->letter != 0 ? fprintf(out, "  -%c, ", option->letter) : fprintf(out, "      ");
        width += fprintf(out, "--%s", option->name);
        if (option->kind != RDB_OPT_FLAG)
            width += fprintf(out, option->value_is_optional ? "[=%s]" : "=%s", value_name(option));
        if (width > 32)
            width = fprintf(out, "\n") - 1;
        fprintf(out, "%*s%s", 34 - width, "", option->help);
        print_facts(option, out);
        fputc('\n', out);
    }
    if (program->epilog != NULL)
        fprintf(out, "\n%s\n", program->epilog);
}

/* Text for troff: a hyphen that may be copied, no line that begins like a request. */
static void print_troff(const char *text, FILE *out)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text != '\0'; text++) {
        if (*text == '-' || *text == '\\')
            fputs(*text == '-' ? "\\-" : "\\e", out);
        else
            fputc(*text, out);
    }
}

void options_print_man(const rdb_program *program, FILE *out)
{
    for (size_t option_no = 0; option_no < option_total(program); option_no++) {
        const rdb_option *option = option_at(program, option_no);
        if (option->hidden)
            continue;
        fputs(".TP\n", out);
        if (option->letter != 0)
            fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
        fputs("\\fB\\-\\-", out);
        print_troff(option->name, out);
        fputs("\\fR", out);
        if (option->kind != RDB_OPT_FLAG)
            fprintf(out, option->value_is_optional ? "[=\\fI%s\\fR]" : "=\\fI%s\\fR", value_name(option));
        fputc('\n', out);
        fputc(toupper((unsigned char)option->help[0]), out);
        print_troff(option->help + 1, out);
        print_facts(option, out);
        fputs(".\n", out);
    }
}

static bool completes_directories(const rdb_option *option)
{
    return option->value != NULL && strcmp(option->value, "DIR") == 0;
}

static bool completes_files(const rdb_option *option)
{
    return option->value != NULL && (strcmp(option->value, "FILE") == 0 || strcmp(option->value, "PATH") == 0);
}

static void print_choices(const rdb_option *option, FILE *out)
{
    for (size_t choice_no = 0; option->choices[choice_no] != NULL; choice_no++)
        fprintf(out, "%s%s", choice_no == 0 ? "" : " ", option->choices[choice_no]);
}

/* A shell function's name may not hold a hyphen. */
static void print_identifier(const char *name, FILE *out)
{
    for (; *name != '\0'; name++)
        fputc(isalnum((unsigned char)*name) ? *name : '_', out);
}

static void print_bash(const rdb_program *program, FILE *out)
{
    fputs("_", out);
    print_identifier(program->name, out);
    fputs("()\n{\n    local cur prev\n    cur=${COMP_WORDS[COMP_CWORD]}\n    prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
          "    case $prev in\n",
          out);
    for (size_t option_no = 0; option_no < option_total(program); option_no++) {
        const rdb_option *option = option_at(program, option_no);
        if (option->hidden || option->kind == RDB_OPT_FLAG)
            continue;
        fputs("    ", out);
        if (option->letter != 0)
            fprintf(out, "-%c|", option->letter);
        fprintf(out, "--%s) ", option->name);
        if (option->choices != NULL) {
            fputs("COMPREPLY=($(compgen -W '", out);
            print_choices(option, out);
            fputs("' -- \"$cur\")); return ;;\n", out);
        } else if (completes_directories(option) || completes_files(option)) {
            fprintf(out, "COMPREPLY=($(compgen -%c -- \"$cur\")); return ;;\n", completes_files(option) ? 'f' : 'd');
        } else {
            fputs("return ;;\n", out);
        }
    }
    fputs("    esac\n    if [[ $cur == -* ]]; then\n        COMPREPLY=($(compgen -W '", out);
    for (size_t option_no = 0; option_no < option_total(program); option_no++)
        if (!option_at(program, option_no)->hidden)
            fprintf(out, "%s--%s", option_no == 0 ? "" : " ", option_at(program, option_no)->name);
    fputs("' -- \"$cur\"))\n", out);
    if (program->operands != NULL)
        fputs("    else\n        COMPREPLY=($(compgen -f -- \"$cur\"))\n", out);
    fputs("    fi\n}\ncomplete -F _", out);
    print_identifier(program->name, out);
    fprintf(out, " %s\n", program->name);
}

/* Within single quotes; brackets and colons are zsh's own in an _arguments specification. */
static void print_zsh_text(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr("[]:\\", *text) != NULL)
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void print_zsh(const rdb_program *program, FILE *out)
{
    fprintf(out, "#compdef %s\n_arguments", program->name);
    for (size_t option_no = 0; option_no < option_total(program); option_no++) {
        const rdb_option *option = option_at(program, option_no);
        if (option->hidden)
            continue;
        for (int form = option->letter != 0 ? 0 : 1; form < 2; form++) {
            fputs(" \\\n    '", out);
            if (option->kind == RDB_OPT_LIST)
                fputc('*', out);
            else if (option->letter != 0)
                fprintf(out, "(-%c --%s)", option->letter, option->name);
            if (form == 0)
                fprintf(out, "-%c", option->letter);
            else
                fprintf(out, "--%s%s", option->name, option->kind != RDB_OPT_FLAG ? "=" : "");
            fputc('[', out);
            print_zsh_text(option->help, out);
            fputc(']', out);
            if (option->kind != RDB_OPT_FLAG) {
                fprintf(out, ":%s:", value_name(option));
                if (option->choices != NULL) {
                    fputc('(', out);
                    print_choices(option, out);
                    fputc(')', out);
                } else if (completes_directories(option)) {
                    fputs("_files -/", out);
                } else if (completes_files(option)) {
                    fputs("_files", out);
                }
            }
            fputc('\'', out);
        }
    }
    if (program->operands != NULL)
        fputs(" \\\n    '*:operand:_files'", out);
    fputc('\n', out);
}

static void print_fish(const rdb_program *program, FILE *out)
{
    if (program->operands == NULL)
        fprintf(out, "complete -c %s -f\n", program->name);
    for (size_t option_no = 0; option_no < option_total(program); option_no++) {
        const rdb_option *option = option_at(program, option_no);
        if (option->hidden)
            continue;
        fprintf(out, "complete -c %s -l %s", program->name, option->name);
        if (option->letter != 0)
            fprintf(out, " -s %c", option->letter);
        if (option->kind != RDB_OPT_FLAG) {
            fputs(option->value_is_optional ? "" : " -r", out);
            if (option->choices != NULL) {
                fputs(" -f -a '", out);
                print_choices(option, out);
                fputc('\'', out);
            } else if (completes_directories(option)) {
                fputs(" -f -a '(__fish_complete_directories)'", out);
            } else if (completes_files(option)) {
                fputs(" -F", out);
            } else {
                fputs(" -f", out);
            }
        }
        fputs(" -d '", out);
        for (const char *at = option->help; *at != '\0'; at++)
            fprintf(out, *at == '\'' ? "\\%c" : "%c", *at);
        fputs("'\n", out);
    }
}

bool options_print_completion(const rdb_program *program, const char *shell, FILE *out)
{
    if (strcmp(shell, "bash") == 0)
        print_bash(program, out);
    else if (strcmp(shell, "zsh") == 0)
        print_zsh(program, out);
    else if (strcmp(shell, "fish") == 0)
        print_fish(program, out);
    else
        return false;
    return true;
}
