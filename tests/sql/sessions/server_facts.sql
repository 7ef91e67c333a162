-- What clients ask the server about itself
select inet_server_addr(), inet_server_port();
select pg_last_committed_xact();
select * from pg_last_committed_xact();
select pg_xact_commit_timestamp('3');
select * from pg_xact_commit_timestamp_origin('3');
select pg_xact_commit_timestamp(null) is null;
select pg_walfile_name(null), pg_walfile_name_offset(null);
select (pg_walfile_name_offset('0/1000000')).file_offset, (pg_walfile_name_offset('0/1000000')).file_name = pg_walfile_name('0/1000000') as same;
select file_offset, file_name = pg_walfile_name('0/1000001') as same, file_name > pg_walfile_name('0/1000000') as later from pg_walfile_name_offset('0/1000001');
select name, pg_settings_get_flags(name) from unnest(array['work_mem', 'WORK_MEM', 'is_superuser', 'role', 'transaction_isolation', 'force_parallel_mode', 'server_version',
  'wal_segment_size', 'datestyle', 'statement_timeout', 'a.b', 'no_such_setting', null]) name;
