import { readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { makeFolder } from "../../../src/config/writing/make-folder.js";
import { project } from "../project.js";

describe("makeFolder", () => {
  it("makes a folder and those above it, readable as it is told", async () => {
    const root = project();
    await makeFolder(join(root, "a/b/c"), 0o700);
    for (const made of ["a", "a/b", "a/b/c"]) expect(statSync(join(root, made)).mode & 0o777).toBe(0o700);
  });

  it("leaves one that is there as it is", async () => {
    const root = project({ "a/file": "mine" });
    const { mode } = statSync(join(root, "a"));
    await makeFolder(join(root, "a"), 0o700);
    await makeFolder("/");
    await makeFolder(".");
    expect([statSync(join(root, "a")).mode, readdirSync(join(root, "a"))]).toEqual([mode, ["file"]]);
  });

  it("makes one for all who ask at the same time", async () => {
    const root = project();
    await Promise.all(Array.from({ length: 20 }, (_, index) => makeFolder(join(root, "a/b", String(index)))));
    expect(readdirSync(join(root, "a/b"))).toHaveLength(20);
  });

  it("makes one while somebody deletes what it stands in", async () => {
    const root = project();
    const above = Array.from({ length: 200 }, (_, index) => join(root, String(index)));
    const made = Promise.all(above.map((folder) => makeFolder(join(folder, "a/b"))));
    // Each time between two of its steps.
    for (const folder of [...above, ...above]) {
      try {
        rmSync(folder, { recursive: true, force: true });
      } catch {
        // Something has just been made in it.
      }
      await setImmediate();
    }
    await expect(made).resolves.toHaveLength(above.length);
  });

  it("says what stands in its place, or above it", async () => {
    const root = project({ file: "" });
    symlinkSync(join(root, "nowhere"), join(root, "link"));
    for (const name of ["file", "link"]) {
      const place = join(root, name);
      const found = makeFolder(place);
      await expect(found).rejects.toThrow(`ENOTDIR: ${place} is there, and is no folder`);
      await expect(found).rejects.toMatchObject({ code: "ENOTDIR" });
      await expect(makeFolder(join(place, "a/b"))).rejects.toMatchObject({ code: "ENOTDIR" });
    }
  });

  it.skipIf(process.platform !== "linux")("gives up where a file system takes no folders", async () => {
    await expect(makeFolder("/proc/mlmcp/a/b")).rejects.toMatchObject({
      code: "ENOENT",
      message: "the folder /proc/mlmcp cannot be made, since /proc takes no folders",
    });
  });
});
