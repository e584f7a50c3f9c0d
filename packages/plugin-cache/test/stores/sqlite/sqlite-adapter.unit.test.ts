import { KeyvSqlite } from "@keyv/sqlite";
import keyvTestSuite, { keyvIteratorTests } from "@keyv/test-suite";
import { Keyv } from "keyv";
import * as test from "vitest";
import { SqliteAdapter } from "../../../src/stores/sqlite/sqlite-adapter.js";
import { SqliteStore } from "../../../src/stores/sqlite/sqlite-store.js";
import { freshPath, openStore } from "./opening.js";

const { afterEach, beforeEach, describe, expect, it, onTestFinished } = test;

describe("@keyv/test-suite", () => {
  let store: SqliteStore;
  const adapters: SqliteAdapter[] = [];
  beforeEach(async () => void (store = await SqliteStore.open(freshPath())));
  afterEach(async () => {
    await Promise.all(adapters.splice(0).map((adapter) => adapter.disconnect()));
    await store.close();
  });
  const adapter = (): SqliteAdapter => {
    const made = new SqliteAdapter(store);
    adapters.push(made);
    return made;
  };
  // The suite may have another copy of vitest's types.
  keyvTestSuite(test as never, Keyv, adapter);
  keyvIteratorTests(test as never, Keyv, adapter);
});

describe("the adapter for a Keyv of one's own", () => {
  async function open(): Promise<SqliteAdapter> {
    const adapter = await SqliteAdapter.open(freshPath());
    onTestFinished(() => adapter.disconnect());
    return adapter;
  }

  it("is one of @keyv/sqlite, whose query sees the same file", async () => {
    const adapter = await open();
    await adapter.set("k", "v");
    expect(adapter).toBeInstanceOf(KeyvSqlite);
    expect(await adapter.query("SELECT key FROM entries")).toEqual([{ key: "k" }]);
  });

  it("gives back bytes as bytes and texts as texts", async () => {
    const adapter = await open();
    await adapter.setMany([
      { key: "bytes", value: Buffer.from([0, 255]) },
      { key: "text", value: "é\u0000漢" },
    ]);
    expect(await adapter.getMany(["text", "none", "bytes"])).toEqual([
      "é\u0000漢",
      undefined,
      Buffer.from([0, 255]),
    ]);
  });

  it("has no value that expired, and knows no end where none is given", async () => {
    const adapter = await open();
    await adapter.set("gone", "v", -1);
    await adapter.set("stays", "v");
    expect([await adapter.has("gone"), await adapter.has("stays")]).toEqual([false, true]);
    expect((await adapter.query("SELECT key FROM entries WHERE expires > 9e15")) as unknown[]).toHaveLength(
      1,
    );
  });

  it.each(["a_", "a%", "a", "A"])(
    "clears and lists the namespace %s and none that is like it",
    async (namespace) => {
      const store = await openStore();
      const all = ["a_", "ab", "a%", "a", "A", "a:b"];
      const keyvs = new Map<string, Keyv>();
      for (const name of all) {
        const adapter = new SqliteAdapter(store);
        onTestFinished(() => adapter.disconnect());
        keyvs.set(name, new Keyv({ store: adapter, namespace: name }));
      }
      for (const keyv of keyvs.values()) await keyv.set("k", "v");
      const listed: unknown[] = [];
      for await (const pair of keyvs.get(namespace)!.iterator!(namespace)) listed.push(pair);
      if (namespace !== "a") expect(listed).toEqual([["k", "v"]]);
      await keyvs.get(namespace)!.clear();
      for (const [name, keyv] of keyvs) {
        // "a:b" is a key of namespace "a" as much as it is one of its own, which Keyv cannot tell either.
        const cleared = name === namespace || (namespace === "a" && name === "a:b");
        expect([name, await keyv.get("k")]).toEqual([name, cleared ? undefined : "v"]);
      }
    },
  );

  it("lists every value while values are deleted", async () => {
    const adapter = await open();
    const keyv = new Keyv({ store: adapter, namespace: "n" });
    const names = Array.from({ length: 300 }, (_, at) => `k${at}`);
    await Promise.all(names.map((name) => keyv.set(name, name)));
    const seen: string[] = [];
    for await (const [key] of keyv.iterator!("n") as AsyncIterable<[string]>) {
      seen.push(key);
      await keyv.delete(key);
    }
    expect(seen.sort()).toEqual(names.sort());
  });
});
