import { appendFileSync, linkSync, utimesSync, writeFileSync } from "node:fs";
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { FileDigests, fileKeys, type DigestMemo } from "../../src/keys/files.js";
import { temporaryDirectory } from "../temporary.js";

const large = 4 * 2 ** 20;
const longAgo = new Date("2020-01-01");

/** A file whose time of change is long enough ago to be trusted. */
function writeOld(path: string, content: string | Buffer): void {
  writeFileSync(path, content);
  utimesSync(path, longAgo, longAgo);
}

function countOpened(): { readonly count: number } {
  const open = vi.spyOn(fs, "open");
  syncBuiltinESMExports();
  onTestFinished(() => {
    open.mockRestore();
    syncBuiltinESMExports();
  });
  return {
    get count() {
      return open.mock.calls.length;
    },
  };
}

/** What outlives a process. */
function createMemo(): DigestMemo & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    get: async (state) => kept.get(JSON.stringify(state)),
    set: (state, digest) => void kept.set(JSON.stringify(state), digest),
  };
}

describe("the key of a file", () => {
  it("by content follows what is in it, by stat its size and time", async () => {
    const directory = temporaryDirectory();
    const [path, copy] = [join(directory, "a"), join(directory, "b")];
    writeOld(path, "one");
    writeOld(copy, "one");
    const digests = new FileDigests();
    const [content, stat] = [await digests.of([path]), await digests.of([{ path, by: "stat" }])];
    expect(content).not.toBe(stat);
    expect(await digests.of([{ path, by: "content" }])).toBe(content);
    expect(await digests.of([copy])).toBe(content);
    expect(await digests.of([{ path: copy, by: "stat" }])).toBe(stat);
    utimesSync(path, new Date(), new Date());
    expect(await digests.of([path])).toBe(content);
    expect(await digests.of([{ path, by: "stat" }])).not.toBe(stat);
    appendFileSync(path, "+");
    utimesSync(path, longAgo, longAgo);
    expect(await digests.of([path])).not.toBe(content);
    expect(await digests.of([{ path, by: "stat" }])).not.toBe(stat);
  });

  it("by stat reads nothing", async () => {
    const path = join(temporaryDirectory(), "a");
    writeOld(path, "one");
    const opened = countOpened();
    await new FileDigests().of([{ path, by: "stat" }]);
    expect(opened.count).toBe(0);
  });

  it("of one file is read once for all who ask at the same time, by whatever path", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "a");
    writeOld(path, Buffer.alloc(100_000));
    const digests = new FileDigests();
    const opened = countOpened();
    const texts = await Promise.all(
      [path, join(directory, ".", "x", "..", "a"), path].map((one) => digests.of([one])),
    );
    expect(new Set(texts).size).toBe(1);
    expect(opened.count).toBe(1);
  });

  it("of a large file is known to later processes, until the file changes", async () => {
    const path = join(temporaryDirectory(), "large");
    writeOld(path, Buffer.alloc(large, 1));
    const memo = createMemo();
    const opened = countOpened();
    const text = await new FileDigests(memo).of([path]);
    expect(await new FileDigests(memo).of([path])).toBe(text);
    expect(opened.count).toBe(1);
    expect(await new FileDigests().of([path])).toBe(text);
    writeOld(path, Buffer.alloc(large, 2));
    expect(await new FileDigests(memo).of([path])).not.toBe(text);
    // Its inode's time of change tells.
    linkSync(path, `${path}.link`);
    await new FileDigests(memo).of([path]);
    expect(opened.count).toBe(4);
  });

  it("of small and of young files is not kept beyond the process", async () => {
    const directory = temporaryDirectory();
    const [small, young] = [join(directory, "small"), join(directory, "young")];
    writeOld(small, Buffer.alloc(large - 1));
    writeFileSync(young, Buffer.alloc(large));
    const memo = createMemo();
    await new FileDigests(memo).of([small, young]);
    expect(memo.kept.size).toBe(0);
  });
});

describe("what `files` may give", () => {
  it.each([
    ["a path", "a"],
    ["paths", ["a", { path: "b" }, { path: "c", by: "stat" }]],
    ["a file by content", { path: "a", by: "content" }],
    ["no file", []],
  ])("is %s", (_, given) => {
    expect(fileKeys(given)).toEqual([given].flat());
  });

  it.each([[undefined], [1], [["a", null]], [{ path: 1 }], [{ by: "stat" }], [{ path: "a", by: "mtime" }]])(
    "is not %j",
    (given) => {
      expect(fileKeys(given)).toBeUndefined();
    },
  );
});
