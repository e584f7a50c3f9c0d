import { defineConfig } from "tsup";
import { application } from "../tsup.config.base.js";

export default defineConfig(application());
