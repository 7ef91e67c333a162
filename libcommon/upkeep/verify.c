/* SPDX-License-Identifier: Apache-2.0
 * The files of a closed instance: the control file, the log from its oldest whole record to the last checkpoint, and every page of
 * every relation, undo and commit log. Reads, and changes nothing. */
#include "upkeep_int.h"

#include <stdio.h>

typedef struct verification {
    void (*complain)(void *context, const rdb_file_problem *problem);
    void *context;
    rdb_files_checked *checked;
} verification;

static void tell(verification *v, const rdb_file_problem *problem)
{
    v->checked->problems++;
    v->complain(v->context, problem);
}

static void tell_control(void *context, uint64_t offset, const char *problem)
{
    tell(context, &(rdb_file_problem){.file = "meta/control", .position = offset, .problem = problem});
}

static void tell_wal(void *context, const char *file_name, uint64_t offset, const char *problem)
{
    char file[32];
    snprintf(file, sizeof file, "wal/%s", file_name);
    tell(context, &(rdb_file_problem){.file = file, .position = offset, .problem = problem});
}

static void tell_page(void *context, const char *file, rdb_page_tag tag, const char *problem)
{
    tell(context, &(rdb_file_problem){.file = file, .is_page = true, .position = tag.block, .tag = tag, .problem = problem});
}

bool rdb_upkeep_verify_files(const char *home, void (*complain)(void *context, const rdb_file_problem *problem), void *context,
                             rdb_files_checked *checked, rdb_error *err)
{
    char data[1000], wal_directory[1000];
    verification v = {.complain = complain, .context = context, .checked = checked};
    rdb_control control;
    *checked = (rdb_files_checked){0};
    if (!rdb_instance_path(home, "data", data, sizeof data, err) || !rdb_instance_path(home, "data/wal", wal_directory, sizeof wal_directory, err) ||
        !rdb_control_verify(home, tell_control, &v, err) || !rdb_control_read(home, &control, err))
        return false;
    const rdb_wal_config wal = {.directory = wal_directory, .system_id = control.system_id, .segment_bytes = control.wal_segment_bytes,
                                .ring_bytes = 1u << 20, .incarnation = control.incarnation, .thread_no = 1};
    if (control.checkpoint_lsn != 0 && !rdb_wal_verify(&wal, control.redo_lsn, control.checkpoint_lsn, tell_wal, &v, &checked->wal, err))
        return false;
    const rdb_storage_check storage = {.data_directory = data, .page_bytes = control.page_bytes, .complain = tell_page, .context = &v};
    return rdb_storage_verify_files(&storage, &checked->storage, err);
}
