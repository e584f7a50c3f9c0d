import { closeSync, constants, mkdtempSync, open, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { makePipe } from "./named-pipe.js";

/**
 * Lets nothing that reads or writes files asynchronously go on, as a network drive does that has
 * lost its server: all threads of the pool wait for a pipe that nobody writes to. Answers a
 * function that ends it; the end of the test does too.
 */
export function stallDisk(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "mlmcp-stalled-"));
  const pipe = join(folder, "pipe");
  makePipe(pipe);
  let waiting = Number(process.env["UV_THREADPOOL_SIZE"] ?? 4);
  const both = constants.O_RDWR | constants.O_NONBLOCK;
  let writer: number | undefined;
  for (let thread = waiting; thread > 0; thread--) {
    open(pipe, "r", (error, reader) => {
      // A thread that was busy until the end comes too late for the pipe.
      if (!error) closeSync(reader);
      if (--waiting === 0) closeSync(writer!);
    });
  }
  const end = (): void => {
    if (writer !== undefined) return;
    writer = openSync(pipe, both);
    rmSync(folder, { recursive: true });
  };
  onTestFinished(end);
  return end;
}
