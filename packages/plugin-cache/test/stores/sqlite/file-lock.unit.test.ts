import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Connection } from "../../../src/stores/sqlite/connection.js";
import { withFileLock } from "../../../src/stores/sqlite/file-lock.js";
import { freshPath } from "./opening.js";

describe("the lock of who makes, moves or replaces a file", () => {
  it("is had by one at a time, and leaves no file", async () => {
    const file = freshPath();
    let inside = 0;
    const most: number[] = [];
    await Promise.all(
      Array.from({ length: 12 }, () =>
        withFileLock(file, async () => {
          most.push(++inside);
          await new Promise((resolve) => setTimeout(resolve, 3));
          inside--;
        }),
      ),
    );
    expect(most).toEqual(Array.from({ length: 12 }, () => 1));
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it("is free again after work that failed", async () => {
    const file = freshPath();
    await expect(withFileLock(file, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    expect(await withFileLock(file, async () => "done")).toBe("done");
  });

  it("is not held by a file that a process has left behind", async () => {
    const file = freshPath();
    await (await Connection.open(`${file}.lock`, { busyTimeout: 0, create: true })).close();
    expect(await withFileLock(file, async () => "done")).toBe("done");
  });
});
