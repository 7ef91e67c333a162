/* SPDX-License-Identifier: Apache-2.0
 * Polymorphic types made concrete by the types that a call has. There are two families. Of anyelement and its kin all arguments must be
 * of one type, or of arrays, ranges and multiranges over it; of anycompatible and its kin they need a common one, which a range among them
 * fixes. The same walk answers whether a call fits at all (probing) and what its types are. */
#include "sql/analyse_int.h"

enum { ANYMULTIRANGE = 4537, ANYCOMPATIBLEMULTIRANGE = 4538 };

typedef struct family {
    const char *range_name, *multirange_name; /* of the declared types, for messages */
    uint32_t element, array, range, multirange;                          /* 0: not known */
    uint32_t count;                                                      /* arguments of the family */
    bool refuses_arrays, wants_enum, wants_range, wants_multirange;      /* by what is declared */
    bool result_wants_range;
} family;

typedef struct polymorph {
    const analyse_state *state;
    bool probing, fits;
    rdb_error *err;
    family plain, compatible;
    const rdb_type **compatible_types; /* what the common type is to be found of */
    uint32_t compatible_type_count;
} polymorph;

/* It does not fit: said where an answer was asked for. */
#define MISFIT(p, ...)                                                                             \
    do {                                                                                           \
        (p)->fits = false;                                                                         \
        return (p)->probing ? true : rdb_error_set((p)->err, RDB_DATATYPE_MISMATCH, __VA_ARGS__);   \
    } while (0)

static bool disagree(polymorph *p, uint32_t first, uint32_t second, const char *format, const char *name, const char *other)
{
    p->fits = false;
    if (p->probing)
        return true;
    if (other != NULL)
        rdb_error_set(p->err, RDB_DATATYPE_MISMATCH, "argument declared %s is not consistent with argument declared %s", name, other);
    else
        rdb_error_set(p->err, RDB_DATATYPE_MISMATCH, "arguments declared \"%s\" are not all alike", name);
    return rdb_error_detail(p->err, format, analyse_type_name(p->state, first), analyse_type_name(p->state, second));
}

static bool note_same(polymorph *p, uint32_t *known, uint32_t actual, const char *name)
{
    if (*known != 0 && *known != actual)
        return disagree(p, *known, actual, "%s versus %s", name, NULL);
    *known = actual;
    return true;
}

static bool note_argument(polymorph *p, uint32_t declared, uint32_t actual)
{
    const bool is_plain = declared == RDB_ANYELEMENTOID || declared == RDB_ANYNONARRAYOID || declared == RDB_ANYENUMOID || declared == RDB_ANYARRAYOID ||
                          declared == RDB_ANYRANGEOID || declared == ANYMULTIRANGE;
    family *f = is_plain ? &p->plain : &p->compatible;
    const rdb_type *type, *element;
    f->count++;
    f->refuses_arrays |= declared == RDB_ANYNONARRAYOID || declared == RDB_ANYCOMPATIBLENONARRAYOID;
    f->wants_enum |= declared == RDB_ANYENUMOID;
    f->wants_range |= declared == RDB_ANYCOMPATIBLERANGEOID;
    f->wants_multirange |= declared == ANYCOMPATIBLEMULTIRANGE;
    if (actual == RDB_UNKNOWNOID)
        return true;
    if (!analyse_get_type(p->state, actual, &type, p->err))
        return false;
    const rdb_type *base = analyse_base_type(type, NULL);
    switch (declared) {
    case RDB_ANYELEMENTOID: case RDB_ANYNONARRAYOID: case RDB_ANYENUMOID:
        return note_same(p, &f->element, actual, "anyelement");
    case RDB_ANYARRAYOID:
        return note_same(p, &f->array, base->oid, "anyarray");
    case RDB_ANYRANGEOID: case RDB_ANYCOMPATIBLERANGEOID:
        return note_same(p, &f->range, base->oid, f->range_name);
    case ANYMULTIRANGE: case ANYCOMPATIBLEMULTIRANGE:
        return note_same(p, &f->multirange, base->oid, f->multirange_name);
    case RDB_ANYCOMPATIBLEARRAYOID:
        element = analyse_array_element(base) != NULL || base->typlen != -1 ? analyse_array_element(base) : base->element;
        if (element == NULL)
            MISFIT(p, "argument declared %s is not an array but type %s", "anycompatiblearray", analyse_type_name(p->state, base->oid));
        p->compatible_types[p->compatible_type_count++] = element;
        return true;
    default:
        p->compatible_types[p->compatible_type_count++] = type;
        return true;
    }
}

/* The multirange says which range it is of. */
static bool settle_multirange(polymorph *p, family *f)
{
    const rdb_type *type;
    if (f->multirange != 0) {
        if (!analyse_get_type(p->state, f->multirange, &type, p->err))
            return false;
        if (type->kind != 'm' || type->base == NULL)
            MISFIT(p, "argument declared %s is not a multirange type but type %s", f->multirange_name, analyse_type_name(p->state, f->multirange));
        if (f->range != 0 && f->range != type->base->oid)
            return disagree(p, f->multirange, f->range, "%s versus %s", f->multirange_name, f->range_name);
        f->range = type->base->oid;
    }
    if (f->range == 0)
        return true;
    if (!analyse_get_type(p->state, f->range, &type, p->err))
        return false;
    if (type->kind != 'r' || type->base == NULL)
        MISFIT(p, "argument declared %s is not a range type but type %s", f->range_name, analyse_type_name(p->state, f->range));
    f->multirange = type->multirange_oid;
    return true;
}

static bool settle_plain(polymorph *p)
{
    family *f = &p->plain;
    const rdb_type *type;
    if (f->count == 0)
        return true;
    if (f->array == RDB_ANYARRAYOID) {
        /* A value whose element type nobody knows, as in pg_statistic: it goes where nothing else is asked about it. */
        if (f->element != 0 || f->range != 0 || f->multirange != 0)
            MISFIT(p, "argument declared %s is not an array but type %s", "anyarray", "anyarray");
        return true;
    }
    if (f->array != 0) {
        if (!analyse_get_type(p->state, f->array, &type, p->err))
            return false;
        /* int2vector and oidvector pass for arrays here */
        const rdb_type *element = analyse_array_element(type) != NULL ? analyse_array_element(type) : type->typlen == -1 ? type->element : NULL;
        if (element == NULL)
            MISFIT(p, "argument declared %s is not an array but type %s", "anyarray", analyse_type_name(p->state, f->array));
        if (f->element != 0 && f->element != element->oid)
            return disagree(p, f->array, f->element, "%s versus %s", "anyarray", "anyelement");
        f->element = element->oid;
    }
    if (!settle_multirange(p, f) || !p->fits)
        return p->fits || p->probing;
    if (f->range != 0) {
        if (!analyse_get_type(p->state, f->range, &type, p->err))
            return false;
        if (f->element != 0 && f->element != type->base->oid)
            return disagree(p, f->range, f->element, "%s versus %s", "anyrange", "anyelement");
        f->element = type->base->oid;
    }
    if (f->element == 0) /* all unknown: where it is only asked whether they fit, they do */
        return p->probing || rdb_error_set(p->err, RDB_DATATYPE_MISMATCH, "could not determine polymorphic type because input has type %s", "unknown");
    if (!analyse_get_type(p->state, f->element, &type, p->err))
        return false;
    if (f->refuses_arrays && analyse_base_type(type, NULL)->element != NULL)
        MISFIT(p, "type matched to anynonarray is an array type: %s", analyse_type_name(p->state, f->element));
    if (f->wants_enum && type->kind != 'e')
        MISFIT(p, "type matched to anyenum is not an enum type: %s", analyse_type_name(p->state, f->element));
    return true;
}

static bool settle_compatible(polymorph *p)
{
    family *f = &p->compatible;
    const rdb_type *common = NULL, *range = NULL;
    if (f->count == 0)
        return true;
    if (!settle_multirange(p, f) || !p->fits)
        return p->fits || p->probing;
    if (f->range != 0) {
        if (!analyse_get_type(p->state, f->range, &range, p->err))
            return false;
        p->compatible_types[p->compatible_type_count++] = range->base;
    }
    if (p->compatible_type_count == 0) {
        if (!analyse_get_type(p->state, RDB_TEXTOID, &common, p->err)) /* of all unknown, as elsewhere */
            return false;
    } else {
        uint32_t chosen, mismatch;
        if (!analyse_common_of_types(p->state, p->compatible_type_count, p->compatible_types, &common, &chosen, &mismatch, p->err))
            return false;
        bool all = mismatch == UINT32_MAX;
        for (uint32_t at = 0; all && at < p->compatible_type_count; at++)
            if (!analyse_can_coerce(p->state, 1, &p->compatible_types[at]->oid, &common->oid, ANALYSE_IMPLICIT, &all, p->err))
                return false;
        if (!all)
            MISFIT(p, "arguments of anycompatible family cannot be cast to a common type");
    }
    f->element = common->oid;
    if (f->refuses_arrays && common->element != NULL)
        MISFIT(p, "type matched to anycompatiblenonarray is an array type: %s", analyse_type_name(p->state, f->element));
    if (range != NULL && range->base->oid != f->element)
        MISFIT(p, "anycompatiblerange type %s does not match anycompatible type %s", analyse_type_name(p->state, f->range), analyse_type_name(p->state, f->element));
    if (f->range == 0 && (f->wants_range || f->wants_multirange) && !p->probing)
        return rdb_error_set(p->err, RDB_DATATYPE_MISMATCH, "could not determine polymorphic type %s because input has type %s",
                             f->wants_multirange && !f->result_wants_range ? "anycompatiblemultirange" : "anycompatiblerange", "unknown");
    return true;
}

static bool array_of(polymorph *p, family *f, uint32_t *array)
{
    const rdb_type *type;
    *array = f->array;
    if (*array != 0 || f->element == 0)
        return true;
    if (!analyse_get_type(p->state, f->element, &type, p->err))
        return false;
    *array = f->array = type->array_oid;
    if (type->array_oid != 0)
        return true;
    p->fits = false;
    return p->probing || rdb_error_set(p->err, RDB_UNDEFINED_OBJECT, "could not find array type for data type %s", analyse_type_name(p->state, f->element));
}

/* What the declared type stands for; 0: that cannot be told. */
static bool concrete(polymorph *p, uint32_t declared, uint32_t *type)
{
    switch (declared) {
    case RDB_ANYELEMENTOID: case RDB_ANYNONARRAYOID: case RDB_ANYENUMOID:
        *type = p->plain.element;
        if (*type == 0 && p->plain.array == RDB_ANYARRAYOID && !p->probing)
            return rdb_error_set(p->err, RDB_DATATYPE_MISMATCH, "cannot determine element type of \"anyarray\" argument");
        return true;
    case RDB_ANYARRAYOID:
        return array_of(p, &p->plain, type);
    case RDB_ANYRANGEOID:
        *type = p->plain.range;
        return true;
    case ANYMULTIRANGE:
        *type = p->plain.multirange;
        return true;
    case RDB_ANYCOMPATIBLEARRAYOID:
        return array_of(p, &p->compatible, type);
    case RDB_ANYCOMPATIBLERANGEOID:
        *type = p->compatible.range;
        return true;
    case ANYCOMPATIBLEMULTIRANGE:
        *type = p->compatible.multirange;
        return true;
    default:
        *type = p->compatible.element;
        return true;
    }
}

static bool replace(polymorph *p, uint32_t count, const uint32_t *actual, uint32_t *declared, uint32_t *result)
{
    for (uint32_t at = 0; at <= count; at++) {
        uint32_t *slot = at < count ? &declared[at] : result;
        /* Arguments of the first family have their types already, but for the unknown ones; of the second all are converted. */
        const bool is_needed = at == count || *slot == RDB_ANYCOMPATIBLEOID || *slot == RDB_ANYCOMPATIBLEARRAYOID || *slot == RDB_ANYCOMPATIBLENONARRAYOID ||
                               actual[at] == RDB_UNKNOWNOID;
        if (!is_needed || !analyse_is_polymorphic(*slot))
            continue;
        if (!concrete(p, *slot, slot))
            return false;
        if (*slot == 0 && !p->probing)
            return rdb_error_set(p->err, RDB_DATATYPE_MISMATCH, "could not determine polymorphic type because input has type %s", "unknown");
    }
    return true;
}

bool analyse_resolve_polymorphic(const analyse_state *state, uint32_t count, const uint32_t *actual, uint32_t *declared, uint32_t result_declared, uint32_t *result,
                                 bool probing, bool *fits, rdb_error *err)
{
    uint32_t first = 0;
    *result = result_declared;
    if (fits != NULL)
        *fits = true;
    while (first < count && !analyse_is_polymorphic(declared[first]))
        first++;
    if (first == count)
        return true;
    polymorph p = {.state = state, .probing = probing, .fits = true, .err = err,
                   .plain = {.range_name = "anyrange", .multirange_name = "anymultirange"},
                   .compatible = {.range_name = "anycompatiblerange", .multirange_name = "anycompatiblemultirange",
                                  .result_wants_range = result_declared == RDB_ANYCOMPATIBLERANGEOID}};
    p.compatible_types = rdb_arena_alloc(analyse_arena(state), (count + 2) * sizeof *p.compatible_types);
    bool ok = true;
    for (uint32_t at = first; ok && p.fits && at < count; at++)
        if (analyse_is_polymorphic(declared[at]))
            ok = note_argument(&p, declared[at], actual[at]);
    ok = ok && (!p.fits || settle_plain(&p)) && (!p.fits || settle_compatible(&p)) && (!p.fits || replace(&p, count, actual, declared, result));
    if (fits != NULL)
        *fits = p.fits;
    return ok && (p.fits || probing);
}

bool rdb_polymorphic_resolve(rdb_access *access, rdb_arena *arena, const uint32_t *declared, const uint32_t *actual, uint32_t count, uint32_t polymorphic,
                             const rdb_type **type, rdb_error *err)
{
    rdb_analysis analysis = {.arena = arena, .access = access};
    const analyse_state state = {.analysis = &analysis};
    uint32_t *wanted = RDB_NEW_ARRAY(arena, uint32_t, count + 1), result = polymorphic;
    for (uint32_t at = 0; at < count; at++)
        wanted[at] = declared[at];
    return (!analyse_is_polymorphic(polymorphic) || analyse_resolve_polymorphic(&state, count, actual, wanted, polymorphic, &result, false, NULL, err)) &&
           analyse_get_type(&state, result, type, err);
}
