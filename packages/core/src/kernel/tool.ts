/**
 * A service of kernels that a tool runs for itself, as `mlmcp` does for one command. What an
 * application has done at its start is not done there: ask `kernel.services.has(TOOL)`. The same
 * in every copy of this package.
 */
export const TOOL: unique symbol = Symbol.for("@mlmcp/core/tool");
