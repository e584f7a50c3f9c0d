import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withFileLock } from "../../../src/config/writing/file-lock.js";
import { project } from "../project.js";
import { bundled, ending, start } from "./child-process.js";

const lockOf = (pid: number, host: string) => JSON.stringify({ pid, host });

async function deadProcess(): Promise<number> {
  const child = start("-e", "");
  await once(child, "exit");
  return child.pid!;
}

describe("the lock of a file", () => {
  it("is held by one at a time, names its process, and is gone afterwards", async () => {
    const file = join(project(), "rc.yaml");
    const trace: string[] = [];
    const turn = (name: string) =>
      withFileLock(file, async (isHeld) => {
        trace.push(`${name} begins`);
        expect(JSON.parse(readFileSync(`${file}.lock`, "utf8"))).toEqual({
          pid: process.pid,
          host: hostname(),
        });
        await new Promise((resolve) => setImmediate(resolve));
        expect(isHeld()).toBe(true);
        trace.push(`${name} ends`);
      });
    await Promise.all(["a", "b", "c"].map(turn));
    for (let index = 0; index < trace.length; index += 2)
      expect(trace[index + 1]).toBe(trace[index]!.replace("begins", "ends"));
    expect(trace).toHaveLength(6);
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it("is gone where the work fails", async () => {
    const file = join(project(), "rc.yaml");
    await expect(withFileLock(file, () => Promise.reject(new RangeError("no")))).rejects.toThrow("no");
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it.skipIf(process.platform === "win32")("is gone where it cannot be written", async () => {
    const root = project();
    const file = join(root, "rc.yaml");
    const child = spawn("sh", [
      ...["-c", 'ulimit -f 0 && exec "$@"', "sh"],
      ...[process.execPath, await bundled("file-lock.child.ts", root), file],
    ]);
    expect((await ending(child)).err).toContain("EFBIG");
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it("is taken over at once from a process that was killed", async () => {
    const root = project();
    const file = join(root, "rc.yaml");
    const holder = start(await bundled("file-lock.child.ts", root), file);
    await once(holder.stdout, "data");
    const patience = 300;
    const busy = withFileLock(file, () => Promise.resolve(), { patience });
    await expect(busy).rejects.toMatchObject({ code: "MLMCP_CONFIG_LOCKED" });
    holder.kill("SIGKILL");
    await once(holder, "exit");
    expect(JSON.parse(readFileSync(`${file}.lock`, "utf8"))).toMatchObject({ pid: holder.pid });
    expect(await withFileLock(file, () => Promise.resolve("mine"), { patience })).toBe("mine");
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it.each([
    ["is on another host", () => lockOf(1, "elsewhere.example")],
    ["has the number of one that runs", () => lockOf(process.ppid, hostname())],
    ["was killed before it wrote its name", () => ""],
    ["is unknown", () => "not ours"],
  ])("is taken over after a while where its process %s", async (_, text) => {
    const file = join(project(), "rc.yaml");
    writeFileSync(`${file}.lock`, text());
    const patience = 100;
    await expect(withFileLock(file, () => Promise.resolve(), { patience })).rejects.toMatchObject({
      code: "MLMCP_CONFIG_LOCKED",
    });
    expect(readFileSync(`${file}.lock`, "utf8")).toBe(text());
    expect(await withFileLock(file, () => Promise.resolve("mine"), { staleAfter: 100 })).toBe("mine");
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it("is taken over by one of many that wait, and each has its turn", async () => {
    const file = join(project(), "rc.yaml");
    writeFileSync(`${file}.lock`, lockOf(await deadProcess(), hostname()));
    let inside = 0;
    let turns = 0;
    const turn = () =>
      withFileLock(file, async (isHeld) => {
        expect(++inside).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        if (isHeld()) turns++;
        inside--;
      });
    await Promise.all(Array.from({ length: 10 }, turn));
    expect(turns).toBe(10);
  });

  it("is known to be lost by who held it, who leaves that of another alone", async () => {
    const file = join(project(), "rc.yaml");
    await withFileLock(file, async (isHeld) => {
      await withFileLock(file, () => Promise.resolve(), { staleAfter: 50 });
      expect(isHeld()).toBe(false);
      writeFileSync(`${file}.lock`, "another's");
    });
    expect(readFileSync(`${file}.lock`, "utf8")).toBe("another's");
  });

  it("is not waited for without end: the error names it, its holder, and the way out", async () => {
    const file = join(project(), "rc.yaml");
    // What cannot be removed as a file.
    mkdirSync(`${file}.lock`);
    const error = await withFileLock(file, () => Promise.resolve(), { staleAfter: 20, patience: 100 }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      code: "MLMCP_CONFIG_LOCKED",
      message: expect.stringMatching(
        /rc\.yaml\.lock was not free for 0\.1 s; .*somebody else.*remove that file/,
      ),
      context: { lock: `${file}.lock` },
    });
  });
});
