/* SPDX-License-Identifier: Apache-2.0
 * Window functions. */
#include "exec/exec_int.h"

static bool open_window(exec_node *node, rdb_error *err)
{
    (void)node;
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "window functions are not supported");
}

static bool begin_window(exec_node *node, rdb_error *err)
{
    return exec_begin(node->left, err);
}

static bool next_window(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    (void)node, (void)budget;
    *raw = NULL;
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "window functions are not supported");
}

const exec_ops exec_window_ops = {open_window, begin_window, next_window, NULL};
