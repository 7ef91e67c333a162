show default_text_search_config;
set default_text_search_config = 'pg_catalog.english';
select get_current_ts_config();
select to_tsvector('The quick brown foxes were jumping over the lazy dogs'), to_tsvector('simple', 'The Foxes'), to_tsvector('english', '');
select to_tsvector('german', 'Die Häuser waren größer'), to_tsvector('french', 'les chevaux mangeaient'), to_tsvector('spanish', 'corriendo rápidamente'), to_tsvector('russian', 'красивые дома');
select to_tsvector('nosuch', 'x');
select to_tsquery('english', 'foxes & the'), to_tsquery('jumping:AB & lazies:*'), plainto_tsquery('The Fat Rats'), phraseto_tsquery('The Cat and Rats'), to_tsquery('the'), to_tsquery('simple', 'pg_class <-> x');
select websearch_to_tsquery('english', '"supernovae stars" -crab or "fat rat"'), websearch_to_tsquery('a or'), websearch_to_tsquery('simple', '-"x y" z)( or -');
select to_tsquery('fat rat');
select tokid, token from ts_parse('default', 'mail me@example.com at http://example.com/a/b.html?q=1 1.5e3 -7 up-to-date &amp; <b>x</b> v1.2.3');
select * from ts_token_type('default');
select * from ts_parse('nosuch', 'x');
select alias, token, dictionaries, dictionary, lexemes from ts_debug('english', 'The Brightest supernovaes 42');
select ts_lexize('english_stem', 'stars'), ts_lexize('english_stem', 'a'), ts_lexize('simple', 'ABC');
select ts_headline('english', 'The most common type of search is to find all documents containing given query terms and return them in order of their similarity to the query.', to_tsquery('english', 'query & similarity'));
select ts_headline('english', 'Search terms may occur many times in a document, requiring ranking of the search matches to decide which occurrences to display in the result.', to_tsquery('english', 'search & term'), 'MaxFragments=10, MaxWords=7, MinWords=3, StartSel=<<, StopSel=>>');
select ts_headline('english', 'a <b>bold</b> word', 'bold', 'HighlightAll=true'), ts_headline('x y z', 'nothing'), ts_headline('simple', '{"a": "x y", "b": [1, "y"]}'::jsonb, 'y'), ts_headline('simple', '{"a": "x y", "b": [1, "y"]}'::json, 'y');
select ts_headline('x', 'x', 'MaxWords=1, MinWords=5');
select ts_headline('x', 'x', 'Nothing=5');
select to_tsvector('english', '{"a": "The fat cats", "b": ["rats", 12, true]}'::jsonb), json_to_tsvector('simple', '{"a": "x", "b": [2, true]}', '["all"]'), jsonb_to_tsvector('simple', '{"a": "x", "b": 2}', '"key"');
select jsonb_to_tsvector('simple', '{}', '"x"');
select 'fat cats'::text @@ 'cat', 'fat cats' @@ to_tsquery('cat'), to_tsvector('fat cats') @@ plainto_tsquery('cat fat');
select cfgname, count(distinct mapdict) from pg_ts_config c join pg_ts_config_map m on mapcfg = c.oid group by 1 order by 1;
select dictname, dictinitoption from pg_ts_dict where dictname in ('english_stem', 'hindi_stem', 'simple') order by 1;
set default_text_search_config = 'simple';
select to_tsvector('The foxes');
\dF simple
\dFd eng*
\dFp
\dFt snow*
