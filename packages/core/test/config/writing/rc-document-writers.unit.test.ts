import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseText } from "../../../src/config/sources/rc-parser.js";
import { openRcDocument, untilSaved } from "../../../src/config/writing/rc-document.js";
import { project } from "../project.js";
import { bundled, ending, start } from "./child-process.js";

describe("several writers of one rc file", () => {
  it.each([".mlmcprc.yaml", ".mlmcprc.json", "package.json"])(
    "lose no change of each other, as processes of their own: %s",
    async (name) => {
      const root = project({ "rc/": "" });
      const file = join(root, "rc", name);
      const child = await bundled("rc-document.child.ts", root);
      const names = Array.from({ length: 8 }, (_, index) => `writer${index}`);
      const endings = await Promise.all(names.map((one) => ending(start(child, file, one, "5"))));
      expect(endings).toEqual(names.map(() => ({ code: 0, err: "" })));
      const keys = Object.fromEntries(Array.from({ length: 5 }, (_, turn) => [`key${turn}`, turn]));
      const all = Object.fromEntries(names.map((one) => [one, keys]));
      const value = parseText(file, readFileSync(file, "utf8")).value;
      expect(value).toEqual(name === "package.json" ? { mlmcp: all } : all);
      expect(readdirSync(join(root, "rc"))).toEqual([name]);
    },
  );

  it("lose no change of each other in one process", async () => {
    const file = join(project({ ".mlmcprc.yaml": "# Ours.\n" }), ".mlmcprc.yaml");
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    await Promise.all(
      numbers.map((number) =>
        untilSaved(async () => {
          const document = await openRcDocument(file);
          document.set(["cache", `key${number}`], number);
          await document.save();
        }),
      ),
    );
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^# Ours\.\n/);
    expect(parseText(file, text).value).toEqual({
      cache: Object.fromEntries(numbers.map((number) => [`key${number}`, number])),
    });
  });

  it("are told where one of them never ends writing", async () => {
    const file = join(project({ ".mlmcprc.yaml": "a: 0\n" }), ".mlmcprc.yaml");
    let opened = 0;
    const edit = untilSaved(async () => {
      const document = await openRcDocument(file);
      writeFileSync(file, `a: ${++opened}\n`);
      document.set(["b"], 1);
      await document.save();
    });
    await expect(edit).rejects.toMatchObject({ code: "MLMCP_CONFIG_CHANGED" });
    expect(readFileSync(file, "utf8")).toBe(`a: ${opened}\n`);
  });
});
