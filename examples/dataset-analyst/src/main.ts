#!/usr/bin/env node
import { join, resolve } from "node:path";
import { createKernel, isMlmcpError } from "@mlmcp/core";
import memoryPlugin from "@mlmcp/plugin-memory";
import { PerformanceMonitor } from "@mlmcp/plugin-monitor";
import { Analysis } from "./analysis.js";
import { readCommandLine, usage, type CommandLine } from "./command-line.js";
import { drillPlugin } from "./drill.js";
import { MODELS_DIRECTORY } from "./models.js";
import { Progress } from "./progress.js";
import { formatReport } from "./report.js";

/** Answers whether every step held. */
async function run({ data, config, json }: CommandLine): Promise<boolean> {
  const home = join(import.meta.dirname, "..");
  await using kernel = await createKernel({
    cwd: home,
    configFile: config && resolve(config),
    plugins: [memoryPlugin, drillPlugin],
    handleSignals: true,
  });
  kernel.services.value(MODELS_DIRECTORY, join(kernel.config.cwd, ".mlmcp/models"));
  const result = await new Analysis(kernel, data, new Progress(process.stderr)).run();
  console.log(
    json
      ? JSON.stringify(result, writable, 2)
      : formatReport(result, kernel.resolve(PerformanceMonitor).summaryTable()),
  );
  return result.held;
}

/** Integers beyond 2^53 as texts. */
function writable(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function explain(error: unknown, debug: boolean): string {
  if (debug || !(error instanceof Error)) return String(error instanceof Error ? error.stack : error);
  const suggestions = isMlmcpError(error)
    ? error.suggestions.filter((text) => !error.message.includes(text))
    : [];
  return [`Error: ${error.message}`, ...suggestions.map((text) => `  - ${text}`)].join("\n");
}

try {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine.help) console.log(usage);
  else process.exitCode = (await run(commandLine)) ? 0 : 1;
} catch (error) {
  console.error(explain(error, process.argv.includes("--debug")));
  process.exitCode = 1;
}
