import { statSync } from "node:fs";
import { resolve } from "node:path";
import { isPlainObject } from "../config/plain.js";
import { formatPath } from "../config/problems.js";
import type { ConfigReader } from "../config/reader.js";
import type { Finding } from "../plugin.js";
import type { CoreRule, Inspected } from "./rule.js";

const writable = 0o002;
const readable = 0o004;

/** Docker mounts secrets here for the container alone, with rights that nobody can change. */
const containerSecrets = "/run/secrets/";

/** A file, and what no other user of the machine may do with it. */
interface Guarded {
  readonly file: string;
  readonly what: string;
  readonly private: boolean;
}

/** Who else may read or change what the configuration is made of. */
export const fileRights: CoreRule<Inspected> = {
  rule: "file-rights",
  diagnose({ kernel: { config }, sources }) {
    if (process.platform === "win32") return [];
    return guardedFiles(config, sources.files).flatMap((guarded) => problemsOf(guarded));
  },
};

/** Of the files that were read, those in which configuration is `written`; the others hold one secret each. */
function guardedFiles(config: ConfigReader, written: readonly string[]): Guarded[] {
  const withSecrets = filesWithSecrets(config);
  const guarded = config.files.map((file): Guarded => {
    if (!written.includes(file))
      return { file, what: "secret file", private: !file.startsWith(containerSecrets) };
    const holds = withSecrets.has(file);
    return {
      file,
      what: holds ? "configuration file, which holds a secret," : "configuration file",
      private: holds,
    };
  });
  const log = config.get<string | undefined>("system.auditLog");
  if (log !== undefined) guarded.push({ file: resolve(config.cwd, log), what: "audit log", private: true });
  return guarded;
}

/** Files in which a secret itself is written, not a reference to one. */
function filesWithSecrets(config: ConfigReader): ReadonlySet<string> {
  const files = new Set<string>();
  const visit = (value: unknown, path: readonly string[]): void => {
    if (isPlainObject(value)) for (const [key, child] of Object.entries(value)) visit(child, [...path, key]);
    else if (typeof value === "string") {
      const { secret, source } = config.explain(formatPath(path));
      const written = source.kind === "file" || source.kind === "profile";
      if (secret && written && !source.references?.length) files.add(source.name);
    }
  };
  visit(config.get(""), []);
  return files;
}

function problemsOf({ file, what, private: secret }: Guarded): Finding[] {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
  const rights = (mode & 0o777).toString(8).padStart(4, "0");
  if ((mode & writable) !== 0) {
    return [
      {
        level: "error",
        message: `Every user of the machine may change the ${what} ${file} (mode ${rights}).`,
        mend: `chmod ${secret ? "600" : "o-w"} ${file}`,
      },
    ];
  }
  if (!secret || (mode & readable) === 0) return [];
  return [
    {
      level: "warning",
      message: `Every user of the machine may read the ${what} ${file} (mode ${rights}).`,
      mend: `chmod 600 ${file}`,
    },
  ];
}
