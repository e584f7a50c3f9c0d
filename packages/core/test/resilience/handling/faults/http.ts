import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Fault } from "./fault.js";

async function onServer<T>(
  answer: (port: number) => Promise<T>,
  status: number,
  headers: object = {},
): Promise<T> {
  const server = createServer((_, response) => response.writeHead(status, { ...headers }).end("no"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    return await answer((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Asks a real server, and fails as clients of HTTP do. */
const request = (status: number, headers?: object) => (): Promise<never> =>
  onServer(
    async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}`, { headers: { connection: "close" } });
      await response.text();
      throw Object.assign(new Error(response.statusText), { response });
    },
    status,
    headers,
  );

export const http: Fault[] = [
  ["400", request(400), "permanent", /Correct the request/],
  ["401", request(401), "permanent", /Check the credential/],
  ["403", request(403), "permanent", /Ask for the right/],
  ["404", request(404), "permanent", /Check the address/],
  ["408", request(408), "transient", /is up and not overloaded/],
  ["409", request(409), "permanent", /Read what is there now/],
  ["413", request(413), "permanent", /Send less at once/],
  ["422", request(422), "permanent", /which fields are wrong/],
  ["429", request(429), "transient", /^Wait before the next request/],
  ["429 that says when", request(429, { "retry-after": "7" }), "transient", /^Wait 7 s/],
  ["500", request(500), "transient", /the fault is at the server/],
  ["503 that says when", request(503, { "retry-after": "7" }), "transient", /^Try again in 7 s/],
  ["504", request(504), "transient", /is up and not overloaded/],
  ["507", request(507), "resource", /Free space at the server/],
];
