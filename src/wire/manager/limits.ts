/** Limits of one message of the manager protocol. They apply to what is sent as well as to what is
 *  accepted. */

/** One frame with its length, and so one WebSocket message. */
export const frameBytesMax = 8 * 1024 * 1024;
/** Length-delimited messages in one WebSocket message. */
export const messagesPerFrameMax = 1024;
/** Tasks, task ids or statuses in one message. */
export const tasksPerMessageMax = 100_000;
/** A name, an address, a refusal, as UTF-8. */
export const textBytesMax = 64 * 1024;
/** Existing ids have 34 bytes; other multihashes are accepted, so that they can be answered as
 *  unknown. */
export const taskIdBytesMax = 128;
/** Addresses of one program. */
export const programAddressesMax = 64;
/** Kinds of programs that one worker runs. */
export const programKindsMax = 256;

/** Bytes of the filling of a join and of its answer: more than two packets of an Ethernet. */
export const fillBytes = 4 * 1024;

/** JSON of all reports in one message, bytes; a single report may have more. */
export const reportsBytesMax = frameBytesMax / 4;
/** JSON in a message that holds nothing else, bytes. */
export const jsonBytesMax = frameBytesMax - 1024;
/** Tasks that a worker names when it joins: half of its message. */
export const holdingMax = Math.floor(frameBytesMax / 2 / (taskIdBytesMax / 2));
/** JSON of what it serves, bytes: the room left by the tasks, and its names and addresses. */
export const servingBytesMax = frameBytesMax / 2 - 512 * 1024;
