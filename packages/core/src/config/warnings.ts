const given = new Set<string>();

/** Emits a process warning the first time: the same sources are read again at each reload and for each kernel. */
export function warnOnce(code: `MLMCP_${string}`, message: string): void {
  if (given.has(message)) return;
  given.add(message);
  process.emitWarning(message, { code });
}
