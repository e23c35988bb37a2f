// Searches and copies, and opens what an address names; without it the page is complete.
const search = document.querySelector("#search");
const found = document.querySelector("#found");
const entries = [...document.querySelectorAll(".entry")];
const databases = [...document.querySelectorAll(".database")];
const shown = () => entries.filter((entry) => !entry.hidden);

const filter = () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const entry of entries) {
    entry.hidden = !words.every((word) => entry.dataset.words.includes(word));
  }
  for (const database of databases) {
    database.hidden = words.length > 0 && !database.querySelector(".entry:not([hidden])");
    for (const other of database.querySelectorAll(":scope > :not(h2, .entry)")) {
      other.hidden = words.length > 0;
    }
  }
  const all = found.dataset.all;
  found.textContent = words.length ? `${shown().length.toLocaleString("en")} of ${all}` : all;
};

// What is inside a table of a large catalog is text until it is opened
const fill = (entry) => {
  const kept = entry.querySelector('.inside > script[type="text/html"]');
  if (kept) kept.parentElement.innerHTML = kept.textContent;
};

const open = (entry) => {
  fill(entry);
  entry.querySelector("details").open = true;
  entry.scrollIntoView();
  entry.querySelector("summary").focus({ preventScroll: true });
};

const follow = () => {
  let name = location.hash.slice(1);
  try {
    name = decodeURIComponent(name);
  } catch {
    return;
  }
  const entry = document.getElementById(name);
  if (!entry?.classList.contains("entry")) return;
  if (entry.hidden) {
    search.value = "";
    filter();
  }
  open(entry);
};

search.addEventListener("input", filter);
search.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    search.value = "";
    filter();
  } else if (event.key === "Enter" && search.value.trim()) {
    const name = search.value.trim().toLowerCase();
    const exact = (entry) => entry.id === name || entry.id.endsWith(`.${name}`);
    const entry = shown().find(exact) ?? shown()[0];
    event.preventDefault(); // it would press what has the focus next
    if (entry) open(entry);
  }
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  search.focus();
});
window.addEventListener("hashchange", follow);

document.documentElement.classList.add("scripted");
document.addEventListener(
  "toggle",
  (event) => {
    const entry = event.target.parentElement;
    if (event.target.open && entry?.classList.contains("entry")) fill(entry);
  },
  true,
);
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.(".copy");
  if (!button) return;
  const code = button.parentElement.querySelector("pre");
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code); // nothing may be copied here: it is at least chosen
    button.textContent = "Selected";
  }
  setTimeout(() => (button.textContent = "Copy"), 2000);
});

search.value = "";
follow();
