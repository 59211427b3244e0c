// Copy buttons for code. The pages also work without this script.
for (const block of document.querySelectorAll(".sv-code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "sv-copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const text = block.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(block.querySelector("code"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = "Selected";
      return;
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  block.append(button);
}

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
