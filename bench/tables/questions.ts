/** The questions that tables are asked, in our words and in SQL. */
import type { TableKind } from "./files.ts";

export type Question = {
  /** The job is `bench/jobs/tables/<name>.ts`. */
  readonly name: string;
  readonly text: string;
  readonly table: TableKind;
  /** Of the table `input`. */
  readonly sql: string;
  /** Times as fast as DuckDB, at least. */
  readonly atLeast: number;
  /** Rows are compared in their order, by this column of CSV; else as a set of keys and values. */
  readonly sortedBy?: number;
};

const first = "regexp_extract(line, '^\\S+')";
const pattern = "'^\\S+ \\S+ \\S+ (\\d+) (\\d+)ms'";

export const questions: readonly Question[] = [
  {
    name: "sum",
    text: "CSV, by(city).sum(price)",
    table: "csv",
    sql: "SELECT city, sum(price) FROM input GROUP BY city",
    atLeast: 1,
  },
  {
    name: "count",
    text: "CSV, by(city, product).count()",
    table: "csv",
    sql: "SELECT city, product, count(*) FROM input GROUP BY city, product",
    atLeast: 1,
  },
  {
    name: "top",
    text: "CSV, by(product).count().topK(10)",
    table: "csv",
    sql:
      "SELECT product, count(*) AS n FROM input GROUP BY product " +
      "ORDER BY n DESC, product LIMIT 10",
    atLeast: 1,
  },
  {
    name: "distinct",
    text: "CSV, distinct() of a column",
    table: "csv",
    sql: "SELECT DISTINCT city FROM input",
    atLeast: 1,
  },
  {
    name: "json",
    text: "NDJSON, by(city).sum(price)",
    table: "ndjson",
    sql: "SELECT city, sum(price) FROM input GROUP BY city",
    atLeast: 0.8,
  },
  {
    name: "filter",
    text: "CSV, where, four aggregates by city",
    table: "csv",
    sql:
      "SELECT city, count(*), sum(price), min(price), max(price) FROM input " +
      "WHERE price > 500 AND quantity <= 6 GROUP BY city",
    atLeast: 1,
  },
  {
    name: "json-filter",
    text: "NDJSON, where, a computed column, two aggregates by city",
    table: "ndjson",
    sql:
      "SELECT city, count(*), sum(price * quantity) FROM input " +
      "WHERE quantity > 1 GROUP BY city",
    atLeast: 0.8,
  },
  {
    name: "words",
    text: "first word of log lines, count",
    table: "log",
    sql: `SELECT ${first} AS word, count(*) FROM input GROUP BY word`,
    atLeast: 1,
  },
  {
    name: "match",
    text: "expression with two groups, sum by one",
    table: "log",
    sql:
      `SELECT regexp_extract(line, ${pattern}, 1) AS status, ` +
      `sum(CAST(regexp_extract(line, ${pattern}, 2) AS BIGINT)) FROM input GROUP BY status`,
    atLeast: 1.5,
  },
  {
    name: "sort",
    text: "CSV, sorted by a number",
    table: "csv",
    sql: "SELECT * FROM input ORDER BY price",
    atLeast: 1,
    sortedBy: 3,
  },
];
