# SPDX-License-Identifier: Apache-2.0
# Reads PostgreSQL's snowball_create.sql and prints the rows of its text search dictionaries and configurations as postgres.bki would
# have them. Its OIDs, which PostgreSQL gives out at initdb, are 8100 to 8299 here.
function quoted(text) { gsub(/'/, "''", text); return "'" text "'" }
function comment(kind, oid, text) { comments = comments "insert ( " oid " " kind " 0 " quoted(text) " )\n" }
function token_types(list,   parts, i, n) {
    n = split(list, parts, /[ ,\t]+/)
    type_count = 0
    for (i = 1; i <= n; i++)
        if (parts[i] in number) types[++type_count] = number[parts[i]]
}
function take(statement,   word, name, language, options, stop, target, i, text) {
    sub(/;[ \t]*$/, "", statement)
    gsub(/[ \t]+/, " ", statement)
    sub(/^ /, "", statement)
    if (statement ~ /^CREATE TEXT SEARCH DICTIONARY/) {
        split(statement, word, " ")
        name = word[5]
        match(statement, /Language = [a-z]+/)
        language = substr(statement, RSTART + 11, RLENGTH - 11)
        options = "language = " quoted(language)
        if (match(statement, /StopWords ?= ?[a-z]+/)) {
            stop = substr(statement, RSTART, RLENGTH)
            sub(/StopWords ?= ?/, "", stop)
            options = options ", stopwords = " quoted(stop)
        }
        dictionary[name] = next_oid++
        dictionaries = dictionaries "insert ( " dictionary[name] " " name " 11 10 8102 " quoted(options) " )\n"
    }
    if (statement ~ /^CREATE TEXT SEARCH CONFIGURATION/) {
        split(statement, word, " ")
        configuration[word[5]] = next_oid++
        configurations = configurations "insert ( " configuration[word[5]] " " word[5] " 11 10 3722 )\n"
    }
    if (statement ~ /^ALTER TEXT SEARCH CONFIGURATION/) {
        split(statement, word, " ")
        match(statement, / FOR .* WITH /)
        token_types(substr(statement, RSTART + 5, RLENGTH - 11))
        target = substr(statement, RSTART + RLENGTH)
        sub(/ .*$/, "", target)
        for (i = 1; i <= type_count; i++)
            maps = maps "insert ( " configuration[word[5]] " " types[i] " 1 " (target == "simple" ? 3765 : dictionary[target]) " )\n"
    }
    if (statement ~ /^COMMENT ON TEXT SEARCH/) {
        split(statement, word, " ")
        match(statement, /IS '.*'/)
        text = substr(statement, RSTART + 4, RLENGTH - 5)
        if (word[5] == "DICTIONARY") comment(3600, dictionary[word[6]], text)
        if (word[5] == "CONFIGURATION") comment(3602, configuration[word[6]], text)
        if (word[5] == "TEMPLATE") comment(3764, 8102, text)
    }
}
BEGIN {
    n = split("asciiword word numword email url host sfloat version hword_numpart hword_part hword_asciipart blank tag protocol numhword asciihword hword url_path file float int uint entity", names, " ")
    for (i = 1; i <= n; i++) number[names[i]] = i
    next_oid = 8110
}
/^--/ { next }
/^\/\*/ { in_comment = 1 }
in_comment { if ($0 ~ /\*\//) in_comment = 0; next }
{ whole = whole " " $0 }
/;[ \t]*$/ { take(whole); whole = "" }
END {
    flags = " 11 10 13 1 0 0 0 f f f t f v u "
    printf "open pg_proc\n"
    printf "insert ( 8100 dsnowball_init%s1 0 2281 '2281' _null_ _null_ _null_ _null_ _null_ dsnowball_init '$libdir/dict_snowball' _null_ _null_ _null_ )\n", flags
    printf "insert ( 8101 dsnowball_lexize%s4 0 2281 '2281 2281 2281 2281' _null_ _null_ _null_ _null_ _null_ dsnowball_lexize '$libdir/dict_snowball' _null_ _null_ _null_ )\n", flags
    printf "close pg_proc\n"
    printf "open pg_ts_template\ninsert ( 8102 snowball 11 8100 8101 )\nclose pg_ts_template\n"
    printf "open pg_ts_dict\n%sclose pg_ts_dict\n", dictionaries
    printf "open pg_ts_config\n%sclose pg_ts_config\n", configurations
    printf "open pg_ts_config_map\n%sclose pg_ts_config_map\n", maps
    printf "open pg_description\n%sclose pg_description\n", comments
}
