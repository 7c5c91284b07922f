// A picture to draw on: white on black, as digits are in MNIST, or over a picture of one's own.

const SIDE = 280;
const LONGEST = 1024; // of a picture's sides; no network here looks closer
const STROKE = 1 / 13; // of the picture's longer side

export class Board {
  // `changed` is called after each stroke and each new picture.
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.changed = changed;
    this.pen = null;
    this.clear();
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => this.#up(event));
    }
  }

  clear() {
    this.#resize(SIDE, SIDE);
    this.empty = true;
  }

  // Throws where the file is no picture that the browser knows.
  async load(file) {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
    const size = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(scale * side)));
    this.#resize(...size);
    this.context.drawImage(bitmap, 0, 0, ...size);
    bitmap.close();
    this.empty = false;
    this.changed();
  }

  png() {
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
  }

  #resize(width, height) {
    this.canvas.width = width;
    this.canvas.height = height;
    this.canvas.classList.toggle("small", width < SIDE);
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, width, height);
    this.context.strokeStyle = "#fff";
    this.context.lineCap = this.context.lineJoin = "round";
    this.context.lineWidth = STROKE * Math.max(width, height);
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * this.canvas.width,
      ((event.clientY - box.top) / box.height) * this.canvas.height,
    ];
  }

  #down(event) {
    if (event.button !== 0 || this.pen !== null) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.pen = event.pointerId;
    this.from = this.#at(event);
    this.empty = false;
    this.#line(this.from); // a dot
  }

  #move(event) {
    if (event.pointerId !== this.pen) return;
    const between = event.getCoalescedEvents?.() ?? [];
    for (const point of between.length ? between : [event]) this.#line(this.#at(point));
  }

  #up(event) {
    if (event.pointerId !== this.pen) return;
    this.pen = null;
    this.changed();
  }

  #line(to) {
    this.context.beginPath();
    this.context.moveTo(...this.from);
    this.context.lineTo(...to);
    this.context.stroke();
    this.from = to;
  }
}

export async function base64(blob) {
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
  return url.slice(url.indexOf(",") + 1);
}
