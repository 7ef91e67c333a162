/* SPDX-License-Identifier: Apache-2.0
 * Volumes of a backup that is made: each thread fills one of its own; what is full goes to the repository and into the manifest. */
#include "backup/backup_int.h"

#include <stdio.h>

void volume_set_init(volume_set *set, rdb_repository *repository, rdb_manifest *manifest, rdb_arena *arena)
{
    *set = (volume_set){.repository = repository, .manifest = manifest, .name = "vol", .arena = arena};
    rdb_mutex_init(&set->lock, RDB_RANK_LEAF);
}

void volume_set_deinit(volume_set *set)
{
    rdb_mutex_deinit(&set->lock);
}

bool pack_open(volume_pack *pack, rdb_error *err)
{
    volume_set *set = pack->set;
    rdb_manifest *m = set->manifest;
    if (pack->volume != NULL)
        return true;
    if (!volume_create(&pack->volume, m->compression, m->compression_level, err))
        return false;
    volume_set_pace(pack->volume, set->pace);
    rdb_mutex_lock(&set->lock);
    set->number++;
    pack->object = RDB_NEW(set->arena, rdb_manifest_object);
    pack->object->name = rdb_arena_printf(set->arena, "%s-%06u.tar%s%s", set->name, set->number, backup_frame_extension(m->compression), repository_seal_extension(set->repository));
    pack->object_no = m->objects.count;
    rdb_list_push(set->arena, &m->objects, pack->object);
    rdb_mutex_unlock(&set->lock);
    return true;
}

bool pack_add(volume_pack *pack, const char *path, bool is_whole_file, uint64_t offset, uint64_t length, const backup_range *ranges, uint32_t range_count, const void *data, rdb_error *err)
{
    char name[1200];
    snprintf(name, sizeof name, is_whole_file ? "%s" : "%s@%016llx", path, (unsigned long long)offset);
    return pack_open(pack, err) && volume_add(pack->volume, name, length, ranges, range_count, data, err);
}

bool pack_is_full(const volume_pack *pack)
{
    return pack->volume != NULL && volume_bytes_in(pack->volume) >= BACKUP_VOLUME_BYTES;
}

bool pack_close(volume_pack *pack, rdb_error *err)
{
    volume_set *set = pack->set;
    rdb_strbuf *bytes, pieces;
    char name[200];
    if (pack->volume == NULL)
        return true;
    rdb_strbuf_init(&pieces, NULL);
    bool ok = volume_finish(pack->volume, &bytes, err) && manifest_object_name(set->manifest, pack->object, name, sizeof name) &&
              repository_put(set->repository, name, bytes->data, bytes->length, pack->object, &pieces, err) && rdb_strbuf_check(&pieces, err);
    if (ok) {
        rdb_mutex_lock(&set->lock);
        pack->object->crc32c = rdb_arena_strdup(set->arena, pieces.data);
        rdb_mutex_unlock(&set->lock);
    }
    rdb_strbuf_free(&pieces);
    volume_destroy(&pack->volume);
    return ok;
}

void pack_abandon(volume_pack *pack)
{
    volume_destroy(&pack->volume);
}
