import { resolve } from "node:path";
import type { ConfigReader } from "../../config/reader.js";
import type { ErrorHandlingOptions } from "../../config/sections.js";
import type { ErrorLogOptions } from "./error-log.js";

/** The log that the section `errorHandling` asks for, if it does. */
export function errorLogOf(config: ConfigReader): ErrorLogOptions | undefined {
  const { logFile, maxSize, maxFiles } = config.section<ErrorHandlingOptions>("errorHandling");
  return logFile === undefined ? undefined : { file: resolve(config.cwd, logFile), maxSize, maxFiles };
}
