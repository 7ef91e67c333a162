/* SPDX-License-Identifier: Apache-2.0
 * tpch_data SCALE DIRECTORY [TABLE]...: the eight tables of TPC-H at any scale, as DIRECTORY/TABLE.tbl, columns separated by "|".
 *
 * The rows are those of the benchmark's standard generator, byte by byte: each column draws from a stream of its own
 * (x = 16807 x mod 2^31 - 1, a fixed number of draws a row, however many the row needs), comments are cut from one text of
 * 300 MB that a small grammar makes of weighted words. Streams' seeds and words are part of the benchmark's definition. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- streams */

#define MODULUS INT64_C(2147483647)
#define MULTIPLIER INT64_C(16807)

typedef struct stream {
    int64_t seed;
    int per_row, used;
} stream;

static int64_t draw(stream *s, int64_t low, int64_t high)
{
    s->seed = s->seed * MULTIPLIER % MODULUS;
    s->used++;
    int32_t range = (int32_t)(uint32_t)(high - low + 1); /* 2^31 becomes negative: texts of letters rely on it */
    return low + (int32_t)((double)s->seed / (double)MODULUS * (double)range);
}

/* The row is over: what it did not draw is skipped. */
static void end_row(stream *s)
{
    for (; s->used < s->per_row; s->used++)
        s->seed = s->seed * MULTIPLIER % MODULUS;
    s->used = 0;
}

/* ---- words and their weights: "word weight,word weight,..."; a word without a weight has 1 */

typedef struct words {
    const char *list;
    const char *word[160];
    int length[160], until[160], count; /* until: weights summed up */
} words;

static words containers = {.list = "SM CASE,SM BOX,SM BAG,SM JAR,SM PACK,SM PKG,SM CAN,SM DRUM,LG CASE,LG BOX,LG BAG,LG JAR,LG PACK,LG PKG,LG CAN,LG DRUM,"
                                   "MED CASE,MED BOX,MED BAG,MED JAR,MED PACK,MED PKG,MED CAN,MED DRUM,JUMBO CASE,JUMBO BOX,JUMBO BAG,JUMBO JAR,JUMBO PACK,"
                                   "JUMBO PKG,JUMBO CAN,JUMBO DRUM,WRAP CASE,WRAP BOX,WRAP BAG,WRAP JAR,WRAP PACK,WRAP PKG,WRAP CAN,WRAP DRUM"};
static words instructions = {.list = "DELIVER IN PERSON,COLLECT COD,TAKE BACK RETURN,NONE"};
static words segments = {.list = "AUTOMOBILE,BUILDING,FURNITURE,HOUSEHOLD,MACHINERY"};
static words priorities = {.list = "1-URGENT,2-HIGH,3-MEDIUM,4-NOT SPECIFIED,5-LOW"};
static words return_flags = {.list = "R,A"};
static words modes = {.list = "REG AIR,AIR,RAIL,TRUCK,MAIL,FOB,SHIP"};
static words type_first = {.list = "STANDARD,SMALL,MEDIUM,LARGE,ECONOMY,PROMO"};
static words type_second = {.list = "ANODIZED,BURNISHED,PLATED,POLISHED,BRUSHED"};
static words type_third = {.list = "TIN,NICKEL,BRASS,STEEL,COPPER"};
static words colors = {.list = "almond,antique,aquamarine,azure,beige,bisque,black,blanched,blue,blush,brown,burlywood,burnished,chartreuse,chiffon,chocolate,"
                               "coral,cornflower,cornsilk,cream,cyan,dark,deep,dim,dodger,drab,firebrick,floral,forest,frosted,gainsboro,ghost,goldenrod,"
                               "green,grey,honeydew,hot,indian,ivory,khaki,lace,lavender,lawn,lemon,light,lime,linen,magenta,maroon,medium,metallic,midnight,"
                               "mint,misty,moccasin,navajo,navy,olive,orange,orchid,pale,papaya,peach,peru,pink,plum,powder,puff,purple,red,rose,rosy,royal,"
                               "saddle,salmon,sandy,seashell,sienna,sky,slate,smoke,snow,spring,steel,tan,thistle,tomato,turquoise,violet,wheat,white,yellow"};
static words nouns = {.list = "packages 40,requests 40,accounts 40,deposits 40,foxes 20,ideas 20,theodolites 20,pinto beans 20,instructions 20,dependencies 10,"
                              "excuses 10,platelets 10,asymptotes 10,courts 5,dolphins 5,multipliers,sauternes,warthogs,frets,dinos,attainments,somas,Tiresias,"
                              "patterns,forges,braids,frays,warhorses,dugouts,notornis,epitaphs,pearls,tithes,waters,orbits,gifts,sheaves,depths,sentiments,"
                              "decoys,realms,pains,grouches,escapades,hockey players"};
static words verbs = {.list = "sleep 20,wake 20,are 20,cajole 20,haggle 20,nag 10,use 10,boost 10,affix 5,detect 5,integrate 5,maintain,nod,was,lose,sublate,"
                              "solve,thrash,promise,engage,hinder,print,x-ray,breach,eat,grow,impress,mold,poach,serve,run,dazzle,snooze,doze,unwind,kindle,"
                              "play,hang,believe,doubt"};
static words adverbs = {.list = "sometimes,always,never,furiously 50,slyly 50,carefully 50,blithely 40,quickly 30,fluffily 20,slowly,quietly,ruthlessly,thinly,"
                                "closely,doggedly,daringly,bravely,stealthily,permanently,enticingly,idly,busily,regularly,finally,ironically,evenly,boldly,silently"};
static words prepositions = {.list = "about 50,above 50,according to 50,across 50,after 50,against 40,along 40,alongside of 30,among 30,around 20,at 10,atop,before,"
                                     "behind,beneath,beside,besides,between,beyond,by,despite,during,except,for,from,in place of,inside,instead of,into,near,of,on,"
                                     "outside,over,past,since,through,throughout,to,toward,under,until,up,upon,whithout,with,within"};
static words auxiliaries = {.list = "do,may,might,shall,will,would,can,could,should,ought to,must,will have to,shall have to,could have to,should have to,"
                                    "must have to,need to,try to"};
static words adjectives = {.list = "special 20,pending 20,unusual 20,express 20,furious,sly,careful,blithe,quick,fluffy,slow,quiet,ruthless,thin,close,dogged,"
                                   "daring,brave,stealthy,permanent,enticing,idle,busy,regular 50,final 40,ironic 40,even 30,bold 20,silent 10"};
static words terminators = {.list = ". 50,;,:,?,!,--"};
static words sentences = {.list = "NVT 3,NVPT 3,NVNT 3,NPVNT,NPVPT"}; /* noun phrase, verb phrase, preposition with a noun phrase, end */
static words noun_phrases = {.list = "N 10,JN 20,J;JN 10,DJN 50"};     /* noun, adjective, adverb, a comma behind the last word */
static words verb_phrases = {.list = "V 30,XV 1,VD 40,XVD 1"};         /* verb, auxiliary, adverb */

static void prepare(words *w)
{
    if (w->count != 0)
        return;
    int sum = 0;
    for (const char *at = w->list; *at != '\0';) {
        const char *end = strchr(at, ',');
        if (end == NULL)
            end = at + strlen(at);
        const char *word_end = end;
        while (word_end > at && word_end[-1] >= '0' && word_end[-1] <= '9')
            word_end--;
        int weight = 1;
        if (word_end < end && word_end > at && word_end[-1] == ' ')
            weight = atoi(word_end), word_end--;
        else
            word_end = end;
        w->word[w->count] = at;
        w->length[w->count] = (int)(word_end - at);
        w->until[w->count++] = sum += weight;
        at = *end == ',' ? end + 1 : end;
    }
}

static int pick(words *w, stream *s)
{
    int value = (int)draw(s, 0, w->until[w->count - 1] - 1), no = 0;
    while (value >= w->until[no])
        no++;
    return no;
}

/* ---- the text that comments are cut from */

#define TEXT_SIZE (300 * 1024 * 1024)
static char *text;
static size_t text_length;

static void say(words *w, stream *s)
{
    int no = pick(w, s);
    memcpy(text + text_length, w->word[no], (size_t)w->length[no]);
    text_length += (size_t)w->length[no];
    text[text_length++] = ' ';
}

static void say_phrase(words *phrases, stream *s)
{
    int no = pick(phrases, s);
    for (int i = 0; i < phrases->length[no]; i++)
        switch (phrases->word[no][i]) {
        case 'N':
            say(&nouns, s);
            break;
        case 'J':
            say(&adjectives, s);
            break;
        case 'D':
            say(&adverbs, s);
            break;
        case 'X':
            say(&auxiliaries, s);
            break;
        case 'V':
            say(&verbs, s);
            break;
        default: /* a comma */
            text[text_length - 1] = ',';
            text[text_length++] = ' ';
            break;
        }
}

static void make_text(void)
{
    words *all[] = {&nouns, &verbs, &adverbs, &prepositions, &auxiliaries, &adjectives, &terminators, &sentences, &noun_phrases, &verb_phrases};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        prepare(all[i]);
    text = malloc(TEXT_SIZE + 4096);
    if (text == NULL)
        perror("tpch_data"), exit(1);
    stream s = {.seed = 933588178};
    while (text_length < TEXT_SIZE) {
        int no = pick(&sentences, &s);
        for (int i = 0; i < sentences.length[no]; i++)
            switch (sentences.word[no][i]) {
            case 'N':
                say_phrase(&noun_phrases, &s);
                break;
            case 'V':
                say_phrase(&verb_phrases, &s);
                break;
            case 'P':
                say(&prepositions, &s);
                memcpy(text + text_length, "the ", 4);
                text_length += 4;
                say_phrase(&noun_phrases, &s);
                break;
            default: /* it stands at the last word */
                text_length--;
                say(&terminators, &s);
                break;
            }
    }
}

typedef struct cut {
    stream s;
    int shortest, longest;
} cut;

static cut comment_of(int64_t seed, int average, int per_row)
{
    return (cut){{.seed = seed, .per_row = 2 * per_row}, (int)(average * 0.4), (int)(average * 1.6)};
}

static int cut_text(cut *c, const char **at)
{
    *at = text + draw(&c->s, 0, TEXT_SIZE - c->longest);
    return (int)draw(&c->s, c->shortest, c->longest);
}

/* ---- rows */

static FILE *out;
static double scale;

static void put(const char *bytes, int length)
{
    fwrite(bytes, 1, (size_t)length, out);
}

static void put_comment(cut *c)
{
    const char *at;
    int length = cut_text(c, &at);
    fputc('|', out);
    put(at, length);
    fputc('\n', out);
}

static void put_word(words *w, stream *s)
{
    int no = pick(w, s);
    fputc('|', out);
    put(w->word[no], w->length[no]);
}

static void put_money(int64_t cents)
{
    int64_t size = cents < 0 ? -cents : cents;
    fprintf(out, "|%s%" PRId64 ".%02" PRId64, cents < 0 ? "-" : "", size / 100, size % 100);
}

static void put_address(stream *s)
{
    static const char LETTERS[] = "0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,";
    char address[41];
    int length = (int)draw(s, 10, 40);
    int64_t bits = 0;
    for (int i = 0; i < length; i++, bits >>= 6) {
        if (i % 5 == 0)
            bits = draw(s, 0, INT32_MAX);
        address[i] = LETTERS[bits & 63];
    }
    fputc('|', out);
    put(address, length);
}

static void put_phone(stream *s, int nation)
{
    int area = (int)draw(s, 100, 999), exchange = (int)draw(s, 100, 999), number = (int)draw(s, 1000, 9999);
    fprintf(out, "|%d-%03d-%03d-%04d", 10 + nation, area, exchange, number);
}

/* Days since 1992-01-01 as a date. */
static void put_date(int day)
{
    static const int MONTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 1992, month = 0;
    for (;; year++) {
        int days = year % 4 == 0 ? 366 : 365;
        if (day < days)
            break;
        day -= days;
    }
    for (;; month++) {
        int days = MONTHS[month] + (month == 1 && year % 4 == 0);
        if (day < days)
            break;
        day -= days;
    }
    fprintf(out, "|%d-%02d-%02d", year, month + 1, day + 1);
}
#define TODAY 1263        /* 1995-06-17: what the flags of orders go by */
#define LAST_ORDER_DAY 2405

static int64_t rows_of(double base)
{
    return (int64_t)(base * scale);
}

static int64_t part_price(int64_t part)
{
    return 90000 + part / 10 % 20001 + part % 1000 * 100;
}

static int64_t supplier_of(int64_t part, int64_t no)
{
    int64_t suppliers = rows_of(10000);
    return (part + no * (suppliers / 4 + (part - 1) / suppliers)) % suppliers + 1;
}

static void make_region(void)
{
    static const char *const NAMES[] = {"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"};
    cut comment = comment_of(1500869201, 72, 1);
    for (int i = 0; i < 5; i++) {
        fprintf(out, "%d|%s", i, NAMES[i]);
        put_comment(&comment);
        end_row(&comment.s);
    }
}

static void make_nation(void)
{
    static const struct {
        const char *name;
        int region;
    } NATIONS[] = {{"ALGERIA", 0}, {"ARGENTINA", 1}, {"BRAZIL", 1}, {"CANADA", 1}, {"EGYPT", 4}, {"ETHIOPIA", 0}, {"FRANCE", 3},
                   {"GERMANY", 3}, {"INDIA", 2}, {"INDONESIA", 2}, {"IRAN", 4}, {"IRAQ", 4}, {"JAPAN", 2}, {"JORDAN", 4}, {"KENYA", 0},
                   {"MOROCCO", 0}, {"MOZAMBIQUE", 0}, {"PERU", 1}, {"CHINA", 2}, {"ROMANIA", 3}, {"SAUDI ARABIA", 4}, {"VIETNAM", 2},
                   {"RUSSIA", 3}, {"UNITED KINGDOM", 3}, {"UNITED STATES", 1}};
    cut comment = comment_of(606179079, 72, 1);
    for (int i = 0; i < 25; i++) {
        fprintf(out, "%d|%s|%d", i, NATIONS[i].name, NATIONS[i].region);
        put_comment(&comment);
        end_row(&comment.s);
    }
}

static void make_part(void)
{
    stream name = {709314158, 92, 0}, maker = {1, 1, 0}, brand = {46831694, 1, 0}, type = {1841581359, 1, 0}, size = {1193163244, 1, 0};
    stream container = {727633698, 1, 0};
    cut comment = comment_of(804159733, 14, 1);
    prepare(&colors), prepare(&containers), prepare(&type_first), prepare(&type_second), prepare(&type_third);
    for (int64_t key = 1; key <= rows_of(200000); key++) {
        int order[92];
        for (int i = 0; i < 92; i++)
            order[i] = i;
        fprintf(out, "%" PRId64 "|", key);
        for (int i = 0; i < 5; i++) {
            int other = (int)draw(&name, i, 91), color = order[other];
            order[other] = order[i];
            order[i] = color;
            if (i > 0)
                fputc(' ', out);
            put(colors.word[color], colors.length[color]);
        }
        int made_by = (int)draw(&maker, 1, 5), branded = (int)draw(&brand, 1, 5), kind = (int)draw(&type, 0, 149);
        fprintf(out, "|Manufacturer#%d|Brand#%d%d|", made_by, made_by, branded);
        put(type_first.word[kind / 25], type_first.length[kind / 25]);
        fputc(' ', out);
        put(type_second.word[kind / 5 % 5], type_second.length[kind / 5 % 5]);
        fputc(' ', out);
        put(type_third.word[kind % 5], type_third.length[kind % 5]);
        fprintf(out, "|%d", (int)draw(&size, 1, 50));
        put_word(&containers, &container);
        put_money(part_price(key));
        put_comment(&comment);
        end_row(&name), end_row(&maker), end_row(&brand), end_row(&type), end_row(&size), end_row(&container), end_row(&comment.s);
    }
}

static void make_supplier(void)
{
    stream address = {706178559, 9, 0}, nation = {110356601, 1, 0}, phone = {884434366, 3, 0}, balance = {962338209, 1, 0};
    stream special = {202794285, 1, 0}, noise = {263032577, 1, 0}, offset = {715851524, 1, 0}, kind = {753643799, 1, 0};
    cut comment = comment_of(1341315363, 63, 1);
    for (int64_t key = 1; key <= rows_of(10000); key++) {
        fprintf(out, "%" PRId64 "|Supplier#%09" PRId64, key, key);
        put_address(&address);
        int of = (int)draw(&nation, 0, 24);
        fprintf(out, "|%d", of);
        put_phone(&phone, of);
        put_money(draw(&balance, -99999, 999999));
        const char *at;
        char said[128];
        int length = cut_text(&comment, &at);
        memcpy(said, at, (size_t)length);
        if (draw(&special, 1, 10000) <= 10) { /* "Customer ... Complaints": what query 16 looks for */
            int gap = (int)draw(&noise, 0, length - 19);
            int begin = (int)draw(&offset, 0, length - (19 + gap));
            memcpy(said + begin, "Customer ", 9);
            memcpy(said + begin + 9 + gap, draw(&kind, 0, 100) < 50 ? "Complaints" : "Recommends", 10);
        }
        fputc('|', out);
        put(said, length);
        fputc('\n', out);
        end_row(&address), end_row(&nation), end_row(&phone), end_row(&balance), end_row(&special), end_row(&noise), end_row(&offset), end_row(&kind), end_row(&comment.s);
    }
}

static void make_partsupp(void)
{
    stream available = {1671059989, 4, 0}, cost = {1051288424, 4, 0};
    cut comment = comment_of(1961692154, 124, 4);
    for (int64_t key = 1; key <= rows_of(200000); key++) {
        for (int no = 0; no < 4; no++) {
            fprintf(out, "%" PRId64 "|%" PRId64 "|%d", key, supplier_of(key, no), (int)draw(&available, 1, 9999));
            put_money(draw(&cost, 100, 100000));
            put_comment(&comment);
        }
        end_row(&available), end_row(&cost), end_row(&comment.s);
    }
}

static void make_customer(void)
{
    stream address = {881155353, 9, 0}, nation = {1489529863, 1, 0}, phone = {1521138112, 3, 0}, balance = {298370230, 1, 0}, segment = {1140279430, 1, 0};
    cut comment = comment_of(1335826707, 73, 1);
    prepare(&segments);
    for (int64_t key = 1; key <= rows_of(150000); key++) {
        fprintf(out, "%" PRId64 "|Customer#%09" PRId64, key, key);
        put_address(&address);
        int of = (int)draw(&nation, 0, 24);
        fprintf(out, "|%d", of);
        put_phone(&phone, of);
        put_money(draw(&balance, -99999, 999999));
        put_word(&segments, &segment);
        put_comment(&comment);
        end_row(&address), end_row(&nation), end_row(&phone), end_row(&balance), end_row(&segment), end_row(&comment.s);
    }
}

/* What orders and their lines have in common: an order's price and status follow from lines. */
typedef struct line_streams {
    stream order_day, count, quantity, discount, tax, part, ship_day;
} line_streams;

static line_streams common_streams(void)
{
    return (line_streams){{1066728069, 1, 0}, {1434868289, 1, 0}, {209208115, 7, 0}, {554590007, 7, 0}, {721958466, 7, 0}, {1808217256, 7, 0}, {1769349045, 7, 0}};
}

static void end_common(line_streams *s)
{
    end_row(&s->order_day), end_row(&s->count), end_row(&s->quantity), end_row(&s->discount), end_row(&s->tax), end_row(&s->part), end_row(&s->ship_day);
}

static int64_t order_key(int64_t no) /* eight of every thirty-two numbers are used */
{
    return (no >> 3 << 5) + (no & 7);
}

static void make_orders(void)
{
    line_streams s = common_streams();
    stream customer = {851767375, 1, 0}, priority = {591449447, 1, 0}, clerk = {1171034773, 1, 0};
    cut comment = comment_of(276090261, 49, 1);
    int64_t customers = rows_of(150000), clerks = scale > 1 ? rows_of(1000) : 1000;
    prepare(&priorities);
    for (int64_t no = 1; no <= rows_of(1500000); no++) {
        int day = (int)draw(&s.order_day, 0, LAST_ORDER_DAY);
        int64_t buyer = draw(&customer, 1, customers);
        for (int step = 1; buyer % 3 == 0; step = -step) { /* a third of the customers never orders */
            buyer += step;
            if (buyer > customers)
                buyer = customers;
        }
        int lines = (int)draw(&s.count, 1, 7), shipped = 0;
        int64_t total = 0;
        for (int i = 0; i < lines; i++) {
            int64_t quantity = draw(&s.quantity, 1, 50), discount = draw(&s.discount, 0, 10), tax = draw(&s.tax, 0, 8);
            int64_t price = part_price(draw(&s.part, 1, rows_of(200000))) * quantity;
            total += price * (100 - discount) / 100 * (100 + tax) / 100;
            shipped += day + (int)draw(&s.ship_day, 1, 121) <= TODAY;
        }
        fprintf(out, "%" PRId64 "|%" PRId64 "|%c", order_key(no), buyer, shipped == lines ? 'F' : shipped > 0 ? 'P' : 'O');
        put_money(total);
        put_date(day);
        put_word(&priorities, &priority);
        fprintf(out, "|Clerk#%09" PRId64 "|0", draw(&clerk, 1, clerks));
        put_comment(&comment);
        end_common(&s);
        end_row(&customer), end_row(&priority), end_row(&clerk), end_row(&comment.s);
    }
}

static void make_lineitem(void)
{
    line_streams s = common_streams();
    stream supplier = {2095021727, 7, 0}, commit_day = {904914315, 7, 0}, receipt_day = {373135028, 7, 0}, flag = {717419739, 7, 0};
    stream instruction = {1371272478, 7, 0}, mode = {675466456, 7, 0};
    cut comment = comment_of(1095462486, 27, 7);
    prepare(&return_flags), prepare(&instructions), prepare(&modes);
    for (int64_t no = 1; no <= rows_of(1500000); no++) {
        int ordered = (int)draw(&s.order_day, 0, LAST_ORDER_DAY), lines = (int)draw(&s.count, 1, 7);
        for (int i = 1; i <= lines; i++) {
            int64_t quantity = draw(&s.quantity, 1, 50), discount = draw(&s.discount, 0, 10), tax = draw(&s.tax, 0, 8);
            int64_t part = draw(&s.part, 1, rows_of(200000));
            fprintf(out, "%" PRId64 "|%" PRId64 "|%" PRId64 "|%d|%d", order_key(no), part, supplier_of(part, draw(&supplier, 0, 3)), i, (int)quantity);
            put_money(part_price(part) * quantity);
            put_money(discount);
            put_money(tax);
            int shipped = ordered + (int)draw(&s.ship_day, 1, 121), committed = ordered + (int)draw(&commit_day, 30, 90);
            int received = shipped + (int)draw(&receipt_day, 1, 30);
            if (received <= TODAY)
                put_word(&return_flags, &flag);
            else
                fputs("|N", out);
            fputs(shipped <= TODAY ? "|F" : "|O", out);
            put_date(shipped);
            put_date(committed);
            put_date(received);
            put_word(&instructions, &instruction);
            put_word(&modes, &mode);
            put_comment(&comment);
        }
        end_common(&s);
        end_row(&supplier), end_row(&commit_day), end_row(&receipt_day), end_row(&flag), end_row(&instruction), end_row(&mode), end_row(&comment.s);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*make)(void);
    } TABLES[] = {{"region", make_region}, {"nation", make_nation}, {"part", make_part}, {"supplier", make_supplier},
                  {"partsupp", make_partsupp}, {"customer", make_customer}, {"orders", make_orders}, {"lineitem", make_lineitem}};
    if (argc < 3 || (scale = atof(argv[1])) < 0.001 || scale >= 1000) {
        fprintf(stderr, "usage: tpch_data SCALE DIRECTORY [TABLE]...   (0.001 <= SCALE < 1000)\n");
        return 2;
    }
    make_text();
    for (size_t i = 0; i < sizeof(TABLES) / sizeof(TABLES[0]); i++) {
        int wanted = argc == 3;
        for (int k = 3; k < argc; k++)
            wanted |= strcmp(argv[k], TABLES[i].name) == 0;
        if (!wanted)
            continue;
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s.tbl", argv[2], TABLES[i].name);
        out = fopen(path, "w");
        if (out == NULL)
            return perror(path), 1;
        setvbuf(out, NULL, _IOFBF, 1 << 20);
        TABLES[i].make();
        if (fclose(out) != 0)
            return perror(path), 1;
    }
    free(text);
    return 0;
}
