// The API reference for people: what /openapi.yaml says of each operation. It reads the few forms of YAML that our own
// document has, of the parts that are shown.
import { call } from "./api.js";
import { el } from "./dom.js";
import { failure } from "./say.js";

const METHODS = ["get", "put", "post", "patch", "delete"];
const indentOf = (line) => line.length - line.trimStart().length;

/** The text of the member at `lines[at]`: plain, quoted, folded (>) or literal (|). Anchors are kept in `anchors`. */
function textAt(lines, at, anchors) {
  let value = lines[at].slice(lines[at].indexOf(":") + 1).trim();
  const [, anchor] = value.match(/^&(\S+)/) ?? [];
  if (anchor) value = value.slice(anchor.length + 1).trim();
  if (value.startsWith("*")) return anchors.get(value.slice(1)) ?? "";
  let text = value.replace(/^'(.*)'$/, "$1").replace(/^"(.*)"$/, "$1");
  if (/^[>|][+-]?$/.test(value)) {
    const block = [];
    for (let i = at + 1; i < lines.length && (!lines[i].trim() || indentOf(lines[i]) > indentOf(lines[at])); i++) block.push(lines[i].trim());
    const paragraphs = block.join("\n").trim().split(/\n\n+/);
    text = paragraphs.map((one) => one.replaceAll("\n", " ")).join("\n\n");
  }
  if (anchor) anchors.set(anchor, text);
  return text;
}

/** The operations in the order of the document: {method, path, tag, summary, description, statuses}. */
export function readOperations(yaml) {
  const lines = yaml.split("\n");
  const anchors = new Map();
  const operations = [];
  let path = "";
  let operation = null;
  for (let i = lines.indexOf("paths:") + 1; i < lines.length && (!lines[i].trim() || indentOf(lines[i]) > 0); i++) {
    const line = lines[i];
    const name = line.trim().replace(/:.*/s, "");
    if (indentOf(line) === 2 && name.startsWith("/")) path = name;
    else if (indentOf(line) === 4) {
      operation = METHODS.includes(name) ? { method: name.toUpperCase(), path, tag: "", summary: "", description: "", statuses: [] } : null;
      if (operation) operations.push(operation);
    } else if (operation && indentOf(line) === 6 && ["summary", "description"].includes(name)) operation[name] = textAt(lines, i, anchors);
    else if (operation && indentOf(line) === 6 && name === "tags") operation.tag = line.replace(/.*\[(.*)\].*/, "$1");
    else if (operation && indentOf(line) === 8 && /^'\d{3}'$/.test(name)) operation.statuses.push(name.slice(1, -1));
  }
  return operations;
}

/** What the document says of itself. */
function readIntroduction(yaml) {
  const lines = yaml.split("\n");
  return textAt(lines, lines.findIndex((line) => line.startsWith("  description:")), new Map());
}

/** Paragraphs; `code` and **strong** as such. */
function prose(text) {
  const piece = (part) => {
    if (part.startsWith("`")) return el("code", {}, part.slice(1, -1));
    if (part.startsWith("**")) return el("strong", {}, part.slice(2, -2));
    return part;
  };
  return text.split("\n\n").filter(Boolean).map((one) => el("p", {}, one.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map(piece)));
}

function show(operation) {
  return el("section", { class: "operation" },
    el("h3", {}, el("span", { class: "method" }, operation.method), " ", el("code", {}, operation.path)),
    el("p", {}, operation.summary), prose(operation.description),
    operation.statuses.length > 0 && el("dl", {}, el("dt", { class: "quiet" }, "Answers"), el("dd", {}, operation.statuses.join(", "))));
}

async function start() {
  const contents = document.getElementById("contents");
  try {
    const yaml = (await call("GET", "/openapi.yaml", { as: "application/yaml", cache: "no-cache" })).body;
    const operations = readOperations(yaml);
    const tags = [...new Set(operations.map((one) => one.tag))];
    const idOf = (tag) => tag.toLowerCase().replaceAll(" ", "-");
    const places = el("nav", { "aria-label": "Contents" },
      el("ul", { class: "contents" }, tags.map((tag) => el("li", {}, el("a", { href: `#${idOf(tag)}` }, tag)))));
    contents.replaceChildren(places, ...prose(readIntroduction(yaml)),
      ...tags.flatMap((tag) => [el("h2", { id: idOf(tag) }, tag), ...operations.filter((one) => one.tag === tag).map(show)]));
  } catch (error) {
    contents.replaceChildren(failure(error, start));
  }
}

start();
