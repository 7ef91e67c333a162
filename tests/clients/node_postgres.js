// SPDX-License-Identifier: Apache-2.0
// node-postgres against a server: parameters, types, errors, prepared statements, cursors, notices, cancel, pools. Run by
// clients.bats with HOST PORT SOCKET_DIRECTORY PASSWORD; NODE_PATH names where pg lies.
'use strict'
const assert = require('assert')
const fs = require('fs')
const { Client, Pool, types } = require('pg')
const Cursor = require('pg-cursor')
const QueryStream = require('pg-query-stream')

const [host, port, sockets, password] = process.argv.slice(2)
const target = { host: sockets, port: Number(port), user: 'admin', database: 'rustydb' }
let checked = 0
const same = (got, wanted) => { checked++; assert.deepStrictEqual(got, wanted) }
const fails = async (promise, code) => {
  checked++
  try { await promise } catch (error) { assert.strictEqual(error.code, code, error.message); return error }
  assert.fail(`no error where ${code} was expected`)
}

async function main () {
  const client = new Client(target)
  await client.connect()
  const one = async (text, values) => (await client.query({ text, values, rowMode: 'array' })).rows[0]

  // parameters and types, in the words of JavaScript
  same(await one('select $1::int + 1, $2::text', [41, 'a']), [42, 'a'])
  same(await one('select $1::int8, $2::numeric, $3::float8', ['9007199254740993', '1.50', 0.1]), ['9007199254740993', '1.50', 0.1])
  same(await one('select $1::bool, $2::text, null::text', [true, null]), [true, null, null])
  same(await one('select $1::int[], $2::text[], $3::numeric[]', [[1, null, 3], ['a"b', 'c,d', null, ''], ['1.5', '2']]), [[1, null, 3], ['a"b', 'c,d', null, ''], [1.5, 2]])
  same(await one('select $1::int[]', [[[1, 2], [3, 4]]]), [[[1, 2], [3, 4]]])
  same(await one('select $1::jsonb, $2::json', [{ b: 1, a: [true, null] }, '{"x": "y"}']), [{ a: [true, null], b: 1 }, { x: 'y' }])
  same(await one('select $1::bytea', [Buffer.from([0, 255, 92, 39])]), [Buffer.from([0, 255, 92, 39])])
  const moment = new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789))
  same(await one('select $1::timestamptz', [moment]), [moment])
  same((await one("select timestamp '2024-02-29 12:34:56.789'"))[0].getMilliseconds(), 789)
  same((await one("select interval '1 year 2 days 03:04:05.006'"))[0].toPostgres(), '5.006 seconds 4 minutes 3 hours 2 days 1 years')
  same(await one("select $1::uuid", ['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11']), ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'])
  same(await one("select $1 = any($2::text[])", ['b', ['a', 'b']]), [true])

  // what a result says of itself
  const described = await client.query("select 1 as a, 'x'::varchar(5) as b, now() as c where false")
  same(described.fields.map((field) => [field.name, field.dataTypeID]), [['a', types.builtins.INT4], ['b', types.builtins.VARCHAR], ['c', types.builtins.TIMESTAMPTZ]])
  same([described.command, described.rowCount], ['SELECT', 0])

  // several statements in one text, and the rows of a table
  const several = await client.query('create table n (id int generated always as identity primary key, name text unique not null, amount numeric(10,2) default 0); insert into n (name) values (\'x\'); select count(*)::int as c from n')
  same(several.map((result) => result.command), ['CREATE', 'INSERT', 'SELECT'])
  same(several[2].rows, [{ c: 1 }])
  same((await client.query('insert into n (name, amount) values ($1, $2), ($3, $4) returning id, amount', ['a', 1, 'b', '2.5'])).rows, [{ id: 2, amount: '1.00' }, { id: 3, amount: '2.50' }])
  same((await client.query('insert into n (name, amount) values ($1, $2) on conflict (name) do update set amount = n.amount + excluded.amount returning *', ['a', 7])).rows, [{ id: 2, name: 'a', amount: '8.00' }])
  same((await client.query('update n set amount = $1 where id < $2', [9, 3])).rowCount, 2)
  same((await client.query('delete from n where name = any($1)', [['x', 'nobody']])).rowCount, 1)

  // errors carry what PostgreSQL's carry
  const duplicate = await fails(client.query('insert into n (name) values ($1)', ['a']), '23505')
  same([duplicate.severity, duplicate.table, duplicate.constraint, duplicate.detail], ['ERROR', 'n', 'n_name_key', 'Key (name)=(a) already exists.'])
  const missing = await fails(client.query('insert into n (name) values (null)'), '23502')
  same([missing.column, missing.table], ['name', 'n'])
  const misspelt = await fails(client.query('selec 1'), '42601')
  same(misspelt.position, '1')
  await fails(client.query('select $1::int', ['abc']), '22P02')
  await fails(client.query('select 1/$1::int', [0]), '22012')
  await fails(client.query('select * from nowhere'), '42P01')
  await fails(client.query('select $1::int + $2::int', [1]), '08P01')

  // prepared statements keep their name; transactions keep their state
  for (const id of [2, 3, 2]) same((await client.query({ name: 'by id', text: 'select name from n where id = $1', values: [id] })).rows[0].name, id === 2 ? 'a' : 'b')
  await client.query('begin')
  await client.query('insert into n (name) values (\'gone\')')
  await fails(client.query('select 1/0'), '22012')
  await fails(client.query('select 1'), '25P02')
  await client.query('rollback')
  same((await client.query('select 1 from n where name = \'gone\'')).rowCount, 0)
  const pipelined = await Promise.all(Array.from({ length: 50 }, (_, at) => client.query('select $1::int * 2 as n', [at])))
  same(pipelined.map((result) => result.rows[0].n), Array.from({ length: 50 }, (_, at) => at * 2))

  // portals: a cursor and a stream
  const cursor = client.query(new Cursor('select g from generate_series(1, $1::int) g', [250]))
  same((await cursor.read(100)).length, 100)
  same((await cursor.read(100))[99], { g: 200 })
  same((await cursor.read(100)).length, 50)
  same(await cursor.read(100), [])
  await cursor.close()
  let sum = 0
  for await (const row of client.query(new QueryStream('select g from generate_series(1, 1000) g', [], { batchSize: 33 }))) sum += row.g
  same(sum, 500500)

  await client.query('drop table n')

  // notices and settings
  const notices = []
  client.on('notice', (notice) => notices.push([notice.severity, notice.message]))
  await client.query('drop table if exists nothing_here')
  same(notices, [['NOTICE', 'table "nothing_here" does not exist, skipping']])
  await client.query("set application_name = 'node'")
  same(await one("select current_setting('application_name')"), ['node'])

  // cancel: the server's way, through a second connection, and the statement's own limit
  let ended = false
  const slow = fails(client.query('select count(*) from generate_series(1, 1000000000000) g'), '57014').then(() => { ended = true })
  const limited = new Client({ ...target, statement_timeout: 200 })
  await limited.connect()
  await fails(limited.query('select pg_sleep(20)'), '57014')
  await limited.end()
  const canceller = new Client(target)
  await canceller.connect()
  while (!ended) { // whenever the statement has begun
    await canceller.query('select pg_cancel_backend($1)', [client.processID])
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await slow
  await canceller.end()
  await client.end()

  // over TCP: a password and TLS that is verified
  const ca = fs.readFileSync(`${sockets}/../../conf/secrets/tls/ca.crt`).toString()
  const secure = new Client({ host, port: Number(port), user: 'admin', password, database: 'rustydb', ssl: { ca, servername: 'localhost' } })
  await secure.connect()
  same((await secure.query('select 7 as n')).rows, [{ n: 7 }])
  await secure.end()
  await fails(new Client({ host, port: Number(port), user: 'admin', password: 'wrong', database: 'rustydb' }).connect(), '28P01')
  await fails(new Client({ ...target, database: 'nowhere' }).connect(), '3D000')

  const pool = new Pool({ ...target, max: 4 })
  const backends = await Promise.all(Array.from({ length: 20 }, () => pool.query('select pg_backend_pid() as pid')))
  same(new Set(backends.map((result) => result.rows[0].pid)).size <= 4, true)
  await pool.end()
  console.log(`${checked} checks`)
}
main().catch((error) => { console.error(error); process.exit(1) })
