import {
  ConfigManager,
  createKernel,
  defineConfig,
  type ConfigReader,
  type ConfigValue,
  type KernelConfig,
} from "@mlmcp/core";
import { describe, expectTypeOf, it } from "vitest";

interface Adapter {
  readonly name: string;
  open(): void;
}

declare module "@mlmcp/core" {
  interface ConfigSections {
    vision: {
      batchSize: number;
      device?: "cpu" | "gpu";
      http: false | { port: number; tls?: { cert: string } };
      adapter: string | Adapter;
      labels: readonly number[];
    };
  }
}

declare const config: ConfigManager;
declare const reader: ConfigReader;

describe("config.get", () => {
  it("has the type of what stands at a path", () => {
    expectTypeOf(config.get("system.stopTimeout")).toEqualTypeOf<number>();
    expectTypeOf(config.get("system.context")).toEqualTypeOf<boolean | undefined>();
    expectTypeOf(config.get("system.context", true)).toEqualTypeOf<boolean>();
    expectTypeOf(config.get("vision.device")).toEqualTypeOf<"cpu" | "gpu" | undefined>();
    expectTypeOf(config.get("vision.http.port")).toEqualTypeOf<number | undefined>();
    expectTypeOf(config.get("vision.http.tls.cert")).toEqualTypeOf<string | undefined>();
    expectTypeOf(config.get("vision.labels")).toEqualTypeOf<readonly number[]>();
    expectTypeOf(config.get("vision").batchSize).toEqualTypeOf<number>();
    expectTypeOf(reader.get("vision.batchSize")).toEqualTypeOf<number>();
    expectTypeOf<ConfigValue<"elsewhere.x">>().toEqualTypeOf<unknown>();
  });

  it("takes any other path, whose type is named or unknown", () => {
    expectTypeOf(config.get<number>("audit.level")).toEqualTypeOf<number>();
    expectTypeOf(config.get<string>("audit.mark")).toEqualTypeOf<string>();
    expectTypeOf(config.get("audit.level")).toEqualTypeOf<unknown>();
    expectTypeOf(config.get("audit.level", 5)).toEqualTypeOf<number>();
    expectTypeOf(config.get("system.whatever" as string)).toEqualTypeOf<unknown>();
    // An object with methods is a value: nothing of it is a setting.
    expectTypeOf(config.get("vision.adapter.open")).toEqualTypeOf<unknown>();
  });

  it("gives sections their type, by either name of the method", () => {
    expectTypeOf(config.getSection("vision").batchSize).toEqualTypeOf<number>();
    expectTypeOf(config.section("performance").nJobs).toEqualTypeOf<number | undefined>();
    expectTypeOf(config.getSection<{ level: number }>("audit").level).toEqualTypeOf<number>();
    expectTypeOf(reader.section("audit")).toEqualTypeOf<Readonly<Record<string, unknown>>>();
  });
});

describe("config.set and config.onChange", () => {
  it("take what may be written at a path", () => {
    void config.set("system.stopTimeout", "5s");
    void config.set("vision.http", { port: 80 });
    void config.set("vision.labels", [1, 2]);
    void config.set("audit.level", { any: "thing" });
    void config.set({ "vision.batchSize": 3, 'operations."A.b".retry': 5 });
    // @ts-expect-error A boolean is no length of time.
    void config.set("system.stopTimeout", true);
    // @ts-expect-error Not one of the devices.
    void config.set("vision.device", "tpu");
    // @ts-expect-error To take a value back is `unset`.
    void config.set("vision.device", undefined);
    config.onChange("vision.device", (value, previous) => {
      expectTypeOf(value).toEqualTypeOf<"cpu" | "gpu" | undefined>();
      expectTypeOf(previous).toEqualTypeOf<"cpu" | "gpu" | undefined>();
    });
    config.onChange("operations", (value) => expectTypeOf(value).toEqualTypeOf<unknown>());
    config.onChange<number>("audit.level", (value) => expectTypeOf(value).toEqualTypeOf<number>());
  });
});

describe("defineConfig", () => {
  it("takes every known section in part, with units and references", () => {
    defineConfig({
      $schema: "./schema.json",
      extends: ["./base.yaml", "@acme/config"],
      plugins: { "./audit.js": { level: 1 }, "@mlmcp/plugin-cache": false },
      system: { stopTimeout: "5s", startTimeout: "${START:-30s}", debug: "${DEBUG}" },
      vision: { http: { port: 80 }, device: "gpu", labels: [1, "${LABEL}"] },
      operations: {
        "Report.*": { retry: { maxRetries: 5 }, order: ["retry"], audited: { mark: "x" } },
        "Report.load": { retry: 2, degrade: false },
      },
      profiles: { production: { system: { strict: true } } },
      app: "./src/app.ts",
    });
    // @ts-expect-error No section of that name: an augmentation would make it known.
    defineConfig({ visoin: {} });
    // @ts-expect-error An unknown key in a section.
    defineConfig({ vision: { batchsize: 1 } });
    // @ts-expect-error No number, no length and no reference.
    defineConfig({ system: { stopTimeout: "soon" } });
    // @ts-expect-error A wrong option of an advice that is known.
    defineConfig({ operations: { "Report.*": { retry: { maxRetries: "many" } } } });
    // @ts-expect-error A profile holds no profiles.
    defineConfig({ profiles: { production: { profiles: {} } } });
  });
});

describe("createKernel({ config })", () => {
  it("takes what defineConfig gives, and sections that no type tells of", () => {
    void (() => createKernel({ config: defineConfig({ vision: { batchSize: 1 } }) }));
    void (() => createKernel({ config: { audit: { level: 3 } } }));
    const config: Record<string, unknown> = {};
    void (() => createKernel({ config }));
    // @ts-expect-error A known section is checked all the same.
    expectTypeOf({ system: { debug: 5 } }).toExtend<KernelConfig>();
    // @ts-expect-error Neither is an unknown key of it taken.
    void (() => createKernel({ config: { system: { debuf: true } } }));
  });
});
