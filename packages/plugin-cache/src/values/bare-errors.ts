/** An error of a standard class, without anything of its own yet. */
export function bareError(className: string): Error {
  const error = className === "AggregateError" ? new AggregateError([]) : new (standardError(className))();
  for (const key of Object.getOwnPropertyNames(error)) Reflect.deleteProperty(error, key);
  return error;
}

function standardError(className: string): ErrorConstructor {
  return Object.hasOwn(errors, className) ? errors[className as keyof typeof errors] : Error;
}

const errors = { TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError };

/** An error of an application's class, without anything of its own yet. */
export function errorOf(prototype: object): Error {
  return Object.setPrototypeOf(bareError("Error"), prototype) as Error;
}
