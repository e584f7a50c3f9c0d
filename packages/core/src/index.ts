import "./polyfill.js";

export * from "./config/index.js";
export * from "./errors/index.js";
export * from "./kernel/index.js";
export * from "./operations/index.js";
export * from "./plugin.js";
export * from "./resilience/index.js";
