/** Node's HTTP module. An `import` of its values reads all that it exports, and so loads Node's
 *  client for `fetch` and WebSocket, which takes as long as the rest of the start of a process.
 *  Types are imported from `node:http` as usual. */
import type { Agent as NodeAgent } from "node:http";
import process from "node:process";

const http = process.getBuiltinModule("node:http");

export const { Agent, createServer, request, STATUS_CODES } = http;
export type Agent = NodeAgent;
