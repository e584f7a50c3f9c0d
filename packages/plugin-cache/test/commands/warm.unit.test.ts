import { expect, it } from "vitest";
import { Shell } from "./command-line.js";

it("makes the calls that are to be warm, and fails where one does", async () => {
  const shell = new Shell();
  const { code, out, err } = await shell.run(["cache", "warm", "Shop.banner", "--json"]);
  expect([code, JSON.parse(out), err]).toEqual([
    1,
    { warmed: 2, failed: 1 },
    expect.stringContaining("1 calls failed"),
  ]);
  const entries = await shell.json<object[]>(["cache", "list", "--operation", "Shop.banner"]);
  expect(entries).toHaveLength(2);
});

it("refuses an operation that has nothing to warm, names the nearest, and completes those that have", async () => {
  const shell = new Shell();
  const { code, err } = await shell.run(["cache", "warm", "Shop.baner"]);
  expect([code, err]).toEqual([1, expect.stringContaining('Did you mean "Shop.banner"?')]);
  expect((await shell.run(["__complete", "--", "cache", "warm", ""])).out.trim()).toBe("Shop.banner");
});
