import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";

/**
 * The reference of all errors, read from the sources: the kinds with what their doc comments say,
 * and every place that makes one, by code.
 *
 * @param {string} root the repository
 * @returns {string} Markdown
 */
export function errorsReference(root) {
  const kinds = readKinds(join(root, "packages/core/src/errors/kinds.ts"));
  const files = sourceFiles(root);
  const makers = readMakers(files, kinds);
  const uses = files.flatMap((file) => readUses(file, kinds, makers, root));
  const warnings = files.flatMap((file) => readWarnings(file, root));
  return [
    "# Errors",
    "",
    "<!-- Generated from the sources by `pnpm docs:errors`. Do not edit. -->",
    "",
    "Every error that the framework itself throws is an `MlmcpError`: it has a stable `code`, a `cause`, a typed",
    "`context`, `suggestions`, and says whether the same call may succeed later (`retryable`). The errors of an",
    "application's own methods reach their callers as they are. `toPublicJSON()` gives what may leave the process.",
    "",
    "## Kinds",
    "",
    "| class | code unless another is named | retryable | meaning | public message |",
    "| --- | --- | --- | --- | --- |",
    ...kinds.map(({ name, code, retryable, doc, publicMessage }) =>
      row(`\`${name}\``, `\`${code}\``, retryable, doc, publicMessage),
    ),
    "",
    "## Codes",
    "",
    "`…` stands for what is filled in.",
    "",
    "| code | class | package | message |",
    "| --- | --- | --- | --- |",
    ...sortedRows(uses, ({ code, kind, pkg, message }) =>
      row(`\`${code}\``, `\`${kind}\``, `\`${pkg}\``, message),
    ),
    "",
    "## Warnings",
    "",
    'What is wrong without stopping anything is a warning of the process: `process.on("warning", ({ code, message }) => …)`.',
    "",
    "| code | package | message |",
    "| --- | --- | --- |",
    ...sortedRows(warnings, ({ code, pkg, message }) => row(`\`${code}\``, `\`${pkg}\``, message)),
    "",
  ].join("\n");
}

function row(...cells) {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll(/\s*\n\s*/g, " ")).join(" | ")} |`;
}

function sortedRows(entries, format) {
  return [...new Set(entries.map(format))].sort();
}

function sourceFiles(root) {
  return readdirSync(join(root, "packages"))
    .map((name) => join(root, "packages", name, "src"))
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name)))
    .filter((file) => file.endsWith(".ts"))
    .sort();
}

function parse(file) {
  return ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
}

function readKinds(file) {
  return parse(file)
    .statements.filter(ts.isClassDeclaration)
    .map((declaration) => {
      const text = declaration.getText();
      return {
        name: declaration.name.text,
        code: /code: "(\w+)"/.exec(text)[1],
        retryable: /retryable: (true|false)/.exec(text)[1] === "true" ? "yes" : "no",
        publicMessage: /publicMessage = "([^"]+)"/.exec(text)[1],
        doc: ts
          .getJSDocCommentsAndTags(declaration)
          .map(({ comment }) => ts.getTextOfJSDocComment(comment))
          .join(" "),
      };
    });
}

/** Functions that make an error of one kind from options that they are given, such as a code, by name. */
function readMakers(files, kinds) {
  const makers = new Map();
  for (const file of files) {
    for (const declaration of parse(file).statements.filter(ts.isFunctionDeclaration)) {
      // The signature of an overload has no body.
      if (!declaration.body) continue;
      const takesOptions = declaration.parameters.some(({ name }) => name.getText() === "options");
      const made = takesOptions ? find(declaration.body, (node) => kindOf(node, kinds)) : undefined;
      if (made)
        makers.set(declaration.name.text, { kind: kindOf(made, kinds), message: textOf(made.arguments[0]) });
    }
  }
  return makers;
}

/** Every `new KindError(message, { code })` of one file, and every call of what makes one with a code. */
function readUses(file, kinds, makers, root) {
  const pkg = packageOf(file, root);
  const uses = [];
  visitAll(parse(file), (node) => {
    const kind = kindOf(node, kinds);
    if (kind) {
      const [message, options] = node.arguments ?? [];
      const codes = codesIn(options);
      for (const code of codes.length > 0 ? codes : [kind.code])
        uses.push({ code, kind: kind.name, pkg, message: textOf(message) });
    }
    const maker = ts.isCallExpression(node) && makers.get(node.expression.getText());
    if (maker) {
      for (const code of node.arguments.flatMap(codesIn))
        uses.push({ code, kind: maker.kind.name, pkg, message: maker.message });
    }
  });
  return uses;
}

/** Every `process.emitWarning(message, { code })` and `warnOnce(code, message)` of one file. */
function readWarnings(file, root) {
  const pkg = packageOf(file, root);
  const warnings = [];
  visitAll(parse(file), (node) => {
    if (!ts.isCallExpression(node)) return;
    const [first, second] = node.arguments;
    const name = node.expression.getText();
    if (name === "warnOnce") warnings.push({ code: first.text, pkg, message: textOf(second) });
    if (name === "process.emitWarning")
      for (const code of codesIn(second)) warnings.push({ code, pkg, message: textOf(first) });
  });
  return warnings;
}

function packageOf(file, root) {
  return relative(root, file).split("/")[1];
}

function kindOf(node, kinds) {
  return ts.isNewExpression(node) ? kinds.find(({ name }) => name === node.expression.getText()) : undefined;
}

function visitAll(node, see) {
  see(node);
  ts.forEachChild(node, (child) => visitAll(child, see));
}

function find(node, accepts) {
  return accepts(node) ? node : ts.forEachChild(node, (child) => find(child, accepts));
}

/** The literals that the property `code` may have, also where the options are a constant or spread from one. */
function codesIn(options) {
  if (!options) return [];
  if (ts.isSatisfiesExpression(options)) return codesIn(options.expression);
  if (ts.isIdentifier(options)) return codesIn(declarationOf(options.text, options));
  if (!ts.isObjectLiteralExpression(options)) return [];
  return options.properties.flatMap((property) => {
    if (ts.isSpreadAssignment(property)) return codesIn(property.expression);
    return property.name.getText() === "code" ? literalsIn(property.initializer) : [];
  });
}

function literalsIn(node) {
  if (!node) return [];
  if (ts.isStringLiteral(node)) return node.text.startsWith("MLMCP_") ? [node.text] : [];
  if (ts.isTemplateExpression(node)) return [`${node.head.text}…`];
  if (ts.isIdentifier(node)) return literalsIn(declarationOf(node.text, node));
  const found = [];
  ts.forEachChild(node, (child) => void found.push(...literalsIn(child)));
  return found;
}

/** A message with an ellipsis for everything that is filled in. */
function textOf(node) {
  if (!node) return "…";
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join("");
  if (ts.isBinaryExpression(node)) return textOf(node.left) + textOf(node.right);
  if (ts.isParenthesizedExpression(node)) return textOf(node.expression);
  if (ts.isConditionalExpression(node)) return textOf(node.whenTrue);
  if (ts.isIdentifier(node)) {
    const declared = declarationOf(node.text, node);
    if (declared) return textOf(declared);
  }
  return "…";
}

/** The initialiser of a constant in the scopes around a node. */
function declarationOf(name, node) {
  for (let scope = node.parent; scope; scope = scope.parent) {
    if (!ts.isBlock(scope) && !ts.isSourceFile(scope)) continue;
    for (const statement of scope.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      const found = statement.declarationList.declarations.find((each) => each.name.getText() === name);
      if (found) return found.initializer;
    }
  }
  return undefined;
}
