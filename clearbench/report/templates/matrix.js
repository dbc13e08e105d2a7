"use strict";
// One block of figures per matrix: base64 of 16-bit integers (32-bit where ranks need them), 100 times what is shown,
// the least integer where a pair was not measured.
const root = document.documentElement;
const colours = JSON.parse(document.getElementById("colours").textContent);
const significant = Number(root.dataset.significant);
const tip = document.getElementById("tip");
let printing = false;

const dark = () => !printing && (root.dataset.theme ? root.dataset.theme === "dark"
  : matchMedia("(prefers-color-scheme: dark)").matches);

function decode(field, size) {
  if (field === undefined) return null;
  const bytes = Uint8Array.from(atob(field), (letter) => letter.charCodeAt(0));
  const wide = bytes.length === 4 * size;
  if (!wide && bytes.length !== 2 * size) throw new Error("a matrix's figures are damaged");
  const values = wide ? new Int32Array(bytes.buffer) : new Int16Array(bytes.buffer);
  const missing = wide ? -(2 ** 31) : -(2 ** 15);
  return { at: (place) => (values[place] === missing ? null : values[place] / 100) };
}

function readMatrix(element) {
  const matrix = JSON.parse(document.getElementById(element.dataset.matrix).textContent);
  const size = matrix.rows.length * matrix.columns.length;
  for (const field of ["value", "lower", "upper", "p", "base", "other"]) matrix[field] = decode(matrix[field], size);
  return matrix;
}

/* ---- what a cell says ---- */
const sign = (value) => (value > 0 ? "+" : value < 0 ? "\u2212" : "") + Math.abs(value).toFixed(2);
const show = (matrix, value) => (matrix.signed ? sign(value) : value.toFixed(2));

const placeOf = (matrix, row, column) => row * matrix.columns.length + column;

function describe(matrix, row, column) {
  const place = placeOf(matrix, row, column);
  const value = matrix.value.at(place);
  const title = matrix.models ? matrix.columns[column].name : matrix.title;
  const lines = [["b", title], ["", cellName(matrix, row, column)]];
  if (value === null) return [...lines, ["small", "not measured"]];
  lines.push(["figure", `${matrix.quantity} ${show(matrix, value)}`]);
  const lower = matrix.lower.at(place), upper = matrix.upper.at(place);
  if (lower !== null && upper !== null) {
    lines.push(["small", `95% interval ${show(matrix, lower)} to ${show(matrix, upper)}`]);
  }
  if (matrix.base) {
    lines.push(["small", `${matrix.base.at(place).toFixed(2)} \u2192 ${matrix.other.at(place).toFixed(2)}`]);
  }
  const p = probability(matrix, place);
  if (p !== null) lines.push(["small", `corrected p ${p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`}`]);
  const counts = matrix.counts[matrix.counts.length === 1 ? 0 : place];
  if (counts) lines.push(["small", counts]);
  return lines;
}

function probability(matrix, place) { // packed in per cent, so that four decimals are kept
  const percent = matrix.p ? matrix.p.at(place) : null;
  return percent === null ? null : percent / 100;
}

function cellName(matrix, row, column) {
  if (matrix.models) return matrix.rows[row].about;
  return `${matrix.rows[row].name} queries, ${matrix.columns[column].name} passages`;
}

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

for (const table of document.querySelectorAll("table.matrix[data-matrix]")) {
  let matrix = null;
  point(table, (event) => {
    const cell = event.target.closest("tbody td");
    if (!cell) return hideTip();
    matrix = matrix || readMatrix(table);
    showTip(describe(matrix, cell.parentElement.rowIndex - 1, cell.cellIndex - 1), event.clientX, event.clientY);
  }, hideTip);
}
addEventListener("scroll", hideTip, { passive: true });

/* ---- large matrices, drawn on a canvas ---- */
const TIERS = ["high", "mid", "low"];
// Order -> the name of a heading's group, and the rank of the group among others.
const groupings = {
  tier: { name: ({ tier }) => TIERS[tier] || "", rank: ({ tier }) => tier },
  family: { name: ({ family }) => family || "other", rank: ({ family }) => family || "\uffff" },
  script: { name: ({ script }) => script, rank: ({ script }) => script },
};
const groupName = (grouping, heading) => (heading.code === "en" ? "en" : grouping.name(heading));

const heats = [...document.querySelectorAll("canvas[data-matrix]")].map((canvas) => {
  const heat = { canvas, matrix: readMatrix(canvas), over: null };
  arrange(heat, "tier");
  point(canvas, (event) => {
    const [row, column] = cellAt(heat, event.offsetX, event.offsetY);
    const seen = row !== null;
    heat.over = seen ? [row, column] : null;
    draw(heat);
    if (seen) showTip(describe(heat.matrix, heat.rows[row], heat.columns[column]), event.clientX, event.clientY);
    else hideTip();
  }, () => { heat.over = null; draw(heat); hideTip(); });
  return heat;
});

function arrange(heat, order) {
  const matrix = heat.matrix, grouping = groupings[order];
  const mean = (places) => {
    const seen = places.map((place) => matrix.value.at(place)).filter((value) => value !== null);
    return seen.length ? seen.reduce((sum, value) => sum + value, 0) / seen.length : -Infinity;
  };
  const sorted = (headings, placesOf) => {
    const keys = headings.map((heading, index) => [heading.code === "en" ? -1 : 0, grouping ? grouping.rank(heading) : 0,
      order === "code" ? 0 : -mean(placesOf(index)), heading.code]);
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    return headings.map((_, index) => index).sort((one, other) =>
      keys[one].reduce((found, key, at) => found || compare(key, keys[other][at]), 0));
  };
  heat.rows = sorted(matrix.rows, (row) => matrix.columns.map((_, column) => placeOf(matrix, row, column)));
  heat.columns = sorted(matrix.columns, (column) => matrix.rows.map((_, row) => placeOf(matrix, row, column)));
  heat.grouping = grouping || null;
  heat.bounds = !grouping ? null : { rows: groupBounds(grouping, heat.rows, matrix.rows),
    columns: groupBounds(grouping, heat.columns, matrix.columns) };
}
// Where a group ends: before which places of the order.
function groupBounds(grouping, order, headings) {
  const names = order.map((index) => groupName(grouping, headings[index]));
  return names.flatMap((name, at) => (at && name !== names[at - 1] ? [at] : []));
}
// Whether a language has every word of the search; with nothing searched for, all have.
function sought(heat, heading) {
  const text = [heading.code, heading.name, heading.family, heading.script].join(" ").toLowerCase();
  return (heat.words || []).every((word) => text.includes(word));
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
  const { canvas, matrix } = heat;
  const { margin, size } = geometry(heat);
  const theme = dark() ? "dark" : "light";
  const palette = colours[matrix.signed ? "diverging" : "sequential"][theme];
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
  const bright = { rows: matrix.rows.map((heading) => sought(heat, heading)),
    columns: matrix.columns.map((heading) => sought(heat, heading)) };
  heat.rows.forEach((row, r) => heat.columns.forEach((column, c) => {
    const place = placeOf(matrix, row, column), value = matrix.value.at(place);
    if (value === null || (heat.sure && matrix.p && !(probability(matrix, place) < significant))) return;
    const step = 100 * (value - matrix.low) / (matrix.high - matrix.low);
    pen.fillStyle = palette[Math.round(Math.min(Math.max(step, 0), 100))];
    pen.globalAlpha = bright.rows[row] || bright.columns[column] ? 1 : 0.15;
    pen.fillRect(edge(c), edge(r), edge(c + 1) - edge(c) - gap, edge(r + 1) - edge(r) - gap);
  }));
  pen.globalAlpha = 1;
  pen.fillStyle = pen.strokeStyle = ink;
  pen.textBaseline = "middle";
  label(pen, heat, heat.rows.map((row) => matrix.rows[row]), margin, size, false);
  label(pen, heat, heat.columns.map((column) => matrix.columns[column]), margin, size, true);
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
// Languages by code where cells leave room; otherwise those that are sought, or the groups that have room for a name.
function label(pen, heat, headings, margin, size, across) {
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
    headings.forEach(({ code }, at) => write(code, margin + (at + 0.5) * size, Math.min(size - 1, 11)));
  } else if (heat.words && heat.words.length) {
    headings.forEach((heading, at) => { if (sought(heat, heading)) write(heading.code, margin + (at + 0.5) * size, 9); });
  } else if (heat.bounds) {
    const bounds = [0, ...heat.bounds[across ? "columns" : "rows"], headings.length];
    for (let at = 0; at + 1 < bounds.length; at += 1) {
      if ((bounds[at + 1] - bounds[at]) * size < 9 && heat.bounds.rows.length > TIERS.length) continue;
      const text = groupName(heat.grouping, headings[bounds[at]]);
      write(text, margin + (bounds[at] + bounds[at + 1]) / 2 * size, Math.min(11, 52 / text.length + 3));
    }
  }
}
const drawAll = () => heats.forEach(draw);

for (const control of document.querySelectorAll("[data-heats]")) {
  control.addEventListener(control.type === "search" ? "input" : "change", () => {
    const section = control.closest("section");
    for (const heat of heats.filter((one) => section.contains(one.canvas))) {
      if (control.dataset.heats === "order") arrange(heat, control.value);
      if (control.dataset.heats === "words") heat.words = control.value.toLowerCase().split(/\s+/).filter(Boolean);
      if (control.dataset.heats === "size") heat.size = Number(control.value);
      if (control.dataset.heats === "sure") heat.sure = control.checked;
      draw(heat);
    }
  });
}
