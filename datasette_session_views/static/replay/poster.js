// The poster before the replay begins: how long it is, and a large button that plays it.

import { duration, get, number } from "./words.js";

export class Poster {
  constructor(data, begin) {
    this.data = data;
    get("begin").addEventListener("click", begin);
  }

  // Say how long the replay is, and how long it takes at this speed.
  say(total, speed) {
    const count = this.data.last - this.data.first + 1;
    const long = `${number(count)} exchange${count === 1 ? "" : "s"}, ${duration(total)} long`;
    get("poster-words").textContent = speed === 1 ? long : `${long}. At ${speed}× it takes ${duration(total / speed)}.`;
    get("paced").hidden = !this.data.scenes.some((scene) => scene.paced);
  }

  show(isWanted) {
    get("poster").hidden = !isWanted;
    get("said").parentElement.inert = isWanted; // nobody can tab into what is behind it
  }
}
