import type { Command } from "@mlmcp/core";
import type { Advice } from "../advice/advice.js";
import { CacheManager } from "../cache-manager.js";
import { printable } from "./printable.js";
import { storeOf } from "./store-access.js";

export const optimize: Command = {
  name: "cache optimize",
  description: "What is worth a change, by what all processes on the store measured within a day.",
  async run({ kernel }) {
    await storeOf(kernel);
    return kernel.resolve(CacheManager).optimize({ scope: "shared" });
  },
  present: (advice: readonly Advice[]) =>
    advice.length === 0 ? "Nothing that was measured calls for a change." : advice.map(toText).join("\n\n"),
};

function toText({ rule, operation, measured, gain, mend, setting, value }: Advice): string {
  const lines = [
    operation === undefined ? rule : `${rule}  ${operation}`,
    `  measured: ${measured}`,
    ...(gain === undefined ? [] : [`  gain:     ${gain}`]),
    `  mend:     ${mend}`,
  ];
  if (setting !== undefined)
    lines.push(`  setting:  ${setting}${value === undefined ? "" : `: ${JSON.stringify(value)}`}`);
  return lines.map(printable).join("\n");
}
