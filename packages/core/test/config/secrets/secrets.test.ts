import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  createKernel,
  createMethodDecorator,
  definePlugin,
  describeSource,
  type SecretResolver,
} from "@mlmcp/core";
import { failure, load, project } from "../project.js";

/** A provider that knows a few secrets, and what it was asked for. */
function vault(secrets: Record<string, unknown>): SecretResolver & { asked: string[] } {
  const asked: string[] = [];
  return {
    provider: "vault",
    asked,
    resolve: async (path) => {
      asked.push(path);
      if (path in secrets) return secrets[path] as string;
      throw new Error("permission denied for https://root:hunter2@vault.local");
    },
  };
}

afterEach(() => void vi.useRealTimers());

describe("a secret that is referred to", () => {
  it("is read by the plugin's resolver, with the environment and the directory", async () => {
    const cwd = project({ ".mlmcprc.yaml": "cache:\n  store: secret://vault/db/password\n" });
    const resolve = vi.fn(() => "hunter2");
    const env = { VAULT_TOKEN: "x" };
    const config = await load({ cwd, env, secretResolvers: [{ provider: "vault", resolve }] });
    expect(config.get("cache.store")).toBe("hunter2");
    expect(resolve.mock.calls).toEqual([["db/password", { env, cwd }]]);
  });

  it("may stand in every source, in lists, and in options of operations and plugins", async () => {
    const cwd = project({
      ".mlmcprc.yaml": [
        'plugins: { "@mlmcp/plugin-cache": { store: secret://vault/text } }',
        "cache: { tags: [a, secret://vault/text], maxEntries: secret://vault/number }",
        "operations: { A.b: { cached: { namespace: secret://vault/text, ttl: secret://vault/number } } }",
      ].join("\n"),
    });
    const config = await load({
      cwd,
      config: { memory: { maxMemoryMb: "secret://vault/number" } },
      env: { MLMCP_CACHE_REMOTE__URL: "secret://vault/text" },
      runtime: { cache: { remote: { poolSize: "secret://vault/number" } } },
      secretResolvers: [vault({ text: "hunter2", number: "4711" })],
    });
    expect(config.section("cache")).toMatchObject({
      store: "hunter2",
      tags: ["a", "hunter2"],
      maxEntries: 4711,
      remote: { url: "hunter2", poolSize: 4711 },
    });
    expect(config.get("memory.maxMemoryMb")).toBe(4711);
    expect(config.operation("A.b").advice["cached"]).toEqual({ namespace: "hunter2", ttl: 4711 });
    const shown = JSON.stringify([
      config.redacted(),
      ["cache.store", "cache.tags", "memory.maxMemoryMb", "cache.remote", 'operations."A.b"'].map((path) =>
        config.explain(path),
      ),
    ]);
    expect(shown).not.toMatch(/hunter2|4711/);
  });

  it("is read once for each load, all at the same time", async () => {
    const resolver = vault({ a: "1", b: "2" });
    let waiting = 0;
    let most = 0;
    const secretResolvers = [
      {
        ...resolver,
        resolve: async (path: string, from: never) => {
          most = Math.max(most, ++waiting);
          await new Promise((resolve) => setImmediate(resolve));
          waiting--;
          return resolver.resolve(path, from);
        },
      },
    ];
    const config = { cache: { tags: ["secret://vault/a", "secret://vault/b", "secret://vault/a"] } };
    expect((await load({ config, secretResolvers })).get("cache.tags")).toEqual(["1", "2", "1"]);
    expect([resolver.asked.toSorted(), most]).toEqual([["a", "b"], 2]);
    await load({ config, secretResolvers });
    expect(resolver.asked).toHaveLength(4);
  });

  it("is not read where something else is in force, and is hidden there too", async () => {
    const resolver = vault({});
    const cwd = project({
      ".mlmcprc.yaml": "cache: { store: secret://vault/x }\nmemory: { io: secret://vault/y }",
    });
    const config = await load({
      cwd,
      config: { memory: { io: { bufferSize: 1 } } },
      env: { MLMCP_CACHE_STORE: "memory" },
      secretResolvers: [resolver],
    });
    expect(config.get("cache.store")).toBe("memory");
    expect(resolver.asked).toEqual([]);
    expect(config.explain("cache.store")).toMatchObject({
      value: "[secret]",
      overrode: [{ value: "[secret]" }],
    });
  });

  it("says in its source where it came from", async () => {
    const cwd = project({ ".mlmcprc.yaml": "cache:\n  store: secret://vault/db\n" });
    const { source } = (await load({ cwd, secretResolvers: [vault({ db: "x" })] })).explain("cache.store");
    expect(source).toMatchObject({ line: 2, column: 3, references: ["secret://vault/db"], secret: true });
    expect(describeSource(source)).toBe(".mlmcprc.yaml:2 (secret://vault/db)");
  });

  it("may have its path from a variable", async () => {
    const cwd = project({ ".mlmcprc.yaml": "cache: { store: 'secret://vault/${STAGE}/db' }" });
    const config = await load({
      cwd,
      env: { STAGE: "prod" },
      secretResolvers: [vault({ "prod/db": "hunter2" })],
    });
    expect(config.get("cache.store")).toBe("hunter2");
  });

  it("is meant only where it is the whole text", async () => {
    const resolver = vault({});
    const config = {
      cache: { store: "see secret://vault/x", tags: ["secrets://vault/x", "SECRET://vault/x"] },
    };
    expect((await load({ config, secretResolvers: [resolver] })).section("cache")).toMatchObject(
      config.cache,
    );
    expect(resolver.asked).toEqual([]);
  });
});

describe("a secret that needs no plugin", () => {
  it("is a variable", async () => {
    const config = { cache: { store: "secret://env/DB_PASSWORD" } };
    expect((await load({ config, env: { DB_PASSWORD: "hunter2" } })).get("cache.store")).toBe("hunter2");
    expect((await failure({ config })).message).toContain("the variable DB_PASSWORD is not set");
    expect((await failure({ config: { cache: { store: "secret://env/constructor" } } })).message).toContain(
      "the variable constructor is not set",
    );
  });

  it("is a file, which is one of the configuration's then", async () => {
    const cwd = project({ ".mlmcprc.yaml": "", secret: "hunter2\n", big: "x".repeat(65_537) });
    const of = (name: string) => ({ cache: { store: `secret://file${join(cwd, name)}` } });
    const config = await load({ cwd, config: of("secret") });
    expect(config.get("cache.store")).toBe("hunter2");
    expect(config.files).toEqual([join(cwd, ".mlmcprc.yaml"), join(cwd, "secret")]);
    expect((await failure({ cwd, config: of("missing") })).message).toMatch(/cannot be read: ENOENT/);
    expect((await failure({ cwd, config: of("big") })).message).toMatch(/it is larger than 64 KB/);
  });

  it("keeps its provider's name for itself", async () => {
    const secretResolvers = [{ provider: "env", resolve: () => "x" }];
    await expect(load({ secretResolvers })).rejects.toMatchObject({ code: "MLMCP_SECRET_PROVIDER" });
  });
});

describe("a secret that cannot be read", () => {
  const problem = async (store: string, resolver: SecretResolver = vault({ empty: "", number: 5 })) =>
    failure({
      cwd: project({ ".mlmcprc.yaml": `cache:\n  maxEntries: ${store}\n` }),
      secretResolvers: [resolver],
    });

  it.each([
    ["secret://vault/x", "the secret secret://vault/x cannot be read: permission denied"],
    ["secret://vault/empty", "the secret secret://vault/empty is empty"],
    ["secret://vault/number", "the secret secret://vault/number is no text"],
    ["secret://vault", "expected a secret as secret://<provider>/<path>"],
    ["secret://vault/", "expected a secret as secret://<provider>/<path>"],
    ["secret:///x", "expected a secret as secret://<provider>/<path>"],
    ["secret://nothing/x", 'no loaded plugin reads the secrets of "nothing" (known: vault, env, file)'],
  ])("%s: %s", async (store, expected) => {
    const { message, context } = await problem(store);
    expect(message).toContain(`cache.maxEntries: ${expected}`);
    expect(message).toContain(".mlmcprc.yaml:2:3");
    // What stands in its place is no whole number either, but that is not what is wrong.
    expect(context.issues).toHaveLength(1);
    expect(message).not.toContain("hunter2");
  });

  it("is suggested from the nearest provider", async () => {
    expect((await problem("secret://valt/x")).suggestions).toEqual([
      'For cache.maxEntries write "secret://vault/x".',
    ]);
  });

  it("is one that throws at once, or gives no answer within ten seconds", async () => {
    const throwing = {
      provider: "vault",
      resolve: () => {
        throw new Error("closed");
      },
    };
    expect((await problem("secret://vault/x", throwing)).message).toContain("cannot be read: closed");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let asked: () => void;
    const waiting = new Promise<void>((resolve) => (asked = resolve));
    const hanging = {
      provider: "vault",
      resolve: () => {
        setImmediate(asked);
        return new Promise<string>(() => undefined);
      },
    };
    const failed = problem("secret://vault/x", hanging);
    await waiting;
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await failed).message).toContain("vault gave no answer within 10 s");
  });

  it("is reported with everything else that is wrong", async () => {
    const config = { cache: { store: "secret://vault/x", tll: 5 }, memory: { maxMemoryMb: 0 } };
    const { context } = await failure({ config, secretResolvers: [vault({})] });
    expect(context.issues.map(({ path }) => path)).toEqual([
      "cache.store",
      "cache.tll",
      "memory.maxMemoryMb",
    ]);
  });

  it("chooses no environment", async () => {
    const config = { system: { environment: "secret://env/STAGE" } };
    expect((await failure({ config, env: { STAGE: "production" } })).message).toContain(
      "system.environment: cannot be a secret",
    );
  });
});

describe("a secret in a kernel", () => {
  it("cannot be of a provider that two plugins bring", async () => {
    const bringing = (name: string) =>
      definePlugin({ name, secretResolvers: [{ provider: "vault", resolve: () => "x" }] });
    const plugins = [bringing("one"), bringing("two")];
    await expect(createKernel({ configFile: false, env: {}, plugins })).rejects.toMatchObject({
      code: "MLMCP_PLUGIN_SECRETS",
      message: expect.stringContaining('"one" and "two" both read secret://vault/…'),
    });
  });

  const signed = createMethodDecorator<{ key?: string; note?: string }>({
    name: "signed",
    schema: {
      type: "object",
      properties: { key: { type: "string", secret: true }, note: { type: "string" } },
    },
    serves: { sync: true },
    parts: [
      {
        at: "observe",
        around:
          (_, { options }) =>
          () => [options.key, options.note],
      },
    ],
  });

  it("is read by a plugin, reaches the method's advice, and is not shown", async () => {
    const resolvers = definePlugin({
      name: "vault-plugin",
      secretResolvers: [vault({ note: "hunter2", rotated: "hunter3" })],
    });
    const plugin = definePlugin({ name: "signing-plugin", decorators: [signed] });
    class Mail {
      @signed({ key: "hunter2" })
      send(): unknown {
        return undefined;
      }
    }
    const cwd = project({
      ".mlmcprc.yaml": "operations: { Mail.send: { signed: { note: secret://vault/note } } }",
    });
    await using kernel = await createKernel({ cwd, env: {}, plugins: [resolvers, plugin] });
    expect(kernel.adopt(new Mail()).send()).toEqual(["hunter2", "hunter2"]);
    const explanation = kernel.operations.explain("Mail.send");
    expect(explanation.chain[0]!.options.map(({ name, value }) => [name, value])).toEqual([
      ["key", "[secret]"],
      ["note", "[secret]"],
    ]);
    expect(JSON.stringify([explanation, kernel.config.redacted()])).not.toContain("hunter2");
    await kernel.config.set('operations."Mail.send".signed.note', "secret://vault/rotated");
    expect(kernel.adopt(new Mail()).send()).toEqual(["hunter2", "hunter3"]);
    expect(JSON.stringify([kernel.operations.explain("Mail.send"), kernel.config.redacted()])).not.toContain(
      "hunter3",
    );
  });
});
