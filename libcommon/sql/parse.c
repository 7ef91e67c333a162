/* SPDX-License-Identifier: Apache-2.0
 * From text to the raw tree. The only file that includes PostgreSQL's headers: it lets the parser library read the text
 * and copies the library's tree, node by node, into ours.
 *
 * What always holds: nothing of the library is called between entering and leaving its memory context but its parser, no
 * memory of it is kept, and the copy does not recurse, so that a statement of any shape ends in a tree or in an error. Where the
 * two trees differ in layout, the table ast_fields.def says so; the asserts below fail the build where it lies. */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

#include <pg_query.h>
#include <assert.h>
#include <stdlib.h>

#include "sql/dialect.h"
#include "sql/sql_int.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 160000
#error "the raw tree is read as PostgreSQL 15 lays it out"
#endif

/* Of pg_query_internal.h, which drags the backend's memory management in. */
typedef struct parser_result {
    List *tree;
    char *stderr_buffer;
    PgQueryError *error;
} parser_result;
extern parser_result pg_query_raw_parse(const char *text);
extern void *pg_query_enter_memory_context(void);
extern void pg_query_exit_memory_context(void *context);
extern void pg_query_free_error(PgQueryError *error);
/* The scanner's settings, as the library has them: one of each a thread. */
extern __thread bool standard_conforming_strings, escape_string_warning;
extern __thread int backslash_quote;

/* ---- what is where ---- */

#define SAME(theirs, ours) static_assert((int)(theirs) == (int)(ours), "an enumeration is read by value");
#include "sql/ast_same.def"
#undef SAME

typedef enum field_kind {
    FIELD_END,
    FIELD_NODE,
    FIELD_LIST,
    FIELD_NAMES, /* a list of strings, read into rdb_ast_names */
    FIELD_TEXT,
    FIELD_BOOL,
    FIELD_CHAR,
    FIELD_INT16,
    FIELD_INT32,
    FIELD_LONG,
    FIELD_ENUM,
} field_kind;

/* Bytes of a field on either side. */
#define THEIRS_NODE sizeof(Node *)
#define THEIRS_LIST sizeof(List *)
#define THEIRS_NAMES sizeof(List *)
#define THEIRS_TEXT sizeof(char *)
#define THEIRS_BOOL sizeof(bool)
#define THEIRS_CHAR sizeof(char)
#define THEIRS_INT16 sizeof(int16)
#define THEIRS_INT32 sizeof(int32)
#define THEIRS_LONG sizeof(long)
#define THEIRS_ENUM sizeof(NodeTag)
#define OURS_NODE sizeof(rdb_ast_node *)
#define OURS_LIST sizeof(rdb_list)
#define OURS_NAMES sizeof(rdb_ast_names)
#define OURS_TEXT sizeof(char *)
#define OURS_BOOL sizeof(bool)
#define OURS_CHAR sizeof(char)
#define OURS_INT16 sizeof(int16_t)
#define OURS_INT32 sizeof(int32_t)
#define OURS_LONG sizeof(int64_t)
#define OURS_ENUM sizeof(rdb_ast_tag)

typedef struct field {
    uint16_t kind, ours, theirs;
} field;

typedef struct layout {
    uint16_t tag, bytes;
    int16_t location; /* where theirs has it; -1: it has none */
    const field *fields;
} layout;

#define AST_NODE(TAG, own, library)
#define AST_NODE_UNPLACED(TAG, own, library)
#define AST_FIELD(own, library, KIND, name, from)                                                            \
    static_assert(sizeof(((library *)0)->from) == THEIRS_##KIND && sizeof(((rdb_ast_##own *)0)->name) == OURS_##KIND, \
                  #own "." #name " is read as another kind than it has");
#define AST_OWN(own, KIND, name) static_assert(sizeof(((rdb_ast_##own *)0)->name) == OURS_##KIND, #own "." #name);
#define AST_END(TAG)
#include "sql/ast_fields.def"
#undef AST_NODE
#undef AST_NODE_UNPLACED
#undef AST_FIELD
#undef AST_OWN
#undef AST_END

#define AST_NODE(TAG, own, library) static const field FIELDS_##TAG[] = {
#define AST_NODE_UNPLACED(TAG, own, library) AST_NODE(TAG, own, library)
#define AST_FIELD(own, library, KIND, name, from) {FIELD_##KIND, offsetof(rdb_ast_##own, name), offsetof(library, from)},
#define AST_OWN(own, KIND, name)
#define AST_END(TAG) {FIELD_END, 0, 0}};
#include "sql/ast_fields.def"
#undef AST_NODE
#undef AST_NODE_UNPLACED
#undef AST_FIELD
#undef AST_OWN
#undef AST_END

#define AST_NODE(TAG, own, library) \
    [T_##library] = {RDB_AST_##TAG, sizeof(rdb_ast_##own), offsetof(library, location), FIELDS_##TAG},
#define AST_NODE_UNPLACED(TAG, own, library) [T_##library] = {RDB_AST_##TAG, sizeof(rdb_ast_##own), -1, FIELDS_##TAG},
#define AST_FIELD(own, library, KIND, name, from)
#define AST_OWN(own, KIND, name)
#define AST_END(TAG)
static const layout LAYOUTS[] = {
#include "sql/ast_fields.def"
};
#undef AST_NODE
#undef AST_NODE_UNPLACED
#undef AST_FIELD
#undef AST_OWN
#undef AST_END

/* What ALTER TABLE does, one more than our number, so that 0 is one that the grammar never gives. */
static const uint8_t ALTER_KINDS[] = {
#define ALTER(theirs, ours) [theirs] = (ours) + 1,
#include "sql/ast_same.def"
#undef ALTER
};

/* Statements of PostgreSQL's that have no node of ours, by the words that open them. */
static const struct {
    NodeTag tag;
    const char *words;
} REFUSED[] = {
    {T_CreateTableSpaceStmt, "CREATE TABLESPACE"},
    {T_DropTableSpaceStmt, "DROP TABLESPACE"},
    {T_AlterTableSpaceOptionsStmt, "ALTER TABLESPACE"},
    {T_AlterTableMoveAllStmt, "ALTER TABLE ALL IN TABLESPACE"},
    {T_AlterExtensionContentsStmt, "ALTER EXTENSION ADD or DROP"},
    {T_CreateFdwStmt, "CREATE FOREIGN DATA WRAPPER"},
    {T_AlterFdwStmt, "ALTER FOREIGN DATA WRAPPER"},
    {T_CreateForeignServerStmt, "CREATE SERVER"},
    {T_AlterForeignServerStmt, "ALTER SERVER"},
    {T_CreateForeignTableStmt, "CREATE FOREIGN TABLE"},
    {T_CreateUserMappingStmt, "CREATE USER MAPPING"},
    {T_AlterUserMappingStmt, "ALTER USER MAPPING"},
    {T_DropUserMappingStmt, "DROP USER MAPPING"},
    {T_ImportForeignSchemaStmt, "IMPORT FOREIGN SCHEMA"},
    {T_CreateAmStmt, "CREATE ACCESS METHOD"},
    {T_CreateEventTrigStmt, "CREATE EVENT TRIGGER"},
    {T_AlterEventTrigStmt, "ALTER EVENT TRIGGER"},
    {T_CreateOpClassStmt, "CREATE OPERATOR CLASS"},
    {T_CreateOpFamilyStmt, "CREATE OPERATOR FAMILY"},
    {T_AlterOpFamilyStmt, "ALTER OPERATOR FAMILY"},
    {T_AlterOperatorStmt, "ALTER OPERATOR"},
    {T_SecLabelStmt, "SECURITY LABEL"},
    {T_AlterDatabaseRefreshCollStmt, "ALTER DATABASE REFRESH COLLATION VERSION"},
    {T_CreateTransformStmt, "CREATE TRANSFORM"},
    {T_AlterObjectDependsStmt, "ALTER DEPENDS ON EXTENSION"},
    {T_LoadStmt, "LOAD"},
    {T_PLAssignStmt, "assignment"},
    {T_RangeTableFunc, "XMLTABLE"},
};

/* ---- the copy ---- */

/* A node of theirs that is still to be copied, and where the copy's address goes. */
typedef struct job {
    const Node *from;
    rdb_ast_node **to;
    uint32_t depth;
} job;

#define JOBS_INLINE 256

typedef struct copier {
    rdb_arena *arena;
    rdb_error *err;
    const char *text; /* the statements, for positions */
    size_t length;
    job *jobs; /* a stack; room_for_jobs, or malloc'ed where that was too small */
    uint32_t job_count, job_capacity;
    uint32_t depth; /* of the node being copied */
    const sql_dialect_changes *changes; /* of a text that was rewritten; NULL: it was not */
    rdb_list selects; /* where it has marks: rdb_ast_select * */
    job room_for_jobs[JOBS_INLINE];
} copier;

static bool push_job(copier *c, const Node *from, rdb_ast_node **to)
{
    if (from == NULL)
        return true;
    if (c->job_count == c->job_capacity) {
        uint32_t capacity = c->job_capacity * 2;
        job *grown = malloc(capacity * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(c->err, RDB_OUT_OF_MEMORY, "out of memory");
        memcpy(grown, c->jobs, c->job_count * sizeof *grown);
        if (c->jobs != c->room_for_jobs)
            free(c->jobs);
        c->jobs = grown;
        c->job_capacity = capacity;
    }
    c->jobs[c->job_count++] = (job){from, to, c->depth + 1};
    return true;
}

/* Memory for what follows the text's length. */
static void *take(copier *c, size_t bytes)
{
    if (bytes <= RDB_ARENA_SMALL_BYTES)
        return rdb_arena_alloc(c->arena, bytes);
    return rdb_arena_try_alloc(c->arena, bytes, c->err);
}

static bool copy_text(copier *c, const char *from, const char **to)
{
    if (from == NULL)
        return true;
    size_t bytes = strlen(from) + 1;
    char *copy = take(c, bytes);
    if (copy == NULL)
        return false;
    memcpy(copy, from, bytes);
    *to = copy;
    return true;
}

static bool refuse_shape(copier *c)
{
    return rdb_error_set(c->err, RDB_INTERNAL_ERROR, "the parser's tree has an unexpected shape");
}

static bool copy_names(copier *c, const List *from, rdb_ast_names *to)
{
    uint32_t count = (uint32_t)list_length(from);
    if (count == 0)
        return true;
    to->items = take(c, count * sizeof *to->items);
    if (to->items == NULL)
        return false;
    for (uint32_t at = 0; at < count; at++) {
        const Node *item = list_nth(from, (int)at);
        if (item == NULL || nodeTag(item) != T_String)
            return refuse_shape(c);
        if (!copy_text(c, ((const String *)item)->sval, &to->items[at]))
            return false;
    }
    to->count = count;
    return true;
}

static bool copy_list(copier *c, const List *from, rdb_list *to)
{
    uint32_t count = (uint32_t)list_length(from);
    if (count == 0)
        return true;
    if (nodeTag(from) != T_List)
        return refuse_shape(c);
    to->items = take(c, count * sizeof *to->items);
    if (to->items == NULL)
        return false;
    memset(to->items, 0, count * sizeof *to->items);
    to->count = to->capacity = count;
    for (uint32_t at = 0; at < count; at++)
        if (!push_job(c, list_nth(from, (int)at), (rdb_ast_node **)&to->items[at]))
            return false;
    return true;
}

static bool copy_field(copier *c, const field *f, const char *from, char *to)
{
    switch ((field_kind)f->kind) {
    case FIELD_NODE:
        return push_job(c, *(const Node *const *)from, (rdb_ast_node **)to);
    case FIELD_LIST:
        return copy_list(c, *(const List *const *)from, (rdb_list *)to);
    case FIELD_NAMES:
        return copy_names(c, *(const List *const *)from, (rdb_ast_names *)to);
    case FIELD_TEXT:
        return copy_text(c, *(const char *const *)from, (const char **)to);
    case FIELD_BOOL:
        *(bool *)to = *(const bool *)from;
        return true;
    case FIELD_CHAR:
        *to = *from;
        return true;
    case FIELD_INT16:
        *(int16_t *)to = *(const int16 *)from;
        return true;
    case FIELD_INT32:
    case FIELD_ENUM:
        *(int32_t *)to = *(const int32 *)from;
        return true;
    case FIELD_LONG:
        *(int64_t *)to = *(const long *)from;
        return true;
    case FIELD_END:
        break;
    }
    return refuse_shape(c);
}

static bool copy_value(copier *c, const Node *from, rdb_ast_value *to)
{
    switch (nodeTag(from)) {
    case T_Integer:
        to->kind = RDB_SQL_VALUE_INTEGER;
        to->integer = ((const Integer *)from)->ival;
        return true;
    case T_Boolean:
        to->kind = RDB_SQL_VALUE_BOOL;
        to->integer = ((const Boolean *)from)->boolval;
        return true;
    case T_Float:
        to->kind = RDB_SQL_VALUE_NUMBER;
        return copy_text(c, ((const Float *)from)->fval, &to->text);
    case T_String:
        to->kind = RDB_SQL_VALUE_STRING;
        return copy_text(c, ((const String *)from)->sval, &to->text);
    case T_BitString:
        to->kind = RDB_SQL_VALUE_BITS;
        return copy_text(c, ((const BitString *)from)->bsval, &to->text);
    default:
        return refuse_shape(c);
    }
}

/* table.column or table.*: a star can only be the last. */
static bool copy_column(copier *c, const ColumnRef *from, rdb_ast_column *to)
{
    uint32_t count = (uint32_t)list_length(from->fields);
    if (count > 0 && nodeTag(llast(from->fields)) == T_A_Star) {
        to->is_star = true;
        count--;
    }
    if (count == 0)
        return true;
    to->names.items = take(c, count * sizeof *to->names.items);
    if (to->names.items == NULL)
        return false;
    for (uint32_t at = 0; at < count; at++) {
        const Node *item = list_nth(from->fields, (int)at);
        if (nodeTag(item) != T_String)
            return refuse_shape(c);
        if (!copy_text(c, ((const String *)item)->sval, &to->names.items[at]))
            return false;
    }
    to->names.count = count;
    return true;
}

/* What ast_fields.def marks AST_OWN. */
static bool copy_own_fields(copier *c, const Node *from, rdb_ast_node *to)
{
    switch (nodeTag(from)) {
    case T_ColumnRef:
        return copy_column(c, (const ColumnRef *)from, (rdb_ast_column *)to);
    case T_SelectStmt: {
        /* A plain DISTINCT is a list of one NULL there. */
        const List *distinct = ((const SelectStmt *)from)->distinctClause;
        rdb_ast_select *select = (rdb_ast_select *)to;
        select->is_distinct = distinct != NIL;
        if (c->changes != NULL && c->changes->mark_count > 0)
            rdb_list_push(c->arena, &c->selects, select);
        if (distinct == NIL || linitial(distinct) == NULL)
            return true;
        return copy_list(c, distinct, &select->distinct_on);
    }
    case T_AlterTableCmd: {
        unsigned subtype = ((const AlterTableCmd *)from)->subtype;
        if (subtype >= RDB_COUNT_OF(ALTER_KINDS) || ALTER_KINDS[subtype] == 0)
            return refuse_shape(c);
        ((rdb_ast_alter_command *)to)->kind = (rdb_sql_alter_kind)(ALTER_KINDS[subtype] - 1);
        return true;
    }
    default:
        return true;
    }
}

/* The library's grammar takes $n in places where PostgreSQL wants a literal; what it accepts too much is refused here. */
static bool check_param(copier *c, const Node *param)
{
    if (param == NULL || nodeTag(param) != T_ParamRef)
        return true;
    const ParamRef *ref = (const ParamRef *)param;
    rdb_error_set(c->err, RDB_SYNTAX_ERROR, "syntax error at or near \"$%d\"", ref->number);
    return rdb_error_position(c->err, rdb_sql_position(c->text, c->length, ref->location));
}

static bool check_params_in(copier *c, const List *list)
{
    for (int at = 0; at < list_length(list); at++)
        if (!check_param(c, list_nth(list, at)))
            return false;
    return true;
}

static bool check_accepted(copier *c, const Node *from)
{
    switch (nodeTag(from)) {
    case T_DefElem:
        return check_param(c, ((const DefElem *)from)->arg);
    case T_VariableSetStmt:
        return check_params_in(c, ((const VariableSetStmt *)from)->args);
    case T_TypeName:
        return true;
    case T_TypeCast: {
        /* INTERVAL $1: the type stands before what is cast, without CAST( in between. */
        const TypeCast *cast = (const TypeCast *)from;
        if (cast->arg != NULL && nodeTag(cast->arg) == T_ParamRef && cast->typeName != NULL &&
            cast->typeName->location < ((const ParamRef *)cast->arg)->location)
            return check_param(c, cast->arg);
        return true;
    }
    case T_FuncCall: {
        const FuncCall *call = (const FuncCall *)from;
        if (call->funcformat != COERCE_SQL_SYNTAX || list_length(call->args) != 2 || call->funcname == NIL)
            return true;
        const Node *name = llast(call->funcname);
        if (nodeTag(name) != T_String || strcmp(((const String *)name)->sval, "extract") != 0)
            return true;
        return check_param(c, linitial(call->args));
    }
    default:
        return true;
    }
}

static bool refuse_node(copier *c, const Node *from)
{
    NodeTag tag = nodeTag(from);
    if (tag == T_XmlExpr || tag == T_XmlSerialize) {
        int location = tag == T_XmlExpr ? ((const XmlExpr *)from)->location : ((const XmlSerialize *)from)->location;
        rdb_error_set(c->err, RDB_FEATURE_NOT_SUPPORTED, "unsupported XML feature");
        rdb_error_detail(c->err, "This server is built without XML.");
        return rdb_error_position(c->err, rdb_sql_position(c->text, c->length, location));
    }
    for (size_t at = 0; at < RDB_COUNT_OF(REFUSED); at++)
        if (REFUSED[at].tag == tag)
            return rdb_error_set(c->err, RDB_FEATURE_NOT_SUPPORTED, "%s is not supported", REFUSED[at].words);
    return rdb_error_set(c->err, RDB_FEATURE_NOT_SUPPORTED, "statement is not supported (node %d)", (int)tag);
}

static bool copy_node(copier *c, const Node *from, rdb_ast_node **to)
{
    NodeTag tag = nodeTag(from);
    switch (tag) {
    case T_List: {
        rdb_ast_items *items = RDB_NEW(c->arena, rdb_ast_items);
        items->node = (rdb_ast_node){RDB_AST_LIST, -1};
        *to = &items->node;
        return copy_list(c, (const List *)from, &items->items);
    }
    case T_Integer:
    case T_Float:
    case T_Boolean:
    case T_String:
    case T_BitString: {
        rdb_ast_value *value = RDB_NEW(c->arena, rdb_ast_value);
        value->node = (rdb_ast_node){RDB_AST_VALUE, -1};
        *to = &value->node;
        return copy_value(c, from, value);
    }
    case T_A_Const: {
        const A_Const *constant = (const A_Const *)from;
        rdb_ast_value *value = RDB_NEW(c->arena, rdb_ast_value);
        value->node = (rdb_ast_node){RDB_AST_CONST, constant->location};
        *to = &value->node;
        return constant->isnull || copy_value(c, &constant->val.node, value);
    }
    default:
        break;
    }
    if ((size_t)tag >= RDB_COUNT_OF(LAYOUTS) || LAYOUTS[tag].fields == NULL)
        return refuse_node(c, from);
    if (!check_accepted(c, from))
        return false;
    const layout *shape = &LAYOUTS[tag];
    rdb_ast_node *copy = rdb_arena_zalloc(c->arena, shape->bytes);
    copy->tag = (rdb_ast_tag)shape->tag;
    copy->location = shape->location < 0 ? -1 : *(const int *)((const char *)from + shape->location);
    if (c->changes != NULL)
        copy->location = sql_dialect_location(c->changes, copy->location);
    *to = copy;
    for (const field *f = shape->fields; f->kind != FIELD_END; f++)
        if (!copy_field(c, f, (const char *)from + f->theirs, (char *)copy + f->ours))
            return false;
    return copy_own_fields(c, from, copy);
}

/* Children are taken in the order of the text, so that the first thing wrong is the one reported. */
static void reverse_jobs(copier *c, uint32_t first)
{
    for (uint32_t last = c->job_count; first + 1 < last; first++) {
        job swapped = c->jobs[first];
        c->jobs[first] = c->jobs[--last];
        c->jobs[last] = swapped;
    }
}

static bool copy_tree(copier *c, const Node *from, rdb_ast_node **to)
{
    c->job_count = 0;
    c->depth = 0;
    if (!push_job(c, from, to))
        return false;
    while (c->job_count > 0) {
        job next = c->jobs[--c->job_count];
        if (next.depth > RDB_SQL_DEPTH_MAX) {
            rdb_error_set(c->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
            return rdb_error_hint(c->err, "The statement nests more than %d levels deep.", RDB_SQL_DEPTH_MAX);
        }
        c->depth = next.depth;
        uint32_t first = c->job_count;
        if (!copy_node(c, next.from, next.to))
            return false;
        reverse_jobs(c, first);
    }
    return true;
}

static bool copy_statements(copier *c, const List *tree, rdb_ast_list *statements)
{
    uint32_t count = (uint32_t)list_length(tree);
    if (count == 0)
        return true;
    statements->items = take(c, count * sizeof *statements->items);
    if (statements->items == NULL)
        return false;
    for (uint32_t at = 0; at < count; at++) {
        const RawStmt *raw = list_nth(tree, (int)at);
        rdb_ast_statement *statement = &statements->items[at];
        int32_t start = raw->stmt_location, length = raw->stmt_len;
        if (length == 0) /* the last one of a text that ends without a semicolon */
            length = (int32_t)c->length - start;
        if (c->changes != NULL) {
            length = sql_dialect_location(c->changes, start + length);
            start = sql_dialect_location(c->changes, start);
            length -= start;
        }
        *statement = (rdb_ast_statement){.start = start, .length = length};
        if (!copy_tree(c, raw->stmt, &statement->body))
            return false;
    }
    statements->count = count;
    return rdb_arena_check(c->arena, c->err);
}

/* Marks anywhere but in WHERE are no outer join: the text stays refused. */
static bool join_marked(copier *c)
{
    uint32_t found = 0;
    for (uint32_t at = 0; at < c->selects.count; at++) {
        if (!sql_dialect_join(c->arena, c->selects.items[at], &found, c->err))
            return false;
    }
    return found == c->changes->mark_count || rdb_error_set(c->err, RDB_SYNTAX_ERROR, "(+) stands where no outer join can be made");
}

static bool parse_terminated(rdb_arena *arena, const char *text, size_t length, const rdb_sql_reading *reading,
                             sql_dialect_changes *changes, rdb_ast_list *statements, rdb_error *err)
{
    void *context = pg_query_enter_memory_context();
    standard_conforming_strings = reading->standard_conforming_strings;
    backslash_quote = (int)reading->backslash_quote;
    escape_string_warning = false; /* the library would have nobody to tell */
    parser_result result = pg_query_raw_parse(text);
    bool ok = result.error == NULL;
    if (!ok) {
        sql_set_parser_error(err, result.error->message, result.error->funcname, result.error->cursorpos);
        pg_query_free_error(result.error);
    } else {
        copier c;
        if (changes != NULL)
            changes->is_grammatical = true;
        c.arena = arena;
        c.err = err;
        c.text = text;
        c.length = length;
        c.jobs = c.room_for_jobs;
        c.job_capacity = JOBS_INLINE;
        c.changes = changes;
        c.selects = (rdb_list){0};
        ok = copy_statements(&c, result.tree, statements) && (changes == NULL || changes->mark_count == 0 || join_marked(&c));
        if (c.jobs != c.room_for_jobs)
            free(c.jobs);
    }
    free(result.stderr_buffer);
    standard_conforming_strings = true; /* as other callers on this thread expect it */
    backslash_quote = RDB_SQL_BACKSLASH_QUOTE_SAFE_ENCODING;
    pg_query_exit_memory_context(context);
    return ok;
}

/* A text that the grammar refused, once more with Oracle's spellings made PostgreSQL's. */
static bool parse_dialect(rdb_arena *arena, const char *text, size_t length, const rdb_sql_reading *reading, rdb_ast_list *statements, rdb_error *err)
{
    rdb_strbuf rewritten;
    sql_dialect_changes changes;
    rdb_error second = {0};
    rdb_strbuf_init(&rewritten, arena);
    if (!sql_dialect_rewrite(text, length, reading->standard_conforming_strings, &rewritten, &changes))
        return false;
    *statements = (rdb_ast_list){0};
    bool ok = parse_terminated(arena, rewritten.data, rewritten.length, reading, &changes, statements, &second);
    if (changes.is_grammatical) { /* else the complaint about the text as it was written stands */
        rdb_error_clear(err);
        if (!ok)
            rdb_error_move(err, &second);
    }
    rdb_error_clear(&second);
    return ok;
}

/* One about audit policies, if it is that: the complaint is then the one about its own grammar. */
static bool parse_audit(rdb_arena *arena, const char *text, size_t length, const rdb_sql_reading *reading, rdb_ast_list *statements, rdb_error *err)
{
    rdb_strbuf rewritten;
    rdb_error own = {0};
    bool found = false;
    rdb_strbuf_init(&rewritten, arena);
    bool ok = sql_dialect_audit(arena, text, length, &rewritten, &found, &own);
    if (found || !ok) {
        rdb_error_clear(err);
        if (!ok)
            rdb_error_move(err, &own);
    }
    if (!ok || !found)
        return false;
    *statements = (rdb_ast_list){0};
    if (!parse_terminated(arena, rewritten.data, rewritten.length, reading, NULL, statements, err))
        return false;
    statements->items[0].start = 0; /* of the text as it came */
    statements->items[0].length = (int32_t)length;
    return true;
}

bool rdb_sql_parse_reading(rdb_arena *arena, const char *text, size_t length, const rdb_sql_reading *reading,
                           rdb_ast_list *statements, rdb_error *err)
{
    *statements = (rdb_ast_list){0};
    if (length > INT32_MAX / 2)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "statement is too long");
    if (memchr(text, '\0', length) != NULL)
        return rdb_error_set(err, RDB_CHARACTER_NOT_IN_REPERTOIRE,
                             "invalid byte sequence for encoding \"UTF8\": 0x00");
    /* The library wants a zero byte at the end. */
    char short_copy[2048];
    char *copy = length < sizeof short_copy ? short_copy : malloc(length + 1);
    if (copy == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    bool ok = parse_terminated(arena, copy, length, reading, NULL, statements, err) ||
              (rdb_error_is(err, RDB_SYNTAX_ERROR) && (parse_audit(arena, copy, length, reading, statements, err) ||
                                                        (rdb_error_is(err, RDB_SYNTAX_ERROR) && parse_dialect(arena, copy, length, reading, statements, err))));
    if (copy != short_copy)
        free(copy);
    if (!ok)
        *statements = (rdb_ast_list){0};
    return ok;
}

bool rdb_sql_parse(rdb_arena *arena, const char *text, size_t length, rdb_ast_list *statements, rdb_error *err)
{
    static const rdb_sql_reading STANDARD = {true, RDB_SQL_BACKSLASH_QUOTE_SAFE_ENCODING};
    return rdb_sql_parse_reading(arena, text, length, &STANDARD, statements, err);
}

int32_t rdb_sql_position(const char *text, size_t length, int32_t location)
{
    if (location < 0)
        return 0;
    size_t before = RDB_MIN((size_t)location, length);
    return (int32_t)rdb_utf8_count(text, before) + 1;
}
