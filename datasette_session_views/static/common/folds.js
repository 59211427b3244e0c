// If the URL points into a fold, open the fold.
const place = location.hash ? document.getElementById(location.hash.slice(1)) : null;
place?.closest("details")?.setAttribute("open", "");

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
