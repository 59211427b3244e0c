// The places to step to: exchanges, messages and events. Each is the index of a scene.

export class Events {
  constructor(data) {
    this.data = data;
    this.messages = data.scenes.map((_, index) => index);
    this.exchanges = this.messages.filter((index) => data.scenes[index].first);
  }

  isChapter(scene) {
    return scene.first && this.data.chapters[scene.number] !== undefined;
  }

  // `kind` is a mark, "chapter" or "any".
  of(kind) {
    return this.messages.filter((index) => {
      const scene = this.data.scenes[index];
      if (kind === "chapter") return this.isChapter(scene);
      if (kind === "any") return scene.marks.length > 0 || this.isChapter(scene);
      return scene.marks.includes(kind);
    });
  }

  // The first scene of an exchange, or -1 if it is not in this part of the session.
  begin(exchange) {
    return this.data.scenes.findIndex((scene) => scene.number === exchange);
  }
}

// The totals after each scene, starting with zero before the first: tokens, cost, tokens saved.
export function totals(scenes) {
  const plus = (sum, value) => (value === null ? sum : (sum ?? 0) + value);
  const sums = [{ input: 0, output: 0, cost: null, saved: null }];
  for (const scene of scenes) {
    const before = sums.at(-1);
    sums.push({
      input: before.input + (scene.input ?? 0),
      output: before.output + (scene.output ?? 0),
      cost: plus(before.cost, scene.cost),
      saved: plus(before.saved, scene.saved),
    });
  }
  return sums;
}
