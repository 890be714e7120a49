// What is nicer with a script and works without: a search, fields that do not count put away, the first fault found at once.
"use strict";
const all = (what) => [...document.querySelectorAll(what)];

const search = document.querySelector("#search");
if (search) {
  search.closest(".search").hidden = false;
  const rows = all("[data-text]");
  const look = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !words.every((word) => row.dataset.text.toLowerCase().includes(word));
    document.querySelector("#found").textContent = words.length ? `${rows.filter((row) => !row.hidden).length} found` : "";
  };
  search.addEventListener("input", look);
  look();
}

const conditional = all("[data-when]");
if (conditional.length) {
  const form = conditional[0].closest("form");
  const chosen = (name) => { const put = form.elements[`choice.${name}`]; return put && (put.disabled ? "" : put.value); };
  const met = ([name, operator, value]) => (chosen(name) === value) === (operator === "==");
  const holds = (one) => one.all.every(met) && (!one.any.length || one.any.some(met));
  const put = () => {
    for (const field of conditional) {
      const away = !JSON.parse(field.dataset.when).some(holds) && !field.classList.contains("wrong");
      field.hidden = away;
      for (const input of field.querySelectorAll("input,select")) input.disabled = away;
    }
  };
  form.addEventListener("change", put);
  put();
}

document.querySelector("#faults")?.focus();
