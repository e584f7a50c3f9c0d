import { defineConfig, type Options } from "tsup";
import { application } from "../tsup.config.base.js";

/**
 * Where decorators have metadata, tsup has esbuild keep the names of functions, by a call for
 * each function that is made. It would be measured in every contender that makes one in a call.
 */
const withoutKeptNames: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "without-kept-names",
  setup({ initialOptions }) {
    initialOptions.keepNames = false;
  },
};

export default defineConfig({ ...application(), esbuildPlugins: [withoutKeptNames] });
