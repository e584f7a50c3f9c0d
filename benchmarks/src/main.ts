import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cases } from "./cases/index.js";
import type { Case } from "./harness/case.js";
import { serve } from "./harness/child.js";
import { observeEnvironment } from "./harness/environment.js";
import { budgetTable, caseSection, reportOf, studySection, type Results } from "./harness/report.js";
import { runCase, type CaseResult, type Plan } from "./harness/run-case.js";
import { runStudy, type StudyResult } from "./harness/study.js";
import { studies } from "./studies/index.js";

const USAGE = `pnpm bench [--only <case>] [--quick] [--json]

  --only <case>  only cases and studies whose name begins so; may be given several times
  --quick        fewer and shorter rounds: shows that all works, not how fast it is
  --json         the results as JSON on standard output

A full run writes benchmarks/RESULTS.md. Cases: ${Object.keys(cases).join(", ")}.
Studies, which count instead: ${Object.keys(studies).join(", ")}`;

const FULL: Plan = { starts: 3, coldStarts: 25, rounds: 150, batchMs: 4, warmUpMs: 300 };
const QUICK: Plan = { starts: 1, coldStarts: 3, rounds: 15, batchMs: 2, warmUpMs: 50 };

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
    // What a measuring process is started with.
    measure: { type: "string" },
    contender: { type: "string", multiple: true, default: [] },
  },
});

if (options.measure !== undefined) await serve(await load(options.measure), options.contender);
else if (options.help) console.log(USAGE);
else await run();

async function run(): Promise<void> {
  const names = selected(options.only);
  const plan = options.quick ? QUICK : FULL;
  const environment = observeEnvironment();
  const results: CaseResult[] = [];
  const counted: StudyResult[] = [];
  for (const name of names.filter((each) => each in cases)) {
    process.stderr.write(`${name} …\n`);
    const result = await runCase(await load(name), plan, fileURLToPath(import.meta.url));
    results.push(result);
    if (options.json) continue;
    console.log(`\n## ${name}\n\n${caseSection(result)}\n`);
    if (result.budgets.length > 0) console.log(`${budgetTable(result.budgets)}\n`);
  }
  for (const name of names.filter((each) => each in studies)) {
    process.stderr.write(`${name} …\n`);
    const result = await runStudy((await studies[name as keyof typeof studies]()).default);
    counted.push(result);
    if (!options.json) console.log(`\n## ${name}\n\n${studySection(result)}\n`);
  }
  const all: Results = { environment: environment(), plan, cases: results, studies: counted };
  if (options.json) console.log(JSON.stringify(all, null, 2));
  if (options.quick || options.only) return;
  writeFileSync(new URL("../RESULTS.md", import.meta.url), reportOf(all));
  process.stderr.write("Written to benchmarks/RESULTS.md.\n");
}

/** The cases and studies whose names begin so. */
function selected(beginnings: readonly string[] = [""]): string[] {
  const known = [...Object.keys(cases), ...Object.keys(studies)];
  const unknown = beginnings.find((beginning) => !known.some((name) => name.startsWith(beginning)));
  if (unknown !== undefined) {
    console.error(`--only ${unknown}: there is no such case. Known are: ${known.join(", ")}.`);
    process.exit(2);
  }
  return known.filter((name) => beginnings.some((beginning) => name.startsWith(beginning)));
}

async function load(name: string): Promise<Case> {
  const module = await cases[name as keyof typeof cases]();
  return module.default;
}
