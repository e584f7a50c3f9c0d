import { expect, it } from "vitest";
import { Shell } from "./command-line.js";
import { Shop } from "./fixtures/app.js";

it("tells what the processes on the store did, and what it holds", async () => {
  const shell = new Shell();
  const kernel = await shell.kernel();
  const shop = kernel.adopt(new Shop());
  for (const id of ["a", "b", "a"]) await shop.price(id);
  await kernel.stop();
  const { code, out, err } = await shell.run(["cache", "stats"]);
  expect([code, err]).toEqual([0, ""]);
  const [head, ...rows] = out.trimEnd().split("\n");
  expect(head!.split(/ {2,}/)).toEqual(
    "OPERATION|TTL|ENTRIES|EXPIRED|SIZE|HITS|MISSES|HIT RATE|STALE|EVICTIONS|REFRESHES|ERRORS|SAVED".split(
      "|",
    ),
  );
  expect(rows.find((row) => row.startsWith("Shop.price"))).toMatch(
    /^Shop\.price +5 min +2 +0 +\d+ bytes +1 +2 +33 % +0 +0 +0 +0 +[\d.]+ ms$/,
  );
  expect(rows.at(-1)).toBe("* as each said last: once a minute while it runs, and at its end");
  expect(rows.at(-2)).toMatch(
    /^total \(sqlite:\/\/.*cache\.db, 1 process\*\) +1 h +\d+ +0 +[\d.]+ (?:bytes|KB) +1 +/,
  );
  const json = await shell.json<Record<string, unknown>>(["cache", "stats"]);
  expect(json).toMatchObject({
    hits: 1,
    processes: 1,
    operations: { "Shop.price": { hits: 1, misses: 2, ttl: 300_000 } },
    stored: { "Shop.price": { entries: 2, expired: 0, bytes: expect.any(Number) } },
  });
});

it("says that no process has said anything yet, as in the first minute of a service", async () => {
  const shell = new Shell();
  const kernel = await shell.kernel();
  await kernel.adopt(new Shop()).price("a");
  const { code, out } = await shell.run(["cache", "stats"]);
  const rows = out.trimEnd().split("\n");
  expect([code, rows.at(-1)]).toEqual([
    0,
    "* nobody has said anything yet: each does once a minute while it runs, and at its end",
  ]);
  expect(rows.at(-2)).toMatch(
    /^total \(sqlite:\/\/.*cache\.db, 0 processes\*\) +1 h +\d+ +0 +\d+ bytes +0 +0 +/,
  );
});
