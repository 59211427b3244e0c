import { fragment } from "./say.js";

// If the URL points into a fold, open the fold.
function openPlace() {
  const place = document.getElementById(fragment());
  const fold = place?.closest("details");
  if (!fold || fold.open) return;
  fold.open = true;
  place.scrollIntoView();
}

openPlace();
addEventListener("hashchange", openPlace);

// Datasette 0.65 closes every open <details> on a click outside of it, to close its menus. Keep our folds open.
document.addEventListener(
  "click",
  (event) => {
    const clicked = event.target instanceof Element ? event.target.closest("details.sv-fold") : null;
    const open = [...document.querySelectorAll("details.sv-fold[open]")].filter((fold) => fold !== clicked);
    setTimeout(() => open.forEach((fold) => (fold.open = true)));
  },
  true,
);

// Paper can't be unfolded: print what is in the folds of a conversation.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("main article details.sv-fold:not([open])")];
  for (const fold of opened) fold.open = true;
});
addEventListener("afterprint", () => {
  for (const fold of opened) fold.open = false;
});
