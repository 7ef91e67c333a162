/* SPDX-License-Identifier: Apache-2.0
 * Domains: the operations of a domain are its base's, called with the base's descriptor, since those read its element, labels
 * or fields. Input and receive also check the domain's rules, as nothing else stands between a client's text and a value. */
#include "type/rdb_type.h"

static rdb_domain_checker checker;

void rdb_domain_set_checker(rdb_domain_checker new_checker)
{
    checker = new_checker;
}

bool rdb_domain_has_rules(const rdb_type *type)
{
    for (; type != NULL && type->kind == 'd'; type = type->base)
        if (type->domain_not_null || type->domain_rule_count > 0)
            return true;
    return false;
}

bool rdb_domain_check(rdb_call *call, const rdb_type *type, rdb_datum value, bool is_null)
{
    if (type->kind != 'd' || !rdb_domain_has_rules(type))
        return true;
    if (checker == NULL)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "nobody checks values of domain \"%s\"", type->name);
    return checker(call, type, value, is_null);
}

static bool domain_input(rdb_call *call, const rdb_type *type, rdb_slice text, int32_t typmod, rdb_datum *value)
{
    (void)typmod; /* a domain takes none */
    return type->base->ops->input(call, type->base, text, type->domain_typmod, value) && rdb_domain_check(call, type, *value, false);
}

static bool domain_output(rdb_call *call, const rdb_type *type, rdb_datum value, rdb_strbuf *text)
{
    return type->base->ops->output(call, type->base, value, text);
}

static bool domain_receive(rdb_call *call, const rdb_type *type, rdb_slice bytes, int32_t typmod, rdb_datum *value)
{
    (void)typmod;
    return type->base->ops->receive(call, type->base, bytes, type->domain_typmod, value) && rdb_domain_check(call, type, *value, false);
}

static bool domain_send(rdb_call *call, const rdb_type *type, rdb_datum value, rdb_strbuf *bytes)
{
    return type->base->ops->send(call, type->base, value, bytes);
}

static int domain_compare(const rdb_type *type, uint32_t collation, rdb_datum left, rdb_datum right)
{
    return type->base->ops->compare(type->base, collation, left, right);
}

static uint64_t domain_hash(const rdb_type *type, uint32_t collation, rdb_datum value)
{
    return type->base->ops->hash(type->base, collation, value);
}

static bool domain_encode_key(const rdb_type *type, uint32_t collation, rdb_datum value, rdb_strbuf *key)
{
    return type->base->ops->encode_key(type->base, collation, value, key);
}

static bool domain_decode_key(const rdb_type *type, rdb_arena *arena, const uint8_t **at, const uint8_t *end, rdb_datum *value)
{
    return type->base->ops->decode_key(type->base, arena, at, end, value);
}

bool rdb_domain_make_ops(rdb_arena *arena, rdb_type *domain, rdb_error *err)
{
    const rdb_type_ops *base = domain->base != NULL ? domain->base->ops : NULL;
    domain->ops = NULL;
    if (base == NULL)
        return true;
    rdb_type_ops *ops = RDB_NEW(arena, rdb_type_ops);
    ops->input = base->input != NULL ? domain_input : NULL;
    ops->output = base->output != NULL ? domain_output : NULL;
    ops->receive = base->receive != NULL ? domain_receive : NULL;
    ops->send = base->send != NULL ? domain_send : NULL;
    ops->compare = base->compare != NULL ? domain_compare : NULL;
    ops->hash = base->hash != NULL ? domain_hash : NULL;
    ops->encode_key = base->encode_key != NULL ? domain_encode_key : NULL;
    ops->decode_key = base->decode_key != NULL ? domain_decode_key : NULL;
    domain->ops = ops;
    return rdb_arena_check(arena, err);
}
