// The page: from the question to the answer.

import * as answers from "./answers.js";
import * as calls from "./calls.js";
import { Board, base64 } from "./picture.js";

const at = (id) => document.getElementById(id);
const { element } = answers;

let model = null; // as `describeModel` says
let running = null; // stops the question that is being answered
let drawn = null; // what is laid over the picture: {picture, answer, maps}
let map = null; // the map that was chosen; "" for none
const board = new Board(at("board"), pictureChanged);

// ---- what is wrong ------------------------------------------------------------------------------

function trouble(message) {
  at("trouble").textContent = message;
  at("trouble").hidden = !message;
}

// Run something, and say what goes wrong in it.
async function attempt(body) {
  try {
    await body();
  } catch (error) {
    if (error.name === "AbortError") return; // another question has taken its place
    at("status").textContent = "";
    if (error.status === 401) {
      at("access").hidden = false;
      at("token").focus();
      trouble(at("token").value ? "The server does not know this token." : "");
      return;
    }
    trouble(error.message || String(error));
  }
}

// ---- models -------------------------------------------------------------------------------------

async function start() {
  const names = await calls.modelNames();
  at("access").hidden = true;
  trouble(names.length ? "" : "The server has no model.");
  at("model").replaceChildren(...names.map((name) => element("option", { value: name }, name)));
  at("model").disabled = !names.length;
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (names.includes(wanted)) at("model").value = wanted;
  if (names.length) await choose();
}

async function choose() {
  forget();
  for (const id of ["picture", "text", "json", "commands"]) at(id).hidden = true;
  model = null;
  at("about").textContent = "";
  const name = at("model").value;
  history.replaceState(null, "", `#${encodeURIComponent(name)}`);
  const found = await calls.describeModel(name);
  if (at("model").value !== name) return; // another one was chosen in the meantime
  model = found;
  at(model.kind).hidden = false;
  const takes = { picture: "It takes a picture", text: "It takes a text", json: "It takes arrays" };
  at("about").textContent = `${takes[model.kind]}. Version ${model.version}.`;
  if (model.kind === "json") {
    at("body").value = calls.skeleton(model);
    at("shape").textContent = `It takes ${calls.shapes(model) || "no input"}.`;
  }
  commands();
  idle();
  if (model.kind === "picture" && !board.empty) ask();
}

// ---- questions ----------------------------------------------------------------------------------

function idle() {
  const what = { picture: "Draw something, or choose a picture.", text: "Type a text and ask." };
  at("status").textContent = what[model?.kind] ?? "Fill in the request and ask.";
}

function forget() {
  running?.abort();
  drawn = null;
  trouble("");
  clearAnswer();
  at("status").textContent = "";
}

function pictureChanged() {
  at("invitation").hidden = true;
  if (model?.kind === "picture") ask();
}

async function ask() {
  if (!model) return;
  const asked = model;
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  trouble("");
  at("status").textContent = "Asking …";
  commands();
  let answered = false;
  await attempt(async () => {
    if (asked.kind === "json") {
      const whole = await calls.askJson(asked, at("body").value, signal);
      answered = true;
      const { outputs, predictions } = whole;
      present(outputs ?? (predictions?.length === 1 ? predictions[0] : predictions), whole);
      return;
    }
    const instance = asked.kind === "text" ? at("words").value : await pictureBytes();
    if (signal.aborted) return;
    const answer = await calls.ask(asked, instance, asked.signature, signal);
    answered = true;
    present(answer, answer);
    if (asked.kind === "picture" && !asked.explains) lay(answer);
    if (!asked.explains) return;
    const seen = await calls.ask(asked, instance, "explain", signal);
    if (asked.kind === "picture") lay(seen);
    else at("aligned").replaceChildren(...answers.alignments(seen));
  });
  if (!answered && !signal.aborted) clearAnswer();
}

function clearAnswer() {
  at("answer").replaceChildren();
  at("aligned").replaceChildren();
  at("looked").hidden = at("whole").hidden = true;
}

async function pictureBytes() {
  const png = await board.png();
  URL.revokeObjectURL(at("save").href);
  at("save").href = URL.createObjectURL(png);
  at("save").hidden = false;
  return { b64: await base64(png) };
}

// ---- answers ------------------------------------------------------------------------------------

function present(answer, whole) {
  at("status").textContent = "";
  at("answer").replaceChildren(...answers.show(answer));
  at("aligned").replaceChildren();
  at("raw").textContent = answers.raw(whole);
  at("whole").hidden = false;
}

function lay(answer) {
  const maps = answers.mapsOf(answer);
  at("looked").hidden = !maps.length;
  if (!maps.length) return;
  drawn = { answer, maps, picture: answers.pictureOf(answer.image) ?? copyOf(board.canvas) };
  const options = [...maps, ["", "only the picture"]];
  at("map").replaceChildren(
    ...options.map(([name, words]) => element("option", { value: name }, words)),
  );
  at("map").value = options.some(([name]) => name === map) ? map : maps[0][0];
  draw();
}

function copyOf(canvas) {
  const copy = element("canvas", { width: canvas.width, height: canvas.height });
  copy.getContext("2d").drawImage(canvas, 0, 0);
  return copy;
}

function draw() {
  if (!drawn) return;
  const name = at("map").value;
  const { picture, answer, maps } = drawn;
  const kinds = answers.overlay(at("seen"), picture, answer, name, Number(at("strength").value));
  at("meaning").textContent = maps.find(([key]) => key === name)?.[2] ?? "";
  at("heat").hidden = !name || name === "boxes";
  at("heat").classList.toggle("kinds", name === "mask");
  const shown = at("map").selectedOptions[0].text;
  at("seen").setAttribute("aria-label", `The picture; over it: ${shown}`);
  at("legend").replaceChildren(
    ...kinds.map(([label, colour]) => {
      const patch = element("i");
      patch.style.background = colour;
      return element("li", {}, patch, label);
    }),
  );
}

// ---- commands -----------------------------------------------------------------------------------

function commands() {
  if (!model) return;
  const asked = [["Its answer:", model.signature]];
  if (model.explains) asked.push(["And where it looked:", "explain"]);
  const shown = asked.map(([words, signature]) => {
    let text;
    if (model.kind === "picture") text = calls.pictureCommand(model, signature);
    else if (model.kind === "text") text = calls.textCommand(model, at("words").value, signature);
    else text = calls.jsonCommand(model, at("body").value);
    return command(words, text);
  });
  at("curls").replaceChildren(...shown);
  at("commands").hidden = false;
}

function command(words, text) {
  const button = element("button", { type: "button" }, "Copy");
  const pre = element("pre", { tabindex: "0" }, text);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(pre); // no clipboard without HTTPS, except on this machine
      button.textContent = "Selected: press Ctrl + C";
    }
    setTimeout(() => (button.textContent = "Copy"), 2500);
  });
  const head = element("div", { class: "row" }, element("p", {}, words), button);
  return element("div", { class: "command" }, head, pre);
}

// ---- what the page listens to -------------------------------------------------------------------

at("access").addEventListener("submit", (event) => {
  event.preventDefault();
  calls.setToken(at("token").value);
  attempt(start);
});
at("model").addEventListener("change", () => attempt(choose));

for (const id of ["text", "json"]) {
  at(id).addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
}
for (const id of ["words", "body"]) {
  at(id).addEventListener("input", commands);
  at(id).addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      ask();
    }
  });
}

function take(file) {
  if (!file) return;
  attempt(async () => {
    try {
      await board.load(file);
    } catch {
      throw new Error(`${file.name} is no picture that this browser can read.`);
    }
  });
}

at("choose").addEventListener("click", () => at("file").click());
at("file").addEventListener("change", () => {
  take(at("file").files[0]);
  at("file").value = ""; // so that the same file can be chosen again
});
at("clear").addEventListener("click", () => {
  board.clear();
  at("invitation").hidden = false;
  at("save").hidden = true;
  forget();
  idle();
});
at("board").addEventListener("pointerdown", () => (at("invitation").hidden = true));

// A picture that misses the frame must not replace the page.
addEventListener("dragover", (event) => {
  event.preventDefault();
  at("drop").classList.toggle("over", at("drop").contains(event.target));
});
addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  if (model?.kind === "picture") take(event.dataTransfer.files[0]);
});
addEventListener("paste", (event) => {
  if (model?.kind === "picture" && event.clipboardData.files.length) {
    take(event.clipboardData.files[0]);
  }
});
at("map").addEventListener("change", () => {
  map = at("map").value;
  draw();
});
at("strength").addEventListener("input", draw);

attempt(start);
