select 'a' ~ repeat('x?y', 200), 'a' ~ repeat('abc', 1000), 'word7' ~ ('^(' || (select string_agg('word' || i, '|') from generate_series(1, 1000) i) || ')$');
select 'xay' similar to '_[_[:alpha:]_]_', '__' similar to '_[_]', 'a%b' similar to 'a[%]b', 'axb' similar to 'a[%]b', 'a]b' similar to 'a[]%]b', 'ab]' similar to 'ab[^]%]';
select 'a.b' similar to 'a[.]b', 'axb' similar to 'a[.]b', '$' similar to '[$]', 'a|b' similar to 'a[|]b', '(' similar to '[(]', 'abc' similar to '(a|x)(b|y)[[:alpha:]^]', 'a^' similar to 'a[[:alpha:]^]';
select substring('abcdefg' similar 'a#"(b_d)#"%' escape '#'), substring('abcdefg' similar '#"%#"[f-h]' escape '#'), 'a_b' similar to 'a#_b' escape '#';
select 'abc' similar to 'a##c' escape '##';
