/** What the `basic` sandbox does not hold, and how to get one that does. */

/** What job code can reach there. */
export const basicSandboxLimits =
  "the basic sandbox is not a security boundary: job code that gets past the checks of the " +
  "engine reaches the files of this user, the network, and other processes of this user";

/** What to do about it on this system. */
export function strictSandboxAdvice(platform: string = process.platform): string {
  return platform === "linux"
    ? "allow unprivileged user namespaces (bubblewrap or util-linux is used), or let only people " +
        "you trust submit jobs"
    : "run workers on Linux, or let only people you trust submit jobs";
}

/** One line for the start of a worker. */
export function basicSandboxText(): string {
  return `${basicSandboxLimits}; ${strictSandboxAdvice()}`;
}
