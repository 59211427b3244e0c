// What was said, scene by scene: read from the page's data when it is shown, and rendered as the server does it.

export class Texts {
  constructor(data) {
    this.data = data;
    this.pieces = document.getElementsByClassName("sv-texts");
    this.read = [];
    this.rendered = new Map(); // scene's id: its HTML, from a stretch of exchanges that was asked for
    this.asked = new Set();
    let number = data.first; // an attempt belongs to the exchange before it
    this.stretches = data.scenes.map((scene) => {
      number = scene.number ?? number;
      return Math.floor((number - data.first) / data.rendered);
    });
  }

  // [before, after], each a list of [kind, name, text].
  of(index) {
    const piece = Math.floor(index / this.data.together);
    this.read[piece] ??= JSON.parse(this.pieces[piece].textContent);
    return this.read[piece][index % this.data.together];
  }

  // The same as HTML, null for what is plain text; undefined as long as it has not come.
  html(index) {
    return this.rendered.get(this.data.scenes[index].id);
  }

  async want(index, arrived) {
    const stretch = this.stretches[index];
    if (stretch === undefined || this.asked.has(stretch)) return;
    this.asked.add(stretch);
    try {
      const answer = await fetch(`${this.data.rendered_url}${this.data.first + stretch * this.data.rendered}`);
      if (!answer.ok) return; // it stays the plain text that it is
      const { rendered } = await answer.json();
      for (const [id, html] of Object.entries(rendered)) this.rendered.set(id, html);
      arrived();
    } catch {
      this.asked.delete(stretch);
    }
  }
}
