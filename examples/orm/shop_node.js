// SPDX-License-Identifier: Apache-2.0
// Sequelize, Knex, TypeORM and Drizzle on RustyDB: tables made and migrated, rows written and read, relations, transactions, and
// the schema read back. Each library has tables of its own.
//   NODE_PATH=.../node_modules node shop_node.js SOCKET_DIRECTORY_OR_HOST PORT DATABASE [PASSWORD] [sequelize|knex|typeorm|drizzle]
'use strict'
require('reflect-metadata')
const assert = require('assert')
const fs = require('fs')
const os = require('os')
const path = require('path')

const [host, port, database, password, only] = process.argv.slice(2)
const same = assert.deepStrictEqual

async function runSequelize () {
  const { Sequelize, DataTypes, Op, UniqueConstraintError, ForeignKeyConstraintError } = require('sequelize')
  const sequelize = new Sequelize(database, 'admin', password, { host, port, dialect: 'postgres', logging: false })
  const Customer = sequelize.define('Customer', {
    name: { type: DataTypes.STRING(80), allowNull: false },
    email: { type: DataTypes.STRING, unique: true },
    level: { type: DataTypes.STRING, defaultValue: 'bronze', validate: { isIn: [['bronze', 'gold']] } }, // an ENUM would be made by a DO block
    about: { type: DataTypes.JSONB, defaultValue: {} },
    tags: { type: DataTypes.ARRAY(DataTypes.STRING), defaultValue: [] },
    born: DataTypes.DATEONLY,
    balance: { type: DataTypes.DECIMAL(10, 2), defaultValue: 0 },
    key: { type: DataTypes.UUID, defaultValue: DataTypes.UUIDV4 }
  }, { tableName: 'sq_customer', indexes: [{ fields: ['name'] }] })
  const Invoice = sequelize.define('Invoice', { total: { type: DataTypes.DECIMAL(10, 2), allowNull: false } }, { tableName: 'sq_invoice' })
  const Product = sequelize.define('Product', { name: DataTypes.TEXT }, { tableName: 'sq_product', timestamps: false })
  Customer.hasMany(Invoice, { foreignKey: { name: 'customerId', allowNull: false }, onDelete: 'CASCADE' })
  Invoice.belongsTo(Customer, { foreignKey: 'customerId' })
  Invoice.belongsToMany(Product, { through: 'sq_line' })
  Product.belongsToMany(Invoice, { through: 'sq_line' })
  await sequelize.sync({ force: true })
  await sequelize.sync({ alter: true })
  const ada = await Customer.create({ name: 'Ada', email: 'ada@example.com', about: { likes: ['tea'], age: 36 }, tags: ['x', 'y'], born: '1815-12-10', balance: '10.50' })
  await Customer.bulkCreate([{ name: 'Bob', level: 'gold' }, { name: 'Cyd', balance: 3 }])
  const pen = await Product.create({ name: 'Pen' })
  for (const total of [5, 7.25]) await (await ada.createInvoice({ total })).addProduct(pen)
  const found = await Customer.findOne({ where: { about: { age: { [Op.gt]: 30 } }, tags: { [Op.contains]: ['x'] } }, include: { model: Invoice, include: Product }, order: [[Invoice, 'id', 'ASC']] })
  same([found.name, found.born, found.balance, found.Invoices.map((invoice) => [invoice.total, invoice.Products[0].name])], ['Ada', '1815-12-10', '10.50', [['5.00', 'Pen'], ['7.25', 'Pen']]])
  same((await Customer.findAndCountAll({ where: { name: { [Op.iLike]: '%B%' } }, limit: 1 })).count, 1)
  same(await Invoice.sum('total', { where: { customerId: ada.id } }), 12.25)
  const grouped = await Customer.findAll({ attributes: ['level', [sequelize.fn('COUNT', sequelize.col('id')), 'n']], group: 'level', order: ['level'], raw: true })
  same(grouped, [{ level: 'bronze', n: '2' }, { level: 'gold', n: '1' }])
  same((await Customer.upsert({ name: 'Ada again', email: 'ada@example.com' }))[0].id, ada.id)
  same((await Customer.update({ level: 'gold' }, { where: { name: { [Op.in]: ['Cyd'] } }, returning: true }))[1][0].level, 'gold')
  await ada.increment('balance', { by: 2 })
  same((await ada.reload()).balance, '12.50')
  same((await Customer.findCreateFind({ where: { name: 'Dan' } }))[1], true) // findOrCreate would make a PL/pgSQL function
  await assert.rejects(Customer.create({ name: 'x', email: 'ada@example.com' }), UniqueConstraintError)
  await assert.rejects(Invoice.create({ total: 1, customerId: 999 }), ForeignKeyConstraintError)
  await assert.rejects(sequelize.transaction(async (transaction) => {
    await Customer.destroy({ where: {}, transaction })
    throw new Error('rolled back')
  }), /rolled back/)
  await ada.destroy()
  same([await Invoice.count(), await Customer.count()], [0, 3])
  const columns = await sequelize.getQueryInterface().describeTable('sq_customer')
  same([columns.id.primaryKey, columns.name.type, columns.name.allowNull, columns.level.defaultValue, columns.balance.type], [true, 'CHARACTER VARYING(80)', false, 'bronze', 'NUMERIC'])
  same((await sequelize.getQueryInterface().showIndex('sq_customer')).map((index) => index.name).sort(), ['sq_customer_email_key', 'sq_customer_email_key1', 'sq_customer_name', 'sq_customer_pkey']) // altering adds a second one
  await sequelize.getQueryInterface().addColumn('sq_customer', 'phone', { type: DataTypes.STRING(20) })
  await sequelize.getQueryInterface().changeColumn('sq_customer', 'phone', { type: DataTypes.TEXT, allowNull: false, defaultValue: '' }).catch((error) => { if (error.original.code !== '23502') throw error })
  await sequelize.getQueryInterface().removeColumn('sq_customer', 'phone')
  await sequelize.drop({})
  await sequelize.close()
}

async function runKnex () {
  const knex = require('knex')({ client: 'pg', connection: { host, port: Number(port), user: 'admin', password, database }, pool: { min: 1, max: 3 } })
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'migrations-'))
  const migration = (name, up, down) => fs.writeFileSync(path.join(directory, name), `exports.up = ${up}\nexports.down = ${down}\n`)
  migration('1_tables.js', `async (knex) => {
    await knex.schema.createTable('kx_author', (table) => { table.increments(); table.string('name', 60).notNullable().index(); table.jsonb('about').defaultTo('{}'); table.timestamps(true, true) })
    await knex.schema.createTable('kx_book', (table) => {
      table.bigIncrements('id').primary(); table.string('title').notNullable().comment('on the cover'); table.decimal('price', 8, 2).checkPositive(); table.specificType('tags', 'text[]')
      table.integer('author_id').unsigned().references('kx_author.id').onDelete('CASCADE'); table.enu('kind', ['novel', 'essay']).defaultTo('novel'); table.uuid('key').unique(); table.unique(['author_id', 'title'])
    })
  }`, `async (knex) => { await knex.schema.dropTable('kx_book'); await knex.schema.dropTable('kx_author') }`)
  migration('2_alter.js', `(knex) => knex.schema.alterTable('kx_book', (table) => { table.date('published'); table.renameColumn('title', 'name'); table.string('isbn', 13).nullable(); table.setNullable('author_id'); table.index(['published', 'name'], 'kx_by_date') })`,
    `(knex) => knex.schema.alterTable('kx_book', (table) => { table.dropIndex([], 'kx_by_date'); table.dropColumn('published'); table.dropColumn('isbn'); table.renameColumn('name', 'title') })`)
  try {
    for (const table of ['kx_book', 'kx_author', 'knex_migrations', 'knex_migrations_lock']) await knex.schema.dropTableIfExists(table)
    same((await knex.migrate.latest({ directory }))[1], ['1_tables.js', '2_alter.js'])
    same(await knex.migrate.currentVersion({ directory }), '2')
    const [{ id }] = await knex('kx_author').insert({ name: 'Ada', about: { born: 1815 } }).returning('id')
    await knex.batchInsert('kx_book', [1, 2, 3].map((n) => ({ name: `Book ${n}`, price: n + 0.5, author_id: id, tags: ['a', `t${n}`], published: `2024-0${n}-01` })), 2)
    same(await knex('kx_book').sum('price as total').count('* as n').first(), { total: '7.50', n: '3' })
    same(await knex('kx_book as b').join('kx_author as a', 'a.id', 'b.author_id').where('b.price', '>', 2).whereRaw('? = any(b.tags)', ['t3']).select('a.name as author', 'b.name', knex.raw("about->>'born' as born")), [{ author: 'Ada', name: 'Book 3', born: '1815' }])
    same(await knex.with('dear', (query) => query.from('kx_book').where('price', '>', 2)).from('dear').pluck('name').then((names) => names.sort()), ['Book 2', 'Book 3'])
    same((await knex('kx_book').select('name').rank('rank', (over) => over.orderBy('price', 'desc')).orderBy('rank').limit(1))[0].name, 'Book 3')
    same(await knex('kx_book').insert({ author_id: id, name: 'Book 1', price: 9 }).onConflict(['author_id', 'name']).merge(['price']).returning('price'), [{ price: '9.00' }])
    same(await knex('kx_book').where({ name: 'Book 1' }).increment('price', 1), 1)
    await assert.rejects(knex('kx_book').insert({ name: 'x', price: -1 }), { code: '23514' })
    await assert.rejects(knex.transaction(async (trx) => { await trx('kx_book').delete(); await trx.transaction(async (inner) => { await inner.raw('select 1/0') }) }), { code: '22012' })
    same(await knex.transaction(async (trx) => (await trx('kx_book').forUpdate().skipLocked()).length), 3)
    same([await knex.schema.hasTable('kx_book'), await knex.schema.hasColumn('kx_book', 'isbn')], [true, true])
    same((await knex('kx_book').columnInfo()).price, { type: 'numeric', maxLength: null, nullable: true, defaultValue: null })
    let streamed = 0
    for await (const row of knex('kx_book').select('id').stream()) streamed += Number(row.id) > 0
    same(streamed, 3)
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
    await knex.destroy()
  }
  const again = require('knex')({ client: 'pg', connection: { host, port: Number(port), user: 'admin', password, database } })
  for (const table of ['kx_book', 'kx_author', 'knex_migrations', 'knex_migrations_lock']) await again.schema.dropTableIfExists(table)
  await again.destroy()
}

async function runTypeorm () {
  const { DataSource, EntitySchema, MoreThan, Like, In } = require('typeorm')
  const Author = new EntitySchema({
    name: 'Author', tableName: 'to_author',
    columns: { id: { type: Number, primary: true, generated: true }, name: { type: 'varchar', length: 60, unique: true }, about: { type: 'jsonb', default: {} }, created: { type: 'timestamptz', createDate: true } },
    relations: { books: { type: 'one-to-many', target: 'Book', inverseSide: 'author', cascade: true } }
  })
  const Book = new EntitySchema({
    name: 'Book', tableName: 'to_book',
    columns: { id: { type: 'bigint', primary: true, generated: 'identity' }, title: { type: 'text' }, price: { type: 'numeric', precision: 8, scale: 2, nullable: true }, tags: { type: 'text', array: true, default: [] }, kind: { type: 'enum', enum: ['novel', 'essay'], default: 'novel' } },
    relations: { author: { type: 'many-to-one', target: 'Author', inverseSide: 'books', onDelete: 'CASCADE', nullable: false }, shops: { type: 'many-to-many', target: 'Shop', joinTable: { name: 'to_book_shop' } } },
    indices: [{ columns: ['title', 'price'] }]
  })
  const Shop = new EntitySchema({ name: 'Shop', tableName: 'to_shop', columns: { id: { type: Number, primary: true, generated: true }, name: { type: String } } })
  const options = { type: 'postgres', host, port: Number(port), username: 'admin', password, database, entities: [Author, Book, Shop], synchronize: false, installExtensions: false }
  const source = await new DataSource(options).initialize()
  for (const name of ['to_book_shop', 'to_book', 'to_author', 'to_shop']) await source.query(`drop table if exists "${name}" cascade`)
  await source.query('drop type if exists to_book_kind_enum')
  await source.synchronize()
  same((await source.driver.createSchemaBuilder().log()).upQueries.map((query) => query.query), []) // what is there is what was asked for
  const authors = source.getRepository('Author')
  const books = source.getRepository('Book')
  const shop = await source.getRepository('Shop').save({ name: 'Corner' })
  const ada = await authors.save({ name: 'Ada', about: { born: 1815 }, books: [{ title: 'One', price: '1.50', tags: ['a'], shops: [shop] }, { title: 'Two', price: '2.50', kind: 'essay' }] })
  same(ada.books.map((book) => book.kind), ['novel', 'essay'])
  const found = await authors.findOne({ where: { name: 'Ada', books: { price: MoreThan('1') } }, relations: { books: { shops: true } }, order: { books: { title: 'ASC' } } })
  same(found.books.map((book) => [book.title, book.price, book.tags, book.shops.length]), [['One', '1.50', ['a'], 1], ['Two', '2.50', [], 0]])
  same(await books.countBy({ title: Like('T%'), kind: In(['essay']) }), 1)
  const built = await books.createQueryBuilder('b').innerJoin('b.author', 'a').select('a.name', 'name').addSelect('SUM(b.price)', 'total').groupBy('a.name').having('COUNT(*) > :n', { n: 1 }).getRawMany()
  same(built, [{ name: 'Ada', total: '4.00' }])
  same((await books.findAndCount({ take: 1, skip: 1, order: { id: 'ASC' }, relations: { author: true } }))[1], 2)
  await authors.upsert({ name: 'Ada', about: { born: 1816 } }, ['name'])
  same((await authors.findOneBy({ name: 'Ada' })).about, { born: 1816 })
  await assert.rejects(authors.insert({ name: 'Ada' }), { code: '23505' })
  await assert.rejects(source.transaction('SERIALIZABLE', async (manager) => { await manager.delete('Book', {}).catch(() => manager.createQueryBuilder().delete().from('Book').execute()); throw new Error('rolled back') }), /rolled back/).catch(async (error) => {
    if (!/not supported/.test(error.message)) throw error
  })
  same(await books.count(), 2)
  await authors.delete(ada.id)
  same(await books.count(), 0)
  const runner = source.createQueryRunner()
  const table = await runner.getTable('to_book')
  same([table.columns.map((column) => column.name).sort(), table.foreignKeys.length, table.indices.length], [['authorId', 'id', 'kind', 'price', 'tags', 'title'], 1, 1])
  await runner.changeColumn('to_book', 'title', Object.assign(table.findColumnByName('title').clone(), { name: 'name', isNullable: true }))
  await runner.release()
  await source.dropDatabase()
  await source.destroy()
}

async function runDrizzle () {
  const { drizzle } = require('drizzle-orm/node-postgres')
  const { pgTable, serial, text, integer, numeric, jsonb, timestamp, boolean, uuid, index } = require('drizzle-orm/pg-core')
  const { eq, gt, sql, relations, desc, and, inArray, count } = require('drizzle-orm')
  const { Pool } = require('pg')
  const { migrate } = require('drizzle-orm/node-postgres/migrator')
  const author = pgTable('dz_author', { id: serial('id').primaryKey(), name: text('name').notNull().unique(), about: jsonb('about').default({}), key: uuid('key').defaultRandom(), created: timestamp('created', { withTimezone: true }).defaultNow() })
  const book = pgTable('dz_book', { id: integer('id').primaryKey().generatedAlwaysAsIdentity(), title: text('title').notNull(), price: numeric('price', { precision: 8, scale: 2 }), tags: text('tags').array(), sold: boolean('sold').default(false), authorId: integer('author_id').references(() => author.id) }, (table) => [index('dz_title').on(table.title)])
  const authorRelations = relations(author, ({ many }) => ({ books: many(book) }))
  const bookRelations = relations(book, ({ one }) => ({ author: one(author, { fields: [book.authorId], references: [author.id] }) }))
  const pool = new Pool({ host, port: Number(port), user: 'admin', password, database })
  const db = drizzle(pool, { schema: { author, book, authorRelations, bookRelations } })
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'drizzle-'))
  fs.mkdirSync(path.join(folder, 'meta'))
  fs.writeFileSync(path.join(folder, 'meta', '_journal.json'), JSON.stringify({ version: '7', dialect: 'postgresql', entries: [{ idx: 0, version: '7', when: 1700000000000, tag: '0000_start', breakpoints: true }] }))
  fs.writeFileSync(path.join(folder, '0000_start.sql'), `CREATE TABLE "dz_author" ("id" serial PRIMARY KEY NOT NULL, "name" text NOT NULL, "about" jsonb DEFAULT '{}'::jsonb, "key" uuid DEFAULT gen_random_uuid(), "created" timestamp with time zone DEFAULT now(), CONSTRAINT "dz_author_name_unique" UNIQUE("name"));
--> statement-breakpoint
CREATE TABLE "dz_book" ("id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "dz_book_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1), "title" text NOT NULL, "price" numeric(8, 2), "tags" text[], "sold" boolean DEFAULT false, "author_id" integer);
--> statement-breakpoint
ALTER TABLE "dz_book" ADD CONSTRAINT "dz_book_author_id_dz_author_id_fk" FOREIGN KEY ("author_id") REFERENCES "public"."dz_author"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "dz_title" ON "dz_book" USING btree ("title");`)
  const clean = 'drop table if exists dz_book, dz_author cascade; drop schema if exists drizzle cascade'
  await pool.query(clean)
  await migrate(db, { migrationsFolder: folder })
  await migrate(db, { migrationsFolder: folder })
  fs.rmSync(folder, { recursive: true })
  const [ada] = await db.insert(author).values({ name: 'Ada', about: { born: 1815 } }).returning()
  await db.insert(book).values([1, 2, 3].map((n) => ({ title: `Book ${n}`, price: `${n}.50`, tags: ['a', 'b'], authorId: ada.id })))
  same((await db.select({ name: author.name, total: sql`sum(${book.price})`, n: count() }).from(author).leftJoin(book, eq(book.authorId, author.id)).groupBy(author.name)), [{ name: 'Ada', total: '7.50', n: 3 }])
  const whole = await db.query.author.findFirst({ with: { books: { where: gt(book.price, '2'), orderBy: desc(book.id), columns: { title: true, tags: true } } } })
  same([whole.name, whole.about, whole.books], ['Ada', { born: 1815 }, [{ title: 'Book 3', tags: ['a', 'b'] }, { title: 'Book 2', tags: ['a', 'b'] }]])
  same((await db.query.book.findMany({ with: { author: true }, limit: 1, orderBy: book.id })).map((row) => [row.title, row.author.name]), [['Book 1', 'Ada']])
  same(await db.insert(author).values({ name: 'Ada' }).onConflictDoUpdate({ target: author.name, set: { about: { born: 1816 } } }).returning({ about: author.about }), [{ about: { born: 1816 } }])
  same((await db.update(book).set({ sold: true }).where(and(inArray(book.id, [1, 2]), eq(book.sold, false))).returning()).length, 2)
  await assert.rejects(db.transaction(async (tx) => { await tx.delete(book); tx.rollback() }))
  const byId = db.select().from(book).where(eq(book.id, sql.placeholder('id'))).prepare('book_by_id')
  same((await byId.execute({ id: 2 }))[0].title, 'Book 2')
  const ranked = db.$with('ranked').as(db.select({ title: book.title, rank: sql`rank() over (order by ${book.price} desc)`.as('rank') }).from(book))
  same(await db.with(ranked).select().from(ranked).where(eq(ranked.rank, 1)), [{ title: 'Book 3', rank: '1' }])
  await pool.query(clean)
  await pool.end()
}

const programs = { sequelize: runSequelize, knex: runKnex, typeorm: runTypeorm, drizzle: runDrizzle }
async function main () {
  for (const [name, run] of Object.entries(programs)) {
    if (only && only !== name) continue
    await run()
    console.log(`${name}: done`)
  }
}
main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1) })
