import { definePlugin, type PluginKernel } from "@mlmcp/core";
import { validated } from "./decorators/validated.js";
import { InputValidator } from "./input-validator.js";
import { validationSectionSchema, type ValidationSection } from "./options.js";
import { enforced } from "./production-check.js";

/** `@validated` and `InputValidator`. Importing `@validated` is enough for it to be loaded. */
export const validatePlugin = definePlugin({
  name: "@mlmcp/plugin-validate",
  section: "validation",
  schema: validationSectionSchema,
  decorators: [validated],
  register(kernel) {
    kernel.services.value(InputValidator, new InputValidator());
  },
  start: configure,
  reload: configure,
  productionChecks: [enforced],
});

export default validatePlugin;

function configure(kernel: PluginKernel): void {
  const { strictMode } = kernel.config.section<ValidationSection>("validation");
  kernel.resolve(InputValidator).useStrictMode(strictMode);
}
