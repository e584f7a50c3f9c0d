import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi, type MockInstance } from "vitest";
import type { SqliteStore } from "../../../src/stores/sqlite/sqlite-store.js";
import { temporaryDirectory } from "../../temporary.js";
import { entry, freshPath, openStore, spyOnWarnings, textOf } from "./opening.js";

let warnings: MockInstance<typeof process.emitWarning>;
beforeEach(() => void (warnings = spyOnWarnings()));
afterEach(() => void vi.useRealTimers());

/** A file system of two megabytes, for whoever may mount one. */
function smallDisk(): string | undefined {
  const directory = temporaryDirectory();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", directory], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  // Lazily: stores are closed later than this.
  onTestFinished(() => void execFileSync("umount", ["-l", directory]));
  return directory;
}

const isRoot = process.platform === "linux" && process.getuid?.() === 0;
const value = "x".repeat(50_000);

/** Sets until one is refused; answers the error and the keys that were acknowledged. */
async function fillUp(store: SqliteStore): Promise<{ error: unknown; acknowledged: string[] }> {
  const acknowledged: string[] = [];
  for (let at = 0; at < 200; at++) {
    try {
      await store.set(`k${at}`, entry(value));
      acknowledged.push(`k${at}`);
    } catch (error) {
      return { error, acknowledged };
    }
  }
  throw new Error("the disk is not full");
}

describe.skipIf(!isRoot)("a full disk", () => {
  it("makes the store reject everything at once, with one warning, until there is room again", async ({
    skip,
  }) => {
    const disk = smallDisk() ?? skip("nothing can be mounted here");
    const ballast = join(disk, "ballast");
    writeFileSync(ballast, Buffer.alloc(1_000_000));
    const store = await openStore(join(disk, "cache.db"));
    const { error, acknowledged } = await fillUp(store);
    expect(error).toMatchObject({ code: "SQLITE_FULL" });
    for (const refused of [
      () => store.get("k0"),
      () => store.set("k", entry()),
      () => store.delete("k0"),
      () => store.ping(),
    ])
      await expect(refused()).rejects.toMatchObject({ code: "SQLITE_FULL" });
    expect(warnings.mock.calls.map(([message]) => message)).toEqual([
      `The cache file ${disk}/cache.db cannot be written (SQLITE_FULL: database or disk is full): ` +
        "results are kept in memory only until it can.",
    ]);
    rmSync(ballast);
    await store.ping();
    for (const key of acknowledged) expect(await textOf(store, key)).toBe(value);
    await store.set("k", entry("again"));
    expect(await textOf(store, "k")).toBe("again");
    expect(await store.file.verify()).toEqual([]);
  });

  it("is seen to have room again without being asked", async ({ skip }) => {
    const disk = smallDisk() ?? skip("nothing can be mounted here");
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const ballast = join(disk, "ballast");
    writeFileSync(ballast, Buffer.alloc(1_000_000));
    const store = await openStore(join(disk, "cache.db"));
    await fillUp(store);
    rmSync(ballast);
    await vi.waitFor(async () => {
      vi.advanceTimersByTime(1_000);
      await store.set("k", entry("again"));
    });
    expect(await textOf(store, "k")).toBe("again");
  });

  it("keeps a store from opening, and leaves nothing of the attempt", async ({ skip }) => {
    const disk = smallDisk() ?? skip("nothing can be mounted here");
    writeFileSync(join(disk, "ballast"), Buffer.alloc(2 * 1024 * 1024 - 8_192));
    await expect(openStore(join(disk, "cache.db"))).rejects.toThrow(/SQLITE_(FULL|IOERR)|ENOSPC/);
    expect(readdirSync(disk)).toEqual(["ballast"]);
  });
});

describe("a disk that takes no writes", () => {
  it.skipIf(!isRoot)("keeps a store from opening, whether there is a file or not", async ({ skip }) => {
    const disk = smallDisk() ?? skip("nothing can be mounted here");
    await (await openStore(join(disk, "cache.db"))).close();
    execFileSync("mount", ["-o", "remount,ro", disk]);
    await expect(openStore(join(disk, "cache.db"))).rejects.toThrow(/SQLITE_(READONLY|CANTOPEN)/);
    await expect(openStore(join(disk, "new.db"))).rejects.toThrow("EROFS");
    execFileSync("mount", ["-o", "remount,rw", disk]);
    await openStore(join(disk, "cache.db"));
  });

  it.skipIf(process.getuid?.() === 0)("is one whose file or directory allows none", async () => {
    const file = freshPath();
    await (await openStore(file)).close();
    chmodSync(file, 0o400);
    await expect(openStore(file)).rejects.toThrow("SQLITE_READONLY");
    chmodSync(file, 0o600);
    chmodSync(dirname(file), 0o500);
    onTestFinished(() => chmodSync(dirname(file), 0o700));
    await expect(openStore(join(dirname(file), "new.db"))).rejects.toThrow("EACCES");
    expect(statSync(file).size).toBeGreaterThan(0);
  });
});
