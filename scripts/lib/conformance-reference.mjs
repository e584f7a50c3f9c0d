import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { startVitest } from "vitest/node";

/** Where the tests are, and what of the other suites has no test and why. */
const folder = "packages/core/test/resilience";

const modes = { legacy: "legacy", standard: "TC39" };

/**
 * The reference of what other libraries' suites ask and our tests show: runs those tests.
 *
 * A test belongs to a source where its title, or that of a `describe` around it, begins with the
 * source's name: `cockatiel: queues calls`, or with several: `MicroProfile FT, p-retry: …`.
 *
 * @param {string} root the repository
 * @returns {Promise<string>} Markdown
 */
export async function conformanceReference(root) {
  const { sources } = JSON.parse(readFileSync(join(root, folder, "conformance.json"), "utf8"));
  const names = sources.map(({ name }) => name);
  const tests = await runTests(root, testFiles(root, names));
  const rows = rowsOf(tests, names);
  return [
    "# Conformance",
    "",
    "<!-- Generated from a run of the tests by `pnpm docs:conformance`. Do not edit. -->",
    "",
    "What the test suites of other libraries ask of retries, breakers, timeouts, bulkheads and fallbacks, and the tests",
    "of ours that show it. They were written anew; the titles are ours, with the source's words for its own options.",
    "Each runs under fake timers, in both decorator modes: `experimentalDecorators` (legacy) and TC39.",
    "",
    "| source | behaviours | pass | left out |",
    "| --- | ---: | ---: | ---: |",
    ...sources.map((source) => {
      const own = rows.filter((row) => row.source === source.name);
      const passed = own.filter(({ passes }) => passes).length;
      return cells(`[${source.name}](#${anchorOf(source.title)})`, own.length, passed, source.leftOut.length);
    }),
    "",
    ...sources.flatMap((source) =>
      section(
        source,
        rows.filter((row) => row.source === source.name),
      ),
    ),
    ...[...new Set(rows.map(({ file }) => file))].map((file) => `[${nameOf(file)}]: ../../${file}`),
    "",
  ].join("\n");
}

function section({ name, title, url, read, leftOut }, rows) {
  return [
    `## ${title}`,
    "",
    `[${url.replace("https://", "")}](${url}), ${read}. In titles of tests: \`${name}\`.`,
    "",
    "| behaviour | test | modes | passes |",
    "| --- | --- | --- | --- |",
    ...rows.map(({ behaviour, file, projects, passes }) =>
      cells(
        behaviour,
        `[${nameOf(file)}]`,
        projects.map((project) => modes[project]).join(", "),
        passes ? "yes" : "no",
      ),
    ),
    "",
    ...(leftOut.length > 0
      ? [
          "Left out, or other on purpose:",
          "",
          "| behaviour | why |",
          "| --- | --- |",
          ...leftOut.map(({ behaviour, why }) => cells(behaviour, why)),
          "",
        ]
      : []),
  ];
}

/** @returns files that name a source, by their paths within the repository */
function testFiles(root, names) {
  return readdirSync(join(root, folder), { recursive: true })
    .filter((file) => file.endsWith(".modes.test.ts"))
    .map((file) => join(folder, file))
    .filter((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return names.some((name) => text.includes(name));
    })
    .sort();
}

/** Runs the files in both modes: `{ project, file, titles, passed }` of each test. */
async function runTests(root, files) {
  const before = process.exitCode;
  const vitest = await startVitest("test", files, {
    root,
    watch: false,
    project: Object.keys(modes),
    reporters: [{}],
    silent: true,
  });
  const modules = vitest.state.getTestModules();
  const errors = [...vitest.state.getUnhandledErrors(), ...modules.flatMap((module) => module.errors())];
  const tests = modules.flatMap((module) =>
    [...module.children.allTests()].map((test) => ({
      project: module.project.name,
      file: relative(root, module.moduleId),
      titles: titlesOf(test),
      passed: test.result().state === "passed",
    })),
  );
  await vitest.close();
  // A failed test is a row that says so.
  process.exitCode = before;
  if (errors.length > 0) throw new AggregateError(errors, "The tests could not be run.");
  return tests;
}

function titlesOf(test) {
  const titles = [];
  for (let node = test; node.type !== "module"; node = node.parent) titles.unshift(node.name);
  return titles;
}

/** One for each source and behaviour, whatever the modes that it was seen in. */
function rowsOf(tests, names) {
  const rows = new Map();
  const order = (test) => `${test.file} ${Object.keys(modes).indexOf(test.project)}`;
  for (const test of tests.toSorted((one, other) => order(one).localeCompare(order(other)))) {
    const { sources, behaviour } = attribute(test.titles, names);
    for (const source of sources) {
      const key = JSON.stringify([source, test.file, behaviour]);
      const row = rows.get(key) ?? { source, behaviour, file: test.file, projects: [], passes: true };
      row.projects.push(test.project);
      row.passes &&= test.passed;
      rows.set(key, row);
    }
  }
  return [...rows.values()];
}

/** The sources that the outermost title to name some does, and what follows their names. */
function attribute(titles, names) {
  for (const [index, title] of titles.entries()) {
    const [, prefix = "", rest] = /^([^:]+): (.*)$/s.exec(title) ?? [];
    const sources = prefix.split(", ");
    if (sources.every((source) => names.includes(source)))
      return { sources, behaviour: [rest, ...titles.slice(index + 1)].join(": ") };
  }
  return { sources: [] };
}

function nameOf(file) {
  return file.split("/").at(-1).split(".")[0];
}

function anchorOf(title) {
  return title
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, "")
    .replaceAll(" ", "-");
}

/** A line of a table. */
function cells(...texts) {
  return `| ${texts
    .map((cell) =>
      String(cell)
        .replaceAll("|", "\\|")
        .replaceAll(/\s*\n\s*/g, " "),
    )
    .join(" | ")} |`;
}
