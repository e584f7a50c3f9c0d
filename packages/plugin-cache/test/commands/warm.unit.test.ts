import { expect, it } from "vitest";
import { Shell } from "./command-line.js";

it("makes the calls that are to be warm, and fails where one does", async () => {
  const shell = new Shell();
  const { code, out, err } = await shell.run(["cache", "warm", "Shop.banner", "--json"]);
  expect([code, JSON.parse(out), err]).toEqual([
    1,
    { warmed: 2, failed: 1 },
    expect.stringContaining("1 call failed"),
  ]);
  const entries = await shell.json<object[]>(["cache", "list", "--operation", "Shop.banner"]);
  expect(entries).toHaveLength(2);
});

it.each([
  ["Shop.baner", '"Shop.baner" cannot be warmed: there is no such operation. Did you mean "Shop.banner"?\n'],
  [
    "Shop.prize",
    '"Shop.prize" cannot be warmed: there is no such operation. Did you mean "Shop.price"? Its @cached has no `warm`. These can: Shop.banner.\n',
  ],
  ["Shop.price", '"Shop.price" cannot be warmed: its @cached has no `warm`. These can: Shop.banner.\n'],
  ["Elsewhere.x", '"Elsewhere.x" cannot be warmed: there is no such operation. These can: Shop.banner.\n'],
])("refuses %s, and says what can be warmed", async (operation, message) => {
  const { code, err } = await new Shell().run(["cache", "warm", operation]);
  expect([code, err]).toEqual([1, `error: ${message}`]);
});

it("completes the operations that have something to warm", async () => {
  const shell = new Shell();
  expect((await shell.run(["__complete", "--", "cache", "warm", ""])).out.trim()).toBe("Shop.banner");
});
