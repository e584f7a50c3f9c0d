import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { writeAtomically } from "../../../src/config/writing/write-atomically.js";
import { project } from "../project.js";

/** Long enough that a write in place would be met half done. */
const SIZE = 4_000_000;

describe("writing atomically", () => {
  it("leaves the old content or the new one, whole, whenever the process is killed", async () => {
    const root = project({ "target.yaml": "old" });
    const child = join(root, "child.mjs");
    await build({
      entryPoints: [fileURLToPath(new URL("write-atomically.child.ts", import.meta.url))],
      outfile: child,
      bundle: true,
      platform: "node",
      format: "esm",
    });
    const file = join(root, "target.yaml");
    const met = new Set<string>();
    const look = (): void => {
      const content = readFileSync(file, "utf8");
      met.add(content[0]!);
      expect(content === "old" || content === content[0]!.repeat(SIZE)).toBe(true);
    };
    for (let round = 0; round < 6; round++) {
      const writer = spawn(process.execPath, [child, file, String(SIZE)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(writer.stdout, "data");
      // While it writes, and then in the middle of one write or another.
      for (let looks = 0; looks < 20 + round; looks++) {
        look();
        await nextTurn();
      }
      writer.kill("SIGKILL");
      await once(writer, "exit");
      look();
    }
    expect(met.size).toBeGreaterThan(1);
  });

  it("leaves nothing beside the file where it fails", async () => {
    const root = project({ "taken/": "" });
    await expect(writeAtomically(join(root, "taken"), "text")).rejects.toMatchObject({ code: "EISDIR" });
    await expect(writeAtomically(join(root, "missing/file"), "text")).rejects.toMatchObject({
      code: "ENOENT",
    });
    expect(readdirSync(root)).toEqual(["taken"]);
  });

  it.runIf(process.getuid?.() !== 0)(
    "does not touch a file in a directory that it may not write to",
    async () => {
      const root = project({ "closed/file": "old" });
      chmodSync(join(root, "closed"), 0o500);
      await expect(writeAtomically(join(root, "closed/file"), "new")).rejects.toMatchObject({
        code: "EACCES",
      });
      expect(readFileSync(join(root, "closed/file"), "utf8")).toBe("old");
      chmodSync(join(root, "closed"), 0o700);
    },
  );

  it("serves several writers at once: one of their texts is there, whole", async () => {
    const file = join(project(), "file");
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(10_000));
    await Promise.all(texts.map((text) => writeAtomically(file, text)));
    expect(texts).toContain(readFileSync(file, "utf8"));
    expect(readdirSync(join(file, ".."))).toEqual(["file"]);
  });
});
