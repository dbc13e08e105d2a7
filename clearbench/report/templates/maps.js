"use strict";
// One block of figures per map, base64 of 16-bit integers: figure x 100 x 100, MISSING where a pair was not measured.
const MISSING = -32768;
const root = document.documentElement;
const colours = JSON.parse(document.getElementById("colours").textContent);
const tip = document.getElementById("tip");
let printing = false;

const dark = () => !printing && (root.dataset.theme ? root.dataset.theme === "dark"
  : matchMedia("(prefers-color-scheme: dark)").matches);

function decode(field, size) {
  if (field === null || field === undefined) return null;
  if (typeof field === "number") return { at: () => field };
  const bytes = Uint8Array.from(atob(field), (letter) => letter.charCodeAt(0));
  const values = new Int16Array(bytes.buffer);
  if (values.length !== size) throw new Error("a map's figures are damaged");
  return { at: (place) => (values[place] === MISSING ? null : values[place] / 100) };
}

function readMap(element) {
  const map = JSON.parse(document.getElementById(element.dataset.map).textContent);
  const size = map.rows.length * map.columns.length;
  for (const key of ["value", "lower", "upper", "p", "base", "other"]) map[key] = decode(map[key], size);
  return map;
}

/* ---- what a cell says ---- */
const sign = (value) => (value > 0 ? "+" : value < 0 ? "\u2212" : "") + Math.abs(value).toFixed(2);
const show = (map, value) => (map.signed ? sign(value) : value.toFixed(2));

function describe(map, row, column) {
  const place = row * map.columns.length + column;
  const value = map.value.at(place);
  const lines = [["b", map.titles ? map.titles[column] : map.title], ["", cellName(map, row, column)]];
  if (value === null) return [...lines, ["small", "not measured"]];
  lines.push(["figure", `${map.unit} ${show(map, value)}`]);
  const lower = map.lower && map.lower.at(place), upper = map.upper && map.upper.at(place);
  if (typeof lower === "number" && typeof upper === "number") {
    lines.push(["small", `95% interval ${show(map, lower)} to ${show(map, upper)}`]);
  }
  if (map.base) lines.push(["small", `${map.base.at(place).toFixed(2)} \u2192 ${map.other.at(place).toFixed(2)}`]);
  const p = probability(map, place);
  if (p !== null) lines.push(["small", `corrected p ${p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`}`]);
  const counts = map.counts && map.counts[map.counts.length === 1 ? 0 : place];
  if (counts) lines.push(["small", counts]);
  return lines;
}

function probability(map, place) { // packed in per cent, so that four decimals are kept
  const percent = map.p ? map.p.at(place) : null;
  return percent === null ? null : percent / 100;
}

function cellName(map, row, column) {
  if (map.places) return map.places[place2(map, row, column)];
  return `${map.names[map.rows[row]]} queries, ${map.names[map.columns[column]]} passages`;
}
const place2 = (map, row, column) => row * map.columns.length + column;

function showTip(lines, x, y) {
  tip.replaceChildren(...lines.map(([kind, text]) => {
    const line = document.createElement(kind === "b" || kind === "small" ? kind : "div");
    if (kind === "figure") line.className = "figure";
    line.textContent = text;
    return line;
  }));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = x + 16 + box.width > innerWidth ? Math.max(x - box.width - 12, 4) : x + 16;
  const top = y + 16 + box.height > innerHeight ? Math.max(y - box.height - 12, 4) : y + 16;
  tip.style.left = `${left}px`;
  tip.style.top = `${top}px`;
}
const hideTip = () => { tip.hidden = true; };

// A finger that is lifted leaves what it showed; the next touch elsewhere, or scrolling, hides it.
function point(element, show, hide) {
  element.addEventListener("pointermove", show);
  element.addEventListener("pointerdown", show);
  element.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") hide(); });
}
addEventListener("pointerdown", hideTip, { capture: true });

for (const table of document.querySelectorAll("table.map[data-map]")) {
  let map = null;
  point(table, (event) => {
    const cell = event.target.closest("tbody td");
    if (!cell) return hideTip();
    map = map || readMap(table);
    showTip(describe(map, cell.parentElement.rowIndex - 1, cell.cellIndex - 1), event.clientX, event.clientY);
  }, hideTip);
}
addEventListener("scroll", hideTip, { passive: true });

/* ---- large maps, drawn on a canvas ---- */
const heats = [...document.querySelectorAll("canvas[data-map]")].map((canvas) => {
  const map = readMap(canvas);
  const heat = { canvas, map, over: null };
  arrange(heat, "tier");
  point(canvas, (event) => {
    const [row, column] = cellAt(heat, event.offsetX, event.offsetY);
    const seen = row !== null;
    heat.over = seen ? [row, column] : null;
    draw(heat);
    if (seen) showTip(describe(map, heat.rows[row], heat.columns[column]), event.clientX, event.clientY);
    else hideTip();
  }, () => { heat.over = null; draw(heat); hideTip(); });
  return heat;
});

function arrange(heat, order) {
  const map = heat.map;
  const mean = (places) => {
    const seen = places.map((place) => map.value.at(place)).filter((value) => value !== null);
    return seen.length ? seen.reduce((sum, value) => sum + value, 0) / seen.length : -Infinity;
  };
  const sorted = (codes, placesOf) => {
    const keys = codes.map((code, index) => [code === "en" ? -1 : 0, order === "tier" ? map.tiers[code] : 0,
      order === "code" ? 0 : -mean(placesOf(index)), code]);
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    return codes.map((_, index) => index).sort((one, other) =>
      keys[one].reduce((found, key, at) => found || compare(key, keys[other][at]), 0));
  };
  heat.rows = sorted(map.rows, (row) => map.columns.map((_, column) => place2(map, row, column)));
  heat.columns = sorted(map.columns, (column) => map.rows.map((_, row) => place2(map, row, column)));
  heat.bounds = order === "tier" ? { rows: steps(heat.rows, map.rows, map), columns: steps(heat.columns, map.columns, map) } : null;
}
function steps(order, codes, map) {
  const tiers = order.map((index) => (codes[index] === "en" ? -1 : map.tiers[codes[index]]));
  return tiers.flatMap((tier, at) => (at && tier !== tiers[at - 1] ? [at] : []));
}

function geometry(heat) {
  const room = heat.canvas.parentElement.parentElement.clientWidth;
  const margin = 44;
  const fitted = (room - margin) / heat.columns.length;
  const size = heat.size || Math.max(fitted, 1);
  return { margin, size };
}
function cellAt(heat, x, y) {
  const { margin, size } = geometry(heat);
  const column = Math.floor((x - margin) / size), row = Math.floor((y - margin) / size);
  const inside = row >= 0 && column >= 0 && row < heat.rows.length && column < heat.columns.length;
  return inside ? [row, column] : [null, null];
}

function draw(heat) {
  const { canvas, map } = heat;
  const { margin, size } = geometry(heat);
  const theme = dark() ? "dark" : "light";
  const palette = colours[map.signed ? "diverging" : "sequential"][theme];
  const ink = getComputedStyle(canvas).color;
  const width = margin + size * heat.columns.length, height = margin + size * heat.rows.length;
  const ratio = printing ? 3 : devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const edge = (place) => Math.round((margin + place * size) * ratio) / ratio;
  const gap = size >= 8 ? 1 : 0;
  heat.rows.forEach((row, r) => heat.columns.forEach((column, c) => {
    const place = place2(map, row, column), value = map.value.at(place);
    if (value === null || (heat.sure && map.p && !(probability(map, place) < map.level))) return;
    const share = map.signed ? 50 + 50 * value / map.range : value;
    pen.fillStyle = palette[Math.round(Math.min(Math.max(share, 0), 100))];
    pen.fillRect(edge(c), edge(r), edge(c + 1) - edge(c) - gap, edge(r + 1) - edge(r) - gap);
  }));
  pen.fillStyle = pen.strokeStyle = ink;
  pen.textBaseline = "middle";
  label(pen, heat, heat.rows.map((row) => map.rows[row]), margin, size, false);
  label(pen, heat, heat.columns.map((column) => map.columns[column]), margin, size, true);
  if (heat.bounds) {
    pen.globalAlpha = 0.55;
    for (const at of heat.bounds.rows) pen.fillRect(margin - 6, edge(at) - 0.5, width - margin + 6, 1);
    for (const at of heat.bounds.columns) pen.fillRect(edge(at) - 0.5, margin - 6, 1, height - margin + 6);
    pen.globalAlpha = 1;
  }
  if (heat.over) {
    const [row, column] = heat.over;
    pen.lineWidth = 1;
    pen.strokeRect(edge(0) - 0.5, edge(row) - 0.5, width - margin, size + 0.5);
    pen.strokeRect(edge(column) - 0.5, edge(0) - 0.5, size + 0.5, height - margin);
  }
}
// Languages by code where cells leave room, otherwise the tiers' names in the margin.
function label(pen, heat, codes, margin, size, across) {
  const write = (text, at, font) => {
    pen.save();
    pen.font = `${font}px Arial, sans-serif`;
    if (across) {
      pen.translate(at, margin - 5);
      pen.rotate(-Math.PI / 2);
    } else {
      pen.translate(margin - 5, at);
      pen.textAlign = "right";
    }
    pen.fillText(text, 0, 0);
    pen.restore();
  };
  if (size >= 8) {
    codes.forEach((code, at) => write(code, margin + (at + 0.5) * size, Math.min(size - 1, 11)));
  } else if (heat.bounds) {
    const bounds = [0, ...heat.bounds[across ? "columns" : "rows"], codes.length];
    for (let at = 0; at + 1 < bounds.length; at += 1) {
      const text = codes[bounds[at]] === "en" ? "en" : ["high", "mid", "low"][heat.map.tiers[codes[bounds[at]]]];
      write(text, margin + (bounds[at] + bounds[at + 1]) / 2 * size, 11);
    }
  }
}
const drawAll = () => heats.forEach(draw);

for (const control of document.querySelectorAll("[data-heats]")) {
  control.addEventListener("change", () => {
    const section = control.closest("section");
    for (const heat of heats.filter((one) => section.contains(one.canvas))) {
      if (control.dataset.heats === "order") arrange(heat, control.value);
      if (control.dataset.heats === "size") heat.size = Number(control.value);
      if (control.dataset.heats === "sure") heat.sure = control.checked;
      draw(heat);
    }
  });
}
