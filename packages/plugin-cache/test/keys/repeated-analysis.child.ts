// One life of a service that analyses a large file; tells how the call went.
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { createKernel } from "@mlmcp/core";
import { cached, cachePlugin } from "@mlmcp/plugin-cache";

const [, , store, path] = process.argv as [string, string, string, string];

let opened = 0;
const { open } = fs;
fs.open = (...args) => {
  if (args[0] === path) opened++;
  return open(...args);
};
syncBuiltinESMExports();

class Analyses {
  ran = 0;
  @cached({ files: (file: string) => file })
  async analyse(file: string): Promise<Map<number, number>> {
    this.ran++;
    const counts = new Map<number, number>();
    for (let round = 0; round < 3; round++) {
      for (const byte of await fs.readFile(file)) counts.set(byte, (counts.get(byte) ?? 0) + 1);
    }
    return counts;
  }
}

await using kernel = await createKernel({
  plugins: [cachePlugin],
  config: { cache: { store } },
  configFile: false,
});
const analyses = kernel.adopt(new Analyses());
const begun = performance.now();
const counts = await analyses.analyse(path);
const ms = performance.now() - begun;
const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
process.stdout.write(JSON.stringify({ ran: analyses.ran, opened, total, ms }));
