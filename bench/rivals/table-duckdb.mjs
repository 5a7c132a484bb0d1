/** A question to a table in DuckDB, two threads:
 *  `node table-duckdb.mjs <csv|ndjson|log> <input> <output> <json|csv> <query of "input">`. */
import { DuckDBInstance } from "@duckdb/node-api";

const [kind, input, output, format, query] = process.argv.slice(2);
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
const tables = {
  csv: `read_csv(${quoted(input)})`,
  ndjson: `read_json(${quoted(input)}, format = 'newline_delimited')`,
  // One column: the delimiter is a byte that text does not have.
  log: `read_csv(${quoted(input)}, header = false, columns = {'line': 'VARCHAR'},
    delim = '\x01', quote = '', escape = '', auto_detect = false)`,
};
const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
const connection = await instance.connect();
const table = query.replace("FROM input", `FROM ${tables[kind]}`);
await connection.run(`COPY (${table}) TO ${quoted(output)} (FORMAT ${format})`);
