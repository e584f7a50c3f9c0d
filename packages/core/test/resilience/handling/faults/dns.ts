import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import type { Fault } from "./fault.js";

/** The response codes of RFC 1035, section 4.1.1. */
const SERVER_FAILURE = 2;
const NAME_ERROR = 3;
const REFUSED = 5;

/** Asks a DNS server of the test's own, which answers with this code, or not at all. */
async function resolve(code: number | undefined): Promise<void> {
  const server = createSocket("udp4");
  server.on("message", (query, { port, address }) => {
    if (code === undefined) return;
    const answer = Buffer.from(query);
    // The bit that makes it an answer, and its code.
    answer[2]! |= 0x80;
    answer[3] = (answer[3]! & 0xf0) | code;
    server.send(answer, port, address);
  });
  await once(server.bind(0, "127.0.0.1"), "listening");
  try {
    const resolver = new Resolver({ timeout: 50, tries: 1 });
    resolver.setServers([`127.0.0.1:${server.address().port}`]);
    await resolver.resolve4("db.example");
  } finally {
    server.close();
  }
}

export const dns: Fault[] = [
  ["ENOTFOUND: no such name", () => resolve(NAME_ERROR), "transient", /spelling of the host db\.example/],
  ["ESERVFAIL", () => resolve(SERVER_FAILURE), "transient", /did not answer for db\.example/],
  ["EREFUSED", () => resolve(REFUSED), "transient", /did not answer for db\.example/],
  ["ETIMEOUT", () => resolve(undefined), "transient", /did not answer for db\.example/],
];
