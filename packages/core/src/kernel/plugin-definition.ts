import { inspect } from "node:util";
import { nearest } from "../config/nearest.js";
import { problemOfSectionName } from "../config/sections.js";
import { PHASES, type Phase } from "../operations/phases.js";
import type { PluginDefinition } from "../plugin.js";
import { errorRuleProblem } from "../resilience/classification/error-rule.js";
import { metricProblem } from "./metrics.js";

/** What each field of a definition must be. */
const fields: {
  readonly [Field in keyof Required<PluginDefinition>]: "string" | "object" | "function" | "list";
} = {
  name: "string",
  section: "string",
  schema: "object",
  dependsOn: "list",
  optionalDependsOn: "list",
  decorators: "list",
  register: "function",
  start: "function",
  reload: "function",
  stop: "function",
  commands: "list",
  healthChecks: "list",
  metrics: "list",
  productionChecks: "list",
  diagnostics: "list",
  secretResolvers: "list",
  errorRules: "list",
};

/** What is wrong with a plugin's definition, as far as it shows without a kernel. */
export function problemOf(
  definition: unknown,
): { readonly message: string; readonly context: { plugin?: string } } | undefined {
  if (typeof definition !== "object" || definition === null) {
    const message = `definePlugin() takes a definition, as in \`definePlugin({ name: "my-plugin" })\`; it was given ${show(definition)}.`;
    return { message, context: {} };
  }
  const { name } = definition as { name?: unknown };
  if (typeof name !== "string" || name.trim() === "") {
    return {
      message: `A plugin needs a \`name\`: a string that is not empty; definePlugin() was given ${show(name)}.`,
      context: {},
    };
  }
  const problem =
    problemOfFields(definition) ??
    problemOfSection(definition) ??
    problemOfDecorators(definition) ??
    problemOfErrorRules(definition) ??
    problemOfMetrics(definition);
  return problem === undefined
    ? undefined
    : { message: `The plugin ${JSON.stringify(name)} ${problem}`, context: { plugin: name } };
}

function problemOfFields(definition: object): string | undefined {
  for (const [key, value] of Object.entries(definition)) {
    if (!Object.hasOwn(fields, key)) {
      const meant = nearest(key, Object.keys(fields));
      return `has an unknown key \`${key}\`. ${meant ? `Did you mean \`${meant}\`?` : `Known are: ${Object.keys(fields).join(", ")}.`}`;
    }
    const wanted = fields[key as keyof typeof fields];
    const fits = wanted === "list" ? Array.isArray(value) : typeof value === wanted && value !== null;
    if (value !== undefined && !fits) return `has \`${key}: ${show(value)}\`; it must be a ${wanted}.`;
  }
  return undefined;
}

function problemOfSection({ section, schema }: Partial<PluginDefinition>): string | undefined {
  if (schema && section === undefined) return "has a `schema` but no `section` that it describes.";
  if (section === undefined) return undefined;
  const problem = problemOfSectionName(section);
  return problem && `has the section ${JSON.stringify(section)}, which ${problem}`;
}

function problemOfErrorRules({ errorRules = [] }: Partial<PluginDefinition>): string | undefined {
  for (const [index, rule] of errorRules.entries()) {
    const problem = errorRuleProblem(rule);
    if (problem) return `has a rule at \`errorRules[${index}]\` that ${problem}`;
  }
  return undefined;
}

function problemOfMetrics({ metrics = [] }: Partial<PluginDefinition>): string | undefined {
  const names = new Set<string>();
  for (const [index, metric] of metrics.entries()) {
    const problem = metricProblem(metric);
    if (problem) return `has a metric at \`metrics[${index}]\` that ${problem}`;
    if (names.has(metric.name)) return `has two metrics called "${metric.name}".`;
    names.add(metric.name);
  }
  return undefined;
}

function problemOfDecorators({ decorators = [] }: Partial<PluginDefinition>): string | undefined {
  const names = new Set<string>();
  for (const [index, decorator] of (decorators as readonly unknown[]).entries()) {
    const advice = (decorator as { advice?: { name?: unknown; parts?: unknown } } | null | undefined)?.advice;
    if (typeof advice?.name !== "string" || !Array.isArray(advice.parts)) {
      return `has ${show(decorator)} at \`decorators[${index}]\`; it must be what \`createMethodDecorator({ ... })\` returns.`;
    }
    if (names.has(advice.name)) return `contributes two decorators called "${advice.name}".`;
    names.add(advice.name);
    const { serves } = advice as { serves?: { sync?: unknown } };
    for (const [place, part] of (advice.parts as unknown[]).entries()) {
      const problem = problemOfPart(part, serves?.sync === true);
      if (problem) return `contributes @${advice.name}, whose \`parts[${place}]\` ${problem}`;
    }
  }
  return undefined;
}

function problemOfPart(part: unknown, sync: boolean): string | undefined {
  const { at, around, after, observe } = (part ?? {}) as Record<string, unknown>;
  if ([around, after, observe].filter((way) => typeof way === "function").length !== 1) {
    return "must have one of the functions `around`, `after` and `observe`.";
  }
  if (after && sync) {
    return "has the function `after`, which waits for a promise, but the advice says `serves: { sync: true }`. Use `around`.";
  }
  if (at === undefined && observe) return undefined;
  const sides = typeof at === "string" ? ["at"] : ["before", "after"];
  const placement = typeof at === "object" && at !== null ? at : { at };
  const [[side, phase] = ["", undefined], ...others] = Object.entries(placement);
  if (others.length === 0 && sides.includes(side) && PHASES.includes(phase as Phase)) return undefined;
  const meant = typeof phase === "string" ? nearest(phase, PHASES) : undefined;
  return (
    `stands \`at: ${show(at)}\`, which is no place. ${meant ? `Did you mean "${meant}"? ` : ""}` +
    `It is one of ${PHASES.join(", ")}, or \`{ before }\` or \`{ after }\` one of them.`
  );
}

function show(value: unknown): string {
  return inspect(value, { depth: 1, breakLength: Infinity }).slice(0, 80);
}
