import { resolve } from "node:path";
import type { ConfigProblem } from "../problems.js";
import { within } from "../../kernel/time-limit.js";
import { readBounded } from "../sources/read-file.js";
import type { ConfigSource } from "../reader.js";

/** No secret is longer. Bytes. */
const MAX_SECRET_SIZE = 64 * 1024;

/** How long reading one may take, also from a network drive. Milliseconds. */
const LIMIT = 10_000;

const standIns = new WeakMap<NodeJS.ProcessEnv, Readonly<Record<string, ConfigSource>>>();

/**
 * Variables with some set in place of something else that was given, such as an option of the command
 * line: what is wrong with them names that.
 */
export function withStandIns(
  env: NodeJS.ProcessEnv,
  given: Readonly<Record<string, { readonly text: string; readonly source: ConfigSource }>>,
): NodeJS.ProcessEnv {
  const set = Object.entries(given).flatMap(([name, { text }]) => [
    [name, text],
    [`${name}_FILE`, ""],
  ]);
  const all: NodeJS.ProcessEnv = { ...env, ...Object.fromEntries(set) };
  standIns.set(all, Object.fromEntries(Object.entries(given).map(([name, { source }]) => [name, source])));
  return all;
}

/** What a variable says, or the file that stands in for it. */
export interface VariableText {
  readonly text: string;
  readonly source: ConfigSource;
}

/**
 * The text of a variable: its own, or that of the file which `<name>_FILE` names, as containers
 * mount secrets. One that is empty counts as not set, as shells, compose files and CI systems
 * write it.
 *
 * @param mayBeFile `false` where a variable `<name>_FILE` has a meaning of its own
 */
export async function readVariable(
  env: NodeJS.ProcessEnv,
  name: string,
  problems: ConfigProblem[],
  mayBeFile = true,
): Promise<VariableText | undefined> {
  const [text, named] = [env[name], mayBeFile ? env[`${name}_FILE`] : undefined];
  if (!named) return text ? { text, source: standIns.get(env)?.[name] ?? { kind: "env", name } } : undefined;
  const file = resolve(named);
  const source: ConfigSource = { kind: "env", name: `${name}_FILE`, references: [file], secret: true };
  const wrong = (message: string) => void problems.push({ path: "", message, source });
  if (text) return wrong(`${name} and ${name}_FILE are both set: leave one of them out`);
  try {
    const content = await readSecretFile(file);
    return content === "" ? wrong(`the file ${file} of ${name}_FILE is empty`) : { text: content, source };
  } catch (error) {
    return wrong(`the file ${file} of ${name}_FILE cannot be read: ${(error as Error).message}`);
  }
}

/** The secret that a file holds, without the line break that editors put at its end. */
export async function readSecretFile(file: string): Promise<string> {
  const late = `its disk gave no answer within ${LIMIT / 1000} s`;
  return (await within(LIMIT, () => readBounded(file, MAX_SECRET_SIZE), late)).replace(/\r?\n$/, "");
}
