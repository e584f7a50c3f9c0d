import type { Binding } from "../../plugin.js";
import { isCancellation, isProgrammingError } from "../classification/classify.js";
import { ErrorClassifier } from "../classification/error-classifier.js";
import { errorMatcher, type ErrorConditions } from "../classification/error-condition.js";

/**
 * Which errors `when` means; by default those that do not speak of the call itself. Where `when`
 * fails that is reported, and the error is not meant: the caller gets it as it was thrown.
 */
export function errorsMeant(
  when: ErrorConditions | undefined,
  binding: Binding,
): (error: unknown) => boolean {
  const classifier = binding.resolve(ErrorClassifier);
  const classify = (error: unknown) => classifier.classify(error);
  if (when !== undefined) {
    const isMeant = errorMatcher(when, classify);
    const failed = binding.event("advice:failed");
    return (error) => {
      try {
        return isMeant(error);
      } catch (failure) {
        failed.publish({ advice: "degrade", error: failure });
        return false;
      }
    };
  }
  return (error) => {
    if (isProgrammingError(error) || isCancellation(error, false)) return false;
    const kind = classify(error);
    return kind !== "validation" && kind !== "cancelled";
  };
}
