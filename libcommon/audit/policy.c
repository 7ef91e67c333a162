/* SPDX-License-Identifier: Apache-2.0
 * Which policies ask for a record. Actions and conditions are read once, when the set is made; a statement then meets words that are
 * compared and a small tree. */
#include "audit/rdb_audit_policy.h"
#include "audit/rdb_audit_search.h"
#include "policy_int.h"

#include <stdlib.h>
#include <strings.h>

typedef struct policy_action {
    const char *word;
    uint32_t classes;       /* the word is a class, or ALL */
    const char **columns;
    uint32_t column_count;
    const char *schema, *object; /* object NULL: any */
} policy_action;

typedef struct policy {
    const char *name;
    policy_action *actions;
    uint32_t action_count, role_count;
    const policy_condition *condition;
    const char **roles;
    bool excepts, on_success, on_failure;
} policy;

struct rdb_audit_policies {
    rdb_arena *arena;
    rdb_list items; /* policy * */
};

bool rdb_audit_policies_create(rdb_audit_policies **created, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("audit policies", NULL, NULL);
    *created = NULL;
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    *created = RDB_NEW(arena, rdb_audit_policies);
    (*created)->arena = arena;
    return true;
}

void rdb_audit_policies_destroy(rdb_audit_policies **policies)
{
    if (*policies != NULL)
        rdb_arena_destroy((*policies)->arena);
    *policies = NULL;
}

bool rdb_audit_policies_is_empty(const rdb_audit_policies *policies)
{
    return policies == NULL || policies->items.count == 0;
}

/* WORD[(a,b)][ ON [schema.]object] */
static void read_action(rdb_arena *arena, const char *text, policy_action *action)
{
    const char *on = strstr(text, " ON "), *open = strchr(text, '(');
    const char *end = open != NULL && (on == NULL || open < on) ? open : on != NULL ? on : text + strlen(text);
    action->word = rdb_arena_strndup(arena, text, (size_t)(end - text));
    rdb_audit_read_class(action->word, &action->classes);
    if (strcasecmp(action->word, "all") == 0)
        action->classes = UINT32_MAX;
    if (end == open) {
        const char *close = strchr(open, ')');
        uint32_t count = 1;
        for (const char *c = open; close != NULL && c < close; c++)
            count += *c == ',';
        action->columns = RDB_NEW_ARRAY(arena, const char *, count);
        for (const char *name = open + 1; close != NULL && name < close;) {
            size_t length = strcspn(name, ",)");
            action->columns[action->column_count++] = rdb_arena_strndup(arena, name, length);
            name += length + 1;
        }
    }
    if (on != NULL) {
        const char *dot = strchr(on + 4, '.');
        action->schema = dot != NULL ? rdb_arena_strndup(arena, on + 4, (size_t)(dot - on - 4)) : NULL;
        action->object = rdb_arena_strdup(arena, dot != NULL ? dot + 1 : on + 4);
    }
}

bool rdb_audit_policies_add(rdb_audit_policies *policies, const char *name, const char *const *actions, uint32_t action_count, const char *condition,
                            const char *const *roles, uint32_t role_count, bool excepts, bool on_success, bool on_failure, rdb_error *err)
{
    rdb_arena *arena = policies->arena;
    policy *made = RDB_NEW(arena, policy);
    *made = (policy){.name = rdb_arena_strdup(arena, name), .action_count = action_count, .role_count = role_count, .excepts = excepts, .on_success = on_success, .on_failure = on_failure};
    made->actions = RDB_NEW_ARRAY(arena, policy_action, action_count + 1);
    made->roles = RDB_NEW_ARRAY(arena, const char *, role_count + 1);
    for (uint32_t i = 0; i < action_count; i++)
        read_action(arena, actions[i], &made->actions[i]);
    for (uint32_t i = 0; i < role_count; i++)
        made->roles[i] = rdb_arena_strdup(arena, roles[i]);
    if (condition != NULL && condition[0] != '\0' && !policy_condition_read(arena, rdb_arena_strdup(arena, condition), &made->condition, err))
        return false;
    rdb_list_push(arena, &policies->items, made);
    return rdb_arena_check(arena, err);
}

/* ---- matching ------------------------------------------------------------------------------------------------------------ */
static bool has_word(const char *words, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = words; at != NULL && (at = strcasestr(at, word)) != NULL; at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
            return true;
    return false;
}

/* The word against what the statement as a whole does. */
static bool does(const policy_action *action, const rdb_audit_facts *facts)
{
    const size_t length = strlen(action->word);
    if ((action->classes & RDB_AUDIT_BIT(facts->class)) != 0)
        return true;
    if (strcasecmp(action->word, facts->action) == 0)
        return true;
    if ((strcasecmp(action->word, "logon") == 0 && strcmp(facts->action, "LOGIN") == 0) || (strcasecmp(action->word, "logoff") == 0 && strcmp(facts->action, "LOGOUT") == 0))
        return true;
    if (length > 4 && strcasecmp(action->word + length - 4, " any") == 0) /* CREATE ANY */
        return strncasecmp(action->word, facts->action, length - 3) == 0;
    return false;
}

static bool touches(const policy_action *action, const rdb_audit_object *object, const rdb_audit_facts *facts)
{
    if ((action->object != NULL && !rdb_audit_like(action->object, object->name)) || (action->schema != NULL && object->schema != NULL && !rdb_audit_like(action->schema, object->schema)))
        return false;
    if (!does(action, facts) && (object->access == NULL || !has_word(object->access, action->word)))
        return false;
    /* A word of one access does not stand for what the statement does to another object. */
    if (object->access != NULL && action->classes == 0 && !has_word(object->access, action->word) &&
        (has_word("SELECT INSERT UPDATE DELETE", action->word)))
        return false;
    if (action->column_count == 0)
        return true;
    for (uint32_t i = 0; i < action->column_count; i++)
        for (uint32_t k = 0; k < object->column_count; k++)
            if (strcasecmp(action->columns[i], object->columns[k]) == 0)
                return true;
    return false;
}

static bool asks(const policy_action *action, const rdb_audit_facts *facts)
{
    if (action->object == NULL && action->column_count == 0) {
        if (does(action, facts))
            return true;
        for (uint32_t i = 0; i < facts->object_count; i++) /* SELECT inside an INSERT ... SELECT */
            if (facts->objects[i].access != NULL && has_word(facts->objects[i].access, action->word))
                return true;
        return false;
    }
    for (uint32_t i = 0; i < facts->object_count; i++)
        if (touches(action, &facts->objects[i], facts))
            return true;
    return false;
}

static bool concerns(const policy *p, const rdb_audit_facts *facts)
{
    bool named = false;
    for (uint32_t i = 0; i < p->role_count; i++)
        named = named || strcasecmp(p->roles[i], facts->login) == 0 || strcasecmp(p->roles[i], facts->role) == 0;
    return p->role_count == 0 || named != p->excepts;
}

/* NULL: it asks for a record. Else why not. */
static const char *refuses(const policy *p, const rdb_audit_facts *facts, const policy_action **by)
{
    *by = NULL;
    for (uint32_t i = 0; i < p->action_count && *by == NULL; i++)
        if (asks(&p->actions[i], facts))
            *by = &p->actions[i];
    if (*by == NULL)
        return "no action of it fits";
    if (!concerns(p, facts))
        return p->excepts ? "the role is excepted" : "it is not for this role";
    if (!(facts->failed ? p->on_failure : p->on_success))
        return facts->failed ? "it is for successes alone" : "it is for failures alone";
    if (p->condition != NULL && !policy_condition_holds(p->condition, facts))
        return "its condition does not hold";
    return NULL;
}

bool rdb_audit_policies_match(const rdb_audit_policies *policies, const rdb_audit_facts *facts, rdb_strbuf *members)
{
    bool any = false;
    const policy_action *by;
    for (uint32_t i = 0; policies != NULL && i < policies->items.count; i++) {
        const policy *p = policies->items.items[i];
        if (refuses(p, facts, &by) != NULL)
            continue;
        if (members != NULL) {
            rdb_strbuf_adds(members, any ? "," : ",\"policies\":[");
            rdb_strbuf_add_json(members, p->name, strlen(p->name));
        }
        any = true;
    }
    if (any && members != NULL)
        rdb_strbuf_addc(members, ']');
    return any;
}

void rdb_audit_policies_explain(const rdb_audit_policies *policies, const rdb_audit_facts *facts, rdb_strbuf *text)
{
    const policy_action *by;
    for (uint32_t i = 0; policies != NULL && i < policies->items.count; i++) {
        const policy *p = policies->items.items[i];
        const char *reason = refuses(p, facts, &by);
        if (reason != NULL)
            rdb_strbuf_addf(text, "%s: no, %s\n", p->name, reason);
        else
            rdb_strbuf_addf(text, "%s: yes, by action %s%s%s%s%s\n", p->name, by->word, by->object != NULL ? " ON " : "", by->schema != NULL ? by->schema : "",
                            by->schema != NULL ? "." : "", by->object != NULL ? by->object : "");
    }
}
