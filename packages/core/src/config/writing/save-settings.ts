import { resolve } from "node:path";
import { ConfigurationError } from "../../errors/index.js";
import type { Layer } from "../layers.js";
import { copyPlain, isPlainObject, setOwn, valueAt, type PlainObject } from "../plain.js";
import { formatPath } from "../problems.js";
import { openRcDocument, untilSaved } from "./rc-document.js";
import { describeSource, type ConfigReader } from "../reader.js";
import { isSecretReference } from "../secrets/secrets.js";
import type { ConfigSources } from "../sources/sources.js";

/** One value in a layer that is no map, or an empty one. */
interface Leaf {
  readonly path: readonly string[];
  readonly value: unknown;
}

/**
 * Writes run-time settings into the rc file or, where another file is named, everything that is
 * configured into that. Answers the file.
 */
export async function saveSettings(
  config: ConfigReader,
  sources: ConfigSources,
  path: string | undefined,
): Promise<string> {
  const file = path === undefined ? config.file : resolve(config.cwd, path);
  if (file === undefined) {
    throw new ConfigurationError(
      'There is no rc file to save into. Name a file: `config.saveToFile(".mlmcprc.yaml")`.',
      { code: "MLMCP_CONFIG_FILE" },
    );
  }
  if (file === config.file) await saveRuntime(config, sources, file);
  else await saveEverything(config, sources, file);
  return file;
}

async function saveRuntime(
  config: ConfigReader,
  { layers, runtime }: ConfigSources,
  file: string,
): Promise<void> {
  const leaves = writableLeaves(config, runtime?.value ?? {});
  if (leaves.length === 0) return;
  await untilSaved(async () => {
    const document = await openRcDocument(file);
    for (const { path, value } of leaves) {
      const profile = isOfProfile(layers, path) ? ["profiles", config.environment] : [];
      document.set([...profile, ...path], literal(value));
    }
    await document.save();
  });
  for (const { path } of leaves) warnWhereOverridden(config, path);
}

async function saveEverything(
  config: ConfigReader,
  { layers, runtime }: ConfigSources,
  file: string,
): Promise<void> {
  const merged: PlainObject = {};
  for (const layer of [...layers, ...(runtime ? [runtime] : [])]) {
    const inFile = isOfFile(layer);
    const value = inFile ? writtenOf(layer) : layer.value;
    for (const leaf of inFile ? leavesOf(value) : writableLeaves(config, value))
      put(merged, leaf.path, inFile ? leaf.value : literal(leaf.value));
  }
  const secret = leavesOf(merged).some((leaf) => isPlainSecret(config, leaf));
  await untilSaved(async () => {
    const document = await openRcDocument(file);
    document.set([], merged);
    await document.save({ mode: secret ? 0o600 : 0o644 });
  });
}

/** What a file says as it says it, so that references stay what they are; paths start where all of them do. */
function writtenOf({ value, written = value }: Layer): PlainObject {
  const { app } = value;
  const before = written["plugins"];
  const names = Object.keys((value["plugins"] ?? {}) as PlainObject);
  const settings = isPlainObject(before) ? Object.values(before) : names.map(() => true);
  const plugins = Object.fromEntries(names.map((name, index) => [name, settings[index]]));
  return { ...written, ...(app === undefined ? {} : { app }), ...(names.length === 0 ? {} : { plugins }) };
}

/** What of the values from code and run time may be written; the rest is named in a warning. */
function writableLeaves(config: ConfigReader, value: PlainObject): Leaf[] {
  const kept: Leaf[] = [];
  const leftOut: string[] = [];
  for (const leaf of leavesOf(value)) {
    const secret = isPlainSecret(config, leaf);
    if (secret || !isData(leaf.value))
      leftOut.push(`${formatPath(leaf.path)} (${secret ? "a secret" : "only code can give it"})`);
    else kept.push(leaf);
  }
  if (leftOut.length > 0) {
    process.emitWarning(
      `Not written into the file: ${leftOut.join(", ")}. Give a secret by reference (\`secret://…\`) or in a variable.`,
      { code: "MLMCP_CONFIG_LEFT_OUT" },
    );
  }
  return kept;
}

function leavesOf(value: PlainObject, path: readonly string[] = []): Leaf[] {
  return Object.entries(value).flatMap(([key, child]): Leaf[] => {
    const here = [...path, key];
    return isPlainObject(child) && Object.keys(child).length > 0
      ? leavesOf(child, here)
      : [{ path: here, value: child }];
  });
}

/** Sets a leaf in place of whatever a lower layer has there; two maps become one. */
function put(target: PlainObject, [key, ...rest]: readonly string[], value: unknown): void {
  const before = valueAt(target, [key!]);
  const map = isPlainObject(before) ? before : {};
  if (rest.length > 0) {
    setOwn(target, key!, map);
    put(map, rest, value);
  } else setOwn(target, key!, isPlainObject(value) ? map : copyPlain(value));
}

function isPlainSecret(config: ConfigReader, { path, value }: Leaf): boolean {
  const reference = typeof value === "string" && isSecretReference(value);
  return !reference && config.explain(formatPath(path)).secret;
}

function isData(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isData);
  if (isPlainObject(value)) return Object.values(value).every(isData);
  return value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value);
}

/** A text from code means itself; in a file `${` begins a reference. */
function literal(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("${", () => "$${");
  if (Array.isArray(value)) return value.map(literal);
  return value;
}

function isOfFile(layer: Layer): boolean {
  return ["file", "profile"].includes(layer.source([]).kind);
}

/** Whether the file's profile has the last word at a path, among what files say. */
function isOfProfile(layers: readonly Layer[], path: readonly string[]): boolean {
  const last = layers.findLast((layer) => {
    const decides = path.some((_, depth) => {
      const value = valueAt(layer.value, path.slice(0, depth + 1));
      return value !== undefined && (depth === path.length - 1 || !isPlainObject(value));
    });
    return isOfFile(layer) && decides;
  });
  return last?.source([]).kind === "profile";
}

function warnWhereOverridden(config: ConfigReader, path: readonly string[]): void {
  const name = formatPath(path);
  const above = config.explain(name).overrode.filter(({ source }) => ["code", "env"].includes(source.kind));
  if (above.length === 0) return;
  const others = above.map(({ source }) => describeSource(source)).join(" and ");
  process.emitWarning(`${name} is saved, but ${others} will override it at the next start.`, {
    code: "MLMCP_CONFIG_OVERRIDDEN",
  });
}
