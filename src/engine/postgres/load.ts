/** The `pg` package, loaded when a log in PostgreSQL is opened. */
import { loadOnce } from "../../link/load-once.ts";

export type Pg = typeof import("pg");

export const installLine = "npm install pg@8";

/** Throws `unavailable` with what to install. */
export const loadPg = loadOnce(
  async (): Promise<Pg> => {
    const { default: pg } = (await import("pg")) as unknown as { default: Pg };
    return pg;
  },
  (code, { message }) => {
    const why =
      code === "ERR_MODULE_NOT_FOUND"
        ? "is not installed"
        : `cannot be loaded (${code === "" ? message : code})`;
    return `a log in PostgreSQL needs the package pg, which ${why}; install it: ${installLine}`;
  },
);
