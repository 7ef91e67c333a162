/* SPDX-License-Identifier: Apache-2.0
 * What the audit log of an instance must hold after a crash: whole, and of the commits neither more nor less than the tables have. */
#ifndef RDB_TESTS_PROOF_AUDIT_H
#define RDB_TESTS_PROOF_AUDIT_H

#include "workload.h"

#include "audit/rdb_audit_search.h"

#define PROOF_AUDIT_MAX 400

/* Hashes of action and statement of each record that says committed, in order; those of the undisturbed run know their steps. */
typedef struct proof_audit {
    uint32_t count;
    uint64_t items[PROOF_AUDIT_MAX];
    uint32_t up_to[RDB_COUNT_OF(WORKLOAD) + 1]; /* records of the work before step k, and of the setup */
    uint32_t step;                              /* while it is read */
    bool knows_steps, is_broken;
} proof_audit;

static inline bool proof_audit_take(void *audit_at, const char *line, size_t length, const json_t *record, rdb_error *err)
{
    proof_audit *audit = audit_at;
    if (strcmp(rdb_audit_field(record, "class"), "policy") == 0) { /* a gap, or damage: no crash makes one */
        fprintf(stderr, "  audit: %.*s\n", (int)length, line);
        audit->is_broken = true;
    }
    if (strcmp(rdb_audit_field(record, "outcome"), "committed") != 0)
        return true;
    const char *statement = rdb_audit_field(record, "statement"), *action = rdb_audit_field(record, "action");
    (void)err;
    PROOF_CHECK(audit->count < PROOF_AUDIT_MAX);
    if (audit->knows_steps) { /* the first step from here on that has this statement in it */
        uint32_t at = audit->step;
        while (at < STEPS && strstr(WORKLOAD[at].sql, statement) == NULL)
            at++;
        if (at < STEPS && strstr(WORKLOAD[at].sql, "prepare transaction") != NULL)
            at++; /* it is committed by the next one */
        if (at >= STEPS && audit->step == 0)
            audit->up_to[0] = audit->count + 1; /* of the setup */
        for (; at < STEPS && audit->step < at; audit->step++)
            audit->up_to[audit->step + 1] = audit->count;
    }
    audit->items[audit->count++] = rdb_hash64(statement, strlen(statement), rdb_hash64(action, strlen(action), 3));
    return true;
}

static inline void proof_audit_print(void *context, const rdb_audit_finding *finding)
{
    (void)context;
    fprintf(stderr, "  audit: %s:%" PRIu64 ": %s\n", finding->file, finding->line, finding->problem);
}

/* False: the log is not whole. */
static inline bool proof_audit_read(const char *home, proof_audit *audit, bool knows_steps)
{
    char directory[200], key[200];
    rdb_error err = {0};
    rdb_audit_verified verified;
    const rdb_audit_filter filter = {0};
    snprintf(directory, sizeof directory, "%s/logs", home);
    snprintf(key, sizeof key, "%s/" RDB_AUDIT_PUBLIC_FILE, home);
    const rdb_audit_verify_options options = {.directory = directory, .public_key_path = key, .complain = proof_audit_print};
    memset(audit, 0, sizeof *audit);
    audit->knows_steps = knows_steps;
    if (!rdb_audit_verify(&options, &verified, &err) || !rdb_audit_search(directory, &filter, proof_audit_take, audit, &err)) {
        fprintf(stderr, "  the audit log cannot be read: %s (%s)\n", rdb_error_message(&err), rdb_error_detail_text(&err));
        return false;
    }
    for (; knows_steps && audit->step < STEPS; audit->step++)
        audit->up_to[audit->step + 1] = audit->count;
    return verified.findings == 0 && !audit->is_broken;
}

/* The tables are as after k steps: so must the log be, but that a step which no digest sees may have committed some of its statements. */
static inline bool proof_audit_fits(const proof_audit *model, const proof_audit *found, uint32_t k)
{
    const uint32_t least = model->up_to[k], most = k < STEPS && WORKLOAD[k].kind == STEP_AGAIN ? model->up_to[k + 1] : least;
    if (found->count < least || found->count > most) {
        fprintf(stderr, "  the audit log has %u commits after %u steps, where %u to %u belong\n", found->count, k, least, most);
        return false;
    }
    for (uint32_t i = 0; i < found->count; i++)
        if (found->items[i] != model->items[i]) {
            fprintf(stderr, "  commit %u in the audit log is not the one that was\n", i);
            return false;
        }
    return true;
}

#endif
