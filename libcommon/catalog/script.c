/* SPDX-License-Identifier: Apache-2.0
 * The distribution's SQL scripts that make the views of pg_catalog and information_schema, and extensions, linked as they are (rule 42). */
#include "catalog/rdb_catalog.h"

#define SCRIPT(name, file)                                                 \
    __asm__(".pushsection .rodata\n"                                       \
            ".global catalog_script_" #name "\n"                           \
            ".hidden catalog_script_" #name "\n"                           \
            "catalog_script_" #name ":\n"                                  \
            ".incbin \"" CATALOG_SHARE_PATH "/" file "\"\n"                \
            ".byte 0\n"                                                    \
            ".popsection\n");                                              \
    extern const char catalog_script_##name[] __attribute__((visibility("hidden")));

SCRIPT(system_views, "system_views.sql")
SCRIPT(information_schema, "information_schema.sql")
SCRIPT(system_functions, "system_functions.sql")
SCRIPT(sql_features, "sql_features.txt")
SCRIPT(citext_1_4, "citext--1.4.sql")
SCRIPT(citext_1_5, "citext--1.4--1.5.sql")
SCRIPT(citext_1_6, "citext--1.5--1.6.sql")

const char *rdb_catalog_script(rdb_catalog_script_name name)
{
    switch (name) {
    case RDB_SCRIPT_SYSTEM_VIEWS:
        return catalog_script_system_views;
    case RDB_SCRIPT_INFORMATION_SCHEMA:
        return catalog_script_information_schema;
    case RDB_SCRIPT_SYSTEM_FUNCTIONS:
        return catalog_script_system_functions;
    case RDB_SCRIPT_SQL_FEATURES:
        return catalog_script_sql_features;
    case RDB_SCRIPT_CITEXT_1_4:
        return catalog_script_citext_1_4;
    case RDB_SCRIPT_CITEXT_1_5:
        return catalog_script_citext_1_5;
    case RDB_SCRIPT_CITEXT_1_6:
        return catalog_script_citext_1_6;
    }
    return "";
}
