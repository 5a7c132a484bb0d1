/** Puts `Buffer` where code that was written for Node looks for it. Imported before anything
 *  else. */
import { TabBuffer } from "./tab-buffer.ts";

Object.assign(globalThis, { Buffer: TabBuffer });
