/** Names and credentials that the members of a simulated world know of each other. */

export const coordinatorName = "coordinator";
/** What gateways show. */
export const gatewayCredential = "gateway";
/** What workers and tabs show that come for the first time. */
export const joinToken = "join";
/** A join token of another owner. */
export const intruderToken = "join of another";
/** The credential of no worker. */
export const guessedCredential = "guessed";
