import { once } from "node:events";
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { writeAtomically } from "../../../src/config/writing/write-atomically.js";
import { project } from "../project.js";
import { bundled, start } from "./child-process.js";

/** Long enough that a write in place would be met half done. */
const SIZE = 4_000_000;

describe("writing atomically", () => {
  it("leaves the old content or the new one, whole, whenever the process is killed", async () => {
    const root = project({ "target.yaml": "old" });
    const child = await bundled("write-atomically.child.ts", root);
    const file = join(root, "target.yaml");
    const met = new Set<string>();
    const look = (): void => {
      const content = readFileSync(file, "utf8");
      met.add(content[0]!);
      expect(content === "old" || content === content[0]!.repeat(SIZE)).toBe(true);
    };
    for (let round = 0; round < 6; round++) {
      const writer = start(child, file, String(SIZE));
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

  it.each([
    ["relative", (root: string) => symlinkSync("real/rc.yaml", join(root, "link"))],
    ["absolute", (root: string) => symlinkSync(join(root, "real/rc.yaml"), join(root, "link"))],
    [
      "to a link",
      (root: string) => {
        symlinkSync("real/rc.yaml", join(root, "other"));
        symlinkSync("other", join(root, "link"));
      },
    ],
  ])("makes the file that a link leads to, and the link stays: %s", async (_, link) => {
    const root = project({ "real/": "" });
    link(root);
    await writeAtomically(join(root, "link"), "text", { mode: 0o600 });
    expect(lstatSync(join(root, "link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(root, "real/rc.yaml"), "utf8")).toBe("text");
    expect(statSync(join(root, "real/rc.yaml")).mode & 0o777).toBe(0o600);
  });

  it("leaves a link alone that leads nowhere, or to itself", async () => {
    const root = project();
    symlinkSync("missing/rc.yaml", join(root, "nowhere"));
    symlinkSync("circle", join(root, "circle"));
    await expect(writeAtomically(join(root, "nowhere"), "text")).rejects.toMatchObject({ code: "ENOENT" });
    await expect(writeAtomically(join(root, "circle"), "text")).rejects.toMatchObject({ code: "ELOOP" });
    for (const name of ["nowhere", "circle"])
      expect(lstatSync(join(root, name)).isSymbolicLink(), name).toBe(true);
    expect(readdirSync(root).toSorted()).toEqual(["circle", "nowhere"]);
  });

  it("removes what killed writers have left, and nothing else", async () => {
    const root = project();
    const dead = start("-e", "");
    await once(dead, "exit");
    const id = "01234567-89ab-cdef-0123-456789abcdef";
    const names = {
      leftover: `.mlmcp-${dead.pid}-${id}.tmp`,
      young: `.mlmcp-${dead.pid}-${id.replace("0", "f")}.tmp`,
      alive: `.mlmcp-${process.ppid}-${id}.tmp`,
      other: `.mlmcp-${dead.pid}.tmp`,
    };
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const name of Object.values(names)) {
      writeFileSync(join(root, name), "");
      if (name !== names.young) utimesSync(join(root, name), longAgo, longAgo);
    }
    await writeAtomically(join(root, "rc.yaml"), "text");
    expect(readdirSync(root).toSorted()).toEqual(
      [names.young, names.alive, names.other, "rc.yaml"].toSorted(),
    );
  });
});
