import { defineConfig } from "tsup";
import { application, withoutKeptNames } from "../tsup.config.base.js";

// As the libraries are built: what is measured beside them must not pay for kept names either.
export default defineConfig({ ...application(), esbuildPlugins: [withoutKeptNames] });
