import { bulkhead, currentOperation, degrade, hedge, retry, timeout } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

let made = 0;

beforeEach(() => {
  made = 0;
  const Original = AbortController;
  vi.stubGlobal(
    "AbortController",
    class extends Original {
      constructor() {
        super();
        made += 1;
      }
    },
  );
});
afterEach(() => void vi.unstubAllGlobals());

class Source {
  readonly signals: AbortSignal[] = [];
  failures = 0;

  @degrade({ fallback: { value: "sample" } })
  @retry({ maxRetries: 2, initialDelay: 0 })
  @timeout({ attempt: "1s", deadline: "5s" })
  @hedge({ after: "500ms", idempotent: true })
  @bulkhead({ maxConcurrent: 2, queue: 2 })
  async load(reads: boolean): Promise<string> {
    if (reads) this.signals.push(currentOperation()!.signal, currentOperation()!.signal);
    else currentOperation();
    if (this.failures-- > 0) throw new Error("down");
    return "data";
  }
}

it("makes a signal for a call only once somebody reads it, and one for each attempt", async () => {
  await using kernel = await createTestKernel();
  // The kernel has one of its own, for its start.
  made = 0;
  const source = kernel.adopt(new Source());
  expect(await source.load(false)).toBe("data");
  expect(await Promise.all([source.load(false), source.load(false)])).toEqual(["data", "data"]);
  expect(made).toBe(0);
  expect(await source.load(true)).toBe("data");
  expect(made).toBe(1);
  expect(source.signals[0]).toBe(source.signals[1]);
});
