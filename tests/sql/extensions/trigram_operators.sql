-- pg_trgm's operators and their thresholds.
CREATE EXTENSION pg_trgm;
CREATE TABLE place (name text);
INSERT INTO place VALUES ('Baltimore'), ('Boston'), ('Bolton'), ('Barcelona'), ('Bologna'), (NULL);
SELECT name, round((name <-> 'bolton')::numeric, 3) AS distance FROM place WHERE name % 'bolton' ORDER BY 2, 1;
SELECT name FROM place ORDER BY name <-> 'barcelon', name LIMIT 2;
SET pg_trgm.similarity_threshold = 0.1;
SELECT name FROM place WHERE name % 'bolton' ORDER BY 1;
SELECT show_limit();
RESET pg_trgm.similarity_threshold;
SELECT 'word' <% 'two words' AS word, 'two words' %> 'word' AS commuted, 'word' <<% 'two words' AS strict, 'two words' %>> 'word' AS strict_commuted;
SELECT 'word' <<-> 'two words' AS word, 'two words' <->> 'word' AS commuted, 'word' <<<-> 'two words' AS strict, 'two words' <->>> 'word' AS strict_commuted;
SELECT oprname, oprcom::regoperator, oprcode, oprrest, oprjoin FROM pg_operator WHERE oprnamespace = 'public'::regnamespace ORDER BY oprname COLLATE "C";
DROP EXTENSION pg_trgm;
SELECT count(*) FROM pg_operator WHERE oprnamespace = 'public'::regnamespace;
SELECT 'a' % 'b';
