import "reflect-metadata";

// Compilers look it up while a class is defined; Node has none yet.
(Symbol as { metadata: symbol }).metadata ??= Symbol.for("Symbol.metadata");
