/* SPDX-License-Identifier: Apache-2.0
 * Room type: the values of built-in types: text and binary forms, comparison, hashing, index keys, and the kernels of
 * built-in functions, operators, casts and aggregates. It knows no catalog: what it registers, it registers by the OIDs
 * that PostgreSQL's own catalogs give (pg_type, pg_proc), and the rooms above join the two.
 *
 * Representations: bool BOOL; "char" INT8; int2 INT16; int4, date, oid, reg*, xid, cid INT32 (oids unsigned); int8,
 * time, timestamp, timestamptz, money, xid8, pg_lsn INT64; float4 FLOAT32; float8 FLOAT64; uuid, interval, timetz, tid
 * FIXED16; all else BYTES. name is BYTES of at most 63. date counts days, timestamps microseconds, from 2000-01-01;
 * infinity is the extreme of the integer, as in PostgreSQL. interval: int64 microseconds, int32 days, int32 months.
 * timetz: int64 microseconds, int32 zone (seconds west), 4 zero. tid: uint64 block, uint16 slot, zeroes.
 * numeric, arrays, jsonb, bit strings: the formats drawn in numeric.h, array.h, ... of this room. */
#ifndef RDB_TYPE_H
#define RDB_TYPE_H

#include "task/rdb_cancel.h"
#include "vec/rdb_vec.h"

/* OIDs of pg_type that code names. */
enum {
    RDB_BOOLOID = 16, RDB_BYTEAOID = 17, RDB_CHAROID = 18, RDB_NAMEOID = 19, RDB_INT8OID = 20, RDB_INT2OID = 21,
    RDB_INT2VECTOROID = 22, RDB_INT4OID = 23, RDB_REGPROCOID = 24, RDB_TEXTOID = 25, RDB_OIDOID = 26, RDB_TIDOID = 27,
    RDB_XIDOID = 28, RDB_CIDOID = 29, RDB_OIDVECTOROID = 30, RDB_JSONOID = 114, RDB_XMLOID = 142,
    RDB_PG_NODE_TREEOID = 194, RDB_POINTOID = 600, RDB_LSEGOID = 601, RDB_PATHOID = 602, RDB_BOXOID = 603, RDB_POLYGONOID = 604,
    RDB_LINEOID = 628, RDB_CIDROID = 650, RDB_FLOAT4OID = 700, RDB_FLOAT8OID = 701,
    RDB_UNKNOWNOID = 705, RDB_CIRCLEOID = 718, RDB_MACADDR8OID = 774, RDB_MONEYOID = 790, RDB_MACADDROID = 829, RDB_INETOID = 869, RDB_INT4ARRAYOID = 1007,
    RDB_TEXTARRAYOID = 1009, RDB_ACLITEMOID = 1033, RDB_BPCHAROID = 1042, RDB_VARCHAROID = 1043, RDB_DATEOID = 1082,
    RDB_TIMEOID = 1083, RDB_TIMESTAMPOID = 1114, RDB_TIMESTAMPTZOID = 1184, RDB_INTERVALOID = 1186,
    RDB_TIMETZOID = 1266, RDB_BITOID = 1560, RDB_VARBITOID = 1562, RDB_NUMERICOID = 1700, RDB_REFCURSOROID = 1790,
    RDB_REGCLASSOID = 2205, RDB_REGTYPEOID = 2206, RDB_RECORDOID = 2249, RDB_CSTRINGOID = 2275, RDB_ANYOID = 2276,
    RDB_ANYARRAYOID = 2277, RDB_VOIDOID = 2278, RDB_TRIGGEROID = 2279, RDB_INTERNALOID = 2281,
    RDB_ANYELEMENTOID = 2283, RDB_RECORDARRAYOID = 2287, RDB_ANYNONARRAYOID = 2776, RDB_UUIDOID = 2950,
    RDB_PG_LSNOID = 3220, RDB_ANYENUMOID = 3500, RDB_TSVECTOROID = 3614, RDB_TSQUERYOID = 3615, RDB_JSONBOID = 3802, RDB_ANYRANGEOID = 3831, RDB_JSONPATHOID = 4072,
    RDB_REGNAMESPACEOID = 4089, RDB_REGROLEOID = 4096, RDB_XID8OID = 5069, RDB_ANYCOMPATIBLEOID = 5077,
    RDB_ANYCOMPATIBLEARRAYOID = 5078, RDB_ANYCOMPATIBLENONARRAYOID = 5079, RDB_ANYCOMPATIBLERANGEOID = 5080
};
#define RDB_DEFAULT_COLLATION_OID 100u
#define RDB_C_COLLATION_OID 950u

/* One immutable descriptor a type (R43): what pg_type says, and what follows from it. Made by the catalog; the type room
 * reads it. Pointers hold for the life of the catalog entry that the statement pins. */
typedef struct rdb_type rdb_type;
typedef struct rdb_type_field { /* of a composite type */
    const char *name;
    const rdb_type *type;
    int32_t typmod;
    uint32_t collation;
    bool is_dropped;
} rdb_type_field;
typedef struct rdb_domain_rule { /* a CHECK of a domain */
    const char *name, *tree; /* the tree as the sql room wrote it */
} rdb_domain_rule;
struct rdb_type {
    uint32_t oid;
    const char *name;        /* typname: int4, _int4 */
    uint32_t namespace_oid;
    char kind;               /* typtype: b c d e m p r */
    char category;           /* typcategory: N S D ... */
    bool is_preferred;
    bool is_defined;
    uint8_t rep;             /* rdb_rep */
    int16_t typlen;          /* as PostgreSQL says it: what clients are told in RowDescription */
    bool is_by_value;
    char delimiter;          /* typdelim */
    uint32_t array_oid;      /* the array of this, 0: none */
    uint32_t collation;      /* typcollation */
    uint32_t relation_oid;   /* typrelid of a composite */
    int32_t domain_typmod;
    bool domain_not_null;           /* the domain's own rules; its base may have more */
    const char *domain_default_tree; /* NULL: none */
    const rdb_domain_rule *domain_rules; /* by name */
    uint32_t domain_rule_count;
    uint32_t input_oid, output_oid, receive_oid, send_oid; /* pg_proc */
    uint32_t typmod_in_oid, typmod_out_oid;
    const rdb_type *element; /* true arrays (and int2vector, oidvector): the element; else NULL */
    const rdb_type *base;    /* domain: what it is over; range: its subtype; multirange: its range; else NULL */
    uint32_t multirange_oid; /* range: its multirange */
    uint32_t range_collation; /* range: what its bounds are compared under */
    const rdb_type_field *fields;
    uint32_t field_count;
    const char *const *labels; /* enum, in sort order; the value is the uint32 oid of the label */
    const uint32_t *label_oids;
    const float *label_orders; /* enumsortorder: a label keeps it for life, so index keys are made of it */
    uint32_t label_count;
    const struct rdb_type_ops *ops; /* rdb_type_ops_find's answer, kept; NULL: no kernels for this type yet */
    const rdb_type *like;    /* a user's base type: the built-in one whose input function it has; else NULL */
};

/* What shapes a value's text: settings of the session, read by kernels through the call. */
typedef struct rdb_timezone rdb_timezone; /* a TZif file read once, immutable */
typedef struct rdb_format_settings {
    enum { RDB_DATESTYLE_ISO, RDB_DATESTYLE_SQL, RDB_DATESTYLE_POSTGRES, RDB_DATESTYLE_GERMAN } date_style;
    enum { RDB_DATEORDER_MDY, RDB_DATEORDER_DMY, RDB_DATEORDER_YMD } date_order;
    enum { RDB_INTERVALSTYLE_POSTGRES, RDB_INTERVALSTYLE_VERBOSE, RDB_INTERVALSTYLE_SQL, RDB_INTERVALSTYLE_ISO } interval_style;
    int extra_float_digits;
    bool bytea_escape; /* bytea_output = escape */
    uint8_t client_encoding; /* PostgreSQL's number of what the client reads and writes; 0: as the server has it */
    const rdb_timezone *timezone;
} rdb_format_settings;
/* ISO, MDY, postgres, 1, hex, UTC. */
const rdb_format_settings *rdb_format_default(void);
/* A zone by IANA name, abbreviation or POSIX string ("Europe/Rome", "UTC", "+02", "EST5EDT"); cached for the process.
 * NULL when there is none. */
const rdb_timezone *rdb_timezone_find(const char *name);
const char *rdb_timezone_name(const rdb_timezone *zone);

/* What a kernel is called with. Nothing is thread-local. */
typedef struct rdb_call {
    rdb_arena *arena; /* results that need memory; holds at least until the batch is consumed */
    rdb_error *err;
    const rdb_format_settings *format;
    uint32_t collation;
    uint32_t bad_row;                      /* out: the row at which a kernel returned false */
    int64_t statement_us, transaction_us;  /* wall clock at their start: statement_timestamp(), now() */
    const rdb_type *const *argument_types; /* for polymorphic kernels */
    uint32_t argument_count;
    /* ordered-set aggregates: direct arguments stand after the aggregated ones; how those are sorted, by argument */
    uint32_t direct_count;
    const bool *sort_descending, *sort_nulls_first;
    const uint32_t *sort_collations;
    bool is_variadic; /* the last argument was written VARIADIC: an array of what functions of "any" would get one by one */
    const rdb_type *result_type;
    int32_t result_typmod;
    void **state;          /* one pointer per call site, NULL at first: a compiled pattern; memory from plan_arena */
    rdb_arena *plan_arena; /* lives as long as the call site */
    void *session;         /* for functions of upper rooms; opaque here */
    rdb_cancel *cancel;    /* of the statement: whoever may be long over one value looks at it; or NULL */
} rdb_call;

/* The one signature (R41). Arguments are flat or constant vectors; out is flat with room for every selected row and no
 * nulls yet. Of a strict function the caller has taken rows with a null argument out of the selection and set their
 * results null. False: err is set and bad_row says where; rows before it are done. */
typedef bool (*rdb_kernel)(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out,
                           const rdb_selection *selection);

enum rdb_kernel_flags {
    RDB_KERNEL_FALLIBLE = 1,      /* may raise for a row: run it on the current selection only */
    RDB_KERNEL_POLYMORPHIC = 2,   /* reads argument_types */
    RDB_KERNEL_NEEDS_SESSION = 4, /* reads call->session */
};
/* Strictness, volatility, variadic and the like come from pg_proc. */
typedef struct rdb_kernel_entry {
    uint32_t proc_oid;
    rdb_kernel kernel;
    unsigned flags;
} rdb_kernel_entry;
/* NULL: this built-in function has no kernel yet (0A000 at analysis). */
const rdb_kernel_entry *rdb_kernel_find(uint32_t proc_oid);
/* Upper rooms add theirs at start, before any session runs. The entries stay the caller's and must be static. */
void rdb_kernel_register(const rdb_kernel_entry *entries, uint32_t count);

/* Set-returning functions: begin, then next until it gives no row. Columns as pg_proc's OUT arguments say. */
typedef struct rdb_set_kernel_entry {
    uint32_t proc_oid;
    uint32_t state_bytes;
    /* arguments: one value each. Strictness is the caller's. */
    bool (*begin)(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null);
    /* Fills at most capacity rows of the columns; *count 0 means the end. */
    bool (*next)(rdb_call *call, void *state, rdb_vector **columns, uint32_t column_count, uint32_t capacity,
                 uint32_t *count);
    unsigned flags;
} rdb_set_kernel_entry;
const rdb_set_kernel_entry *rdb_set_kernel_find(uint32_t proc_oid);
void rdb_set_kernel_register(const rdb_set_kernel_entry *entries, uint32_t count);

/* Aggregates by pg_proc OID. The state is state_bytes of zeroes at first, 16-byte aligned, plus what update takes from
 * call->arena (which lives as long as the groups). */
typedef struct rdb_aggregate_entry {
    uint32_t proc_oid;
    uint32_t state_bytes;
    /* states[i] belongs to the i-th selected position (not row). Several may be the same pointer. */
    bool (*update)(rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection);
    /* One state for all selected rows: the ungrouped path. NULL: update serves. */
    bool (*update_all)(rdb_call *call, void *state, const rdb_vector *const *arguments, const rdb_selection *selection);
    bool (*combine)(rdb_call *call, void *into, const void *from); /* NULL: cannot run in parallel or spill */
    bool (*finish)(rdb_call *call, void *state, rdb_datum *value, bool *is_null);
    unsigned flags; /* RDB_AGGREGATE_* */
} rdb_aggregate_entry;
#define RDB_AGGREGATE_SKIPS_NULLS 1u /* the caller drops rows with a null argument */
const rdb_aggregate_entry *rdb_aggregate_find(uint32_t proc_oid);

/* Frames by RANGE with an offset: is value <= (less) or >= base - offset (sub) or base + offset? None is null. False: call->err. */
bool rdb_in_range(rdb_call *call, uint32_t key_oid, uint32_t offset_oid, rdb_datum value, rdb_datum base, rdb_datum offset, bool sub, bool less, bool *result);
/* The at-th kind of offset that a key of the type can have: pg_proc OID of the support function; 0: there are no more. */
uint32_t rdb_in_range_find(uint32_t key_oid, uint32_t at, uint32_t *offset_oid);

/* The operations of one type. Inputs of compare, hash and encode_key are never null. */
typedef struct rdb_type_ops {
    /* text is not terminated. typmod is applied where the type's input function does (varchar(n), numeric(p,s)). */
    bool (*input)(rdb_call *call, const rdb_type *type, rdb_slice text, int32_t typmod, rdb_datum *value);
    bool (*output)(rdb_call *call, const rdb_type *type, rdb_datum value, rdb_strbuf *text);
    bool (*receive)(rdb_call *call, const rdb_type *type, rdb_slice bytes, int32_t typmod, rdb_datum *value);
    bool (*send)(rdb_call *call, const rdb_type *type, rdb_datum value, rdb_strbuf *bytes);
    /* The default btree order (<0, 0, >0), equality and hash agree with one another. NULL: the type has no order. */
    int (*compare)(const rdb_type *type, uint32_t collation, rdb_datum left, rdb_datum right);
    uint64_t (*hash)(const rdb_type *type, uint32_t collation, rdb_datum value);
    /* Appends bytes that memcmp orders as compare does, self-delimiting (no encoded key is a prefix of another). */
    bool (*encode_key)(const rdb_type *type, uint32_t collation, rdb_datum value, rdb_strbuf *key);
    /* Back from the key's bytes: *at is advanced. NULL: not reversible, so indexes also store the value (R31). */
    bool (*decode_key)(const rdb_type *type, rdb_arena *arena, const uint8_t **at, const uint8_t *end, rdb_datum *value);
} rdb_type_ops;
/* The operations for a descriptor, by its OID, or its kind (array, enum, composite, domain → base). NULL: none yet. */
const rdb_type_ops *rdb_type_ops_find(const rdb_type *type);
/* The hash that PostgreSQL's extended hash function of the type gives: rows of hash-partitioned tables find their
 * partition by it (seed UINT64_C(0x7A5B22367996DCFD) there). */
RDB_CHECKED bool rdb_type_hash_compatible(rdb_call *call, const rdb_type *type, rdb_datum value, uint64_t seed, uint64_t *hash);
/* Small letters, by Unicode's rules. */
bool rdb_text_lower(rdb_call *call, rdb_bytes source, rdb_datum *lowered);
/* Base types of extensions: what values are whose input function, or whose comparison, is the C function
 * of that name. The text is static. */
void rdb_type_ops_register(const char *input_source, rdb_rep rep, const rdb_type_ops *ops);
const rdb_type_ops *rdb_type_ops_of_source(const char *input_source, rdb_rep *rep); /* NULL: none */
/* The representation of a type, by OID and, for those not built in, by kind; for whoever makes descriptors. */
rdb_rep rdb_type_rep(uint32_t oid, char kind, int16_t typlen);

/* Domains: values are their base's. The descriptor of a domain has operations of its own, made here from its base's: what
 * comes in from outside is checked, all else goes through. */
RDB_CHECKED bool rdb_domain_make_ops(rdb_arena *arena, rdb_type *domain, rdb_error *err);
/* Has it, or a domain below it, a rule that a value could break? */
bool rdb_domain_has_rules(const rdb_type *type);
/* NOT NULL and CHECKs of a domain and those below it; true where type is none. */
bool rdb_domain_check(rdb_call *call, const rdb_type *type, rdb_datum value, bool is_null);
/* Who evaluates them: the room of expressions, once at start. */
typedef bool (*rdb_domain_checker)(rdb_call *call, const rdb_type *domain, rdb_datum value, bool is_null);
void rdb_domain_set_checker(rdb_domain_checker checker);

/* Arrays, for who evaluates subscripts, ANY and ALL, and ARRAY[...]. Values borrow from the array they are read from. */
#define RDB_ARRAY_DIMS_MAX 6
typedef struct rdb_array_shape {
    uint32_t element_oid, count;
    int32_t ndim;
    int32_t lengths[RDB_ARRAY_DIMS_MAX], lowers[RDB_ARRAY_DIMS_MAX];
} rdb_array_shape;
void rdb_array_get_shape(rdb_datum array, rdb_array_shape *shape);
/* The index-th element in storage order; false: it is null. */
bool rdb_array_get(rdb_datum array, uint32_t index, rdb_datum *value);
/* ARRAY[a, b]: one dimension from 1. */
RDB_CHECKED bool rdb_array_build(rdb_call *call, const rdb_type *element, const rdb_datum *values, const bool *nulls,
                                 uint32_t count, rdb_datum *result);
/* An array of that shape (its element_oid is not looked at); values in storage order. */
RDB_CHECKED bool rdb_array_build_shaped(rdb_call *call, const rdb_type *element, const rdb_array_shape *shape, const rdb_datum *values,
                                        const bool *nulls, rdb_datum *result);
/* ARRAY[[..],[..]]: the parts, arrays of one shape, become the rows of one more dimension. */
RDB_CHECKED bool rdb_array_build_nested(rdb_call *call, const rdb_type *element, const rdb_datum *parts, const bool *nulls,
                                        uint32_t count, rdb_datum *result);
/* Arrays gathered row by row, as ARRAY(SELECT array) and array_agg(array) have it: like nested, but neither null nor empty nor of
 * different shapes. */
RDB_CHECKED bool rdb_array_build_gathered(rdb_call *call, const rdb_type *element, const rdb_datum *parts, const bool *nulls,
                                          uint32_t count, rdb_datum *result);
/* a[i][j]; false: null or outside. */
bool rdb_array_subscript(rdb_datum array, const int32_t *subscripts, uint32_t count, rdb_datum *value);
/* a[lower:upper]...; a missing bound is the array's own. */
RDB_CHECKED bool rdb_array_slice(rdb_call *call, const rdb_type *element, rdb_datum array, const int32_t *lowers,
                                 const int32_t *uppers, const bool *has_lower, const bool *has_upper, uint32_t count,
                                 rdb_datum *result);
/* array[i] = value for UPDATE; array_is_null starts an empty one. One dimension grows at both ends. */
RDB_CHECKED bool rdb_array_assign(rdb_call *call, const rdb_type *element, rdb_datum array, bool array_is_null,
                                  const int32_t *subscripts, uint32_t count, rdb_datum value, bool value_is_null,
                                  rdb_datum *result);

/* array[lower:upper] = value: the region takes value's first elements. value_is_null changes nothing. */
RDB_CHECKED bool rdb_array_assign_slice(rdb_call *call, const rdb_type *element, rdb_datum array, bool array_is_null,
                                        const int32_t *lowers, const int32_t *uppers, const bool *has_lower, const bool *has_upper,
                                        uint32_t count, rdb_datum value, bool value_is_null, rdb_datum *result);

/* point, line, lseg and box are read and written by subscript as well, from 0. The OID of the element's type; 0: the type is
 * none of these. get gives false outside; the element borrows from the value. */
uint32_t rdb_fixed_element(uint32_t type_oid);
bool rdb_fixed_get(uint32_t type_oid, rdb_datum value, int32_t subscript, rdb_datum *element);
RDB_CHECKED bool rdb_fixed_assign(rdb_call *call, uint32_t type_oid, rdb_datum value, int32_t subscript, rdb_datum element,
                                  rdb_datum *result);

/* json[...][...]: each step is a key, or a position as text. False: there is nothing. */
bool rdb_jsonb_subscript(rdb_datum json, const rdb_bytes *steps, uint32_t count, rdb_datum *result);
/* json[...][...] = value: what is missing on the way is made, arrays are filled with nulls. json_is_null starts an empty
 * array or object, as starts_array says; a null value is JSON's. */
RDB_CHECKED bool rdb_jsonb_assign(rdb_call *call, rdb_datum json, bool json_is_null, bool starts_array, const rdb_bytes *steps,
                                  uint32_t count, rdb_datum value, bool value_is_null, rdb_datum *result);

/* Rows as values: ROW(...), composite columns. read fills arrays of rdb_record_count(record) items; values borrow. */
RDB_CHECKED bool rdb_record_build(rdb_call *call, const rdb_type *const *types, const rdb_datum *values, const bool *nulls,
                                  uint32_t count, rdb_datum *result);
uint32_t rdb_record_count(rdb_datum record);
RDB_CHECKED bool rdb_record_read(rdb_call *call, rdb_datum record, const rdb_type **types, rdb_datum *values, bool *nulls,
                                 uint32_t count);
/* One field, from 0: false where it is null or the record has none. *type_oid (may be NULL): what it was built as. */
bool rdb_record_field(rdb_datum record, uint32_t field_no, uint32_t *type_oid, rdb_datum *value);

/* How the reg* types and the values of anonymous rows meet the catalog: an upper room sets these once, at start. Without
 * them a reg* value reads and prints as a number. */
typedef bool (*rdb_regtype_input)(rdb_call *call, const rdb_type *type, rdb_slice text, uint32_t *oid);
typedef bool (*rdb_regtype_output)(rdb_call *call, const rdb_type *type, uint32_t oid, rdb_strbuf *text);
void rdb_regtype_set_hooks(rdb_regtype_input input, rdb_regtype_output output);
/* NOTICEs that a kernel gives: a room with sessions takes them, once set at start; text is borrowed, detail may be NULL. */
typedef void (*rdb_type_notice_hook)(rdb_call *call, const char *sqlstate, const char *text, const char *detail);
void rdb_type_set_notice_hook(rdb_type_notice_hook hook);
/* The descriptor of a type by OID, NULL where there is none; call->session tells whose catalog. */
typedef const rdb_type *(*rdb_type_resolver)(rdb_call *call, uint32_t oid);
void rdb_type_set_resolver(rdb_type_resolver resolver);
/* The resolver's answer, or an error (42704). */
RDB_CHECKED bool rdb_type_descriptor(rdb_call *call, uint32_t oid, const rdb_type **type);

/* Names and literals as quote_ident and quote_literal write them, for deparsers. */
bool rdb_identifier_needs_quotes(const char *name);
void rdb_identifier_add(rdb_strbuf *text, const char *name);
void rdb_literal_add(rdb_strbuf *text, const char *bytes, size_t length);

/* An index key column: a tag byte (0x01 null first, 0x02 value, 0x03 null last), then the encoded value; descending flips
 * every byte of the value (not of the tag). */
RDB_CHECKED bool rdb_type_encode_column(const rdb_type *type, uint32_t collation, rdb_datum value, bool is_null,
                                        bool descending, bool nulls_first, rdb_strbuf *key, rdb_error *err);

/* Back from an index key's column, where the type's keys are reversible (decode_key) and, of texts, order by bytes; *at is advanced. */
RDB_CHECKED bool rdb_type_decode_column(const rdb_type *type, bool descending, rdb_arena *arena, const uint8_t **at, const uint8_t *end, rdb_datum *value, bool *is_null,
                                        rdb_error *err);

/* The double nearest to a numeric, so that a greater numeric never has a smaller one; NaN and infinities as such. */
double rdb_numeric_nearest(rdb_datum value);
/* The names as PostgreSQL prints them: "integer", "character varying(20)", "numeric(10,2)", "text[]". */
void rdb_type_format_name(const rdb_type *type, int32_t typmod, bool with_typmod, rdb_strbuf *text);

#endif
