/* SPDX-License-Identifier: Apache-2.0
 * The default parser of text search, which gives the tokens that PostgreSQL's gives in a database whose character type is C.UTF-8.
 *
 * A machine of states reads characters; each state has rules in order, the first whose class fits is taken. A rule may *try*: the
 * place is remembered, and if the state it leads to fails, the rules behind it are looked at there. The first token that is
 * accepted is it. Memory of what to go back to is the arena's, so that long texts cost no stack. */
#include "type/ts_parser.h"
#include "type/text_int.h"
#include <unicode/uchar.h>

/* ---- names ---------------------------------------------------------------------------------------------------------------- */
static const char *const ALIASES[] = {
    "", "asciiword", "word", "numword", "email", "url", "host", "sfloat", "version", "hword_numpart", "hword_part", "hword_asciipart", "blank", "tag",
    "protocol", "numhword", "asciihword", "hword", "url_path", "file", "float", "int", "uint", "entity"};
static const char *const DESCRIPTIONS[] = {
    "", "Word, all ASCII", "Word, all letters", "Word, letters and digits", "Email address", "URL", "Host", "Scientific notation", "Version number",
    "Hyphenated word part, letters and digits", "Hyphenated word part, all letters", "Hyphenated word part, all ASCII", "Space symbols", "XML tag",
    "Protocol head", "Hyphenated word, letters and digits", "Hyphenated word, all ASCII", "Hyphenated word, all letters", "URL path",
    "File or path name", "Decimal notation", "Signed integer", "Unsigned integer", "XML entity"};

const char *rdb_ts_token_alias(int type)
{
    return type < 1 || type > RDB_TS_TOKEN_TYPES ? NULL : ALIASES[type];
}
const char *rdb_ts_token_description(int type)
{
    return type < 1 || type > RDB_TS_TOKEN_TYPES ? NULL : DESCRIPTIONS[type];
}

/* ---- rules ------------------------------------------------------------------------------------------------------------------ */
enum state {
    SAME, START, WORD_NUM, WORD_ASCII, WORD, NUMBER, NUMBER_SIGN, NUMBER_SIGNED, SPACE, POINT_1, POINT, SIGNED_POINT_1, SIGNED_POINT, VERSION_1, VERSION,
    SIGN_VERSION, EXPONENT_1, EXPONENT_SIGN, EXPONENT, ENTITY_1, ENTITY, ENTITY_NUM_1, ENTITY_NUM, ENTITY_HEX_1, ENTITY_HEX, ENTITY_END, TAG_1, TAG_XML, TAG_CLOSE, TAG_NAME,
    TAG_SLASH, TAG, TAG_QUOTE, TAG_QUOTES, TAG_ESCAPE, TAG_ESCAPES, TAG_END, NOTE_1, NOTE_2, NOTE, NOTE_DASH, NOTE_DASHES, NOTE_END, DOMAIN_1, DOMAIN_2,
    DOMAIN, PORT_1, PORT, HOST_1, HOST, MAIL, FILE_1, FILE_TILDE, PATH_1, PATH_2, PATH_DOT, FILE_NAME, FILE_NEXT, URL_PATH_1, URL_PATH_START, URL_PATH, URL,
    PROTOCOL_1, PROTOCOL_2, PROTOCOL_END, ASCII_HYPHEN, ASCII_COMPOUND, HYPHEN, COMPOUND, NUM_HYPHEN, NUM_COMPOUND, DIGITS_THEN_LETTER, PARTS, PARTS_HYPHEN,
    PART, PART_ASCII, PART_NUM, PART_DIGITS, STATE_COUNT
};
enum class {
    LAST,                     /* behind a state's rules: what holds for everything else stands before it */
    ANY = 128, END, LETTER_ASCII, LETTER, DIGIT, HEX, ALNUM, NO_ALNUM, BLANK, URL_CHARACTER, IS_HOST, IS_PATH, IS_STOP, IS_IGNORED
};
enum action {
    GO,        /* on to the state, one character further */
    TRY,       /* the same, to come back if that fails */
    SURE,      /* the same; what was tried last is not gone back to */
    AGAIN,     /* to the state with the same character */
    BACK,      /* fails */
    FOUND,     /* the token ends before this character; the next begins in the state */
    FOUND_SURE
};
enum special { PLAIN, REWIND_SIGN, LOOK_AT_TAG };
typedef struct rule {
    uint8_t class, action, state, type, special;
} rule;

#define STOP {LAST, BACK, SAME, 0, PLAIN}
#define FAIL {ANY, BACK, SAME, 0, PLAIN}, STOP
#define OTHER(token) {END, FOUND, START, token, PLAIN}, {ANY, FOUND, START, token, PLAIN}, STOP
#define RULES_MAX 22
static const rule RULES[STATE_COUNT][RULES_MAX] = {
    [START] = {{END, GO, SAME, 0, PLAIN}, {'<', TRY, TAG_1, 0, PLAIN}, {IS_IGNORED, GO, SPACE, 0, PLAIN}, {LETTER_ASCII, TRY, WORD_ASCII, 0, PLAIN},
               {LETTER, TRY, WORD, 0, PLAIN}, {DIGIT, TRY, NUMBER, 0, PLAIN}, {'-', TRY, NUMBER_SIGN, 0, PLAIN}, {'+', TRY, NUMBER_SIGN, 0, PLAIN},
               {'&', TRY, ENTITY_1, 0, PLAIN}, {'~', TRY, FILE_TILDE, 0, PLAIN}, {'/', TRY, FILE_1, 0, PLAIN}, {'.', TRY, PATH_DOT, 0, PLAIN},
               {ANY, GO, SPACE, 0, PLAIN}, STOP},
    /* words and numbers */
    [WORD_NUM] = {{END, FOUND, START, RDB_TS_NUMWORD, PLAIN}, {ALNUM, GO, SAME, 0, PLAIN}, {'@', TRY, MAIL, 0, PLAIN}, {'/', TRY, FILE_1, 0, PLAIN},
                  {'.', TRY, FILE_NEXT, 0, PLAIN}, {'-', TRY, NUM_HYPHEN, 0, PLAIN}, OTHER(RDB_TS_NUMWORD)},
    [WORD_ASCII] = {{END, FOUND, START, RDB_TS_ASCIIWORD, PLAIN}, {LETTER_ASCII, GO, SAME, 0, PLAIN}, {'.', TRY, DOMAIN_1, 0, PLAIN}, {'.', TRY, FILE_NEXT, 0, PLAIN},
                    {'-', TRY, HOST_1, 0, PLAIN}, {'-', TRY, ASCII_HYPHEN, 0, PLAIN}, {'_', TRY, HOST_1, 0, PLAIN}, {'@', TRY, MAIL, 0, PLAIN},
                    {':', TRY, PROTOCOL_1, 0, PLAIN}, {'/', TRY, FILE_1, 0, PLAIN}, {DIGIT, TRY, HOST, 0, PLAIN}, {DIGIT, GO, WORD_NUM, 0, PLAIN},
                    {LETTER, GO, WORD, 0, PLAIN}, OTHER(RDB_TS_ASCIIWORD)},
    [WORD] = {{END, FOUND, START, RDB_TS_WORD, PLAIN}, {LETTER, GO, SAME, 0, PLAIN}, {DIGIT, GO, WORD_NUM, 0, PLAIN}, {'-', TRY, HYPHEN, 0, PLAIN}, OTHER(RDB_TS_WORD)},
    [NUMBER] = {{END, FOUND, START, RDB_TS_UINT, PLAIN}, {DIGIT, GO, SAME, 0, PLAIN}, {'.', TRY, DOMAIN_1, 0, PLAIN}, {'.', TRY, POINT_1, 0, PLAIN},
                {'e', TRY, EXPONENT_1, 0, PLAIN}, {'E', TRY, EXPONENT_1, 0, PLAIN}, {'-', TRY, HOST_1, 0, PLAIN}, {'_', TRY, HOST_1, 0, PLAIN},
                {'@', TRY, MAIL, 0, PLAIN}, {LETTER_ASCII, TRY, HOST, 0, PLAIN}, {LETTER, GO, WORD_NUM, 0, PLAIN}, {'/', TRY, FILE_1, 0, PLAIN}, OTHER(RDB_TS_UINT)},
    [NUMBER_SIGN] = {{DIGIT, SURE, NUMBER_SIGNED, 0, PLAIN}, FAIL},
    [NUMBER_SIGNED] = {{END, FOUND, START, RDB_TS_INT, PLAIN}, {DIGIT, GO, SAME, 0, PLAIN}, {'.', TRY, SIGNED_POINT_1, 0, PLAIN}, {'e', TRY, EXPONENT_1, 0, PLAIN},
                       {'E', TRY, EXPONENT_1, 0, PLAIN}, OTHER(RDB_TS_INT)},
    [SPACE] = {{END, FOUND, START, RDB_TS_BLANK, PLAIN}, {'<', FOUND, START, RDB_TS_BLANK, PLAIN}, {IS_IGNORED, GO, SAME, 0, PLAIN},
               {'-', FOUND, START, RDB_TS_BLANK, PLAIN}, {'+', FOUND, START, RDB_TS_BLANK, PLAIN}, {'&', FOUND, START, RDB_TS_BLANK, PLAIN},
               {'/', FOUND, START, RDB_TS_BLANK, PLAIN}, {NO_ALNUM, GO, SAME, 0, PLAIN}, OTHER(RDB_TS_BLANK)},
    [POINT_1] = {{DIGIT, SURE, POINT, 0, PLAIN}, FAIL},
    [POINT] = {{END, FOUND, START, RDB_TS_FLOAT, PLAIN}, {DIGIT, GO, SAME, 0, PLAIN}, {'.', TRY, VERSION_1, 0, PLAIN}, {'e', TRY, EXPONENT_1, 0, PLAIN},
               {'E', TRY, EXPONENT_1, 0, PLAIN}, OTHER(RDB_TS_FLOAT)},
    [SIGNED_POINT_1] = {{DIGIT, SURE, SIGNED_POINT, 0, PLAIN}, FAIL},
    [SIGNED_POINT] = {{END, FOUND, START, RDB_TS_FLOAT, PLAIN}, {DIGIT, GO, SAME, 0, PLAIN}, {'.', TRY, SIGN_VERSION, 0, PLAIN}, {'e', TRY, EXPONENT_1, 0, PLAIN}, {'E', TRY, EXPONENT_1, 0, PLAIN},
                      OTHER(RDB_TS_FLOAT)},
    [SIGN_VERSION] = {{DIGIT, FOUND_SURE, START, RDB_TS_BLANK, REWIND_SIGN}, FAIL}, /* a hyphen before a version */
    [VERSION_1] = {{DIGIT, SURE, VERSION, 0, PLAIN}, FAIL},
    [VERSION] = {{END, FOUND, START, RDB_TS_VERSION, PLAIN}, {DIGIT, GO, SAME, 0, PLAIN}, {'.', TRY, VERSION_1, 0, PLAIN}, OTHER(RDB_TS_VERSION)},
    [EXPONENT_1] = {{DIGIT, SURE, EXPONENT, 0, PLAIN}, {'+', GO, EXPONENT_SIGN, 0, PLAIN}, {'-', GO, EXPONENT_SIGN, 0, PLAIN}, FAIL},
    [EXPONENT_SIGN] = {{DIGIT, SURE, EXPONENT, 0, PLAIN}, FAIL},
    [EXPONENT] = {{END, FOUND, START, RDB_TS_SFLOAT, PLAIN}, {DIGIT, GO, SAME, 0, PLAIN}, OTHER(RDB_TS_SFLOAT)},
    /* XML */
    [ENTITY_1] = {{'#', GO, ENTITY_NUM_1, 0, PLAIN}, {LETTER_ASCII, GO, ENTITY, 0, PLAIN}, {':', GO, ENTITY, 0, PLAIN}, {'_', GO, ENTITY, 0, PLAIN}, FAIL},
    [ENTITY] = {{END, BACK, SAME, 0, PLAIN}, {ALNUM, GO, SAME, 0, PLAIN}, {':', GO, SAME, 0, PLAIN}, {'_', GO, SAME, 0, PLAIN}, {'.', GO, SAME, 0, PLAIN},
                {'-', GO, SAME, 0, PLAIN}, {';', GO, ENTITY_END, 0, PLAIN}, FAIL},
    [ENTITY_NUM_1] = {{'x', GO, ENTITY_HEX_1, 0, PLAIN}, {'X', GO, ENTITY_HEX_1, 0, PLAIN}, {DIGIT, GO, ENTITY_NUM, 0, PLAIN}, FAIL},
    [ENTITY_NUM] = {{DIGIT, GO, SAME, 0, PLAIN}, {';', GO, ENTITY_END, 0, PLAIN}, FAIL},
    [ENTITY_HEX_1] = {{HEX, GO, ENTITY_HEX, 0, PLAIN}, FAIL},
    [ENTITY_HEX] = {{HEX, GO, SAME, 0, PLAIN}, {';', GO, ENTITY_END, 0, PLAIN}, FAIL},
    [ENTITY_END] = {OTHER(RDB_TS_ENTITY)},
    [TAG_1] = {{END, BACK, SAME, 0, PLAIN}, {'/', TRY, TAG_CLOSE, 0, PLAIN}, {'!', TRY, NOTE_1, 0, PLAIN}, {'?', TRY, TAG_XML, 0, PLAIN},
               {LETTER_ASCII, TRY, TAG_NAME, 0, PLAIN}, {':', TRY, TAG_NAME, 0, PLAIN}, {'_', TRY, TAG_NAME, 0, PLAIN}, FAIL},
    [TAG_XML] = {{END, BACK, SAME, 0, PLAIN}, {'x', GO, TAG, 0, PLAIN}, {'X', GO, TAG, 0, PLAIN}, FAIL},
    [TAG_CLOSE] = {{END, BACK, SAME, 0, PLAIN}, {LETTER_ASCII, GO, TAG_NAME, 0, PLAIN}, FAIL},
    [TAG_NAME] = {{END, BACK, SAME, 0, PLAIN}, {'/', GO, TAG_SLASH, 0, PLAIN}, {'>', GO, TAG_END, 0, LOOK_AT_TAG}, {BLANK, GO, TAG, 0, LOOK_AT_TAG},
                  {ALNUM, GO, SAME, 0, PLAIN}, {':', GO, SAME, 0, PLAIN}, {'_', GO, SAME, 0, PLAIN}, {'.', GO, SAME, 0, PLAIN}, {'-', GO, SAME, 0, PLAIN}, FAIL},
    [TAG_SLASH] = {{'>', GO, TAG_END, 0, PLAIN}, FAIL},
    [TAG] = {{END, BACK, SAME, 0, PLAIN}, {'>', GO, TAG_END, 0, LOOK_AT_TAG}, {'\'', GO, TAG_QUOTE, 0, PLAIN}, {'"', GO, TAG_QUOTES, 0, PLAIN}, {LETTER_ASCII, GO, SAME, 0, PLAIN},
             {DIGIT, GO, SAME, 0, PLAIN}, {'=', GO, SAME, 0, PLAIN}, {'-', GO, SAME, 0, PLAIN}, {'_', GO, SAME, 0, PLAIN}, {'#', GO, SAME, 0, PLAIN},
             {'/', GO, SAME, 0, PLAIN}, {':', GO, SAME, 0, PLAIN}, {'.', GO, SAME, 0, PLAIN}, {'&', GO, SAME, 0, PLAIN}, {'?', GO, SAME, 0, PLAIN},
             {'%', GO, SAME, 0, PLAIN}, {'~', GO, SAME, 0, PLAIN}, {BLANK, GO, SAME, 0, LOOK_AT_TAG}, FAIL},
    [TAG_QUOTE] = {{END, BACK, SAME, 0, PLAIN}, {'\\', GO, TAG_ESCAPE, 0, PLAIN}, {'\'', GO, TAG, 0, PLAIN}, {ANY, GO, SAME, 0, PLAIN}, STOP},
    [TAG_QUOTES] = {{END, BACK, SAME, 0, PLAIN}, {'\\', GO, TAG_ESCAPES, 0, PLAIN}, {'"', GO, TAG, 0, PLAIN}, {ANY, GO, SAME, 0, PLAIN}, STOP},
    [TAG_ESCAPE] = {{END, BACK, SAME, 0, PLAIN}, {ANY, GO, TAG_QUOTE, 0, PLAIN}, STOP},
    [TAG_ESCAPES] = {{END, BACK, SAME, 0, PLAIN}, {ANY, GO, TAG_QUOTES, 0, PLAIN}, STOP},
    [TAG_END] = {{END, FOUND_SURE, START, RDB_TS_TAG, PLAIN}, {ANY, FOUND_SURE, START, RDB_TS_TAG, PLAIN}, STOP},
    [NOTE_1] = {{END, BACK, SAME, 0, PLAIN}, {'-', GO, NOTE_2, 0, PLAIN}, {'D', GO, TAG, 0, PLAIN}, {'d', GO, TAG, 0, PLAIN}, FAIL},
    [NOTE_2] = {{'-', GO, NOTE, 0, PLAIN}, FAIL},
    [NOTE] = {{END, BACK, SAME, 0, PLAIN}, {'-', GO, NOTE_DASH, 0, PLAIN}, {ANY, GO, SAME, 0, PLAIN}, STOP},
    [NOTE_DASH] = {{END, BACK, SAME, 0, PLAIN}, {'-', GO, NOTE_DASHES, 0, PLAIN}, {ANY, GO, NOTE, 0, PLAIN}, STOP},
    [NOTE_DASHES] = {{END, BACK, SAME, 0, PLAIN}, {'-', GO, SAME, 0, PLAIN}, {'>', GO, NOTE_END, 0, PLAIN}, {ANY, GO, NOTE, 0, PLAIN}, STOP},
    [NOTE_END] = {{END, FOUND_SURE, START, RDB_TS_TAG, PLAIN}, {ANY, FOUND_SURE, START, RDB_TS_TAG, PLAIN}, STOP},
    /* hosts, mail, URLs */
    [DOMAIN_1] = {{LETTER_ASCII, GO, DOMAIN_2, 0, PLAIN}, {DIGIT, GO, HOST, 0, PLAIN}, FAIL},
    [DOMAIN_2] = {{END, BACK, SAME, 0, PLAIN}, {LETTER_ASCII, GO, DOMAIN, 0, PLAIN}, {DIGIT, TRY, HOST, 0, PLAIN}, {'-', TRY, HOST_1, 0, PLAIN},
                  {'_', TRY, HOST_1, 0, PLAIN}, {'.', TRY, DOMAIN_1, 0, PLAIN}, {'@', TRY, MAIL, 0, PLAIN}, FAIL},
    [DOMAIN] = {{END, FOUND_SURE, START, RDB_TS_HOST, PLAIN}, {LETTER_ASCII, GO, SAME, 0, PLAIN}, {DIGIT, TRY, HOST, 0, PLAIN}, {':', TRY, PORT_1, 0, PLAIN},
                {'-', TRY, HOST_1, 0, PLAIN}, {'_', TRY, HOST_1, 0, PLAIN}, {'.', TRY, DOMAIN_1, 0, PLAIN}, {'@', TRY, MAIL, 0, PLAIN}, {DIGIT, BACK, SAME, 0, PLAIN},
                {IS_STOP, FOUND_SURE, URL_PATH_START, RDB_TS_HOST, PLAIN}, {'/', TRY, URL, 0, PLAIN}, {ANY, FOUND_SURE, START, RDB_TS_HOST, PLAIN}, STOP},
    [PORT_1] = {{DIGIT, GO, PORT, 0, PLAIN}, FAIL},
    [PORT] = {{END, FOUND_SURE, START, RDB_TS_HOST, PLAIN}, {DIGIT, GO, SAME, 0, PLAIN}, {IS_STOP, FOUND_SURE, URL_PATH_START, RDB_TS_HOST, PLAIN},
              {'/', TRY, URL, 0, PLAIN}, {ANY, FOUND_SURE, START, RDB_TS_HOST, PLAIN}, STOP},
    [HOST_1] = {{DIGIT, GO, HOST, 0, PLAIN}, {LETTER_ASCII, GO, HOST, 0, PLAIN}, FAIL},
    [HOST] = {{END, BACK, SAME, 0, PLAIN}, {DIGIT, GO, SAME, 0, PLAIN}, {LETTER_ASCII, GO, SAME, 0, PLAIN}, {'@', TRY, MAIL, 0, PLAIN}, {'.', TRY, DOMAIN_1, 0, PLAIN},
              {'-', TRY, HOST_1, 0, PLAIN}, {'_', TRY, HOST_1, 0, PLAIN}, FAIL},
    [MAIL] = {{IS_STOP, BACK, SAME, 0, PLAIN}, {IS_HOST, FOUND_SURE, START, RDB_TS_EMAIL, PLAIN}, FAIL},
    [URL_PATH_1] = {{URL_CHARACTER, GO, URL_PATH, 0, PLAIN}, FAIL},
    [URL_PATH_START] = {{ANY, GO, URL_PATH, 0, PLAIN}, STOP},
    [URL_PATH] = {{END, FOUND, START, RDB_TS_URLPATH, PLAIN}, {URL_CHARACTER, GO, SAME, 0, PLAIN}, OTHER(RDB_TS_URLPATH)},
    [URL] = {{END, BACK, SAME, 0, PLAIN}, {IS_PATH, FOUND_SURE, START, RDB_TS_URL, PLAIN}, FAIL},
    [PROTOCOL_1] = {{'/', GO, PROTOCOL_2, 0, PLAIN}, FAIL},
    [PROTOCOL_2] = {{'/', GO, PROTOCOL_END, 0, PLAIN}, FAIL},
    [PROTOCOL_END] = {{END, FOUND_SURE, START, RDB_TS_PROTOCOL, PLAIN}, {ANY, FOUND_SURE, START, RDB_TS_PROTOCOL, PLAIN}, STOP},
    /* files */
    [FILE_1] = {{END, BACK, SAME, 0, PLAIN}, {LETTER_ASCII, SURE, FILE_NAME, 0, PLAIN}, {DIGIT, SURE, FILE_NAME, 0, PLAIN}, {'.', GO, PATH_1, 0, PLAIN},
                {'_', SURE, FILE_NAME, 0, PLAIN}, {'~', TRY, FILE_TILDE, 0, PLAIN}, FAIL},
    [FILE_TILDE] = {{LETTER_ASCII, SURE, FILE_NAME, 0, PLAIN}, {DIGIT, SURE, FILE_NAME, 0, PLAIN}, {'_', SURE, FILE_NAME, 0, PLAIN}, {'/', GO, FILE_1, 0, PLAIN}, FAIL},
    [PATH_1] = {{LETTER_ASCII, SURE, FILE_NAME, 0, PLAIN}, {DIGIT, SURE, FILE_NAME, 0, PLAIN}, {'_', SURE, FILE_NAME, 0, PLAIN}, {'.', GO, PATH_2, 0, PLAIN},
                {'/', GO, FILE_1, 0, PLAIN}, FAIL},
    [PATH_DOT] = {{'.', GO, PATH_2, 0, PLAIN}, {'/', GO, FILE_1, 0, PLAIN}, FAIL},
    [PATH_2] = {{END, FOUND_SURE, START, RDB_TS_FILE, PLAIN}, {'/', TRY, FILE_1, 0, PLAIN}, {'/', FOUND_SURE, START, RDB_TS_FILE, PLAIN},
                {BLANK, FOUND_SURE, START, RDB_TS_FILE, PLAIN}, FAIL},
    [FILE_NAME] = {{END, FOUND, START, RDB_TS_FILE, PLAIN}, {LETTER_ASCII, GO, SAME, 0, PLAIN}, {DIGIT, GO, SAME, 0, PLAIN}, {'.', TRY, FILE_NEXT, 0, PLAIN},
                   {'_', GO, SAME, 0, PLAIN}, {'-', GO, SAME, 0, PLAIN}, {'/', TRY, FILE_1, 0, PLAIN}, OTHER(RDB_TS_FILE)},
    [FILE_NEXT] = {{LETTER_ASCII, SURE, FILE_NAME, 0, PLAIN}, {DIGIT, SURE, FILE_NAME, 0, PLAIN}, {'_', SURE, FILE_NAME, 0, PLAIN}, FAIL},
    /* hyphenated words: first the whole, then from its beginning the parts */
    [ASCII_HYPHEN] = {{LETTER_ASCII, GO, ASCII_COMPOUND, 0, PLAIN}, {LETTER, GO, COMPOUND, 0, PLAIN}, {DIGIT, GO, DIGITS_THEN_LETTER, 0, PLAIN}, FAIL},
    [ASCII_COMPOUND] = {{END, FOUND_SURE, PARTS, RDB_TS_ASCIIHWORD, PLAIN}, {LETTER_ASCII, GO, SAME, 0, PLAIN}, {LETTER, GO, COMPOUND, 0, PLAIN},
                        {DIGIT, GO, NUM_COMPOUND, 0, PLAIN}, {'-', TRY, ASCII_HYPHEN, 0, PLAIN}, {ANY, FOUND_SURE, PARTS, RDB_TS_ASCIIHWORD, PLAIN}, STOP},
    [HYPHEN] = {{LETTER, GO, COMPOUND, 0, PLAIN}, {DIGIT, GO, DIGITS_THEN_LETTER, 0, PLAIN}, FAIL},
    [COMPOUND] = {{END, FOUND_SURE, PARTS, RDB_TS_HWORD, PLAIN}, {LETTER, GO, SAME, 0, PLAIN}, {DIGIT, GO, NUM_COMPOUND, 0, PLAIN}, {'-', TRY, HYPHEN, 0, PLAIN},
                  {ANY, FOUND_SURE, PARTS, RDB_TS_HWORD, PLAIN}, STOP},
    [NUM_HYPHEN] = {{LETTER, GO, NUM_COMPOUND, 0, PLAIN}, {DIGIT, GO, DIGITS_THEN_LETTER, 0, PLAIN}, FAIL},
    [NUM_COMPOUND] = {{END, FOUND_SURE, PARTS, RDB_TS_NUMHWORD, PLAIN}, {ALNUM, GO, SAME, 0, PLAIN}, {'-', TRY, NUM_HYPHEN, 0, PLAIN},
                      {ANY, FOUND_SURE, PARTS, RDB_TS_NUMHWORD, PLAIN}, STOP},
    [DIGITS_THEN_LETTER] = {{DIGIT, GO, SAME, 0, PLAIN}, {LETTER, GO, NUM_COMPOUND, 0, PLAIN}, FAIL},
    [PARTS] = {{END, AGAIN, START, 0, PLAIN}, {LETTER_ASCII, GO, PART_ASCII, 0, PLAIN}, {LETTER, GO, PART, 0, PLAIN}, {DIGIT, TRY, PART_DIGITS, 0, PLAIN},
               {'-', TRY, PARTS_HYPHEN, 0, PLAIN}, {ANY, AGAIN, START, 0, PLAIN}, STOP},
    [PARTS_HYPHEN] = {{ALNUM, FOUND_SURE, PARTS, RDB_TS_BLANK, PLAIN}, FAIL},
    [PART] = {{END, FOUND, START, RDB_TS_PART, PLAIN}, {LETTER, GO, SAME, 0, PLAIN}, {DIGIT, GO, PART_NUM, 0, PLAIN}, {ANY, FOUND, PARTS, RDB_TS_PART, PLAIN}, STOP},
    [PART_ASCII] = {{END, FOUND, START, RDB_TS_ASCIIPART, PLAIN}, {LETTER_ASCII, GO, SAME, 0, PLAIN}, {LETTER, GO, PART, 0, PLAIN}, {DIGIT, GO, PART_NUM, 0, PLAIN},
                    {ANY, FOUND, PARTS, RDB_TS_ASCIIPART, PLAIN}, STOP},
    [PART_NUM] = {{END, FOUND, START, RDB_TS_NUMPART, PLAIN}, {ALNUM, GO, SAME, 0, PLAIN}, {ANY, FOUND, PARTS, RDB_TS_NUMPART, PLAIN}, STOP},
    [PART_DIGITS] = {{DIGIT, GO, SAME, 0, PLAIN}, {LETTER, SURE, PART_NUM, 0, PLAIN}, FAIL},
};

/* ---- the machine ---------------------------------------------------------------------------------------------------------------- */
typedef struct place {
    uint32_t at;
    uint8_t state, rule;
} place;
struct rdb_ts_parser {
    rdb_arena *arena;
    const uint8_t *text;
    uint32_t length, at, start;
    uint8_t state;
    bool wants_host, ignores, is_inner;
    place *tried;
    uint32_t tried_count, tried_capacity;
    uint32_t depth;
};

rdb_ts_parser *rdb_ts_parser_open(rdb_arena *arena, rdb_slice text)
{
    rdb_ts_parser *parser = RDB_NEW(arena, rdb_ts_parser);
    *parser = (rdb_ts_parser){.arena = arena, .text = text.data, .length = (uint32_t)text.length, .state = START};
    return parser;
}

static bool run(rdb_ts_parser *parser, int *type, rdb_error *err);

/* Is there a host, a path of a URL from here on? Then they are gone through. */
static bool looks_ahead(rdb_ts_parser *parser, uint8_t state, int wanted, bool wants_host, bool *is, rdb_error *err)
{
    rdb_ts_parser inner = {.arena = parser->arena, .text = parser->text, .length = parser->length, .at = parser->at, .state = state, .wants_host = wants_host,
                           .ignores = parser->ignores, .depth = parser->depth + 1};
    int type = 0;
    *is = false;
    if (inner.depth > 100) /* an address within an address within ...: no token */
        return true;
    if (!run(&inner, &type, err))
        return false;
    *is = type == wanted;
    if (*is)
        parser->at = inner.at;
    return true;
}

static bool is_url_character(int c)
{
    return c > 0x20 && c < 0x7f && strchr("\"<>\\^`{|}", c) == NULL;
}

/* Beyond ASCII: digits of other scripts count as letters, marks that take no room of their own as parts of words. */
static bool is_letter(UChar32 c)
{
    return u_isUAlphabetic(c) || u_isdigit(c);
}
static bool is_mark(UChar32 c)
{
    int8_t type = u_charType(c);
    return type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || (type == U_FORMAT_CHAR && c != 0xad);
}
static bool is_space(UChar32 c)
{
    return u_isUWhiteSpace(c) && c != 0xa0 && c != 0x85 && c != 0x2007 && c != 0x202f;
}

/* Where a mark alone begins nothing. */
static bool begins_word(uint8_t state)
{
    return state == START || state == PARTS || state == ASCII_HYPHEN || state == HYPHEN || state == NUM_HYPHEN;
}

static bool fits(rdb_ts_parser *parser, const rule *r, int c, bool *is, rdb_error *err)
{
    int low = type_lower(c);
    bool ascii = low >= 'a' && low <= 'z', digit = c >= '0' && c <= '9', other = c >= 0x80 && is_letter((UChar32)c), mark = c >= 0x80 && is_mark((UChar32)c);
    switch (r->class) {
    case LAST: case ANY: *is = true; break;
    case END: *is = c < 0; break;
    case LETTER_ASCII: *is = ascii; break;
    case LETTER: *is = ascii || other || (mark && !begins_word(parser->state)); break;
    case DIGIT: *is = digit; break;
    case HEX: *is = digit || (low >= 'a' && low <= 'f'); break;
    case ALNUM: *is = ascii || other || digit || mark; break;
    case NO_ALNUM: *is = c >= 0 && !(ascii || other || digit); break;
    case BLANK: *is = c >= 0 && (c < 0x80 ? type_is_space(c) : is_space((UChar32)c)); break;
    case URL_CHARACTER: *is = is_url_character(c); break;
    case IS_HOST: return looks_ahead(parser, START, RDB_TS_HOST, true, is, err);
    case IS_PATH: return looks_ahead(parser, URL_PATH_1, RDB_TS_URLPATH, false, is, err);
    case IS_STOP:
        *is = parser->wants_host;
        parser->wants_host = false;
        break;
    case IS_IGNORED: *is = parser->ignores && c >= 0; break;
    default: *is = c == r->class; break;
    }
    return true;
}

/* What stands between <script> or <style> and its end is blank. */
static void look_at_tag(rdb_ts_parser *parser)
{
    static const struct { const char *text; bool ignores; } TAGS[] = {{"<script", true}, {"<style", true}, {"</script", false}, {"</style", false}};
    rdb_slice tag = {parser->text + parser->start, parser->at - parser->start};
    for (size_t i = 0; i < RDB_COUNT_OF(TAGS); i++)
        if (type_equals_ignoring_case(tag, TAGS[i].text))
            parser->ignores = TAGS[i].ignores;
}

static bool remember(rdb_ts_parser *parser, uint8_t rule_no, rdb_error *err)
{
    if (parser->tried_count == parser->tried_capacity) {
        uint32_t capacity = RDB_MAX(2 * parser->tried_capacity, 32);
        place *grown = rdb_arena_try_grow(parser->arena, parser->tried, sizeof *grown * parser->tried_capacity, sizeof *grown * capacity, err);
        if (grown == NULL)
            return false;
        parser->tried = grown;
        parser->tried_capacity = capacity;
    }
    parser->tried[parser->tried_count++] = (place){parser->at, parser->state, rule_no};
    return true;
}

/* One token from parser->at on, which is moved; *type 0: none. */
static bool run(rdb_ts_parser *parser, int *type, rdb_error *err)
{
    uint8_t rule_no = 0;
    *type = 0;
    parser->start = parser->at;
    parser->tried_count = 0;
    for (;;) {
        int c = parser->at < parser->length ? parser->text[parser->at] : -1;
        uint32_t length = c < 0 ? 0 : 1;
        if (c >= 0x80)
            c = (int)type_utf8_decode(parser->text + parser->at, parser->text + parser->length, &length);
        const rule *r;
        for (;; rule_no++) {
            bool is = false;
            r = &RULES[parser->state][rule_no];
            if (!fits(parser, r, c, &is, err))
                return false;
            if (is)
                break;
        }
        if (r->special == LOOK_AT_TAG)
            look_at_tag(parser);
        switch (r->action) {
        case BACK:
            if (parser->tried_count == 0)
                return true;
            parser->tried_count--;
            parser->at = parser->tried[parser->tried_count].at;
            parser->state = parser->tried[parser->tried_count].state;
            rule_no = (uint8_t)(parser->tried[parser->tried_count].rule + 1);
            continue;
        case TRY:
            if (!remember(parser, rule_no, err))
                return false;
            break;
        case SURE:
            parser->tried_count -= parser->tried_count > 0;
            break;
        case FOUND:
        case FOUND_SURE:
            *type = r->type;
            if (r->special == REWIND_SIGN)
                parser->at = parser->start + 1;
            if (r->state != SAME)
                parser->state = r->state;
            return true;
        default:
            break;
        }
        if (r->state != SAME)
            parser->state = r->state;
        rule_no = 0;
        if (r->action == AGAIN)
            continue;
        if (c < 0)
            return true;
        parser->at += length;
    }
}

bool rdb_ts_parser_next(rdb_ts_parser *parser, int *type, rdb_slice *token, rdb_error *err)
{
    if (!run(parser, type, err))
        return false;
    if (*type == 0)
        return true;
    *token = (rdb_slice){parser->text + parser->start, parser->at - parser->start};
    if (*type == RDB_TS_URL) {
        parser->wants_host = true;
        parser->at = parser->start;
    } else if (*type == RDB_TS_ASCIIHWORD || *type == RDB_TS_HWORD || *type == RDB_TS_NUMHWORD) {
        parser->at = parser->start;
    }
    return true;
}
