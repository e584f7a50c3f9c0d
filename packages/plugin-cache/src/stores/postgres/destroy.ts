import type { Socket } from "node:net";
import type { ClientBase } from "pg";

/** Cuts a connection. The client's own `end` waits for the server's goodbye, which may never come. */
export function destroy(client: ClientBase): void {
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}
