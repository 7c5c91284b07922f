// What a model answered, for a person. Text comes from the server: it is only ever `textContent`.

const MOST_BARS = 12;
const LONGEST_RAW = 20000;

// Names and numbers that belong together, in the order in which they are looked for.
const PAIRS = [
  ["classes", "probabilities"],
  ["classes", "scores"],
  ["labels", "shares"],
  ["labels", "scores"],
  ["neighbours", "similarities"],
  ["candidates", "scores"],
];
const HEADLINES = ["label", "caption", "phonemes"];
// What is laid over a picture, the most telling first: its name, and what it tells.
const MAPS = {
  mask: ["kind of each pixel", ""],
  boxes: ["objects", ""],
  rollout: ["attention rollout", "The more the network attended to a place, the brighter."],
  grad_cam: ["Grad-CAM", "The more a place speaks for the answer, the brighter."],
  saliency: ["saliency", "The more a pixel could change the answer, the brighter."],
};
// Of the map of colours "inferno", from least to most.
const COLOURS = [
  [0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99],
  [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164],
];
// Of the kinds of things in a mask or of boxes; the first is the background.
const KINDS = [
  "#000000", "#4e9af1", "#f28e2b", "#59c36a", "#e15759", "#b07aa1", "#edc948", "#76d7d2",
  "#ff9da7", "#b58b6c", "#bab0ac",
];

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

const isList = (value, type) =>
  Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === type);

const isMatrix = (value) =>
  Array.isArray(value) && value.length > 0 && value.every((row) => isList(row, "number")) &&
  value.every((row) => row.length === value[0].length);

const asPercent = (value) => `${(100 * value).toFixed(1)} %`;

const asNumber = (value) =>
  typeof value !== "number" || Number.isInteger(value) ? String(value) : value.toPrecision(4);

// ---- the answer ---------------------------------------------------------------------------------

// Elements that show the answer to one instance.
export function show(answer) {
  const named = answer !== null && typeof answer === "object" && !Array.isArray(answer);
  const left = new Map(Object.entries(named ? answer : { answer }));
  const take = (...names) => {
    const values = names.map((name) => left.get(name));
    names.forEach((name) => left.delete(name));
    return values;
  };
  const shown = [];
  const headline = HEADLINES.find((name) => typeof left.get(name) === "string");
  if (headline) {
    const [text] = take(headline);
    const long = text.length > 40 ? "prose" : "label";
    shown.push(element("p", { class: long, id: "label" }, text || "(nothing)"));
  }
  if (typeof left.get("probability") === "number") {
    const [probability] = take("probability");
    const words = `with a probability of ${asPercent(probability)}`;
    shown.push(element("p", { class: "hint" }, words));
  }
  if (typeof left.get("continuation") === "string" && typeof left.get("text") === "string") {
    shown.push(continued(...take("text", "continuation")));
  }
  if (isList(left.get("words"), "string") && isList(left.get("tags"), "string")) {
    shown.push(tagged(...take("words", "tags", "probabilities")));
  }
  for (const [names, numbers] of PAIRS) {
    const fit = isList(left.get(names), "string") && isList(left.get(numbers), "number");
    if (fit && left.get(names).length === left.get(numbers).length) {
      shown.push(bars(...take(names, numbers), names));
    }
  }
  const rest = [...left].filter(([name]) => name !== "boxes" && name !== "mask");
  if (rest.length) shown.push(list(rest));
  return shown;
}

function continued(text, continuation) {
  const begun = text.endsWith(continuation)
    ? text.slice(0, text.length - continuation.length)
    : text;
  const mark = element("mark", {}, continuation);
  return element("p", { class: "prose", id: "label" }, begun, mark);
}

function tagged(words, tags, probabilities) {
  const items = words.flatMap((word, i) => {
    if (word === "") return []; // behind the last one
    const item = element("li", {}, word, element("b", {}, tags[i]));
    const sure = probabilities?.[i];
    if (typeof sure === "number") item.append(element("small", {}, asPercent(sure)));
    return [item];
  });
  return element("ul", { class: "words" }, ...items);
}

function bars(names, values, what) {
  let rows = names.map((name, i) => ({ name, value: values[i] })).filter(({ name }) => name !== "");
  const best = Math.max(...rows.map(({ value }) => value));
  const shares = rows.every(({ value }) => value >= 0 && value <= 1);
  const note = [];
  if (rows.length > MOST_BARS) {
    note.push(element("p", { class: "hint" }, `The first ${MOST_BARS} of ${rows.length}.`));
    rows = rows.toSorted((a, b) => b.value - a.value).slice(0, MOST_BARS);
  }
  const items = rows.map(({ name, value }) => {
    const text = shares && what !== "neighbours" ? asPercent(value) : value.toFixed(3);
    const fill = element("span", { class: "fill" });
    fill.style.width = `${100 * Math.max(0, Math.min(1, value))}%`;
    return element(
      "li",
      value === best ? { class: "best" } : {},
      element("span", { class: "name", title: name }, name),
      element("span", { class: "track", "aria-hidden": "true" }, fill),
      element("span", { class: "value" }, text),
    );
  });
  const long = !shares || what === "candidates" ? " long" : "";
  const listed = element("ul", { class: `bars${long}`, "aria-label": what }, ...items);
  return rows.length ? element("div", {}, listed, ...note) : element("p", {}, "Nothing was found.");
}

function list(entries) {
  const items = entries.flatMap(([name, value]) => [
    element("dt", {}, name),
    element("dd", {}, inWords(value)),
  ]);
  return element("dl", {}, ...items);
}

function inWords(value) {
  if (isList(value, "number")) {
    const first = value.slice(0, 8).map(asNumber).join(", ");
    return value.length > 8 ? `${first}, … (${value.length} numbers)` : first;
  }
  if (Array.isArray(value) && Array.isArray(value[0])) return `a table of ${sizes(value)}`;
  if (isList(value, "string")) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value).slice(0, 300) : asNumber(value);
}

function sizes(value) {
  const found = [];
  for (; Array.isArray(value); value = value[0]) found.push(value.length);
  return found.join(" × ");
}

export function raw(answer) {
  const text = JSON.stringify(answer, null, 1).replace(/\[\s+([^[\]{}]*?)\s+\]/g, (_, inner) =>
    `[${inner.replace(/\s*\n\s*/g, " ")}]`,
  );
  if (text.length <= LONGEST_RAW) return text;
  return `${text.slice(0, LONGEST_RAW)}\n… and ${text.length - LONGEST_RAW} characters more`;
}

// ---- maps of a picture --------------------------------------------------------------------------

// What of an answer can be laid over the picture, the most telling first: [key, name, meaning].
export function mapsOf(answer) {
  if (answer === null || typeof answer !== "object") return [];
  const found = Object.keys(answer).filter((name) =>
    name === "boxes" ? isList(answer.labels, "string") : isMatrix(answer[name]),
  );
  const order = Object.keys(MAPS);
  const place = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
  return found
    .sort((a, b) => place(a) - place(b))
    .map((name) => [name, ...(MAPS[name] ?? [name.replaceAll("_", " "), ""])]);
}

// A canvas with the picture as the network saw it, pixels in 0 … 1, (rows, columns, channels).
export function pictureOf(image) {
  if (!isList(image?.[0]?.[0], "number")) return null;
  return painted(image, (pixel) => {
    const [r, g = r, b = r] = pixel.map((value) => 255 * value);
    return [r, g, b, 255];
  });
}

// Draw a picture and one map of the answer over it; "" for none. Return the kinds it shows.
export function overlay(canvas, picture, answer, name, strength) {
  const scale = Math.max(1, Math.round(560 / picture.width));
  canvas.width = scale * picture.width;
  canvas.height = scale * picture.height;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  if (name === "boxes") return drawBoxes(context, answer);
  if (!name) return [];
  const map = answer[name];
  context.globalAlpha = strength;
  const most = map.reduce((top, row) => Math.max(top, ...row), 1e-12);
  const colour = name === "mask"
    ? (kind) => [...rgb(KINDS[kind % KINDS.length]), kind ? 255 : 0]
    : (weight) => [...heat(weight / most), 255];
  context.drawImage(painted(map, colour), 0, 0, canvas.width, canvas.height);
  if (name !== "mask" || !Array.isArray(answer.labels)) return [];
  const there = new Set(map.flat());
  return answer.labels
    .map((label, i) => [label, KINDS[i % KINDS.length]])
    .filter((_, i) => i > 0 && there.has(i));
}

function drawBoxes(context, answer) {
  const { width, height } = context.canvas;
  const kinds = [...new Set(answer.labels)].filter((label) => label !== "");
  const colourOf = (label) => KINDS[1 + (kinds.indexOf(label) % (KINDS.length - 1))];
  context.lineWidth = Math.max(2, width / 120);
  answer.boxes.forEach(([y0, x0, y1, x1], i) => {
    if (!answer.labels[i]) return; // behind the last one
    context.strokeStyle = colourOf(answer.labels[i]);
    context.strokeRect(x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height);
  });
  return kinds.map((label) => [label, colourOf(label)]);
}

function painted(rows, colour) {
  const canvas = element("canvas", { width: rows[0].length, height: rows.length });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(canvas.width, canvas.height);
  rows.flat().forEach((value, i) => pixels.data.set(colour(value), 4 * i));
  context.putImageData(pixels, 0, 0);
  return canvas;
}

function heat(weight) {
  const place = Math.max(0, Math.min(1, weight)) * (COLOURS.length - 1);
  const i = Math.min(Math.floor(place), COLOURS.length - 2);
  return COLOURS[i].map((from, c) => from + (place - i) * (COLOURS[i + 1][c] - from));
}

function rgb(hex) {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

// ---- alignment of texts -------------------------------------------------------------------------

// A table for each map of which the answer names rows and columns.
export function alignments(answer) {
  const lists = Object.entries(answer ?? {}).filter(([, value]) => isList(value, "string"));
  return Object.entries(answer ?? {}).flatMap(([name, map]) => {
    if (!isMatrix(map)) return [];
    const across = lists.find(([, names]) => names.length === map[0].length);
    const down = lists.find((one) => one !== across && one[1].length === map.length);
    const { letters, phonemes } = answer; // of a word, they can be equally many
    if (name === "alignment" && isList(letters, "string") && isList(phonemes, "string")) {
      return table("letters", letters, "phonemes", phonemes, map);
    }
    return across && down ? table(across[0], across[1], down[0], down[1], map) : [];
  });
}

function table(acrossName, across, downName, down, map) {
  const used = (names) => names.map((name, i) => [name, i]).filter(([name]) => name !== "");
  const columns = used(across);
  const head = columns.map(([name]) => element("th", { scope: "col" }, name));
  const rows = used(down).map(([name, row]) => {
    const cells = columns.map(([letter, column]) => {
      const weight = map[row][column];
      const told = `${name} looked at ${letter}: ${asPercent(weight)}`;
      const mark = element("i");
      mark.style.opacity = Math.max(0, Math.min(1, weight));
      return element("td", { title: told, "aria-label": asPercent(weight) }, mark);
    });
    return element("tr", {}, element("th", { scope: "row" }, name), ...cells);
  });
  const what = `For each of the ${downName}, which ${acrossName}: the stronger, the more.`;
  return [
    element("h3", {}, "Where it looked"),
    element("p", { class: "hint" }, what),
    element(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Where it looked" },
      element(
        "table",
        { class: "alignment" },
        element("thead", {}, element("tr", {}, element("td", { class: "corner" }), ...head)),
        element("tbody", {}, ...rows),
      ),
    ),
  ];
}
