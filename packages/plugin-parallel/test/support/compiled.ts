import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { vi } from "vitest";

// Threads and processes start slowly on a machine that has other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const packages = fileURLToPath(new URL("../../../", import.meta.url));
const workerSource = join(packages, "plugin-parallel/src/worker.ts");

/** Without sources the tests run against installed packages, which bring the workers' entry compiled. */
const fromSources = existsSync(workerSource);

type Decorators = "legacy" | "standard";

/** Modules as a plain worker can load them: no test runner stands between. */
export interface Compiled {
  /** The workers' entry, where the package has none beside it. */
  readonly workerFile: string | undefined;
  /** The URL of a compiled fixture. */
  url(fixture: string): string;
  /** Its path. */
  file(fixture: string): string;
  remove(): void;
}

/**
 * Compiles fixtures, and with the sources the workers' entry, into a folder of their own. They
 * share one copy of the core; the test runner's is another.
 */
export async function compileFixtures(
  names: readonly string[],
  { decorators = "legacy" }: { decorators?: Decorators } = {},
): Promise<Compiled> {
  const folder = newFolder();
  const entries = [...names.map(sourceOf), ...(fromSources ? [workerSource] : [])];
  await compile(folder, entries, { splitting: true, decorators });
  return describe(folder, fromSources ? fileIn(folder, "worker") : undefined);
}

/**
 * Compiles a fixture and the packages that it imports into one file. The workers' entry stands
 * apart, with a copy of the core of its own.
 */
export async function compileBundle(name: string): Promise<Compiled> {
  const folder = newFolder();
  await compile(folder, [sourceOf(name)], { splitting: false, bundlePackages: true });
  if (fromSources) {
    await compile(folder, [workerSource], { splitting: false });
    return describe(folder, fileIn(folder, "worker"));
  }
  const installed = createRequire(import.meta.url).resolve("@mlmcp/plugin-parallel");
  return describe(folder, join(dirname(installed), "worker.js"));
}

const newFolder = (): string => mkdtempSync(join(tmpdir(), "mlmcp-parallel-"));
const sourceOf = (fixture: string): string => join(fixtures, `${fixture}.ts`);
const fileIn = (folder: string, fixture: string): string => join(folder, `${basename(fixture)}.mjs`);

function describe(folder: string, workerFile: string | undefined): Compiled {
  return {
    workerFile,
    url: (fixture) => pathToFileURL(fileIn(folder, fixture)).href,
    file: (fixture) => fileIn(folder, fixture),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

interface HowToCompile {
  readonly splitting: boolean;
  readonly decorators?: Decorators;
  /** Whether installed packages of the workspace become part of the output. */
  readonly bundlePackages?: boolean;
}

async function compile(
  folder: string,
  entryPoints: string[],
  { splitting, decorators = "legacy", bundlePackages = false }: HowToCompile,
): Promise<void> {
  await build({
    entryPoints,
    entryNames: "[name]",
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "error",
    tsconfigRaw: { compilerOptions: { experimentalDecorators: decorators === "legacy" } },
    plugins: [resolution(bundlePackages)],
  });
}

/** Packages of the workspace come from their sources, where there are any; all others stay where they are. */
function resolution(bundlePackages: boolean): Plugin {
  return {
    name: "resolution",
    setup({ onResolve, resolve }) {
      onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, pluginData }) => {
        if (kind === "entry-point" || path.startsWith("node:") || pluginData === asked) return undefined;
        const own = /^@mlmcp\/([\w-]+)$/.exec(path)?.[1];
        const source = own && join(packages, own, "src/index.ts");
        if (source && existsSync(source)) return { path: source };
        if (own && bundlePackages) return undefined;
        const found = await resolve(path, { kind, resolveDir, pluginData: asked });
        if (found.errors.length > 0 || !found.path.startsWith("/")) return undefined;
        return { path: pathToFileURL(found.path).href, external: true };
      });
    },
  };
}

/** Marks the plugin's own question, which it must not answer. */
const asked = {};
