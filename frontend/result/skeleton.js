// The skeleton and how it is drawn, with the widths and colours of
// services/renderer/poseway_renderer/drawing/skeletons.py.

/** Names of the keypoints, in the order of every keypoint array. */
export const KEYPOINTS =
  ("nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist right_hip right_knee " +
    "right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear left_ear").split(" ");

const LIMBS = [
  [1, 2], [1, 5], [2, 3], [3, 4], [5, 6], [6, 7], [1, 8], [8, 9], [9, 10],
  [1, 11], [11, 12], [12, 13], [1, 0], [0, 14], [14, 16], [0, 15], [15, 17],
];

const COLOURS =
  ("#ff0055 #ff0000 #ff5500 #ffaa00 #ffff00 #aaff00 #55ff00 #00ff00 #00ff55 #00ffaa #00ffff #00aaff #0055ff " +
    "#0000ff #ff00aa #aa00ff #ff00ff #5500ff").split(" ");

// A limb has the body part and the colour of its second keypoint.
const PARTS = "head torso torso arms arms torso arms arms torso legs legs torso legs legs head head head head".split(" ");
const SIDES = KEYPOINTS.map((name) => name.match(/left|right/)?.[0] ?? "middle");
const HEAD = [0, 14, 15, 16, 17];
const NECK = 1;

const DARK = "#141414";
const THINNEST = 2;
const OF_PERSON = 0.025;
const JOINT = 0.8;
const EDGE = 0.3;
const GUESSED = 0.4;
const CROWN = 0.8;
// Consecutive ids are this fraction of the colour circle apart, so that their colours differ clearly.
const GOLDEN = 0.618034;

/** Returns the colour of a person, the same as on the labels of the rendered video. */
export const colourOf = (id) => `hsl(${Math.round(((id * GOLDEN) % 1) * 360)} 87% 61%)`;

/** "left_elbow" -> "Left elbow". */
export const words = (name) => name[0].toUpperCase() + name.slice(1).replace("_", " ");

/** Whether a keypoint has a position, either detected or filled in. */
export const placed = ({ points, filled }, index) => points[3 * index + 2] > 0 || filled.includes(index);

/** Returns the width of a limb in video pixels, for a person of this extent. */
const fitting = (extent, widest) => Math.min(widest, Math.max(THINNEST, OF_PERSON * extent));

/**
 * Draws a person.
 *
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {{id: number, points: Float32Array, filled: number[]}} person
 * @param {{x: Function, y: Function, unit: number, widest: number, fixed: number | null}} place
 *   maps source pixels to the canvas; `unit` is the size of a video pixel on it
 * @param {{parts: Set<string>, width: number, ids: boolean}} view the parts and sides to draw
 */
export function drawPerson(context, person, place, view) {
  const shown = (index) => view.parts.has(PARTS[index]) && view.parts.has(SIDES[index]);
  const there = KEYPOINTS.map((_, index) => placed(person, index));
  const at = KEYPOINTS.map((_, index) => [place.x(person.points[3 * index]), place.y(person.points[3 * index + 1])]);
  const whole = at.filter((_, index) => there[index]);
  if (!whole.length) return;
  const size = extent(whole) / place.unit;
  const width = Math.max(1.25, (place.fixed ?? fitting(size, place.widest)) * place.unit) * view.width;

  const limbs = LIMBS.filter(([from, to]) => there[from] && there[to] && shown(to));
  const joints = KEYPOINTS.map((_, index) => index).filter((index) => person.points[3 * index + 2] > 0 && shown(index));
  for (const edge of [Math.max(0.75, EDGE * width), 0]) {
    for (const [from, to] of limbs) {
      const seen = person.points[3 * from + 2] > 0 && person.points[3 * to + 2] > 0;
      context.strokeStyle = edge ? DARK : COLOURS[to];
      context.lineWidth = (width * (HEAD.includes(from) ? 0.5 : 1) + 2 * edge) * (seen ? 1 : GUESSED);
      context.beginPath();
      context.moveTo(...at[from]);
      context.lineTo(...at[to]);
      context.stroke();
    }
    for (const index of joints) {
      context.fillStyle = edge ? DARK : COLOURS[index];
      context.beginPath();
      context.arc(...at[index], width * JOINT * (HEAD.includes(index) ? 0.6 : 1) + edge, 0, 2 * Math.PI);
      context.fill();
    }
  }
  if (view.ids && (limbs.length || joints.length)) drawLabel(context, person.id, crown(at, there), width);
}

function extent(points) {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return Math.hypot(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
}

/** Returns the top of the head, or the topmost keypoint. */
function crown(at, there) {
  const head = HEAD.filter((index) => there[index]);
  if (!head.length) return at.filter((_, index) => there[index]).reduce((a, b) => (b[1] < a[1] ? b : a));
  const x = head.reduce((sum, index) => sum + at[index][0], 0) / head.length;
  const y = Math.min(...head.map((index) => at[index][1]));
  const rise = there[NECK] ? CROWN * Math.hypot(at[NECK][0] - x, at[NECK][1] - y) : 0;
  return [x, y - rise];
}

/** Draws a person's number on a plate of their colour, moved so that it is fully visible. */
function drawLabel(context, id, [x, y], width) {
  const high = 18;
  context.font = "bold 13px system-ui, sans-serif";
  const wide = context.measureText(id).width + 10;
  const { clientWidth, clientHeight } = context.canvas;
  const left = Math.min(Math.max(x - wide / 2, 0), clientWidth - wide);
  const top = Math.min(Math.max(y - width - high, 0), clientHeight - high);
  context.fillStyle = colourOf(id);
  context.beginPath();
  context.roundRect(left, top, wide, high, 5);
  context.fill();
  context.fillStyle = DARK;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(id, left + wide / 2, top + high / 2 + 1);
}
