import {
  ConfigurationError,
  createMethodDecorator,
  definePlugin,
  type JsonSchema,
  type Kernel,
  type Plugin,
} from "@mlmcp/core";
import { createTestKernel } from "@mlmcp/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from "vitest";

const strong = "kJ8#vQ2!mZ7pW4xT";

const schema: JsonSchema = {
  type: "object",
  properties: {
    key: { type: "string", secret: true },
    label: { type: "string" },
    remote: {
      type: "object",
      default: {},
      properties: {
        enabled: { type: "boolean", default: false },
        apiKey: { type: "string", secret: true, requiredWhen: "enabled" },
      },
    },
    tokens: { type: "object", additionalProperties: { type: "string", secret: true } },
    peers: {
      type: "array",
      items: {
        type: "object",
        properties: { url: { type: "string" }, password: { $ref: "#/$defs/secret" } },
      },
    },
  },
  $defs: { secret: { type: "string", secret: true } },
};

const vault = definePlugin({ name: "vault", section: "vault", schema });

interface Started {
  readonly config?: object;
  readonly plugins?: readonly Plugin[];
  readonly env?: NodeJS.ProcessEnv;
  readonly system?: object;
}

function inProduction({ config, plugins = [vault], env = {}, system }: Started): Promise<Kernel> {
  return createTestKernel({
    plugins,
    env,
    config: { ...config, system: { environment: "production", ...system } },
  });
}

async function refusal(started: Started): Promise<ConfigurationError & { context: { reasons: string[] } }> {
  const error: unknown = await inProduction(started).then(
    (kernel) => kernel.stop(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigurationError);
  expect(error).toMatchObject({ code: "MLMCP_PRODUCTION_UNSAFE" });
  return error as never;
}

let warn: MockInstance<typeof process.emitWarning>;
beforeEach(() => void (warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined)));
afterEach(() => vi.restoreAllMocks());

const warnings = () => warn.mock.calls.map(([message]) => String(message));

describe("a secret in production", () => {
  it.each([
    ["", "is empty"],
    ["changeme", "is a well-known default"],
    ["Change-Me_2024!!!!!!!", "is a well-known default"],
    ["password12345678901", "is a well-known default"],
    ["aaaaaaaaaaaaaaaaaaaaaaaa", "repeats itself"],
    ["abc1abc1abc1abc1abc1", "repeats itself"],
    ["0123456789abcdef", "is a well-known sequence"],
    ["kJ8#vQ2!mZ7pW4x", "is shorter than 16 characters"],
  ])("is refused where it is %j, without telling it", async (key, weakness) => {
    const { message } = await refusal({ config: { vault: { key } } });
    expect(message).toContain(`vault.key (createKernel({ config })) is a secret that ${weakness}.`);
    expect(message).toContain("(@mlmcp/core/secrets)");
    if (key !== "") expect(message).not.toContain(key);
  });

  it("is taken where nobody can guess it, and where it is none", async () => {
    await using kernel = await inProduction({ config: { vault: { key: strong, label: "changeme" } } });
    expect(kernel.config.get("vault.key")).toBe(strong);
    expect(warnings()).toEqual([]);
  });

  it("is found in maps, lists and behind references, each with its source", async () => {
    const config = {
      vault: { tokens: { "a.b": "short" }, peers: [{ password: strong }, { password: "admin" }] },
    };
    const { context } = await refusal({ config, env: { MLMCP_VAULT_KEY: "default" } });
    expect(context.reasons).toEqual([
      expect.stringMatching(/^vault\.tokens\."a\.b" \(createKernel\({ config }\)\) is a secret/),
      expect.stringMatching(/^vault\.peers\.1\.password \(createKernel\({ config }\)\) is a secret/),
      expect.stringMatching(/^vault\.key \(MLMCP_VAULT_KEY\) is a secret/),
    ]);
  });

  it("is not looked at elsewhere", async () => {
    await using kernel = await createTestKernel({ plugins: [vault], config: { vault: { key: "changeme" } } });
    expect(kernel.config.get("vault.key")).toBe("changeme");
  });
});

describe("a feature in production", () => {
  it("is refused without its credential", async () => {
    const { message } = await refusal({ env: { MLMCP_VAULT_REMOTE__ENABLED: "true" } });
    expect(message).toContain(
      "vault.remote.enabled (MLMCP_VAULT_REMOTE__ENABLED) is on without its credential vault.remote.apiKey.",
    );
  });

  it("is taken with it, and where it is off", async () => {
    await (await inProduction({ config: { vault: { remote: { enabled: true, apiKey: strong } } } })).stop();
    await (await inProduction({ config: { vault: { remote: { enabled: false } } } })).stop();
    expect(warnings()).toEqual([]);
  });
});

const guard = createMethodDecorator({
  name: "guard",
  schema: { type: "object" },
  serves: { sync: true },
  protects: "anybody may call it",
  enabled: (config) => config.get("guarding.on", true),
  parts: [
    {
      at: "validate",
      around: () => () => {
        throw new Error("refused");
      },
    },
  ],
});
const guarding = definePlugin({
  name: "guarding",
  section: "guarding",
  schema: { type: "object", properties: { on: { type: "boolean", default: true } } },
  decorators: [guard],
});

class Vaults {
  @guard()
  open(): string {
    return "open";
  }
  @guard()
  list(): string {
    return "list";
  }
}

describe("advice that protects, in production,", () => {
  const plugins = [guarding];
  const unsafe = (config: object, more: Partial<Started> = {}) => refusal({ plugins, config, ...more });

  it("may not be off for an operation", async () => {
    const { message } = await unsafe({ operations: { "Vaults.open": { guard: false } } });
    expect(message).toContain(
      "@guard is off for Vaults.open (off in createKernel({ config })): anybody may call it. Turn it on again. (@mlmcp/core/protection)",
    );
  });

  it("may not be off with its plugin, nor by a switch of its section", async () => {
    expect((await unsafe({ plugins: { guarding: false } })).message).toContain(
      "@guard is off for Vaults.list, Vaults.open (its plugin is turned off)",
    );
    expect((await unsafe({ guarding: { on: false } })).message).toContain(
      "Vaults.list, Vaults.open (turned off by",
    );
  });

  it("may be off where that is accepted, with a warning", async () => {
    const system = { production: { allow: ["@mlmcp/core/protection"] } };
    const config = { operations: { "Vaults.*": { guard: false } } };
    await using kernel = await inProduction({ plugins, config, system });
    expect(kernel.adopt(new Vaults()).open()).toBe("open");
    expect(warn).toHaveBeenCalledWith(
      expect.stringMatching(
        /^Accepted by system\.production\.allow: @guard is off for Vaults\.list, Vaults\.open/,
      ),
      { code: "MLMCP_PRODUCTION", detail: "@mlmcp/core/protection" },
    );
  });

  it("is not passed by an operation that is made after the start", async () => {
    await using kernel = await inProduction({
      plugins,
      config: { operations: { "late*": { guard: false } } },
    });
    const late = kernel.wrap(() => "late", { name: "late", guard: true } as never);
    expect(() => late()).toThrow(/@guard is off for late \(off in createKernel/);
    const other = kernel.wrap(() => "other", { name: "other", guard: true } as never);
    expect(() => other()).toThrow("refused");
  });

  it("may be off elsewhere", async () => {
    await using kernel = await createTestKernel({
      plugins,
      config: { operations: { "Vaults.*": { guard: false } } },
    });
    expect(kernel.adopt(new Vaults()).open()).toBe("open");
    expect(warnings()).toEqual([]);
  });
});

describe("production checks", () => {
  const nervous = definePlugin({
    name: "nervous",
    productionChecks: [
      { name: "token", check: () => ({ level: "refuse", message: "There is no token." }) },
      {
        name: "broken",
        check: () => {
          throw new Error("cannot stat");
        },
      },
    ],
  });

  it("are all reported at once, one that throws among them, and say how to accept them", async () => {
    const { context, suggestions } = await refusal({
      plugins: [vault, nervous],
      config: { vault: { key: "x", remote: { enabled: true } } },
    });
    expect(context.reasons).toEqual([
      expect.stringContaining("(@mlmcp/core/secrets)"),
      expect.stringContaining("(@mlmcp/core/credentials)"),
      "There is no token. (nervous/token)",
      "The check could not be made: cannot stat (nervous/broken)",
    ]);
    expect(suggestions).toEqual([
      expect.stringContaining(
        'system.production.allow: ["@mlmcp/core/secrets","@mlmcp/core/credentials","nervous/token","nervous/broken"]',
      ),
    ]);
  });

  it("are accepted one by one", async () => {
    const system = { production: { allow: ["nervous/token"] } };
    const { context } = await refusal({ plugins: [nervous], system });
    expect(context.reasons).toEqual([expect.stringContaining("(nervous/broken)")]);
    expect(warnings()).toEqual(["Accepted by system.production.allow: There is no token."]);
  });

  it("can be accepted by a variable", async () => {
    const env = { MLMCP_SYSTEM_PRODUCTION__ALLOW: '["nervous/token", "nervous/broken"]' };
    await using kernel = await inProduction({ plugins: [nervous], env });
    expect(kernel.plugins).toContain(nervous);
  });

  it("are not accepted by globs", async () => {
    const allowing = inProduction({ plugins: [nervous], system: { production: { allow: ["nervous/*"] } } });
    await expect(allowing).rejects.toThrow(/system\.production\.allow\.0: .*pattern/);
  });

  it("warn of a name that no check has", async () => {
    const system = { production: { allow: ["nervous/tokn", "nervous/token", "nervous/broken"] } };
    await using _ = await inProduction({ plugins: [nervous], system });
    expect(warnings()).toContainEqual(
      'system.production.allow names "nervous/tokn", which is no check of a loaded plugin. Did you mean "nervous/token"?',
    );
  });

  it("warn of debugging", async () => {
    await using _ = await inProduction({ system: { debug: true } });
    expect(warnings()).toEqual([
      expect.stringMatching(/^system\.debug \(createKernel\({ config }\)\) is on/),
    ]);
  });
});

describe("a reload in production", () => {
  it("to an unsafe configuration is refused and changes nothing", async () => {
    const trace: unknown[] = [];
    const watching = definePlugin({
      name: "watching",
      reload: ({ config }) => void trace.push(config.get("vault.key")),
    });
    const env: NodeJS.ProcessEnv = { MLMCP_VAULT_KEY: strong };
    await using kernel = await inProduction({ plugins: [vault, watching], env });
    env["MLMCP_VAULT_KEY"] = "secret";
    await expect(kernel.reload()).rejects.toMatchObject({ code: "MLMCP_PRODUCTION_UNSAFE" });
    expect(kernel.config.get("vault.key")).toBe(strong);
    expect(trace).not.toContain("secret");
    env["MLMCP_VAULT_KEY"] = `${strong}+`;
    await kernel.reload();
    expect(kernel.config.get("vault.key")).toBe(`${strong}+`);
  });

  it("sees the operations as the new configuration leaves them", async () => {
    const env: NodeJS.ProcessEnv = {};
    await using kernel = await inProduction({ plugins: [guarding], env });
    const vaults = kernel.adopt(new Vaults());
    env["MLMCP_GUARDING_ON"] = "false";
    await expect(kernel.reload()).rejects.toThrow(/@guard is off for Vaults\.list, Vaults\.open/);
    expect(() => vaults.open()).toThrow("refused");
  });

  it("does not repeat what it has warned of", async () => {
    await using kernel = await inProduction({ system: { debug: true } });
    await kernel.reload();
    expect(warnings()).toHaveLength(1);
  });

  it("shows a plugin's check the chains of the new configuration", async () => {
    const seen: unknown[] = [];
    const looking = definePlugin({
      name: "looking",
      productionChecks: [
        {
          name: "chains",
          check({ operations }) {
            seen.push(operations.explain("Vaults.open").skipped.length);
            return undefined;
          },
        },
      ],
    });
    const env: NodeJS.ProcessEnv = { MLMCP_SYSTEM_PRODUCTION__ALLOW: '["@mlmcp/core/protection"]' };
    await using kernel = await inProduction({ plugins: [guarding, looking], env });
    env["MLMCP_GUARDING_ON"] = "false";
    await kernel.reload();
    expect(seen).toEqual([0, 1]);
  });
});

describe("a production check that answers what nobody understands", () => {
  it.each([
    ["a promise", Promise.resolve({ level: "refuse", message: "late" })],
    ["a list", [{ level: "refuse", message: "listed" }]],
    ["another level", { level: "error", message: "unknown" }],
  ])("refuses the start: %s", async (_, answer) => {
    const plugin = definePlugin({
      name: "odd",
      productionChecks: [{ name: "odd", check: () => answer as never }],
    });
    const config = { system: { environment: "production" } };
    await expect(createTestKernel({ plugins: [plugin], config })).rejects.toThrow(
      /could not be made: it answered/,
    );
  });
});

describe("a secret in a list, a map or a place with a telling name, in production", () => {
  const started = (section: object, ml: object) =>
    createTestKernel({
      plugins: [definePlugin({ name: "ml", section: "ml", schema: { type: "object", ...section } })],
      config: { system: { environment: "production" }, ml },
    });

  it("is weak in a list or a map, too", async () => {
    const texts = { type: "string" };
    const keys = { type: "array", secret: true, items: texts };
    await expect(started({ properties: { keys } }, { keys: ["changeme"] })).rejects.toThrow(
      /ml\.keys\.0 .*well-known/,
    );
    const byName = { type: "object", secret: true, additionalProperties: texts };
    await expect(started({ properties: { byName } }, { byName: { a: "short" } })).rejects.toThrow(
      /shorter than 16/,
    );
  });

  it("that is one by its name alone must not be a well-known one, and may be short", async () => {
    const open = { additionalProperties: { type: "string" } };
    await expect(started(open, { password: "changeme" })).rejects.toThrow(
      /ml\.password .*well-known default/,
    );
    await (await started(open, { tokenPath: "./t" })).stop();
  });

  it.each<[string, unknown, string]>([
    ["a URL", "redis://u:changeme@host", "ml.at"],
    ["a URL of several hosts", "redis://u:kJ8vQ2mZ7pW4x@a,redis://u:password@b", "ml.at"],
    ["a URL with an encoded password", "postgres://u:change%2Dme@host/db", "ml.at"],
    ["a parameter", "libsql://host/db?authToken=secret", "ml.at"],
    ["a connection string", "Server=x;Password=admin;Port=1", "ml.at"],
    ["a URL that code gives", new URL("https://u:guest@host"), "ml.at"],
    ["a Map", new Map([["password", "changeme"]]), "ml.at.password"],
    ["a Set", new Set(["https://u:root@host"]), "ml.at.0"],
  ])("is refused where it is a well-known one within %s", async (_, at, path) => {
    const error = (await started({ additionalProperties: {} }, { at }).catch(
      (reason: unknown) => reason,
    )) as Error;
    expect(error.message).toContain(`${path} (createKernel({ config }))`);
    expect(error.message).toContain("well-known default");
    expect(error.message).not.toContain(":changeme");
  });

  it("is taken within a URL where nobody can guess it", async () => {
    const at = ["redis://u:kJ8vQ2mZ7@host", "redis://admin@host", "https://host:8080/?page=test"];
    await using kernel = await started({ additionalProperties: {} }, { at });
    expect(kernel.config.get("ml.at")).toEqual(at);
  });
});
