// The marks on the scrubber: each exchange and event, in the colours of the style sheet.

const EDGE = 9; // pixels: half the width of the scrubber's thumb
const HEIGHT = { exchange: 10, tool: 14, chapter: 24 };
const OTHER = 20; // the height of all other marks

export function draw(canvas, timeline, events) {
  const pen = prepared(canvas);
  const colours = getComputedStyle(canvas);
  const width = canvas.clientWidth - 2 * EDGE;
  const put = (index, kind, wide) => {
    const x = EDGE + (width * timeline.starts[index]) / Math.max(1, timeline.total);
    const high = HEIGHT[kind] ?? OTHER;
    pen.fillStyle = colours.getPropertyValue(`--sv-mark-${kind}`) || colours.getPropertyValue("--sv-mark-exchange");
    pen.fillRect(x - wide / 2, (canvas.clientHeight - high) / 2, wide, high);
  };
  for (const index of events.exchanges) put(index, "exchange", 1);
  timeline.scenes.forEach((scene, index) => {
    for (const mark of scene.marks) put(index, mark, 2);
    if (events.isChapter(scene)) put(index, "chapter", 2);
  });
}

// Clear the canvas and match it to the screen's resolution.
function prepared(canvas) {
  const ratio = devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  return pen;
}
