/** Names and credentials that the members of a simulated world share. */

export const coordinatorName = "coordinator";
/** The credential of gateways. */
export const gatewayCredential = "gateway";
/** The token of workers and tabs that join for the first time. */
export const joinToken = "join";
/** A join token of another owner. */
export const intruderToken = "join of another";
/** A credential that belongs to no worker. */
export const guessedCredential = "guessed";
