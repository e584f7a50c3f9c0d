import { ModelError } from "@mlmcp/core";

/** Which version of a model is meant: one by its name, the one on a stage, or the latest. */
export interface ModelReference {
  readonly name: string;
  readonly version?: string;
  readonly stage?: string;
}

const safeName = /^[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9_-])?$/i;
const safeVersion = /^[a-z0-9](?:[a-z0-9.+_-]{0,62}[a-z0-9+_-])?$/i;

/** Device names on Windows, whatever stands behind a dot. */
const reserved = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Reads `churn` (the latest version), `churn:3` and `churn@production`.
 *
 * @throws ModelError `MLMCP_MODEL_NAME` for a name that is not safe as the name of a directory
 * anywhere.
 */
export function parseReference(reference: string): ModelReference {
  const stageAt = reference.indexOf("@");
  if (stageAt >= 0) {
    return {
      name: checkName("name", reference.slice(0, stageAt)),
      stage: checkName("stage", reference.slice(stageAt + 1)),
    };
  }
  const versionAt = reference.indexOf(":");
  if (versionAt < 0) return { name: checkName("name", reference) };
  return {
    name: checkName("name", reference.slice(0, versionAt)),
    version: checkVersion(reference.slice(versionAt + 1)),
  };
}

/** @throws ModelError `MLMCP_MODEL_NAME` */
export function checkName(what: "name" | "stage", given: unknown): string {
  if (typeof given === "string" && safeName.test(given)) return given;
  throw refuse(
    what,
    given,
    "1 to 100 letters, digits, dots, dashes and underscores; a letter or a digit first, no dot last",
  );
}

/** @throws ModelError `MLMCP_MODEL_NAME` */
export function checkVersion(given: unknown): string {
  if (typeof given === "string" && safeVersion.test(given)) return given;
  throw refuse(
    "version",
    given,
    '1 to 64 letters, digits, dots, dashes, underscores and plus signs, such as "7" or "1.4.0"',
  );
}

function refuse(what: string, given: unknown, expected: string): ModelError {
  return new ModelError(
    `${JSON.stringify(given) ?? String(given)} is not a ${what} of a model. Expected ${expected}.`,
    {
      code: "MLMCP_MODEL_NAME",
      context: { [what]: given },
    },
  );
}

/**
 * A name as that of a file, the same on all systems: capitals are marked, so that `Churn` and
 * `churn` stay two also where the file system takes them for one.
 */
export function toFileName(name: string): string {
  const marked = name.replace(/[A-Z]/g, (capital) => `^${capital.toLowerCase()}`);
  return reserved.test(marked) ? `^_${marked}` : marked;
}

export function fromFileName(file: string): string {
  return file.replace(/^\^_/, "").replace(/\^([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
