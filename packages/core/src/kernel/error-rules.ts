import type { Plugin, PluginKernel } from "../plugin.js";
import { ErrorClassifier } from "../resilience/classification/error-classifier.js";

/** Tells the kernel's classifier what a plugin knows about errors, until the plugin has stopped. */
export function addErrorRules({ errorRules = [] }: Plugin, kernel: PluginKernel): void {
  if (errorRules.length === 0) return;
  const classifier = kernel.resolve(ErrorClassifier);
  // What is added last speaks first, and of a list the first.
  for (const rule of errorRules.toReversed()) kernel.onStop(classifier.add(rule));
}
