// The messages of each scene: parsed from the page's data when needed, with HTML from the server.

export class Texts {
  constructor(data) {
    this.data = data;
    this.pieces = document.getElementsByClassName("sv-texts");
    this.read = [];
    this.rendered = new Map(); // id of a scene -> its HTML, requested for a stretch of exchanges
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

  // The same as HTML, with null for plain text; undefined until it has arrived.
  html(index) {
    return this.rendered.get(this.data.scenes[index].id);
  }

  async want(index, arrived) {
    const stretch = this.stretches[index];
    if (stretch === undefined || this.asked.has(stretch)) return;
    this.asked.add(stretch);
    try {
      const answer = await fetch(`${this.data.rendered_url}${this.data.first + stretch * this.data.rendered}`);
      if (!answer.ok) return; // keep the plain text
      const { rendered } = await answer.json();
      for (const [id, html] of Object.entries(rendered)) this.rendered.set(id, html);
      arrived();
    } catch {
      this.asked.delete(stretch);
    }
  }
}
