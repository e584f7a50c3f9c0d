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
  const uses = sourceFiles(root).flatMap((file) => readUses(file, kinds, root));
  const byCode = groupByCode(uses);
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
    ...[...byCode.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([code, places]) => {
        const lines = places.map(({ kind, pkg, message }) =>
          row(`\`${code}\``, `\`${kind}\``, `\`${pkg}\``, message),
        );
        return [...new Set(lines)].sort();
      }),
    "",
  ].join("\n");
}

function row(...cells) {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll(/\s*\n\s*/g, " ")).join(" | ")} |`;
}

function groupByCode(uses) {
  const groups = new Map();
  for (const use of uses) groups.set(use.code, [...(groups.get(use.code) ?? []), use]);
  return groups;
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

/** Every `new KindError(message, { code })` of one file. */
function readUses(file, kinds, root) {
  const source = parse(file);
  const [, pkg] = relative(root, file).split("/");
  const uses = [];
  const visit = (node) => {
    const kind = ts.isNewExpression(node) && kinds.find(({ name }) => name === node.expression.getText());
    if (kind) {
      const [message, options] = node.arguments ?? [];
      const code = codesIn(options);
      for (const each of code.length > 0 ? code : [kind.code]) {
        uses.push({ code: each, kind: kind.name, pkg, message: textOf(message) });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return uses;
}

/** The literals that the property `code` may have. */
function codesIn(options) {
  if (!options || !ts.isObjectLiteralExpression(options)) return [];
  const property = options.properties.find((each) => each.name?.getText() === "code");
  const codes = [];
  const visit = (node) => {
    if (ts.isStringLiteral(node) && node.text.startsWith("MLMCP_")) codes.push(node.text);
    else if (ts.isTemplateExpression(node)) codes.push(`${node.head.text}…`);
    else ts.forEachChild(node, visit);
  };
  if (property) visit(property);
  return codes;
}

/** A message with an ellipsis for everything that is filled in. */
function textOf(node) {
  if (!node) return "…";
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join("");
  if (ts.isBinaryExpression(node)) return textOf(node.left) + textOf(node.right);
  if (ts.isParenthesizedExpression(node)) return textOf(node.expression);
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
