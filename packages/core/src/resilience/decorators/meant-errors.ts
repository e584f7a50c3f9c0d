import type { Binding } from "../../plugin.js";
import { isCancellation, isProgrammingError } from "../classify.js";
import { ErrorClassifier } from "../classification/error-classifier.js";
import { errorMatcher, type ErrorConditions } from "../classification/error-condition.js";

/** Which errors `when` means; by default those that do not speak of the call itself. */
export function errorsMeant(
  when: ErrorConditions | undefined,
  binding: Binding,
): (error: unknown) => boolean {
  const classifier = binding.resolve(ErrorClassifier);
  const classify = (error: unknown) => classifier.classify(error);
  if (when !== undefined) return errorMatcher(when, classify);
  return (error) => {
    if (isProgrammingError(error) || isCancellation(error, false)) return false;
    const kind = classify(error);
    return kind !== "validation" && kind !== "cancelled";
  };
}
