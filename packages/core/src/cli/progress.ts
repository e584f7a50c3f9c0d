import type { Output } from "./terminal.js";

/** One line at the bottom of a terminal that tells how much is done. */
export interface Progress {
  /** @param share 0 to 1 */
  show(share: number): void;
  /** Takes the line away, where there is one. */
  clear(): void;
}

const width = 30;

/** `undefined` where the output is no terminal. */
export function progressOn(output: Output): Progress | undefined {
  if (output.isTTY !== true) return undefined;
  let shown = -1;
  return {
    show(share) {
      const percent = Math.floor(Math.min(Math.max(share, 0), 1) * 100);
      if (percent === shown) return;
      shown = percent;
      const done = Math.round((percent / 100) * width);
      output.write(`\r[${"=".repeat(done)}${" ".repeat(width - done)}] ${String(percent).padStart(3)} %`);
    },
    clear() {
      if (shown >= 0) output.write(`\r${" ".repeat(width + 8)}\r`);
      shown = -1;
    },
  };
}
