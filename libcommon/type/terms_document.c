/* SPDX-License-Identifier: Apache-2.0
 * Terms of documents of text search: their words. A tsquery is answered by the rows that have its words; weights, distances and
 * what must not be there are left to the operator. */
#include "type/terms.h"
#include "type/ts.h"

enum { GIN_METHOD = 2742 };

static void word_term(term_work *w, rdb_slice lexeme, bool is_prefix, rdb_strbuf *term)
{
    term_begin(w, RDB_TERM_KEY, term);
    term_text(w, term, lexeme, !is_prefix);
}

static bool extract_words(term_work *w, rdb_datum value)
{
    const uint32_t count = ts_vector_count(value.bytes);
    for (uint32_t i = 0; i < count; i++) {
        rdb_strbuf term;
        word_term(w, ts_vector_get(value.bytes, i).lexeme, false, &term);
        if (!term_add(w, &term))
            return false;
    }
    return true;
}

static rdb_term_query *ask_node(term_work *w, const ts_node *node)
{
    if (node->kind == TS_VALUE) {
        rdb_strbuf term;
        word_term(w, node->lexeme, node->is_prefix, &term);
        w->is_inexact = w->is_inexact || node->weights != 0;
        return term_query_of(w, &term);
    }
    if (node->kind != TS_OPERATOR || node->oper == TS_NOT)
        return term_query_all(w);
    rdb_term_query *both = term_query(w, node->oper == TS_OR ? RDB_TERMS_OR : RDB_TERMS_AND);
    w->is_inexact = w->is_inexact || node->oper == TS_PHRASE;
    term_query_add(w, both, ask_node(w, node->left));
    term_query_add(w, both, ask_node(w, node->right));
    return both;
}

static bool ask_words(term_work *w, rdb_datum value, rdb_term_query **query)
{
    const ts_node *tree = ts_query_read(w->call, value.bytes);
    if (rdb_error_is_set(w->call->err))
        return false;
    *query = tree != NULL ? ask_node(w, tree) : term_query(w, RDB_TERMS_NONE);
    return true;
}

const rdb_term_class term_document_gist_class = {783, "gtsvector_consistent", extract_words, ask_words, NULL};
const rdb_term_class term_document_class = {GIN_METHOD, "gin_extract_tsvector", extract_words, ask_words, NULL};
