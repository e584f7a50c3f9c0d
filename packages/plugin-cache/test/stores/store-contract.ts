import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Change, Store, StoredEntry } from "../../src/stores/store.js";
import { list } from "../support/list.js";

export interface StoreSubject {
  /** A store on the same data as the others of one test, as another process has it. */
  connect(): Promise<Store>;
  /** Once all of them are closed. */
  end?(): unknown;
}

const minute = 60_000;

function entry(text: string, more: Partial<StoredEntry> = {}): StoredEntry {
  return { operation: "A.b", bytes: Buffer.from(text), expires: Date.now() + minute, ...more };
}

const text = (found: StoredEntry | undefined): string | undefined =>
  found && Buffer.from(found.bytes).toString();

/**
 * What every store promises; what it may lack is skipped where it does.
 *
 * @param begin makes the data of one test
 */
export function describeStore(name: string, begin: () => StoreSubject): void {
  describe(`the store contract: ${name}`, () => {
    const open: Store[] = [];
    let subject: StoreSubject;
    let store: Store;

    const connect = async (): Promise<Store> => {
      const opened = await subject.connect();
      open.push(opened);
      return opened;
    };

    beforeEach(async () => {
      subject = begin();
      store = await connect();
    });

    afterEach(async () => {
      await Promise.all(open.splice(0).map((opened) => opened.close()));
      await subject.end?.();
    });

    it("gives back what was set, byte for byte, to every process", async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const expires = Date.now() + minute;
      await store.set("k", { operation: "Größe.of", bytes, expires });
      for (const one of [store, await connect()]) {
        const found = await one.get("k");
        expect([...found!.bytes]).toEqual([...bytes]);
        expect(found).toMatchObject({ operation: "Größe.of", expires });
      }
      expect(await store.get("other")).toBeUndefined();
    });

    it("takes an entry of no bytes and one of a megabyte", async () => {
      await store.set("none", entry(""));
      await store.set("much", entry("x".repeat(2 ** 20), { operation: "o".repeat(300) }));
      expect((await store.get("none"))!.bytes.byteLength).toBe(0);
      expect(await store.get("much")).toMatchObject({ operation: "o".repeat(300) });
      expect((await store.get("much"))!.bytes.byteLength).toBe(2 ** 20);
    });

    it("replaces what was set before", async () => {
      await store.set("k", entry("first"));
      await store.set("k", entry("second, and longer", { operation: "C.d" }));
      expect(text(await store.get("k"))).toBe("second, and longer");
      expect((await store.get("k"))!.operation).toBe("C.d");
    });

    it("gives several entries in the order of their keys", async () => {
      await store.set("a", entry("A"));
      await store.set("b", entry("B"));
      expect((await store.getMany(["b", "none", "a", "b"])).map(text)).toEqual(["B", undefined, "A", "B"]);
      expect(await store.getMany([])).toEqual([]);
    });

    it("gives nothing that has expired", async () => {
      await store.set("k", entry("soon gone", { expires: Date.now() + 30 }));
      await store.set("past", entry("gone", { expires: Date.now() - 1 }));
      await vi.waitFor(async () => expect(await store.get("k")).toBeUndefined());
      expect(await store.getMany(["k", "past"])).toEqual([undefined, undefined]);
    });

    it("keeps what lasts for two centuries", async () => {
      await store.set("k", entry("x", { expires: Date.now() + 200 * 365.25 * 86_400_000 }));
      expect(text(await store.get("k"))).toBe("x");
    });

    it("deletes one, and says whether there was one", async () => {
      await store.set("k", entry("x"));
      await store.set("other", entry("stays"));
      expect(await store.delete("k")).toBe(true);
      expect(await store.delete("k")).toBe(false);
      expect(await store.get("k")).toBeUndefined();
      expect(text(await store.get("other"))).toBe("stays");
    });

    it("gives versions in the order of their names, and nothing for those never set", async () => {
      await store.setVersion("tag:ü", "v1");
      await store.setVersion("op:A.b", "v2");
      await store.setVersion("tag:ü", "v3");
      const other = await connect();
      expect(await other.versions(["op:A.b", "tag:none", "tag:ü"])).toEqual(["v2", undefined, "v3"]);
    });

    it("clears all entries; what tells older ones apart stays", async () => {
      for (let key = 0; key < 50; key++) await store.set(`k${key}`, entry("x"));
      const [before] = await store.versions(["*"]);
      await store.setVersion("*", "cleared");
      await store.clear();
      expect(await store.getMany(["k0", "k49"])).toEqual([undefined, undefined]);
      const other = await connect();
      const [after] = await other.versions(["*"]);
      expect(after).toBe("cleared");
      expect(after).not.toBe(before);
      await store.set("k0", entry("new"));
      expect(text(await other.get("k0"))).toBe("new");
    });

    it("answers a ping, counts entries by operation where it can, and finishes writes at close", async () => {
      await store.ping();
      await store.set("a", entry("x"));
      await store.set("b", entry("x", { operation: "C.d" }));
      await store.set("c", entry("x", { operation: "C.d" }));
      await store.set("gone", entry("x", { expires: Date.now() + 1 }));
      await new Promise((resolve) => setTimeout(resolve, 5));
      const counted = await store.count();
      if (counted) expect(Object.fromEntries(counted)).toEqual({ "A.b": 1, "C.d": 2 });
      const other = await connect();
      const writing = store.set("late", entry("written"));
      await store.close();
      await writing;
      expect(text(await other.get("late"))).toBe("written");
    });

    it("lists its entries, where it can", async ({ skip }) => {
      if (!store.entries) return skip();
      for (let key = 0; key < 1_200; key++)
        await store.set(`k${key}`, entry("four", { operation: key % 2 ? "A.b" : "o".repeat(300) }));
      const all = await list(store.entries());
      expect(new Set(all.map(({ key }) => key)).size).toBe(1_200);
      const some = await list(store.entries({ operation: "A.b" }));
      expect(some).toHaveLength(600);
      expect(some[0]).toMatchObject({ operation: "A.b", bytes: 4, expires: expect.any(Number) });
    });

    it("deletes what has expired, where it does not do so by itself", async ({ skip }) => {
      if (!store.deleteExpired) return skip();
      await store.set("stays", entry("x"));
      await store.set("goes", entry("x", { expires: Date.now() + 1 }));
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await store.deleteExpired()).toBe(1);
      expect(await store.deleteExpired()).toBe(0);
      expect(text(await store.get("stays"))).toBe("x");
    });

    describe("its locks", () => {
      it("are had by one at a time", async ({ skip }) => {
        if (!store.locks) return skip();
        const other = await connect();
        const all = [store, other, await connect(), await connect()];
        const taken = await Promise.all(all.map((one) => one.locks!.acquire("k", minute)));
        const held = taken.flatMap(({ lock }) => lock ?? []);
        expect(held).toHaveLength(1);
        expect((await other.locks!.acquire("another", minute)).lock).toBeDefined();
        await held[0]!.release();
        expect((await other.locks!.acquire("k", minute)).lock).toBeDefined();
      });

      it("expire, and are then lost to who had them", async ({ skip }) => {
        if (!store.locks) return skip();
        const first = (await store.locks.acquire("k", 30)).lock!;
        const other = await connect();
        const second = await vi.waitFor(async () => {
          const lock = (await other.locks!.acquire("k", minute)).lock;
          expect(lock).toBeDefined();
          return lock!;
        });
        expect(second.fence).toBeGreaterThan(first.fence);
        expect(await first.extend(minute)).toBe(false);
        await first.release();
        expect((await store.locks.acquire("k", minute)).lock).toBeUndefined();
      });

      it("are kept for longer where that is asked in time", async ({ skip }) => {
        if (!store.locks) return skip();
        const other = await connect();
        // A busy machine may be too late for the shorter ones.
        for (const ms of [500, 2_000, 8_000]) {
          const lock = (await store.locks.acquire(`k${ms}`, ms)).lock!;
          if (!(await lock.extend(minute))) continue;
          await new Promise((resolve) => setTimeout(resolve, ms + 100));
          expect((await other.locks!.acquire(`k${ms}`, minute)).lock).toBeUndefined();
          return;
        }
        expect.unreachable("no lock was extended");
      });

      it("fence: what was made under one is taken until somebody else has it", async ({ skip }) => {
        if (!store.locks) return skip();
        const first = (await store.locks.acquire("k", 1)).lock!;
        await new Promise((resolve) => setTimeout(resolve, 10));
        await store.set("k", entry("earlier", { fence: first.fence }));
        expect(text(await store.get("k"))).toBe("earlier");
        await store.locks.acquire("k", 1);
        await new Promise((resolve) => setTimeout(resolve, 10));
        const second = (await store.locks.acquire("k", minute)).lock!;
        await store.set("k", entry("too late", { fence: first.fence }));
        expect(text(await store.get("k"))).toBe("earlier");
        await store.set("k", entry("later", { fence: second.fence }));
        await store.set("k", entry("late again", { fence: first.fence }));
        expect(text(await store.get("k"))).toBe("later");
        await store.set("k", entry("by hand"));
        expect(text(await store.get("k"))).toBe("by hand");
      });

      it("tell who asks what there is: nothing, or what was left by who had them before", async ({
        skip,
      }) => {
        if (!store.locks) return skip();
        const other = await connect();
        const first = await store.locks.acquire("k", minute);
        expect(first.entry).toBeUndefined();
        await other.set("l", entry("there"));
        expect(text((await store.locks.acquire("l", minute)).entry)).toBe("there");
        const taken = await other.locks!.acquire("l", minute);
        expect([taken.lock, text(taken.entry)]).toEqual([undefined, "there"]);
        const others = await Promise.all(Array.from({ length: 8 }, connect));
        const next = Promise.all(others.map(({ locks }) => locks!.acquire("k", minute)));
        await store.set("k", entry("left", { fence: first.lock!.fence }));
        const have = [...(await next), await other.locks!.acquire("k", minute)].filter(({ lock }) => lock);
        expect(have.map((one) => text(one.entry))).toEqual(["left"]);
      });

      it("end with what is set under them", async ({ skip }) => {
        if (!store.locks) return skip();
        const other = await connect();
        for (const before of [undefined, "before"]) {
          if (before) await store.set("k", entry(before));
          const first = (await store.locks.acquire("k", minute)).lock!;
          await store.set("k", entry("made", { fence: first.fence }));
          await store.set("k", entry("once more", { fence: first.fence }));
          expect(await first.extend(minute)).toBe(false);
          const next = (await other.locks!.acquire("k", minute)).lock!;
          await first.release();
          expect((await store.locks.acquire("k", minute)).lock).toBeUndefined();
          await next.release();
          expect(text(await store.get("k"))).toBe("made");
        }
      });

      it.each(["set", "delete"] as const)(
        "end with a %s by hand, and what is made under them is not taken",
        async (how) => {
          if (!store.locks) return;
          const other = await connect();
          const lock = (await store.locks.acquire("k", minute)).lock!;
          const apart = (await store.locks.acquire("another", minute)).lock!;
          if (how === "set") await other.set("k", entry("by hand"));
          else await other.delete("k");
          await store.set("k", entry("older", { fence: lock.fence }));
          await store.set("another", entry("taken", { fence: apart.fence }));
          expect(text(await store.get("k"))).toBe(how === "set" ? "by hand" : undefined);
          expect(text(await store.get("another"))).toBe("taken");
          expect(await lock.extend(minute)).toBe(false);
          const next = (await other.locks!.acquire("k", minute)).lock;
          await lock.release();
          expect((await store.locks.acquire("k", minute)).lock).toBeUndefined();
          await other.set("k", entry("newer", { fence: next!.fence }));
          expect(text(await store.get("k"))).toBe("newer");
        },
      );

      it.each(["set", "delete"] as const)(
        "leave what a %s by hand says, whichever of the two comes first",
        async (how) => {
          if (!store.locks) return;
          const other = await connect();
          for (let round = 0; round < 20; round++) {
            const key = `k${round}`;
            const { fence } = (await store.locks.acquire(key, minute)).lock!;
            const late = (): Promise<void> => store.set(key, entry("older", { fence }));
            const byHand = (): Promise<unknown> =>
              how === "set" ? other.set(key, entry("by hand")) : other.delete(key);
            await Promise.all(round % 2 === 0 ? [late(), byHand()] : [byHand(), late()]);
            expect(text(await store.get(key))).toBe(how === "set" ? "by hand" : undefined);
          }
        },
      );

      it("are given back with what is on its way, which is taken until somebody else has them", async ({
        skip,
      }) => {
        if (!store.locks) return skip();
        const other = await connect();
        const lock = (await store.locks.acquire("k", minute)).lock!;
        await lock.release(true);
        await store.set("k", entry("late", { fence: lock.fence }));
        expect(text(await store.get("k"))).toBe("late");
        const second = (await store.locks.acquire("k", minute)).lock!;
        await second.release(true);
        expect((await other.locks!.acquire("k", minute)).lock).toBeDefined();
        await store.set("k", entry("too late", { fence: second.fence }));
        expect(text(await store.get("k"))).toBe("late");
        await second.release();
        const given = (await store.locks.acquire("l", minute)).lock!;
        await given.release();
        await store.set("l", entry("never", { fence: given.fence }));
        expect(await store.get("l")).toBeUndefined();
      });
    });

    describe("its changes", () => {
      const versions = [
        { kind: "version", name: "tag:ü", version: "v1" },
        { kind: "version", name: `tag:${"long ".repeat(200)}`, version: "v2" },
      ] as const;
      const changes: Change[] = [
        { kind: "key", key: "k" },
        ...versions,
        { kind: "key", key: "k" },
        { kind: "key", key: "last" },
      ];

      it("by hand reach every other process, once and in order, and not the one whose they are", async ({
        skip,
      }) => {
        if (!store.changes) return skip();
        const other = await connect();
        const [own, told] = [[] as unknown[], [] as unknown[]];
        const listen = (heard: unknown[]) => ({
          changed: (change: Change) => void heard.push(change),
          missed: () => void heard.push("missed"),
        });
        await store.changes.subscribe(listen(own));
        await other.changes!.subscribe(listen(told));
        await store.set("k", entry("by hand"));
        for (const tag of versions) await store.setVersion(tag.name, tag.version);
        await store.delete("k");
        const lock = (await store.locks?.acquire("k", minute))?.lock;
        await store.set("k", entry("made", lock && { fence: lock.fence }));
        await store.set("last", entry("by hand"));
        await vi.waitFor(() => expect(told).toEqual(changes));
        expect(own).toEqual([]);
      });

      it("are no longer told once the subscription has ended", async ({ skip }) => {
        if (!store.changes) return skip();
        const other = await connect();
        const [first, second] = [vi.fn<() => void>(), vi.fn<() => void>()];
        const end = await other.changes!.subscribe({ changed: first, missed: first });
        await other.changes!.subscribe({ changed: second, missed: () => undefined });
        await end();
        await store.delete("k");
        await vi.waitFor(() => expect(second).toHaveBeenCalled());
        expect(first).not.toHaveBeenCalled();
      });
    });
  });
}
