/* SPDX-License-Identifier: Apache-2.0
 * The four forms of EXPLAIN's answer. */
#include "command/explain_int.h"

static void new_line(explain_writer *w)
{
    if (w->out.length > 0)
        rdb_strbuf_addc(&w->out, '\n');
    for (uint32_t i = 0; i < w->indent; i++)
        rdb_strbuf_adds(&w->out, "  ");
}

/* Before each item: what parts it from the one before. */
static void begin_item(explain_writer *w)
{
    bool *has_item = &w->has_item[RDB_MIN(w->depth, EXPLAIN_GROUPS_MAX - 1u)];
    switch (w->format) {
    case EXPLAIN_JSON:
        if (*has_item)
            rdb_strbuf_addc(&w->out, ',');
        new_line(w);
        break;
    case EXPLAIN_YAML:
        if (*has_item || w->depth == 0)
            new_line(w);
        break;
    case EXPLAIN_XML: new_line(w); break;
    case EXPLAIN_TEXT: break;
    }
    *has_item = true;
}

static void add_tag(explain_writer *w, const char *name)
{
    for (const char *at = name; *at != '\0'; at++)
        rdb_strbuf_addc(&w->out, (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') || *at == '_' || *at == '.' || *at == '-' ? *at : '-');
}

static void add_xml(explain_writer *w, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '&': rdb_strbuf_adds(&w->out, "&amp;"); break;
        case '<': rdb_strbuf_adds(&w->out, "&lt;"); break;
        case '>': rdb_strbuf_adds(&w->out, "&gt;"); break;
        case '\r': rdb_strbuf_adds(&w->out, "&#x0d;"); break;
        default: rdb_strbuf_addc(&w->out, *text); break;
        }
}

static void push(explain_writer *w)
{
    w->depth++;
    w->has_item[RDB_MIN(w->depth, EXPLAIN_GROUPS_MAX - 1u)] = false;
}

void explain_open(explain_writer *w, const char *kind, const char *label, bool labeled)
{
    switch (w->format) {
    case EXPLAIN_TEXT: return;
    case EXPLAIN_JSON:
        begin_item(w);
        if (label != NULL) {
            rdb_strbuf_add_json(&w->out, label, strlen(label));
            rdb_strbuf_adds(&w->out, ": ");
        }
        rdb_strbuf_addc(&w->out, labeled ? '{' : '[');
        w->indent++;
        break;
    case EXPLAIN_XML:
        begin_item(w);
        rdb_strbuf_addc(&w->out, '<');
        add_tag(w, kind);
        rdb_strbuf_addc(&w->out, '>');
        w->indent++;
        break;
    case EXPLAIN_YAML:
        begin_item(w);
        if (label != NULL) {
            rdb_strbuf_addf(&w->out, "%s: ", label);
            w->indent++;
            push(w);
            w->has_item[RDB_MIN(w->depth, EXPLAIN_GROUPS_MAX - 1u)] = true; /* its first item begins a line */
            return;
        }
        rdb_strbuf_adds(&w->out, "- ");
        w->indent++;
        break;
    }
    push(w);
}

void explain_close(explain_writer *w, const char *kind, bool labeled)
{
    if (w->format == EXPLAIN_TEXT)
        return;
    w->depth--;
    w->indent--;
    if (w->format == EXPLAIN_YAML)
        return;
    new_line(w);
    if (w->format == EXPLAIN_JSON) {
        rdb_strbuf_addc(&w->out, labeled ? '}' : ']');
        return;
    }
    rdb_strbuf_adds(&w->out, "</");
    add_tag(w, kind);
    rdb_strbuf_addc(&w->out, '>');
}

static void put(explain_writer *w, const char *label, const char *value, bool is_quoted)
{
    begin_item(w);
    switch (w->format) {
    case EXPLAIN_TEXT: rdb_strbuf_addf(&w->out, "%*s%s: %s\n", (int)w->indent, "", label, value); break;
    case EXPLAIN_JSON:
    case EXPLAIN_YAML:
        if (w->format == EXPLAIN_JSON)
            rdb_strbuf_add_json(&w->out, label, strlen(label));
        else
            rdb_strbuf_adds(&w->out, label);
        rdb_strbuf_adds(&w->out, ": ");
        if (is_quoted)
            rdb_strbuf_add_json(&w->out, value, strlen(value));
        else
            rdb_strbuf_adds(&w->out, value);
        break;
    case EXPLAIN_XML:
        rdb_strbuf_addc(&w->out, '<');
        add_tag(w, label);
        rdb_strbuf_addc(&w->out, '>');
        add_xml(w, value);
        rdb_strbuf_adds(&w->out, "</");
        add_tag(w, label);
        rdb_strbuf_addc(&w->out, '>');
        break;
    }
}

void explain_put(explain_writer *w, const char *label, const char *value)
{
    put(w, label, value, true);
}

void explain_put_raw(explain_writer *w, const char *label, const char *value)
{
    put(w, label, value, false);
}

void explain_put_number(explain_writer *w, const char *label, double value, int digits)
{
    char text[64];
    snprintf(text, sizeof text, "%.*f", digits, value);
    put(w, label, text, false);
}

void explain_put_list(explain_writer *w, const char *label, const rdb_list *texts)
{
    begin_item(w);
    switch (w->format) {
    case EXPLAIN_TEXT:
        rdb_strbuf_addf(&w->out, "%*s%s: ", (int)w->indent, "", label);
        for (uint32_t i = 0; i < texts->count; i++)
            rdb_strbuf_addf(&w->out, "%s%s", i > 0 ? ", " : "", (const char *)texts->items[i]);
        rdb_strbuf_addc(&w->out, '\n');
        return;
    case EXPLAIN_JSON:
        rdb_strbuf_add_json(&w->out, label, strlen(label));
        rdb_strbuf_adds(&w->out, ": [");
        for (uint32_t i = 0; i < texts->count; i++) {
            rdb_strbuf_adds(&w->out, i > 0 ? ", " : "");
            rdb_strbuf_add_json(&w->out, texts->items[i], strlen(texts->items[i]));
        }
        rdb_strbuf_addc(&w->out, ']');
        return;
    case EXPLAIN_YAML:
        rdb_strbuf_addf(&w->out, "%s: ", label);
        for (uint32_t i = 0; i < texts->count; i++) {
            new_line(w);
            rdb_strbuf_adds(&w->out, "  - ");
            rdb_strbuf_add_json(&w->out, texts->items[i], strlen(texts->items[i]));
        }
        return;
    case EXPLAIN_XML:
        rdb_strbuf_addc(&w->out, '<');
        add_tag(w, label);
        rdb_strbuf_addc(&w->out, '>');
        w->indent++;
        for (uint32_t i = 0; i < texts->count; i++) {
            new_line(w);
            rdb_strbuf_adds(&w->out, "<Item>");
            add_xml(w, texts->items[i]);
            rdb_strbuf_adds(&w->out, "</Item>");
        }
        w->indent--;
        new_line(w);
        rdb_strbuf_adds(&w->out, "</");
        add_tag(w, label);
        rdb_strbuf_addc(&w->out, '>');
        return;
    }
}

void explain_begin(explain_writer *w)
{
    if (w->format == EXPLAIN_JSON)
        rdb_strbuf_addc(&w->out, '[');
    if (w->format == EXPLAIN_XML)
        rdb_strbuf_adds(&w->out, "<explain xmlns=\"http://www.postgresql.org/2009/explain\">");
    w->indent = w->format == EXPLAIN_JSON || w->format == EXPLAIN_XML;
}

void explain_end(explain_writer *w)
{
    w->indent = 0;
    if (w->format == EXPLAIN_JSON)
        rdb_strbuf_adds(&w->out, "\n]");
    if (w->format == EXPLAIN_XML)
        rdb_strbuf_adds(&w->out, "\n</explain>");
}
