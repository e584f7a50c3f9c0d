import { EventEmitter } from "node:events";
import { join } from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { createKernel } from "@mlmcp/core";
import { Keyv } from "keyv";
import { describe, expect, it, onTestFinished } from "vitest";
import { KeyvStore, type AnyAdapter } from "../../src/stores/keyv-store.js";
import { cachePlugin } from "../../src/plugin.js";
import type { StoredEntry } from "../../src/stores/store.js";
import { temporaryDirectory } from "../temporary.js";

function entry(text = "x"): StoredEntry {
  return { operation: "A.b", bytes: Buffer.from(text), expires: Date.now() + 60_000 };
}

const textOf = (found: StoredEntry | undefined) => found && Buffer.from(found.bytes).toString();

function storeOn(adapter: unknown, prefix = "") {
  const errors: unknown[] = [];
  const store = new KeyvStore("an adapter", adapter as AnyAdapter, {
    prefix,
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => store.close());
  return { store, errors };
}

/** An adapter over a Map that can do no more than it has to. */
function plainAdapter(more: object = {}) {
  const kept = new Map<string, unknown>();
  return {
    kept,
    opts: {},
    on: () => undefined,
    get: async (key: string) => kept.get(key),
    set: async (key: string, value: unknown) => void kept.set(key, value),
    delete: async (key: string) => kept.delete(key),
    clear: async () => kept.clear(),
    ...more,
  };
}

describe("an adapter", () => {
  it("that throws in place of a rejection fails the call, as a promise", async () => {
    const fail = (): never => {
      throw new Error("thrown at once");
    };
    const { store } = storeOn(
      plainAdapter({ get: fail, set: fail, delete: fail, clear: fail, getMany: fail }),
    );
    for (const call of [
      () => store.get("k"),
      () => store.getMany(["k"]),
      () => store.set("k", entry()),
      () => store.delete("k"),
      () => store.clear(),
      () => store.versions(["t"]),
      () => store.setVersion("t", "v"),
      () => store.ping(),
    ])
      await expect(call()).rejects.toThrow("thrown at once");
  });

  it("that emits errors has somebody who listens, also where listeners cannot be taken off", async () => {
    for (const more of [{}, { off: undefined }]) {
      const emitter = new EventEmitter();
      const { errors } = storeOn(Object.assign(emitter, plainAdapter(), { on: emitter.on, ...more }));
      emitter.emit("error", new Error("lost"));
      expect(errors.map(String)).toEqual(["Error: lost"]);
    }
  });

  it.each([
    ["objects that it has parsed itself", (text: string) => (text.startsWith("{") ? JSON.parse(text) : text)],
    ["bytes", (text: string) => Buffer.from(text)],
  ])("may answer %s", async (_, answer) => {
    const adapter = plainAdapter();
    const { get } = adapter;
    adapter.get = async (key) => {
      const found = await get(key);
      return found === undefined ? null : answer(found as string);
    };
    const { store } = storeOn(adapter);
    expect(await store.get("k")).toBeUndefined();
    await store.set("k", entry("kept"));
    await store.setVersion("t", "v1");
    expect(textOf(await store.get("k"))).toBe("kept");
    expect(await store.versions(["t", "never"])).toEqual(["v1", undefined]);
  });

  it("that answers something else for an entry has none, and for a version fails", async () => {
    for (const strange of [
      7,
      true,
      [],
      {},
      { o: 1, b: "", e: 9e15 },
      { o: "A.b", b: {}, e: 9e15 },
      "[]",
      "null",
    ]) {
      const { store } = storeOn(plainAdapter({ get: async () => strange }));
      expect(await store.get("k")).toBeUndefined();
    }
    const { store } = storeOn(plainAdapter({ get: async () => 12 }));
    await expect(store.versions(["t"])).rejects.toThrow(
      "an adapter answered a number where the text of a version had been set",
    );
  });

  it.each([
    [{}, "has no functions get, set, delete and clear"],
    [{ get() {}, set() {} }, "has no functions delete and clear"],
    [{ ...plainAdapter(), clear: undefined }, "has no function clear"],
  ])("that cannot do what it has to is refused (%#)", async (store, problem) => {
    await expect(
      createKernel({
        configFile: false,
        env: {},
        plugins: [cachePlugin],
        config: { cache: { store } as never },
      }),
    ).rejects.toThrow(
      `cache.store: is an object that ${problem}. Give a Keyv adapter, a Keyv, a Map, or a URL`,
    );
  });
});

describe("a Keyv in place of its adapter", () => {
  it("fails where the adapter does, and takes no error for a miss", async () => {
    const failing = plainAdapter({
      get: async () => {
        throw new Error("out of reach");
      },
    });
    const { store } = storeOn(new Keyv({ store: failing as never }));
    await expect(store.get("k")).rejects.toThrow("out of reach");
    await expect(store.versions(["t"])).rejects.toThrow("out of reach");
  });
});

describe("a clear", () => {
  const onFile = () => {
    const adapters: KeyvSqlite[] = [];
    const uri = `sqlite://${join(temporaryDirectory(), "keyv.db")}`;
    onTestFinished(() => Promise.all(adapters.map((adapter) => adapter.disconnect())).then(() => undefined));
    return () => {
      const adapter = new KeyvSqlite(uri);
      adapters.push(adapter);
      return adapter;
    };
  };

  it("leaves a cache whose prefix only matches as a pattern", async () => {
    const connect = onFile();
    const [some, others] = [storeOn(connect(), "a_").store, storeOn(connect(), "ab").store];
    for (let k = 0; k < 30; k++) await some.set(`k${k}`, entry());
    await others.set("k", entry("other"));
    await some.clear();
    expect(await some.getMany(["k0", "k29"])).toEqual([undefined, undefined]);
    expect(textOf(await others.get("k"))).toBe("other");
  });

  it("leaves others all they have where the adapter can neither tell them apart nor list", async () => {
    const adapter = plainAdapter({ namespace: "a_" });
    const { store } = storeOn(adapter);
    adapter.kept.set("ab:k", "other");
    await store.set("k", entry());
    await store.clear();
    expect(adapter.kept.get("ab:k")).toBe("other");
    expect(await store.versions(["*"])).toEqual([expect.any(String)]);
  });

  it("leaves what else is in a Map", async () => {
    const map = new Map<string, unknown>([["mine", 1]]);
    const { store } = storeOn(map);
    await store.set("k", entry());
    await store.clear();
    expect(await store.get("k")).toBeUndefined();
    expect(map.get("mine")).toBe(1);
  });

  it("leaves the cache of another prefix on the same adapter", async () => {
    const adapter = onFile()();
    const [one, other] = [storeOn(adapter, "one").store, storeOn(adapter, "other").store];
    await one.set("k", entry("one"));
    await other.set("k", entry("other"));
    await one.clear();
    expect(await one.get("k")).toBeUndefined();
    expect(textOf(await other.get("k"))).toBe("other");
  });
});
