import { checkSchema } from "../config/schema/schema.js";
import { ConfigurationError } from "../errors/index.js";
import type { Advice } from "../plugin.js";
import { optionsSchema, readOptions } from "./chain.js";
import { decorateClass, decorateLegacyMethod, decorateStandardMethod, type Decoration } from "./decorate.js";
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
    const decoration = readDecoration(advice, given[0]);
    const apply = (target: unknown, context?: unknown, descriptor?: unknown): unknown => {
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

function readDecoration(advice: Advice, given: unknown): Decoration {
  let written = given ?? {};
  if (typeof written !== "object") {
    if (!advice.shorthand)
      throw wrongOptions(advice, [`received ${String(given)}, expected an object of options`]);
    const { issues } = checkSchema(advice.shorthand.schema, given);
    if (issues.length > 0) throw wrongOptions(advice, [issues[0]!.message]);
    written = readOptions(advice, given);
  }
  const { name, only, except, ...options } = written as DecorationOptions & object;
  const { value, issues } = checkSchema<object>(optionsSchema(advice), options);
  if (issues.length > 0) {
    throw wrongOptions(
      advice,
      issues.map(
        ({ path, message, suggestion }) =>
          `${path.join(".") || "options"}: ${message}${suggestion ? ` (did you mean ${suggestion}?)` : ""}`,
      ),
    );
  }
  return { advice, options: value, target: { name, only, except } };
}

function wrongOptions(advice: Advice, problems: readonly string[]): ConfigurationError {
  return new ConfigurationError(`@${advice.name} is given wrong options:\n  ${problems.join("\n  ")}`, {
    code: "MLMCP_ADVICE_OPTIONS",
    context: { decorator: advice.name, problems },
  });
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
