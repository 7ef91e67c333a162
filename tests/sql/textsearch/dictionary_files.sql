-- ispell's format of affixes, and hunspell's with flags of one character, of two with aliases, and numbers
create text search dictionary d_old (template = ispell, dictfile = ispell_sample, afffile = ispell_sample);
create text search dictionary d_new (template = ispell, dictfile = ispell_sample, afffile = hunspell_sample);
create text search dictionary d_long (template = ispell, dictfile = hunspell_sample_long, afffile = hunspell_sample_long);
create text search dictionary d_num (template = ispell, dictfile = hunspell_sample_num, afffile = hunspell_sample_num);
select word, ts_lexize('d_old', word) as old, ts_lexize('d_new', word) as new, ts_lexize('d_long', word) as long, ts_lexize('d_num', word) as num
    from unnest('{book,Books,BOOKING,rebooked,unbookings,rebooks,skys,skies,sk,sky,ball,bally,balls,ballsklubber,footsklubber,klubberfoot,klubberfoots,klubber,klubbers,footballfootball,ex-,ex-machina,machina,rebookklubber,footbook,bookfoot,ballyballyfoot,footfootfoots,"",s,y,re,unre,booké}'::text[]) as word;
select ts_lexize('d_long', 'footballklubberfootball'), ts_lexize('d_old', repeat('foot', 5)), ts_lexize('d_old', repeat('x', 300));
-- stop words fall out of what a word is made of; what is left may be nothing
create text search dictionary d_stop (template = ispell, dictfile = ispell_sample, afffile = ispell_sample, stopwords = english);
select ts_lexize('d_stop', 'the'), ts_lexize('d_stop', 'books');
-- a configuration of several
create text search configuration c_parts (copy = english);
alter text search configuration c_parts alter mapping for asciiword, asciihword, hword_asciipart with d_old, english_stem;
select to_tsvector('c_parts', 'Rebookings of the footballklubber under clear skies');
select to_tsquery('c_parts', 'rebookings & footballyklubber'), phraseto_tsquery('c_parts', 'booking skies'), to_tsvector('c_parts', 'a foot ball') @@ to_tsquery('c_parts', 'footballs');
select token, dictionaries, dictionary, lexemes from ts_debug('c_parts', 'bookings ran');
select ts_headline('c_parts', 'They book under wide skies', to_tsquery('c_parts', 'bookings & sky'));
-- synonyms, with case and without
create text search dictionary d_syn (template = synonym, synonyms = synonym_sample);
create text search dictionary d_case (template = synonym, synonyms = synonym_sample, casesensitive = true);
select ts_lexize('d_syn', 'POSTGRES'), ts_lexize('d_case', 'POSTGRES'), ts_lexize('d_case', 'postgres'), ts_lexize('d_syn', 'nothing');
-- phrases of a thesaurus over an ispell dictionary's words
create text search dictionary d_phrases (template = thesaurus, dictfile = thesaurus_sample, dictionary = english_stem);
create text search configuration c_phrases (copy = simple);
alter text search configuration c_phrases alter mapping for asciiword with d_phrases, d_old, simple;
select to_tsvector('c_phrases', 'supernovae stars and one two three booking tickets then bookings');
select plainto_tsquery('c_phrases', 'one two'), plainto_tsquery('c_phrases', 'supernova star');
-- options
create text search dictionary bad (template = ispell);
create text search dictionary bad (template = ispell, afffile = ispell_sample);
create text search dictionary bad (template = ispell, dictfile = ispell_sample, dictfile = ispell_sample, afffile = ispell_sample);
create text search dictionary bad (template = ispell, dictfile = ispell_sample, afffile = ispell_sample, words = 1);
create text search dictionary bad (template = ispell, dictfile = '../x', afffile = ispell_sample);
create text search dictionary bad (template = ispell, dictfile = ispell_sample, afffile = hunspell_sample_num);
create text search dictionary bad (template = ispell, dictfile = hunspell_sample_num, afffile = hunspell_sample_long);
create text search dictionary bad (template = synonym);
create text search dictionary bad (template = thesaurus, dictfile = thesaurus_sample);
alter text search dictionary d_old (stopwords = english);
select ts_lexize('d_old', 'skies'), dictinitoption from pg_ts_dict where dictname = 'd_old';
