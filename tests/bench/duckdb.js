// SPDX-License-Identifier: Apache-2.0
// DuckDB in memory as a peer of the analytical workloads: reads a statement a line as JSON ("..."), answers a line
// {"ms": ..., "rows": [[text or null, ...], ...]} or {"error": ...}. NODE_PATH names the directory with @duckdb/node-api.
const { DuckDBInstance } = require('@duckdb/node-api');
const readline = require('readline');

async function main() {
  const instance = await DuckDBInstance.create(':memory:', { threads: process.env.DUCKDB_THREADS || '2' });
  const connection = await instance.connect();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      const begin = process.hrtime.bigint();
      const reader = await connection.runAndReadAll(JSON.parse(line));
      const ms = Number(process.hrtime.bigint() - begin) / 1e6;
      answer = { ms, rows: reader.getRowsJson().map((row) => row.map((value) => (value === null ? null : String(value)))) };
    } catch (failure) {
      answer = { error: failure.message };
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
}
main();
