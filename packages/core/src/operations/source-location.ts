/** A place in a module that has been loaded. */
export interface SourceLocation {
  /** As the runtime names it: a `file:` URL for ES modules, else a path. Without a query. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Functions that compilers put between a decorator and the class. */
const HELPERS = /[\\/]node_modules[\\/](?:tslib|reflect-metadata|@swc[\\/]helpers|@babel[\\/]runtime|@oxc-project[\\/]runtime)[\\/]/;

/**
 * Where the code stands that called `below`: the module, and in it the outermost frame, since
 * compilers that inline their helpers put those nearer.
 */
export function callerLocation(below: (...args: never[]) => unknown): SourceLocation | undefined {
  const frames = callSites(below)
    .map((site) => ({
      file: (site.getFileName() ?? site.getScriptNameOrSourceURL() ?? "").replace(/\?.*$/, ""),
      line: site.getLineNumber() ?? 0,
      column: site.getColumnNumber() ?? 0,
    }))
    .filter(({ file }) => file !== "" && !HELPERS.test(file));
  const nearest = frames[0];
  if (!nearest) return undefined;
  const beyond = frames.findIndex(({ file }) => file !== nearest.file);
  return frames[(beyond < 0 ? frames.length : beyond) - 1];
}

function callSites(below: (...args: never[]) => unknown): NodeJS.CallSite[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: NodeJS.CallSite[] } = {};
  try {
    Error.stackTraceLimit = 16;
    Error.prepareStackTrace = (_, sites) => sites;
    Error.captureStackTrace(holder, below);
    return holder.stack ?? [];
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}
