/** The Join page, at `/j`. */
export function JoinPage() {
  return <h1 tabIndex={-1}>Join</h1>;
}
