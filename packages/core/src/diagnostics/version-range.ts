type Version = readonly [major: number, minor: number, patch: number];

/**
 * Whether a version is within a range as `peerDependencies` have it: comparators, `^`, `~`, partial
 * versions and `||`. Pre-release tags do not count. `undefined` for what is written in another way,
 * such as a tag or a URL.
 */
export function satisfies(version: string, range: string): boolean | undefined {
  const actual = readVersion(version);
  if (actual === undefined) return undefined;
  const alternatives = range
    .replace(/^workspace:/, "")
    .split("||")
    .map((set) => allHold(actual, set.trim()));
  if (alternatives.includes(true)) return true;
  return alternatives.includes(undefined) ? undefined : false;
}

function allHold(actual: Version, set: string): boolean | undefined {
  const comparators = set
    .replaceAll(/(\S+)\s+-\s+(\S+)/g, ">=$1 <=$2")
    .replaceAll(/([<>=^~])\s+/g, "$1")
    .split(/\s+/)
    .filter((part) => part !== "");
  const held = comparators.map((comparator) => holds(actual, comparator));
  if (held.includes(undefined)) return undefined;
  return !held.includes(false);
}

function holds(actual: Version, comparator: string): boolean | undefined {
  const [, operator = "", text = ""] = /^(>=|<=|>|<|=|\^|~)?v?(.+)$/.exec(comparator) ?? [];
  const parts = text
    .split(/[-+]/)[0]!
    .split(".")
    .map((part) => (/^[x*]$/i.test(part) ? undefined : /^\d+$/.test(part) ? Number(part) : NaN));
  if (parts.length > 3 || parts.some((part) => part !== undefined && !Number.isInteger(part)))
    return undefined;
  const given = parts.indexOf(undefined) === -1 ? parts.length : parts.indexOf(undefined);
  const lowest = [0, 1, 2].map((at) => (at < given ? parts[at]! : 0)) as unknown as Version;
  // The first version beyond what the text stands for: 1.3.0 for `1.2`.
  const beyond = given === 0 ? undefined : next(lowest, given - 1);
  switch (operator) {
    case ">=":
      return compare(actual, lowest) >= 0;
    case ">":
      return given === 3 ? compare(actual, lowest) > 0 : beyond !== undefined && compare(actual, beyond) >= 0;
    case "<":
      return compare(actual, lowest) < 0;
    case "<=":
      return given === 3 ? compare(actual, lowest) <= 0 : beyond === undefined || compare(actual, beyond) < 0;
    case "^":
      return within(actual, lowest, given === 0 ? undefined : next(lowest, firstFixed(lowest, given)));
    case "~":
      return within(actual, lowest, given === 0 ? undefined : next(lowest, Math.min(1, given - 1)));
    default:
      return within(actual, lowest, beyond);
  }
}

/** What `^` keeps: the first part that is not 0, of those that are written. */
function firstFixed(version: Version, given: number): number {
  const index = version.findIndex((part) => part > 0);
  return Math.min(index === -1 ? given - 1 : index, given - 1);
}

function within(actual: Version, from: Version, before: Version | undefined): boolean {
  return compare(actual, from) >= 0 && (before === undefined || compare(actual, before) < 0);
}

function next(version: Version, index: number): Version {
  return version.map((part, at) => (at < index ? part : at === index ? part + 1 : 0)) as unknown as Version;
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

function readVersion(text: string): Version | undefined {
  const found = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3])] : undefined;
}
