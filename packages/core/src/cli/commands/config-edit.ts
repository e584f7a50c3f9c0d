import { join } from "node:path";
import { coerce } from "../../config/sources/coercion.js";
import type { Path } from "../../config/layers.js";
import type { KnownSchemas } from "../../config/load.js";
import { settingSchema } from "../../config/schema/known-settings.js";
import { isPlainObject, valueAt } from "../../config/plain.js";
import { configurationError, formatPath } from "../../config/problems.js";
import { checkSchema } from "../../config/schema/schema.js";
import { openRcDocument, untilSaved, type RcDocument } from "../../config/writing/rc-document.js";
import { parsingOnce, type ParseText } from "../../config/sources/rc-parser.js";
import { findRcFile } from "../../config/sources/rc-search.js";
import type { ConfigReader, ConfigSource } from "../../config/reader.js";
import { redact } from "../../config/secrets/redaction.js";
import { isSecretReference } from "../../config/secrets/secrets.js";
import { audited, auditFile } from "../audited.js";
import type { CommandContext } from "../context.js";
import { CommandFailure } from "../failure.js";
import { inline, toJson } from "../terminal.js";
import { changedLines } from "./changed-lines.js";
import { doubtsOf } from "./config-edit-doubts.js";
import { knownTo, loadConfig, readConfig } from "./config-loading.js";
import { keysOf, leavesOf, place, quotesHint, withQuotedId } from "./config-settings.js";

/** What commander reads from `mlmcp config set` and `unset`. */
interface EditOptions {
  readonly profile?: string;
  readonly dryRun?: boolean;
}

/** `mlmcp config set <path> <value>`: the text is read as the value of an environment variable would be. */
export async function setSetting(
  context: CommandContext,
  path: string,
  text: string,
  options: EditOptions,
): Promise<void> {
  const keys = keysOf(path);
  await edit(context, "config set", keys, options, async (document, at, known) => {
    const write = (schemas: KnownSchemas) =>
      document.set(at, refers(text) ? text : coerce(text, settingSchema(schemas, at) ?? {}));
    // Which plugins are loaded, and with them what the text means, may be what is being set.
    write({ sections: [], advice: [] });
    const schemas = await known();
    const quoted = await withQuotedId(keys, schemas);
    if (quoted !== undefined) throw new CommandFailure(`${path} is no setting`, quotesHint(quoted));
    write(schemas);
  });
}

/** `mlmcp config unset <path>`. */
export async function unsetSetting(
  context: CommandContext,
  path: string,
  options: EditOptions,
): Promise<void> {
  const keys = keysOf(path);
  await edit(context, "config unset", keys, options, async (document, at) => {
    if (document.unset(at)) {
      const setting = at[0] === "profiles" ? at.slice(2) : at;
      // The entry of a plugin loads it, also without options.
      if (setting[0] !== "plugins") document.prune(at.slice(0, -1));
      return;
    }
    const { nearest } = await import("../../config/nearest.js");
    const written = leavesOf(document.get([]) ?? {}).flatMap((leaf) =>
      leaf.map((_, depth) => formatPath(leaf.slice(0, depth + 1))),
    );
    const meant = nearest(formatPath(at), written);
    throw new CommandFailure(
      `${formatPath(at)} is not set in ${document.file}`,
      meant === undefined ? undefined : `Did you mean "${meant}"?`,
    );
  });
}

type Change = (
  document: RcDocument,
  at: readonly string[],
  known: () => Promise<KnownSchemas>,
) => Promise<void>;

/** One change of a file, found valid and not written yet. */
interface Edit {
  readonly document: RcDocument;
  /** Where in the file, as it is written for people. */
  readonly path: string;
  /** What stood there and what stands there now, as it may be shown. */
  readonly from: unknown;
  readonly to: unknown;
  /** What changes in the file. Empty where a secret would show, or nothing changes. */
  readonly lines: readonly string[];
  readonly changed: boolean;
  /** Whether a secret stands in the file now, rather than a reference to one. */
  readonly plainSecret: boolean;
  /** What has the say in its place. */
  readonly overriddenBy: ReadonlyArray<{ readonly path: string; readonly source: ConfigSource }>;
  /** What is most likely not as it was meant, though it is valid. */
  readonly doubts: readonly string[];
  readonly config: ConfigReader;
}

async function edit(
  context: CommandContext,
  action: string,
  keys: readonly string[],
  options: EditOptions,
  change: Change,
): Promise<void> {
  const parse = parsingOnce();
  const { prepared, written } = await untilSaved(async () => {
    const edited = await prepare(context, keys, { ...options, parse }, change);
    const { document, path, from, to, changed, plainSecret, config } = edited;
    if (!changed || options.dryRun === true) return { prepared: edited, written: false };
    const { file } = document;
    await refuseInProduction(context, { file, parse }, config);
    const entry = { path, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    await audited(auditFile(config), { action, by: "cli", file, changes: [entry] }, () =>
      document.save({ mode: plainSecret ? 0o600 : 0o644 }),
    );
    return { prepared: edited, written: true };
  });
  const { path, from, to, overriddenBy } = prepared;
  const { file } = prepared.document;
  if (context.options.json === true)
    context.print(
      toJson({
        file,
        path,
        from: from ?? null,
        to: to ?? null,
        written,
        overriddenBy,
        warnings: prepared.doubts,
      }),
    );
  else tell(context, prepared, written);
  for (const doubt of prepared.doubts) warn(context, doubt);
}

/**
 * Changes a document at one path.
 *
 * @throws ConfigurationError where the whole configuration would not be valid with it
 */
async function prepare(
  context: CommandContext,
  typed: readonly string[],
  { parse, ...options }: EditOptions & { readonly parse: ParseText },
  change: Change,
): Promise<Edit> {
  const [profile, keys] =
    options.profile === undefined && typed[0] === "profiles" && typed.length > 2
      ? [typed[1]!, typed.slice(2)]
      : [options.profile, typed];
  const at = profile === undefined ? keys : ["profiles", profile, ...keys];
  const { cwd, configFile } = context.place;
  const file = configFile ?? (await findRcFile(cwd))?.file ?? join(cwd, ".mlmcprc.yaml");
  const document = await openRcDocument(file, parse);
  const [before, textBefore, allBefore] = [document.get(at), document.toString(), document.get([])];
  const variant = () => ({ file, draft: document.toString(), environment: profile, parse });
  const profiles = await profilesOf(context, document, parse);
  await change(document, at, async () => knownTo(context, await readConfig(context, variant())));
  const { config, known } = await loadConfig(context, variant());
  const after = document.get(at);
  const doubts = after === undefined ? [] : await doubtsOf(config, keys, { profile, profiles });
  const isSecret = (path: Path) => settingSchema(known, path.map(String))?.["secret"] === true;
  const shown = (value: unknown) => (isBareReference(value) ? value : redact(value, keys, isSecret));
  const [from, to] = [shown(before), shown(after)];
  const secrets = [allBefore, document.get([])].flatMap((all) => plainSecrets(all, known));
  const lines = changedLines(textBefore, document.toString());
  const changed = lines.length > 0;
  const overriddenBy = changed && after !== undefined ? above(config, keys, after, { file, profile }) : [];
  if (overriddenBy.length > 0) refuseUnfit(file, at, after, known);
  return {
    document,
    path: formatPath(at),
    from,
    to,
    lines: lines.some((line) => secrets.some((text) => line.includes(text))) ? [] : lines,
    changed,
    plainSecret: to !== after && !refers(after),
    overriddenBy,
    doubts,
    config,
  };
}

function tell(context: CommandContext, edited: Edit, written: boolean): void {
  const { paint } = context;
  const { document, path, from, to, lines, changed, plainSecret, overriddenBy } = edited;
  const told = (value: unknown) => (value === undefined ? "not set" : value === "" ? '""' : inline(value));
  if (!changed) return context.print(`${path} is ${told(to)} already.`);
  context.print(`${paint("bold", path)}: ${told(from)} → ${told(to)}  ${paint("dim", `# ${document.file}`)}`);
  if (!written) context.print([...lines, "Nothing was written."].join("\n"));
  for (const { path: setting, source } of overriddenBy)
    warn(context, `${setting} is set by ${place(source)}, which ranks above: what is written has no effect.`);
  if (plainSecret) {
    warn(
      context,
      "this secret stands in the file as plain text. Name it instead: secret://<provider>/<path>, or ${VARIABLE}.",
    );
  }
}

function warn({ terminal }: CommandContext, text: string): void {
  terminal.stderr.write(`warning: ${text}\n`);
}

/** The profiles that are written down now, in what the file extends too. */
async function profilesOf(
  context: CommandContext,
  { file, get }: RcDocument,
  parse: ParseText,
): Promise<readonly string[]> {
  try {
    return (await readConfig(context, { file, parse })).profiles;
  } catch {
    // The edit may be what mends it.
    return Object.keys(get(["profiles"]) ?? {});
  }
}

/** What ranks above what is written, for each setting in it. */
function above(
  config: ConfigReader,
  keys: readonly string[],
  written: unknown,
  { file, profile }: { readonly file: string; readonly profile: string | undefined },
) {
  // These are merged from all sources in ways of their own, and chosen before anything else.
  if (["plugins", "extends", "profiles", "$schema"].includes(keys[0]!)) return [];
  const kind = profile === undefined ? "file" : "profile";
  return leavesOf(written, keys)
    .map((path) => config.explain(formatPath(path)))
    .filter(({ source }) => source.name !== file || source.kind !== kind)
    .map(({ path, source }) => ({ path, source }));
}

/** What something else overrides was no part of what was found valid, and will be one elsewhere. */
function refuseUnfit(file: string, at: readonly string[], value: unknown, known: KnownSchemas): void {
  const schema = settingSchema(known, at);
  if (schema === undefined || refers(value) || isPlainObject(value)) return;
  const { issues } = checkSchema(schema, value);
  if (issues.length === 0) return;
  const source: ConfigSource = { kind: "file", name: file };
  throw configurationError(
    issues.map(({ path, ...issue }) => ({ path: formatPath([...at, ...path]), source, ...issue })),
  );
}

async function refuseInProduction(
  context: CommandContext,
  { file, parse }: { readonly file: string; readonly parse: ParseText },
  after: ConfigReader,
): Promise<void> {
  if (context.options.force === true) return;
  // As it is now: an edit that chooses another environment is made in this one.
  const now = await readConfig(context, { file, parse }).catch(() => after);
  if (now.environment === "production") await context.confirm(`${file} is changed.`);
}

/** The secrets that stand in a file, so that lines with one of them are not printed. */
function plainSecrets(all: unknown, known: KnownSchemas): string[] {
  return leavesOf(all ?? {}).flatMap((leaf) => {
    const value = valueAt(all, leaf);
    const setting = leaf[0] === "profiles" ? leaf.slice(2) : leaf;
    const isSecret = (path: Path) => settingSchema(known, path.map(String))?.["secret"] === true;
    const texts = (Array.isArray(value) ? value : [value]).map(String).filter((text) => !refers(text));
    return redact(value, setting, isSecret) === value ? [] : texts;
  });
}

/** Whether a text gets a part of its value elsewhere, so that only the loader can read it. */
function refers(value: unknown): boolean {
  return typeof value === "string" && (isSecretReference(value) || value.includes("${"));
}

/** Whether a text is nothing but the name of where its value is, which is no secret. */
function isBareReference(value: unknown): boolean {
  return typeof value === "string" && (isSecretReference(value) || /^\$\{\w+\}$/.test(value));
}
