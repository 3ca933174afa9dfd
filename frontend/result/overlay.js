// The canvas over the video on which the page draws skeletons.
import { $ } from "../dom.js";
import { drawPerson } from "./skeleton.js";

const OF_PICTURE = 1 / 220;

/** Returns the size of a video that is scaled down. Same as limited() in poseway/media/resize.py, except beyond 8K. */
function limited({ width, height }, shorter) {
  const least = Math.min(width, height);
  if (!(shorter > 0 && shorter < least)) return { width, height };
  return { width: Math.round((width * shorter) / least), height: Math.round((height * shorter) / least) };
}

export class Overlay {
  #canvas;
  #observer;

  constructor(player, view, { source, options, video_width: width, video_height: height }) {
    Object.assign(this, { player, view, source });
    this.#canvas = $("canvas", player.root);
    // Skeletons are scaled to the unpadded video: one with an odd size is encoded a pixel larger.
    this.made = limited(source, options.max_resolution ?? 0);
    this.padded = { width: width || source.width, height: height || source.height };
    this.fixed = options.line_width ?? null;
    const draw = () => this.draw();
    player.addEventListener("frame", draw);
    view.addEventListener("change", draw);
    player.video.addEventListener("loadedmetadata", draw);
    this.#observer = new ResizeObserver(draw);
    this.#observer.observe(this.#canvas.parentElement);
  }

  /** Aspect ratio of a pixel, width by height; 1 until the video's size is known. */
  get aspect() {
    const { videoWidth, videoHeight } = this.player.video;
    return videoWidth ? (videoWidth * this.padded.height) / (videoHeight * this.padded.width) : 1;
  }

  close() {
    this.#observer.disconnect();
  }

  draw() {
    const { player, view } = this;
    const canvas = this.#canvas;
    const { width, height } = canvas.parentElement.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!view.live || !width) return;
    if (view.mode === "black") {
      context.fillStyle = "#000";
      context.fillRect(0, 0, width, height);
    }
    const place = this.#place(width, height);
    for (const person of player.frame?.people ?? []) {
      if (view.isShown(person.id)) drawPerson(context, person, place, view);
    }
  }

  /** Maps pixels of the source to CSS pixels of a box into which the video is fitted. */
  #place(width, height) {
    const { made, padded, source } = this;
    const shape = (padded.width * this.aspect) / padded.height;
    const high = Math.min(height, width / shape);
    const [left, top] = [(width - high * shape) / 2, (height - high) / 2];
    const across = ((high * shape) / padded.width) * (made.width / source.width);
    const unit = high / padded.height;
    const down = unit * (made.height / source.height);
    return {
      x: (x) => left + (x + 0.5) * across,
      y: (y) => top + (y + 0.5) * down,
      unit,
      widest: Math.max(2, OF_PICTURE * Math.sqrt(made.width * made.height)),
      fixed: this.fixed,
    };
  }
}
