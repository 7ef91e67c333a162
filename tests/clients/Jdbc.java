// SPDX-License-Identifier: Apache-2.0
// JDBC against a server: connections, prepared statements, types, batches, fetch size, generated keys, COPY, metadata, errors,
// cancel. Run by clients.bats as a single source file with HOST PORT PASSWORD, the path of the certificate authority, and a fifth
// word for metadata.
import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.time.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

public class Jdbc {
    static int checked = 0;

    static void same(Object got, Object wanted) {
        checked++;
        boolean equal = got instanceof byte[] ? Arrays.equals((byte[]) got, (byte[]) wanted) : Objects.equals(got, wanted);
        if (!equal)
            throw new AssertionError("check " + checked + ": got " + got + ", wanted " + wanted);
    }

    interface Step { void run() throws Exception; }

    static SQLException fails(String state, Step step) throws Exception {
        checked++;
        try {
            step.run();
        } catch (SQLException error) {
            if (!state.equals(error.getSQLState()))
                throw new AssertionError("check " + checked + ": SQLSTATE " + error.getSQLState() + ", wanted " + state, error);
            return error;
        }
        throw new AssertionError("check " + checked + ": no error where " + state + " was expected");
    }

    /** All rows of a metadata call: the named columns, joined. */
    static List<String> rows(ResultSet result, String... columns) throws SQLException {
        List<String> all = new ArrayList<>();
        while (result.next()) {
            StringJoiner row = new StringJoiner(" ");
            for (String column : columns)
                row.add(String.valueOf(result.getObject(column)));
            all.add(row.toString());
        }
        result.close();
        return all;
    }

    static void types(Connection c) throws Exception {
        try (PreparedStatement s = c.prepareStatement("select ?::int4, ?::int8, ?::numeric, ?::float8, ?::bool, ?::text, ?::bytea, ?::date, ?::timestamp, ?::timestamptz, ?::uuid, ?::time, ?::int2, ?::float4")) {
            UUID uuid = UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
            OffsetDateTime instant = OffsetDateTime.of(2024, 2, 29, 12, 34, 56, 789000000, ZoneOffset.UTC);
            // Beyond the fifth run the driver prepares on the server and asks for binary results: both ways give the same.
            for (int run = 1; run <= 8; run++) {
                s.setInt(1, -run);
                s.setLong(2, 9007199254740993L);
                s.setBigDecimal(3, new BigDecimal("-12345678901234567890.1234567890"));
                s.setDouble(4, 0.1);
                s.setBoolean(5, run % 2 == 0);
                s.setString(6, "é漢'\\");
                s.setBytes(7, new byte[] {0, -1, 92, 39});
                s.setObject(8, LocalDate.of(2024, 2, 29));
                s.setObject(9, LocalDateTime.of(1999, 12, 31, 23, 59, 59, 999999000));
                s.setObject(10, instant);
                s.setObject(11, uuid);
                s.setObject(12, LocalTime.of(1, 2, 3, 4000));
                s.setShort(13, (short) -7);
                s.setFloat(14, 1.5f);
                try (ResultSet r = s.executeQuery()) {
                    same(r.next(), true);
                    same(r.getInt(1), -run);
                    same(r.getLong(2), 9007199254740993L);
                    same(r.getBigDecimal(3), new BigDecimal("-12345678901234567890.1234567890"));
                    same(r.getDouble(4), 0.1);
                    same(r.getBoolean(5), run % 2 == 0);
                    same(r.getString(6), "é漢'\\");
                    same(r.getBytes(7), new byte[] {0, -1, 92, 39});
                    same(r.getObject(8, LocalDate.class), LocalDate.of(2024, 2, 29));
                    same(r.getObject(9, LocalDateTime.class), LocalDateTime.of(1999, 12, 31, 23, 59, 59, 999999000));
                    same(r.getObject(10, OffsetDateTime.class), instant);
                    same(r.getObject(11), uuid);
                    same(r.getObject(12, LocalTime.class), LocalTime.of(1, 2, 3, 4000));
                    same(r.getShort(13), (short) -7);
                    same(r.getFloat(14), 1.5f);
                    same(r.next(), false);
                }
            }
        }
        try (PreparedStatement s = c.prepareStatement("select ?::int[], ?::text[], ?::numeric[], null::int, ?::jsonb")) {
            for (int run = 1; run <= 6; run++) {
                s.setArray(1, c.createArrayOf("int4", new Integer[] {1, null, 3}));
                s.setArray(2, c.createArrayOf("text", new String[] {"a\"b", "c,d", "", null}));
                s.setArray(3, c.createArrayOf("numeric", new BigDecimal[] {new BigDecimal("1.50")}));
                s.setObject(4, "{\"b\": 1, \"a\": [true]}", Types.OTHER);
                try (ResultSet r = s.executeQuery()) {
                    r.next();
                    same(Arrays.asList((Integer[]) r.getArray(1).getArray()), Arrays.asList(1, null, 3));
                    same(Arrays.asList((String[]) r.getArray(2).getArray()), Arrays.asList("a\"b", "c,d", "", null));
                    same(((BigDecimal[]) r.getArray(3).getArray())[0], new BigDecimal("1.50"));
                    same(r.getInt(4), 0);
                    same(r.wasNull(), true);
                    same(r.getString(5), "{\"a\": [true], \"b\": 1}");
                }
            }
        }
    }

    static void tables(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            s.execute("create schema shop");
            s.execute("create table shop.customer (id serial primary key, name varchar(40) not null, email text unique, created timestamptz default now())");
            s.execute("create table shop.invoice (customer int not null references shop.customer on delete cascade, no int, total numeric(12,2) default 0 check (total >= 0), primary key (customer, no))");
            s.execute("create index invoice_total on shop.invoice (total desc)");
            s.execute("create view shop.rich as select name from shop.customer");
            s.execute("comment on table shop.customer is 'who pays'");
            s.execute("comment on column shop.customer.name is 'in full'");
        }
        try (PreparedStatement s = c.prepareStatement("insert into shop.customer (name) values (?)", Statement.RETURN_GENERATED_KEYS)) {
            s.setString(1, "first");
            same(s.executeUpdate(), 1);
            ResultSet keys = s.getGeneratedKeys();
            same(keys.next() ? keys.getInt("id") : -1, 1);
        }
        try (PreparedStatement s = c.prepareStatement("insert into shop.invoice values (1, ?, ?)")) {
            for (int no = 1; no <= 500; no++) {
                s.setInt(1, no);
                s.setBigDecimal(2, new BigDecimal(no).movePointLeft(2));
                s.addBatch();
            }
            same(Arrays.stream(s.executeBatch()).sum(), 500);
            s.setInt(1, 501);
            s.setBigDecimal(2, BigDecimal.ONE);
            s.addBatch();
            s.setInt(1, 1);
            s.setBigDecimal(2, BigDecimal.ONE);
            s.addBatch();
            checked++;
            try {
                s.executeBatch();
                throw new AssertionError("no error of the batch");
            } catch (BatchUpdateException error) {
                same(error.getSQLState(), "23505");
            }
        }
        // Rows in portions, by a portal that is resumed.
        c.setAutoCommit(false);
        try (Statement s = c.createStatement()) {
            s.setFetchSize(37);
            long sum = 0, count = 0;
            ResultSet r = s.executeQuery("select no from shop.invoice order by no");
            for (; r.next(); count++)
                sum += r.getInt(1);
            same(sum, count * (count + 1) / 2);
            Savepoint savepoint = c.setSavepoint("here");
            fails("22012", () -> s.executeQuery("select 1/0"));
            fails("25P02", () -> s.executeQuery("select 1"));
            c.rollback(savepoint);
            ResultSet after = s.executeQuery("select 1");
            same(after.next(), true);
        }
        c.commit();
        c.setAutoCommit(true);
        ResultSetMetaData about = c.prepareStatement("select id, name, total from shop.customer join shop.invoice on id = customer").getMetaData();
        same(about.getColumnTypeName(1), "serial");
        same(about.isAutoIncrement(1), true);
        same(about.getPrecision(2), 40);
        same(about.getScale(3), 2);
        same(about.isNullable(2), ResultSetMetaData.columnNoNulls);
        ParameterMetaData wanted = c.prepareStatement("select * from shop.invoice where customer = ? and total > ?").getParameterMetaData();
        same(wanted.getParameterTypeName(1) + " " + wanted.getParameterTypeName(2), "int4 numeric");
    }

    static void metadata(Connection c) throws Exception {
        DatabaseMetaData m = c.getMetaData();
        same(m.getDatabaseProductName(), "PostgreSQL");
        same(m.getDatabaseMajorVersion(), 15);
        same(rows(m.getTables(null, "shop", "%", new String[] {"TABLE", "VIEW"}), "TABLE_NAME", "TABLE_TYPE", "REMARKS"),
             List.of("customer TABLE who pays", "invoice TABLE null", "rich VIEW null"));
        same(rows(m.getColumns(null, "shop", "customer", "%"), "COLUMN_NAME", "TYPE_NAME", "COLUMN_SIZE", "NULLABLE", "COLUMN_DEF", "REMARKS", "ORDINAL_POSITION", "IS_AUTOINCREMENT"),
             List.of("id serial 10 0 nextval('shop.customer_id_seq'::regclass) null 1 YES", "name varchar 40 0 null in full 2 NO",
                     "email text 2147483647 1 null null 3 NO", "created timestamptz 35 1 now() null 4 NO"));
        same(rows(m.getPrimaryKeys(null, "shop", "invoice"), "COLUMN_NAME", "KEY_SEQ", "PK_NAME"), List.of("customer 1 invoice_pkey", "no 2 invoice_pkey"));
        same(rows(m.getImportedKeys(null, "shop", "invoice"), "PKTABLE_NAME", "PKCOLUMN_NAME", "FKCOLUMN_NAME", "DELETE_RULE", "FK_NAME"),
             List.of("customer id customer 0 invoice_customer_fkey"));
        same(rows(m.getExportedKeys(null, "shop", "customer"), "FKTABLE_NAME"), List.of("invoice"));
        same(rows(m.getIndexInfo(null, "shop", "invoice", false, true), "NON_UNIQUE", "INDEX_NAME", "COLUMN_NAME", "ASC_OR_DESC"),
             List.of("false invoice_pkey customer A", "false invoice_pkey no A", "true invoice_total total D"));
        same(rows(m.getIndexInfo(null, "shop", "customer", true, true), "INDEX_NAME"), List.of("customer_email_key", "customer_pkey"));
        same(rows(m.getSchemas(null, "shop"), "TABLE_SCHEM"), List.of("shop"));
        same(rows(m.getCatalogs(), "TABLE_CAT").contains("rustydb"), true);
        same(rows(m.getTypeInfo(), "TYPE_NAME").containsAll(List.of("int4", "text", "numeric", "timestamptz", "jsonb")), true);
        same(rows(m.getTableTypes(), "TABLE_TYPE").contains("MATERIALIZED VIEW"), true);
        same(rows(m.getBestRowIdentifier(null, "shop", "customer", DatabaseMetaData.bestRowSession, true), "COLUMN_NAME"), List.of("id"));
        same(rows(m.getFunctions(null, "pg_catalog", "lower"), "FUNCTION_NAME").contains("lower"), true);
        same(rows(m.getProcedures(null, "shop", "%"), "PROCEDURE_NAME"), List.of());
        same(rows(m.getTablePrivileges(null, "shop", "customer"), "PRIVILEGE").contains("SELECT"), true);
        same(rows(m.getColumnPrivileges(null, "shop", "customer", "name"), "PRIVILEGE").contains("SELECT"), true);
        // A result that can be walked back and changed.
        try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
            ResultSet r = s.executeQuery("select id, name from shop.customer order by id");
            same(r.last(), true);
            r.updateString("name", "changed");
            r.updateRow();
            r.moveToInsertRow();
            r.updateString("name", "second");
            r.insertRow();
        }
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("select string_agg(name, ',' order by id) from shop.customer")) {
            r.next();
            same(r.getString(1), "changed,second");
        }
        same(m.getMaxColumnNameLength(), 63);
        same(m.getUserName(), "admin");
    }

    static void copying(Connection c) throws Exception {
        c.createStatement().execute("insert into shop.customer (id, name) values (1000, 'copied')");
        CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
        same(copy.copyIn("copy shop.invoice from stdin (format csv)", new StringReader("1000,1,10.50\n1000,2,\n")), 2L);
        StringWriter out = new StringWriter();
        same(copy.copyOut("copy (select * from shop.invoice where customer = 1000 order by no) to stdout", out), 2L);
        same(out.toString(), "1000\t1\t10.50\n1000\t2\t\\N\n");
        fails("22P02", () -> copy.copyIn("copy shop.invoice from stdin", new StringReader("x\t1\t1\n")));
    }

    static void errors(Connection c, String url) throws Exception {
        Statement s = c.createStatement();
        fails("42P01", () -> s.executeQuery("select * from nowhere"));
        fails("42703", () -> s.executeQuery("select nothing from shop.customer"));
        fails("42601", () -> s.executeQuery("selec 1"));
        fails("23502", () -> s.execute("insert into shop.customer (name) values (null)"));
        fails("23503", () -> s.execute("insert into shop.invoice values (99, 1, 1)"));
        fails("23514", () -> s.execute("insert into shop.invoice values (1, 1000, -1)"));
        fails("22003", () -> s.executeQuery("select 3000000000::int"));
        fails("22001", () -> s.execute("insert into shop.customer (name) values (repeat('x', 41))"));
        SQLException error = fails("23505", () -> s.execute("insert into shop.customer (id, name) values (1, 'x')"));
        same(((org.postgresql.util.PSQLException) error).getServerErrorMessage().getConstraint(), "customer_pkey");
        same(((org.postgresql.util.PSQLException) error).getServerErrorMessage().getSchema(), "shop");
        s.setQueryTimeout(1);
        fails("57014", () -> s.executeQuery("select pg_sleep(300)"));
        s.setQueryTimeout(0);
        String endless = "select count(*) from generate_series(1, 1000000000000) g";
        Thread canceller = new Thread(() -> { // once the statement has begun: before, a cancel is lost, and the driver sends no second one
            try (Connection watcher = DriverManager.getConnection(url); Statement look = watcher.createStatement()) {
                for (boolean begun = false; !begun; Thread.sleep(50)) {
                    ResultSet seen = look.executeQuery("select count(*) > 0 from pg_stat_activity where state = 'active' and query = '" + endless + "'");
                    seen.next();
                    begun = seen.getBoolean(1);
                }
                s.cancel();
            } catch (SQLException | InterruptedException e) {
                throw new RuntimeException(e);
            }
        });
        canceller.start();
        fails("57014", () -> s.executeQuery(endless));
        canceller.join();
        ResultSet alive = s.executeQuery("select 1");
        same(alive.next(), true);
    }

    public static void main(String[] arguments) throws Exception {
        String url = "jdbc:postgresql://" + arguments[0] + ":" + arguments[1] + "/rustydb?user=admin&password=" + arguments[2];
        String safe = url + (arguments.length > 3 ? "&sslmode=verify-full&sslrootcert=" + arguments[3] : "");
        try (Connection c = DriverManager.getConnection(safe)) {
            types(c);
            c.createStatement().execute("drop schema if exists shop cascade");
            tables(c);
            if (arguments.length == 3 || arguments.length > 4)
                metadata(c);
            copying(c);
            errors(c, safe);
            c.createStatement().execute("drop schema shop cascade");
        }
        try (Connection c = DriverManager.getConnection(url + "&sslmode=disable&preferQueryMode=simple")) {
            try (PreparedStatement s = c.prepareStatement("select ?::int + 1, ?")) {
                s.setInt(1, 41);
                s.setString(2, "it's");
                ResultSet r = s.executeQuery();
                r.next();
                same(r.getInt(1) + r.getString(2), "42it's");
            }
        }
        if (arguments.length > 3)
            fails("28P01", () -> DriverManager.getConnection(url + "x"));
        System.out.println(checked + " checks");
    }
}
