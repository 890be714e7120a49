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

for (const input of all("form input[id]:not([type])")) {
  // What a text means, or why it is refused, as soon as it is typed; the plan decides all the same.
  input.addEventListener("change", async () => {
    const field = input.closest(".field");
    let told = field.querySelector(".say");
    if (!told) {
      told = document.createElement("p");
      told.setAttribute("role", "status");
      input.after(told);
    }
    let read = {};
    try {
      read = await (await fetch("/say", { method: "POST", body: new URLSearchParams({ name: input.name, text: input.value }) })).json();
    } catch { /* the server has ended: the form says so when it is sent */ }
    told.className = read.wrong ? "say fault" : "say";
    told.textContent = read.wrong || read.said || "";
    field.querySelector(".fault:not(.say)")?.remove();
    field.classList.toggle("wrong", Boolean(read.wrong));
  });
}

document.querySelector("#faults")?.focus();
