/* SPDX-License-Identifier: Apache-2.0
 * bundle: the facts for people elsewhere. The key of the pseudonyms is the instance's own, conf/secrets/keys/pseudonyms, made at the
 * first bundle. */
#include "diag.h"

#include "os/rdb_os.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

static bool make_key(uint8_t key[RDB_DIAG_KEY_BYTES], rdb_error *err)
{
    return getrandom(key, RDB_DIAG_KEY_BYTES, 0) == RDB_DIAG_KEY_BYTES || rdb_error_set_errno(err, errno, "no random bytes");
}

/* One that cannot be kept is used for this bundle alone. */
static bool get_key(diag_work *work, uint8_t key[RDB_DIAG_KEY_BYTES])
{
    char path[PATH_MAX];
    rdb_slice content;
    rdb_error unreadable = {0};
    if (work->place.home == NULL)
        return make_key(key, &work->err);
    snprintf(path, sizeof path, "%s/conf/secrets/keys/pseudonyms", work->place.home);
    if (rdb_path_read(path, work->arena, &content, RDB_DIAG_KEY_BYTES, &unreadable) && content.length == RDB_DIAG_KEY_BYTES) {
        memcpy(key, content.data, RDB_DIAG_KEY_BYTES);
        return true;
    }
    rdb_error_clear(&unreadable);
    if (!make_key(key, &work->err))
        return false;
    if (!rdb_path_write_atomic(path, key, RDB_DIAG_KEY_BYTES, 0600, &unreadable)) {
        fprintf(stderr, "rdb-diag: the key of the pseudonyms cannot be kept (%s): the next bundle has other ones\n", rdb_error_message(&unreadable));
        rdb_error_clear(&unreadable);
    }
    return true;
}

static bool show_member(void *context, const char *name, const void *bytes, size_t length, rdb_error *err)
{
    (void)context, (void)err;
    printf("== %s (%zu bytes)\n", name, length);
    fwrite(bytes, 1, length, stdout);
    return true;
}

int command_bundle(diag_work *work)
{
    uint8_t key[RDB_DIAG_KEY_BYTES];
    if (work->arguments->facts != NULL)
        return rdb_options_refuse(work->program, "a bundle is made of an instance, not of another bundle");
    if (!work->arguments->preview && work->arguments->output == NULL)
        return rdb_options_refuse(work->program, "where shall the bundle go? --output FILE (.tar.zst), or --preview");
    if (!diag_gather(work, false) || !get_key(work, key))
        return diag_report(work);
    const uint32_t missing = diag_tell_missing(work);
    const bool ok = work->arguments->preview ? rdb_diag_preview(work->facts, key, show_member, NULL, &work->err) : rdb_diag_write_bundle(work->facts, key, work->arguments->output, &work->err);
    if (!ok)
        return diag_report(work);
    if (!work->arguments->preview && strcmp(work->arguments->output, "-") != 0)
        fprintf(stderr, "rdb-diag: %s: %llu bytes; names are pseudonyms, statements and messages are not in it\n", work->arguments->output, (unsigned long long)rdb_path_bytes(work->arguments->output));
    return missing > 0 ? RDB_EXIT_PARTIAL : RDB_EXIT_DONE;
}
