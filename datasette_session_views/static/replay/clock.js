// The time of a replay. What is shown depends only on the moment, so that seeking equals playing. A moment is in
// milliseconds of the replay at speed 1. The sums are those of insight/timing.py; a test compares the two.

const LONGEST = 180_000; // milliseconds that a replay takes at most at the proposed speed

// The lowest of these speeds at which a replay of this length takes three minutes at most; a greater one if none does.
export function proposed(total, speeds) {
  let speed = speeds.find((one) => one >= 1 && total / one <= LONGEST) ?? speeds.at(-1);
  while (total / speed > LONGEST) speed *= 2;
  return speed;
}

// The time that the model took; not known of a call that plays at a steady pace.
function modelTime(scene) {
  return scene.paced ? 0 : scene.run;
}

export class Timeline {
  // `idle`: the longest pause in seconds, or null for pauses as recorded.
  constructor(scenes, idle) {
    this.scenes = scenes;
    this.starts = [];
    this.ends = [];
    this.models = [0]; // model time before each scene, and in total
    this.pauses = [];
    let at = 0;
    for (const scene of scenes) {
      const pause = idle === null ? scene.pause : Math.min(scene.pause, Math.round(idle * 1000));
      this.pauses.push(pause);
      at += pause;
      this.starts.push(at);
      at += scene.run;
      this.ends.push(at);
      this.models.push(this.models.at(-1) + modelTime(scene));
    }
    this.total = at;
  }

  within(moment) {
    return Math.min(Math.max(moment, 0), this.total);
  }

  // The number of scenes that are over, and the part of the next one that is over, or null if it has not begun.
  at(moment) {
    const done = this.over(moment);
    if (done === this.ends.length || moment < this.starts[done]) return { done, part: null };
    return { done, part: (moment - this.starts[done]) / this.scenes[done].run };
  }

  // The number of scenes that are over. Binary search, because a long session has thousands and this runs each frame.
  over(moment) {
    let low = 0;
    let high = this.ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] <= moment) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // The moment that shows the same as a state from another timeline of the same scenes.
  same({ done, part }) {
    if (part !== null) return this.starts[done] + part * this.scenes[done].run;
    return done === 0 ? 0 : this.ends[done - 1];
  }

  modelTime(moment) {
    const { done, part } = this.at(moment);
    return this.models[done] + (part === null ? 0 : part * modelTime(this.scenes[done]));
  }

  // The wall-clock time. It runs faster within a capped pause.
  wall(moment) {
    const { done, part } = this.at(moment);
    const scene = this.scenes[Math.min(done, this.scenes.length - 1)];
    const began = Date.parse(scene.utc);
    if (done === this.scenes.length) return began + scene.run;
    if (part !== null) return began + part * scene.run;
    const left = this.starts[done] - moment;
    return began - (this.pauses[done] ? (left / this.pauses[done]) * scene.pause : 0);
  }
}
