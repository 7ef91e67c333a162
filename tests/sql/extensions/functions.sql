-- uuid-ossp
create extension "uuid-ossp";
create extension "uuid-ossp";
create extension if not exists "uuid-ossp";
select uuid_nil(), uuid_ns_dns(), uuid_ns_url(), uuid_ns_oid(), uuid_ns_x500();
select uuid_generate_v3(uuid_ns_dns(), 'www.example.com'), uuid_generate_v5(uuid_ns_url(), 'http://example.com/');
select substr(uuid_generate_v1()::text, 15, 1), substr(uuid_generate_v1mc()::text, 15, 1), substr(uuid_generate_v4()::text, 15, 1);
select count(distinct uuid_generate_v1()) from generate_series(1, 100);
create table u (id uuid primary key default uuid_generate_v4(), t text);
insert into u (t) values ('a'), ('b');
select count(distinct id) from u;
drop extension "uuid-ossp";
drop function uuid_generate_v4();
select extname, extversion, nspname, extrelocatable from pg_extension e join pg_namespace n on n.oid = extnamespace where extname <> 'plpgsql';
drop extension "uuid-ossp" cascade;
select uuid_generate_v4();
insert into u (id, t) values (null, 'c');
-- pgcrypto
create schema c;
create extension pgcrypto with schema c;
select c.digest('abc', 'sha256'), c.digest('abc'::bytea, 'MD5'), c.digest('', 'sha1');
select c.digest('abc', 'nosuch');
select encode(c.hmac('data', 'key', 'sha256'), 'hex'), encode(c.hmac('\x00'::bytea, '\x01'::bytea, 'sha512'), 'hex');
select c.crypt('secret', '$1$abcdefgh'), c.crypt('secret', '$2a$06$RQiOJ.3ELirrXwxIZY8q0O'), c.crypt('secret', 'ab');
select c.crypt('secret', c.gen_salt('bf', 4)) like '$2a$04$%', c.gen_salt('md5') like '$1$%', length(c.gen_salt('des')), c.gen_salt('xdes', 801) like '_%';
select c.gen_salt('sha512');
select c.gen_salt('bf', 40);
select t, c.crypt('secret', t) = t as same from (select c.crypt('secret', '$1$abcdefgh') as t) s;
select c.encrypt('some data', 'key', 'aes'), c.encrypt('some data', '0123456789abcdef0123', 'aes-ecb');
select convert_from(c.decrypt(c.encrypt('some data', 'key', 'aes-cbc/pad:pkcs'), 'key', 'aes'), 'utf8');
select c.encrypt_iv('0123456789abcdef', 'key', 'iv', 'aes-cbc/pad:none'), c.decrypt_iv(c.encrypt_iv('x', 'key', 'iv', '3des'), 'key', 'iv', '3des');
select c.encrypt('x', 'key', 'nosuch');
select length(c.gen_random_bytes(16)), c.gen_random_uuid() is not null;
select c.gen_random_bytes(2000);
select digest('abc', 'md5');
drop schema c;
drop schema c cascade;
-- fuzzystrmatch
create extension fuzzystrmatch;
select levenshtein('GUMBO', 'GAMBOL'), levenshtein('GUMBO', 'GAMBOL', 2, 1, 1), levenshtein_less_equal('extensive', 'exhaustive', 2), levenshtein_less_equal('extensive', 'exhaustive', 4), levenshtein('', 'žluť');
select levenshtein(repeat('a', 300), 'b');
select soundex('hello world!'), soundex('Anne'), soundex('Andrew'), soundex(''), text_soundex('Tymczak'), soundex('Pfister'), soundex('12'), difference('Anne', 'Andrew'), difference('Anne', 'Ann');
select levenshtein(null, 'a');
-- pg_trgm
create extension pg_trgm;
select show_trgm('word'), show_trgm('Two words!'), show_trgm(''), show_trgm('a1 b');
select similarity('word', 'two words'), similarity('', 'a'), similarity('abc', 'ABC'), similarity('a b c', 'c d');
select word_similarity('word', 'two words'), strict_word_similarity('word', 'two words'), word_similarity('Kabankala', 'Kaban Kala xx'), strict_word_similarity('hello wor', 'say hello world, hello'), word_similarity('', 'x');
-- unaccent
create extension unaccent;
select unaccent('Hôtel'), unaccent('ŒUVRE Straße ﬁ № жё'), unaccent('');
select extname from pg_extension where extname <> 'plpgsql' order by 1;
select obj_description(oid, 'pg_extension') from pg_extension where extname = 'unaccent';
select name, default_version, installed_version, comment from pg_available_extensions where name in ('pg_trgm', 'pgcrypto', 'uuid-ossp') order by 1;
drop extension unaccent, pg_trgm, fuzzystrmatch;
select count(*) from pg_proc where probin like '%pg_trgm%';
create extension pg_trgm with schema nowhere;
