import { isAbsolute } from "node:path";
import { PluginError } from "../../errors/index.js";
import { within } from "../../kernel/time-limit.js";
import { isOverridden, replaceTexts, type Layer, type Path } from "../layers.js";
import { nearest } from "../nearest.js";
import { formatPath, type ConfigProblem } from "../problems.js";
import type { ConfigSource } from "../reader.js";
import { withoutPasswords } from "./redaction.js";
import { readSecretFile } from "./secret-files.js";
import { isSecretReference, type SecretResolver } from "./secrets.js";

/** How long one secret may take. Milliseconds. */
const LIMIT = 10_000;

/** The providers that need no plugin. */
const builtIn: readonly SecretResolver[] = [
  {
    provider: "env",
    resolve(name, { env }) {
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (value === undefined) throw new Error(`the variable ${name} is not set`);
      return value;
    },
  },
  { provider: "file", resolve: (path) => readSecretFile(fileOf(path)) },
];

/** `run/secrets/db` of `secret://file/run/secrets/db` is the absolute path without its root. */
function fileOf(path: string): string {
  return isAbsolute(path) ? path : `/${path}`;
}

/** What reads a configuration's secrets. */
interface SecretOptions {
  readonly resolvers: ReadonlyMap<string, SecretResolver>;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/**
 * Layers with the secrets in place of the texts that refer to them, `secret://<provider>/<path>`.
 * Each secret is read once, all at the same time; one that a higher layer overrides is not read.
 *
 * @throws PluginError where a plugin takes the name of a provider that is built in
 */
export async function resolveSecrets(
  layers: readonly Layer[],
  { resolvers, env, cwd }: SecretOptions,
  problems: ConfigProblem[],
): Promise<{ readonly layers: readonly Layer[]; readonly files: readonly string[] }> {
  const providers = new Map(resolvers);
  for (const resolver of builtIn) {
    if (providers.has(resolver.provider)) throw taken(resolver.provider);
    providers.set(resolver.provider, resolver);
  }
  const reads = new Map<string, Promise<string>>();
  const uses: Array<{ reference: string; path: Path; source: ConfigSource }> = [];
  for (const [rank, layer] of layers.entries()) {
    forEachReference(layer, (reference, path) => {
      if (isOverridden(layers, rank, path)) return;
      uses.push({ reference, path, source: layer.source(path) });
      if (!reads.has(reference)) reads.set(reference, read(reference, providers, { env, cwd }));
    });
  }
  const secrets = new Map<string, string>();
  const faults = new Map<string, SecretError>();
  for (const [reference, reading] of reads) {
    const outcome = await reading.catch((error: unknown) => error as SecretError);
    if (typeof outcome === "string") secrets.set(reference, outcome);
    else faults.set(reference, outcome);
  }
  for (const { reference, path, source } of uses) {
    const fault = faults.get(reference);
    if (fault === undefined) continue;
    const { message, suggestion } = fault;
    const hint = suggestion === undefined ? {} : { suggestion };
    problems.push({ path: formatPath(path), message, source, ...hint });
  }
  const files = [...secrets.keys()].flatMap((reference) => {
    const { provider, path } = partsOf(reference) ?? {};
    return provider === "file" && path !== undefined ? [fileOf(path)] : [];
  });
  return { layers: layers.map((layer) => withSecrets(layer, secrets)), files };
}

function forEachReference(layer: Layer, visit: (reference: string, path: Path) => void): void {
  replaceTexts(layer, (text, path) => {
    if (isReference(text, path)) visit(text, path);
    return undefined;
  });
}

/** What is overridden stays a reference, and is hidden too: it would be the secret of another place. */
function withSecrets(layer: Layer, secrets: ReadonlyMap<string, string>): Layer {
  return replaceTexts(layer, (text, path) =>
    isReference(text, path)
      ? { value: secrets.get(text) ?? text, source: { references: [text], secret: true } }
      : undefined,
  );
}

/** The options of a plugin are read where its section has them. */
function isReference(text: string, [key]: Path): boolean {
  return isSecretReference(text) && key !== "plugins" && key !== "app";
}

class SecretError extends Error {
  constructor(
    message: string,
    readonly suggestion?: string,
  ) {
    super(message);
  }
}

/** @throws SecretError whose message holds no secret */
async function read(
  reference: string,
  providers: ReadonlyMap<string, SecretResolver>,
  from: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
): Promise<string> {
  const parts = partsOf(reference);
  if (parts === undefined) throw new SecretError("expected a secret as secret://<provider>/<path>");
  const { provider, path } = parts;
  const resolver = providers.get(provider);
  if (resolver === undefined) {
    const meant = nearest(provider, providers.keys());
    const known = [...providers.keys()].join(", ");
    throw new SecretError(
      `no loaded plugin reads the secrets of "${provider}" (known: ${known})`,
      meant && `secret://${meant}/${path}`,
    );
  }
  let secret: unknown;
  try {
    const late = `${provider} gave no answer within ${LIMIT / 1000} s`;
    secret = await within(LIMIT, () => resolver.resolve(path, from), late);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SecretError(`the secret ${reference} cannot be read: ${withoutPasswords(reason)}`);
  }
  if (typeof secret === "string" && secret !== "") return secret;
  throw new SecretError(`the secret ${reference} is ${secret === "" ? "empty" : "no text"}`);
}

function partsOf(reference: string): { provider: string; path: string } | undefined {
  const [, provider, path] = /^secret:\/\/([^/]+)\/(.+)$/s.exec(reference) ?? [];
  return provider === undefined || path === undefined ? undefined : { provider, path };
}

function taken(provider: string): PluginError {
  return new PluginError(
    `A plugin claims the provider "${provider}" of secrets, which the core has itself. It needs another name.`,
    { code: "MLMCP_SECRET_PROVIDER", context: { provider } },
  );
}
