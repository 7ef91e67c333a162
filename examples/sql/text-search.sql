-- SPDX-License-Identifier: Apache-2.0
-- Searching texts by their words: one generated column, ranked answers with the hits marked.
create table note (
    id int generated always as identity primary key,
    title text not null,
    body text not null,
    words tsvector generated always as (setweight(to_tsvector('english', title), 'A') || to_tsvector('english', body)) stored);
insert into note (title, body) values
    ('Restoring a table', 'The dropped table came back from last night''s backup within a minute.'),
    ('Slow queries', 'Two queries were slow because nobody had analyzed the tables after loading them.'),
    ('Backups', 'Every backup is restored and queried; a backup that nobody restored is a hope.');

select title, round(ts_rank(words, query)::numeric, 3) as rank, ts_headline('english', body, query, 'StartSel=*, StopSel=*') as found
from note, websearch_to_tsquery('english', 'restored backups') as query
where words @@ query
order by rank desc, id;
