/** What the job's bundle is called in stacks. Apart, since the controller knows it, too. */

export const codeName = "job.mjs";
