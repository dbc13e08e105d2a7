/* ---- tables: sort and filter ---- */
function key(cell) {
  const text = cell.dataset.value === undefined ? cell.textContent.trim() : cell.dataset.value;
  const number = Number(text);
  return text === "" ? null : Number.isNaN(number) ? text.toLowerCase() : number;
}
function compareCells(one, other, direction) {
  if (one === null || other === null) return (one === null) - (other === null);
  if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;
  return direction * (one < other ? -1 : one > other ? 1 : 0);
}
for (const button of document.querySelectorAll("table.data th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th"), table = head.closest("table");
    const ascending = head.getAttribute("aria-sort") === "descending"
      || (!head.hasAttribute("aria-sort") && head.classList.contains("text"));
    for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows].map((row) => [key(row.cells[head.cellIndex]), row]);
    rows.sort((one, other) => compareCells(one[0], other[0], ascending ? 1 : -1));
    table.tBodies[0].append(...rows.map(([, row]) => row));
  });
}
for (const input of document.querySelectorAll("input[data-filter]")) {
  const table = document.getElementById(input.dataset.filter);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
}

/* ---- theme and print ---- */
const remembered = () => { try { return localStorage.getItem("clearbench-theme"); } catch { return null; } };
if (["light", "dark"].includes(remembered())) root.dataset.theme = remembered();
document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = dark() ? "light" : "dark";
  try { localStorage.setItem("clearbench-theme", root.dataset.theme); } catch { /* a page opened from disk may lack it */ }
  drawAll();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
addEventListener("beforeprint", () => {
  printing = true;
  for (const more of document.querySelectorAll("details.more")) more.open = true;
  drawAll();
});
addEventListener("afterprint", () => { printing = false; drawAll(); });
addEventListener("resize", drawAll);
drawAll();
