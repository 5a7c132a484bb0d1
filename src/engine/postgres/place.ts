/** Where a cluster lives in PostgreSQL: a database, and in it a schema for each cluster. */
import { ClusterError } from "../../core/error.ts";

export type PostgresPlace = {
  /** Without the schema, which is no parameter of PostgreSQL. */
  readonly url: string;
  readonly schema: string;
  /** For messages: without the user and what is secret. */
  readonly name: string;
};

const defaultSchema = "tequio";
const schemaName = /^[a-z_][a-z0-9_]{0,47}$/;
const example = "postgres://tequio@db.example:5432/cluster?schema=tequio";

/** Throws `bad-request` for what is no such address, or has a password in it. */
export function postgresPlace(text: string): PostgresPlace {
  const url = URL.parse(text);
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === "") {
    const problem = "is not the address of a database in PostgreSQL; that looks like";
    throw new ClusterError("bad-request", `${withoutSecret(text)} ${problem} ${example}`);
  }
  if (url.password !== "" || url.searchParams.has("password")) {
    const way = "leave it out of the address, and set PGPASSWORD or ~/.pgpass";
    throw new ClusterError(
      "bad-request",
      `other users can see a password on a command line; ${way}`,
    );
  }
  const schema = url.searchParams.get("schema") ?? defaultSchema;
  if (!schemaName.test(schema)) {
    const rule = "lower-case letters, digits and _, at most 48";
    throw new ClusterError("bad-request", `${schema.slice(0, 80)} is no name of a schema: ${rule}`);
  }
  url.searchParams.delete("schema");
  return { url: url.href, schema, name: `postgres://${url.host}${url.pathname}/${schema}` };
}

function withoutSecret(text: string): string {
  return text.replace(/\/\/[^@/]*@/, "//…@").slice(0, 200);
}
