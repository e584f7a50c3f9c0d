/** A place in a module that has been loaded. */
export interface SourceLocation {
  /** As the runtime names it: a `file:` URL for ES modules, else a path. Without a query. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Modules that compilers import their helpers from. */
const HELPER_FILES =
  /[\\/]node_modules[\\/](?:tslib|reflect-metadata|@swc[\\/]helpers|@babel[\\/]runtime|@oxc-project[\\/]runtime)[\\/]/;

/** The helpers themselves, where compilers write them into the module. */
const HELPER_NAMES =
  /^(?:_{0,2}(?:ts_)?(?:es)?decorate\w*|_?apply_?decs\w*|__runInitializers|Reflect\.decorate|DecorateProperty)$/i;

/**
 * Where the code stands that called `below`: the class whose decorators are being applied. What
 * compilers put between a decorator and its class is passed over.
 */
export function callerLocation(below: (...args: never[]) => unknown): SourceLocation | undefined {
  for (const site of callSites(below)) {
    const file = (site.getFileName() ?? site.getScriptNameOrSourceURL() ?? "").replace(/\?.*$/, "");
    if (file === "" || HELPER_FILES.test(file) || HELPER_NAMES.test(site.getFunctionName() ?? "")) continue;
    return { file, line: site.getLineNumber() ?? 0, column: site.getColumnNumber() ?? 0 };
  }
  return undefined;
}

function callSites(below: (...args: never[]) => unknown): NodeJS.CallSite[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: NodeJS.CallSite[] } = {};
  try {
    Error.stackTraceLimit = 8;
    Error.prepareStackTrace = (_, sites) => sites;
    Error.captureStackTrace(holder, below);
    return holder.stack ?? [];
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}
