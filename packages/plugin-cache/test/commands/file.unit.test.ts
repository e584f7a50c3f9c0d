import { readFileSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { CacheManager } from "@mlmcp/plugin-cache";
import { Shell } from "./command-line.js";
import { Shop } from "./fixtures/app.js";

let shell: Shell;

beforeEach(async () => {
  shell = new Shell();
  const kernel = await shell.kernel();
  const shop = kernel.adopt(new Shop());
  for (let id = 0; id < 50; id++) await shop.price(`product ${id}`);
  await kernel.stop();
});

const prices = async (): Promise<number> =>
  (await shell.json<object[]>(["cache", "list", "--operation", "Shop.price", "--limit", "1000"])).length;

describe("cache backup and restore", () => {
  it("write a copy while the cache is in use, and put it back", async () => {
    await shell.kernel();
    const file = shell.path("copy.db");
    const { code, out, err } = await shell.run(["cache", "backup", file]);
    expect([code, out, err]).toEqual([0, `Wrote ${file}, ${readFileSync(file).length} bytes.\n`, ""]);
    await shell.run(["cache", "clear", "--operation", "Shop.price", "--yes"]);
    expect(await prices()).toBe(0);
    const restored = await shell.run(["cache", "restore", file, "--yes"]);
    expect([restored.code, restored.out]).toEqual([
      0,
      `${shell.path("cache.db")} is now a copy of ${file}.\n`,
    ]);
    expect(await prices()).toBe(50);
  });

  it("make the folder of the copy, and name what was given where it cannot be written", async () => {
    const file = shell.path("not/there/copy.db");
    expect((await shell.run(["cache", "backup", file])).code).toBe(0);
    const { code, err } = await shell.run(["cache", "backup", `${file}/copy.db`]);
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^error: .*copy\.db\/copy\.db was not written: E.*\n +Name another file\.\n$/),
    ]);
    const onto = await shell.run(["cache", "backup", shell.path("not"), "--overwrite"]);
    expect([onto.code, onto.err]).toEqual([1, expect.stringContaining("not was not written: ")]);
    expect(onto.err).not.toContain(".new");
  });

  it.skipIf(process.platform !== "linux")("are refused at once where no folder can be made", async () => {
    const { code, err } = await shell.run(["cache", "backup", "/proc/mlmcp/a/copy.db"]);
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(
        "/proc/mlmcp/a/copy.db was not written: the folder /proc/mlmcp cannot be made, since /proc takes no folders.",
      ),
    ]);
  });

  it("show at a terminal how far they are", async () => {
    const { err } = await shell.run(["cache", "backup", shell.path("copy.db")], { isTTY: true });
    expect(err).toContain("] 100 %");
  });

  it("replace no file that is there, unless they are told to", async () => {
    const file = shell.path("copy.db");
    writeFileSync(file, "somebody's");
    const refused = await shell.run(["cache", "backup", file]);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining(`${file} is there already.`)]);
    expect(readFileSync(file, "utf8")).toBe("somebody's");
    expect((await shell.run(["cache", "backup", file, "--overwrite"])).code).toBe(0);
    expect((await shell.run(["cache", "backup"])).code).toBe(2);
  });

  it.each([
    ["no file", undefined],
    ["no cache", "just a text, and not a short one".repeat(100)],
    ["damaged", "half"],
  ])("leave the cache as it is where the backup is %s", async (_, content) => {
    const file = shell.path("copy.db");
    if (content === "half") {
      await shell.run(["cache", "backup", file]);
      const bytes = readFileSync(file);
      writeFileSync(file, bytes.fill(0x55, 4_096, bytes.length - 512));
    } else if (content !== undefined) writeFileSync(file, content);
    const { code, err } = await shell.run(["cache", "restore", file, "--yes"]);
    expect([code, err]).toEqual([1, expect.stringContaining(`${shell.path("cache.db")} is as it was: `)]);
    expect(await prices()).toBe(50);
  });

  it("ask before they replace, want --force in production, and are written to the audit log", async () => {
    const file = shell.path("copy.db");
    await shell.run(["cache", "backup", file]);
    const refused = await shell.run(["cache", "restore", file], { isTTY: true, answers: ["n"] });
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining("is replaced by the backup. Go on?"),
    ]);
    shell.configure({ system: { environment: "production" } });
    expect((await shell.run(["cache", "restore", file, "--yes"])).err).toContain("this is production");
    expect((await shell.run(["cache", "restore", file, "--yes", "--force"])).code).toBe(0);
    const audit = readFileSync(shell.path(".mlmcp/audit.jsonl"), "utf8").trimEnd().split("\n");
    expect(audit.map((line) => JSON.parse(line) as object)).toMatchObject([
      { action: "cache restore", by: "cli", arguments: { file }, outcome: "begun" },
      { action: "cache restore", outcome: "done" },
    ]);
  });

  it("refuse a store that is no file", async () => {
    const none = new Shell({ cache: { store: "memory:" } });
    for (const args of [
      ["backup", "x.db"],
      ["restore", "x.db", "--yes"],
    ]) {
      const { code, err } = await none.run(["cache", ...args]);
      expect([code, err]).toEqual([1, expect.stringContaining("There is no store")]);
    }
  });
});

describe("cache verify", () => {
  it("says that a store is sound, and how many entries were read", async () => {
    const { code, out } = await shell.run(["cache", "verify"]);
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^sqlite:\/\/.*cache\.db is sound: \d+ entries can be read\.\n$/),
    ]);
  });

  it("says what is wrong, with the mend, where entries were written with another key", async () => {
    shell.configure({ cache: { encryptionKey: "correct horse battery staple" } });
    await (await shell.kernel()).resolve(CacheManager).set("encrypted", 1);
    await shell.run(["cache", "clear", "--unencrypted", "--yes"]);
    shell.configure({ cache: { encryptionKey: "another horse battery staple" } });
    const { code, out, err } = await shell.run(["cache", "verify"]);
    expect([code, err]).toEqual([1, expect.stringContaining("is not sound")]);
    expect(out).toMatch(/\d of \d entries cannot be read[^]*→ [^]*compare cache\.encryptionKey/);
    const json = await shell.run(["cache", "verify", "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({
      problems: [{ mend: expect.stringContaining("encryptionKey") }],
    });
  });
});

describe("every command", () => {
  it.each([
    ["stats"],
    ["list"],
    ["inspect"],
    ["clear"],
    ["clear-expired"],
    ["warm"],
    ["optimize"],
    ["verify"],
    ["backup"],
    ["restore"],
  ])("%s has help, and refuses an option that it does not know", async (name) => {
    const help = await shell.run(["cache", name, "--help"]);
    expect([help.code, help.out]).toEqual([0, expect.stringContaining(`Usage: mlmcp cache ${name}`)]);
    expect((await shell.run(["cache", name, "--nothing"])).code).toBe(2);
  });
});
