type WarningCode = `MLMCP_${string}`;

const given = new Set<string>();
let heldBack: readonly WarningCode[] = [];

/** Emits a process warning the first time: the same sources are read again at each reload and for each kernel. */
export function warnOnce(code: WarningCode, message: string): void {
  if (heldBack.includes(code) || given.has(message)) return;
  given.add(message);
  process.emitWarning(message, { code });
}

/**
 * Holds warnings of these codes back while something runs that tells of the same in its own words.
 * For the command line, where one thing runs at a time: what is warned of elsewhere meanwhile is
 * held back, too.
 */
export async function withoutWarnings<Result>(
  codes: readonly WarningCode[],
  run: () => Promise<Result>,
): Promise<Result> {
  const before = heldBack;
  heldBack = codes;
  try {
    return await run();
  } finally {
    heldBack = before;
  }
}
