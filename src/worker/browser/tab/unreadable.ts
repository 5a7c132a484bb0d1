/** Apart from what cuts the inputs of tasks, since the page that asks for Python has none of it. */

/** What Node workers read and this browser does not: no fault of the task's. */
export class Unreadable extends Error {}
