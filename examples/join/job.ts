/** Joins orders with the users who made them: two inputs of different formats meet at their key. */
import { csv, type Emit, mapReduce, ndjson } from "tequio";

type User = { readonly id: string; readonly name: string; readonly city: string };
type Order = { readonly order: number; readonly user: string; readonly cents: number };
type Row = { readonly user?: User; readonly cents?: number };

export default mapReduce({
  name: "users and orders",
  inputs: {
    users: {
      input: csv<User>(),
      map(user: User, emit: Emit<string, Row>) {
        emit(user.id, { user });
      },
    },
    orders: {
      input: ndjson<Order>(),
      map(order: Order, emit: Emit<string, Row>) {
        emit(order.user, { cents: order.cents });
      },
    },
  },
  reduce(_id, rows) {
    let user: User | undefined;
    let orders = 0;
    let cents = 0;
    for (const row of rows) {
      if (row.user !== undefined) user = row.user;
      else {
        orders++;
        cents += row.cents ?? 0;
      }
    }
    return { name: user?.name ?? null, city: user?.city ?? null, orders, cents };
  },
  output: "csv",
});
