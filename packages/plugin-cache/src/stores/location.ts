/** A store on a server. */
export interface Location {
  /** For messages and reports: no credentials, no parameters. */
  readonly name: string;
  /** What its client is given, under the scheme that it knows. */
  readonly url: string;
  readonly kind: "redis" | "postgres";
}

/** The schemes of servers, and what their clients call them. */
const schemes: Readonly<Record<string, string>> = {
  "redis:": "redis:",
  "rediss:": "rediss:",
  "valkey:": "redis:",
  "valkeys:": "rediss:",
  "postgres:": "postgres:",
  "postgresql:": "postgres:",
};

/** Where the server is that a URL names; `undefined` for URLs of other stores. */
export function locate(setting: string): Location | undefined {
  const scheme = schemeOf(setting);
  const known = schemes[scheme];
  if (known === undefined) return undefined;
  const url = known + setting.slice(scheme.length);
  const { host, pathname } = new URL(url);
  const path = pathname === "/" ? "" : pathname;
  return { name: `${scheme}//${host}${path}`, url, kind: kindOf(known) };
}

/** What tells a server, and the place on it, from others: of Postgres the user and the parameters may. No password does. */
export function placeOf(setting: string): string {
  const location = locate(setting);
  if (location?.kind !== "postgres") return location?.name ?? setting;
  const url = new URL(location.url);
  url.password = "";
  return url.href;
}

/**
 * What is wrong with the URL of a server, the rest of a sentence; nothing for those of other stores.
 * It is read strictly: a password that is not percent-encoded would make a host, a path or a parameter
 * of its tail, which messages show. So nothing of it is in the answer.
 */
export function problemOfUrl(setting: unknown): string | undefined {
  const scheme = typeof setting === "string" ? schemeOf(setting) : "";
  const known = schemes[scheme];
  if (known === undefined) return undefined;
  const rest = (setting as string).slice(scheme.length);
  const problem = problemOf(rest, kindOf(known)) ?? (URL.canParse(known + rest) ? undefined : "is no URL");
  return (
    problem &&
    `begins with "${scheme}" and ${problem}. Write it as ${scheme}//user:password@host:port/database, each part of user and password percent-encoded (encodeURIComponent)`
  );
}

function schemeOf(setting: string): string {
  return setting.slice(0, setting.indexOf(":") + 1);
}

function kindOf(scheme: string): Location["kind"] {
  return scheme === "postgres:" ? "postgres" : "redis";
}

/** User and password, host and port, path, parameters; nothing for what has a sign that divides too much. */
const parts = /^\/\/(?:([^@/?#]*)@)?([^@/?#]*)(\/[^@/?#]*)?(?:\?[^@#]*)?$/;

const hosts = {
  redis: /^(?:[\w.-]*|\[[\da-f:.]+\])(?::\d{1,5})?$/i,
  // The directory of a socket may stand in place of a host.
  postgres: /^(?:(?:[\w.-]|%[\da-f]{2})*|\[[\da-f:.]+\])(?::\d{1,5})?$/i,
};

/** What is wrong with what follows the scheme, without a word of it. */
function problemOf(rest: string, kind: Location["kind"]): string | undefined {
  if (!rest.startsWith("//")) return "has no // behind it";
  // `new URL` would leave some of them out.
  if (/[\s\p{Cc}\\]/u.test(rest)) return "has a space, a line break or a backslash in it";
  const [, , host, path = ""] = parts.exec(rest) ?? [];
  if (host === undefined) return "has an @, /, ? or # where none can stand";
  if (!isEncoded(rest)) return "has a % that no encoded character follows";
  if (!hosts[kind].test(host)) return "has a host or a port that cannot be one";
  if (kind === "redis" && !/^(?:\/\d*)?$/.test(path))
    return "has something else than the number of a database behind the host";
  return undefined;
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
