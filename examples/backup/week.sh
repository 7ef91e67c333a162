#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a week looks like: a full backup, an incremental one each day, one of them merged into a full backup in the repository, the rest
# expired, and a drill. The entries that make cron or systemd do so are shown at the end; --install puts them where they work.
# Usage: week.sh HOME REPOSITORY      HOME is an instance, served or not; REPOSITORY a directory, s3://bucket/prefix or sftp://host/path
set -euo pipefail
home=${1:?usage: week.sh HOME REPOSITORY} repository=${2:?usage: week.sh HOME REPOSITORY}
rdb-backup --home "$home" --output "$repository" --name sunday --verify
for day in monday tuesday wednesday; do
    rdb-backup --home "$home" --output "$repository" --type incremental --name "$day"
done
rdb-backup merge --output "$repository" --name merged
rdb-backup expire --output "$repository" --keep-full 1
rdb-backup drill --output "$repository" --query "select count(*) from pg_class"
rdb-backup list --output "$repository"
rdb-backup schedule --home "$home" --output "$repository" cron
rdb-backup schedule --home "$home" --output "$repository" systemd
