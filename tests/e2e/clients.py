# SPDX-License-Identifier: Apache-2.0
"""psycopg2 against a server: parameters, types, errors, COPY, cursors, cancel. Called by clients.bats with host and port."""
import datetime, decimal, io, select, sys, threading

import psycopg2
import psycopg2.errors

connection = psycopg2.connect(host=sys.argv[1], port=int(sys.argv[2]), user="admin", dbname="rustydb")
cursor = connection.cursor()
checked = 0


def check(got, wanted):
    global checked
    checked += 1
    if got != wanted:
        sys.exit(f"check {checked}: got {got!r}, wanted {wanted!r}")


def one(text, parameters=None):
    cursor.execute(text, parameters)
    return cursor.fetchone()


check(one("select 1 + %s, %s || 'b'", (41, "a")), (42, "ab"))
check(one("select 1.50::numeric(10,2), 2::float8, true, null::int"), (decimal.Decimal("1.50"), 2.0, True, None))
check(one("select date '2024-02-29', timestamp '2024-02-29 12:34:56.5'"), (datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 34, 56, 500000)))
check(one("select array[1,2,3], array['a','b']"), ([1, 2, 3], ["a", "b"]))
cursor.execute("create table client_test (id int primary key, name text not null, amount numeric(10,2))")
cursor.executemany("insert into client_test values (%s, %s, %s)", [(n, f"name {n}", decimal.Decimal(n) / 4) for n in range(1, 101)])
check(one("select count(*), sum(amount) from client_test"), (100, decimal.Decimal("1262.50")))
connection.commit()

for text, state in [("select 1/0", "22012"), ("select nothing", "42703"), ("select * from nowhere", "42P01"), ("selec 1", "42601"),
                    ("insert into client_test values (1, 'x', 1)", "23505"), ("insert into client_test (id) values (200)", "23502"),
                    ("select 'x'::int", "22P02"), ("select 3000000000::int", "22003")]:
    try:
        cursor.execute(text)
        sys.exit(f"no error from: {text}")
    except psycopg2.Error as error:
        check(error.pgcode, state)
    connection.rollback()

cursor.copy_expert("copy client_test from stdin (format csv)", io.StringIO('101,"with, comma",1.5\n102,plain,\n'))
check(cursor.rowcount, 2)
out = io.StringIO()
cursor.copy_expert("copy (select id, name from client_test where id > 100 order by id) to stdout (format csv)", out)
check(out.getvalue(), '101,"with, comma"\n102,plain\n')
connection.commit()

named = connection.cursor("walk")
named.itersize = 10
named.execute("select id from client_test order by id")
check(sum(row[0] for row in named), 102 * 103 // 2)
named.close()
connection.commit()

ended = threading.Event()


def cancel_soon():  # one that comes before the statement has begun is lost
    while not ended.wait(0.5):
        connection.cancel()


canceller = threading.Thread(target=cancel_soon)
canceller.start()
try:
    cursor.execute("select count(*) from generate_series(1, 1000000000000) g")
    sys.exit("not cancelled")
except psycopg2.errors.QueryCanceled as error:
    check(error.pgcode, "57014")
finally:
    ended.set()
canceller.join()
connection.rollback()
listener = psycopg2.connect(connection.dsn)
listener.autocommit = True
listener.cursor().execute("listen news")
cursor.execute("select pg_notify('news', 'first'), pg_notify('news', 'second')")
check(select.select([listener], [], [], 0.2)[0], [])
connection.commit()
while len(listener.notifies) < 2 and select.select([listener], [], [], 120)[0]:
    listener.poll()
check([(n.channel, n.payload) for n in listener.notifies], [("news", "first"), ("news", "second")])
check(listener.notifies[0].pid, connection.get_backend_pid())
listener.close()
cursor.execute("drop table client_test")
connection.commit()
print(f"{checked} checks")
