import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GuardedStore } from "../../src/stores/guard/guarded-store.js";
import { MemoryServer } from "../stores/memory-server.js";
import { pending, subject, type Subject } from "../subject.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const after = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

/** Several processes on one store, and one trace of all. */
async function processes(count: number, server: MemoryServer) {
  const trace: string[] = [];
  const subjects: Subject[] = [];
  for (let index = 1; index <= count; index++) {
    const connecting = subject({ store: server.connect(), name: `${index}`, trace });
    await after(server.latency);
    subjects.push(await connecting);
  }
  return { subjects, trace };
}

describe("processes that ask for the same key at the same time", () => {
  it("run the method once; the others poll until the value is there", async () => {
    const server = new MemoryServer({ latency: 1 });
    const { subjects, trace } = await processes(8, server);
    let ran = 0;
    const make = async (): Promise<string> => {
      ran++;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return "made";
    };
    const calls = subjects.map(({ call }) => call("a", make));
    await after(700);
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 8 }, () => "made"));
    expect(ran).toBe(1);
    expect(trace.toSorted()).toEqual(
      [
        "1 miss",
        "1 set memory",
        "1 set store",
        ...[2, 3, 4, 5, 6, 7, 8].map((name) => `${name} hit store`),
      ].toSorted(),
    );
    expect(server.locked).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keep the lock while the method runs longer than its time", async () => {
    const server = new MemoryServer();
    const { subjects, trace } = await processes(2, server);
    const { promise, land } = pending();
    const calls = [subjects[0]!.call("a", () => promise)];
    await after(0);
    calls.push(subjects[1]!.call("a", () => trace.push("never")));
    await after(60_000);
    land("late");
    await after(250);
    expect(await Promise.all(calls)).toEqual(["late", "late"]);
    expect(trace).toEqual(["1 miss", "1 set memory", "1 set store", "2 hit store"]);
    expect(server.commands.filter((command) => command === "extend").length).toBe(18);
  });

  it("are held up by one whose caller has gone at its hardTimeout no longer than by their own", async () => {
    const { subjects, trace } = await processes(2, new MemoryServer());
    const { promise, land } = pending();
    const first = subjects[0]!.call("a", () => promise, { hardTimeout: 300 }).catch(String);
    await after(250);
    const second = subjects[1]!.call("a", () => trace.push("never"), { hardTimeout: 100 }).catch(String);
    await after(100);
    const late = /^OperationTimeoutError: A\.b did not answer within/;
    expect(await Promise.all([first, second])).toEqual([
      expect.stringMatching(late),
      expect.stringMatching(late),
    ]);
    const third = subjects[1]!.call("a", () => trace.push("never"), { hardTimeout: 60_000 });
    await after(30_000);
    land("late");
    await after(250);
    expect(await third).toBe("late");
    expect(trace).not.toContain("never");
  });

  it("are held up by one that died for as long as its lock lasts, and no longer", async () => {
    const server = new MemoryServer();
    const { subjects } = await processes(1, server);
    let key = "";
    const store = server.connect();
    await subjects[0]!.call("probe", () => 1, {});
    key = [...server.entries.keys()][0]!;
    await subjects[0]!.cache.delete(subjects[0]!.key("probe"), subjects[0]!.owner);
    await store.locks!.acquire(key, 10_000);
    const waiting = subjects[0]!.call("probe", () => "made");
    const at = Date.now();
    await after(10_250);
    expect(await waiting).toBe("made");
    expect(Date.now() - at).toBeLessThanOrEqual(10_250);
  });

  it("go on one after another where the method fails, since errors are not kept", async () => {
    const server = new MemoryServer();
    const { subjects, trace } = await processes(2, server);
    const { promise, crash } = pending();
    const first = subjects[0]!.call("a", () => promise).catch((error: unknown) => error);
    await after(0);
    const second = subjects[1]!.call("a", () => "made by 2");
    await after(100);
    crash("down");
    await after(250);
    expect([await first, await second]).toEqual(["down", "made by 2"]);
    expect(trace).toEqual(["1 miss", "2 miss", "2 set memory", "2 set store"]);
  });

  it("stop waiting when their callers have left", async () => {
    const server = new MemoryServer();
    const { subjects } = await processes(2, server);
    const { promise, land } = pending();
    const first = subjects[0]!.call("a", () => promise);
    await after(0);
    const controller = new AbortController();
    const second = subjects[1]!.call("a", () => "never", {}, { signal: controller.signal });
    await after(10);
    controller.abort("gone");
    await expect(second).rejects.toBe("gone");
    land("A");
    await first;
    await after(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keep in memory alone what they made without the lock, which would replace what came meanwhile", async () => {
    const server = new MemoryServer();
    const { subjects, trace } = await processes(1, server);
    server.failing.add("acquire");
    expect(await subjects[0]!.call("a", () => "A")).toBe("A");
    await after(0);
    expect(trace).toEqual(["1 failed lock: Error: acquire failed", "1 miss", "1 set memory"]);
    expect(server.entries.size).toBe(0);
    expect(await subjects[0]!.call("a", () => "never")).toBe("A");
  });

  it.each(["extend", "release"])("are none the worse for a store that fails to %s", async (command) => {
    const server = new MemoryServer();
    server.failing.add(command);
    const { subjects, trace } = await processes(1, server);
    const { promise, land } = pending();
    const call = subjects[0]!.call("a", () => promise);
    await after(4_000);
    land("A");
    expect(await call).toBe("A");
    await after(0);
    expect(trace).toContain(`1 failed lock: Error: ${command} failed`);
    expect(trace).toContain("1 set store");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("do not replace what a later holder of the lock has made", async () => {
    const server = new MemoryServer();
    const { subjects } = await processes(2, server);
    const [slow, quick] = subjects as [Subject, Subject];
    const { promise, land } = pending();
    server.failing.add("extend");
    const late = slow.call("a", () => promise);
    await after(10_001);
    expect(await quick.call("a", () => "newer")).toBe("newer");
    await after(0);
    land("older");
    expect(await late).toBe("older");
    await after(0);
    const { subjects: others } = await processes(1, server);
    expect(await others[0]!.call("a", () => "never")).toBe("newer");
  });

  it.each(["delete", "set"] as const)(
    "do not keep what was begun before a %s by hand in another, though they have not heard of it",
    async (how) => {
      const server = new MemoryServer({ changesAfter: 200 });
      const { subjects } = await processes(2, server);
      const [slow, other] = subjects as [Subject, Subject];
      const { promise, land } = pending();
      const late = slow.call("a", () => promise);
      await after(0);
      const { cache, key, owner } = other;
      if (how === "delete") await cache.delete(key("a"), owner);
      else await cache.set(key("a"), "by hand", { owner, timing: { ttl: 60_000 } });
      land("older");
      expect(await late).toBe("older");
      await after(300);
      const newer = how === "delete" ? "newer" : "by hand";
      expect(await other.call("a", () => "newer")).toBe(newer);
      await after(300);
      expect(await slow.call("a", () => "never")).toBe(newer);
    },
  );

  it("begin anew at once after a delete by hand, and do not wait for what is under way", async () => {
    const server = new MemoryServer();
    const { subjects } = await processes(2, server);
    const [slow, other] = subjects as [Subject, Subject];
    const { promise, land } = pending();
    const late = slow.call("a", () => promise);
    await after(0);
    await slow.cache.delete(slow.key("a"), slow.owner);
    const anew = other.call("a", () => "newer");
    await after(0);
    expect(await anew).toBe("newer");
    land("older");
    expect(await late).toBe("older");
    await after(0);
    expect(await slow.call("a", () => "never")).toBe("newer");
  });

  it("give the lock back at once where all have left, and keep what comes of it unless another has begun", async () => {
    const server = new MemoryServer();
    const { subjects } = await processes(2, server);
    const [slow, other] = subjects as [Subject, Subject];
    const leave = async (name: string): Promise<(value: unknown) => void> => {
      const controller = new AbortController();
      const { promise, land } = pending();
      const call = slow.call(name, () => promise, {}, { signal: controller.signal });
      await after(0);
      expect(server.locked).toBe(1);
      controller.abort("gone");
      await expect(call).rejects.toBe("gone");
      await after(0);
      expect(server.locked).toBe(0);
      return land;
    };
    const landA = await leave("a");
    expect(await other.call("a", () => "newer")).toBe("newer");
    await after(0);
    landA("older");
    await after(0);
    expect(await (await processes(1, server)).subjects[0]!.call("a", () => "never")).toBe("newer");
    const landB = await leave("b");
    landB("late");
    await after(0);
    expect(await other.call("b", () => "never")).toBe("late");
    const landC = await leave("c");
    await slow.cache.delete(slow.key("c"), slow.owner);
    landC("older");
    await after(0);
    expect(await slow.call("c", () => "newer")).toBe("newer");
    await after(0);
    expect(server.locked).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("give the lock of what is forgotten back at once, so that another can begin", async () => {
    const server = new MemoryServer();
    const { subjects } = await processes(2, server);
    const [slow, other] = subjects as [Subject, Subject];
    const { promise, land } = pending();
    const late = slow.call("a", () => promise);
    await after(0);
    await slow.cache.clear(slow.owner);
    const anew = [slow.call("a", () => "newer"), other.call("a", () => "newer")];
    await after(250);
    expect(await Promise.all(anew)).toEqual(["newer", "newer"]);
    land("older");
    expect(await late).toBe("older");
    await after(0);
    expect(await slow.call("a", () => "never")).toBe("newer");
    expect(server.locked).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leave at once while the versions of tags are read", async () => {
    const server = new MemoryServer({ changes: false });
    const { subjects } = await processes(1, server);
    const [{ call }] = subjects as [Subject];
    await call("a", () => "A", { tags: ["x"] });
    await after(2_000);
    server.latency = 60_000;
    const controller = new AbortController();
    const left = call("a", () => "never", { tags: ["x"] }, { signal: controller.signal });
    const reason = left.catch((error: unknown) => error);
    await after(0);
    controller.abort("gone");
    expect(await reason).toBe("gone");
    await after(120_000);
  });

  it("give every lock back before the store is closed, also those whose values are on their way", async () => {
    const server = new MemoryServer({ latency: 5 });
    const { subjects } = await processes(1, server);
    const [{ call, cache }] = subjects as [Subject];
    const { promise } = pending();
    const calls = [call("written", () => "A"), call("made", () => promise)];
    await after(16);
    expect(await calls[0]).toBe("A");
    expect(server.locked).toBe(2);
    const closed = cache.use(undefined);
    await after(10);
    await closed;
    expect(server.locked).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("are given back once the store has what is on its way, also where it is closed", async () => {
    const server = new MemoryServer({ latency: 5 });
    const { subjects } = await processes(1, server);
    const { call, cache } = subjects[0]!;
    const until = async (command: string): Promise<void> => {
      await after(1);
      if (!server.commands.at(-1)!.startsWith(command)) await until(command);
    };
    const made = call("a", () => "A");
    await until("versions");
    server.latency = 50;
    await until("set");
    server.latency = 5;
    expect(await made).toBe("A");
    const closed = cache.use(undefined);
    await after(60);
    await closed;
    expect([server.entries.size, server.locked]).toEqual([1, 0]);
  });

  it("ask the store for the value, for its lock, and to take what was made, which ends the lock", async () => {
    const server = new MemoryServer();
    const store = new GuardedStore(server.connect(), { timeout: 250, onError: () => undefined });
    const { call, cache } = await subject({ store });
    await call("first", () => "A");
    await after(0);
    server.commands.length = 0;
    await call("a", () => "A");
    await after(0);
    expect(server.commands).toEqual(["get", "acquire", "set"]);
    expect(server.locked).toBe(0);
    await cache.use(undefined);
    await store.close();
  });

  it("cost a process nothing where the value is there", async () => {
    const server = new MemoryServer();
    const { subjects } = await processes(2, server);
    await subjects[0]!.call("a", () => "A");
    await after(0);
    server.commands.length = 0;
    await subjects[1]!.call("a", () => "never");
    expect(server.commands).toEqual(["get", "versions *,op:A.b"]);
  });
});

describe("a value that is set by hand", () => {
  it("is one command, by which others learn of it, too", async () => {
    const server = new MemoryServer();
    const { subjects } = await processes(2, server);
    const [one, other] = subjects as [Subject, Subject];
    await one.call("a", () => "first");
    expect(await other.call("a", () => "never")).toBe("first");
    server.commands.length = 0;
    await one.cache.set(one.key("a"), "second", { owner: one.owner, timing: { ttl: 60_000 } });
    expect(server.commands).toEqual(["set"]);
    expect(await other.call("a", () => "never")).toBe("second");
  });

  it("leaves none before it to others where only memory can keep it", async () => {
    const server = new MemoryServer();
    const { subjects, trace } = await processes(2, server);
    const [one, other] = subjects as [Subject, Subject];
    await one.call("a", () => "first");
    expect(await other.call("a", () => "never")).toBe("first");
    trace.length = 0;
    const plan = { owner: one.owner, timing: { ttl: 60_000 }, isolate: false };
    expect(await one.cache.set(one.key("a"), () => "a function", plan)).toBe(false);
    expect(await other.call("a", () => "made")).toBe("made");
    expect(trace).toEqual(["1 set memory", "2 miss", "2 set memory", "2 set store"]);
  });
});

describe("a store that fails altogether", () => {
  it("fails no call", async () => {
    const server = new MemoryServer();
    for (const command of ["get", "set", "versions", "acquire", "subscribe", "setVersion"])
      server.failing.add(command);
    const { subjects, trace } = await processes(1, server);
    const [{ call, cache, key, owner }] = subjects as [Subject];
    expect(await call("a", () => "A", { tags: ["x"] })).toBe("A");
    expect(await call("a", () => "never")).toBe("A");
    expect(await cache.set(key("b"), "B", { owner, timing: { ttl: 1_000 } })).toBe(false);
    expect(await call("b", () => "never")).toBe("B");
    await expect(cache.invalidateTags(["x"], owner)).rejects.toThrow("setVersion any failed");
    expect(await call("a", () => "made anew")).toBe("made anew");
    expect(new Set(trace.filter((line) => line.includes("failed")))).toEqual(
      new Set([
        "1 failed changes: Error: subscribe failed",
        "1 failed get: Error: get failed",
        "1 failed lock: Error: acquire failed",
        "1 failed get: Error: versions *,op:A.b,any,tag:x failed",
        "1 failed set: Error: set failed",
        "1 failed invalidate: Error: setVersion any failed",
      ]),
    );
  });
});
