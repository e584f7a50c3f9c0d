import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";

const example = fileURLToPath(new URL("..", import.meta.url));
const main = `${example}dist/main.js`;

beforeAll(() => {
  if (!existsSync(main)) throw new Error(`${main} is missing: run \`npm run build\` first.`);
});

const start = async (env: NodeJS.ProcessEnv = {}) => {
  const { stdout } = await promisify(execFile)(process.execPath, [main], {
    cwd: example,
    env: { ...process.env, ...env },
  });
  return stdout.split("\n");
};

describe("the quick start", () => {
  it("retries, caches, refuses and measures", async () => {
    const [first, second, third, head, row] = await start();
    expect([first, second]).toEqual(["Oslo: 21 °C", "Oslo: 21 °C"]);
    expect(third).toMatch(
      /^Weather\.today was called with arguments that are not valid: .*fewer than 2 characters/,
    );
    expect(head).toMatch(/^operation +calls +errors +cached +retried +degraded +p50/);
    expect(row).toMatch(/^Weather\.today +3 +1 +1 +2 +0 /);
  });

  it("is tuned without touching the code", async () => {
    const [first, , , , row] = await start({
      MLMCP_PERFORMANCE_ENABLE_CACHING: "false",
      MLMCP_ERROR_HANDLING_MAX_RETRIES: "0",
    });
    expect(first).toBe("Oslo: 21 °C");
    expect(row).toMatch(/^Weather\.today +3 +1 +0 /);
  });

  it("is the one that the README shows", () => {
    const readme = readFileSync(fileURLToPath(new URL("../../../README.md", import.meta.url)), "utf8");
    expect(readme).toContain(`\`\`\`ts\n${readFileSync(`${example}src/main.ts`, "utf8")}\`\`\``);
    expect(readme).toContain(`\`\`\`yaml\n${readFileSync(`${example}.mlmcprc.yaml`, "utf8")}\`\`\``);
  });
});
