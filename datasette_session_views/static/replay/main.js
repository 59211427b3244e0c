// Start the replay, if the page has one.

import { Player } from "./player.js";

const given = document.getElementById("sv-data");
if (given) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  Player.open(given, new URLSearchParams(location.search), still);
}
