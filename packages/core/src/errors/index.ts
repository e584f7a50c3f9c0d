export * from "./kinds.js";
export * from "./mlmcp-error.js";
