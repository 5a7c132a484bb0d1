/** Word count in DuckDB, two threads: `node word-count-duckdb.mjs <input> <output>`. */
import { DuckDBInstance } from "@duckdb/node-api";

const [input, output] = process.argv.slice(2);
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
const connection = await instance.connect();
// One column: the delimiter is a byte that text does not have.
const lines = `read_csv(${quoted(input)}, header = false, columns = {'line': 'VARCHAR'},
  delim = '\x01',
  quote = '', escape = '', auto_detect = false)`;
await connection.run(`
  COPY (
    SELECT word, count(*) AS count FROM (
      SELECT unnest(string_split(line, ' ')) AS word FROM ${lines}
    ) WHERE word <> '' GROUP BY word
  ) TO ${quoted(output)} (HEADER false, DELIMITER '\t', QUOTE '')`);
