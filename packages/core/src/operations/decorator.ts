import { describeIssues } from "../config/problems.js";
import { checkSchema, type SchemaIssue } from "../config/schema/schema.js";
import { ConfigurationError } from "../errors/index.js";
import type { Advice } from "../plugin.js";
import { optionsSchema, readOptions, secretPlaces } from "./chain.js";
import {
  decorateClass,
  decorateLegacyMethod,
  decorateStandardMethod,
  memberName,
  type Decoration,
} from "./decorate.js";
import { describeName } from "./operation.js";
import type { DecorationOptions, MethodDecorator, OperationDecorator } from "./decorator-types.js";

/**
 * Makes a decorator of an advice: one function for methods and classes, legacy and standard
 * decorators. See the example at the head of `plugin.ts`.
 *
 * Methods that it cannot serve are a compile-time error: without `serves.sync` the method must
 * return a promise, with `serves.streams` it may also return an async iterable.
 */
export function createMethodDecorator<Options extends object = object, Shorthand = never>(
  advice: Advice<Options, Shorthand> & { readonly serves: { readonly sync: true } },
): MethodDecorator<Options, Shorthand, unknown>;
export function createMethodDecorator<Options extends object = object, Shorthand = never>(
  advice: Advice<Options, Shorthand> & { readonly serves: { readonly streams: true } },
): MethodDecorator<Options, Shorthand, PromiseLike<unknown> | AsyncIterable<unknown>>;
export function createMethodDecorator<Options extends object = object, Shorthand = never>(
  advice: Advice<Options, Shorthand>,
): MethodDecorator<Options, Shorthand, PromiseLike<unknown>>;
export function createMethodDecorator<Options extends object, Shorthand>(
  advice: Advice<Options, Shorthand>,
): MethodDecorator<Options, Shorthand, any> {
  const decorator = (...given: unknown[]): OperationDecorator<any> => {
    refuseBareUse(advice, given);
    const { decoration, problems } = readDecoration(advice, given[0]);
    const apply = (target: unknown, context?: unknown, descriptor?: unknown): unknown => {
      // Only here it is known what is decorated.
      if (problems.length > 0) throw wrongOptions(advice, describeSubject(target, context), problems);
      if (isStandardContext(context)) {
        return context.kind === "class"
          ? decorateClass(decoration, target, apply, context.metadata)
          : decorateStandardMethod(decoration, target, context, apply);
      }
      if (context === undefined) return decorateClass(decoration, target, apply);
      return decorateLegacyMethod(
        decoration,
        target as object,
        context as string | symbol,
        descriptor,
        apply,
      );
    };
    return apply as OperationDecorator<any>;
  };
  return Object.assign(decorator, { advice });
}

/** What stands in the decorator's parentheses, and what is wrong with it. */
function readDecoration(
  advice: Advice,
  given: unknown,
): { readonly decoration: Decoration; readonly problems: readonly string[] } {
  const issues = wrongShorthand(advice, given);
  const written = issues.length > 0 ? {} : readOptions(advice, given ?? {});
  const { name, only, except, ...options } = written as DecorationOptions & object;
  const checked = checkSchema<object>(optionsSchema(advice), options, { of: `@${advice.name}` });
  return {
    decoration: { advice, options: checked.value, target: { name, only, except } },
    problems: describeIssues(issues.length > 0 ? issues : checked.issues, secretPlaces(advice)),
  };
}

function wrongShorthand(advice: Advice, given: unknown): readonly SchemaIssue[] {
  if (given === undefined || typeof given === "object") return [];
  if (!advice.shorthand) return [{ path: [], message: "expected an object of options", received: given }];
  return checkSchema(advice.shorthand.schema, given, { of: `@${advice.name}` }).issues.slice(0, 1);
}

function wrongOptions(advice: Advice, subject: string, problems: readonly string[]): ConfigurationError {
  return new ConfigurationError(
    `@${advice.name} on ${subject} is given wrong options:\n  ${problems.join("\n  ")}`,
    { code: "MLMCP_ADVICE_OPTIONS", context: { decorator: advice.name, subject, problems } },
  );
}

/** What is decorated, as far as the decorator is told: a standard one does not hear of the class. */
function describeSubject(target: unknown, context: unknown): string {
  if (isStandardContext(context)) {
    const name = context.name === undefined ? "without a name" : describeName(context.name);
    return `the ${"static" in context && context.static ? "static " : ""}${context.kind} ${name}`;
  }
  if (context !== undefined) return memberName(target as object, context as string | symbol);
  return typeof target === "function" ? `the class ${target.name || "without a name"}` : String(target);
}

/** `@retry` without parentheses would silently replace the method by a decorator. */
function refuseBareUse(advice: Advice, given: readonly unknown[]): void {
  const [first, second] = given;
  if (typeof first !== "function" && given.length < 2) return;
  if (typeof first !== "function" && typeof second !== "string" && typeof second !== "symbol") return;
  throw new ConfigurationError(`@${advice.name} was used without parentheses. Write \`@${advice.name}()\`.`, {
    code: "MLMCP_DECORATION",
    context: { decorator: advice.name },
  });
}

function isStandardContext(value: unknown): value is ClassMethodDecoratorContext | ClassDecoratorContext {
  return typeof value === "object" && value !== null && "kind" in value && "addInitializer" in value;
}
