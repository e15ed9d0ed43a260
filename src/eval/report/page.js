"use strict";
(() => {
  // Sorting: a button in every head, numbers by value.
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.querySelector(".hidden")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
        const order = (a, b) => value(a).localeCompare(value(b), "en", { numeric: true });
        const number = (row) => Number(value(row));
        const rows = [...table.tBodies[0].rows];
        const numeric = rows.every((row) => value(row) !== "" && Number.isFinite(number(row)));
        rows.sort(numeric ? (a, b) => number(a) - number(b) : order);
        table.tBodies[0].append(...(down ? rows.reverse() : rows));
      });
    });
  }

  // Filtering: a line of the matrix and its answers together.
  const controls = document.getElementById("controls");
  if (controls) {
    const find = document.getElementById("find");
    const which = document.getElementById("which");
    const lines = [...document.querySelectorAll("tr[data-problem]")].map((row) => {
      const answers = document.getElementById(row.dataset.problem);
      const text = (row.textContent + answers.textContent).toLowerCase();
      return { row, answers, text, wrong: Number(row.dataset.wrong), right: Number(row.dataset.right), different: Number(row.dataset.different) };
    });
    const kinds = {
      all: () => true,
      wrong: (line) => line.wrong > 0,
      // Where nothing was checked, different answers are all that is known.
      split: (line) => line.right > 0 || line.wrong > 0 ? line.right > 0 && line.wrong > 0 : line.different > 1,
      lost: (line) => line.wrong > 0 && line.right === 0,
    };
    const filter = () => {
      const wanted = find.value.toLowerCase();
      let shown = 0;
      for (const line of lines) {
        const fits = kinds[which.value](line) && line.text.includes(wanted);
        line.row.hidden = line.answers.hidden = !fits;
        shown += fits;
      }
      document.getElementById("count").textContent = `${shown} of ${lines.length}`;
    };
    find.addEventListener("input", filter);
    which.addEventListener("change", filter);
    controls.addEventListener("submit", (event) => event.preventDefault());
    controls.hidden = false;
    filter();
  }

  // A link to an answer opens what it is in.
  const open = () => {
    const target = document.getElementById(location.hash.slice(1));
    const around = target && target.closest("details");
    if (around) {
      around.hidden = false;
      around.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", open);
  open();
})();
