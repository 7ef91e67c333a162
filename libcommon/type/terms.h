/* SPDX-License-Identifier: Apache-2.0
 * What the files about terms share (rdb_terms.h). */
#ifndef RDB_TYPE_TERMS_INT_H
#define RDB_TYPE_TERMS_INT_H

#include "type/rdb_terms.h"
#include "type/type_int.h"

/* Longer terms are cut and get a check sum: their searches are never exact. */
#define TERM_BYTES_MAX 240u

typedef struct term_work {
    rdb_call *call;        /* its arena, err, collation */
    const rdb_type *type;  /* the column's, domains taken off */
    const rdb_type *query_type;
    uint16_t column_no, strategy;
    rdb_terms *terms;      /* extracting */
    bool is_inexact;       /* asking */
} term_work;

struct rdb_term_class {
    uint32_t method_oid;
    const char *support;
    bool (*extract)(term_work *w, rdb_datum value);
    bool (*ask)(term_work *w, rdb_datum value, rdb_term_query **query);
    bool (*check)(const rdb_type *type, rdb_error *err); /* or NULL */
};

/* The bytes of a term in call->arena: the head, then what is added, closed by term_end. */
void term_begin(term_work *w, rdb_term_kind kind, rdb_strbuf *term);
/* Text closed by a zero, cut where it is too long; has_end false: any text that begins with it (a search). */
void term_text(term_work *w, rdb_strbuf *term, rdb_slice text, bool has_end);
bool term_add(term_work *w, rdb_strbuf *term);
bool term_add_plain(term_work *w, rdb_term_kind kind);
rdb_term_query *term_query(term_work *w, rdb_term_query_kind kind);
void term_query_add(term_work *w, rdb_term_query *query, rdb_term_query *item);
/* Rows with this term, or one that begins with it. */
rdb_term_query *term_query_of(term_work *w, rdb_strbuf *term);
rdb_term_query *term_query_plain(term_work *w, rdb_term_kind kind);
rdb_term_query *term_query_all(term_work *w);

extern const rdb_term_class term_array_class, term_jsonb_class, term_jsonb_path_class, term_document_class, term_document_gist_class, term_trigram_class,
    term_trigram_gist_class, term_span_classes[], term_plane_classes[];
extern const size_t term_span_class_count, term_plane_class_count;
const rdb_term_class *term_scalar_class(uint32_t method_oid, const char *support);

#endif
