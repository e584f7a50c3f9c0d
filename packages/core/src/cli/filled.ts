import { InvalidArgumentError } from "commander";

/**
 * The value of an option that names a place or an environment. An empty one, which a script gets from
 * a variable that is not set, would be the current directory, or no environment at all.
 */
export function filled(value: string): string {
  if (value === "") throw new InvalidArgumentError("It is empty: give it a value, or leave it out.");
  return value;
}
