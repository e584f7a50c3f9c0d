import type { PluginNames } from "./plugin-name.js";

/**
 * The files of a new plugin, by path: a decorator that reports calls which take long, with the
 * section, the types and the tests that go with one.
 *
 * @param core the version of `@mlmcp/core` that it is made for
 */
export function pluginFiles(names: PluginNames, core: string): Readonly<Record<string, string>> {
  const { word } = names;
  return {
    "package.json": manifest(names, core),
    "tsconfig.json": tsconfig,
    "tsconfig.build.json": tsconfigBuild,
    ".gitignore": "node_modules/\ndist/\n",
    "README.md": readme(names),
    "src/index.ts": index(names),
    "src/plugin.ts": plugin(names),
    "src/options.ts": options(names),
    [`src/decorators/${word}.ts`]: decorator(names),
    "test/plugin.test.ts": pluginTest(names),
    [`test/decorators/${word}.test.ts`]: decoratorTest(names),
  };
}

function manifest({ package: name, word }: PluginNames, core: string): string {
  // Before 1.0 any minor version may break; the packages of one range are released together.
  const range = core.startsWith("0.") ? `>=${core} <1.0.0` : `^${core}`;
  const content = {
    name,
    version: "0.1.0",
    description: `@${word} for mlmcp: reports calls that take long.`,
    keywords: ["mlmcp", "mlmcp-plugin"],
    type: "module",
    engines: { node: ">=20.19" },
    sideEffects: true,
    exports: {
      ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
      "./package.json": "./package.json",
    },
    files: ["dist", "README.md"],
    scripts: {
      build: "tsc -p tsconfig.build.json",
      typecheck: "tsc",
      test: "vitest run",
      prepack: "npm run build",
    },
    peerDependencies: { "@mlmcp/core": range },
    devDependencies: {
      "@mlmcp/core": range,
      "@types/node": "^20.19.0",
      typescript: "^6.0.3",
      vitest: "^4.1.12",
    },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

const tsconfig = `{
  "compilerOptions": {
    "target": "ES2022",
    "lib": ["ES2023", "ESNext.Disposable"],
    "module": "NodeNext",
    "types": ["node"],
    "strict": true,
    "noUncheckedIndexedAccess": true,
    "verbatimModuleSyntax": true,
    "experimentalDecorators": true,
    "skipLibCheck": true,
    "noEmit": true
  },
  "include": ["src", "test"]
}
`;

const tsconfigBuild = `{
  "extends": "./tsconfig.json",
  "compilerOptions": { "noEmit": false, "declaration": true, "rootDir": "src", "outDir": "dist" },
  "include": ["src"]
}
`;

function readme({ package: name, word }: PluginNames): string {
  return `# ${name}

\`@${word}\` reports calls that take long, for [mlmcp](https://www.npmjs.com/package/@mlmcp/core).

\`\`\`sh
npm install @mlmcp/core ${name}
\`\`\`

\`\`\`ts
import { createKernel, onEvent } from "@mlmcp/core";
import { ${word} } from "${name}";

class Reports {
  @${word}("200ms")
  async load(id: string) {
    return { id };
  }
}

onEvent("${word}:slow", ({ operation, milliseconds }) => console.warn(operation, milliseconds));
await using kernel = await createKernel();
await kernel.adopt(new Reports()).load("a");
\`\`\`

\`\`\`yaml
# .mlmcprc.yaml
${word}: { slowerThan: 1s } # wherever the decorator does not say
operations:
  Reports.load: { ${word}: { slowerThan: 50ms } } # for one method; false turns it off
\`\`\`
`;
}

function index({ word, type }: PluginNames): string {
  return `export { ${word} } from "./decorators/${word}.js";
export type { ${type}Options, ${type}Section } from "./options.js";
export { default } from "./plugin.js";
`;
}

function plugin({ package: name, word }: PluginNames): string {
  return `import { definePlugin } from "@mlmcp/core";
import { ${word} } from "./decorators/${word}.js";
import { sectionSchema } from "./options.js";

/** Brings \`@${word}\` and the section \`${word}\` of the configuration. */
export default definePlugin({
  name: "${name}",
  section: "${word}",
  schema: sectionSchema,
  decorators: [${word}],
});
`;
}

function options({ word, type }: PluginNames): string {
  return `import type { Duration, JsonSchema } from "@mlmcp/core";

/** Options of \`@${word}\`. */
export interface ${type}Options {
  /** Calls that take longer are reported: milliseconds, or a text such as \`"200ms"\`. @default \`${word}.slowerThan\` of the configuration */
  slowerThan?: Duration;
}

export const optionsSchema: JsonSchema = {
  type: "object",
  properties: { slowerThan: { description: "Calls that take longer are reported.", duration: true } },
};

/** The section \`${word}\` of the configuration, as it is read. */
export interface ${type}Section {
  /** Calls that take longer are reported, where the decorator does not say otherwise. Milliseconds. @default 1000 */
  slowerThan: number;
}

export const sectionSchema: JsonSchema = {
  type: "object",
  properties: {
    slowerThan: {
      description: "Calls that take longer are reported, where the decorator does not say otherwise.",
      duration: true,
      default: "1s",
    },
  },
};

declare module "@mlmcp/core" {
  interface AdviceOptions {
    ${word}: ${type}Options | Duration;
  }
  interface ConfigSections {
    ${word}: ${type}Section;
  }
  interface MlmcpEvents {
    /** A call took longer than its \`slowerThan\`. */
    "${word}:slow": { readonly milliseconds: number };
  }
}
`;
}

function decorator({ word, type }: PluginNames): string {
  return `import { createMethodDecorator, type Duration } from "@mlmcp/core";
import { optionsSchema, type ${type}Options } from "../options.js";

/**
 * Reports each call that takes longer than \`slowerThan\` as the event \`${word}:slow\`:
 *
 * \`\`\`ts
 * class Reports {
 *   @${word}("200ms")
 *   async load(id: string) {}
 * }
 * \`\`\`
 */
export const ${word} = createMethodDecorator<${type}Options, Duration>({
  name: "${word}",
  schema: optionsSchema,
  shorthand: { schema: { duration: true }, read: (slowerThan) => ({ slowerThan }) },
  defaults: (config) => ({ slowerThan: config.get("${word}.slowerThan") }),
  serves: { sync: true, streams: true },
  parts: [
    {
      // Runs once for each compiled chain; what it returns runs for each call.
      observe(binding) {
        const limit = binding.options.slowerThan as number; // the schema has made milliseconds of it
        const slow = binding.event("${word}:slow");
        return {
          start: () => performance.now(),
          end(started: number) {
            const milliseconds = performance.now() - started;
            if (milliseconds > limit) slow.publish({ milliseconds });
          },
        };
      },
    },
  ],
});
`;
}

function pluginTest({ word }: PluginNames): string {
  return `import { createTestKernel, runPluginContract } from "@mlmcp/core/testing";
import { expect, it } from "vitest";
import plugin from "../src/index.js";

it("keeps what every plugin promises", () => runPluginContract(plugin));

it("reports calls of more than a second where nothing is configured", async () => {
  await using kernel = await createTestKernel({ plugins: [plugin] });
  expect(kernel.config.get("${word}.slowerThan")).toBe(1000);
});
`;
}

function decoratorTest({ word }: PluginNames): string {
  return `import { onEvent, type KernelOptions } from "@mlmcp/core";
import { createTestKernel, runDecoratorContract } from "@mlmcp/core/testing";
import { afterEach, expect, it, vi } from "vitest";
import plugin, { ${word} } from "../../src/index.js";

class Reports {
  @${word}("200ms")
  async load(takes: number): Promise<number> {
    vi.advanceTimersByTime(takes);
    return takes;
  }

  @${word}()
  count(takes: number): number {
    vi.advanceTimersByTime(takes);
    return takes;
  }
}

afterEach(() => void vi.useRealTimers());

/** What is reported while some methods run in a kernel with this configuration. */
async function reported(
  config: KernelOptions["config"],
  use: (reports: Reports) => unknown,
): Promise<unknown[]> {
  const events: unknown[] = [];
  const end = onEvent("${word}:slow", (event) => void events.push([event.operation, event.milliseconds]));
  try {
    await using kernel = await createTestKernel({ plugins: [plugin], config });
    // From here on time passes only as the methods say.
    vi.useFakeTimers();
    await use(kernel.adopt(new Reports()));
    vi.useRealTimers();
  } finally {
    end();
  }
  return events;
}

it("keeps what every decorator promises", () =>
  runDecoratorContract({ decorator: ${word}, plugins: [plugin] }));

it("reports a call that takes longer than its limit, and no other", async () => {
  const events = await reported({}, async (reports) => {
    expect(await reports.load(200)).toBe(200);
    expect(await reports.load(201)).toBe(201);
  });
  expect(events).toEqual([["Reports.load", 201]]);
});

it("takes its limit from the section where the decorator names none", async () => {
  const use = (reports: Reports) => reports.count(60);
  expect(await reported({}, use)).toEqual([]);
  expect(await reported({ ${word}: { slowerThan: "50ms" } }, use)).toEqual([["Reports.count", 60]]);
});

it("is tuned and turned off for one method by the configuration", async () => {
  const use = (reports: Reports) => reports.load(300);
  expect(await reported({ operations: { "Reports.load": { ${word}: "1s" } } }, use)).toEqual([]);
  expect(await reported({ operations: { "Reports.load": { ${word}: false } } }, use)).toEqual([]);
});

it("refuses a limit that is no time", () => {
  expect(() => {
    class Wrong {
      // @ts-expect-error: it does not compile either
      @${word}({ slowerThan: "soon" })
      async load() {}
    }
    return Wrong;
  }).toThrow("slowerThan");
});
`;
}
