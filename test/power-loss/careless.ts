/** Loaded before a process, it makes every log careless: synchronous=NORMAL once the log has looked
 *  at its settings. Only to show that losing power is noticed. */
import { DatabaseSync } from "node:sqlite";

const prepare = DatabaseSync.prototype.prepare;
DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql, ...rest) {
  if (sql === "BEGIN IMMEDIATE") this.exec("PRAGMA synchronous = NORMAL");
  return prepare.call(this, sql, ...rest);
};
