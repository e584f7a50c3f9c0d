import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ErrorLog } from "../../../src/resilience/handling/error-log.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let file: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  file = join(folder.path, "logs", "errors.jsonl");
});
afterEach(() => folder.remove());

const read = async (path: string): Promise<unknown[]> =>
  (await readFile(path, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

/** An entry that is so many bytes long as a line. */
const entry = (n: number, bytes = 100) => ({
  n,
  pad: "x".repeat(bytes - 1 - JSON.stringify({ n, pad: "" }).length),
});

describe("an error log", () => {
  it("writes each entry as a line, in order, readable to its owner only", async () => {
    const log = new ErrorLog({ file, maxSize: 1e6, maxFiles: 2 });
    for (let n = 0; n < 100; n += 1) log.write({ n });
    await log.flush();
    log.write({ n: 100 });
    await log.flush();
    expect(await read(file)).toEqual(Array.from({ length: 101 }, (_, n) => ({ n })));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("puts a full file aside, keeps so many, and no file is larger than it may be", async () => {
    const log = new ErrorLog({ file, maxSize: 1000, maxFiles: 3 });
    for (let n = 0; n < 45; n += 1) {
      log.write(entry(n));
      if (n % 7 === 0) await log.flush();
    }
    await log.flush();
    expect((await readdir(join(folder.path, "logs"))).sort()).toEqual([
      "errors.jsonl",
      "errors.jsonl.1",
      "errors.jsonl.2",
    ]);
    const kept = [...(await read(`${file}.2`)), ...(await read(`${file}.1`)), ...(await read(file))];
    expect(kept.map((line) => (line as { n: number }).n)).toEqual(
      Array.from({ length: 25 }, (_, n) => 20 + n),
    );
    for (const path of [file, `${file}.1`, `${file}.2`])
      expect((await stat(path)).size).toBeLessThanOrEqual(1000);
  });

  it("begins anew where only one file is kept", async () => {
    const log = new ErrorLog({ file, maxSize: 250, maxFiles: 1 });
    for (let n = 0; n < 5; n += 1) log.write(entry(n));
    await log.flush();
    expect(await readdir(join(folder.path, "logs"))).toEqual(["errors.jsonl"]);
    expect(await read(file)).toEqual([entry(4)]);
  });

  it("goes on in a file that is there, and counts what is in it", async () => {
    await mkdir(join(folder.path, "logs"));
    await writeFile(file, `${JSON.stringify(entry(0, 900))}\n`);
    const log = new ErrorLog({ file, maxSize: 1000, maxFiles: 2 });
    log.write(entry(1));
    log.write(entry(2));
    await log.flush();
    expect([await read(`${file}.1`), await read(file)]).toEqual([[entry(0, 900), entry(1)], [entry(2)]]);
  });

  it("writes an entry that is larger than a file may be, alone", async () => {
    const log = new ErrorLog({ file, maxSize: 200, maxFiles: 5 });
    for (const one of [entry(0), entry(1, 500), entry(2)]) log.write(one);
    await log.flush();
    expect([await read(`${file}.2`), await read(`${file}.1`), await read(file)]).toEqual([
      [entry(0)],
      [entry(1, 500)],
      [entry(2)],
    ]);
  });

  it("that cannot be written warns once, and tells how many lines were lost once it can", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    await writeFile(join(folder.path, "logs"), "a file in the place of the directory");
    const log = new ErrorLog({ file, maxSize: 1e6, maxFiles: 2 });
    log.write({ n: 0 });
    log.write({ n: 1 });
    await log.flush();
    log.write({ n: 2 });
    await log.flush();
    expect(warn.mock.calls.map(([, options]) => options)).toEqual([{ code: "MLMCP_ERROR_LOG" }]);
    warn.mockRestore();
    await rm(join(folder.path, "logs"));
    log.write({ n: 3 });
    await log.flush();
    expect(await read(file)).toEqual([{ time: expect.any(String), pid: process.pid, dropped: 3 }, { n: 3 }]);
  });

  it.skipIf(process.platform !== "linux")("says where no folder can be made for it", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const log = new ErrorLog({ file: "/proc/mlmcp/errors.jsonl", maxSize: 1e6, maxFiles: 2 });
    log.write({ n: 0 });
    await log.flush();
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining("/proc takes no folders"), { code: "MLMCP_ERROR_LOG" }],
    ]);
    warn.mockRestore();
  });

  it("keeps no more in memory than it may, and tells how many were left out", async () => {
    const log = new ErrorLog({ file, maxSize: 1e7, maxFiles: 2 });
    for (let n = 0; n < 10_005; n += 1) log.write({ n });
    await log.flush();
    log.write({ n: "later" });
    await log.flush();
    const lines = await read(file);
    expect(lines.filter((line) => "n" in (line as object))).toHaveLength(10_001);
    expect(lines).toContainEqual({ time: expect.any(String), pid: process.pid, dropped: 5 });
  });

  it("loses no line of two processes' worth of writers on one file", async () => {
    const logs = [0, 1].map(() => new ErrorLog({ file, maxSize: 1e6, maxFiles: 2 }));
    for (let n = 0; n < 200; n += 1) logs[n % 2]!.write({ n });
    await Promise.all(logs.map((log) => log.flush()));
    expect(await read(file)).toHaveLength(200);
    await chmod(file, 0o600);
  });
});
