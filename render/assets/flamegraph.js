// The life of a flame graph that fgread's renderer wrote: hover, zoom, search, keys, links.
// Frames stand in #frames, parents before their children. Each has its place in the whole as data-x
// and data-w, in the unit of the weights: exact at any zoom, which coordinates in pixels are not.
"use strict";
(function () {
const svgNs = "http://www.w3.org/2000/svg";
const htmlNs = "http://www.w3.org/1999/xhtml";
const script = document.currentScript;
const svg = script && script.ownerSVGElement ? script.ownerSVGElement : document.documentElement;
const config = svg.dataset;
const pad = Number(config.pad);
const frameHeight = Number(config.frameHeight);
const fontSize = Number(config.fontSize);
const height = Number(svg.getAttribute("height"));
const holder = svg.querySelector("#frames");
const title = svg.querySelector("#title");
const details = svg.querySelector("#details");
const matched = svg.querySelector("#matched");
const head = svg.querySelector("#head");
const foot = svg.querySelector("#foot");
const backgrounds = svg.querySelectorAll(".back");
const fluid = config.fluid === "1";
const inverted = config.inverted === "1";
let width = Number(svg.getAttribute("width"));
let zoomed = 0;
let focused = -1;
let term = "";

// --- text -------------------------------------------------------------------------------------

const pen = document.createElementNS(htmlNs, "canvas").getContext("2d");
const widths = new Map();

function characterWidth(character) {
  let known = widths.get(character);
  if (known === undefined) {
    known = pen.measureText(character).width;
    widths.set(character, known);
  }
  return known;
}

function useFontOf(element) {
  const style = getComputedStyle(element);
  pen.font = style.fontWeight + " " + fontSize + "px " + style.fontFamily;
  widths.clear();
}

function textWidth(text) {
  let sum = 0;
  for (const character of text) sum += characterWidth(character);
  return sum;
}

// As much of `text` as `space` pixels hold; nothing if that is less than two letters.
function fitted(text, space) {
  const dots = characterWidth("…");
  let used = 0;
  let count = 0;
  let end = 0;
  let endWithDots = 0;
  for (const character of text) {
    used += characterWidth(character);
    if (used > space) return count < 3 ? "" : text.slice(0, endWithDots) + "…";
    end += character.length;
    ++count;
    if (used + dots <= space) endWithDots = end;
  }
  return text;
}

// --- frames -----------------------------------------------------------------------------------

const frames = [];
const indexOf = new Map();

function readFrames() {
  const open = [];
  // A copy: the live list counts anew after each change of the document.
  for (const group of [...holder.children]) {
    const rect = group.querySelector("rect");
    const text = group.querySelector("text");
    const label = group.querySelector("title");
    const info = label.textContent;
    // Ours replaces the browser's own, which comes late and covers the frames.
    label.remove();
    const cut = info.lastIndexOf(" (");
    const frame = {
      group, rect, text, name: info.slice(0, cut), info: info.slice(cut + 2, -1),
      x: Number(group.dataset.x), w: Number(group.dataset.w), dark: group.dataset.dark === "1",
      y: Number(rect.getAttribute("y")), end: 0, parent: -1, depth: 0, matched: false, shown: text ? text.textContent : "",
    };
    const outward = (other) => inverted ? other.y < frame.y : other.y > frame.y;
    while (open.length && !outward(frames[open[open.length - 1]])) frames[open.pop()].end = frames.length;
    frame.depth = open.length;
    if (open.length) frame.parent = open[open.length - 1];
    group.setAttribute("aria-label", info);
    indexOf.set(group, frames.length);
    open.push(frames.length);
    frames.push(frame);
  }
  for (const index of open) frames[index].end = frames.length;
}

function frameAt(target) {
  const group = target && target.closest ? target.closest("#frames > g") : null;
  return group && indexOf.has(group) ? indexOf.get(group) : -1;
}

function hide(frame) {
  if (frame.hidden) return;
  frame.hidden = true;
  frame.group.setAttribute("display", "none");
}

function setLabel(frame, left, space) {
  const shown = space < fontSize ? "" : fitted(frame.name, space - 6);
  if (!frame.text) {
    if (!shown) return;
    frame.text = document.createElementNS(svgNs, "text");
    frame.text.setAttribute("y", frame.y + frameHeight / 2 - 0.5 + fontSize * 0.36);
    if (frame.dark) frame.text.setAttribute("class", "light");
    frame.group.appendChild(frame.text);
  }
  if (shown !== frame.shown) frame.text.textContent = frame.shown = shown;
  if (shown) frame.text.setAttribute("x", left + 4);
}

function place(frame, left, space) {
  if (frame.hidden) {
    frame.hidden = false;
    frame.group.removeAttribute("display");
  }
  frame.rect.setAttribute("x", left.toFixed(2));
  frame.rect.setAttribute("width", Math.max(space, 0).toFixed(2));
  setLabel(frame, left, space);
}

// Puts every frame where it belongs for this zoom and width.
function layOut() {
  const centre = frames[zoomed];
  const space = width - 2 * pad;
  const scale = space / centre.w;
  const above = new Set();
  for (let up = centre.parent; up >= 0; up = frames[up].parent) above.add(up);
  for (let i = 0; i < frames.length; ++i) {
    const frame = frames[i];
    frame.group.classList.toggle("parent", above.has(i));
    if (above.has(i)) place(frame, pad, space);
    else if (i < zoomed || i >= centre.end) hide(frame);
    else if (frame.w * scale < 0.05) hide(frame);
    else place(frame, pad + (frame.x - centre.x) * scale, frame.w * scale);
  }
}

// --- zoom -------------------------------------------------------------------------------------

function zoomTo(index) {
  zoomed = index;
  layOut();
  resetButton.hidden = zoomed === 0;
  placeControls();
  showMatched();
  rememberState();
}

// --- search -----------------------------------------------------------------------------------

// Capital letters in the pattern make it distinguish them.
function pattern(text) {
  return new RegExp(text, /[A-Z]/.test(text.replace(/\\./g, "")) ? "" : "i");
}

function search(text) {
  let expression = null;
  let good = true;
  if (text) {
    try {
      expression = pattern(text);
    } catch (error) {
      good = false;
    }
  }
  input.classList.toggle("bad", !good);
  input.title = good ? "" : "not a regular expression yet";
  term = good ? text : "";
  for (const frame of frames) {
    frame.matched = expression !== null && expression.test(frame.name);
    frame.group.classList.toggle("match", frame.matched);
  }
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
    sum += frames[i].matched ? frames[i].w : 0;
    i = frames[i].matched ? frames[i].end : i + 1;
  }
  for (let up = centre.parent; up >= 0; up = frames[up].parent) if (frames[up].matched) sum = centre.w;
  const share = 100 * sum / centre.w;
  matched.textContent = term ? "Matched: " + (share === 100 ? "100" : share.toFixed(1)) + "% in " + hits.toLocaleString("en-US") + (hits === 1 ? " frame" : " frames") : "";
}

// --- what is under the pointer ------------------------------------------------------------------

const tip = document.createElementNS(svgNs, "g");
tip.setAttribute("id", "tip");
tip.setAttribute("display", "none");

function describe(index) {
  const frame = frames[index];
  details.textContent = index < 0 ? "" : fitted((config.nameType + " " + frame.name + " (" + frame.info + ")").trim(), width - 2 * pad - (term ? 190 : 0));
}

function tipLine(text, name, at) {
  const line = document.createElementNS(svgNs, "text");
  line.textContent = text;
  line.setAttribute("x", 9);
  line.setAttribute("y", 6 + (at + 0.85) * fontSize * 1.4);
  if (name) line.setAttribute("class", "name");
  tip.appendChild(line);
  return textWidth(text) * (name ? 1.1 : 1);
}

function tipLines(frame) {
  const perLine = Math.max(20, Math.floor(Math.min(width - 60, 720) / (fontSize * 0.62)));
  const lines = [];
  for (let at = 0; at < frame.name.length && lines.length < 6; at += perLine) lines.push(frame.name.slice(at, at + perLine));
  if (lines.length * perLine < frame.name.length) lines[lines.length - 1] += "…";
  return lines;
}

function showTip(index, event) {
  const frame = frames[index];
  tip.textContent = "";
  const box = document.createElementNS(svgNs, "rect");
  tip.appendChild(box);
  const names = tipLines(frame);
  let across = 0;
  names.forEach((text, i) => { across = Math.max(across, tipLine(text, true, i)); });
  let info = frame.info;
  if (zoomed > 0 && index >= zoomed) info += " · " + (100 * frame.w / frames[zoomed].w).toFixed(2) + "% of the view";
  across = Math.max(across, tipLine(info, false, names.length));
  const down = (names.length + 1) * fontSize * 1.4 + 12;
  box.setAttribute("width", across + 18);
  box.setAttribute("height", down);
  tip.removeAttribute("display");
  const here = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const left = Math.max(4, Math.min(here.x + 12, width - across - 24));
  const below = here.y + 20 + down < height && event.clientY + 20 + down < window.innerHeight;
  tip.setAttribute("transform", "translate(" + left + "," + (below ? here.y + 18 : Math.max(0, here.y - down - 10)) + ")");
}

function hideTip() {
  tip.setAttribute("display", "none");
}

// --- controls: made here, so that a still picture shows none that would not work ----------------

const controls = document.createElementNS(svgNs, "foreignObject");
controls.setAttribute("id", "controls");
const row = document.createElementNS(htmlNs, "div");
const resetButton = document.createElementNS(htmlNs, "button");
resetButton.textContent = "Reset zoom";
resetButton.id = "unzoom";
resetButton.type = "button";
resetButton.hidden = true;
const input = document.createElementNS(htmlNs, "input");
input.id = "search";
input.type = "search";
input.placeholder = "Search (regex), Ctrl-F";
input.setAttribute("aria-label", "Search for a regular expression");
input.autocomplete = "off";
input.spellcheck = false;
row.append(resetButton, input);
controls.appendChild(row);

function placeControls() {
  const space = Math.min(width - 2 * pad, Math.max(width * 0.45, 200));
  controls.setAttribute("x", width - pad - space);
  controls.setAttribute("y", 6);
  controls.setAttribute("width", space);
  controls.setAttribute("height", 30);
  controls.style.fontSize = fontSize + "px";
  controls.style.fontFamily = getComputedStyle(title).fontFamily;
  const room = width - 2 * pad - (resetButton.hidden ? 240 : 340);
  const full = config.title;
  title.textContent = fitted(full, Math.max(room, width - 2 * pad - space) * fontSize / (fontSize + 5) * 0.93);
}

// --- links --------------------------------------------------------------------------------------

// "#x=START&y=DEPTH&s=PATTERN"; the same behind "?" is understood, too.
function state() {
  const parameters = new URLSearchParams(location.hash.length > 1 ? location.hash.slice(1) : location.search);
  return { x: parameters.get("x"), y: parameters.get("y"), s: parameters.get("s") || "" };
}

function rememberState() {
  const parameters = new URLSearchParams();
  if (zoomed > 0) {
    parameters.set("x", frames[zoomed].x);
    parameters.set("y", frames[zoomed].depth);
  }
  if (term) parameters.set("s", term);
  const text = parameters.toString();
  try {
    history.replaceState(null, "", location.href.split(/[?#]/)[0] + (text ? "#" + text : ""));
  } catch (error) {
    // A document without an address of its own (srcdoc, blob) has no links.
  }
}

function applyState() {
  const wanted = state();
  const found = wanted.x === null ? 0 : frames.findIndex((frame) => frame.x === Number(wanted.x) && frame.depth === Number(wanted.y));
  input.value = wanted.s;
  search(wanted.s);
  zoomTo(Math.max(found, 0));
}

// --- keys ---------------------------------------------------------------------------------------

function focusOn(index) {
  if (focused >= 0) frames[focused].group.classList.remove("focus");
  focused = index;
  describe(index);
  if (index < 0) return;
  frames[index].group.classList.add("focus");
  frames[index].rect.scrollIntoView({ block: "nearest" });
}

function firstChild(index) {
  for (let i = index + 1; i < frames[index].end; i = frames[i].end) if (!frames[i].hidden) return i;
  return index;
}

function sibling(index, step) {
  const parent = frames[index].parent;
  if (parent < 0) return index;
  let before = index;
  for (let i = parent + 1; i < frames[parent].end; i = frames[i].end) {
    if (frames[i].hidden) continue;
    if (step < 0 && i === index) return before;
    if (step > 0 && i > index) return i;
    before = i;
  }
  return index;
}

function moved(key) {
  const from = focused >= 0 && !frames[focused].hidden ? focused : -1;
  if (from < 0) return zoomed;
  if (key === "ArrowLeft") return sibling(from, -1);
  if (key === "ArrowRight") return sibling(from, 1);
  if ((key === "ArrowUp") !== inverted) return firstChild(from);
  return Math.max(frames[from].parent, 0);
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

function onKey(event) {
  const typing = document.activeElement === input;
  const find = event.key === "F3" || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f");
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
  } else if (!typing && event.key === "Enter" && document.activeElement !== resetButton && focused >= 0) {
    event.preventDefault();
    zoomTo(focused);
  }
}

// --- start --------------------------------------------------------------------------------------

function useWidth() {
  const root = svg === document.documentElement;
  const wanted = root ? svg.clientWidth || window.innerWidth : svg.parentNode.clientWidth;
  if (!fluid || !wanted || wanted === width) return false;
  width = Math.max(wanted, 240);
  svg.setAttribute("width", width);
  svg.setAttribute("viewBox", "0 0 " + width + " " + height);
  for (const background of backgrounds) background.setAttribute("width", width);
  matched.setAttribute("x", width - pad);
  return true;
}

// What is written above and below the frames stays in view where they do not all fit into the window.
function stayInView() {
  if (svg !== document.documentElement) return;
  const top = window.scrollY;
  head.setAttribute("transform", "translate(0," + Math.max(0, top) + ")");
  foot.setAttribute("transform", "translate(0," + Math.min(0, top + window.innerHeight - height) + ")");
}

// A flame graph grows upwards: one that is taller than the window is shown from its root.
function showRoot() {
  if (svg !== document.documentElement || inverted || height <= window.innerHeight) return;
  window.scrollTo(0, height);
}

function start() {
  readFrames();
  useFontOf(details);
  head.append(controls);
  svg.append(tip);
  holder.setAttribute("tabindex", "0");
  useWidth();
  applyState();
  showRoot();
  stayInView();
  window.addEventListener("scroll", stayInView);
  holder.addEventListener("click", (event) => {
    const index = frameAt(event.target);
    if (index < 0) return;
    hideTip();
    focusOn(index);
    zoomTo(index);
  });
  holder.addEventListener("mousemove", (event) => {
    const index = frameAt(event.target);
    if (index < 0) return;
    describe(index);
    showTip(index, event);
  });
  holder.addEventListener("mouseleave", () => {
    hideTip();
    describe(focused);
  });
  resetButton.addEventListener("click", () => zoomTo(0));
  input.addEventListener("input", () => search(input.value));
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", applyState);
  window.addEventListener("resize", () => {
    stayInView();
    if (!useWidth()) return;
    layOut();
    placeControls();
  });
}

start();
})();
