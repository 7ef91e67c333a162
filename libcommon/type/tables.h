/* SPDX-License-Identifier: Apache-2.0
 * Every table of kernels and every set of type operations in this room, named once: the registry and the look-up of
 * operations read this list and nothing else. Each list ends with NULL. */
#ifndef RDB_TYPE_TABLES_H
#define RDB_TYPE_TABLES_H

#include "type/type_int.h"

#define TYPE_EACH_TABLE(X) \
    X(type_bool_table) X(type_int_table) X(type_text_table) X(type_numeric_table) X(type_numeric_math_table) X(type_oid_table) \
    X(type_float_table) X(type_float_math_table) X(type_array_table) X(type_text_ops_table) \
    X(type_pattern_table) X(type_regex_table) X(type_datetime_table) \
    X(type_datetime_math_table) X(type_datetime_fields_table) X(type_bytea_table) X(type_encoding_table) X(type_uuid_table) \
    X(type_json_table) X(type_format_time_table) X(type_scan_time_table) X(type_jsonpath_table) X(type_format_number_table) X(type_composite_table) \
    X(type_generic_table) X(type_hash_table) X(type_record_table) \
    X(type_in_range_table) X(type_inet_table) X(type_snapshot_table) X(type_macaddr_table) X(type_bit_table) X(type_money_table) X(type_json_record_table) X(type_range_table) X(type_multirange_table) X(type_text_more_table) \
    X(type_transition_table) X(type_geo_point_table) X(type_geo_box_table) X(type_geo_path_table) \
    X(type_tsvector_table) X(type_tsquery_table) X(type_ts_match_table) X(type_ts_rank_table) X(type_ts_rewrite_table)
#define TYPE_EACH_SET_TABLE(X) \
    X(type_array_set_table) X(type_regex_set_table) X(type_series_set_table) X(type_json_set_table) X(type_json_record_set_table) X(type_jsonpath_set_table) X(type_multirange_set_table) X(type_snapshot_set_table) X(type_tsvector_set_table) X(type_statistics_set_table)
#define TYPE_EACH_AGGREGATE_TABLE(X) \
    X(type_aggregate_basic_table) X(type_aggregate_sum_table) X(type_array_aggregate_table) X(type_text_aggregate_table) X(type_interval_aggregate_table) \
    X(type_json_aggregate_table) X(type_ordered_set_table) X(type_bit_aggregate_table) X(type_money_aggregate_table) X(type_range_aggregate_table)

#define DECLARE_TABLE(name) extern const type_kernel_table name;
#define DECLARE_SET_TABLE(name) extern const type_set_kernel_table name;
#define DECLARE_AGGREGATE_TABLE(name) extern const type_aggregate_table name;
TYPE_EACH_TABLE(DECLARE_TABLE)
TYPE_EACH_SET_TABLE(DECLARE_SET_TABLE)
TYPE_EACH_AGGREGATE_TABLE(DECLARE_AGGREGATE_TABLE)
#undef DECLARE_TABLE
#undef DECLARE_SET_TABLE
#undef DECLARE_AGGREGATE_TABLE

#define ADDRESS_OF(name) &name,
static const type_kernel_table *const TYPE_TABLES[] TYPE_UNUSED = {TYPE_EACH_TABLE(ADDRESS_OF) NULL};
static const type_set_kernel_table *const TYPE_SET_TABLES[] TYPE_UNUSED = {TYPE_EACH_SET_TABLE(ADDRESS_OF) NULL};
static const type_aggregate_table *const TYPE_AGGREGATE_TABLES[] TYPE_UNUSED = {TYPE_EACH_AGGREGATE_TABLE(ADDRESS_OF) NULL};
#undef ADDRESS_OF

extern const rdb_type_ops type_bool_ops, type_char_ops, type_int2_ops, type_int4_ops, type_int8_ops, type_oid_ops,
    type_text_ops, type_varchar_ops, type_bpchar_ops, type_name_ops, type_numeric_ops,
    type_reg_ops, type_xid_ops, type_float4_ops, type_float8_ops,
    type_array_ops, type_unordered_array_ops, type_vector_ops, type_date_ops, type_time_ops, type_timetz_ops, type_timestamp_ops,
    type_timestamptz_ops, type_interval_ops, type_bytea_ops, type_uuid_ops, type_tid_ops, type_xid8_ops, type_lsn_ops, type_json_ops, type_jsonb_ops, type_jsonpath_ops,
    type_range_ops, type_multirange_ops, type_inet_ops, type_macaddr_ops, type_macaddr8_ops, type_snapshot_ops, type_bit_ops, type_money_ops, type_enum_ops, type_record_ops, type_void_ops, type_aclitem_ops,
    type_point_ops, type_lseg_ops, type_box_ops, type_line_ops, type_circle_ops, type_path_ops, type_polygon_ops, type_tsvector_ops, type_tsquery_ops, type_combinations_ops, type_mcv_list_ops;

#endif
