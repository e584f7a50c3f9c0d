import { expect, it } from "vitest";
import { CacheManager, ModelCache } from "@mlmcp/plugin-cache";
import { KernelCache } from "../../src/kernel/kernel-cache.js";
import { printable } from "../../src/commands/printable.js";
import { Shell } from "./command-line.js";

const hostile = "evil\u001b[2J\r\nforged  row\u009b31m\u202Edne";
const isClean = (out: string): boolean =>
  !/[\p{Cc}\u202e]/u.test(out.replaceAll("\n", "")) && !/^forged/m.test(out);

it("shows control characters of tags, operations, etags and metadata by their number", async () => {
  const shell = new Shell();
  shell.env = { NO_COLOR: "1" };
  const kernel = await shell.kernel();
  await kernel.resolve(CacheManager).set("k", { value: hostile }, { tags: [hostile], ttl: "1h" });
  const store = kernel.resolve(KernelCache).cache.store!;
  const expires = Date.now() + 60_000;
  await store.set("its-key", { operation: hostile, bytes: Buffer.from("none"), expires });
  const models = kernel.resolve(ModelCache);
  await models.saveModel("m", Buffer.from("x"), {
    metadata: { metrics: { [hostile]: 1 }, features: [hostile], [hostile]: hostile },
  });
  await kernel.stop();
  const commands = [
    ["cache", "list"],
    ["cache", "stats"],
    ["cache", "inspect", "its-key"],
    ["cache", "models", "list"],
    ["cache", "models", "show", "m"],
    ["cache", "clear", "--tag", hostile],
    ["cache", "list", "--operation", hostile.slice(1)],
  ];
  for (const command of commands) {
    const { out, err } = await shell.run(command, { isTTY: true, answers: ["y"] });
    expect(out + err).toContain("\\u{1b}[2J");
    expect([command, isClean(out + err)]).toEqual([command, true]);
  }
});

it("leaves every other text as it is", () => {
  const text = "Ünïcode, 日本語, 🎉 «quotes» `code` \\ / a b";
  expect(printable(text)).toBe(text);
  expect(printable("a\u0000\n\u{e0001}\ud800")).toBe("a\\u{0}\\u{a}\\u{e0001}\\u{d800}");
});
