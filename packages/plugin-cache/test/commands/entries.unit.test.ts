import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { CacheManager } from "@mlmcp/plugin-cache";
import { Shell } from "./command-line.js";
import { Shop } from "./fixtures/app.js";

let shell: Shell;

/** Entries that are fresh, stale and outdated. What has expired goes when a command opens the file. */
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  shell = new Shell();
  const kernel = await shell.kernel();
  const shop = kernel.adopt(new Shop());
  await shop.stock("expired");
  vi.advanceTimersByTime(15_000);
  await shop.stock("stale");
  vi.advanceTimersByTime(15_000);
  for (const id of ["a", "b", "gone"]) await shop.price(id);
  await kernel.resolve(CacheManager).invalidateTags(["product:gone"]);
  await kernel.stop();
});

interface Listed {
  readonly key: string;
  readonly operation: string;
  readonly state: string;
  readonly tags: readonly string[];
}
const list = (...args: string[]): Promise<Listed[]> => shell.json(["cache", "list", ...args]);
const states = (entries: readonly Listed[]): string[] =>
  entries
    .filter(({ operation }) => operation !== "Shop.banner")
    .map(({ operation, state }) => `${operation} ${state}`)
    .sort();

describe("cache list", () => {
  it("tells the state of every entry", async () => {
    expect(states(await list())).toEqual([
      "Shop.price fresh",
      "Shop.price fresh",
      "Shop.price outdated",
      "Shop.stock stale",
    ]);
    const { out } = await shell.run(["cache", "list", "--operation", "Shop.price", "--limit", "1"]);
    const [head, entry, ...rest] = out.trimEnd().split("\n");
    expect([head!.split(/ {2,}/), rest]).toEqual([
      ["KEY", "OPERATION", "STATE", "SIZE", "COST", "FRESH UNTIL", "EXPIRES", "TAGS"],
      [],
    ]);
    expect(entry).toMatch(
      /^[\w-]{43} +Shop\.price +(?:fresh|outdated) +\d+ bytes +[\d.]+ ms +\d{4}-.*Z +prices, product:\w+$/,
    );
  });

  it("tells those of one operation, those with a tag, those that are over, and only so many", async () => {
    expect(states(await list("--operation", "Shop.stock"))).toEqual(["Shop.stock stale"]);
    expect(states(await list("--expired"))).toEqual(["Shop.price outdated"]);
    expect(states(await list("--tag", "product:a"))).toEqual(["Shop.price fresh"]);
    expect(states(await list("--tag", "product:b", "product:gone", "stocks"))).toEqual([
      "Shop.price fresh",
      "Shop.price outdated",
      "Shop.stock stale",
    ]);
    expect(await list("--tag", "stocks", "--operation", "Shop.price")).toEqual([]);
    expect(await list("--limit", "2")).toHaveLength(2);
    // Known to the application, and to the store alone.
    expect((await shell.run(["cache", "list", "--operation", "CacheManager"])).out).toBe("There are none.\n");
    expect(await list("--operation", "(statistics)")).not.toEqual([]);
  });

  it.each([["none"], ["0"], ["-1"], ["1.5"]])("refuses --limit %s", async (limit) => {
    const { code, err } = await shell.run(["cache", "list", `--limit=${limit}`]);
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(`--limit is "${limit}"; expected a whole number above 0.`),
    ]);
  });

  it.each([
    ["Shop.prcie", 'Did you mean "Shop.price"?'],
    ["Nobody.here", "`mlmcp cache stats` names those that have entries."],
  ])("refuses %s, which nobody knows, as `clear` does", async (operation, mend) => {
    for (const args of [["list"], ["clear", "--yes"]]) {
      const { code, out, err } = await shell.run(["cache", ...args, "--operation", operation]);
      expect([code, out]).toEqual([1, ""]);
      expect(err).toContain(
        `There is no operation "${operation}", in the application or in sqlite://${shell.path("cache.db")}. ${mend}`,
      );
    }
    expect(states(await list())).toHaveLength(4);
  });

  it("completes the operations that are cached, and the tags that they name of themselves", async () => {
    const complete = async (...words: string[]): Promise<string> =>
      (await shell.run(["__complete", "--", "cache", ...words])).out.trim();
    expect(await complete("list", "--operation", "Shop.s")).toBe("Shop.stock");
    expect(await complete("list", "--tag", "")).toBe("stocks");
    expect(await complete("clear", "--tag", "st")).toBe("stocks");
    expect(await complete("list", "--t")).toContain("--tag");
  });
});

describe("cache inspect", () => {
  it("tells all about one entry, by the beginning of its key", async () => {
    const { key } = (await list("--operation", "Shop.price")).find(({ state }) => state === "fresh")!;
    const { out: json } = await shell.run(["cache", "inspect", "--json", "--", key.slice(0, 12)]);
    expect(JSON.parse(json)).toEqual({
      key,
      operation: "Shop.price",
      state: "fresh",
      bytes: expect.any(Number),
      created: expect.stringMatching(/Z$/),
      freshUntil: expect.stringMatching(/Z$/),
      expires: expect.stringMatching(/Z$/),
      costMs: expect.any(Number),
      tags: ["prices", expect.stringMatching(/^product:/)],
    });
    const { out } = await shell.run(["cache", "inspect", "--value", "--", key]);
    expect(out).toMatch(/value +\{ id: '[ab]', price: 7 \}/);
  });

  it("refuses a beginning that several keys have, or none", async () => {
    const several = await shell.run(["cache", "inspect", ""]);
    expect([several.code, several.err]).toEqual([
      1,
      expect.stringContaining("is the beginning of several keys"),
    ]);
    const none = await shell.run(["cache", "inspect", "nothing"]);
    expect([none.code, none.err]).toEqual([
      1,
      expect.stringContaining('There is no entry whose key begins with "nothing"'),
    ]);
    expect((await shell.run(["cache", "inspect"])).code).toBe(2);
  });
});

describe("cache clear", () => {
  it("deletes the entries of one operation, or those with a tag, from the store", async () => {
    const tagged = await shell.run(["cache", "clear", "--tag", "product:a", "--yes"]);
    expect([tagged.code, tagged.out]).toEqual([0, "Deleted 1 entry tagged product:a.\n"]);
    const all = await shell.run(["cache", "clear", "--operation", "Shop.price", "--yes"]);
    // One was outdated before, by another tag.
    expect(all.out).toBe("Deleted 2 entries of Shop.price.\n");
    expect(states(await list())).toEqual(["Shop.stock stale"]);
  });

  it("makes processes that are running forget them too", async () => {
    const kernel = await shell.kernel();
    const shop = kernel.adopt(new Shop());
    await shop.price("a");
    Shop.calls = 0;
    await shop.price("a");
    expect(Shop.calls).toBe(0);
    await shell.run(["cache", "clear", "--tag", "prices", "--yes"]);
    await vi.waitUntil(async () => (await shop.price("a"), Shop.calls === 1), { interval: 50 });
  });

  it("deletes everything where nothing is named", async () => {
    const { code, out } = await shell.run(["cache", "clear", "--yes"]);
    expect([code, out]).toEqual([0, expect.stringMatching(/^Deleted \d+ entries from sqlite:\/\/.*\.\n$/)]);
    expect(states(await list())).toEqual([]);
  });

  it("asks first, and wants --force in production", async () => {
    const refused = await shell.run(["cache", "clear"], { isTTY: true, answers: ["n"] });
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining("Cached results are deleted. Go on? [y/N]"),
    ]);
    shell.configure({ system: { environment: "production" } });
    const production = await shell.run(["cache", "clear", "--yes"]);
    expect([production.code, production.err]).toEqual([1, expect.stringContaining("this is production")]);
    expect((await shell.run(["cache", "clear", "--yes", "--force"])).code).toBe(0);
  });
});

describe("cache clear-expired", () => {
  it("deletes what has expired and nothing else", async () => {
    expect(await shell.json(["cache", "clear-expired"])).toEqual({
      store: `sqlite://${shell.path("cache.db")}`,
      deleted: 0,
      freedBytes: expect.any(Number),
    });
    vi.advanceTimersByTime(6_000);
    await shell.run(["cache", "clear-expired"]);
    expect(states(await list())).toEqual(["Shop.price fresh", "Shop.price fresh", "Shop.price outdated"]);
  });
});
