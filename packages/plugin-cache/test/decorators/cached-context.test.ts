import { currentOperation, retry } from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { cached, cachePlugin } from "@mlmcp/plugin-cache";
import { describe, expect, it } from "vitest";

const config = { cache: { store: "memory:" } };
const contextual = { ...config, system: { context: true } };

/** A method that waits for its door and tells what it saw of the call around it. */
function subject() {
  const seen: { signal?: AbortSignal; correlationId?: string; deadline?: number }[] = [];
  let release!: () => void;
  const open = new Promise<void>((resolve) => (release = resolve));
  class Shared {
    @cached({ name: "Shared.load" })
    async load(key: string): Promise<{ key: string }> {
      const { signal, correlationId, deadline } = currentOperation() ?? {};
      seen.push({ signal, correlationId, deadline });
      await open;
      return { key };
    }
  }
  return { Shared, seen, release };
}

describe("a computation that several callers share", () => {
  it("has a context of its own: no caller's signal, deadline or correlation id", async () => {
    const { Shared, seen, release } = subject();
    await using kernel = await createTestKernel({ plugins: [cachePlugin], config: contextual });
    const shared = kernel.adopt(new Shared());
    const { signal } = new AbortController();
    const call = kernel.withContext(
      { signal, correlationId: "first caller", deadline: Date.now() + 60_000 },
      () => shared.load("a"),
    );
    release();
    await call;
    expect(seen.length).toBe(1);
    expect(seen[0]!.correlationId).not.toBe("first caller");
    expect(seen[0]!.deadline).toBeUndefined();
  });

  it("goes on for the others when the caller who began it leaves", async () => {
    const { Shared, seen, release } = subject();
    await using kernel = await createTestKernel({ plugins: [cachePlugin], config: contextual });
    const shared = kernel.adopt(new Shared());
    const leaver = new AbortController();
    const trace: string[] = [];
    const left = kernel
      .withContext({ signal: leaver.signal }, () => shared.load("a"))
      .catch((error: unknown) => {
        trace.push("first left");
        return error;
      });
    const stays = shared.load("a").then((value) => {
      trace.push("second has it");
      return value;
    });
    const reason = new Error("had enough");
    leaver.abort(reason);
    expect(await left).toBe(reason);
    expect(seen[0]!.signal?.aborted).toBe(false);
    release();
    expect(await stays).toEqual({ key: "a" });
    expect(await shared.load("a")).toEqual({ key: "a" });
    expect(seen.length).toBe(1);
    expect(trace).toEqual(["first left", "second has it"]);
  });

  it("is cancelled when the last caller has left, and the next call begins anew", async () => {
    const { Shared, seen, release } = subject();
    await using kernel = await createTestKernel({ plugins: [cachePlugin], config: contextual });
    const shared = kernel.adopt(new Shared());
    const leavers = [new AbortController(), new AbortController()];
    const calls = leavers.map(({ signal }) =>
      kernel.withContext({ signal }, () => shared.load("a")).catch(() => "left"),
    );
    leavers[0]!.abort();
    expect(await calls[0]).toBe("left");
    expect(seen[0]!.signal?.aborted).toBe(false);
    leavers[1]!.abort();
    expect(await calls[1]).toBe("left");
    expect(seen[0]!.signal?.aborted).toBe(true);
    const again = shared.load("a");
    expect(seen.length).toBe(2);
    expect(seen[1]!.signal?.aborted).toBe(false);
    release();
    expect(await again).toEqual({ key: "a" });
  });

  it("does not begin for a caller who has left already", async () => {
    const { Shared, seen } = subject();
    await using kernel = await createTestKernel({ plugins: [cachePlugin], config: contextual });
    const shared = kernel.adopt(new Shared());
    const reason = new Error("gone");
    await expect(
      kernel.withContext({ signal: AbortSignal.abort(reason) }, async () => shared.load("a")),
    ).rejects.toBe(reason);
    expect(seen).toEqual([]);
  });

  it("hides the callers from the operations that it calls itself", async () => {
    const seen: (string | undefined)[] = [];
    class Inner {
      @retry(1)
      async ask(): Promise<void> {
        seen.push(currentOperation()?.correlationId);
      }
    }
    class Outer {
      constructor(readonly inner: Inner) {}
      @cached()
      async load(): Promise<void> {
        await this.inner.ask();
      }
    }
    await using kernel = await createTestKernel({ config });
    const outer = kernel.adopt(new Outer(kernel.adopt(new Inner())));
    await kernel.withContext({ correlationId: "a caller" }, () => outer.load());
    expect(seen.length).toBe(1);
    expect(seen[0]).not.toBe("a caller");
  });
});
