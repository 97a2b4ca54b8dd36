// The page around d3-flame-graph: unpacks the profile, searches, keys, links, table of functions.
"use strict";
(function () {
const profile = JSON.parse(document.getElementById("profile").textContent);
const differential = profile.differential;
const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function count(value) {
  const shown = value * profile.factor;
  return shown.toLocaleString("en-US", { maximumFractionDigits: Math.abs(shown) < 1000 ? 2 : 0 });
}

function percent(part, whole, signed) {
  const value = whole === 0 ? 0 : 100 * part / whole;
  return (signed && value > 0 ? "+" : "") + value.toFixed(2) + "%";
}

// --- the page's parts ----------------------------------------------------------------------------

const input = make("input", { id: "search", type: "search", placeholder: "Search (regex), Ctrl-F", autocomplete: "off", spellcheck: false });
input.setAttribute("aria-label", "Search for a regular expression");
const resetButton = make("button", { id: "unzoom", type: "button", textContent: "Reset zoom", hidden: true });
const flipButton = make("button", { id: "flip", type: "button", textContent: "Icicle", title: "The root on top" });
const tableButton = make("button", { id: "jump", type: "button", textContent: "Functions", title: "To the table of functions" });
const words = make("div", { className: "words" }, make("h1", { textContent: profile.title, title: profile.title }));
if (profile.subtitle) words.append(make("p", { textContent: profile.subtitle }));
const form = make("form", {}, resetButton, flipButton, tableButton, input);
const holder = make("div", { id: "chart", tabIndex: 0 });
const main = make("main", {}, holder);
const details = make("span", { id: "details" });
const matched = make("span", { id: "matched" });
const tip = make("div", { id: "tip" });
document.body.append(make("header", {}, words, form), main, make("div", { id: "bar" }, details, matched), tip);
document.body.style.fontFamily = profile.font;
document.body.style.fontSize = profile.fontSize + "px";
document.body.style.setProperty("--row", profile.frameHeight + "px");
if (profile.background) document.documentElement.style.setProperty("--back", profile.background);

if (profile.parents.length === 0) {
  main.replaceChildren(make("p", { className: "empty", textContent: "There is no valid input: no stack with a count was found." }));
  form.remove();
  return;
}

// --- frames --------------------------------------------------------------------------------------

const frames = profile.parents.map((parent, i) => {
  const name = profile.frames[i];
  return {
    index: i, up: i === 0 ? -1 : parent, name: name < 0 ? "all" : profile.names[name], value: profile.values[i], end: i + 1,
    color: differential ? profile.fills[i] : name < 0 ? "#cdd1d6" : profile.colors[name], children: [], matched: false,
  };
});
for (const frame of frames.slice(1)) frames[frame.up].children.push(frame);
for (let i = frames.length - 1; i > 0; --i) frames[frames[i].up].end = Math.max(frames[frames[i].up].end, frames[i].end);

let zoomed = 0;
let focused = -1;
let term = "";
let inverted = profile.inverted;

const chart = flamegraph.default()
  .cellHeight(profile.frameHeight)
  .minFrameSize(0.4)
  .transitionDuration(reduced ? 0 : 250)
  .sort(false)
  .inverted(inverted)
  .tooltip(Object.assign(function () {}, { show: showTip, hide: hideTip, destroy: hideTip }))
  .setColorMapper((d) => d.data.matched ? getComputedStyle(document.documentElement).getPropertyValue("--match").trim() : d.data.color)
  .setDetailsHandler(() => describe(focused))
  .onHover((d) => describe(d.data.index))
  .onClick((d) => zoomedTo(d.data.index));

function chartWidth() {
  return profile.width || Math.max(holder.clientWidth, 200);
}

function info(index) {
  const frame = frames[index];
  const parts = [count(frame.value) + " " + profile.count, percent(frame.value, profile.total), "self " + percent(profile.selves[index], profile.total)];
  if (zoomed > 0 && index >= zoomed) parts.push(percent(frame.value, frames[zoomed].value) + " of the view");
  if (differential && index > 0) parts.push("change " + percent(profile.changes[index], profile.total, true), "of self " + percent(profile.selfChanges[index], profile.total, true));
  return parts.join(" · ");
}

function describe(index) {
  details.textContent = index < 0 ? "" : (profile.nameType + " " + frames[index].name + " (" + info(index) + ")").trim();
}

function showTip(event, d) {
  tip.replaceChildren(make("b", { textContent: d.data.name }), info(d.data.index));
  tip.style.display = "block";
  tip.style.left = Math.max(4, Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8)) + "px";
  const below = event.clientY + 22 + tip.offsetHeight < innerHeight;
  tip.style.top = (below ? event.clientY + 18 : Math.max(4, event.clientY - tip.offsetHeight - 12)) + "px";
}

function hideTip() {
  tip.style.display = "none";
}

function nodeOf(index) {
  const path = [];
  for (let up = index; up > 0; up = frames[up].up) path.push(up);
  let node = d3.select(holder).datum();
  while (path.length) {
    const wanted = path.pop();
    node = node.children.find((child) => child.data.index === wanted);
  }
  return node;
}

function draw() {
  chart.update();
  decorate();
}

// The library draws the labels; which of them stand on the colour of a match is ours to say.
function decorate() {
  d3.select(holder).selectAll("g").classed("match", (d) => d.data.matched).classed("focus", (d) => d.data.index === focused);
}

function zoomTo(index) {
  chart.zoomTo(nodeOf(index));
}

function zoomedTo(index) {
  zoomed = index;
  resetButton.hidden = zoomed === 0;
  decorate();
  showMatched();
  rememberState();
}

// --- search --------------------------------------------------------------------------------------

// Capital letters in the pattern make it distinguish them.
function pattern(text) {
  return new RegExp(text, /[A-Z]/.test(text.replace(/\\./g, "")) ? "" : "i");
}

function search(text) {
  let expression = null;
  let good = true;
  try {
    expression = text ? pattern(text) : null;
  } catch (error) {
    good = false;
  }
  input.classList.toggle("bad", !good);
  input.title = good ? "" : "not a regular expression yet";
  term = good ? text : "";
  for (const frame of frames) frame.matched = expression !== null && expression.test(frame.name);
  draw();
  filterTable(expression);
  showMatched();
  rememberState();
}

// The share of what is in view that is in a matching frame or has one below it, nothing twice.
function showMatched() {
  const centre = frames[zoomed];
  let sum = 0;
  let hits = 0;
  for (let i = zoomed; i < centre.end; ++i) hits += frames[i].matched ? 1 : 0;
  for (let i = zoomed; i < centre.end;) {
    sum += frames[i].matched ? frames[i].value : 0;
    i = frames[i].matched ? frames[i].end : i + 1;
  }
  for (let up = centre.up; up >= 0; up = frames[up].up) if (frames[up].matched) sum = centre.value;
  const share = 100 * sum / centre.value;
  matched.textContent = term ? "Matched: " + (share === 100 ? "100" : share.toFixed(1)) + "% in " + hits.toLocaleString("en-US") + (hits === 1 ? " frame" : " frames") : "";
}

// --- table of functions ---------------------------------------------------------------------------

const columns = [
  { title: "Self (" + profile.count + ")", value: (row) => row[1], whole: true },
  { title: "Total (" + profile.count + ")", value: (row) => row[2], whole: true },
  ...(differential ? [{ title: "Change of self", value: (row) => row[3], signed: true }, { title: "Change of total", value: (row) => row[4], signed: true }] : []),
  { title: "Function", value: (row) => profile.names[row[0]], text: true },
];
const body = make("tbody", {});
const heads = columns.map((column, i) => {
  const head = make("th", { textContent: column.title, tabIndex: 0, scope: "col" });
  head.addEventListener("click", () => sortBy(i));
  head.addEventListener("keydown", (event) => { if (event.key === "Enter") sortBy(i); });
  return head;
});
const section = make("section", { id: "functions" }, make("h2", { textContent: "Functions" }), make("div", { className: "table" }, make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body)));
document.body.append(section);
let sortedBy = differential ? 2 : 0;
let ascending = false;

function cell(column, row) {
  const value = column.value(row);
  if (column.text) return make("td", { textContent: value });
  const amount = (column.signed && value > 0 ? "+" : "") + count(value);
  const part = make("td", {}, amount, make("span", { className: "percent", textContent: percent(value, profile.total, column.signed) }));
  if (column.signed) part.className = value > 0 ? "more" : value < 0 ? "less" : "";
  if (column.whole) {
    part.className = "share";
    part.style.setProperty("--share", percent(value, profile.total));
  }
  return part;
}

function fillTable() {
  const column = columns[sortedBy];
  const weight = (row) => column.signed ? Math.abs(column.value(row)) : column.value(row);
  const order = column.text ? (a, b) => column.value(a) < column.value(b) ? -1 : 1 : (a, b) => weight(a) - weight(b);
  const rows = [...profile.functions].sort((a, b) => ascending ? order(a, b) : order(b, a));
  body.replaceChildren(...rows.map((row) => {
    const line = make("tr", {}, ...columns.map((entry) => cell(entry, row)));
    line.dataset.name = profile.names[row[0]];
    return line;
  }));
  heads.forEach((head, i) => { head.textContent = columns[i].title + (i === sortedBy ? (ascending ? " ▲" : " ▼") : ""); });
}

function sortBy(index) {
  ascending = index === sortedBy ? !ascending : Boolean(columns[index].text);
  sortedBy = index;
  fillTable();
  filterTable(term ? pattern(term) : null);
}

function filterTable(expression) {
  for (const line of body.children) line.hidden = expression !== null && !expression.test(line.dataset.name);
}

body.addEventListener("click", (event) => {
  const line = event.target.closest("tr");
  if (!line) return;
  input.value = "^" + line.dataset.name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") + "$";
  search(input.value);
  scrollTo({ top: 0, behavior: reduced ? "auto" : "smooth" });
});

// --- links ---------------------------------------------------------------------------------------

// "#f=FRAME&s=PATTERN"; the same behind "?" is understood, too.
function rememberState() {
  const parameters = new URLSearchParams();
  if (zoomed > 0) parameters.set("f", zoomed);
  if (term) parameters.set("s", term);
  const text = parameters.toString();
  try {
    history.replaceState(null, "", location.href.split(/[?#]/)[0] + (text ? "#" + text : ""));
  } catch (error) {
    // A document without an address of its own (srcdoc, blob) has no links.
  }
}

function applyState() {
  const parameters = new URLSearchParams(location.hash.length > 1 ? location.hash.slice(1) : location.search);
  const index = Number(parameters.get("f"));
  const wanted = Number.isInteger(index) && index > 0 && index < frames.length ? index : 0;
  input.value = parameters.get("s") || "";
  search(input.value);
  if (wanted !== zoomed) zoomTo(wanted);
}

// --- keys ----------------------------------------------------------------------------------------

function focusOn(index) {
  focused = index;
  describe(index);
  decorate();
  const group = d3.select(holder).selectAll("g").filter((d) => d.data.index === index).node();
  if (group) group.scrollIntoView({ block: "nearest" });
}

function sibling(index, step) {
  const up = frames[index].up;
  if (up < 0 || index === zoomed) return index;
  const all = frames[up].children;
  const at = all.indexOf(frames[index]) + step;
  return at >= 0 && at < all.length ? all[at].index : index;
}

function moved(key) {
  if (focused < 0) return zoomed;
  if (key === "ArrowLeft") return sibling(focused, -1);
  if (key === "ArrowRight") return sibling(focused, 1);
  if ((key === "ArrowUp") !== inverted) return frames[focused].children.length ? frames[focused].children[0].index : focused;
  return Math.max(frames[focused].up, 0);
}

function escape() {
  if (term || input.value) {
    input.value = "";
    search("");
  } else if (zoomed > 0) {
    zoomTo(0);
  } else {
    focusOn(-1);
  }
  input.blur();
}

document.addEventListener("keydown", (event) => {
  const typing = document.activeElement === input;
  const find = event.key === "F3" || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f");
  const elsewhere = ["BUTTON", "TH"].includes(document.activeElement.tagName);
  // Pressed a second time, Ctrl-F is the browser's.
  if (find ? !typing : event.key === "/" && !typing) {
    event.preventDefault();
    input.focus();
    input.select();
  } else if (event.key === "Escape") {
    event.preventDefault();
    escape();
  } else if (!typing && event.key.startsWith("Arrow") && !event.altKey && !event.ctrlKey) {
    event.preventDefault();
    focusOn(moved(event.key));
  } else if (!typing && !elsewhere && event.key === "Enter" && focused >= 0) {
    event.preventDefault();
    zoomTo(focused);
  }
});

// --- start ---------------------------------------------------------------------------------------

// A flame graph grows upwards: one that is taller than its place is shown from its root.
function showRoot() {
  holder.scrollTop = inverted ? 0 : holder.scrollHeight;
}

function showFlip() {
  flipButton.setAttribute("aria-pressed", inverted);
}

form.addEventListener("submit", (event) => event.preventDefault());
input.addEventListener("input", () => search(input.value));
resetButton.addEventListener("click", () => zoomTo(0));
tableButton.addEventListener("click", () => section.scrollIntoView({ behavior: reduced ? "auto" : "smooth" }));
flipButton.addEventListener("click", () => {
  inverted = !inverted;
  chart.inverted(inverted);
  showFlip();
  draw();
  showRoot();
});
addEventListener("hashchange", applyState);
addEventListener("resize", () => {
  chart.width(chartWidth());
  draw();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

let levels = 0;
for (const frame of frames) {
  frame.depth = frame.up < 0 ? 0 : frames[frame.up].depth + 1;
  levels = Math.max(levels, frame.depth + 1);
}
chart.width(chartWidth()).height(levels * profile.frameHeight + 1);
d3.select(holder).datum(frames[0]).call(chart);
fillTable();
showFlip();
applyState();
showRoot();
})();
